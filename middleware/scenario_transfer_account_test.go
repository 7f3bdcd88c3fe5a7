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
		time.Sleep(time.Minute) // people have talked
		r.Send(invite.From, referTo(invite, 2, "Refer-To: <sip:carol@example.org>\nRefer-Sub: false\n"))
		r.Expect("202 REFER")
		next := r.Expect("INVITE")
		r.Send(next.From, next.Reply("486 Busy Here", "b", ""))
		soon()
		hangUp(r, p.Session())
	})
}

// Both sides send each other on at the same moment: neither goes, since nobody
// decides, and the call is as before.
func TestBothTransferAtOnce(t *testing.T) {
	three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		for _, s := range []*middleware.Session{out, in} {
			if err := s.Transfer(carol.URI()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Minute) // the holds cross, and are tried again
		synctest.Wait()
		for who, s := range map[string]*middleware.Session{"alice": out, "bob": in} {
			if now := s.Snapshot(); now.Place != (session.Place{State: session.Established}) || now.OnHold() || now.Transfer != (middleware.Transfer{}) {
				t.Errorf("%s's call = %+v, want it as before", who, now)
			}
		}
		for who, p := range map[string]*middlewaretest.Phone{"alice": alice, "bob": bob} {
			// Where one was much later than the other, that one waited for a decision.
			if fail, ok := middlewaretest.Last[middleware.SIPSessionTransferDidFail](p); !ok || fail.Code != 491 && fail.Code != 480 {
				t.Errorf("%s was told %d, want 491 or 480", who, fail.Code)
			}
		}
		if n := len(carol.App.SessionManager().Sessions()); n != 0 {
			t.Errorf("carol has %d calls", n)
		}
	})
}

// Whatever crosses a transfer, every call finds an end or goes on whole.
func TestWhatCrossesATransfer(t *testing.T) {
	for name, act := range map[string]func(out, in *middleware.Session){
		"hold by the other side":    func(_, in *middleware.Session) { in.Hold(); time.Sleep(10 * time.Second); in.Unhold() },
		"resumed here":              func(out, _ *middleware.Session) { out.Unhold() },
		"hang-up here":              func(out, _ *middleware.Session) { out.End() },
		"hang-up by the other side": func(_, in *middleware.Session) { in.End() },
		"decided twice":             func(_, in *middleware.Session) { in.AcceptTransfer(); in.RejectTransfer() },
		"end of the sound":          func(_, in *middleware.Session) { in.RemoveAudio() },
	} {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s first %v", name, first), func(t *testing.T) {
				three(t, func(t *testing.T, alice, bob, carol *middlewaretest.Phone) {
					out, in := connected(t, alice, bob)
					if first {
						act(out, in)
					}
					_ = out.Transfer(carol.URI()) // carol is somebody
					if !first {
						act(out, in)
					}
					time.Sleep(3 * time.Minute)
					synctest.Wait()
					for who, p := range map[string]*middlewaretest.Phone{"alice": alice, "bob": bob} {
						begun, ended := 0, 0
						for _, n := range p.Notes() {
							switch n.(type) {
							case middleware.SIPSessionTransferNewIncoming, middleware.SIPSessionTransferNewOutgoing:
								begun++
							case middleware.SIPSessionTransferDidEnd, middleware.SIPSessionTransferDidFail:
								ended++
							}
						}
						if begun != ended {
							t.Errorf("%s: %d transfers began and %d ended", who, begun, ended)
						}
					}
					for who, s := range map[string]*middleware.Session{"alice": out, "bob": in} {
						now := s.Snapshot()
						if now.State() == session.Terminated {
							continue
						}
						if now.Place != (session.Place{State: session.Established}) || now.OnHold() || now.Transfer != (middleware.Transfer{}) {
							t.Errorf("%s's call = %+v", who, now)
						}
					}
				})
			})
		}
	}
}
