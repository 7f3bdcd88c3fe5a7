package middleware_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// The time for a proposal is its own, not that of one before it.
func TestEachProposalHasItsTime(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		b.s.RemoveAudio()
		re := b.r.Expect("INVITE")
		b.r.Send(re.From, re.Reply("200 OK", "b", peerNoAudio))
		b.r.Expect("ACK")
		b.say("INVITE", peerNewAudio)
		time.Sleep(time.Second)
		cancel := strings.Replace(within(b.invite, "INVITE", b.cseq, "b", ""), "INVITE sip", "CANCEL sip", 1)
		b.r.Send(b.invite.From, strings.Replace(cancel, " INVITE\n", " CANCEL\n", 1))
		b.r.Expect("487 INVITE")
		time.Sleep(48 * time.Second)
		b.say("INVITE", version(5))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if got := b.s.Snapshot().State(); got != session.Proposed {
			t.Errorf("15 s after it was made the proposal is decided: the state is %v, want Proposed", got)
		}
		_ = b.s.AcceptProposal(true, false)
		soon()
		b.drain()
	})
}

// Proposals that are made and withdrawn for ever leave nothing behind.
func TestProposalsForEver(t *testing.T) {
	besieged(t, 1, func(t *testing.T, b *siege) {
		b.s.RemoveAudio()
		re := b.r.Expect("INVITE")
		b.r.Send(re.From, re.Reply("200 OK", "b", peerNoAudio))
		b.r.Expect("ACK")
		soon()
		for i := range 200 {
			b.say("INVITE", version(i))
			synctest.Wait()
			b.s.RejectProposal()
			synctest.Wait()
		}
		if got := b.drain(); got["488 INVITE"] != 200 {
			t.Errorf("answers to 200 proposals that were rejected: %v", got)
		}
		if got := b.s.Timers(); got > 3 {
			t.Errorf("%d timers run after 200 proposals", got)
		}
		b.say("INVITE", version(900))
		synctest.Wait()
		_ = b.s.AcceptProposal(true, false)
		soon()
		b.drain()
	})
}

// What is asked for while another change is refused is not lost with it.
func TestCommandsDuringAChangeThatIsRefused(t *testing.T) {
	refuse := func(b *siege) {
		re := b.r.Expect("INVITE")
		b.r.Send(re.From, re.Reply("488 Not Acceptable Here", "b", ""))
		b.r.Expect("ACK")
	}
	for name, f := range map[string]func(t *testing.T, b *siege){
		"hold during a refresh": func(t *testing.T, b *siege) {
			b.s.RefreshNow()
			synctest.Wait()
			b.s.Hold()
			refuse(b)
			re := b.r.Expect("INVITE")
			if !strings.Contains(re.Body(), "a=sendonly") {
				t.Errorf("the offer does not hold: %q", re.Body())
			}
			b.r.Send(re.From, re.Reply("200 OK", "b", version(1)))
			soon()
			if snap := b.s.Snapshot(); !snap.OnHoldByLocal || snap.HoldFailed {
				t.Errorf("on hold %v, failed %v, want true, false", snap.OnHoldByLocal, snap.HoldFailed)
			}
			b.s.Unhold()
			re = b.r.Expect("INVITE")
			b.r.Send(re.From, re.Reply("200 OK", "b", version(2)))
		},
		"the end of the audio during a hold": func(t *testing.T, b *siege) {
			b.s.Hold()
			synctest.Wait()
			b.s.RemoveAudio()
			refuse(b)
			re := b.r.Expect("INVITE")
			if !strings.Contains(re.Body(), "m=audio 0 ") {
				t.Errorf("the offer has audio: %q", re.Body())
			}
			b.r.Send(re.From, re.Reply("200 OK", "b", peerNoAudio))
			soon()
			b.s.AddAudio()
			re = b.r.Expect("INVITE")
			b.r.Send(re.From, re.Reply("200 OK", "b", peerNewAudio))
		},
		"a hold that is refused": func(t *testing.T, b *siege) {
			b.s.Hold()
			refuse(b)
			b.r.Silent("INVITE", 4*time.Second)
			wantNames(t, "phone", b.p, "SIPSessionHoldDidFail")
		},
	} {
		t.Run(name, func(t *testing.T) {
			besieged(t, 1, func(t *testing.T, b *siege) {
				f(t, b)
				soon()
			})
		})
	}
}

