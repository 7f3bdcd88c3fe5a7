package gui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"parley/gui/viewmodel"
	"parley/middleware"
)

func TestTogglesOfTheStatusBar(t *testing.T) {
	r := newRig(t)
	s, app := r.w.status, r.phone.App
	test.Tap(s.dnd)
	r.until("do not disturb", func() bool { return s.dnd.On() && !s.dndNote.box.Hidden })
	if got := app.UserStatus(); got != middleware.DoNotDisturb {
		t.Errorf("the status is %s, want %s", got, middleware.DoNotDisturb)
	}
	if got := r.w.header.status.Title(); got != "Do not disturb" {
		t.Errorf("the header says %q", got)
	}
	test.Tap(s.dnd)
	r.until("its end", func() bool { return !s.dnd.On() && s.dndNote.box.Hidden })

	test.Tap(s.auto)
	r.until("automatic answer", func() bool { return s.auto.On() && app.Settings().Calls.AutoAnswer })
	if got, want := s.aNote.text.Text(), "Calls are answered after 5 seconds."; got != want {
		t.Errorf("below stands %q, want %q", got, want)
	}
	test.Tap(s.auto)
	r.until("its end", func() bool { return !s.auto.On() && !app.Settings().Calls.AutoAnswer })
}

// Where to forward is asked for once, below the list and without a dialog.
func TestForwardingAsksOnceWhereTo(t *testing.T) {
	r := newRig(t)
	s, app := r.w.status, r.phone.App
	test.Tap(s.fwd)
	if s.ask.box.Hidden || app.Settings().Calls.Forwarding {
		t.Fatal("nothing asks where to forward")
	}
	s.ask.entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if !s.ask.box.Hidden {
		t.Error("Escape does not take the question back")
	}
	test.Tap(s.fwd)
	test.Type(s.ask.entry, "200")
	s.ask.entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.until("the forwarding", func() bool { return s.fwd.On() })
	if got, want := s.fwdNote.text.Text(), "Every call is forwarded to 200."; got != want || !s.ask.box.Hidden {
		t.Errorf("below stands %q, want %q and no question", got, want)
	}
	test.Tap(s.fwd)
	r.until("its end", func() bool { return !s.fwd.On() })
	test.Tap(s.fwd)
	r.until("the forwarding again", func() bool { return s.fwd.On() })
	if !s.ask.box.Hidden {
		t.Error("the target is asked for again")
	}
}

func TestShortcutsSwitchTheToggles(t *testing.T) {
	r := newRig(t)
	for _, c := range r.w.commands() {
		if c.key == fyne.KeyN {
			r.w.dialer.entry.TypedShortcut(c.shortcut())
		}
	}
	r.until("do not disturb", func() bool { return r.w.status.dnd.On() })
	var checked []string
	for _, item := range r.w.mainMenu().Items {
		if item.Checked {
			checked = append(checked, item.Label)
		}
	}
	if len(checked) != 1 || checked[0] != "Do not disturb" {
		t.Errorf("checked in the menu are %q, want Do not disturb", checked)
	}
}

// What others change is shown, in the status bar as in the preferences.
func TestTogglesFollowOthers(t *testing.T) {
	r := newRig(t)
	r.w.showPreferences(pageCalls)
	box := checkOf(t, &r.w.prefs.form, "calls.do_not_disturb")
	if err := r.phone.App.SetUserStatus(middleware.DoNotDisturb); err != nil {
		t.Fatal(err)
	}
	r.until("the switch", func() bool { return r.w.status.dnd.On() && box.Checked() })
	test.Tap(box)
	r.until("the status", func() bool { return !r.w.status.dnd.On() && r.phone.App.UserStatus() == middleware.Online })
	if got := r.w.status.toggles.DoNotDisturb; got != (viewmodel.Toggle{Word: "DND"}) {
		t.Errorf("the toggle is %+v", got)
	}
}
