package interop

import (
	"image"
	"slices"
	"testing"
	"time"

	fynetheme "fyne.io/fyne/v2/theme"
)

// switchedOn is the button at the bottom of the window that has the accent color.
func (s *seat) switchedOn(t *testing.T) image.Rectangle {
	t.Helper()
	_, height, err := s.size(s.main.id)
	if err != nil {
		t.Fatal(err)
	}
	bottom := func(list []image.Rectangle) []image.Rectangle {
		return slices.DeleteFunc(slices.Clone(list), func(r image.Rectangle) bool { return r.Max.Y < height-10 })
	}
	return bottom(s.main.await(t, "a switch that is on", fynetheme.ColorNamePrimary, 40, 35,
		func(list []image.Rectangle) bool { return len(bottom(list)) == 1 }))[0]
}

// beLeftAlone turns callers away by a shortcut, and takes them again by a click.
func (s *seat) beLeftAlone(t *testing.T) {
	s.keys(t, "ctrl+n")
	s.awaitGet(t, "USERSTATUS", "DND")
	on := s.switchedOn(t)
	s.shot(t, "left-alone")
	before := len(s.bob.ctl.all("CALL_CLOSED"))
	s.bob.ctl.do(t, "dial", s.account())
	eventually(t, 10*time.Second, "bob hears that the line is busy", func() bool { return len(s.bob.ctl.all("CALL_CLOSED")) > before })
	if s.rings(t) {
		t.Error("a call rings though nobody is to disturb")
	}
	s.main.click(t, middle(on))
	s.awaitGet(t, "USERSTATUS", "ONLINE")
}

// forwardCalls switches forwarding on, says where to, and switches it off.
func (s *seat) forwardCalls(t *testing.T) {
	s.keys(t, "ctrl+f")
	talk(300 * time.Millisecond) // the field comes and takes the focus
	s.shot(t, "forward-where")
	s.types(t, "200")
	s.keys(t, "Return")
	s.awaitGet(t, "SETTING calls.forwarding", "TRUE")
	if got := s.get(t, "SETTING calls.forward_to"); got != "200" {
		t.Errorf("calls.forward_to = %s, want 200", got)
	}
	on := s.switchedOn(t)
	s.shot(t, "forward-on")
	s.main.click(t, middle(on))
	s.awaitGet(t, "SETTING calls.forwarding", "FALSE")
	s.main.click(t, middle(on).Sub(image.Pt(0, 120))) // into the list, so that the number field gets what is typed
}

// transferCall sends bob on to somebody else by the drawer of the call.
func (s *seat) transferCall(t *testing.T) {
	desk := startPhone(t, s.k, phoneConfig{User: "deskw"})
	s.types(t, s.bob.address())
	s.keys(t, "Return")
	id := s.newCall(t)
	s.bob.ctl.await(t, "CALL_INCOMING")
	s.bob.ctl.do(t, "accept", "")
	s.is(t, id, "INPROGRESS")

	s.pressTile(t, transferTile)
	below := s.tile(t, hangUpTile).Y + 25
	drawer := func(list []image.Rectangle) []image.Rectangle {
		return slices.DeleteFunc(slices.Clone(list), func(r image.Rectangle) bool { return r.Min.Y < below || r.Dx() < 120 })
	}
	now := drawer(s.main.await(t, "the drawer", fynetheme.ColorNamePrimary, 120, 25,
		func(list []image.Rectangle) bool { return len(drawer(list)) > 0 }))[0]
	s.types(t, "deskw")
	s.shot(t, "transfer")
	s.main.click(t, middle(now))
	in := desk.ringing(t)
	s.awaitNote(t, 5*time.Second, "CALL "+id+" TRANSFER_STATUS TRANSFERRING.*")
	s.shot(t, "transferring")
	desk.do(t, "ALTER CALL %s ANSWER", in)
	s.awaitNote(t, 10*time.Second, "CALL "+id+" TRANSFER_STATUS TRANSFERRED")
	s.is(t, id, "FINISHED")
	s.shot(t, "transferred")
	if got, want := desk.get(t, "CALL "+in+" PARTNER_HANDLE"), s.bob.config.User+"@"+testDomain; got != want {
		t.Errorf("the desk talks to %s, want %s", got, want)
	}
	desk.finish(t, in)
	s.bob.ctl.await(t, "CALL_CLOSED")
}
