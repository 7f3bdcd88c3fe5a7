package sip_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// with runs f with one endpoint and a hand-written peer.
func with(t *testing.T, f func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := newSide(t, n, "10.0.0.1:5060", nil)
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		defer s.close()
		f(t, n, s, p)
	})
}

// invitation is an INVITE from the peer. extra holds further header lines and,
// after an empty line, a body.
func invitation(branch string, extra string) string {
	return request("INVITE", branch, 1, "", "Contact: <sip:peer@10.0.0.2:5060>\n"+extra)
}

func request(method, branch string, cseq int, toTag, extra string) string {
	if toTag != "" {
		toTag = ";tag=" + toTag
	}
	return fmt.Sprintf(`%s sip:abcdefgh@10.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bK%s
Max-Forwards: 70
From: "Peer" <sip:peer@example.org>;tag=peertag
To: <sip:alice@example.org>%s
Call-ID: call-1
CSeq: %d %s
%s`, method, branch, toTag, cseq, method, extra)
}

const sdpLines = "Content-Type: application/sdp\n\nv=0\nm=audio 1 RTP/AVP 0\n"

func TestCancelInEitherOrder(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, request("CANCEL", "early", 1, "", ""))
		p.Expect("481 CANCEL")
		p.Send(s.addr, invitation("early", sdpLines))
		final := p.Expect("487 INVITE")
		p.Send(s.addr, request("ACK", "early", 1, final.Tag("To"), ""))
		if len(s.calls) != 0 {
			t.Error("a canceled INVITE made a call")
		}
	})
	for i := range 50 { // the stack's goroutines run in any order
		with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			branch := fmt.Sprint("b", i)
			p.Send(s.addr, invitation(branch, sdpLines))
			p.Send(s.addr, request("CANCEL", branch, 1, "", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n"))
			final := p.Expect("487 INVITE")
			p.Send(s.addr, request("ACK", branch, 1, final.Tag("To"), ""))
			synctest.Wait()
			if len(s.calls) == 1 {
				s.wait("canceled elsewhere=true")
			}
		})
	}
}

func TestAllAnswersCarryOneTag(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", sdpLines))
		in := s.call()
		trying := p.Expect("100 INVITE")
		ok(t, in.Ring(180, nil))
		ringing := p.Expect("180 INVITE")
		p.Send(s.addr, request("CANCEL", "x", 1, "", ""))
		final := p.Expect("487 INVITE")
		p.Send(s.addr, request("ACK", "x", 1, final.Tag("To"), ""))
		s.wait("canceled elsewhere=false")
		if a, b, c := trying.Tag("To"), ringing.Tag("To"), final.Tag("To"); a != b || b != c || c == "" {
			t.Errorf("tags of 100, 180 and 487 = %q, %q, %q, want one", a, b, c)
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, text, want, header, value string
	}{
		{"no such dialog", request("BYE", "a", 2, "nobody", ""), "481 BYE", "", ""},
		{"BYE without a tag", request("BYE", "a", 2, "", ""), "481 BYE", "", ""},
		{"method not built", request("MESSAGE", "a", 1, "", ""), "405 MESSAGE", "Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"},
		{"method unknown", request("DANCE", "a", 1, "", ""), "405 DANCE", "Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"},
		{"PRACK wanted", invitation("a", "Require: 100rel\n"+sdpLines), "420 INVITE", "Unsupported", "100rel"},
		{"no session description", invitation("a", "Content-Type: text/plain\n\nhello\n"), "415 INVITE", "Accept", "application/sdp"},
		{"too many hops", strings.Replace(invitation("a", sdpLines), "Max-Forwards: 70", "Max-Forwards: 0", 1), "483 INVITE", "", ""},
		{"scheme", strings.Replace(invitation("a", sdpLines), "sip:abcdefgh@10.0.0.1 ", "tel:+4930123 ", 1), "416 INVITE", "", ""},
		{"CSeq of another method", strings.Replace(request("OPTIONS", "a", 1, "", ""), "1 OPTIONS", "1 INFO", 1), "400 INFO", "", ""},
		{"options", request("OPTIONS", "a", 1, "", ""), "200 OPTIONS", "Accept", "application/sdp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				p.Send(s.addr, tt.text)
				got := p.Expect(tt.want)
				if got.Header(tt.header) != tt.value {
					t.Errorf("%s = %q, want %q", tt.header, got.Header(tt.header), tt.value)
				}
				if len(s.calls) != 0 {
					t.Error("it made a call")
				}
			})
		})
	}
}

