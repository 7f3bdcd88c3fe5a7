package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/icons"
	"parley/middleware"
	"parley/middleware/session"
)

// A command is something that can be done from the menu and by a shortcut.
type command struct {
	text string
	icon fyne.Resource
	key  fyne.KeyName
	do   func()
	can  bool // makes sense now
	call bool // is about calls
	on   bool // is a switch that is on
}

func (c command) shortcut() *desktop.CustomShortcut {
	return &desktop.CustomShortcut{KeyName: c.key, Modifier: fyne.KeyModifierShortcutDefault}
}

// current returns the call that commands are about, and whether there is one:
// the ringing one for answering, else the main one.
func (w *Window) current() (viewmodel.Call, bool) {
	views := w.callViews()
	id := mainCall(views)
	for _, v := range views {
		if v.ID == id {
			return v, true
		}
	}
	return viewmodel.Call{}, false
}

// ringingCall returns the first call that rings here.
func (w *Window) ringingCall() (viewmodel.Call, bool) {
	for _, v := range w.callViews() {
		if v.Incoming {
			return v, true
		}
	}
	return viewmodel.Call{}, false
}

// canMerge reports whether there are calls to join.
func (w *Window) canMerge() bool {
	alone, joined := 0, 0
	for _, v := range w.callViews() {
		switch {
		case v.Conference:
			joined = 1
		case v.CanMerge:
			alone++
		}
	}
	return alone > 0 && alone+joined > 1
}

// withCurrent runs do on the main call, if there is one.
func (w *Window) withCurrent(do func(viewmodel.Call)) func() {
	return func() {
		if v, ok := w.current(); ok {
			do(v)
		}
	}
}

// hangUp ends the main call with all that it is joined with, or declines the one
// that rings.
func (w *Window) hangUp() {
	if v, ok := w.current(); ok && v.Conference {
		w.conference((*middleware.SessionManager).EndConference)
	} else if ok {
		w.do(v.ID, session.End)
	} else if v, ok := w.ringingCall(); ok {
		w.do(v.ID, session.Reject)
	}
}

// commands lists everything in the order of the menu.
func (w *Window) commands() []command {
	v, live := w.current()
	_, rings := w.ringingCall()
	word := func(on bool, yes, no string) string {
		if on {
			return yes
		}
		return no
	}
	t := viewmodel.NewToggles(w.phone.UserStatus(), w.phone.Settings(), w.textOf)
	return []command{
		{i18n.T("Answer"), theme.Icon(icons.Call), fyne.KeyReturn, func() {
			if v, ok := w.ringingCall(); ok {
				w.answer(v.ID, false)
			}
		}, rings, true, false},
		{i18n.T("Hang up"), theme.Icon(icons.HangUp), fyne.KeyPeriod, w.hangUp, live || rings, true, false},
		{word(v.Held, i18n.T("Resume"), i18n.T("Hold")), theme.Icon(icons.Hold), fyne.KeyH, w.withCurrent(w.hold), v.CanHold, true, false},
		{word(v.Recording, i18n.T("Stop recording"), i18n.T("Record call")), theme.Icon(icons.Record), fyne.KeyR, w.withCurrent(w.record), v.CanRecord, true, false},
		{word(w.phone.Audio().Muted(), i18n.T("Unmute microphone"), i18n.T("Mute microphone")), theme.Icon(icons.Mic), fyne.KeyM, w.toggleMute, true, true, false},
		{i18n.T("Transfer…"), theme.Icon(icons.Transfer), fyne.KeyT, w.withCurrent(w.transferKey), v.CanTransfer && !v.Conference, true, false},
		{i18n.T("Merge calls"), theme.Icon(icons.Merge), fyne.KeyJ, w.mergeAll, w.canMerge(), true, false},
		{i18n.T("Call window"), fynetheme.ViewFullScreenIcon(), fyne.KeyW, w.showCallWindow, live, true, false},
		{i18n.T("Do not disturb"), theme.Icon(icons.Moon), fyne.KeyN, w.toggleDoNotDisturb, true, false, t.DoNotDisturb.On},
		{i18n.T("Forward every call"), theme.Icon(icons.Forward), fyne.KeyF, w.toggleForwarding, true, false, t.Forward.On},
		{i18n.T("Answer calls by itself"), theme.Icon(icons.AutoAnswer), fyne.KeyU, w.toggleAutoAnswer, true, false, t.AutoAnswer.On},
		{i18n.T("Call last number again"), theme.Icon(icons.Recent), fyne.KeyD, w.redial, true, false, false},
		{i18n.T("Keypad"), theme.Icon(icons.Keypad), fyne.KeyK, w.toggleKeypad, true, false, false},
		{i18n.T("Recent calls"), theme.Icon(icons.Recent), fyne.Key1, func() { w.pages.choose(lowerRecent) }, true, false, false},
		{i18n.T("Contacts"), theme.Icon(icons.Contacts), fyne.Key2, func() { w.pages.choose(lowerContacts) }, true, false, false},
		{i18n.T("This network"), theme.Icon(icons.LAN), fyne.Key3, func() { w.pages.choose(lowerLAN) }, true, false, false},
		{i18n.T("Go to number field"), fynetheme.SearchIcon(), fyne.KeyL, func() { w.win.Canvas().Focus(w.dialer.entry) }, true, false, false},
		{i18n.T("Preferences…"), theme.Icon(icons.Settings), fyne.KeyComma, func() { w.showPreferences(pageGeneral) }, true, false, false},
		{i18n.T("Quit"), fynetheme.LogoutIcon(), fyne.KeyQ, w.askQuit, true, false, false},
	}
}

