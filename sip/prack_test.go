package sip_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

// reliableSide is a side whose calls, in and out, make use of 100rel.
func reliableSide(t *testing.T, n *siptest.Network, addr string, r sip.Reliable) *side {
	return newSide(t, n, addr, func(c *sip.Config) { c.Reliable = r })
}

// withReliable runs f with one endpoint that knows 100rel and a hand-written
// peer.
func withReliable(t *testing.T, r sip.Reliable, f func(t *testing.T, s *side, p *siptest.Peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := reliableSide(t, n, "10.0.0.1:5060", r)
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		defer s.close()
		f(t, s, p)
	})
}

// call starts a call to p with 100rel and returns its INVITE.
func reliableCall(t *testing.T, s *side, p *siptest.Peer) (*sip.Call, siptest.Message) {
	t.Helper()
	r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
	r.Reliable = sip.ReliableSupported
	c := must(s.e.Invite(r))
	return c, p.Expect("INVITE")
}

// reliable are the header fields of a reliable provisional response.
func reliable(rseq int, leg string) string {
	return fmt.Sprintf("Require: 100rel\nRSeq: %d\nContact: <sip:%s@10.0.0.2:5060>\nRecord-Route: <sip:10.0.0.2;lr;leg=%s>\n", rseq, leg, leg)
}

