package middleware_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/siptest"
	"parley/storage"
)

// The person's other phones go on ringing.
func TestQuitWhileItRings(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		alice.Dial(bob.URI())
		soon()
		bob.App.Stop(context.Background())
		soon()
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](alice)
		if fail.Failure.Code != 480 {
			t.Errorf("quitting while it rings answers %d, want 480", fail.Failure.Code)
		}
		wantOutcome(t, bob, storage.Missed)
	})
}

func TestACallLostWhileItRingsIsMissed(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out := alice.Dial(bob.URI())
		soon()
		bob.Session().Inject(sip.Ended{Err: &sip.TransportError{}})
		soon()
		wantOutcome(t, bob, storage.Missed)
		out.End()
		wantOver(t, out)
	})
}

// Clients meet a session before they hear of its states, and each change of
// state says all that belongs to it.
func TestStatesAreToldInOrder(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		out.End()
		wantOver(t, out)
		wantOver(t, in)
		for who, p := range map[string]*middlewaretest.Phone{"alice": alice, "bob": bob} {
			var met bool
			var rev uint64
			for _, n := range p.Notes() {
				now, ok := middleware.SessionOf(n)
				if !ok {
					continue
				}
				if now.Rev < rev {
					t.Errorf("%s: %T has revision %d after %d", who, n, now.Rev, rev)
				}
				rev = now.Rev
				switch n := n.(type) {
				case middleware.SIPSessionNewIncoming, middleware.SIPSessionNewOutgoing:
					met = true
				case middleware.SIPSessionChangedState:
					if !met {
						t.Errorf("%s hears of %v before the session was introduced", who, n.State)
					}
					if n.State == session.Established && now.Started.IsZero() {
						t.Errorf("%s: the change to Established has no start", who)
					}
					if n.State == session.Terminated && (now.Stopped.IsZero() || now.End.By == "") {
						t.Errorf("%s: the change to Terminated has no end: Stopped %v, By %q", who, now.Stopped, now.End.By)
					}
				}
			}
		}
	})
}

// A session that waits for its peer's last word talks to nobody.
func TestCallWaitingOffWhileACallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2", func(_ *middleware.Config, s *storage.Settings) { s.Calls.CallWaiting = false })
		carol := middlewaretest.NewPhone(t, n, "192.0.2.3")
		_, in := connected(t, alice, bob)
		n.SIP.SetHook(func(p siptest.Packet) (time.Duration, bool) {
			return 0, p.Summary() == "200 BYE" || p.Summary() == "BYE"
		})
		in.End()
		soon()
		carol.Dial(bob.URI())
		soon()
		if fail, ok := middlewaretest.Last[middleware.SIPSessionDidFail](carol); ok {
			t.Errorf("carol's call failed: %v, though bob has hung up and talks to nobody", fail.Failure.Kind)
		}
		n.SIP.SetHook(nil)
		alice.Stop()
		bob.Stop()
		carol.Stop()
	})
}
