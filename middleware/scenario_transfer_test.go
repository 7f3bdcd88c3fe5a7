package middleware_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

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
		in.AcceptTransfer()
		soon()
		wantNames(t, "bob", bob, "SIPSessionTransferDidStart", "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionTransferGotProgress")
		wantNames(t, "alice", alice, "SIPSessionTransferGotProgress")
		wantNames(t, "carol", carol, "SIPSessionNewIncoming")
		carol.Session().Accept()
		soon()
		wantNames(t, "alice", alice, "SIPSessionTransferDidEnd", "SIPSessionWillEnd", "SIPSessionDidEnd")
		wantNames(t, "bob", bob, "SIPSessionWillStart", "SIPSessionDidStart", "SIPSessionTransferDidEnd", "SIPSessionWillEnd", "SIPSessionDidEnd")
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
	}{
		{
			"not wanted there",
			func(_, _, _ *middlewaretest.Phone, in *middleware.Session) { in.RejectTransfer() },
			603,
			[]string{"SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
			[]string{"SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest"},
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
			[]string{
				"SIPSessionTransferDidStart", "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionTransferGotProgress",
				"SIPSessionDidFail", "SIPSessionDidEnd", "SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest",
			},
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
			[]string{
				"SIPSessionTransferDidStart", "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionTransferGotProgress",
				"SIPSessionWillEnd", "SIPSessionDidEnd", "SIPSessionTransferDidFail", "SIPSessionGotUnholdRequest",
			},
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
				bob.Names()
				tt.act(alice, bob, carol, in)
				soon()
				wantNames(t, "alice", alice, tt.alice...)
				wantNames(t, "bob", bob, tt.bob...)
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
				if err := first.TransferTo(second.ID()); err != nil {
					t.Fatal(err)
				}
				soon()
				wantNames(t, "alice", alice, "SIPSessionTransferNewOutgoing", "SIPSessionTransferDidStart", "SIPSessionTransferGotProgress")
				wantNames(t, "bob", bob, "SIPSessionTransferNewIncoming")
				atBob.AcceptTransfer()
				soon()
				wantNames(t, "carol", carol, "SIPSessionNewIncoming", "SIPSessionNewReplacement", "SIPSessionWillStart", "SIPSessionDidStart", "SIPSessionWillEnd", "SIPSessionDidEnd")
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

// referTo is a REFER inside the call of a scripted peer, which has answered an
// INVITE.
func referTo(invite siptest.Message, cseq int, extra string) string {
	return fmt.Sprintf("REFER sip:x@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%[4]s%[1]d\nMax-Forwards: 70\n"+
		"From: %[2]s;tag=b\nTo: %[3]s\nCall-ID: %[4]s\nCSeq: %[1]d REFER\nContact: <sip:bob@192.0.2.10:5060>\n%[5]s",
		cseq, invite.Header("To"), invite.Header("From"), invite.Header("Call-ID"), extra)
}

// fromAccount brings up a call from the account and shows its INVITE.
func fromAccount(t *testing.T, f func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session, invite siptest.Message)) {
	t.Helper()
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "bob@example.org", Account: "alice@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		invite := r.Expect("INVITE")
		r.Send(invite.From, invite.Reply("200 OK", "b", peerAudio))
		r.Expect("ACK")
		soon()
		p.Names()
		f(t, p, r, s, invite)
	})
}