// A caller that gives up at once is not rung for.
func TestCancelBeforeTheCallBegan(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		for range 50 {
			out := alice.Dial(bob.URI())
			time.Sleep(time.Millisecond)
			out.End()
			soon()
			soon()
			if list := bob.App.SessionManager().Sessions(); len(list) != 0 {
				t.Fatalf("bob is %v after the caller gave up", list[0].Snapshot().Place)
			}
		}
	})
}

// A caller that wants the place of a call and gives up before it gets it leaves
// that call as it was.
func TestPlaceThatIsGivenUp(t *testing.T) {
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, _ *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		release := s.Stall()
		text := inPlaceOf(invite, peer, offeredAudio)
		peer.Send(invite.From, text)
		peer.Expect("100 INVITE")
		time.Sleep(10 * time.Millisecond)
		cancel := strings.Replace(strings.Replace(text, "INVITE sip", "CANCEL sip", 1), "1 INVITE", "1 CANCEL", 1)
		peer.Send(invite.From, cancel)
		peer.Expect("487 INVITE")
		release()
		soon()
		soon()
		list := p.App.SessionManager().Sessions()
		if len(list) != 1 || list[0] != s {
			t.Errorf("%d sessions are going on, the last %v, want the one call", len(list), list[len(list)-1].Snapshot().Place)
		}
		if snap := s.Snapshot(); snap.State() != session.Established || snap.OnHold() || snap.ReplacedBy != 0 {
			t.Errorf("the call is %v, on hold %v, replaced by %d", snap.State(), snap.OnHold(), snap.ReplacedBy)
		}
		hangUp(peer, s)
	})
}

// Of two who want the same place one gets it.
func TestPlaceThatTwoWant(t *testing.T) {
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, _ *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		release := s.Stall()
		first := inPlaceOf(invite, peer, offeredAudio)
		peer.Send(invite.From, first)
		peer.Expect("100 INVITE")
		peer.Send(invite.From, strings.NewReplacer("bKplace", "bKother", "place-", "other-").Replace(first))
		peer.Expect("100 INVITE")
		time.Sleep(10 * time.Millisecond)
		release()
		peer.Expect("603 INVITE")
		takenOver(t, p, peer, peer, s, invite)
		hangUp(peer, p.Session())
	})
}

// A third call is taken up while the peer of the first has us call somebody: the
// first is held like any other, and stays so when that comes to nothing.
func TestAnotherCallDuringATransfer(t *testing.T) {
	besieged(t, 3, func(t *testing.T, b *siege) {
		b.say("REFER", "Contact: <sip:bob@192.0.2.10:5060>\nRefer-To: <sip:carol@192.0.2.10:5060>\n")
		child := b.r.Expect("INVITE")
		b.stranger.Send(siptestPhone, called(b.stranger, "third", ""))
		b.stranger.Expect("180 INVITE")
		third := b.p.Session()
		third.Accept()
		ok := b.stranger.Expect("200 INVITE")
		b.stranger.Send(siptestPhone, "ACK sip:bob@192.0.2.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bKack\nMax-Forwards: 70\nFrom: "+
			ok.Header("From")+"\nTo: "+ok.Header("To")+"\nCall-ID: third\nCSeq: 1 ACK\n")
		hold := b.r.Expect("INVITE")
		if hold.Header("Call-ID") != b.invite.Header("Call-ID") || !strings.Contains(hold.Body(), "a=sendonly") {
			t.Fatalf("the first call is not held: %s\n%s", hold.Header("Call-ID"), hold.Body())
		}
		b.r.Send(hold.From, hold.Reply("200 OK", "b", version(1)))
		b.r.Send(child.From, child.Reply("486 Busy Here", "x", ""))
		soon()
		if !b.s.Snapshot().OnHoldByLocal {
			t.Error("two calls are spoken to at a time")
		}
		third.End()
		bye := b.stranger.Expect("BYE")
		b.stranger.Send(bye.From, bye.Reply("200 OK", "", ""))
		b.s.Unhold()
		re := b.r.Expect("INVITE")
		b.r.Send(re.From, re.Reply("200 OK", "b", version(2)))
		soon()
	}, timed(0))
}

