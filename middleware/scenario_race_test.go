package middleware_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/storage"
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

// The account goes away between the preparation and the INVITE, and the person
// gives up before the session has heard of it.
func TestEndAfterAnInviteThatCouldNotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			a := storage.NewAccount("alice@example.org")
			a.Registration = false
			s.Accounts = append(s.Accounts, a)
		})
		soon()
		s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "sip:x@192.0.2.2", Account: "alice@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		release := s.Stall() // behind Connect
		synctest.Wait()      // the plan waits behind the gate
		err = p.App.AccountManager().ChangeAccount("alice@example.org", func(a *middleware.AccountSettings) error {
			a.Enabled = false
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		soon()
		s.End()
		release()
		wantOver(t, s)
		p.Stop()
	})
}

// A defect costs the call that it happens in, and the call still has an end.
func TestPanicEndsTheSession(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		out.Panic()
		soon()
		wantNames(t, "alice", alice, "SIPSessionDidFail", "SIPSessionDidEnd")
		wantNames(t, "bob", bob, "SIPSessionWillEnd", "SIPSessionDidEnd")
		wantOver(t, out)
		wantOver(t, in)
		if err := out.DoWait(t.Context(), session.Hold, ""); !errors.Is(err, middleware.ErrSessionOver) {
			t.Errorf("DoWait after the end = %v, want ErrSessionOver", err)
		}
	})
}
