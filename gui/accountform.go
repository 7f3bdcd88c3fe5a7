package gui

import (
	"context"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/widgets"
	"parley/middleware"
)

// accountForm edits one account. Only the address is needed; all else has a
// good default and a way back to it.
type accountForm struct {
	a        *accountsPage
	id       string // empty: a new account
	draft    middleware.AccountSettings
	password *widgets.Entry
	save     *widget.Button
	box      *fyne.Container
}

func newAccountForm(a *accountsPage, id string) *accountForm {
	f := &accountForm{a: a, id: id, draft: middleware.NewAccountSettings(id)}
	title := i18n.T("New account")
	if acc, err := a.p.w.phone.AccountManager().GetAccount(id); err == nil && id != "" {
		f.draft, title = acc.Settings(), id
	}
	back := widget.NewButtonWithIcon("", fynetheme.NavigateBackIcon(), a.showList)
	back.Importance = widget.LowImportance
	f.save = widget.NewButtonWithIcon(i18n.T("Save"), fynetheme.ConfirmIcon(), f.submit)
	f.save.Importance = widget.HighImportance
	cancel := widget.NewButton(i18n.T("Cancel"), a.showList)
	tabs := container.NewAppTabs(
		container.NewTabItem(i18n.T("Account"), scrolled(f.accountTab())),
		container.NewTabItem(i18n.T("Server"), scrolled(f.serverTab())),
		container.NewTabItem(i18n.T("Sound"), scrolled(f.soundTab())),
	)
	head := container.NewBorder(nil, nil, back, nil, center(heading(title)))
	foot := container.NewHBox(spacer(), cancel, f.save)
	f.box = container.NewBorder(head, foot, nil, nil, tabs)
	return f
}

func (f *accountForm) accountTab() fyne.CanvasObject {
	d := &f.draft
	box := container.NewVBox()
	f.password = widgets.NewPasswordEntry()
	f.password.OnSubmitted = func(string) { f.submit() }
	if f.id == "" {
		address := widgets.NewEntry()
		address.SetPlaceHolder(i18n.T("alice@example.org"))
		address.OnChanged = func(v string) { d.ID = v }
		address.OnSubmitted = func(string) { f.submit() }
		box.Add(field(i18n.T("SIP address"), address, nil))
	} else {
		f.password.SetPlaceHolder(i18n.T("unchanged"))
	}
	box.Add(field(i18n.T("Password"), f.password, nil))
	box.Add(hint(i18n.T("Kept in the password store of this computer.")))
	box.Add(textField(i18n.T("Your name, as others see it"), d.DisplayName, "", "", func(v string) { d.DisplayName = v }))
	box.Add(textField(i18n.T("User name for logging in, if it differs from the address"), d.AuthUser, "", "", func(v string) { d.AuthUser = v }))
	return box
}

func (f *accountForm) serverTab() fyne.CanvasObject {
	d, std := &f.draft, middleware.NewAccountSettings("")
	return container.NewVBox(
		textField(i18n.T("Outbound proxy"), d.Proxy, "", i18n.T("none: the address's own server"), func(v string) { d.Proxy = v }),
		choiceField(i18n.T("Connection"), transports(), d.Transport, std.Transport, func(v string) { d.Transport = v }),
		choiceField(i18n.T("Register again every"), expiryTimes(d.Expires), seconds(d.Expires), seconds(std.Expires), func(v string) { d.Expires = fromSeconds(v) }),
		checkField(i18n.T("Register with the server, so that calls arrive"), d.Registration, func(on bool) { d.Registration = on }),
	)
}

func (f *accountForm) soundTab() fyne.CanvasObject {
	d, std := &f.draft, middleware.NewAccountSettings("")
	ptime := strconv.Itoa(int(d.PacketTime / time.Millisecond))
	return container.NewVBox(
		choiceField(i18n.T("Encryption of calls"), encryptions(), d.SRTP, std.SRTP, func(v string) { d.SRTP = v }),
		checkField(i18n.T("Send keys even where the connection to the server is not encrypted"), d.SRTPInClear, func(on bool) { d.SRTPInClear = on }),
		choiceField(i18n.T("Send digits"), digitModes(), d.DTMF, std.DTMF, func(v string) { d.DTMF = v }),
		choiceField(i18n.T("Sound per packet"), packetTimes(), ptime, "0", func(v string) {
			if n, err := strconv.Atoi(v); err == nil {
				d.PacketTime = time.Duration(n) * time.Millisecond
			}
		}),
		codecField(i18n.T("Codecs, the preferred one first"), f.a.p.w.phone.Settings().Audio.Codecs, d.Codecs, true, func(list []string) { d.Codecs = list }),
	)
}

// submit saves the form and goes back to the list, or says what is wrong.
func (f *accountForm) submit() {
	f.save.Disable()
	w, draft, password := f.a.p.w, f.draft, f.password.Text
	w.door.Do(func(ctx context.Context) func() {
		err := f.store(ctx, w.phone.AccountManager(), draft, password)
		return func() {
			f.save.Enable()
			f.a.p.complain(err)
			if err == nil {
				f.a.showList()
			}
			w.refresh()
		}
	})
}

// store blocks for the disk and the password store.
func (f *accountForm) store(ctx context.Context, m *middleware.AccountManager, draft middleware.AccountSettings, password string) error {
	if f.id == "" {
		_, err := m.AddAccount(ctx, draft, password)
		return err
	}
	err := m.ChangeAccount(f.id, func(s *middleware.AccountSettings) error {
		*s = draft
		return nil
	})
	if err != nil || password == "" {
		return err
	}
	return m.SetPassword(ctx, f.id, password)
}