// A command to a call that is over is refused like any other.
func TestCommandAfterTheEndIsTold(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		out.End()
		<-out.Done()
		soon()
		alice.Names()
		out.Hold()
		soon()
		wantNames(t, "alice", alice, "SIPSessionCommandRefused")
		if err := out.DoWait(t.Context(), session.Hold, ""); !errors.Is(err, middleware.ErrSessionOver) {
			t.Errorf("DoWait after the end = %v, want ErrSessionOver", err)
		}
	})
}

// A member of a conference passes its place on, or is replaced: the conference
// goes on with the new call.
func TestPlaceInAConference(t *testing.T) {
	for name, move := range map[string]func(b *siege){
		"replaced": func(b *siege) {
			b.r.Send(b.invite.From, inPlaceOf(b.invite, b.r, offeredAudio))
			takenOver(b.t, b.p, b.r, b.r, b.s, b.invite)
		},
		"sent on": func(b *siege) {
			b.cseq = 0
			b.say("REFER", "Contact: <sip:bob@192.0.2.10:5060>\nRefer-To: <sip:carol@192.0.2.10:5060>\n")
			b.r.Expect("202 REFER")
			soon()
			b.s.AcceptTransfer() // a direct call is not followed unasked
			child := b.r.Expect("INVITE")
			b.r.Send(child.From, child.Reply("200 OK", "x", version(7)))
			b.r.Expect("ACK")
			bye := b.r.Expect("BYE")
			b.r.Send(bye.From, bye.Reply("200 OK", "", ""))
			soon()
		},
	} {
		t.Run(name, func(t *testing.T) {
			besieged(t, 3, func(t *testing.T, b *siege) {
				m := b.p.App.SessionManager()
				second := b.join(m)
				move(b)
				heir := b.p.Session()
				if got := m.Conference(); len(got.Members) != 2 || !got.Has(heir.ID()) || !got.Has(second.ID()) || got.OnHold {
					t.Errorf("the conference is %+v, want calls %d and %d", got, heir.ID(), second.ID())
				}
				for _, s := range []*middleware.Session{heir, second} {
					if snap := s.Snapshot(); snap.OnHold() || !snap.Conference {
						t.Errorf("call %d: on hold %v, in the conference %v, want false, true", s.ID(), snap.OnHold(), snap.Conference)
					}
				}
				if b.s.Snapshot().Conference {
					t.Error("the call that is over is said to be in the conference")
				}
				second.End()
				bye := b.stranger.Expect("BYE")
				b.stranger.Send(bye.From, bye.Reply("200 OK", "", ""))
				soon()
				b.s = heir
			})
		})
	}
}

// Who is called for the far end, and who takes a call's place, are contacts like
// any other.
func TestContactsOfCallsThatAreMoved(t *testing.T) {
	add := func(t *testing.T, p *middlewaretest.Phone, name, address string) int64 {
		t.Helper()
		c, err := p.App.Contacts().Add(t.Context(), middleware.Contact{Name: name, Addresses: []middleware.ContactAddress{{Address: address}}})
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	want := func(t *testing.T, what string, got middleware.Peer, id int64, name string) {
		t.Helper()
		if got.Contact != id || got.Name != name {
			t.Errorf("%s is %q, contact %d, want %q, %d", what, got.Name, got.Contact, name, id)
		}
	}
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, _ *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		carol, dave := add(t, p, "Carol C.", "sip:carol@192.0.2.10:5060"), add(t, p, "Dave D.", "dave@example.org")
		peer.Send(invite.From, within(invite, "REFER", 1, "b", "Contact: <sip:bob@192.0.2.10:5060>\nRefer-To: \"C\" <sip:carol@192.0.2.10:5060>\n"))
		peer.Expect("202 REFER")
		soon()
		want(t, "whom to call", s.Snapshot().Transfer.To, carol, "Carol C.")
		s.AcceptTransfer()
		child := peer.Expect("INVITE")
		want(t, "who is called", p.Session().Snapshot().Peer, carol, "Carol C.")
		peer.Send(child.From, child.Reply("486 Busy Here", "x", ""))
		soon()
		peer.Send(invite.From, inPlaceOf(invite, peer, offeredAudio))
		takenOver(t, p, peer, peer, s, invite)
		want(t, "who has taken the place", p.Session().Snapshot().Peer, dave, "Dave D.")
		hangUp(peer, p.Session())
	})
}