func TestPrackIsSentForEachReliableResponse(t *testing.T) {
	withReliable(t, sip.ReliableOff, func(t *testing.T, s *side, p *siptest.Peer) {
		c, inv := reliableCall(t, s, p)
		if got, want := inv.Header("Supported"), "replaces, norefersub, 100rel"; got != want || inv.Header("Require") != "" {
			t.Errorf("Supported = %q, want %q; Require = %q", got, want, inv.Header("Require"))
		}
		p.Send(s.addr, inv.Reply("180 Ringing", "bob", "")) // not reliable, makes the dialog
		p.Send(s.addr, inv.Reply("183 Progress", "bob", reliable(7, "bob")+sdpLines))
		prack := p.Expect("PRACK")
		cseq := strings.TrimSuffix(inv.Header("CSeq"), " INVITE")
		want := []string{"PRACK sip:bob@10.0.0.2:5060 SIP/2.0", "7 " + cseq + " INVITE", "<sip:10.0.0.2;lr;leg=bob>", "bob", inv.Tag("From")}
		got := []string{prack.Line(), prack.Header("RAck"), prack.Header("Route"), prack.Tag("To"), prack.Tag("From")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("PRACK (-want +got):\n%s", diff)
		}
		p.Send(s.addr, inv.Reply("183 Progress", "bob", reliable(7, "bob")+sdpLines)) // a repetition
		p.Send(s.addr, inv.Reply("182 Queued", "bob", reliable(9, "bob")))            // ahead of its turn
		p.Send(s.addr, prack.Reply("200 OK", "", ""))
		p.Silent("PRACK", 5*time.Second)
		p.Send(s.addr, inv.Reply("180 Ringing", "bob", reliable(8, "bob")))
		second := p.Expect("PRACK")
		if got, want := second.Header("RAck"), "8 "+cseq+" INVITE"; got != want {
			t.Errorf("RAck = %q, want %q", got, want)
		}
		var first, next int
		_, _ = fmt.Sscan(prack.Header("CSeq"), &first)
		_, _ = fmt.Sscan(second.Header("CSeq"), &next)
		if next != first+1 {
			t.Errorf("CSeq = %d after %d", next, first)
		}
		p.Send(s.addr, second.Reply("200 OK", "", ""))
		p.Send(s.addr, inv.Reply("200 OK", "bob", "Contact: <sip:bob@10.0.0.2:5060>\n")) // without a session description
		p.Expect("ACK")
		s.wait("answered 200")
		s.want("provisional 180", "provisional 183", "provisional 180", "answered 200")
		if got := s.seen["sip.Answered"].(sip.Answered); !got.Early || !strings.Contains(string(got.Body), "m=audio") {
			t.Errorf("Answered = %+v, want what 183 brought", got)
		}
		ok(t, c.Bye(""))
		bye := p.Expect("BYE")
		var last int
		if _, _ = fmt.Sscan(bye.Header("CSeq"), &last); last != next+1 || bye.Header("Route") != "" {
			t.Errorf("BYE has CSeq %d after %d and Route %q, want the next and the route set of the 200", last, next, bye.Header("Route"))
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
	})
}

func TestEveryForkHasItsOwnPracks(t *testing.T) {
	withReliable(t, sip.ReliableOff, func(t *testing.T, s *side, p *siptest.Peer) {
		c, inv := reliableCall(t, s, p)
		for i, leg := range []string{"one", "two", "one", "two"} {
			p.Send(s.addr, inv.Reply("183 Progress", leg, reliable(100*(i%2)+5+i/2, leg)+sdpLines))
			prack := p.Expect("PRACK")
			rseq, _, _ := strings.Cut(prack.Header("RAck"), " ")
			if want := fmt.Sprint(100*(i%2) + 5 + i/2); rseq != want || prack.Tag("To") != leg || prack.Line() != "PRACK sip:"+leg+"@10.0.0.2:5060 SIP/2.0" {
				t.Errorf("PRACK %d = %s to %q with RAck %s, want %s", i, prack.Line(), prack.Tag("To"), rseq, want)
			}
			p.Send(s.addr, prack.Reply("200 OK", "", ""))
		}
		p.Send(s.addr, inv.Reply("200 OK", "two", "Contact: <sip:two@10.0.0.2:5060>\n"+sdpLines))
		p.Expect("ACK")
		s.wait("answered 200")
		if got := s.seen["sip.Provisional"].(sip.Provisional); !got.Reliable || got.Leg != "two" {
			t.Errorf("Provisional = %+v", got)
		}
		ok(t, c.Bye(""))
		bye := p.Expect("BYE")
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
	})
}

// The BYE to a leg that is not wanted has a CSeq above that of its PRACK.
func TestCancelCrossesAnswerAfterPrack(t *testing.T) {
	withReliable(t, sip.ReliableOff, func(t *testing.T, s *side, p *siptest.Peer) {
		c, inv := reliableCall(t, s, p)
		p.Send(s.addr, inv.Reply("180 Ringing", "bob", reliable(1, "bob")))
		prack := p.Expect("PRACK")
		p.Send(s.addr, prack.Reply("200 OK", "", ""))
		synctest.Wait()
		ok(t, c.Cancel(""))
		p.Expect("CANCEL")
		p.Send(s.addr, inv.Reply("200 OK", "bob", "Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		bye := p.Expect("BYE")
		var first, next int
		_, _ = fmt.Sscan(prack.Header("CSeq"), &first)
		if _, _ = fmt.Sscan(bye.Header("CSeq"), &next); next <= first {
			t.Errorf("CSeq of BYE = %d, that of PRACK %d", next, first)
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("failed 487")
	})
}

// What we did not offer is not done: the response counts as an ordinary one.
func TestUnwantedReliability(t *testing.T) {
	for name, change := range map[string]func(*sip.InviteRequest){
		"off":      func(r *sip.InviteRequest) { r.Reliable = sip.ReliableOff },
		"no offer": func(r *sip.InviteRequest) { r.Body = nil },
	} {
		t.Run(name, func(t *testing.T) {
			withReliable(t, sip.ReliableOff, func(t *testing.T, s *side, p *siptest.Peer) {
				r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
				r.Reliable = sip.ReliableRequired
				change(&r)
				must(s.e.Invite(r))
				inv := p.Expect("INVITE")
				if got := inv.Header("Supported") + inv.Header("Require"); strings.Contains(got, "100rel") {
					t.Errorf("the INVITE names %q", got)
				}
				p.Send(s.addr, inv.Reply("180 Ringing", "bob", reliable(1, "bob")))
				s.wait("provisional 180")
				p.Silent("PRACK", time.Second)
				p.Send(s.addr, inv.Reply("486 Busy", "bob", ""))
				s.wait("failed 486")
			})
		})
	}
}

func TestRequiredReliabilityIsDemanded(t *testing.T) {
	withReliable(t, sip.ReliableRequired, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", sdpLines))
		if got := p.Expect("421 INVITE"); got.Header("Require") != "100rel" {
			t.Errorf("Require = %q, want 100rel", got.Header("Require"))
		}
		r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
		r.Reliable = sip.ReliableRequired
		must(s.e.Invite(r))
		inv := p.Expect("INVITE")
		if got := inv.Header("Require"); got != "100rel" {
			t.Errorf("Require = %q, want 100rel", got)
		}
		p.Send(s.addr, inv.Reply("420 Bad Extension", "bob", "Unsupported: 100rel\n"))
		s.wait("failed 420")
	})
}

// prack is a PRACK of the peer's.
func prack(branch string, cseq int, res siptest.Message, extra string) string {
	return request("PRACK", branch, cseq, res.Tag("To"), "RAck: "+res.Header("RSeq")+" "+res.Header("CSeq")+"\n"+extra)
}

func TestReliableRinging(t *testing.T) {
	withReliable(t, sip.ReliableSupported, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "Supported: 100rel\n"+sdpLines))
		in := s.call()
		start := time.Now()
		ok(t, in.Ring(180, nil))
		ok(t, in.Ring(183, []byte(answerSDP))) // waits for its turn
		var at []time.Duration
		var ringing siptest.Message
		for range 4 {
			ringing = p.Expect("180 INVITE")
			at = append(at, time.Since(start))
		}
		ms := time.Millisecond
		if diff := cmp.Diff([]time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms}, at); diff != "" {
			t.Errorf("times of 180 (-want +got):\n%s", diff)
		}
		if got := ringing.Header("Require"); got != "100rel" || ringing.Header("Contact") == "" {
			t.Errorf("Require = %q, Contact = %q", got, ringing.Header("Contact"))
		}
		wrong := strings.Replace(prack("w", 2, ringing, ""), "RAck: "+ringing.Header("RSeq"), "RAck: 1234567", 1)
		p.Send(s.addr, wrong)
		p.Expect("481 PRACK")
		p.Send(s.addr, prack("p", 3, ringing, ""))
		p.Expect("200 PRACK")
		progress := p.Expect("183 INVITE")
		if progress.Body() != answerSDP {
			t.Errorf("183 has the body %q", progress.Body())
		}
		ok(t, in.Answer([]byte(answerSDP))) // waits for the PRACK
		p.Silent("200 INVITE", 400*ms)
		p.Send(s.addr, prack("q", 4, progress, ""))
		p.Expect("200 PRACK")
		if got := p.Expect("200 INVITE"); got.Body() != "" {
			t.Errorf("the 200 repeats the session description: %q", got.Body())
		}
		p.Send(s.addr, request("ACK", "a", 1, progress.Tag("To"), ""))
		s.wait("confirmed")
		p.Send(s.addr, prack("r", 5, progress, ""))
		p.Expect("481 PRACK")
		p.Send(s.addr, request("PRACK", "s", 6, progress.Tag("To"), "RAck: nonsense\n"))
		p.Expect("400 PRACK")
		p.Send(s.addr, request("BYE", "b", 7, progress.Tag("To"), ""))
		p.Expect("200 BYE")
		s.wait("hungup")
		s.want("sip.EarlyConfirmed", "confirmed", "hungup")
	})
}

