package gui

import (
	"testing"

	"fyne.io/fyne/v2/widget"

	"parley/middleware"
)

// Every account, the local network too, is turned off and on below the chip.
func TestAccountsAreSwitchedBelowTheChip(t *testing.T) {
	r := newRig(t)
	set := middleware.NewAccountSettings("a@example.org")
	set.Registration = false
	if _, err := r.phone.App.AccountManager().AddAccount(t.Context(), set, "x"); err != nil {
		t.Fatal(err)
	}
	r.until("the account", func() bool { return len(r.w.accounts()) == 2 })
	enabled := func(i int) bool { return r.w.accounts()[i].Enabled }
	for i, name := range []string{"the account", "the network"} {
		for _, want := range []bool{false, true} {
			r.w.header.showAccounts()
			var switches []*widget.Check
			each(r.w.win.Canvas().Overlays().Top(), func(c *widget.Check) { switches = append(switches, c) })
			if len(switches) != 2 || switches[i].Checked == want {
				t.Fatalf("there are %d switches, and that of %s does not show its state", len(switches), name)
			}
			switches[i].SetChecked(want)
			if r.w.win.Canvas().Overlays().Top() != nil {
				t.Error("the list stays open")
			}
			r.until(name+" being switched", func() bool { return enabled(i) == want && enabled(1-i) })
		}
	}
}
