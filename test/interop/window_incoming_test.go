package interop

import (
	"image"
	"os/exec"
	"testing"
	"time"

	fynetheme "fyne.io/fyne/v2/theme"
)

// gone is how soon the window of a call that was canceled must be gone, and
// what finding that out may add.
const gone = 100*time.Millisecond + 20*time.Millisecond

// takeCall answers a call while the person types in another program.
func (s *seat) takeCall(t *testing.T) {
	s.pad = openNotepad(s.whole, s.desk)
	ring, id := s.letRing(t)
	ring.press(t, "Answer", fynetheme.ColorNameSuccess)
	s.is(t, id, "INPROGRESS")
	eventually(t, 5*time.Second, "the window of the call goes", func() bool { return !s.rings(t) })
	s.shot(t, "answered")
	s.bob.ctl.do(t, "hangup", "")
	s.is(t, id, "FINISHED")
}

// letRing is called by bob, and makes sure that the window of the call takes
// nothing away from the program that the person works with.
func (s *seat) letRing(t *testing.T) (frame, string) {
	t.Helper()
	if s.active(t) != s.pad.id {
		s.click(t, s.pad.id, image.Pt(150, 100))
		eventually(t, 5*time.Second, "the other program has the keyboard", func() bool { return s.active(t) == s.pad.id })
	}
	s.bob.ctl.do(t, "dial", s.account())
	// From before the window is there until it has settled.
	taken := func() bool { return s.active(t) != s.pad.id }
	if poll(10*time.Second, func() bool { return taken() || s.rings(t) }) && taken() {
		t.Errorf("_NET_ACTIVE_WINDOW = %#x while the window of the call appears, want %#x", s.active(t), s.pad.id)
	}
	f := s.awaitFrame(t, s.cmd.Process.Pid, incomingTitle)
	s.pad.mustGet(t, s.desk, "a", "b", "c")
	never(t, 700*time.Millisecond, "the window of the call took the keyboard", taken)
	s.pad.mustGet(t, s.desk, "d", "e")
	s.shot(t, "rings")
	return f, s.ringing(t)
}

// rings tells whether the window of an incoming call is there.
func (s *seat) rings(t *testing.T) bool {
	t.Helper()
	_, ok := s.frame(t, s.cmd.Process.Pid, incomingTitle)
	return ok
}

// declineCall turns a call away.
func (s *seat) declineCall(t *testing.T) {
	ring, id := s.letRing(t)
	ring.press(t, "Decline", fynetheme.ColorNameError)
	s.is(t, id, "REFUSED")
	eventually(t, 5*time.Second, "the window of the call goes", func() bool { return !s.rings(t) })
}

// seeCallCanceled watches the window go when the caller gives up.
func (s *seat) seeCallCanceled(t *testing.T) {
	_, id := s.letRing(t)
	begun := time.Now()
	s.bob.ctl.do(t, "hangup", "")
	eventually(t, 5*time.Second, "the window of the call goes", func() bool { return !s.rings(t) })
	if took := time.Since(begun); took > gone {
		t.Errorf("the window of the canceled call stayed for %v, want %v at most", took, gone)
	} else {
		t.Logf("the window of the canceled call stayed for %v", took)
	}
	s.is(t, id, "MISSED")
	s.shot(t, "missed")
}

// startAgain starts the program a second time with an address: the first one
// comes to the front with the address filled in, and waits for Enter.
func (s *seat) startAgain(t *testing.T) {
	ctx := t.Context()
	second := exec.CommandContext(ctx, s.binary, "--profile", s.profile, "--secrets", "file", "--api", "unix:"+s.socket(), s.bob.address())
	if out, err := second.CombinedOutput(); err != nil {
		t.Fatalf("second start: %v\n%s", err, out)
	}
	eventually(t, 5*time.Second, "the main window is raised", func() bool { return s.active(t) == s.main.id })
	never(t, time.Second, "a call was made", func() bool { return len(s.calls(t)) > 0 })
	s.shot(t, "filled-in")
	s.keys(t, "Return")
	id := s.newCall(t)
	if got, want := s.get(t, "CALL "+id+" PARTNER_HANDLE"), s.bob.config.User+"@"+testDomain; got != want {
		t.Errorf("PARTNER_HANDLE = %s, want %s", got, want)
	}
	s.is(t, id, "RINGING")
	s.hangUp(t)
	s.is(t, id, "CANCELLED")
}
