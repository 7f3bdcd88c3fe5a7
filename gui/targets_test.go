package gui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"parley/bonjour/bonjourtest"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
)

func TestNamesStandInPlaceOfTargets(t *testing.T) {
	names := map[string]string{"bonjour:1": "Anna (attic)", "bonjour:2": "Anna (attic)", "bonjour:3": "Brown, Ben (cellar)"}
	n := &targetNames{name: func(target string) string { return names[target] }, targets: map[string]string{}}
	value := "bonjour:1,0900*,bonjour:2,bonjour:3,bonjour:4"
	shown := n.showLines(value)
	if want := "Anna (attic)\n0900*\nbonjour:2\nBrown, Ben (cellar)\nbonjour:4"; shown != want {
		t.Errorf("showLines = %q, want %q", shown, want)
	}
	if got := n.joinLines(shown); got != value {
		t.Errorf("joinLines = %q, want %q", got, value)
	}
	if got, want := n.joinLines(" Anna (attic) \n200, 300\n\nAnna"), "bonjour:1,200,300,Anna"; got != want {
		t.Errorf("joinLines = %q, want %q", got, want)
	}
	n = nil
	if got := n.joinLines(n.showLines(value)); got != value {
		t.Errorf("without names the list is %q, want %q", got, value)
	}
}

// Whoever is on the local network is meant by name wherever somebody is asked for,
// and no id is ever read.
func TestFieldsNameNeighbours(t *testing.T) {
	lan := bonjourtest.NewNetwork()
	r := newRigWith(t, []middlewaretest.Option{middlewaretest.OnLAN(lan, "Bob")}, middlewaretest.OnLAN(lan, "Me"))
	third := middlewaretest.NewPhone(t, r.net, "192.0.2.3", middlewaretest.OnLAN(lan, "Carol"))
	r.until("both", func() bool { return r.titles() == "Bob (bob),Carol (carol)" })
	toBob, toCarol := r.w.neighbours.all[0].Target, r.w.neighbours.all[1].Target
	r.w.call(toBob)
	r.theirs("ringing", func(s middleware.SessionSnapshot) bool { return s.State() == session.Incoming })
	r.other.Session().Accept()
	r.until("the talk", func() bool { return r.only() != nil && r.only().view.Talking })

	bob := r.card()
	bob.openTransfer(true)
	d := bob.drawer
	d.entry.SetText("bob")
	r.until("the answer", func() bool { return d.people.known == "bob" })
	if len(d.people.found) != 0 || d.people.meant() != "bob" {
		t.Errorf("whom the call is with may be sent on to %q", d.people.meant())
	}
	d.entry.SetText("car")
	r.until("the suggestion", func() bool { return len(d.people.box.Objects) == 1 })
	test.Tap(findButton(d.people.box, "Carol (carol)"))
	if d.entry.Text != "Carol (carol)" || d.people.meant() != toCarol || r.w.win.Canvas().Focused() != d.entry {
		t.Errorf("the field holds %q and means %q, want Carol", d.entry.Text, d.people.meant())
	}
	test.Tap(d.ask)
	r.until("the call to Carol", func() bool { return len(third.App.SessionManager().Sessions()) == 1 })
	third.Session().Accept()
	r.until("the talk with Carol", func() bool { c := r.cardOf("Carol (carol)"); return c != nil && c.view.Talking && c.view.Lock != "" })
	r.w.hangUp()
	r.until("the end of it", func() bool { return r.cardOf("Carol (carol)") == nil })

	r.w.toggleForwarding()
	ask := r.w.status.ask
	ask.entry.SetText("carol")
	r.until("the suggestion", func() bool { return len(ask.people.found) == 1 })
	ask.submit()
	r.until("the forwarding", func() bool { return r.phone.App.Settings().Calls.ForwardTo == toCarol })
	r.until("the line", func() bool { return strings.Contains(r.w.status.fwdNote.text.Text(), "forwarded to Carol (carol).") })

	if err := r.phone.App.ChangeSettings(func(s *middleware.Settings) error { s.Calls.Reject = []string{toBob, "200"}; return nil }); err != nil {
		t.Fatal(err)
	}
	third.Stop()
	r.until("Carol having gone", func() bool { return r.titles() == "Bob (bob)" })
	r.w.showPreferences(pageCalls)
	form := &r.w.prefs.form
	if got := entryOf(t, form, "calls.forward_to").Text; got != "Carol (carol)" {
		t.Errorf("calls are shown to be forwarded to %q, want the remembered name", got)
	}
	reject := entryOf(t, form, "calls.reject")
	if got := reject.Text; got != "Bob (bob)\n200" {
		t.Errorf("those turned away are %q", got)
	}
	reject.SetText("Bob (bob)\n300")
	r.w.prefs.show(pageGeneral)
	r.until("the list", func() bool { return strings.Join(r.phone.App.Settings().Calls.Reject, "|") == toBob+"|300" })
	if got := r.phone.App.Settings().Calls.ForwardTo; got != toCarol {
		t.Errorf("calls are forwarded to %q after that", got)
	}
}

// A contact keeps whom it means, whatever its field shows.
func TestContactEditorNamesNeighbours(t *testing.T) {
	r := newRig(t)
	r.w.neighbours.show(lanOn(), []middleware.Neighbour{{ID: "1", Target: "bonjour:1", Name: "Anna", Host: "attic"}})
	r.w.editAddress("Anna", "bonjour:1")
	r.until("the contact", func() bool { return r.w.editors[0] != nil })
	e := r.w.editors[0]
	if got := e.addresses.rows[0].address.Text; got != "Anna (attic)" {
		t.Errorf("the address is shown as %q", got)
	}
	test.Tap(e.save)
	r.until("it being saved", func() bool { return r.names() == "Anna" && r.w.contacts.rows[0].Target == "bonjour:1" })
}

// In a low window the field to transfer to is in sight as long as it is typed in.
func TestTransferFieldIsInSight(t *testing.T) {
	r := newRig(t)
	bob := r.talk()
	r.w.win.Resize(fyne.NewSize(300, 420))
	d, upper := bob.drawer, r.w.frame.upper
	inSight := func(when string) {
		t.Helper()
		driver := fyne.CurrentApp().Driver()
		top := driver.AbsolutePositionForObject(d.entry).Y - driver.AbsolutePositionForObject(upper).Y
		if bottom := top + d.entry.Size().Height; top < 0 || bottom > upper.Size().Height {
			t.Errorf("%s: the field reaches from %v to %v of %v", when, top, bottom, upper.Size().Height)
		}
	}
	bob.openTransfer(true)
	inSight("open")
	r.w.neighbours.show(lanOn(), lanOf("Anna", "Andrea", "Andreas"))
	d.entry.SetText("an")
	r.until("the suggestions", func() bool { return len(d.people.box.Objects) == 3 })
	inSight("with suggestions")
	bob.update(bob.view, full, false, nil)
	r.w.refresh()
	inSight("after a second")
}