// Through an account a transfer is followed by itself, from the same account.
func TestTransferThroughAnAccount(t *testing.T) {
	fromAccount(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		r.Send(invite.From, referTo(invite, 1, "Refer-To: Carol <tel:+4930123>\nReferred-By: <sip:boss@example.org>\n"))
		r.Expect("202 REFER")
		notify := r.Expect("NOTIFY")
		r.Send(notify.From, notify.Reply("200 OK", "", ""))
		next := r.Expect("INVITE")
		if got, want := next.Line(), "INVITE sip:+4930123@example.org SIP/2.0"; got != want {
			t.Errorf("called %q, want %q", got, want)
		}
		if got, want := next.Header("Referred-By"), "<sip:boss@example.org>"; got != want {
			t.Errorf("Referred-By = %q, want %q", got, want)
		}
		if got := p.Session().Snapshot(); got.Account != "alice@example.org" || got.Peer.Name != "Carol" || got.ReferredBy != "boss@example.org" || got.TransferredFrom != s.ID() {
			t.Errorf("the new call = %+v", got)
		}
		r.Send(next.From, next.Reply("200 OK", "c", peerAudio))
		r.Expect("ACK")
		final := r.Expect("NOTIFY")
		r.Send(final.From, final.Reply("200 OK", "", ""))
		if got := final.Body(); got != "SIP/2.0 200 OK\r\n" {
			t.Errorf("told %q", got)
		}
		soon()
		wantNames(t, "phone", p, "SIPSessionTransferNewIncoming", "SIPSessionTransferDidStart", "SIPSessionNewOutgoing",
			"SIPSessionWillStart", "SIPSessionDidStart", "SIPSessionTransferDidEnd")
		// The one who asked does not hang up: then we do.
		r.Silent("BYE", 4*time.Second)
		bye := r.Expect("BYE")
		if bye.Header("Call-ID") != invite.Header("Call-ID") {
			t.Error("the new call was ended")
		}
		r.Send(bye.From, bye.Reply("200 OK", "", ""))
		soon()
		p.Session().End()
		bye = r.Expect("BYE")
		r.Send(bye.From, bye.Reply("200 OK", "", ""))
	})
}

func TestTransferThroughAnAccountAsks(t *testing.T) {
	fromAccount(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		if err := p.App.ChangeSettings(func(set *middleware.Settings) error { set.Calls.Transfers = storage.TransfersAsk; return nil }); err != nil {
			t.Fatal(err)
		}
		r.Send(invite.From, referTo(invite, 1, "Refer-To: <sip:carol@example.org>\n"))
		r.Expect("202 REFER")
		soon()
		wantNames(t, "phone", p, "SIPSessionTransferNewIncoming")
		if !s.Snapshot().Transfer.Waiting {
			t.Error("nobody is asked")
		}
		hangUp(r, s)
	})
}

// hangUp ends a call with a scripted peer.
func hangUp(r *siptest.Peer, s *middleware.Session) {
	s.End()
	bye := r.Expect("BYE")
	r.Send(bye.From, bye.Reply("200 OK", "", ""))
	soon()
}

func TestRefersThatAreRefused(t *testing.T) {
	fromAccount(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		r.Send(invite.From, referTo(invite, 1, "Refer-To: <sip:alice@example.org>\n"))
		r.Expect("482 REFER")
		r.Send(invite.From, referTo(invite, 2, "Refer-To: <sip:carol@example.org>\n"))
		r.Expect("202 REFER")
		next := r.Expect("INVITE")
		r.Send(next.From, next.Reply("180 Ringing", "c", ""))
		soon()
		r.Send(invite.From, referTo(invite, 3, "Refer-To: <sip:dave@example.org>\n"))
		r.Expect("491 REFER") // one at a time
		if err := s.Transfer("sip:eve@example.org"); err != nil {
			t.Fatal(err)
		}
		soon()
		refused, _ := middlewaretest.Last[middleware.SIPSessionCommandRefused](p)
		if !errors.Is(refused.Err, middleware.ErrTransferring) {
			t.Errorf("a transfer that meets theirs = %v, want ErrTransferring", refused.Err)
		}
		p.Session().End()
		cancel := r.Expect("CANCEL")
		r.Send(cancel.From, cancel.Reply("200 OK", "c", ""))
		r.Send(next.From, next.Reply("487 Gone", "c", ""))
		soon()
		hangUp(r, s)
	})
}

// Two phones that send us to and fro find an end.
func TestTransfersInARow(t *testing.T) {
	fromAccount(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		for range 5 {
			r.Send(invite.From, referTo(invite, 1, "Refer-To: <sip:carol@example.org>\nRefer-Sub: false\n"))
			r.Expect("202 REFER")
			next := r.Expect("INVITE")
			r.Send(next.From, next.Reply("200 OK", "b", peerAudio))
			r.Expect("ACK")
			bye := r.Expect("BYE") // of the call before
			r.Send(bye.From, bye.Reply("200 OK", "", ""))
			soon()
			invite = next
		}
		r.Send(invite.From, referTo(invite, 1, "Refer-To: <sip:carol@example.org>\n"))
		r.Expect("482 REFER")
		if s := p.Session(); s.Snapshot().State() != session.Established {
			t.Errorf("the last call is %v", s.Snapshot().State())
		}
		hangUp(r, p.Session())
	})
}