func TestReliableRingingThatNobodyAcknowledges(t *testing.T) {
	withReliable(t, sip.ReliableOff, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "Require: 100rel\n"+sdpLines))
		p.Expect("420 INVITE")
	})
	withReliable(t, sip.ReliableSupported, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "Require: 100rel\n"+sdpLines))
		in := s.call()
		start := time.Now()
		ok(t, in.Ring(183, []byte(answerSDP)))
		ok(t, in.Answer([]byte(answerSDP)))
		p.Expect("504 INVITE")
		if got, want := time.Since(start), 32*time.Second; got != want {
			t.Errorf("given up after %v, want %v", got, want)
		}
		s.wait("ended no ack")
		s.want("ended no ack")
	})
}

// A 2xx need not wait for a response that brought nothing.
func TestAnswerOvertakesReliableRinging(t *testing.T) {
	withReliable(t, sip.ReliableSupported, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "Supported: 100rel\n"+sdpLines))
		in := s.call()
		ok(t, in.Ring(180, nil))
		ringing := p.Expect("180 INVITE")
		ok(t, in.Answer([]byte(answerSDP)))
		if got := p.Expect("200 INVITE"); got.Body() != answerSDP {
			t.Errorf("the 200 has the body %q", got.Body())
		}
		p.Silent("180 INVITE", 300*time.Millisecond)
		p.Send(s.addr, prack("p", 2, ringing, ""))
		p.Expect("200 PRACK")
		p.Send(s.addr, request("ACK", "a", 1, ringing.Tag("To"), ""))
		s.wait("confirmed")
		p.Send(s.addr, request("BYE", "b", 3, ringing.Tag("To"), ""))
		p.Expect("200 BYE")
	})
}

