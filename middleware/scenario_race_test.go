package middleware_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
)

// wantOver waits long enough for every retransmission to end.
func wantOver(t *testing.T, s *middleware.Session) {
	t.Helper()
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	if got := s.Snapshot(); got.State() != session.Terminated || got.Audio.Active {
		t.Errorf("5 min later: %v, Audio.Active %v, want Terminated, false", got.Place, got.Audio.Active)
	}
}

func TestAnswerCrossesCancel(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out := alice.Dial(bob.URI())
		soon()
		in := bob.Session()
		in.Accept()
		release := in.Stall() // between Accept and Prepared
		synctest.Wait()
		out.End()
		soon()
		release() // Prepared, then the CANCEL
		wantOver(t, in)
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionWillStart", "SIPSessionDidFail", "SIPSessionDidEnd")
	})
}

func TestRejectCrossesCancel(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out := alice.Dial(bob.URI())
		soon()
		in := bob.Session()
		release := in.Stall()
		synctest.Wait()
		in.Reject(false) // queued first
		out.End()        // the CANCEL comes in before it is worked on
		soon()
		release()
		wantOver(t, in)
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionWillEnd", "SIPSessionDidEnd")
		if got := in.Snapshot().End.Kind; got != middleware.Declined {
			t.Errorf("the call that bob declined ended as %v, want declined", got)
		}
	})
}
