package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
)

// header is the top line: account, own status, menu.
type header struct {
	w       *Window
	account *widgets.Chip
	status  *widgets.Chip
	menu    *widget.Button
	box     *fyne.Container
}

func newHeader(w *Window) *header {
	h := &header{w: w}
	h.account = widgets.NewChip(h.showAccounts)
	h.status = widgets.NewChip(func() { w.popUp(h.statusMenu(), h.status) })
	h.status.KeepWidth()
	h.menu = widget.NewButtonWithIcon("", fynetheme.MoreVerticalIcon(), func() { w.popUp(w.mainMenu(), h.menu) })
	h.menu.Importance = widget.LowImportance
	right := container.NewHBox(h.status, h.menu)
	h.box = container.NewBorder(nil, nil, nil, right, h.account)
	return h
}

func (h *header) update(w *Window) {
	chip := viewmodel.NewChip(w.accounts())
	h.account.Set(toneColor(chip.Tone), chip.Label, chip.Word)
	status := w.phone.UserStatus()
	h.status.Set(toneColor(viewmodel.StatusTone(status)), viewmodel.StatusWord(status), "")
}

// accounts returns the views of all accounts in the order shown, the local
// network last.
func (w *Window) accounts() []viewmodel.Account {
	now := w.opts.Now()
	var list []viewmodel.Account
	for _, a := range w.phone.AccountManager().Snapshots() {
		list = append(list, viewmodel.NewAccount(a, now))
	}
	return append(list, viewmodel.NewNetworkAccount(w.network().Snapshot(), w.network().Enabled()))
}

// showAccounts opens a list of all accounts with state, reason and switch below
// the chip; a click on one opens it.
func (h *header) showAccounts() {
	w := h.w
	c := w.win.Canvas()
	list := container.NewVBox()
	pop := widget.NewPopUp(container.NewPadded(list), c)
	then := func(do func()) func() {
		return func() {
			pop.Hide()
			do()
		}
	}
	for _, a := range w.accounts() {
		row := widgets.NewChip(then(func() { w.showAccount(a.ID) }))
		row.Plain()
		row.Set(toneColor(a.Tone), a.Label, a.Word)
		on := checkField(i18n.T("On"), a.Enabled, func(on bool) { then(func() { w.enableAccount(a.ID, on) })() })
		list.Add(container.NewBorder(nil, nil, nil, on, row))
		if a.Reason != "" && a.Tone == viewmodel.Bad {
			list.Add(container.NewBorder(nil, nil, container.New(columns{22}, spacer(), spacer()), nil, hint(a.Reason)))
		}
	}
	if len(list.Objects) > 0 {
		list.Add(widget.NewSeparator())
	}
	add := widget.NewButtonWithIcon(i18n.T("Add account…"), fynetheme.ContentAddIcon(), then(func() { w.showAccount("") }))
	manage := widget.NewButtonWithIcon(i18n.T("Manage accounts…"), theme.Icon(icons.Settings), then(func() { w.showPreferences(pageAccounts) }))
	for _, b := range []*widget.Button{add, manage} {
		b.Importance, b.Alignment = widget.LowImportance, widget.ButtonAlignLeading
		list.Add(b)
	}
	pop.Resize(fyne.NewSize(min(340, c.Size().Width-16), 0))
	pop.Resize(fyne.NewSize(min(340, c.Size().Width-16), pop.MinSize().Height))
	at := w.app.Driver().AbsolutePositionForObject(h.account)
	pop.ShowAtPosition(at.AddXY(0, h.account.Size().Height))
}

// enableAccount turns an account on or off.
func (w *Window) enableAccount(id string, on bool) {
	if id == middleware.BonjourID {
		w.enableNetwork(on)
		return
	}
	w.attempt(func() error {
		return w.phone.AccountManager().ChangeAccount(id, func(s *middleware.AccountSettings) error { s.Enabled = on; return nil })
	})
}

// statusMenu chooses the person's own status.
func (h *header) statusMenu() *fyne.Menu {
	w := h.w
	var items []*fyne.MenuItem
	for _, s := range middleware.UserStatuses() {
		item := fyne.NewMenuItem(viewmodel.StatusWord(s), func() { w.setStatus(s) })
		item.Icon = theme.ColoredIcon(icons.Dot, toneColor(viewmodel.StatusTone(s)))
		item.Checked = s == w.phone.UserStatus()
		items = append(items, item)
	}
	return fyne.NewMenu("", items...)
}

// popUp shows a menu below an object.
func (w *Window) popUp(m *fyne.Menu, below fyne.CanvasObject) {
	c := w.app.Driver().CanvasForObject(below)
	if c == nil {
		return
	}
	at := w.app.Driver().AbsolutePositionForObject(below)
	widget.ShowPopUpMenuAtPosition(m, c, at.AddXY(0, below.Size().Height))
}

// spacer pushes what follows to the end of a line.
func spacer() fyne.CanvasObject { return layout.NewSpacer() }
