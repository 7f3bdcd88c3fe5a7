package sip_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// substitute is an INVITE of another peer that wants to take a place.
func substitute(branch, extra string) string {
	return fmt.Sprintf(`INVITE sip:abcdefgh@10.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 10.0.0.3:5060;branch=z9hG4bK%s
Max-Forwards: 70
From: <sip:carol@example.org>;tag=caroltag
To: <sip:alice@example.org>
Call-ID: carol-%s
CSeq: 1 INVITE
Contact: <sip:carol@10.0.0.3:5060>
%s`, branch, branch, extra+sdpLines)
}

func TestReplacesOfAnAnsweredCall(t *testing.T) {
	tests := []struct{ name, extra, want string }{ // TAG is our tag; want "" is a call
		{"it", "Require: replaces\nReplaces: call-1;to-tag=TAG;from-tag=peertag\n", ""},
		{"with blanks", "Replaces: call-1 ; From-Tag = peertag ; to-tag=TAG;x=y\n", ""},
		{"early only", "Replaces: call-1;to-tag=TAG;from-tag=peertag;early-only\n", "486"},
		{"another call", "Replaces: call-2;to-tag=TAG;from-tag=peertag\n", "481"},
		{"another far end", "Replaces: call-1;to-tag=TAG;from-tag=other\n", "481"},
		{"another end of ours", "Replaces: call-1;to-tag=other;from-tag=peertag\n", "481"},
		{"tags the wrong way", "Replaces: call-1;to-tag=peertag;from-tag=TAG\n", "481"},
		{"two", "Replaces: call-1;to-tag=TAG;from-tag=peertag\nReplaces: call-1;to-tag=TAG;from-tag=peertag\n", "400"},
		{"two in one", "Replaces: call-1;to-tag=TAG;from-tag=peertag, call-1;to-tag=TAG;from-tag=peertag\n", "400"},
		{"with Join", "Replaces: call-1;to-tag=TAG;from-tag=peertag\nJoin: call-1;to-tag=TAG;from-tag=peertag\n", "400"},
		{"no tags", "Replaces: call-1\n", "400"},
		{"two tags", "Replaces: call-1;to-tag=TAG;to-tag=TAG;from-tag=peertag\n", "400"},
		{"no call", "Replaces: ;to-tag=TAG;from-tag=peertag\n", "400"},
		{"too long", "Replaces: call-1;to-tag=TAG;from-tag=peertag;x=" + strings.Repeat("y", 1100) + "\n", "400"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				q := siptest.NewPeer(t, n, "10.0.0.3:5060")
				defer q.Close()
				old, tag := answered(t, s, p, "")
				q.Send(s.addr, substitute("x", strings.ReplaceAll(tt.extra, "TAG", tag)))
				if tt.want != "" {
					q.Expect(tt.want + " INVITE")
					s.want("confirmed")
					return
				}
				c := s.call()
				if c.Replaced() != old {
					t.Errorf("Replaced = %v, want the first call", c.Replaced())
				}
				ok(t, c.Answer([]byte(answerSDP)))
				q.Expect("200 INVITE")
				ok(t, old.Bye(""))
				p.Send(s.addr, p.Expect("BYE").Reply("200 OK", "", ""))
				ok(t, c.Bye("")) // without an ACK it waits for half a minute
				q.Send(s.addr, q.Expect("BYE").Reply("200 OK", "", ""))
			})
		})
	}
}

// place makes the Replaces line of a call's own far end.
func place(callID, toTag, fromTag string) string {
	return "Replaces: " + callID + ";to-tag=" + toTag + ";from-tag=" + fromTag + "\n"
}

func TestReplacesOfACallThatRings(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		// One that rings here belongs to its caller.
		p.Send(s.addr, invitation("x", sdpLines))
		in := s.call()
		ok(t, in.Ring(180, nil))
		tag := p.Expect("180 INVITE").Tag("To")
		q := siptest.NewPeer(t, n, "10.0.0.3:5060")
		defer q.Close()
		q.Send(s.addr, substitute("a", place("call-1", tag, "peertag")))
		q.Expect("481 INVITE")
		ok(t, in.Reject(486, ""))
		p.Expect("486 INVITE")

		// One of ours that rings there may be replaced by whoever took it there.
		out := s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
		inv := p.Expect("INVITE")
		p.Send(s.addr, inv.Reply("180 Ringing", "early", ""))
		s.wait("provisional 180")
		q.Send(s.addr, substitute("b", place(inv.Header("Call-ID"), inv.Tag("From"), "nobody")))
		q.Expect("481 INVITE")
		q.Send(s.addr, substitute("c", strings.Replace(place(inv.Header("Call-ID"), inv.Tag("From"), "early"), "\n", ";early-only\n", 1)))
		c := s.call()
		if c.Replaced() != out {
			t.Error("an early call of ours was not found")
		}
		ok(t, c.Reject(603, ""))
	})
}