func TestAdmission(t *testing.T) {
	for _, method := range []string{"INVITE", "OPTIONS"} {
		synctest.Test(t, func(t *testing.T) {
			n := &siptest.Network{}
			var seen sip.Request
			s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) {
				c.Admit = func(r sip.Request) int { seen = r; return 403 }
			})
			defer s.close()
			p := siptest.NewPeer(t, n, "10.0.0.2:5060")
			defer p.Close()
			p.Send(s.addr, request(method, "a", 1, "", "Contact: <sip:peer@10.0.0.2:5060>\n"+sdpLines))
			got := p.Expect("403 " + method)
			if seen.Source != p.Addr || seen.RequestURI.User != "abcdefgh" || seen.From.Name != "Peer" || seen.Transport != "udp" || seen.Method != method {
				t.Errorf("admission saw %+v", seen)
			}
			for _, name := range []string{"Allow", "Accept", "Supported", "Contact"} {
				if v := got.Headers(name); v != nil {
					t.Errorf("a refused %s was told %s: %q", method, name, v)
				}
			}
		})
	}
}

// An OPTIONS gets the answer that an INVITE would get.
func TestOptionsAnswersAsInvite(t *testing.T) {
	tests := []struct{ name, method, extra, want string }{
		{"extension", "OPTIONS", "Require: 100rel\n" + sdpLines, "420 OPTIONS"},
		{"body", "OPTIONS", "Content-Type: text/plain\n\nhello\n", "415 OPTIONS"},
		{"nobody takes calls", "OPTIONS", "", "480 OPTIONS"},
		{"nobody takes calls", "INVITE", "Contact: <sip:peer@10.0.0.2:5060>\n", "480 INVITE"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &siptest.Network{}
				s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) { c.OnCall = nil })
				defer s.close()
				p := siptest.NewPeer(t, n, "10.0.0.2:5060")
				defer p.Close()
				p.Send(s.addr, request(tt.method, "a", 1, "", tt.extra))
				p.Expect(tt.want)
			})
		})
	}
}

// What OPTIONS tells is what a call would do.
func TestOptionsTellsTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) {
			c.Extend = func(r sip.Request) sip.Extensions {
				if r.From.Name != "Peer" {
					t.Errorf("Extend saw %+v", r)
				}
				return sip.Extensions{Reliable: sip.ReliableRequired, SessionTimer: sip.SessionTimer{Expires: time.Hour}}
			}
		})
		defer s.close()
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		p.Send(s.addr, request("OPTIONS", "a", 1, "", ""))
		outside := p.Expect("200 OPTIONS")
		_, tag := answered(t, s, p, "Supported: 100rel, timer\n")
		p.Send(s.addr, request("OPTIONS", "b", 2, tag, ""))
		for _, got := range []siptest.Message{outside, p.Expect("200 OPTIONS")} {
			for name, want := range map[string]string{
				"Allow":     "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY",
				"Supported": "replaces, norefersub, 100rel, timer", "Accept": "application/sdp", "Allow-Events": "refer",
			} {
				if got.Header(name) != want {
					t.Errorf("%s = %q, want %q", name, got.Header(name), want)
				}
			}
		}
		p.Send(s.addr, request("BYE", "c", 3, tag, ""))
		p.Expect("200 BYE")
	})
}

func TestMergedRequest(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("one", sdpLines))
		in := s.call()
		p.Send(s.addr, invitation("two", sdpLines))
		p.Expect("482 INVITE")
		ok(t, in.Reject(603, ""))
		p.Expect("603 INVITE")
	})
}

// answered brings up a call from the peer and returns our tag.
func answered(t *testing.T, s *side, p *siptest.Peer, extra string) (*sip.Call, string) {
	t.Helper()
	p.Send(s.addr, invitation("first", extra+sdpLines))
	in := s.call()
	ok(t, in.Answer([]byte(answerSDP)))
	tag := p.Expect("200 INVITE").Tag("To")
	p.Send(s.addr, request("ACK", "firstack", 1, tag, ""))
	s.wait("confirmed")
	return in, tag
}

func TestRetransmittedInviteIsAnsweredAgain(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		text := invitation("x", sdpLines)
		p.Send(s.addr, text)
		in := s.call()
		ok(t, in.Ring(180, nil))
		p.Expect("180 INVITE")
		p.Send(s.addr, text)
		p.Expect("180 INVITE")
		if len(s.calls) != 0 {
			t.Error("the retransmission made a second call")
		}
		ok(t, in.Reject(486, ""))
	})
}

