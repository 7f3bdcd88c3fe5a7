package middleware_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/storage"
)

// bySession is what a phone tells, for each of its calls: two calls that touch
// each other tell in no certain order.
type bySession struct {
	p    *middlewaretest.Phone
	seen int
}

// want compares the notifications since the last time, but for those that come
// with every change.
func (b *bySession) want(t *testing.T, who string, want map[middleware.SessionID][]string) {
	t.Helper()
	b.p.Names()
	got := map[middleware.SessionID][]string{}
	notes := b.p.Notes()
	for _, n := range notes[b.seen:] {
		now, ok := middleware.SessionOf(n)
		switch n.(type) {
		case middleware.SIPSessionDidChange, middleware.SIPSessionChangedState, middleware.SIPSessionGotProvisionalResponse, middleware.SIPSessionGotStreamUpdate:
		default:
			if ok {
				got[now.ID] = append(got[now.ID], bus.Name(n))
			}
		}
	}
	b.seen = len(notes)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notifications at %s (-want +got):\n%s", who, diff)
	}
}

// Between phones without accounts a transfer always asks the person.
func TestBlindTransfer(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		if err := out.Transfer(carol.URI()); err != nil {
			t.Fatal(err)
		}
		soon()
		wantNames(t, "alice", alice, "SIPSessionTransferNewOutgoing", "SIPSessionGotHoldRequest", "SIPSessionTransferDidStart", "SIPSessionTransferGotProgress")
		wantNames(t, "bob", bob, "SIPSessionGotHoldRequest", "SIPSessionTransferNewIncoming")
		note, _ := middlewaretest.Last[middleware.SIPSessionTransferNewIncoming](bob)
		if want := "bob@192.0.2.3:5060"; note.Destination != want || note.Source == "" || !note.Now.Transfer.Waiting || note.Now.Transfer.By != middleware.Remote {
			t.Errorf("bob was told %+v, want a decision about %s", note, want)
		}
		told := &bySession{p: bob, seen: len(bob.Notes())}
		in.AcceptTransfer()
		soon()
		told.want(t, "bob", map[middleware.SessionID][]string{
			1: {"SIPSessionTransferDidStart", "SIPSessionTransferGotProgress"},
			2: {"SIPSessionNewOutgoing", "SIPSessionGotRingIndication"},
		})
		wantNames(t, "alice", alice, "SIPSessionTransferGotProgress")
		wantNames(t, "carol", carol, "SIPSessionNewIncoming")
		carol.Session().Accept()
		soon()
		wantNames(t, "alice", alice, "SIPSessionTransferDidEnd", "SIPSessionWillEnd", "SIPSessionDidEnd")
		told.want(t, "bob", map[middleware.SessionID][]string{
			1: {"SIPSessionTransferDidEnd", "SIPSessionWillEnd", "SIPSessionDidEnd"},
			2: {"SIPSessionWillStart", "SIPSessionDidStart"},
		})
		wantNames(t, "carol", carol, "SIPSessionWillStart", "SIPSessionDidStart")
		now := bob.Session().Snapshot()
		if now.TransferredFrom != in.ID() || now.ReferredBy == "" || now.OnHold() || !now.Audio.Active {
			t.Errorf("the new call at bob = %+v", now)
		}
		before := carol.Session().Stats().PacketsReceived
		time.Sleep(time.Second)
		if got := carol.Session().Stats().PacketsReceived - before; got < 40 {
			t.Errorf("carol received %d packets in a second, want 50", got)
		}
		if out.Snapshot().State() != session.Terminated || in.Snapshot().State() != session.Terminated {
			t.Error("the old call goes on")
		}
		wantHistory(t, alice, "→ bob@192.0.2.3:5060")
		carol.Session().End()
		soon()
		wantHistory(t, bob, "← "+now.ReferredBy)
	})
}

// wantHistory looks at the note of the newest row of p's history.
func wantHistory(t *testing.T, p *middlewaretest.Phone, want string) {
	t.Helper()
	rows, err := p.App.History().Search(t.Context(), middleware.HistoryQuery{Limit: 1})
	if err != nil || len(rows) != 1 || rows[0].Note != want {
		t.Errorf("history of %s: %+v, %v, want the note %q", p.Addr, rows, err, want)
	}
}