func TestReliableRingingIsKeptAlive(t *testing.T) {
	withReliable(t, sip.ReliableSupported, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "Require: 100rel\n"+sdpLines))
		in := s.call()
		ok(t, in.Ring(180, nil))
		first := p.Expect("180 INVITE")
		p.Send(s.addr, prack("p", 2, first, ""))
		p.Expect("200 PRACK")
		start := time.Now()
		time.Sleep(59 * time.Second)
		second := p.Expect("180 INVITE")
		if time.Since(start) != time.Minute || first.Header("RSeq") == second.Header("RSeq") {
			t.Errorf("repeated after %v with RSeq %s after %s, want a new one after a minute", time.Since(start), second.Header("RSeq"), first.Header("RSeq"))
		}
		p.Send(s.addr, prack("q", 3, second, ""))
		p.Expect("200 PRACK")
		ok(t, in.Reject(486, ""))
		p.Expect("486 INVITE")
	})
}

// An INVITE without an offer: ours is in the reliable response, the answer in its
// PRACK.
func TestOfferInReliableRinging(t *testing.T) {
	withReliable(t, sip.ReliableSupported, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "Require: 100rel\n"))
		in := s.call()
		ok(t, in.Ring(180, nil))
		p.Silent("180 INVITE", time.Second)
		ok(t, in.Ring(183, []byte(offerSDP)))
		progress := p.Expect("183 INVITE")
		p.Send(s.addr, request("UPDATE", "u", 2, progress.Tag("To"), sdpLines)) // ours is open
		p.Expect("491 UPDATE")
		p.Send(s.addr, prack("p", 3, progress, sdpLines))
		p.Expect("200 PRACK")
		s.wait("sip.EarlyConfirmed")
		if got := s.seen["sip.EarlyConfirmed"].(sip.EarlyConfirmed); !strings.Contains(string(got.Body), "m=audio") {
			t.Errorf("the answer is %q", got.Body)
		}
		ok(t, in.Answer(nil))
		p.Expect("200 INVITE")
		p.Send(s.addr, request("ACK", "a", 1, progress.Tag("To"), ""))
		s.wait("confirmed")
		p.Send(s.addr, request("BYE", "b", 4, progress.Tag("To"), ""))
		p.Expect("200 BYE")
	})
}

