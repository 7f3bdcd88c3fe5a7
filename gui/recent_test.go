package gui

import (
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"parley/gui/viewmodel"
	"parley/middleware"
)

func TestRecentMenuKnowsContacts(t *testing.T) {
	r := newRig(t)
	row := viewmodel.Recent{ID: 1, Name: "Bob", Title: "Bob", Target: "sip:bob@192.0.2.2:5060"}
	r.w.recent.rows = []viewmodel.Recent{row}
	m := r.w.recent.menu(row, middleware.Contact{})
	itemOf(t, m, "Add to contacts…").Action()
	e := r.w.editors[0]
	if e.name.Text != "Bob" || e.addresses.rows[0].address.Text != "bob@192.0.2.2:5060" {
		t.Errorf("the new contact begins with %q and %q", e.name.Text, e.addresses.rows[0].address.Text)
	}
	test.Tap(e.save)
	r.until("the contact", func() bool { return r.names() == "Bob" })
	r.w.recent.openMenu(0, fyne.Position{})
	r.until("the menu", func() bool { return r.w.win.Canvas().Overlays().Top() != nil })
	known := make(chan middleware.Contact, 1)
	r.w.withContact(row.Target, func(c middleware.Contact) { known <- c })
	r.until("the contact being found", func() bool { return len(known) == 1 })
	itemOf(t, r.w.recent.menu(row, <-known), "Edit contact…")

	itemOf(t, m, "Block this number").Action()
	r.until("the setting", func() bool { return slices.Contains(r.phone.App.Settings().Calls.Reject, "bob@192.0.2.2:5060") })
	itemOf(t, r.w.recent.menu(row, middleware.Contact{}), "Stop blocking this number").Action()
	r.until("its end", func() bool { return len(r.phone.App.Settings().Calls.Reject) == 0 })
}

func TestCallThatEndedBecomesAContact(t *testing.T) {
	r := newRig(t)
	r.talk()
	r.w.hangUp()
	r.until("the end", func() bool { return len(r.w.ended) == 1 && len(r.w.calls.cards) == 0 })
	ask := func() { test.Tap(findButton(r.w.calls.endedCard(r.w.ended[0]), "Contact…")) }
	ask()
	r.until("a new contact", func() bool { return r.w.editors[0] != nil })
	if got := r.w.editors[0].addresses.rows[0].address.Text; got != "bob@192.0.2.2:5060" {
		t.Errorf("it begins with the address %q", got)
	}
	r.w.editors[0].win.Close()
	bob := r.person("Bob", "bob@192.0.2.2:5060")
	ask()
	r.until("the contact", func() bool { return r.w.editors[bob.ID] != nil })
}

func TestRecentIsNarrowed(t *testing.T) {
	r := newRig(t)
	r.talk()
	r.w.hangUp()
	r.until("the call", func() bool { return len(r.w.recent.history) == 1 && len(r.w.ended) == 1 })
	p := r.w.recent
	itemOf(t, p.filterMenu(), "Incoming").Action()
	r.until("none", func() bool { return len(p.rows) == 0 && !p.loading })
	if p.onlyIn.Hidden || p.only.Text() != "Only incoming calls" || p.nobody.Text != p.narrow.Empty() {
		t.Errorf("it says %q and %q", p.only.Text(), p.nobody.Text)
	}
	itemOf(t, p.filterMenu(), "Outgoing").Action()
	r.until("the call again", func() bool { return len(p.rows) == 1 })
	p.setNarrow(viewmodel.Narrow{})
	r.until("everything", func() bool { return len(p.rows) == 2 && p.onlyIn.Hidden })
}
