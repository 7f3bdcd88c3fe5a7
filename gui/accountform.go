package gui

import (
	"context"
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
)

// accountForm edits one account. Only the address is needed; all else has a
// good default and a way back to it.
type accountForm struct {
	a        *accountsPage
	id       string // empty: a new account
	draft    middleware.AccountSettings
	form     keyForm
	tabOf    map[string]int // by key
	password *widgets.Entry
	save     *widget.Button
	tabs     *tabs
	test     *dialTest
	box      *fyne.Container
}

func newAccountForm(a *accountsPage, id string) *accountForm {
	f := &accountForm{a: a, id: id, draft: middleware.NewAccountSettings(id), tabOf: map[string]int{}}
	f.form.src = f
	title := i18n.T("New account")
	if acc, err := a.p.w.phone.AccountManager().GetAccount(id); err == nil && id != "" {
		f.draft, title = acc.Settings(), id
	}
	back := widget.NewButtonWithIcon("", fynetheme.NavigateBackIcon(), a.showList)
	back.Importance = widget.LowImportance
	f.save = widget.NewButtonWithIcon(i18n.T("Save"), fynetheme.ConfirmIcon(), f.submit)
	f.save.Importance = widget.HighImportance
	cancel := widget.NewButton(i18n.T("Cancel"), a.showList)
	f.tabs = newTabs()
	f.addTab(i18n.T("Account"), f.accountTab())
	f.addTab(i18n.T("Server"), f.serverTab())
	f.addTab(i18n.T("Audio"), f.audioTab())
	f.addTab(i18n.T("Calls"), f.callsTab())
	head := container.NewBorder(nil, nil, back, nil, center(heading(title)))
	foot := container.NewHBox(spacer(), cancel, f.save)
	f.box = container.NewBorder(head, foot, nil, nil, f.tabs.box)
	return f
}

// addTab adds a page with the fields made since the last one.
func (f *accountForm) addTab(title string, content fyne.CanvasObject) {
	for _, k := range f.form.fields {
		if _, there := f.tabOf[k.key]; !there {
			f.tabOf[k.key] = len(f.tabs.pages)
		}
	}
	f.tabs.add(title, scrolled(content))
}

// lookup is part of source.
func (f *accountForm) lookup(key string) (value, standard string, ok bool) {
	if key == idKey {
		return f.draft.ID, "", true
	}
	k, err := middleware.FindAccountKey(key)
	if err != nil {
		return "", "", false
	}
	return k.Get(&f.draft), k.Default, true
}

// put is part of source: it changes the draft.
func (f *accountForm) put(key, value string, done func(error)) {
	if key == idKey {
		f.draft.ID = value
		done(nil) // it is checked when the account is made
		return
	}
	k, err := middleware.FindAccountKey(key)
	if err == nil {
		err = k.Set(&f.draft, value)
	}
	done(err)
}

// idKey is the name of an account's address among its settings.
const idKey = "id"

func (f *accountForm) accountTab() fyne.CanvasObject {
	f.password = widgets.NewPasswordEntry()
	f.password.OnSubmitted = func(string) { f.submit() }
	var address fyne.CanvasObject
	if f.id == "" {
		address = f.form.text(idKey, i18n.T("alice@example.org"))
	} else {
		f.password.SetPlaceHolder(i18n.T("unchanged"))
	}
	return rows(
		address,
		field(i18n.T("Password"), f.password, nil),
		hint(i18n.T("Kept in the password store of this computer.")),
		f.form.text("display_name", ""),
		f.form.text("auth_user", ""),
	)
}

func (f *accountForm) serverTab() fyne.CanvasObject {
	return rows(
		f.form.choice("transport", transports()),
		f.form.text("proxy", i18n.T("none: the address's own server")),
		f.form.times("expires", "", 60, 120, 300, 600, 1800, 3600),
		f.form.check("registration"),
		f.form.check("outbound"),
	)
}

func (f *accountForm) audioTab() fyne.CanvasObject {
	return rows(
		f.form.choice("srtp", encryptions()),
		f.form.check("srtp_in_clear"),
		f.form.choice("dtmf", digitModes()),
		f.form.choice("ptime", packetTimes()),
		codecField(viewmodel.Caption("codecs"), f.a.p.w.phone.Settings().Audio.Codecs, f.draft.Codecs, true, func(list []string) { f.draft.Codecs = list }),
	)
}

func (f *accountForm) callsTab() fyne.CanvasObject {
	f.test = newDialTest(f)
	return rows(
		f.form.lines("dial_rules", "00.=+.\n0.=+49."),
		hint(i18n.T("MATCH=REPLACEMENT; the first rule that fits the whole number counts. x is a digit, [2-9] one of these, a dot all the rest. So 00.=+. makes +49 30 of 0049 30.")),
		f.test.box,
		group(i18n.T("Codes of the telephone system"),
			f.form.text("pickup_code", ""),
			f.form.text("park_code", i18n.T("none")),
			f.form.text("unpark_code", i18n.T("none"))),
		group(i18n.T("For experts"),
			f.form.choice("reliable_provisional", reliabilities()),
			f.form.times("session_timer", i18n.T("Never"), 90, 300, 600, 1800, 3600)),
	)
}

// submit saves the form and goes back to the list, or says what is wrong.
func (f *accountForm) submit() {
	f.form.commit()
	if k := f.form.wrong(); k != nil {
		f.a.p.complain(k.err)
		f.tabs.show(f.tabOf[k.key])
		return
	}
	f.save.Disable()
	w, draft, password := f.a.p.w, f.draft, f.password.Text
	w.door.Do(func(ctx context.Context) func() {
		err := f.store(ctx, w.phone.AccountManager(), draft, password)
		return func() {
			f.save.Enable()
			f.a.p.complain(err)
			f.showTabOf(err)
			if err == nil {
				f.a.showList()
			}
			w.refresh()
		}
	})
}

// showTabOf shows the page with the field that an error is about.
func (f *accountForm) showTabOf(err error) {
	var value *middleware.ValueError
	if errors.As(err, &value) {
		if i, ok := f.tabOf[value.Key]; ok {
			f.tabs.show(i)
		}
	}
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
