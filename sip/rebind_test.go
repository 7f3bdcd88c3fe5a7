package sip_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// moving runs f with alice, on a host whose addresses a test can change, and bob.
func moving(t *testing.T, f func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		host := n.Host("10.0.0.1")
		alice := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) { c.Network = host })
		bob := newSide(t, n, "10.0.0.2:5060", nil)
		defer bob.close()
		defer alice.close()
		f(t, n, host, alice, bob)
	})
}

// move gives the host another address, at which its side listens from now.
func move(t *testing.T, host *siptest.Host, s *side, addr string) {
	t.Helper()
	host.SetAddrs(addr)
	s.addr = netip.AddrPortFrom(netip.MustParseAddr(addr), 5060)
	ok(t, s.e.Rebind(t.Context(), []netip.AddrPort{s.addr}, nil))
}

func TestCallSurvivesAnotherAddress(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			moving(t, func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side) {
				r := bob.route()
				r.Transport = transport
				out := alice.invite(r)
				in := bob.call()
				ok(t, in.Answer([]byte(answerSDP)))
				bob.wait("confirmed")
				move(t, host, alice, "10.0.0.9")
				ok(t, out.Relocate())
				alice.wait("relocated 10.0.0.9")
				if ev := alice.seen["sip.Relocated"].(sip.Relocated); !ev.Moved {
					t.Error("Relocated does not say that the way is another one")
				}
				if got := out.LocalAddr().String(); got != "10.0.0.9" {
					t.Errorf("LocalAddr = %s, want the new address", got)
				}
				ok(t, out.Reinvite([]byte(offerSDP)))
				bob.wait("reinvited")
				ok(t, in.AnswerReinvite(200, "", []byte(answerSDP)))
				alice.wait("reinvite answered 200")
				time.Sleep(time.Second)
				// Bob knows the new address now.
				ok(t, in.Bye(""))
				alice.wait("hungup")
				bob.wait("ended well")
			})
		})
	}
}

func TestContactFollowsTheAddress(t *testing.T) {
	moving(t, func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side) {
		out, _ := connect(t, alice, bob)
		move(t, host, alice, "10.0.0.9")
		before := len(n.Packets())
		ok(t, out.Reinvite([]byte(offerSDP)))
		bob.wait("reinvited")
		m := siptest.Message{Packet: n.Packets()[before]}
		if m.From != alice.addr || !strings.Contains(m.Header("Contact"), "@10.0.0.9:5060") || !strings.Contains(m.Header("Via"), "10.0.0.9:5060") {
			t.Errorf("re-INVITE from %v with Contact %q and Via %q, want the new address in all", m.From, m.Header("Contact"), m.Header("Via"))
		}
	})
}

// A BYE that was on its way when the address changed is sent again from the new one.
func TestByeUnderWayIsRepeated(t *testing.T) {
	moving(t, func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side) {
		out, _ := connect(t, alice, bob)
		host.SetAddrs() // no network
		ok(t, out.Bye(""))
		time.Sleep(time.Second)
		move(t, host, alice, "10.0.0.9")
		bob.wait("hungup")
		alice.wait("ended well")
	})
}

func TestRequestsUnderWayFailAtOnce(t *testing.T) {
	moving(t, func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side) {
		alice.invite(bob.route())
		in := bob.call()
		ok(t, in.Ring(180, nil))
		alice.wait("provisional 180")
		begun := time.Now()
		move(t, host, alice, "10.0.0.9")
		alice.wait("failed sip: udp 10.0.0.2:5060: the address of this machine has changed")
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the call failed after %v, want at once", took)
		}
	})
}

func TestUnansweredCallEndsWithItsAddress(t *testing.T) {
	moving(t, func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side) {
		bob.invite(alice.route())
		ok(t, alice.call().Ring(180, nil))
		bob.wait("provisional 180")
		move(t, host, alice, "10.0.0.9")
		alice.wait("ended sip: udp 10.0.0.2:5060: the address of this machine has changed")
	})
}

func TestRebindKeepsWhatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		host := n.Host("10.0.0.1")
		s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) { c.Network = host })
		defer s.close()
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		any := func(addr string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(addr), 0) }

		host.SetAddrs("10.0.0.1", "10.0.0.9")
		ok(t, s.e.Rebind(t.Context(), []netip.AddrPort{any("10.0.0.1"), any("10.0.0.9")}, nil))
		var old, all []netip.AddrPort
		for _, l := range s.e.Addrs() {
			all = append(all, l.Addr)
			if l.Addr == s.addr {
				old = append(old, l.Addr)
			}
		}
		if len(old) != 2 || len(all) != 4 {
			t.Fatalf("listens on %v, want UDP and TCP on two addresses, the old port among them", all)
		}
		p.Send(s.addr, request("OPTIONS", "o", 1, "", ""))
		p.Expect("200 OPTIONS")
		// An address that is not there is told and left out.
		err := s.e.Rebind(t.Context(), []netip.AddrPort{any("10.0.0.7"), any("10.0.0.1")}, nil)
		if err == nil || len(s.e.Addrs()) != 2 {
			t.Errorf("Rebind = %v with %v, want an error and the address that is there", err, s.e.Addrs())
		}
	})
}

func TestEndpointWithoutNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		host := n.Host("10.0.0.1")
		host.SetAddrs()
		s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) { c.Network, c.Listen = host, nil })
		defer s.close()
		bob := newSide(t, n, "10.0.0.2:5060", nil)
		defer bob.close()
		s.invite(bob.route())
		s.wait("failed sip: udp 10.0.0.2:5060: sip: no suitable local address")
		host.SetAddrs("10.0.0.1")
		ok(t, s.e.Rebind(t.Context(), []netip.AddrPort{s.addr}, nil))
		connect(t, s, bob)
	})
}

func TestRelocateWithoutAnyAddress(t *testing.T) {
	moving(t, func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side) {
		out, _ := connect(t, alice, bob)
		host.SetAddrs()
		ok(t, alice.e.Rebind(t.Context(), nil, nil))
		ok(t, out.Relocate())
		alice.wait("relocate failed")
		move(t, host, alice, "10.0.0.9")
		ok(t, out.Relocate())
		alice.wait("relocated 10.0.0.9")
	})
}

// From the loopback address nobody but this machine can be reached; a call must not
// seem to be on its way while there is no network.
func TestLoopbackReachesNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := newSide(t, n, "127.0.0.1:5060", nil)
		defer s.close()
		bob, near := newSide(t, n, "10.0.0.2:5060", nil), newSide(t, n, "127.0.0.2:5060", nil)
		defer bob.close()
		defer near.close()
		s.invite(bob.route())
		s.wait("failed sip: udp 10.0.0.2:5060: sip: no suitable local address")
		connect(t, s, near)
	})
}

// That TCP was refused where the machine was before tells nothing about where it is
// now.
func TestTCPIsTriedAgainInAnotherNetwork(t *testing.T) {
	moving(t, func(t *testing.T, n *siptest.Network, host *siptest.Host, alice, bob *side) {
		at := netip.MustParseAddrPort("10.0.0.5:5060")
		pc := must(n.Host("10.0.0.5").ListenPacket(t.Context(), at))
		defer pc.Close()
		large := alice.request(sip.Route{Transport: "udp", Addr: at})
		large.Body = []byte(offerSDP + strings.Repeat("a=x:1234567890\r\n", 100))
		first := must(alice.e.Invite(large))
		buf := make([]byte, 65536)
		size, _, err := pc.ReadFrom(buf)
		ok(t, err)
		if !strings.HasPrefix(string(buf[:size]), "INVITE ") {
			t.Fatalf("%q came by UDP, want the INVITE", buf[:size])
		}
		first.Close()
		l := must(n.Host("10.0.0.5").Listen(t.Context(), at))
		defer l.Close()
		move(t, host, alice, "10.0.0.9")
		second := must(alice.e.Invite(large))
		defer second.Close()
		accepted := make(chan struct{})
		go func() {
			if c, err := l.Accept(); err == nil {
				defer c.Close()
				close(accepted)
				_, _ = c.Read(buf)
			}
		}()
		select {
		case <-accepted:
		case <-time.After(10 * time.Second):
			t.Error("the large INVITE does not go by TCP")
		}
	})
}
