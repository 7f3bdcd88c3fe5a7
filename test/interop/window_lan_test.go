package interop

import (
	"image"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"
)

// TestWindowOnLAN has a person see somebody come to the local network, call him
// with the mouse and by typing, and see him go. The padlock in the list turns
// from the color of a first call to that of somebody who is known.
func TestWindowOnLAN(t *testing.T) {
	l := newLAN(t)
	attic, cellar := l.host(t, "attic"), l.host(t, "cellar")
	d := startDesk(t)
	p := newPhone(t, nil, phoneConfig{Host: attic, Name: "Alice Liddell", Args: []string{"--audio-alert", "null"}})
	p.args = slices.DeleteFunc(p.args, func(a string) bool { return a == "--headless" })
	s := &seat{whole: t, desk: d, phone: p}
	s.open(t)
	s.allow(t)
	s.keys(t, "ctrl+3")
	talk(2 * time.Second)
	if got := s.get(t, "ACCOUNT bonjour@local STATE"); got != "ON" {
		t.Fatalf("STATE of the account of the network = %q, want ON", got)
	}
	s.shot(t, "lan-nobody")

	ben := startPhone(t, nil, phoneConfig{Host: cellar, Name: "Ben Brown"})
	s.seesNeighbour(t, ben)
	row := s.neighbourRow(t)
	s.shot(t, "lan-ben")
	if lock := s.listLock(row); lock != fynetheme.ColorNamePrimary {
		t.Errorf("the padlock of somebody who was never called has the color %q", lock)
	}
	s.main.click(t, row)
	mine, theirs := s.newCall(t), ben.ringing(t)
	s.shot(t, "lan-ringing")
	ben.do(t, "ALTER CALL %s ANSWER", theirs)
	s.is(t, mine, "INPROGRESS")
	isProtected(t, s.phone, mine, "Ben Brown (cellar)")
	if got := s.get(t, "CALL "+mine+" VERIFIED"); got != "FALSE" {
		t.Errorf("VERIFIED of the first call = %q", got)
	}
	talk(2 * time.Second)
	s.shot(t, "lan-talking")
	s.hangUp(t)
	s.is(t, mine, "FINISHED")
	ben.is(t, theirs, "FINISHED")
	talk(6 * time.Second) // the card of the call goes away
	s.shot(t, "lan-known")
	row = s.neighbourRow(t)
	eventually(t, 5*time.Second, "the padlock of somebody who is known", func() bool { return s.listLock(row) == fynetheme.ColorNameSuccess })

	s.keys(t, "ctrl+l")
	s.types(t, "bro")
	talk(500 * time.Millisecond)
	s.shot(t, "lan-typed")
	s.keys(t, "Return")
	mine, theirs = s.newCall(t), ben.ringing(t)
	ben.do(t, "ALTER CALL %s ANSWER", theirs)
	s.is(t, mine, "INPROGRESS")
	eventually(t, 5*time.Second, "the verified call", func() bool { return s.get(t, "CALL "+mine+" VERIFIED") == "TRUE" })
	talk(time.Second)
	s.shot(t, "lan-verified")
	ben.finish(t, theirs)
	s.is(t, mine, "FINISHED")

	ben.stop()
	eventually(t, 5*time.Second, "ben has gone", func() bool { return len(s.neighbours(t)) == 0 })
	eventually(t, 5*time.Second, "an empty list", func() bool { return len(s.callButtons()) == 0 })
	s.shot(t, "lan-gone")
}

// callButtons are the places of the handsets at the right edge of the list.
func (s *seat) callButtons() []image.Rectangle {
	width, height, err := s.size(s.main.id)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(s.main.patches(fynetheme.ColorNamePrimary, 8, 8), func(a image.Rectangle) bool {
		return a.Min.X < width-50 || a.Min.Y < 150 || a.Max.Y > height-60 || a.Dx() > 20
	})
}

// neighbourRow waits for the only row of the list and returns the place of its
// button to call.
func (s *seat) neighbourRow(t *testing.T) image.Point {
	t.Helper()
	var found []image.Rectangle
	if !poll(10*time.Second, func() bool { found = s.callButtons(); return len(found) == 1 }) {
		s.shot(t, "lost")
		t.Fatalf("the list of neighbours does not have one button to call, but %v", found)
	}
	return middle(found[0])
}

// listLock is the color of the padlock in the row at that height.
func (s *seat) listLock(row image.Point) fyne.ThemeColorName {
	for _, name := range []fyne.ThemeColorName{fynetheme.ColorNamePrimary, fynetheme.ColorNameSuccess} {
		for _, a := range s.main.patches(name, 5, 4) {
			if a.Min.X > 32 && a.Max.X < 60 && a.Min.Y > row.Y-24 && a.Max.Y < row.Y+26 {
				return name
			}
		}
	}
	return ""
}