func TestCSeqOrder(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		_, tag := answered(t, s, p, "")
		p.Send(s.addr, request("INFO", "i3", 3, tag, "Content-Type: text/late\n\nx"))
		time.Sleep(10 * time.Millisecond)
		p.Send(s.addr, request("INFO", "i2", 2, tag, "Content-Type: text/soon\n\nx"))
		p.Expect("200 INFO")
		p.Expect("200 INFO")
		s.wait("info text/late")
		s.want("confirmed", "info text/soon", "info text/late")
		p.Send(s.addr, request("INFO", "i1", 2, tag, ""))
		p.Expect("500 INFO")
		start := time.Now()
		p.Send(s.addr, request("BYE", "b", 9, tag, "")) // a gap: held, then taken
		p.Expect("200 BYE")
		if got, want := time.Since(start), 200*time.Millisecond; got != want {
			t.Errorf("a request ahead of its turn was held %v, want %v", got, want)
		}
		s.wait("hungup")
	})
}

func TestTheirReinviteMeetsAnother(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		in, tag := answered(t, s, p, "")
		p.Send(s.addr, request("INVITE", "r2", 2, tag, sdpLines))
		s.wait("reinvited")
		p.Send(s.addr, request("INVITE", "r3", 3, tag, sdpLines))
		got := p.Expect("500 INVITE")
		if got.Header("Retry-After") == "" {
			t.Error("500 without Retry-After")
		}
		p.Send(s.addr, request("ACK", "r3", 3, tag, ""))
		ok(t, in.AnswerReinvite(200, "", []byte(answerSDP)))
		p.Expect("200 INVITE")
		p.Send(s.addr, request("ACK", "a2", 2, tag, ""))
		synctest.Wait()
		ok(t, in.Reinvite([]byte(offerSDP)))
		mine := p.Expect("INVITE")
		p.Send(s.addr, request("INVITE", "r4", 4, tag, sdpLines))
		p.Expect("491 INVITE")
		p.Send(s.addr, request("ACK", "r4", 4, tag, ""))
		p.Send(s.addr, mine.Reply("488 No", "", ""))
		s.wait("reinvite failed 488")
		p.Send(s.addr, request("BYE", "b", 5, tag, "Reason: Q.850;cause=16;text=\"Normal call clearing\"\n"))
		p.Expect("200 BYE")
		s.wait("hungup")
		if got := s.seen["sip.Hungup"].(sip.Hungup); got.Cause != 0 || got.Q850 != 16 || got.Reason != "Normal call clearing" {
			t.Errorf("Hungup = %+v", got)
		}
	})
}

func TestUpdate(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		in, tag := answered(t, s, p, "")
		p.Send(s.addr, request("UPDATE", "u2", 2, tag, "Contact: <sip:moved@10.0.0.2:5060>\n"))
		p.Expect("200 UPDATE")
		p.Send(s.addr, request("UPDATE", "u3", 3, tag, sdpLines))
		s.wait("reinvited")
		ok(t, in.AnswerReinvite(200, "", []byte(answerSDP)))
		if got := p.Expect("200 UPDATE").Body(); got != answerSDP {
			t.Errorf("answer = %q, want %q", got, answerSDP)
		}
		ok(t, in.Bye(""))
		bye := p.Expect("BYE")
		if got, want := bye.Line(), "BYE sip:moved@10.0.0.2:5060 SIP/2.0"; got != want {
			t.Errorf("after a target refresh = %q, want %q", got, want)
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
	})
}

func TestRouteSets(t *testing.T) {
	tests := []struct{ name, record, line, route string }{
		{
			"loose", "Record-Route: <sip:10.0.0.2;lr>\nRecord-Route: <sip:10.0.0.8;lr>\n",
			"BYE sip:peer@10.0.0.2:5060 SIP/2.0", "<sip:10.0.0.2;lr> <sip:10.0.0.8;lr>",
		},
		{
			"strict", "Record-Route: <sip:10.0.0.2>\nRecord-Route: <sip:10.0.0.8;lr>\n",
			"BYE sip:10.0.0.2 SIP/2.0", "<sip:10.0.0.8;lr> <sip:peer@10.0.0.2:5060>",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				in, _ := answered(t, s, p, tt.record)
				ok(t, in.Bye(""))
				bye := p.Expect("BYE")
				if bye.Line() != tt.line || strings.Join(bye.Headers("Route"), " ") != tt.route {
					t.Errorf("BYE = %q with Route %q, want %q with %q", bye.Line(), bye.Headers("Route"), tt.line, tt.route)
				}
				p.Send(s.addr, bye.Reply("200 OK", "", ""))
				s.wait("ended well")
			})
		})
	}
}

