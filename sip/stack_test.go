package sip_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

// The tests of this file hold what the stack below leaves undone or does wrong
// (docs/decisions/0002) and no scenario shows.

func TestTwoAnswersAtTheSameMoment(t *testing.T) {
	for range 50 { // the stack's goroutines run in any order
		with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			c := s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
			inv := p.Expect("INVITE")
			p.Send(s.addr, inv.Reply("200 OK", "one", "Contact: <sip:one@10.0.0.2:5060>\n"+sdpLines))
			p.Send(s.addr, inv.Reply("202 Accepted", "two", "Contact: <sip:two@10.0.0.2:5060>\n"+sdpLines))
			time.Sleep(100 * time.Millisecond)
			said := map[string][]string{} // by tag
			for _, packet := range n.Packets() {
				m := siptest.Message{Packet: packet}
				if tag := m.Tag("To"); packet.From == s.addr && tag != "" {
					said[tag] = append(said[tag], packet.Summary())
				}
			}
			winner, loser := "one", "two"
			if len(said["one"]) > 1 {
				winner, loser = loser, winner
			}
			want := map[string][]string{winner: {"ACK"}, loser: {"ACK", "BYE"}}
			if diff := cmp.Diff(want, said); diff != "" {
				t.Fatalf("requests by leg (-want +got):\n%s", diff)
			}
			p.Send(s.addr, p.Expect("BYE").Reply("200 OK", "", ""))
			ok(t, c.Bye(""))
			bye := p.Expect("BYE")
			if bye.Tag("To") != winner {
				t.Errorf("BYE to %q, want %q", bye.Tag("To"), winner)
			}
			p.Send(s.addr, bye.Reply("200 OK", "", ""))
			s.wait("ended well")
		})
	}
}

func TestPanicInACallsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		calls := make(chan *sip.Call, 1)
		s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) {
			c.OnCall = func(call *sip.Call) {
				call.SetHandler(func(ev sip.Event) { panic(describe(ev)) })
				calls <- call
			}
		})
		defer s.close()
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		p.Send(s.addr, invitation("x", sdpLines))
		ok(t, (<-calls).Answer([]byte(answerSDP)))
		tag := p.Expect("200 INVITE").Tag("To")
		p.Send(s.addr, request("ACK", "ack", 1, tag, "")) // Confirmed panics
		synctest.Wait()
		p.Send(s.addr, request("BYE", "bye", 2, tag, "")) // Hungup panics
		p.Expect("200 BYE")
		p.Send(s.addr, request("BYE", "again", 3, tag, ""))
		p.Expect("481 BYE")
	})
}

func TestEveryChallengeIsLookedAt(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
		r.Target = must(sip.ParseURI("sip:bob@example.org;transport=udp;user=phone"))
		r.Auth = sip.NewAuthorizer(sip.Credentials{Username: "alice", Password: "secret"}, nil)
		must(s.e.Invite(r))
		p.Send(s.addr, p.Expect("INVITE").Reply("401 No", "x",
			"WWW-Authenticate: Digest realm=\"r\", nonce=\"a\", algorithm=AKAv1-MD5\nWWW-Authenticate: Digest realm=\"r\", nonce=\"b\", algorithm=MD5\n"))
		p.Expect("ACK")
		inv := p.Expect("INVITE")
		got := inv.Header("Authorization")
		if !strings.Contains(got, `nonce="b"`) || !strings.Contains(got, `uri="sip:bob@example.org;transport=udp;user=phone"`) {
			t.Errorf("Authorization = %q, want nonce b and the whole Request-URI", got)
		}
		p.Send(s.addr, inv.Reply("486 Busy", "x", ""))
		s.wait("failed 486")
	})
}

func TestPreloadedRoutes(t *testing.T) {
	tests := []struct {
		name, route, uri string
		want             []string
	}{
		{"loose", "<sip:proxy.example.org;lr>", "sip:bob@example.org", []string{"<sip:proxy.example.org;lr>"}},
		{"strict", "<sip:proxy.example.org>", "sip:proxy.example.org", []string{"<sip:bob@example.org>"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
				r.RouteSet = []string{tt.route}
				c := must(s.e.Invite(r))
				check := func(m siptest.Message) {
					t.Helper()
					method, _, _ := strings.Cut(m.Line(), " ")
					if got, want := m.Line(), method+" "+tt.uri+" SIP/2.0"; got != want || !slices.Equal(m.Headers("Route"), tt.want) {
						t.Errorf("%q with Route %q, want %q with %q", got, m.Headers("Route"), want, tt.want)
					}
				}
				inv := p.Expect("INVITE")
				check(inv)
				p.Send(s.addr, inv.Reply("180 Ringing", "b", "Record-Route: <sip:other.example.org;lr>\nContact: <sip:bob@10.0.0.2>\n"))
				s.wait("provisional 180")
				ok(t, c.Cancel(""))
				cancel := p.Expect("CANCEL")
				check(cancel)
				if v := cancel.Headers("Contact"); v != nil {
					t.Errorf("CANCEL has Contact %q", v)
				}
				p.Send(s.addr, cancel.Reply("200 OK", "b", ""))
				p.Send(s.addr, inv.Reply("487 Terminated", "b", ""))
				check(p.Expect("ACK"))
				s.wait("failed 487")
				p.Send(s.addr, inv.Reply("487 Terminated", "b", "")) // our own ACK, not the stack's
				check(p.Expect("ACK"))
			})
		})
	}
}

func TestAckAfterAnotherRequest(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", sdpLines))
		in := s.call()
		ok(t, in.Answer([]byte(answerSDP)))
		tag := p.Expect("200 INVITE").Tag("To")
		p.Send(s.addr, request("INFO", "info", 2, tag, "Content-Type: text/early\n\nx"))
		p.Expect("200 INFO")
		p.Send(s.addr, request("ACK", "ack", 1, tag, ""))
		s.wait("confirmed")
		s.want("info text/early", "confirmed")
		p.Send(s.addr, request("BYE", "bye", 3, tag, ""))
		p.Expect("200 BYE")
	})
}

func TestAnswerMovesTheTarget(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		in, _ := answered(t, s, p, "")
		ok(t, in.Reinvite([]byte(offerSDP)))
		p.Send(s.addr, p.Expect("INVITE").Reply("200 OK", "", "Contact: <sip:moved@10.0.0.2:5060>\n"+sdpLines))
		want := " sip:moved@10.0.0.2:5060 SIP/2.0"
		if got := p.Expect("ACK").Line(); got != "ACK"+want {
			t.Errorf("after a target refresh = %q, want %q", got, "ACK"+want)
		}
		s.wait("reinvite answered 200")
		ok(t, in.Bye(""))
		bye := p.Expect("BYE")
		if got := bye.Line(); got != "BYE"+want {
			t.Errorf("after a target refresh = %q, want %q", got, "BYE"+want)
		}
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended well")
	})
}
