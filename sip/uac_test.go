package sip_test

import (
	"fmt"
	"testing"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

func TestCancelCrossesAnswer(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c := s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
		inv := p.Expect("INVITE")
		p.Send(s.addr, inv.Reply("180 Ringing", "bob", ""))
		s.wait("provisional 180")
		ok(t, c.Cancel(""))
		cancel := p.Expect("CANCEL")
		if got, want := len(cancel.Headers("Via")), 1; got != want || cancel.Header("Via") != inv.Header("Via") {
			t.Errorf("Via of CANCEL = %q, want %q", cancel.Headers("Via"), inv.Header("Via"))
		}
		p.Send(s.addr, inv.Reply("200 OK", "bob", "Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		p.Send(s.addr, cancel.Reply("481 Gone", "bob", ""))
		ack := p.Expect("ACK")
		bye := p.Expect("BYE")
		if ack.Tag("To") != "bob" || bye.Tag("To") != "bob" {
			t.Errorf("To tags = %q and %q, want bob", ack.Tag("To"), bye.Tag("To"))
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("failed 487")
		s.want("provisional 180", "failed 487")
	})
}

func TestCancelThatNobodyAnswers(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c := s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
		inv := p.Expect("INVITE")
		ok(t, c.Cancel(""))
		p.Silent("CANCEL", 300*time.Millisecond)
		p.Send(s.addr, inv.Reply("100 Trying", "", ""))
		p.Expect("CANCEL")
		start := time.Now()
		s.wait("failed 487")
		if got, want := time.Since(start), 32*time.Second; got != want {
			t.Errorf("given up after %v, want %v", got, want)
		}
		// Even later an answer must not leave a phone connected to nobody.
		p.Send(s.addr, inv.Reply("200 OK", "late", "Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		p.Expect("ACK")
		p.Expect("BYE")
	})
}

func TestForkedAnswers(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c := s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
		inv := p.Expect("INVITE")
		for i := range 12 { // more than ten provisional responses, from two legs
			p.Send(s.addr, inv.Reply("183 Progress", fmt.Sprint("leg", i%2), sdpLines))
		}
		contact := func(leg string) string {
			return "Contact: <sip:" + leg + "@10.0.0.2:5060>\n" + sdpLines
		}
		p.Send(s.addr, inv.Reply("200 OK", "leg1", contact("leg1")))
		if got := p.Expect("ACK").Tag("To"); got != "leg1" {
			t.Errorf("ACK to %q, want leg1", got)
		}
		p.Send(s.addr, inv.Reply("200 OK", "leg0", contact("leg0")))
		if got := p.Expect("ACK"); got.Tag("To") != "leg0" || got.Line() != "ACK sip:leg0@10.0.0.2:5060 SIP/2.0" {
			t.Errorf("ACK of the losing leg = %q to %q", got.Line(), got.Tag("To"))
		}
		bye := p.Expect("BYE")
		if bye.Tag("To") != "leg0" {
			t.Errorf("BYE to %q, want leg0", bye.Tag("To"))
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		p.Send(s.addr, inv.Reply("200 OK", "leg0", contact("leg0"))) // a retransmission: ACK, no second BYE
		p.Expect("ACK")
		p.Send(s.addr, inv.Reply("200 OK", "leg1", contact("leg1")))
		if got := p.Expect("ACK").Tag("To"); got != "leg1" {
			t.Errorf("repeated ACK to %q, want leg1", got)
		}
		p.Silent("BYE", 10*time.Second)
		if got, want := len(s.list()), 13; got != want {
			t.Errorf("%d events, want %d: %q", got, want, s.list())
		}
		ok(t, c.Bye(""))
		bye = p.Expect("BYE")
		if bye.Tag("To") != "leg1" || bye.Tag("From") != inv.Tag("From") {
			t.Errorf("BYE for %q, want leg1", bye.Tag("To"))
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
	})
}

func TestLateOffer(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
		r.Body = nil
		c := must(s.e.Invite(r))
		inv := p.Expect("INVITE")
		p.Send(s.addr, inv.Reply("200 OK", "bob", "Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		s.wait("answered 200")
		p.Silent("ACK", 100*time.Millisecond)
		ok(t, c.Ack([]byte(answerSDP)))
		if got := p.Expect("ACK").Body(); got != answerSDP {
			t.Errorf("ACK body = %q, want %q", got, answerSDP)
		}
		p.Send(s.addr, request2(inv, "BYE", 1, "bob"))
		p.Expect("200 BYE")
		s.wait("hungup")
	})
}

// request2 is a request from the called side of inv's dialog.
func request2(inv siptest.Message, method string, cseq int, tag string) string {
	return fmt.Sprintf(`%s sip:abcdefgh@10.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bK%s%d
Max-Forwards: 70
From: %s;tag=%s
To: %s
Call-ID: %s
CSeq: %d %s
`, method, method, cseq, inv.Header("To"), tag, inv.Header("From"), inv.Header("Call-ID"), cseq, method)
}

func TestFailover(t *testing.T) {
	for _, status := range []string{"503 Full", "408 Slow"} {
		with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			q := siptest.NewPeer(t, n, "10.0.0.3:5060")
			defer q.Close()
			s.invite(sip.Route{Transport: "udp", Addr: p.Addr}, sip.Route{Transport: "udp", Addr: q.Addr})
			p.Send(s.addr, p.Expect("INVITE").Reply(status, "x", ""))
			p.Expect("ACK")
			q.Send(s.addr, q.Expect("INVITE").Reply("404 None", "y", ""))
			s.wait("failed 404")
		})
	}
}

func TestRingingIsQuickAndKeptAlive(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		start := time.Now()
		p.Send(s.addr, invitation("fast", sdpLines))
		in := s.call()
		ok(t, in.Ring(180, nil))
		p.Expect("180 INVITE")
		if took := time.Since(start); took != 0 {
			t.Errorf("180 took %v of waiting, want none", took)
		}
		time.Sleep(time.Minute + time.Second)
		p.Expect("180 INVITE") // kept alive for the proxies
		ok(t, in.Reject(486, ""))
	})
}