func TestHeaderInjectionIsRefused(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		route := sip.Route{Transport: "udp", Addr: p.Addr}
		bad := func(change func(*sip.InviteRequest)) {
			r := s.request(route)
			change(&r)
			if _, err := s.e.Invite(r); err == nil {
				t.Errorf("Invite took %+v", r)
			}
		}
		bad(func(r *sip.InviteRequest) { r.Headers = []sip.Header{{Name: "Subject", Value: "hi\r\nX-Evil: 1"}} })
		bad(func(r *sip.InviteRequest) { r.Headers = []sip.Header{{Name: "Sub\r\nject", Value: "hi"}} })
		bad(func(r *sip.InviteRequest) { r.RouteSet = []string{"<sip:x;lr>\r\nX-Evil: 1"} })
		r := s.request(route)
		r.From.Name = "Eve\r\nX-Evil: 1"
		if _, err := s.e.Invite(r); err == nil {
			inv := p.Expect("INVITE")
			if inv.Header("X-Evil") != "" {
				t.Errorf("a display name injected a header field:\n%s", inv.Data)
			}
			p.Send(s.addr, inv.Reply("486 Busy", "x", ""))
		}
		p.Send(s.addr, invitation("in", sdpLines))
		in := s.call()
		for _, err := range []error{
			in.Reject(486, "Busy\r\nX-Evil: 1"),
			in.Reject(486, "", sip.Header{Name: "X", Value: "1\nX-Evil: 1"}),
			in.Bye("a\r\nb"),
		} {
			if err == nil {
				t.Error("a line break was taken")
			}
		}
		ok(t, in.Reject(486, ""))
		p.Expect("486 INVITE")
	})
}

func TestAckWithTheBranchOfItsInvite(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("same", sdpLines))
		in := s.call()
		ok(t, in.Answer([]byte(answerSDP)))
		tag := p.Expect("200 INVITE").Tag("To")
		p.Send(s.addr, request("ACK", "same", 1, tag, ""))
		s.wait("confirmed")
		p.Send(s.addr, request("BYE", "bye", 2, tag, ""))
		p.Expect("200 BYE")
		s.wait("hungup")
	})
}

func TestByeWaitsForAck(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", sdpLines))
		in := s.call()
		ok(t, in.Answer([]byte(answerSDP)))
		tag := p.Expect("200 INVITE").Tag("To")
		ok(t, in.Bye(""))
		p.Silent("BYE", time.Second)
		p.Send(s.addr, request("ACK", "ack", 1, tag, ""))
		bye := p.Expect("BYE")
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
		s.want("confirmed", "ended well")
	})
}

func TestOddHeaderFieldsAreUnderstood(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		text := invitation("odd", sdpLines)
		text = strings.Replace(text, ";rport;branch=", " ; rport ; Branch = ", 1)
		text = strings.Replace(text, ";tag=peertag", " ; TAG = peertag", 1)
		p.Send(s.addr, text)
		in := s.call()
		ok(t, in.Answer([]byte(answerSDP)))
		tag := p.Expect("200 INVITE").Tag("To")
		p.Send(s.addr, request("ACK", "ack", 1, tag, ""))
		s.wait("confirmed")
		p.Send(s.addr, request("BYE", "bye", 2, tag, ""))
		p.Expect("200 BYE")
	})
}

func TestResponsesGoBackWhereTheRequestCameFrom(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		nat := siptest.NewPeer(t, n, "10.0.0.9:31234")
		defer nat.Close()
		nat.Send(s.addr, request("OPTIONS", "n", 1, "", ""))
		got := nat.Expect("200 OPTIONS")
		if via := got.Header("Via"); !strings.Contains(via, "rport=31234") || !strings.Contains(via, "received=10.0.0.9") {
			t.Errorf("Via = %q, want rport and received", via)
		}
		if got.From != netip.MustParseAddrPort("10.0.0.1:5060") {
			t.Errorf("answered from %v", got.From)
		}
	})
}