func TestReplacesOfACallThatIsOver(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		q := siptest.NewPeer(t, n, "10.0.0.3:5060")
		defer q.Close()
		old, tag := answered(t, s, p, "")
		ok(t, old.Bye(""))
		bye := p.Expect("BYE")
		q.Send(s.addr, substitute("ending", place("call-1", tag, "peertag")))
		q.Expect("603 INVITE")
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
		q.Send(s.addr, substitute("over", place("call-1", tag, "peertag")))
		q.Expect("603 INVITE")
		q.Send(s.addr, substitute("other", place("call-1", tag, "other")))
		q.Expect("481 INVITE")
		time.Sleep(time.Minute)
		q.Send(s.addr, substitute("long over", place("call-1", tag, "peertag")))
		q.Expect("481 INVITE")
	})
}

// What is refused or never came about leaves nothing to replace.
func TestReplacesOfACallThatNeverWas(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", sdpLines))
		in := s.call()
		ok(t, in.Reject(486, ""))
		tag := p.Expect("486 INVITE").Tag("To")
		p.Send(s.addr, request("ACK", "x", 1, tag, ""))
		synctest.Wait()
		p.Send(s.addr, strings.Replace(substitute("a", place("call-1", tag, "peertag")), "10.0.0.3", "10.0.0.2", 1))
		p.Expect("481 INVITE")
	})
}

func TestReplacesOutsideInvite(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		_, tag := answered(t, s, p, "")
		p.Send(s.addr, strings.Replace(request("OPTIONS", "a", 1, "", place("call-1", tag, "peertag")), "Call-ID: call-1", "Call-ID: call-9", 1))
		p.Expect("400 OPTIONS")
	})
}

func TestAttendedTransfer(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		chris := newSide(t, n, "10.0.0.3:5060", nil)
		defer chris.close()
		toBob, atBob := connect(t, alice, bob)
		toChris, atChris := connect(t, alice, chris)
		who, up := toChris.Dialog()
		if !up {
			t.Fatal("the call to chris has no name")
		}
		if got, want := toChris.Contact().String(), "sip:abcdefgh@10.0.0.3:5060"; got != want {
			t.Errorf("Contact of chris = %q, want %q", got, want)
		}
		ok(t, toBob.Refer(sip.ReferRequest{To: carol(), Replaces: &who}))
		bob.wait("referred sip:carol@example.org")
		ref := bob.referred()
		ok(t, atBob.AnswerRefer(ref.ID, 202, ""))
		r := bob.request(chris.route())
		r.Replaces, r.ReferredBy = ref.Replaces, "<sip:alice@example.org>"
		if _, err := bob.e.Invite(r); err != nil {
			t.Fatal(err)
		}
		in := chris.call()
		if in.Replaced() != atChris {
			t.Error("chris was not told whose place bob takes")
		}
		if got := in.Header("Referred-By"); len(got) != 1 || got[0] != r.ReferredBy {
			t.Errorf("Referred-By = %q", got)
		}
		if got := in.Header("Require"); len(got) != 1 || got[0] != "replaces" {
			t.Errorf("Require = %q", got)
		}
		ok(t, in.Answer([]byte(answerSDP)))
		ok(t, atChris.Bye(""))
		bob.wait("answered 200")
		ok(t, atBob.NotifyRefer(ref.ID, 200, ""))
		alice.wait("refer finished 200 well")
		ok(t, toBob.Bye(""))
		bob.wait("hungup")
		if d, ok := toBob.Dialog(); ok {
			t.Errorf("Dialog of a call that is over = %v", d)
		}
	})
}

func TestInviteReplacesIsChecked(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
		r.Replaces = &sip.Replaces{CallID: "a\r\nX: y", ToTag: "t", FromTag: "f"}
		if _, err := s.e.Invite(r); err == nil {
			t.Error("a line break in Replaces was taken")
		}
		r.Replaces, r.ReferredBy = nil, "<sip:a@b>\r\nX: y"
		if _, err := s.e.Invite(r); err == nil {
			t.Error("a line break in Referred-By was taken")
		}
	})
}