// A transfer that fails leaves the call as it was.
func TestBlindTransferFails(t *testing.T) {
	tests := []struct {
		name       string
		act        func(alice, bob, carol *middlewaretest.Phone, in *middleware.Session)
		code       int
		alice, bob []string // what follows the question
		child      []string // what bob tells of the call that it makes
	}{
		{
			"not wanted there",
			func(_, _, _ *middlewaretest.Phone, in *middleware.Session) { in.RejectTransfer() },
			603,
			[]string{"SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			[]string{"SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			nil,
		},
		{
			"nobody decides",
			func(_, _, _ *middlewaretest.Phone, in *middleware.Session) {
				time.Sleep(60 * time.Second)
				synctest.Wait()
			},
			480,
			[]string{"SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			[]string{"SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			nil,
		},
		{
			"busy",
			func(_, _, carol *middlewaretest.Phone, in *middleware.Session) {
				in.AcceptTransfer()
				soon()
				carol.Session().Reject(true)
			},
			486,
			[]string{"SIPSessionTransferGotProgress", "SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			[]string{"SIPSessionTransferDidStart", "SIPSessionTransferGotProgress", "SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			[]string{"SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionDidFail", "SIPSessionDidEnd"},
		},
		{
			"given up by the one who calls",
			func(_, bob, _ *middlewaretest.Phone, in *middleware.Session) {
				in.AcceptTransfer()
				soon()
				bob.Session().End()
			},
			487,
			[]string{"SIPSessionTransferGotProgress", "SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			[]string{"SIPSessionTransferDidStart", "SIPSessionTransferGotProgress", "SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			[]string{"SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionWillEnd", "SIPSessionDidEnd"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
				out, in := connected(t, alice, bob)
				if err := out.Transfer(carol.URI()); err != nil {
					t.Fatal(err)
				}
				soon()
				alice.Names()
				told := &bySession{p: bob, seen: len(bob.Notes())}
				tt.act(alice, bob, carol, in)
				soon()
				wantNames(t, "alice", alice, tt.alice...)
				want := map[middleware.SessionID][]string{1: tt.bob}
				if tt.child != nil {
					want[2] = tt.child
				}
				told.want(t, "bob", want)
				fail, _ := middlewaretest.Last[middleware.SIPSessionTransferDidFail](alice)
				if fail.Code != tt.code {
					t.Errorf("alice was told %d, want %d", fail.Code, tt.code)
				}
				for who, s := range map[string]*middleware.Session{"alice": out, "bob": in} {
					now := s.Snapshot()
					if now.Place != (session.Place{State: session.Established}) || now.OnHold() || now.Transfer != (middleware.Transfer{}) {
						t.Errorf("%s's call after the failure: %+v", who, now)
					}
				}
				before := in.Stats().PacketsReceived
				time.Sleep(time.Second)
				if got := in.Stats().PacketsReceived - before; got < 40 {
					t.Errorf("bob received %d packets in a second after the failure, want 50", got)
				}
				// Another attempt is possible.
				if err := out.Transfer(carol.URI()); err != nil {
					t.Fatal(err)
				}
				soon()
				in.AcceptTransfer()
				soon()
				carol.Session().Accept()
				soon()
				if out.Snapshot().State() != session.Terminated {
					t.Error("a second transfer did not work")
				}
			})
		})
	}
}

func TestTransferDenied(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		if err := out.Transfer("sip:carol@192.0.2.3:5060"); err != nil {
			t.Fatal(err)
		}
		soon()
		wantNames(t, "alice", alice, "SIPSessionTransferNewOutgoing", "SIPSessionGotHoldRequest", "SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest")
		wantNames(t, "bob", bob, "SIPSessionGotHoldRequest", "SIPSessionGotUnholdRequest")
		if out.Snapshot().OnHold() || in.Snapshot().OnHold() {
			t.Error("the call is still on hold")
		}
	}, func(_ *middleware.Config, s *storage.Settings) { s.Calls.Transfers = storage.TransfersDeny })
}

