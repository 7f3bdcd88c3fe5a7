package gui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
)

// accountsPage lists the accounts with their state; one of them can be edited.
type accountsPage struct {
	p     *preferences
	list  *fyne.Container
	shown []viewmodel.Account
	box   *fyne.Container
	form  *accountForm // nil unless an account is edited
	net   *networkForm // nil unless the local network is edited
}

func newAccountsPage(p *preferences) *accountsPage {
	a := &accountsPage{p: p, list: container.NewVBox(), box: container.NewStack()}
	a.showList()
	return a
}

// showAccount opens the form of an account; an empty id is a new one.
func (w *Window) showAccount(id string) {
	w.showPreferences(pageAccounts)
	w.prefs.accounts.edit(id)
}

func (a *accountsPage) showList() {
	a.p.newForm()
	a.form, a.net, a.shown = nil, nil, nil
	add := widget.NewButtonWithIcon(i18n.T("Add account"), fynetheme.ContentAddIcon(), func() { a.edit("") })
	add.Importance = widget.HighImportance
	head := container.NewBorder(nil, nil, nil, add, center(heading(pageAccounts.word())))
	a.box.Objects = []fyne.CanvasObject{container.NewBorder(head, nil, nil, nil, scrolled(a.list))}
	a.update()
	a.box.Refresh()
}

// edit opens the form.
func (a *accountsPage) edit(id string) {
	a.p.newForm()
	a.form, a.net = nil, nil
	if id == middleware.BonjourID {
		a.net = newNetworkForm(a)
		a.net.update(a.p.w.accounts())
		a.box.Objects = []fyne.CanvasObject{a.net.box}
	} else {
		a.form = newAccountForm(a, id)
		a.box.Objects = []fyne.CanvasObject{a.form.box}
	}
	a.box.Refresh()
}

// update shows the state of the accounts.
func (a *accountsPage) update() {
	list := a.p.w.accounts()
	if a.net != nil {
		a.net.update(list)
	}
	if a.form != nil || a.net != nil || equal(list, a.shown) {
		return
	}
	a.shown = list
	a.list.RemoveAll()
	if len(list) == 1 {
		a.list.Add(hint(i18n.T("No account yet. With one you can call numbers and people on the Internet, and be called. Your provider or your company's telephone system gives you an address such as alice@example.org and a password.")))
	}
	for _, v := range list {
		if v.Network {
			a.list.Add(a.networkCard(v))
		} else {
			a.list.Add(a.card(v))
		}
	}
	a.list.Refresh()
}

// card is one account of the list.
func (a *accountsPage) card(v viewmodel.Account) fyne.CanvasObject {
	w := a.p.w
	title := widgets.NewTitle(v.Label)
	state := widgets.NewText(v.Word, toneColor(v.Tone))
	if v.Default {
		state.Set(i18n.T("%s · used for calls out", v.Word))
	}
	on := checkField(i18n.T("On"), v.Enabled, func(on bool) {
		a.change(v.ID, func(s *middleware.AccountSettings) { s.Enabled = on })
	})
	edit := widget.NewButtonWithIcon(i18n.T("Edit"), fynetheme.DocumentCreateIcon(), func() { a.edit(v.ID) })
	var more *widget.Button
	more = widget.NewButtonWithIcon("", fynetheme.MoreVerticalIcon(), func() { w.popUp(a.menu(v), more) })
	more.Importance = widget.LowImportance
	head := container.NewBorder(nil, nil, widgets.NewDot(toneColor(v.Tone)), container.NewHBox(on, edit, more),
		center(container.NewVBox(title, state)))
	lines := container.NewVBox(head)
	if v.Reason != "" {
		lines.Add(hint(v.Reason))
	}
	if v.Login {
		lines.Add(a.login(v))
	}
	return widgets.NewCard(lines, toneColor(v.Tone))
}

func (a *accountsPage) menu(v viewmodel.Account) *fyne.Menu {
	w := a.p.w
	items := []*fyne.MenuItem{fyne.NewMenuItem(i18n.T("Use for calls out"), func() { a.makeDefault(v.ID) })}
	items[0].Checked = v.Default
	if v.CanRetry {
		items = append(items, fyne.NewMenuItem(i18n.T("Try again now"), func() { w.reregister(v.ID) }))
	}
	if v.Facts != "" {
		items = append(items, fyne.NewMenuItem(i18n.T("Copy details"), func() { w.app.Clipboard().SetContent(v.Facts) }))
	}
	items = append(items, fyne.NewMenuItemSeparator(), fyne.NewMenuItem(i18n.T("Remove…"), func() { a.remove(v.ID) }))
	return fyne.NewMenu("", items...)
}

func (w *Window) reregister(id string) {
	if acc, err := w.phone.AccountManager().GetAccount(id); err == nil {
		acc.Reregister()
	}
}

// login asks for the password where the server has refused the one there is.
func (a *accountsPage) login(v viewmodel.Account) fyne.CanvasObject {
	password := widgets.NewPasswordEntry()
	password.SetPlaceHolder(i18n.T("Password"))
	send := func() {
		if password.Text == "" {
			return
		}
		text := password.Text
		a.do(func(ctx context.Context, m *middleware.AccountManager) error { return m.SetPassword(ctx, v.ID, text) })
	}
	password.OnSubmitted = func(string) { send() }
	button := widget.NewButtonWithIcon(i18n.T("Log in"), theme.ColoredIcon(icons.LockClosed, fynetheme.ColorNameForegroundOnPrimary), send)
	button.Importance = widget.HighImportance
	return container.NewVBox(widgets.NewText(i18n.T("Login failed"), fynetheme.ColorNameError),
		container.NewBorder(nil, nil, nil, button, password))
}

// do runs a command on the accounts away from the window's thread and shows its
// error.
func (a *accountsPage) do(f func(context.Context, *middleware.AccountManager) error) {
	a.p.w.door.Do(func(ctx context.Context) func() {
		err := f(ctx, a.p.w.phone.AccountManager())
		return func() {
			a.p.complain(err)
			a.p.w.refresh()
		}
	})
}

func (a *accountsPage) change(id string, f func(*middleware.AccountSettings)) {
	a.do(func(_ context.Context, m *middleware.AccountManager) error {
		return m.ChangeAccount(id, func(s *middleware.AccountSettings) error { f(s); return nil })
	})
}

func (a *accountsPage) makeDefault(id string) {
	a.do(func(_ context.Context, m *middleware.AccountManager) error { return m.SetDefaultAccount(id) })
}

func (a *accountsPage) remove(id string) {
	d := dialog.NewConfirm(i18n.T("Remove account?"), i18n.T("%s and its password are deleted from this computer.", id), func(yes bool) {
		if yes {
			a.do(func(ctx context.Context, m *middleware.AccountManager) error { return m.RemoveAccount(ctx, id) })
			a.showList()
		}
	}, a.p.win)
	d.SetConfirmText(i18n.T("Remove"))
	d.SetDismissText(i18n.T("Keep"))
	d.Show()
}
