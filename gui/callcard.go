package gui

import (
	"strings"

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

// callCard shows one call and what can be done with it.
type callCard struct {
	w    *Window
	win  fyne.Window // that it stands in
	view viewmodel.Call
	face face

	icon           *widget.Icon
	portrait       *widgets.Photo // of a contact
	title, status  *widgets.Text
	below          *widgets.Text // the status of a strip, below the title
	subtitle, lock *widgets.Text
	said           *widgets.Note // what the call says of the peer
	lockIcon       *widget.Icon
	sent           *widgets.Text
	notes          *fyne.Container
	shownNotes     []viewmodel.Banner

	mute, holdTile, keys, move, rec *widgets.Tile
	end                             *widgets.Tile
	info                            *widget.Button
	tiles, stripButtons, ringBox    *fyne.Container
	second                          *fyne.Container // line of address and padlock
	swap, join                      *widget.Button
	waiting                         bool       // there are other calls
	ring                            *ringPanel // nil unless it rings here
	question                        *questionRow
	drawer                          *transferDrawer
	pad, details                    *fyne.Container
	pairs                           []*pairLine // in details
	card                            *widgets.Card
	content                         *fyne.Container
}

func newCallCard(w *Window, win fyne.Window, id middleware.SessionID) *callCard {
	c := &callCard{
		w: w, win: win, icon: widget.NewIcon(nil), title: widgets.NewTitle(""), status: widgets.NewText("", ""),
		below: widgets.NewCaption(""), subtitle: widgets.NewCaption(""), lock: widgets.NewCaption(""), lockIcon: widget.NewIcon(nil),
		sent: widgets.NewCaption(""), notes: container.NewVBox(), ringBox: container.NewVBox(), details: container.NewVBox(),
	}
	c.view.ID = id
	c.lock.Shrinks = false
	c.status.Bold = true
	c.said = widgets.NewNote("", fynetheme.ColorNamePlaceHolder)
	c.sent.Hide()
	c.details.Hide()
	c.notes.Hide()
	c.buildTiles()
	c.swap = widget.NewButtonWithIcon(i18n.T("Swap"), fynetheme.ViewRefreshIcon(), func() { w.do(c.view.ID, session.Unhold) })
	c.join = widget.NewButtonWithIcon(i18n.T("Merge"), theme.Icon(icons.Merge), func() { w.merge(c.view.ID) })
	hangUp := widget.NewButtonWithIcon("", theme.ColoredIcon(icons.HangUp, fynetheme.ColorNameForegroundOnError), c.hangUp)
	hangUp.Importance = widget.DangerImportance
	c.stripButtons = container.NewHBox(c.swap, c.join, hangUp)
	c.pad = widgets.NewDialPad(func(digit rune) { c.digit(digit) })
	c.pad.Hide()
	c.portrait = widgets.NewPhoto(cardFace)
	c.portrait.Hide()
	head := container.NewBorder(nil, nil, container.NewHBox(c.portrait, c.icon), container.NewHBox(container.NewCenter(c.status), c.stripButtons), container.NewVBox(spacer(), c.title, c.below, spacer()))
	c.second = container.NewBorder(nil, nil, nil, container.NewHBox(c.lockIcon, center(c.lock), c.info), center(c.subtitle))
	c.question = newQuestionRow(func(q viewmodel.Question, yes bool) { w.decide(c.view.ID, q.Kind, yes) })
	c.drawer = newTransferDrawer(c)
	// What comes and goes during a call stands below what is pressed, so that no
	// button moves away from under the pointer.
	c.content = container.NewVBox(head, c.second, c.said, c.ringBox, c.tiles, c.question.box, c.drawer.box, c.pad, c.sent, c.notes, c.details)
	c.card = widgets.NewCard(c.content, fynetheme.ColorNameSuccess)
	c.card.OnDouble = w.showCallWindow
	return c
}

// center keeps a line at its own height in the middle of a taller place.
func center(o fyne.CanvasObject) fyne.CanvasObject {
	return container.NewVBox(spacer(), o, spacer())
}

func (c *callCard) buildTiles() {
	w := c.w
	c.mute = widgets.NewTile(icons.Mic, i18n.T("Mute"), w.toggleMute)
	c.holdTile = widgets.NewTile(icons.Hold, i18n.T("Hold"), func() { w.hold(c.view) })
	c.keys = widgets.NewTile(icons.Keypad, i18n.T("Keypad"), c.togglePad)
	c.rec = widgets.NewTile(icons.Record, i18n.T("Record"), func() { w.record(c.view) })
	c.move = widgets.NewTile(icons.Transfer, i18n.T("Transfer"), func() { c.openTransfer(c.drawer.box.Hidden) })
	c.info = widget.NewButtonWithIcon("", fynetheme.InfoIcon(), c.toggleDetails)
	c.info.Importance = widget.LowImportance
	c.end = widgets.NewDangerTile(icons.HangUp, i18n.T("Hang up"), c.hangUp)
	c.tiles = container.NewGridWithColumns(6, c.mute, c.holdTile, c.keys, c.move, c.rec, c.end)
}

// session returns the session of the card while it is going on.
func (c *callCard) session() *middleware.Session { return c.w.session(c.view.ID) }

func (c *callCard) hangUp() { c.w.do(c.view.ID, session.End) }

func (c *callCard) digit(d rune) {
	if s := c.w.session(c.view.ID); s != nil {
		s.SendDTMF(string(d))
	}
}

func (c *callCard) togglePad() {
	c.pad.Hidden = !c.pad.Hidden
	c.keys.SetOn(!c.pad.Hidden, i18n.T("Keypad"))
	c.relayout()
	c.reveal(c.pad)
}

// reveal brings a part of the card into sight, if it is open. Each of the parts
// stands in the one before it.
func (c *callCard) reveal(parts ...fyne.CanvasObject) {
	if c.win != c.w.win || c.w.frame == nil {
		return
	}
	top := c.w.calls.box.Position().Y + c.card.Position().Y + c.content.Position().Y
	var height float32
	for _, o := range parts {
		if !o.Visible() {
			return
		}
		top, height = top+o.Position().Y, o.Size().Height
	}
	c.w.frame.reveal(top, height)
}

// openTransfer opens the drawer for transfers, or closes it.
func (c *callCard) openTransfer(open bool) {
	c.drawer.box.Hidden = !open
	if open {
		c.drawer.open()
	}
	c.move.SetOn(open, i18n.T("Transfer"))
	c.relayout()
	c.drawer.reveal()
	if canvas := c.win.Canvas(); open {
		canvas.Focus(c.drawer.entry)
	} else if canvas.Focused() == c.drawer.entry {
		canvas.Unfocus()
	}
}

func (c *callCard) toggleDetails() {
	c.details.Hidden = !c.details.Hidden
	c.info.Importance = widget.LowImportance
	if !c.details.Hidden {
		c.info.Importance = widget.HighImportance
	}
	c.info.Refresh()
	c.showDetails()
	c.relayout()
}

func (c *callCard) relayout() {
	c.content.Refresh()
	c.card.Refresh()
	c.w.calls.box.Refresh()
	c.w.relayout()
	if c.w.callWin != nil {
		c.w.callWin.fit()
	}
}

// update shows v among all calls.
func (c *callCard) update(v viewmodel.Call, f face, muted bool, all []viewmodel.Call) {
	others := len(all) > 1
	refaced := f != c.face || c.view.Title == "" || others != c.waiting
	if v.Picture != c.view.Picture || v.Tone != c.view.Tone {
		c.icon.SetResource(picture(v.Picture, v.Tone))
		c.card.SetBar(toneColor(v.Tone))
	}
	if v.LockIcon != c.view.LockIcon || v.LockTone != c.view.LockTone {
		c.lockIcon.SetResource(picture(v.LockIcon, v.LockTone))
	}
	said := strings.Join(v.Lines, "\n")
	relined := said != c.said.Text() || len(v.Lock) != len(c.view.Lock) || v.Sent != c.view.Sent || len(v.Status) != len(c.view.Status)
	c.view, c.face, c.waiting = v, f, others
	c.title.Set(v.Title)
	c.w.showFace(c.portrait, v.Title, v.Contact)
	c.subtitle.Set(v.Subtitle)
	c.status.SetColored(v.Status, toneColor(v.Tone))
	c.below.SetColored(v.Status, toneColor(v.Tone))
	c.lock.SetColored(v.Lock, toneColor(v.LockTone))
	c.lockIcon.Hidden = v.Lock == ""
	c.sent.Set(v.Sent)
	c.said.Set(said)
	c.updateTiles(muted)
	changed := c.question.update(c.ask(all))
	changed = c.drawer.update(liveOthers(v.ID, all)) || changed
	if c.showNotes() || refaced || relined || changed {
		c.setFace()
		c.relayout()
	}
	if c.ring != nil {
		c.ring.update(v)
	}
	if !c.details.Hidden {
		c.showDetails()
	}
}

// ask returns what the call asks of the person now.
func (c *callCard) ask(all []viewmodel.Call) viewmodel.Question {
	if first, ok := c.w.consultation(c.view.ID, all); ok && c.view.Question.Kind == viewmodel.NoQuestion {
		return viewmodel.Consulting(c.view, first.Title)
	}
	return c.view.Question
}

// liveOthers are the calls that the peer of the one with that id may be connected
// with.
func liveOthers(id middleware.SessionID, all []viewmodel.Call) []liveCall {
	var list []liveCall
	for _, v := range all {
		if v.ID != id && v.CanTransfer {
			list = append(list, liveCall{v.ID, v.Title})
		}
	}
	return list
}

func (c *callCard) updateTiles(muted bool) {
	v := c.view
	c.mute.SetOn(muted, muteWord(muted))
	word := i18n.T("Hold")
	if v.Held {
		word = i18n.T("Resume")
	}
	c.holdTile.SetOn(v.Held, word)
	c.holdTile.SetEnabled(v.CanHold)
	c.keys.SetEnabled(v.CanKeys)
	c.move.SetEnabled(v.CanTransfer)
	if !v.CanTransfer && !c.drawer.box.Hidden {
		c.openTransfer(false)
	}
	word = i18n.T("Record")
	if v.Recording {
		word = i18n.T("Stop rec.")
	}
	c.rec.SetOn(v.Recording, word)
	c.rec.SetEnabled(v.CanRecord)
	c.end.SetEnabled(v.CanEnd)
}

// setFace shows the parts of the card that belong to its face.
func (c *callCard) setFace() {
	c.tiles.Hidden = c.face != full
	c.stripButtons.Hidden = c.face != strip
	c.swap.Hidden = !c.view.Held
	c.join.Hidden = !c.view.CanMerge
	c.info.Hidden = c.face != full
	c.status.Hidden, c.below.Hidden = c.face == strip, c.face != strip
	c.second.Hidden = c.face == strip
	c.said.Hidden = c.face == strip || len(c.view.Lines) == 0
	c.sent.Hidden = c.face != full || c.view.Sent == ""
	if c.face != full {
		c.pad.Hide()
		c.details.Hide()
		c.drawer.box.Hide()
		c.keys.SetOn(false, i18n.T("Keypad"))
		c.move.SetOn(false, i18n.T("Transfer"))
		c.info.Importance = widget.LowImportance
	}
	c.ringBox.RemoveAll()
	c.ring = nil
	if c.face == ringing {
		c.ring = newRingPanel(c.w, c.win.Canvas(), c.view.ID, c.waiting, c.relayout)
		c.ringBox.Add(c.ring.box)
	}
	c.ringBox.Hidden = c.face != ringing
}

// showNotes shows the banners of the call and reports whether they changed.
func (c *callCard) showNotes() bool {
	list := c.view.Banners
	if equal(list, c.shownNotes) {
		return false
	}
	c.shownNotes = list
	c.notes.RemoveAll()
	for _, b := range list {
		text := widget.NewLabel(b.Text)
		text.Wrapping = fyne.TextWrapWord
		c.notes.Add(container.NewBorder(nil, nil, widget.NewIcon(bannerIcon(b.Tone)), nil, text))
	}
	c.notes.Hidden = len(list) == 0
	return true
}

// showDetails lists what is measured on the call.
func (c *callCard) showDetails() {
	s := c.w.session(c.view.ID)
	if s == nil || c.details.Hidden {
		return
	}
	st := s.Stats()
	pairs := viewmodel.CallDetails(s.Snapshot(), viewmodel.Quality{
		Codec: st.Codec, Received: st.PacketsReceived, Lost: st.Lost, Jitter: st.Jitter, RTT: st.RTT,
		Buffer: st.BufferDelay, RemotePercent: 100 * st.RemoteFraction,
	})
	if len(c.pairs) != len(pairs) {
		c.details.RemoveAll()
		c.pairs = nil
		for range pairs {
			l := newPairLine()
			c.pairs = append(c.pairs, l)
			c.details.Add(l.box)
		}
		defer c.relayout()
	}
	for i, p := range pairs {
		c.pairs[i].name.Set(p.Name)
		c.pairs[i].value.Set(p.Value)
	}
}

// pairLine is a name and its value on one line.
type pairLine struct {
	name, value *widgets.Text
	box         *fyne.Container
}

func newPairLine() *pairLine {
	l := &pairLine{name: widgets.NewCaption(""), value: widgets.NewCaption("")}
	l.value.Color = fynetheme.ColorNameForeground
	l.box = container.New(columns{96}, l.name, l.value)
	return l
}

// columns lays out two objects: the first with a fixed width, the second with
// the rest.
type columns struct{ first float32 }

// MinSize is called by the toolkit.
func (l columns) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(l.first+o[1].MinSize().Width, max(o[0].MinSize().Height, o[1].MinSize().Height))
}

// Layout is called by the toolkit.
func (l columns) Layout(o []fyne.CanvasObject, size fyne.Size) {
	o[0].Resize(fyne.NewSize(l.first-6, size.Height))
	o[1].Move(fyne.NewPos(l.first, 0))
	o[1].Resize(fyne.NewSize(size.Width-l.first, size.Height))
}