// A call that was on hold before stays so when its transfer fails.
func TestHoldOutlivesATransfer(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		out.Hold()
		soon()
		if err := out.Transfer("sip:carol@192.0.2.3:5060"); err != nil {
			t.Fatal(err)
		}
		soon()
		in.RejectTransfer()
		soon()
		if !out.Snapshot().OnHoldByLocal {
			t.Error("the call was taken out of a hold that the transfer did not make")
		}
		wantNames(t, "alice", alice, "SIPSessionGotHoldRequest", "SIPSessionTransferNewOutgoing", "SIPSessionTransferDidStart",
			"SIPSessionTransferGotProgress", "SIPSessionTransferDidFail")
	})
}

func TestTransferThatIsRefusedHere(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		ringing := alice.Dial(bob.URI())
		soon()
		if err := ringing.DoWait(t.Context(), session.Transfer, "sip:c@192.0.2.3:5060"); err == nil {
			t.Error("a call that rings was transferred")
		}
		bob.Session().Accept()
		soon()
		if err := ringing.Transfer("not a number"); !errors.Is(err, middleware.ErrNoTarget) {
			t.Errorf("Transfer to nobody = %v, want ErrNoTarget", err)
		}
		if err := ringing.Transfer("bob"); !errors.Is(err, middleware.ErrNoAccount) {
			t.Errorf("Transfer to a name without a domain = %v, want ErrNoAccount", err)
		}
		if err := ringing.Transfer(middleware.EchoTarget); err == nil {
			t.Error("Transfer to the Echo Test was taken")
		}
		for _, id := range []middleware.SessionID{ringing.ID(), 99} {
			if err := ringing.TransferTo(id); !errors.Is(err, middleware.ErrOtherCall) {
				t.Errorf("TransferTo(%d) = %v, want ErrOtherCall", id, err)
			}
		}
		for _, in := range []session.Input{session.AcceptTransfer, session.RejectTransfer} {
			if err := ringing.DoWait(t.Context(), in, ""); !errors.Is(err, middleware.ErrNoTransfer) {
				t.Errorf("%v = %v, want ErrNoTransfer", in, err)
			}
		}
		if err := ringing.Transfer("sip:c@192.0.2.3:5060"); err != nil {
			t.Fatal(err)
		}
		if err := ringing.DoWait(t.Context(), session.Transfer, "sip:c@192.0.2.3:5060"); !errors.Is(err, middleware.ErrTransferring) {
			t.Errorf("a second transfer = %v, want ErrTransferring", err)
		}
		soon()
		if got := ringing.Snapshot().Transfer.To.Address; got != "c@192.0.2.3:5060" {
			t.Errorf("Transfer.To = %q", got)
		}
	})
}

// Whoever sends a call on may hang up before anything came of it.
func TestTransferorHangsUpEarly(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		if err := out.Transfer(carol.URI()); err != nil {
			t.Fatal(err)
		}
		soon()
		in.AcceptTransfer()
		soon()
		alice.Names()
		bob.Names()
		out.End()
		soon()
		wantNames(t, "alice", alice, "SIPSessionWillEnd", "SIPSessionTransferDidFail", "SIPSessionDidEnd")
		wantNames(t, "bob", bob, "SIPSessionWillEnd", "SIPSessionDidEnd")
		carol.Session().Accept()
		soon()
		wantNames(t, "bob", bob, "SIPSessionWillStart", "SIPSessionDidStart")
	})
}

