package middleware_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/storage"
)

// pair runs f with two phones in a bubble of fake time.
func pair(t *testing.T, f func(t *testing.T, alice, bob *middlewaretest.Phone), options ...middlewaretest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", options...)
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2", options...)
		f(t, alice, bob)
		alice.Stop()
		bob.Stop()
		if open := n.Media.Open(); open != 0 {
			t.Errorf("%d media sockets are open at the end, want none", open)
		}
	})
}

func wantNames(t *testing.T, who string, p *middlewaretest.Phone, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, p.Names()); diff != "" {
		t.Errorf("notifications at %s (-want +got):\n%s", who, diff)
	}
}

// soon lets everything that takes less than a moment happen.
func soon() {
	time.Sleep(300 * time.Millisecond)
	synctest.Wait()
}

// connected brings up a call from alice to bob and forgets its notifications.
func connected(t *testing.T, alice, bob *middlewaretest.Phone) (out, in *middleware.Session) {
	t.Helper()
	out = alice.Dial(bob.URI())
	soon()
	in = bob.Session()
	in.Accept()
	soon()
	for who, s := range map[string]*middleware.Session{"alice": out, "bob": in} {
		if got := s.Snapshot().Place; got != (session.Place{State: session.Established}) {
			t.Fatalf("%s's session is %v, want Established", who, got)
		}
	}
	alice.Names()
	bob.Names()
	return out, in
}

func TestCallAnsweredAndHungUp(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out := alice.Dial(bob.URI())
		soon()
		wantNames(t, "alice", alice, "SIPSessionNewOutgoing", "SIPSessionGotRingIndication")
		wantNames(t, "bob", bob, "SIPSessionNewIncoming")

		bob.Session().Accept()
		soon()
		wantNames(t, "alice", alice, "SIPSessionWillStart", "SIPSessionDidStart")
		wantNames(t, "bob", bob, "SIPSessionWillStart", "SIPSessionDidStart")
		snap := out.Snapshot()
		if got := snap.Audio.Codec; got != "G722" {
			t.Errorf("codec = %q, want G722", got)
		}
		if !snap.Audio.WasReceived {
			t.Error("alice hears nothing after 300 ms")
		}

		time.Sleep(30 * time.Second)
		out.End()
		soon()
		wantNames(t, "alice", alice, "SIPSessionWillEnd", "SIPSessionDidEnd")
		wantNames(t, "bob", bob, "SIPSessionWillEnd", "SIPSessionDidEnd")
		end, _ := middlewaretest.Last[middleware.SIPSessionDidEnd](bob)
		if end.Originator != middleware.Remote {
			t.Errorf("originator at bob = %q, want remote", end.Originator)
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out := alice.Dial(bob.URI())
		soon()
		out.End()
		soon()
		wantNames(t, "alice", alice, "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionWillEnd", "SIPSessionDidEnd")
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		wantOutcome(t, bob, storage.Missed)
		wantOutcome(t, alice, storage.Cancelled)
	})
}

func TestDeclineAndBusy(t *testing.T) {
	for _, tt := range []struct {
		busy bool
		want middleware.FailureKind
		code int
	}{{false, middleware.Declined, 603}, {true, middleware.Busy, 486}} {
		pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
			alice.Dial(bob.URI())
			soon()
			bob.Session().Reject(tt.busy)
			soon()
			wantNames(t, "alice", alice, "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionDidFail", "SIPSessionDidEnd")
			wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionWillEnd", "SIPSessionDidEnd")
			fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](alice)
			if fail.Failure.Kind != tt.want || fail.Failure.Code != tt.code || fail.Originator != middleware.Remote {
				t.Errorf("failure at alice = %v %d by %s, want %v %d by remote", fail.Failure.Kind, fail.Failure.Code, fail.Originator, tt.want, tt.code)
			}
			wantOutcome(t, bob, storage.Declined)
		})
	}
}

func TestUnansweredCallFailsWhenItsTimeIsUp(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		alice.Dial(bob.URI())
		time.Sleep(180*time.Second - 10*time.Millisecond)
		synctest.Wait()
		if got := bob.Session().Snapshot().State(); got != session.Incoming {
			t.Fatalf("just before the limit state = %v, want Incoming", got)
		}
		soon()
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](alice)
		if fail.Failure.Kind != middleware.NoAnswer || fail.Failure.Code != 480 {
			t.Errorf("failure at alice = %v %d, want no-answer 480", fail.Failure.Kind, fail.Failure.Code)
		}
		wantOutcome(t, bob, storage.Missed)
	})
}

func TestHoldAndResume(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		out.Hold()
		soon()
		wantNames(t, "alice", alice, "SIPSessionGotHoldRequest")
		wantNames(t, "bob", bob, "SIPSessionGotHoldRequest")
		if s := in.Snapshot(); !s.OnHoldByRemote || s.OnHoldByLocal {
			t.Errorf("bob sees hold by remote %v, by local %v, want true, false", s.OnHoldByRemote, s.OnHoldByLocal)
		}
		in.Hold()
		soon()
		out.Unhold()
		soon()
		if s := out.Snapshot(); s.OnHoldByLocal || !s.OnHoldByRemote {
			t.Errorf("alice sees hold by local %v, by remote %v, want false, true", s.OnHoldByLocal, s.OnHoldByRemote)
		}
		in.Unhold()
		soon()
		if out.Snapshot().OnHold() || in.Snapshot().OnHold() {
			t.Error("the call is on hold after both have resumed it")
		}
	})
}

