package gui

import (
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/icons"
	"parley/middleware"
	"parley/middleware/session"
)

// tray is the icon in the system's tray. Its color is the state of the accounts.
type tray struct {
	app  desktop.App
	now  trayState
	made bool
}

// trayState is what the tray shows; it is drawn anew only when this changes.
type trayState struct {
	tone    viewmodel.Tone
	rings   bool
	missed  int
	status  middleware.UserStatus
	account string
}

// newTray returns the tray, or nil where the system has none: on Linux it is
// reached over the session's D-Bus.
func newTray(w *Window) *tray {
	a, ok := w.app.(desktop.App)
	if !ok || runtime.GOOS == "linux" && os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		return nil
	}
	t := &tray{app: a}
	t.update(w)
	return t
}

func (t *tray) update(w *Window) {
	chip := viewmodel.NewChip(w.accounts())
	v, rings := w.ringingCall()
	now := trayState{tone: chip.Tone, rings: rings, missed: w.phone.History().Unseen(), status: w.phone.UserStatus(), account: chip.Label + chip.Word}
	if t.made && now == t.now {
		return
	}
	t.now, t.made = now, true
	var items []*fyne.MenuItem
	if rings {
		items = append(items,
			fyne.NewMenuItem(i18n.T("Answer %s", v.Title), func() { w.answer(v.ID, false) }),
			fyne.NewMenuItem(i18n.T("Decline"), func() { w.do(v.ID, session.Reject) }),
			fyne.NewMenuItemSeparator())
	}
	state := fyne.NewMenuItem(i18n.T("%s: %s", chip.Label, chip.Word), nil)
	state.Disabled = true
	items = append(items, state)
	if now.missed > 0 {
		items = append(items, fyne.NewMenuItem(viewmodel.Missed.Word(now.missed), func() {
			w.win.Show()
			w.recent.choose(viewmodel.Missed)
		}))
	}
	status := fyne.NewMenuItem(i18n.T("Status"), nil)
	status.ChildMenu = w.header.statusMenu()
	quit := fyne.NewMenuItem(i18n.T("Quit"), w.askQuit)
	quit.IsQuit = true
	items = append(items, status, fyne.NewMenuItem(i18n.T("Show Parley"), func() {
		w.win.Show()
		w.win.RequestFocus()
	}), quit)
	t.app.SetSystemTrayIcon(theme.ColoredIcon(icons.Tray, toneColor(chip.Tone)))
	t.app.SetSystemTrayMenu(fyne.NewMenu("", items...))
}