func TestEarlyUpdateAtTheCalledSide(t *testing.T) {
	withReliable(t, sip.ReliableSupported, func(t *testing.T, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", "Supported: 100rel\n"+sdpLines))
		in := s.call()
		ok(t, in.Ring(180, nil))
		ringing := p.Expect("180 INVITE")
		tag := ringing.Tag("To")
		p.Send(s.addr, prack("p", 2, ringing, ""))
		p.Expect("200 PRACK")
		p.Send(s.addr, request("UPDATE", "u1", 3, tag, sdpLines)) // its first offer has no answer
		if got := p.Expect("500 UPDATE"); got.Header("Retry-After") == "" {
			t.Error("500 without Retry-After")
		}
		ok(t, in.Ring(183, []byte(answerSDP)))
		progress := p.Expect("183 INVITE")
		p.Send(s.addr, prack("q", 4, progress, sdpLines)) // a second offer
		s.wait("reinvited")
		ok(t, in.AnswerReinvite(200, "", []byte(answerSDP)))
		if got := p.Expect("200 PRACK"); got.Body() != answerSDP {
			t.Errorf("the PRACK is answered %q", got.Body())
		}
		p.Send(s.addr, request("UPDATE", "u2", 5, tag, "Contact: <sip:moved@10.0.0.2:5060>\n"+sdpLines))
		synctest.Wait()
		if got := s.seen["sip.Reinvited"].(sip.Reinvited); !got.Early || got.Leg != "" {
			t.Errorf("Reinvited = %+v, want an early one", got)
		}
		ok(t, in.AnswerReinvite(488, "", nil))
		p.Expect("488 UPDATE")
		ok(t, in.Answer(nil))
		p.Expect("200 INVITE")
		p.Send(s.addr, request("ACK", "a", 1, tag, ""))
		s.wait("confirmed")
		ok(t, in.Bye(""))
		bye := p.Expect("BYE")
		if got, want := bye.Line(), "BYE sip:moved@10.0.0.2:5060 SIP/2.0"; got != want {
			t.Errorf("after a target refresh = %q, want %q", got, want)
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
		s.want("sip.EarlyConfirmed", "reinvited", "reinvited", "confirmed", "ended well")
	})
}

func TestEarlyUpdateAtTheCallingSide(t *testing.T) {
	withReliable(t, sip.ReliableOff, func(t *testing.T, s *side, p *siptest.Peer) {
		c, inv := reliableCall(t, s, p)
		p.Send(s.addr, inv.Reply("180 Ringing", "bob", reliable(1, "bob")))
		p.Send(s.addr, p.Expect("PRACK").Reply("200 OK", "", ""))
		p.Send(s.addr, request2(inv, "UPDATE", 1, "bob")+"Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines)
		p.Expect("491 UPDATE") // our offer is open
		p.Send(s.addr, inv.Reply("183 Progress", "bob", reliable(2, "bob")+sdpLines))
		p.Send(s.addr, p.Expect("PRACK").Reply("200 OK", "", ""))
		changed := strings.Replace(sdpLines, "audio 1", "audio 2", 1)
		p.Send(s.addr, request2(inv, "UPDATE", 2, "bob")+"Contact: <sip:bob@10.0.0.2:5060>\n"+changed)
		s.wait("reinvited")
		if got := s.seen["sip.Reinvited"].(sip.Reinvited); !got.Early || got.Leg != "bob" {
			t.Errorf("Reinvited = %+v, want an early one of bob", got)
		}
		ok(t, c.AnswerReinvite(200, "", []byte(offerSDP)))
		p.Expect("200 UPDATE")
		p.Send(s.addr, request2(inv, "UPDATE", 2, "bob")+sdpLines+" ")
		p.Send(s.addr, inv.Reply("200 OK", "bob", "Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		p.Expect("ACK")
		s.wait("answered 200")
		if got := s.seen["sip.Answered"].(sip.Answered); !got.Early || !strings.Contains(string(got.Body), "audio 2") {
			t.Errorf("Answered = %+v, want what the UPDATE brought", got)
		}
		p.Send(s.addr, request2(inv, "BYE", 3, "bob"))
		p.Expect("200 BYE")
		s.wait("hungup")
		s.want("provisional 180", "provisional 183", "reinvited", "answered 200", "hungup")
	})
}

// An UPDATE of a leg that loses is refused, and its owner is told.
func TestEarlyUpdateOfALosingLeg(t *testing.T) {
	withReliable(t, sip.ReliableOff, func(t *testing.T, s *side, p *siptest.Peer) {
		c, inv := reliableCall(t, s, p)
		p.Send(s.addr, inv.Reply("183 Progress", "bob", reliable(1, "bob")+sdpLines))
		p.Send(s.addr, p.Expect("PRACK").Reply("200 OK", "", ""))
		p.Send(s.addr, request2(inv, "UPDATE", 1, "bob")+"Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines)
		s.wait("reinvited")
		p.Send(s.addr, inv.Reply("200 OK", "carol", "Contact: <sip:carol@10.0.0.2:5060>\n"+sdpLines))
		p.Expect("ACK")
		p.Expect("481 UPDATE")
		s.wait("answered 200")
		s.want("provisional 183", "reinvited", "reinvite canceled", "answered 200")
		ok(t, c.Bye(""))
		bye := p.Expect("BYE")
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
	})
}

func TestReliableLosses(t *testing.T) {
	for _, summary := range []string{"180 INVITE", "183 INVITE", "PRACK", "200 PRACK"} {
		for _, count := range []int{1, 3} {
			t.Run(fmt.Sprint(summary, count), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := &siptest.Network{}
					alice, bob := newSide(t, n, "10.0.0.1:5060", nil), reliableSide(t, n, "10.0.0.2:5060", sip.ReliableSupported)
					defer bob.close()
					defer alice.close()
					lose(n, summary, count)
					r := alice.request(bob.route())
					r.Reliable = sip.ReliableSupported
					out := must(alice.e.Invite(r))
					in := bob.call()
					ok(t, in.Ring(180, nil))
					ok(t, in.Ring(183, []byte(answerSDP)))
					bob.wait("sip.EarlyConfirmed")
					ok(t, in.Answer([]byte(answerSDP)))
					alice.wait("answered 200")
					bob.wait("confirmed")
					ok(t, out.Bye(""))
					bob.wait("hungup")
					alice.wait("ended well")
					alice.want("provisional 180", "provisional 183", "answered 200", "ended well")
					bob.want("sip.EarlyConfirmed", "confirmed", "hungup")
				})
			})
		}
	}
}
