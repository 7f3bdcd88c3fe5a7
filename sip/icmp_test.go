package sip_test

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

func TestUnreachableFailsOnlyWhatWaitsThere(t *testing.T) {
	other := netip.MustParseAddrPort("10.0.0.9:5060")
	tests := []struct {
		name  string
		first string // response before the ICMP message
		tell  func(s *side, p *siptest.Peer, sent []byte)
		fails bool
	}{
		{"the very request", "", func(s *side, p *siptest.Peer, sent []byte) {
			sip.Unreachable(s.e, s.addr, p.Addr, sent[:400], syscall.ECONNREFUSED)
		}, true},
		{"nothing quoted", "", func(s *side, p *siptest.Peer, sent []byte) {
			sip.Unreachable(s.e, s.addr, p.Addr, nil, syscall.ECONNREFUSED)
		}, true},
		{"another request", "", func(s *side, p *siptest.Peer, sent []byte) {
			stale := strings.Replace(string(sent[:400]), ";branch=z9hG4bK", ";branch=z9hG4bKx", 1)
			sip.Unreachable(s.e, s.addr, p.Addr, []byte(stale), syscall.ECONNREFUSED)
		}, false},
		{"another address", "", func(s *side, p *siptest.Peer, sent []byte) {
			sip.Unreachable(s.e, s.addr, other, sent, syscall.ECONNREFUSED)
		}, false},
		{"another socket", "", func(s *side, p *siptest.Peer, sent []byte) {
			sip.Unreachable(s.e, other, p.Addr, sent, syscall.ECONNREFUSED)
		}, false},
		{"after a response", "100 Trying", func(s *side, p *siptest.Peer, sent []byte) {
			sip.Unreachable(s.e, s.addr, p.Addr, sent, syscall.ECONNREFUSED)
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
				inv := p.Expect("INVITE")
				if tt.first != "" {
					p.Send(s.addr, inv.Reply(tt.first, "", ""))
				}
				synctest.Wait()
				tt.tell(s, p, inv.Data)
				synctest.Wait()
				if !tt.fails {
					s.want()
					p.Send(s.addr, inv.Reply("486 Busy", "x", ""))
					s.wait("failed 486")
					return
				}
				failed, _ := s.seen["sip.Failed"].(sip.Failed)
				var te *sip.TransportError
				if !errors.As(failed.Err, &te) || te.Route.Addr != p.Addr || !errors.Is(te, syscall.ECONNREFUSED) {
					t.Errorf("after an ICMP message: %v, want a TransportError of %v", failed.Err, p.Addr)
				}
			})
		})
	}
}

func TestUnreachableDoesNotHurtACall(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		in, _ := answered(t, s, p, "")
		ok(t, in.Reinvite([]byte(offerSDP)))
		re := p.Expect("INVITE")
		sip.Unreachable(s.e, s.addr, p.Addr, nil, syscall.ECONNREFUSED)
		p.Send(s.addr, p.Expect("INVITE").Reply("200 OK", "", "Contact: <sip:peer@10.0.0.2:5060>\n"+sdpLines))
		s.wait("reinvite answered 200")
		ok(t, in.Bye(""))
		bye := p.Expect("BYE")
		sip.Unreachable(s.e, s.addr, p.Addr, bye.Data, syscall.EHOSTUNREACH)
		p.Send(s.addr, p.Expect("BYE").Reply("200 OK", "", ""))
		s.wait("ended well")
		if got := time.Since(re.Time); got > 2*time.Second {
			t.Errorf("it took %v, want the first retransmissions", got)
		}
	})
}
