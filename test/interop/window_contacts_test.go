package interop

import (
	"testing"
	"time"

	fynetheme "fyne.io/fyne/v2/theme"
)

const newContactTitle = "New contact"

// addContact adds a contact by typing, finds it by three letters in the number
// field, and calls it.
func (s *seat) addContact(t *testing.T) {
	const name = "Zora Quince"
	s.keys(t, "ctrl+2")
	s.main.await(t, "the button to call and that to add a contact", fynetheme.ColorNamePrimary, minButton, minButton/2, atLeast(2))
	s.shot(t, "contacts-none")
	s.main.pressLast(t, "Add contact", fynetheme.ColorNamePrimary)
	win := s.awaitFrame(t, s.cmd.Process.Pid, newContactTitle)
	win.variant = s.main.variant
	eventually(t, 5*time.Second, "the new contact has the keyboard", func() bool { return s.active(t) == win.id })
	fields := win.awaitFields(t, "name, organization and address", 3)
	s.types(t, name)
	win.click(t, middle(fields[2]))
	s.types(t, s.bob.address())
	s.shot(t, "contact-typed")
	s.keys(t, "Return")
	eventually(t, 5*time.Second, "the window closes", func() bool {
		_, open := s.frame(t, s.cmd.Process.Pid, newContactTitle)
		return !open
	})
	eventually(t, 5*time.Second, "the main window has the keyboard again", func() bool { return s.active(t) == s.main.id })
	s.shot(t, "contacts-one")

	s.keys(t, "ctrl+l")
	s.types(t, "zor")
	s.keys(t, "Return")
	id := s.newCall(t)
	s.bob.ctl.await(t, "CALL_INCOMING")
	s.is(t, id, "RINGING")
	if got := s.get(t, "CALL "+id+" PARTNER_DISPNAME"); got != name {
		t.Errorf("PARTNER_DISPNAME = %q, want %q", got, name)
	}
	s.shot(t, "contact-called")
	s.hangUp(t)
	s.is(t, id, "CANCELLED")
	s.bob.ctl.await(t, "CALL_CLOSED")
	s.keys(t, "ctrl+1", "ctrl+l")
}
