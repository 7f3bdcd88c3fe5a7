package middleware_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// three runs f with three phones in a bubble of fake time.
func three(t *testing.T, f func(t *testing.T, alice, bob, carol *middlewaretest.Phone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		carol := middlewaretest.NewPhone(t, n, "192.0.2.3")
		f(t, alice, bob, carol)
		alice.Stop()
		bob.Stop()
		carol.Stop()
	})
}

func TestSwapTwiceQuickly(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		first, _ := connected(t, alice, bob)
		carol.Dial(alice.URI())
		soon()
		second := alice.Session()
		second.Accept()
		soon()
		first.Unhold()
		second.Unhold() // back again
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if a, b := first.Snapshot().OnHoldByLocal, second.Snapshot().OnHoldByLocal; !a || b {
			t.Errorf("the calls are on hold: %v, %v, want true, false", a, b)
		}
	})
}

// A call that was dialed comes up while another one, answered since, is live.
func TestADialedCallThatComesUpHoldsTheOthers(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		first := alice.Dial(bob.URI())
		soon()
		carol.Dial(alice.URI())
		soon()
		second := alice.Session()
		second.Accept()
		soon()
		bob.Session().Accept()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if a, b := first.Snapshot().OnHoldByLocal, second.Snapshot().OnHoldByLocal; a || !b {
			t.Errorf("the calls are on hold: %v, %v, want false, true", a, b)
		}
	})
}

// An accepted call that is not up yet yields to one that is resumed meanwhile.
func TestACallBeingAcceptedYields(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		first, _ := connected(t, alice, bob)
		carol.Dial(alice.URI())
		soon()
		second := alice.Session()
		second.Accept()
		release := second.Stall()
		synctest.Wait()
		first.Unhold()
		synctest.Wait()
		release()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if a, b := first.Snapshot().OnHoldByLocal, second.Snapshot().OnHoldByLocal; a || !b {
			t.Errorf("the calls are on hold: %v, %v, want false, true", a, b)
		}
	})
}

func TestARefusedCommandHoldsNobody(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		first, _ := connected(t, alice, bob)
		calling := alice.Dial("sip:nobody@192.0.2.99:5060")
		soon()
		first.Unhold()
		soon()
		err := calling.DoWait(t.Context(), session.Accept, "")
		if err == nil {
			t.Fatal("DoWait(Accept) of an outgoing call = nil, want an error")
		}
		soon()
		if first.Snapshot().OnHoldByLocal {
			t.Errorf("a refused Accept (%v) put the other call on hold", err)
		}
		calling.End()
		wantOver(t, calling)
	})
}

// A hold is on its way, a resume waits for it, and the person holds again before
// the session has heard of the first one's success.
func TestTheLastWishCounts(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		out.Hold()
		out.Unhold()           // kept as a wish
		release := out.Stall() // the 200 of the hold waits behind this
		soon()
		out.Hold()
		release()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !out.Snapshot().OnHoldByLocal {
			t.Error("OnHoldByLocal = false after Hold, Unhold, Hold, want true")
		}
	})
}

// Two holds cross and both are refused with 491. Until the second try the hold
// is pending and nothing of the microphone goes out.
func TestAHoldAfterGlareIsPendingAndSilent(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		alice.Net.SIP.SetHook(func(siptest.Packet) (time.Duration, bool) { return 20 * time.Millisecond, false })
		out.Hold()
		in.Hold()
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if s := out.Snapshot(); s.OnHoldByLocal || !s.HoldPending {
			t.Errorf("between two tries OnHoldByLocal = %v, HoldPending = %v, want false, true", s.OnHoldByLocal, s.HoldPending)
		}
		sent := out.Stats().PacketsSent
		time.Sleep(200 * time.Millisecond)
		if now := out.Stats().PacketsSent; now != sent {
			t.Errorf("%d packets of the microphone were sent while the hold waits for its second try, want none", now-sent)
		}
		alice.Net.SIP.SetHook(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := out.Snapshot(); !s.OnHoldByLocal || s.HoldPending {
			t.Errorf("in the end OnHoldByLocal = %v, HoldPending = %v, want true, false", s.OnHoldByLocal, s.HoldPending)
		}
	})
}