// toggleKeypad opens the keypad of the call, or that of the number field.
func (w *Window) toggleKeypad() {
	if v, ok := w.current(); ok && v.CanKeys {
		if card := w.calls.cards[v.ID]; card != nil {
			card.togglePad()
			return
		}
	}
	w.dialer.togglePad()
}

// mainMenu is behind the three dots. What makes no sense now is left out.
func (w *Window) mainMenu() *fyne.Menu {
	var items []*fyne.MenuItem
	calls := true
	for _, c := range w.commands() {
		if !c.can {
			continue
		}
		if calls && !c.call || c.key == fyne.KeyComma {
			items = append(items, fyne.NewMenuItemSeparator())
		}
		calls = c.call
		item := fyne.NewMenuItem(c.text, c.do)
		item.Icon, item.Shortcut, item.Checked = c.icon, c.shortcut(), c.on
		items = append(items, item)
		if c.key == fyne.KeyComma {
			items = append(items, w.aboutItem())
		}
	}
	return fyne.NewMenu("", items...)
}

func (w *Window) aboutItem() *fyne.MenuItem {
	item := fyne.NewMenuItem(i18n.T("About Parley"), func() {
		dialog.ShowInformation(i18n.T("Parley"), i18n.T("Version %s\nA telephone for this computer. Free software, MIT license.", w.opts.Version), w.win)
	})
	item.Icon = fynetheme.InfoIcon()
	return item
}

// shortcut carries out the command of a shortcut, and reports whether there was
// one. Fields hand on what they do not know.
func (w *Window) shortcut(s fyne.Shortcut) bool {
	name := s.ShortcutName()
	for _, c := range w.commands() {
		if c.shortcut().ShortcutName() == name {
			if c.can {
				c.do()
			}
			return true
		}
	}
	return false
}

// addShortcuts makes the commands work in a window while no field is focused.
func (w *Window) addShortcuts(c fyne.Canvas) {
	for _, cmd := range w.commands() {
		c.AddShortcut(cmd.shortcut(), func(s fyne.Shortcut) { w.shortcut(s) })
	}
}

// askQuit ends the program, after a question if calls are up.
func (w *Window) askQuit() {
	if w.quitting {
		return
	}
	if len(w.phone.SessionManager().Sessions()) == 0 {
		w.quit()
		return
	}
	d := dialog.NewConfirm(i18n.T("Quit Parley?"), i18n.T("All active calls will be disconnected."), func(yes bool) {
		if yes {
			w.quit()
		}
	}, w.win)
	d.SetConfirmText(i18n.T("Hang up and quit"))
	d.SetDismissText(i18n.T("Keep talking"))
	w.win.Show()
	d.Show()
}

func (w *Window) quit() {
	if w.quitting {
		return
	}
	w.quitting = true
	w.keepSize()
	if w.opts.Quit != nil {
		w.opts.Quit()
	}
	w.app.Quit()
}