// Both hold at once: the offers cross, both are refused with 491, and both are
// tried again after the waits of RFC 3261 section 14.1.
func TestHoldGlare(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		out.Hold()
		in.Hold()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for who, s := range map[string]*middleware.Session{"alice": out, "bob": in} {
			if snap := s.Snapshot(); !snap.OnHoldByLocal || !snap.OnHoldByRemote {
				t.Errorf("%s sees hold by local %v, by remote %v, want both", who, snap.OnHoldByLocal, snap.OnHoldByRemote)
			}
		}
	})
}

func TestSecondCallHoldsTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		carol := middlewaretest.NewPhone(t, n, "192.0.2.3")
		first, _ := connected(t, alice, bob)
		carol.Dial(alice.URI())
		soon()
		second := alice.Session()
		second.Accept()
		soon()
		if !first.Snapshot().OnHoldByLocal || second.Snapshot().OnHoldByLocal {
			t.Error("after answering a second call the first is not on hold, or the second is")
		}
		first.Unhold()
		soon()
		if first.Snapshot().OnHoldByLocal || !second.Snapshot().OnHoldByLocal {
			t.Error("after the swap the first is on hold, or the second is not")
		}
		alice.Stop()
		bob.Stop()
		carol.Stop()
	})
}

func TestDTMF(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		out.SendDTMF("12#")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		wantNames(t, "alice", alice, "SIPSessionDidSendDTMF", "SIPSessionDidSendDTMF", "SIPSessionDidSendDTMF")
		wantNames(t, "bob", bob, "SIPSessionGotDTMF", "SIPSessionGotDTMF", "SIPSessionGotDTMF")
		if got := out.Snapshot().Sent; got != "12#" {
			t.Errorf("Sent = %q, want 12#", got)
		}
		got, _ := middlewaretest.Last[middleware.SIPSessionGotDTMF](bob)
		if got.Digit != '#' {
			t.Errorf("last digit at bob = %q, want '#'", got.Digit)
		}
	})
}

func TestNoCommonCodec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) { s.Audio.Codecs = []string{"PCMA"} })
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2", func(_ *middleware.Config, s *storage.Settings) { s.Audio.Codecs = []string{"PCMU"} })
		alice.Dial(bob.URI())
		soon()
		for who, p := range map[string]*middlewaretest.Phone{"alice": alice, "bob": bob} {
			fail, ok := middlewaretest.Last[middleware.SIPSessionDidFail](p)
			if !ok || fail.Failure.Kind != middleware.NoCommonCodec || fail.Failure.Code != 488 {
				t.Errorf("failure at %s = %v %d, want no-common-codec 488", who, fail.Failure.Kind, fail.Failure.Code)
			}
		}
		wantNames(t, "bob", bob, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		alice.Stop()
		bob.Stop()
	})
}

func TestDoNotDisturb(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		if err := bob.App.SetUserStatus(middleware.DoNotDisturb); err != nil {
			t.Fatal(err)
		}
		alice.Dial(bob.URI())
		soon()
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](alice)
		if fail.Failure.Kind != middleware.Busy {
			t.Errorf("failure at alice = %v, want busy", fail.Failure.Kind)
		}
		wantOutcome(t, bob, storage.Missed)
	})
}

func TestNobodyThere(t *testing.T) {
	pair(t, func(t *testing.T, alice, _ *middlewaretest.Phone) {
		alice.Dial("sip:nobody@192.0.2.99:5060")
		time.Sleep(40 * time.Second)
		synctest.Wait()
		wantNames(t, "alice", alice, "SIPSessionNewOutgoing", "SIPSessionDidFail", "SIPSessionDidEnd")
		fail, _ := middlewaretest.Last[middleware.SIPSessionDidFail](alice)
		if k := fail.Failure.Kind; k != middleware.ServerTimeout && k != middleware.Unreachable {
			t.Errorf("failure = %v, want server-timeout or unreachable", k)
		}
	})
}

func TestRefusedCommandIsTold(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out := alice.Dial(bob.URI())
		soon()
		alice.Names()
		out.Hold()
		soon()
		wantNames(t, "alice", alice, "SIPSessionCommandRefused")
		if err := out.DoWait(t.Context(), session.SendDTMF, "1"); err == nil {
			t.Error("DoWait(SendDTMF) while ringing = nil, want an error")
		}
	})
}

func TestNoAudioIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		n.Media.SetHook(dropAll)
		out, _ := connected(t, alice, bob)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		wantNames(t, "alice", alice)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantNames(t, "alice", alice, "SIPSessionGotNoAudio")
		if !out.Snapshot().Audio.NoAudio {
			t.Error("Audio.NoAudio = false, want true")
		}
		told, _ := middlewaretest.Last[middleware.SIPSessionGotNoAudio](alice)
		if after := told.At.Sub(out.StartTime()); after != 5*time.Second {
			t.Errorf("told %v after the start, want 5 s", after)
		}
		alice.Stop()
		bob.Stop()
	})
}

// wantOutcome looks at the newest row of p's history.
func wantOutcome(t *testing.T, p *middlewaretest.Phone, want storage.Outcome) {
	t.Helper()
	rows, err := p.App.History().Search(t.Context(), middleware.HistoryQuery{Limit: 1})
	if err != nil || len(rows) == 0 {
		t.Fatalf("history: %d rows, %v", len(rows), err)
	}
	if rows[0].Outcome != want {
		t.Errorf("outcome in the history of %s = %q, want %q", p.Addr, rows[0].Outcome, want)
	}
}