func TestAttendedTransfer(t *testing.T) {
	for _, caller := range []string{"alice", "carol"} {
		t.Run("second call by "+caller, func(t *testing.T) {
			three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
				first, atBob := connected(t, alice, bob)
				second, atCarol := secondCall(t, alice, carol, caller)
				bob.Names()
				told := &bySession{p: carol, seen: len(carol.Notes())}
				if err := first.TransferTo(second.ID()); err != nil {
					t.Fatal(err)
				}
				soon()
				wantNames(t, "alice", alice, "SIPSessionTransferNewOutgoing", "SIPSessionTransferDidStart", "SIPSessionTransferGotProgress")
				wantNames(t, "bob", bob, "SIPSessionTransferNewIncoming")
				atBob.AcceptTransfer()
				soon()
				told.want(t, "carol", map[middleware.SessionID][]string{
					1: {"SIPSessionWillEnd", "SIPSessionDidEnd"},
					2: {"SIPSessionNewIncoming", "SIPSessionNewReplacement", "SIPSessionWillStart", "SIPSessionDidStart"},
				})
				for who, s := range map[string]*middleware.Session{"alice's first": first, "alice's second": second, "bob's": atBob, "carol's": atCarol} {
					if got := s.Snapshot().State(); got != session.Terminated {
						t.Errorf("%s call is %v, want Terminated", who, got)
					}
				}
				heir := carol.Session().Snapshot()
				if heir.Replaced != atCarol.ID() || atCarol.Snapshot().ReplacedBy != heir.ID || heir.OnHold() || !heir.Audio.Active {
					t.Errorf("the new call at carol = %+v", heir)
				}
				if n := len(alice.App.SessionManager().Sessions()); n != 0 {
					t.Errorf("alice has %d calls left", n)
				}
				before := bob.Session().Stats().PacketsReceived
				time.Sleep(time.Second)
				if got := bob.Session().Stats().PacketsReceived - before; got < 40 {
					t.Errorf("bob received %d packets in a second, want 50", got)
				}
				if end, _ := middlewaretest.Last[middleware.SIPSessionDidFail](carol); end.Session != 0 {
					t.Errorf("carol was told of a failure: %+v", end)
				}
			})
		})
	}
}

// secondCall brings up a call between alice and carol beside alice's first and
// forgets what was told.
func secondCall(t *testing.T, alice, carol *middlewaretest.Phone, caller string) (atAlice, atCarol *middleware.Session) {
	t.Helper()
	from, to := alice, carol
	if caller == "carol" {
		from, to = carol, alice
	}
	from.Dial(to.URI())
	soon()
	to.Session().Accept()
	soon()
	alice.Names()
	carol.Names()
	return alice.Session(), carol.Session()
}

func TestAttendedTransferFails(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		first, atBob := connected(t, alice, bob)
		second, atCarol := secondCall(t, alice, carol, "alice")
		if err := first.TransferTo(second.ID()); err != nil {
			t.Fatal(err)
		}
		soon()
		atBob.RejectTransfer()
		soon()
		for who, s := range map[string]*middleware.Session{"alice's first": first, "alice's second": second, "bob's": atBob, "carol's": atCarol} {
			if got := s.Snapshot().State(); got != session.Established {
				t.Errorf("%s call is %v, want Established", who, got)
			}
		}
		if !first.Snapshot().OnHoldByLocal || second.Snapshot().OnHoldByLocal {
			t.Error("the first call is not on hold as before, or the second is")
		}
	})
}

// The call to be given away ends before it could be described.
func TestTransferToACallThatIsBeingEnded(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		first, _ := connected(t, alice, bob)
		second, _ := secondCall(t, alice, carol, "alice")
		release := second.Stall()
		second.End()
		if err := first.TransferTo(second.ID()); err != nil {
			t.Fatal(err)
		}
		release()
		soon()
		refused, ok := middlewaretest.Last[middleware.SIPSessionCommandRefused](alice)
		if !ok || refused.Session != first.ID() || refused.Command != session.Transfer || !errors.Is(refused.Err, middleware.ErrOtherCall) {
			t.Errorf("alice was told %+v, want ErrOtherCall", refused)
		}
	})
}

// The call that alice wants to give away has just ended.
func TestAttendedTransferToACallThatIsOver(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		first, atBob := connected(t, alice, bob)
		second, atCarol := secondCall(t, alice, carol, "alice")
		if err := first.TransferTo(second.ID()); err != nil {
			t.Fatal(err)
		}
		soon()
		atCarol.End()
		soon()
		atBob.AcceptTransfer()
		soon()
		fail, ok := middlewaretest.Last[middleware.SIPSessionTransferDidFail](alice)
		if !ok || fail.Code != 603 {
			t.Errorf("alice was told %d, want 603", fail.Code)
		}
		if first.Snapshot().State() != session.Established || atBob.Snapshot().State() != session.Established {
			t.Error("the first call is over")
		}
		if n := len(carol.App.SessionManager().Sessions()); n != 0 {
			t.Errorf("carol has %d calls, want none", n)
		}
	})
}
