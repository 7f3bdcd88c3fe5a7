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

// transferDrawer asks whom a call is to be sent on to: another live call by a
// click, or somebody by name, at once or after asking them.
type transferDrawer struct {
	c        *callCard
	live     *fyne.Container
	shown    []liveCall
	entry    *widgets.Entry
	people   *suggestions
	now, ask *widget.Button
	park     *widget.Button // where the account's server can
	trouble  *widgets.Note
	box      *fyne.Container
}

// liveCall is another call that the peer may be connected with.
type liveCall struct {
	id    middleware.SessionID
	title string
}

func newTransferDrawer(c *callCard) *transferDrawer {
	d := &transferDrawer{c: c, live: container.NewVBox(), entry: widgets.NewEntry(), trouble: widgets.NewNote("", fynetheme.ColorNameError)}
	d.entry.SetPlaceHolder(i18n.T("Name, number or address"))
	d.entry.OnSubmitted = func(string) { d.blind() }
	d.entry.OnShortcut = c.w.shortcut
	d.entry.OnKey = func(k fyne.KeyName) bool {
		if k == fyne.KeyEscape {
			c.openTransfer(false)
		}
		return k == fyne.KeyEscape
	}
	d.people = newSuggestions(c.w, d.entry, func() {
		c.relayout()
		d.reveal()
	})
	d.people.except = func(target string) bool { // nobody is sent on to themselves
		s := c.session()
		return s != nil && s.Snapshot().Peer.URI == target
	}
	d.entry.OnChanged = func(text string) {
		d.complain(nil)
		d.people.typed(text)
	}
	d.now = widget.NewButtonWithIcon(i18n.T("Transfer now"), theme.ColoredIcon(icons.Transfer, fynetheme.ColorNameForegroundOnPrimary), d.blind)
	d.now.Importance = widget.HighImportance
	d.ask = widget.NewButtonWithIcon(i18n.T("Ask first"), theme.Icon(icons.Call), d.consult)
	d.park = widget.NewButtonWithIcon(i18n.T("Park the call"), theme.Icon(icons.Hold), d.leave)
	d.park.Alignment = widget.ButtonAlignLeading
	d.trouble.Hide()
	d.park.Hide()
	d.box = container.NewVBox(widgets.NewTitle(i18n.T("Transfer to")), d.live, d.park, d.entry, d.people.box, d.trouble, container.NewGridWithColumns(2, d.now, d.ask))
	d.box.Hide()
	return d
}

// reveal brings as much of the drawer into sight as there is room for, above all
// the field.
func (d *transferDrawer) reveal() {
	d.c.reveal(d.box)
	d.c.reveal(d.box, d.entry)
}

// update lists the other live calls.
func (d *transferDrawer) update(others []liveCall) bool {
	if equal(others, d.shown) {
		return false
	}
	d.shown = others
	d.live.RemoveAll()
	for _, o := range others {
		b := widget.NewButtonWithIcon(i18n.T("%s, in the other call", viewmodel.Short(o.title)), theme.Icon(icons.Transfer), func() { d.attended(o.id) })
		b.Alignment = widget.ButtonAlignLeading
		d.live.Add(b)
	}
	return true
}

func (d *transferDrawer) complain(err error) {
	text := viewmodel.ExplainError(err)
	if d.trouble.Text() == text {
		return
	}
	d.trouble.Set(text)
	d.trouble.Hidden = err == nil
	d.c.relayout()
}

// attended connects the peer with the peer of another call.
func (d *transferDrawer) attended(other middleware.SessionID) {
	if s := d.c.session(); s != nil {
		d.done(s.TransferTo(other))
	}
}

// blind sends the peer on at once.
func (d *transferDrawer) blind() {
	d.people.target(func(target string) {
		if s := d.c.session(); s != nil {
			d.done(s.Transfer(target))
		}
	})
}

// open makes the drawer ready for the call as it is now.
func (d *transferDrawer) open() {
	d.park.Hide()
	s := d.c.session()
	if s == nil {
		return
	}
	if a, err := d.c.w.phone.AccountManager().GetAccount(s.Snapshot().Account); err == nil && a.Settings().ParkCode != "" {
		d.park.Show()
	}
}

// leave parks the call, in the slot that was typed if there is one.
func (d *transferDrawer) leave() {
	if s := d.c.session(); s != nil {
		d.done(s.Park(d.entry.Text))
	}
}

// consult calls whom the person has named, to ask whether the call may be sent on
// to them. This call is put on hold by that.
func (d *transferDrawer) consult() {
	d.people.target(func(target string) {
		s := d.c.session()
		if s == nil {
			return
		}
		first := s.Snapshot()
		account := first.Account
		if account == middleware.BonjourID {
			account = "" // whoever is on this network is called there all the same
		}
		call, err := d.c.w.place(target, account)
		if err == nil {
			d.c.w.consulting[call.ID()] = first.ID
		}
		d.done(err)
	})
}

// done closes the drawer, or says what is wrong.
func (d *transferDrawer) done(err error) {
	if err != nil {
		d.complain(err)
		return
	}
	d.entry.SetText("")
	d.c.openTransfer(false)
	d.c.w.refreshCalls()
}

// consultation returns the call that was to be sent on to the peer of a
// consultation, while both are up.
func (w *Window) consultation(id middleware.SessionID, views []viewmodel.Call) (first viewmodel.Call, ok bool) {
	of, ok := w.consulting[id]
	if !ok {
		return viewmodel.Call{}, false
	}
	for _, v := range views {
		if v.ID == of && v.CanTransfer {
			return v, true
		}
	}
	return viewmodel.Call{}, false
}

// endConsultation connects the two others with each other, or goes back to the
// first one.
func (w *Window) endConsultation(s *middleware.Session, connect bool) {
	first := w.session(w.consulting[s.ID()])
	if first == nil {
		return
	}
	if connect {
		if err := first.TransferTo(s.ID()); err != nil {
			w.note(s.ID(), viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
		}
		return
	}
	delete(w.consulting, s.ID())
	s.End()
	first.Do(session.Unhold)
}

// transferKey opens the drawer of the main call, or closes it.
func (w *Window) transferKey(v viewmodel.Call) {
	if c := w.calls.cards[v.ID]; c != nil && v.CanTransfer {
		c.openTransfer(c.drawer.box.Hidden)
	}
}

// transferFailed says in the card of a call that it stays. What was decided here
// is no news.
func (w *Window) transferFailed(n middleware.SIPSessionTransferDidFail) {
	asked := w.sentOn[n.Session]
	delete(w.sentOn, n.Session)
	if asked && n.Failure.Kind == middleware.Declined {
		return
	}
	w.note(n.Session, viewmodel.TransferFailed(n.Failure))
}
