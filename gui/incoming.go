package gui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/native"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
	"parley/middleware/session"
)

// The size of the incoming-call window for one call.
const (
	incomingWidth  = 360
	incomingHeight = 150
)

// settleTime is how long the window manager gets to look at a new window before
// it may have the focus.
const settleTime = 500 * time.Millisecond

// drawTime is how long the toolkit gets to draw a change.
const drawTime = 60 * time.Millisecond

// incomingWindow is the small window that appears when somebody calls. It never
// takes the focus by itself. Closing it hides it; the call goes on ringing.
type incomingWindow struct {
	w      *Window
	win    fyne.Window
	quiet  *native.Quiet
	box    *fyne.Container
	shown  []middleware.SessionID
	others bool // there are other calls
	cards  []*incomingCard
	hidden map[middleware.SessionID]bool
	up     bool
}

// ring makes the window when the first call comes.
func (w *Window) ring() {
	if w.incoming != nil {
		return
	}
	i := &incomingWindow{w: w, hidden: map[middleware.SessionID]bool{}, box: container.NewGridWithColumns(1)}
	i.win = w.app.NewWindow(i18n.T("Incoming call"))
	i.win.SetCloseIntercept(w.silence)
	i.win.Resize(fyne.NewSize(incomingWidth, incomingHeight))
	i.win.Canvas().SetOnTypedKey(i.key)
	w.addShortcuts(i.win.Canvas())
	i.quiet = native.NewQuiet(i.win, container.NewPadded(i.box))
	w.incoming = i
}

// key answers with Enter and declines with Escape, once the person has clicked
// into the window. What was opened there is closed by Escape first.
func (i *incomingWindow) key(e *fyne.KeyEvent) {
	if len(i.shown) == 0 {
		return
	}
	switch id := i.shown[0]; e.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		i.w.answer(id, false)
	case fyne.KeyEscape:
		if ring := i.cards[0].ring; ring.list.Visible() {
			ring.openList(false)
			return
		}
		i.w.do(id, session.Reject)
	}
}

// silence hides the window for the calls that ring now, and stops their ringing.
func (w *Window) silence() {
	i := w.incoming
	if i == nil {
		return
	}
	for _, id := range i.shown {
		i.hidden[id] = true
		if s, ok := w.phone.SessionManager().Session(id); ok {
			s.Silence()
		}
	}
	w.refreshCalls()
}

// update shows the calls that ring here, each as a card, or hides the window.
func (i *incomingWindow) update(views []viewmodel.Call) {
	var ids []middleware.SessionID
	var list []viewmodel.Call
	for _, v := range views {
		if v.Incoming && !i.hidden[v.ID] {
			ids, list = append(ids, v.ID), append(list, v)
		}
	}
	others := len(views) > 1
	if equal(ids, i.shown) && others == i.others {
		for n, v := range list {
			i.cards[n].update(v)
		}
		return
	}
	i.shown, i.others = ids, others
	if len(ids) == 0 {
		i.up = false
		i.win.Hide()
		return
	}
	i.box.RemoveAll()
	i.cards = i.cards[:0]
	for _, v := range list {
		card := i.newCard(v)
		i.cards = append(i.cards, card)
		i.box.Add(card.card)
	}
	size := i.fit()
	if !i.up {
		i.up = true
		i.quiet.Show(size)
		i.w.door.After(settleTime, i.quiet.Settle)
	}
}

// fit makes the window as high as its cards need.
func (i *incomingWindow) fit() fyne.Size {
	height := float32(0)
	for _, c := range i.cards {
		height += c.card.MinSize().Height + 8
	}
	size := fyne.NewSize(incomingWidth, max(height+16, incomingHeight))
	i.quiet.Resize(size)
	return size
}

// refit is fit for a window that is up. The toolkit lets it become smaller only
// after what was taken out of it has been drawn.
func (i *incomingWindow) refit() {
	i.fit()
	i.w.door.After(drawTime, func() { i.fit() })
}

// incomingCard is one call that rings here.
type incomingCard struct {
	status *widgets.Text
	lines  *widgets.Note
	ring   *ringPanel
	face   *widgets.Photo // of a contact
	card   *widgets.Card
}

func (i *incomingWindow) newCard(v viewmodel.Call) *incomingCard {
	c := &incomingCard{status: widgets.NewText(v.Status, fynetheme.ColorNameWarning), lines: widgets.NewNote("", fynetheme.ColorNamePlaceHolder)}
	c.ring = newRingPanel(i.w, i.win.Canvas(), v.ID, i.others, i.refit)
	title := widgets.NewTitle(v.Title)
	title.SizeName = fynetheme.SizeNameSubHeadingText
	c.face = widgets.NewPhoto(incomingFace)
	i.w.showFace(c.face, v.Title, v.Contact)
	symbol := container.NewHBox(c.face, widget.NewIcon(picture(v.Picture, viewmodel.Notice)))
	head := container.NewBorder(nil, nil, symbol, nil, center(title))
	text := container.NewVBox(c.status, head, widgets.NewCaption(v.Subtitle), c.lines)
	c.card = widgets.NewCard(container.NewBorder(nil, c.ring.box, nil, nil, text), fynetheme.ColorNameWarning)
	c.update(v)
	return c
}

// update shows what changes while it rings.
func (c *incomingCard) update(v viewmodel.Call) {
	c.ring.update(v)
	c.lines.Set(strings.Join(v.Lines, "\n"))
	c.lines.Hidden = len(v.Lines) == 0
}
