package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
	"parley/middleware/session"
)

// callsPanel shows every call as a card: the one that is spoken to in full, the
// others as strips. It stands at the top of the main window and fills the call
// window.
type callsPanel struct {
	w     *Window
	win   fyne.Window // that it stands in
	cards map[middleware.SessionID]*callCard
	past  map[middleware.SessionID]*widgets.Card
	conf  *conferenceCard
	box   *fyne.Container
}

func newCallsPanel(w *Window, win fyne.Window) *callsPanel {
	p := &callsPanel{w: w, win: win, cards: map[middleware.SessionID]*callCard{}, past: map[middleware.SessionID]*widgets.Card{}}
	p.box = container.NewVBox()
	p.box.Hide()
	return p
}

// update shows these calls, those that are joined as one, and those that have
// just ended.
func (p *callsPanel) update(views []viewmodel.Call, ended []viewmodel.Ended, muted bool) {
	var order []fyne.CanvasObject
	there, past := map[middleware.SessionID]bool{}, map[middleware.SessionID]bool{}
	main := mainCall(views)
	conference := viewmodel.NewConference(p.w.phone.SessionManager().Conference(), views, p.w.opts.Now())
	if len(conference.Members) > 0 {
		if p.conf == nil {
			p.conf = newConferenceCard(p.w)
		}
		p.conf.update(conference, muted)
		order = append(order, p.conf.card)
	}
	for _, v := range views {
		if v.Conference {
			continue
		}
		card := p.cards[v.ID]
		if card == nil {
			card = newCallCard(p.w, p.win, v.ID)
			p.cards[v.ID] = card
		}
		card.update(v, faceOf(v, main), muted, views)
		order, there[v.ID] = append(order, card.card), true
	}
	for _, e := range ended {
		if p.past[e.ID] == nil {
			p.past[e.ID] = p.endedCard(e)
		}
		order, past[e.ID] = append(order, p.past[e.ID]), true
	}
	for id := range p.cards {
		if !there[id] {
			delete(p.cards, id)
		}
	}
	for id := range p.past {
		if !past[id] {
			delete(p.past, id)
		}
	}
	if !equal(order, p.box.Objects) {
		p.box.Objects = order
		p.box.Hidden = len(order) == 0
		p.box.Refresh()
		p.w.relayout()
	}
}

// mainCall is the call that is shown in full: the one spoken to, else one being
// made, else the last one on hold.
func mainCall(views []viewmodel.Call) middleware.SessionID {
	var chosen middleware.SessionID
	for _, v := range views {
		switch {
		case v.Talking:
			return v.ID
		case !v.Incoming:
			chosen = v.ID
		}
	}
	return chosen
}

// face is how a card shows its call.
type face uint8

const (
	full face = iota
	strip
	ringing
)

func faceOf(v viewmodel.Call, main middleware.SessionID) face {
	switch {
	case v.Incoming:
		return ringing
	case v.ID == main:
		return full
	}
	return strip
}

// endedCard says for a moment why a call ended.
func (p *callsPanel) endedCard(e viewmodel.Ended) *widgets.Card {
	w := p.w
	title := widgets.NewTitle(e.Title)
	text := paragraph(e.Text)
	again := widget.NewButtonWithIcon(i18n.T("Call again"), theme.Icon(icons.Call), func() {
		w.dropEnded(e.ID)
		w.call(e.Target)
	})
	copied := widget.NewButtonWithIcon(i18n.T("Copy details"), fynetheme.ContentCopyIcon(), func() { w.app.Clipboard().SetContent(e.Facts) })
	buttons := container.NewBorder(nil, nil, nil, copied, again)
	if e.Target == "" {
		again.Hide()
	}
	icon := widget.NewIcon(picture(viewmodel.PictureHangUp, e.Tone))
	contact := widget.NewButtonWithIcon(i18n.T("Contact…"), theme.Icon(icons.Contacts), func() { w.editAddress(e.Title, e.Target) })
	contact.Importance = widget.LowImportance
	contact.Hidden = e.Target == "" || e.Target == middleware.EchoTarget
	head := container.NewBorder(nil, nil, icon, contact, center(title))
	return widgets.NewCard(container.NewVBox(head, text, buttons), toneColor(e.Tone))
}

// session returns the session of a card while it is going on.
func (w *Window) session(id middleware.SessionID) *middleware.Session {
	s, _ := w.phone.SessionManager().Session(id)
	return s
}

// do gives a command to a session, unless it is over.
func (w *Window) do(id middleware.SessionID, in session.Input) {
	if s := w.session(id); s != nil {
		s.Do(in)
	}
}

// answer takes a call. The others go on hold, or are ended.
func (w *Window) answer(id middleware.SessionID, endOthers bool) {
	if endOthers {
		for _, s := range w.phone.SessionManager().Sessions() {
			if s.ID() != id && s.Snapshot().State() != session.Incoming {
				s.End()
			}
		}
	}
	w.do(id, session.Accept)
}

// busy turns a call away so that other phones of the person go on ringing.
func (w *Window) busy(id middleware.SessionID) {
	if s := w.session(id); s != nil {
		s.Reject(true)
	}
}

// hold puts a call on hold, or takes it out of it; with it go those that it is
// joined with.
func (w *Window) hold(v viewmodel.Call) {
	if v.Conference {
		w.holdConference()
		return
	}
	in := session.Hold
	if v.Held {
		in = session.Unhold
	}
	w.do(v.ID, in)
}

// record starts or stops recording a call.
func (w *Window) record(v viewmodel.Call) {
	if v.Conference {
		w.recordConference()
		return
	}
	in := session.StartRecording
	if v.Recording {
		in = session.StopRecording
	}
	w.do(v.ID, in)
}
