package sip_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// keep watches the flow to r in the background.
func keep(t *testing.T, s *side, k sip.KeepFlow) (failed <-chan error, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan error, 1)
	go func() { out <- s.e.Keep(ctx, k) }()
	return out, cancel
}

// connection brings up a TCP connection of s to a server whose end the test gets.
func connection(t *testing.T, n *siptest.Network, s *side) (net.Conn, sip.Route) {
	t.Helper()
	at := netip.MustParseAddrPort("10.0.0.2:5060")
	l := must(n.Host("10.0.0.2").Listen(t.Context(), at))
	defer l.Close()
	r := registration(nil, at)
	r.Routes[0].Transport = "tcp"
	done := make(chan error, 1)
	go func() {
		_, err := s.e.Register(t.Context(), r)
		done <- err
	}()
	c := must(l.Accept())
	buf := make([]byte, 65536)
	m := siptest.Message{Packet: siptest.Packet{Data: buf[:must(c.Read(buf))]}}
	must(c.Write([]byte(siptest.Wire(m.Reply("200 OK", "r", "Contact: <sip:abcdefgh@10.0.0.1:5060;transport=tcp>;expires=600\n")))))
	ok(t, <-done)
	return c, r.Routes[0]
}

// alone runs f with one side in a bubble.
func alone(t *testing.T, f func(t *testing.T, n *siptest.Network, s *side)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := newSide(t, n, "10.0.0.1:5060", nil)
		defer s.close()
		f(t, n, s)
	})
}

// answerPings answers pings on c, at most so many.
func answerPings(c net.Conn, count int) {
	buf := make([]byte, 1024)
	for range count {
		size, err := c.Read(buf)
		if err != nil {
			return
		}
		if string(buf[:size]) == "\r\n\r\n" {
			_, _ = c.Write([]byte("\r\n"))
		}
	}
}

func TestSilentConnectionIsFoundDead(t *testing.T) {
	alone(t, func(t *testing.T, n *siptest.Network, s *side) {
		c, r := connection(t, n, s)
		defer c.Close()
		failed, stop := keep(t, s, sip.KeepFlow{Route: r})
		defer stop()
		go answerPings(c, 3)
		time.Sleep(100 * time.Second)
		select {
		case err := <-failed:
			t.Fatalf("the flow failed while pings were answered: %v", err)
		default:
		}
		n.StallStreams()
		begun := time.Now()
		err := <-failed
		if took := time.Since(begun); !errors.Is(err, sip.ErrFlowFailed) || took > 40*time.Second {
			t.Errorf("Keep = %v after %v, want the flow failed within a ping and ten seconds", err, took)
		}
	})
}

// Not every server answers pings; those that do not are left alone.
func TestServerWithoutPongsIsNoFailure(t *testing.T) {
	alone(t, func(t *testing.T, n *siptest.Network, s *side) {
		c, r := connection(t, n, s)
		defer c.Close()
		failed, stop := keep(t, s, sip.KeepFlow{Route: r})
		defer stop()
		select {
		case err := <-failed:
			t.Errorf("Keep = %v, want the flow kept", err)
		case <-time.After(10 * time.Minute):
		}
	})
}

func TestClosedConnectionIsToldAtOnce(t *testing.T) {
	alone(t, func(t *testing.T, n *siptest.Network, s *side) {
		c, r := connection(t, n, s)
		failed, stop := keep(t, s, sip.KeepFlow{Route: r})
		defer stop()
		synctest.Wait()
		begun := time.Now()
		_ = c.Close()
		var lost *sip.TransportError
		if err := <-failed; !errors.As(err, &lost) || time.Since(begun) > time.Second {
			t.Errorf("Keep = %v after %v, want a transport error at once", err, time.Since(begun))
		}
		if err := s.e.Keep(t.Context(), sip.KeepFlow{Route: r}); err != sip.ErrNoRoute {
			t.Errorf("Keep without a connection = %v, want ErrNoRoute", err)
		}
	})
}

// A far end that sends an empty line now and then has not promised to answer pings.
func TestEmptyLineIsNoPong(t *testing.T) {
	alone(t, func(t *testing.T, n *siptest.Network, s *side) {
		c, r := connection(t, n, s)
		defer c.Close()
		failed, stop := keep(t, s, sip.KeepFlow{Route: r})
		defer stop()
		must(c.Write([]byte("\r\n")))
		select {
		case err := <-failed:
			t.Errorf("Keep = %v, want the flow kept", err)
		case <-time.After(10 * time.Minute):
		}
	})
}

// Two accounts may be at one server: the flow that they share fails for both.
func TestUnreachableServerIsToldToAllWhoKeepTheFlow(t *testing.T) {
	alone(t, func(t *testing.T, n *siptest.Network, s *side) {
		at := netip.MustParseAddrPort("10.0.0.2:5060")
		k := sip.KeepFlow{Route: sip.Route{Transport: "udp", Addr: at}}
		first, stopFirst := keep(t, s, k)
		defer stopFirst()
		second, stopSecond := keep(t, s, k)
		defer stopSecond()
		_, stopThird := keep(t, s, k)
		synctest.Wait()
		stopThird()
		synctest.Wait()
		sip.PingLost(s.e, s.addr, at, []byte("\r\n\r\n"), syscall.ECONNREFUSED)
		synctest.Wait()
		for i, failed := range []<-chan error{first, second} {
			select {
			case err := <-failed:
				if !errors.Is(err, sip.ErrFlowFailed) {
					t.Errorf("Keep %d = %v, want the flow failed", i, err)
				}
			default:
				t.Errorf("Keep %d goes on", i)
			}
		}
	})
}

func TestProbeFindsADeadConnection(t *testing.T) {
	alone(t, func(t *testing.T, n *siptest.Network, s *side) {
		c, r := connection(t, n, s)
		defer c.Close()
		go answerPings(c, 1)
		s.e.Probe()
		time.Sleep(time.Second)
		failed, stop := keep(t, s, sip.KeepFlow{Route: r, Every: time.Hour})
		defer stop()
		n.StallStreams()
		begun := time.Now()
		s.e.Probe()
		if err := <-failed; time.Since(begun) > 11*time.Second {
			t.Errorf("Keep = %v after %v, want it within ten seconds", err, time.Since(begun))
		}
	})
}

// stunServer answers binding requests that come to pc with what seen returns, or
// not at all while that is invalid.
func stunServer(pc net.PacketConn, seen func() netip.AddrPort) {
	buf := make([]byte, 2048)
	for {
		size, from, err := pc.ReadFrom(buf)
		if err != nil {
			return
		}
		a := seen()
		if size != 20 || !a.IsValid() {
			continue
		}
		answer := append([]byte{1, 1, 0, 12}, buf[4:20]...)
		answer = append(answer, 0, 0x20, 0, 8, 0, 1)
		answer = binary.BigEndian.AppendUint16(answer, a.Port()^0x2112)
		for i, b := range a.Addr().AsSlice() {
			answer = append(answer, b^answer[4+i])
		}
		_, _ = pc.WriteTo(answer, from)
	}
}

func TestOutboundByUDPIsKeptBySTUN(t *testing.T) {
	for name, later := range map[string]netip.AddrPort{
		"another address": netip.MustParseAddrPort("198.51.100.7:4000"),
		"silence":         {},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, n *siptest.Network, s *side) {
				at := netip.MustParseAddrPort("10.0.0.2:5060")
				pc := must(n.Host("10.0.0.2").ListenPacket(t.Context(), at))
				defer pc.Close()
				begun := time.Now()
				go stunServer(pc, func() netip.AddrPort {
					if time.Since(begun) < 2*time.Minute {
						return netip.MustParseAddrPort("198.51.100.7:3000")
					}
					return later
				})
				failed, stop := keep(t, s, sip.KeepFlow{Route: sip.Route{Transport: "udp", Addr: at}, Outbound: true})
				defer stop()
				err := <-failed
				if took := time.Since(begun); !errors.Is(err, sip.ErrFlowFailed) || took < 2*time.Minute || took > 3*time.Minute {
					t.Errorf("Keep = %v after %v, want the flow failed after two minutes", err, took)
				}
			})
		})
	}
}

func TestOutboundRegistration(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		seen := registrar(s, p,
			says("439 First Hop Lacks Outbound Support", ""),
			says("200 OK", "Contact: <sip:abcdefgh@10.0.0.1:5060>;expires=60\n"),
			says("200 OK", "Contact: <sip:abcdefgh@10.0.0.1:5060>;expires=60\nRequire: outbound\nFlow-Timer: 120\n"+
				"Service-Route: <sip:p1.example.org;lr>, <sip:p2.example.org;lr>\n"),
			says("200 OK", "Contact: <sip:abcdefgh@10.0.0.1:5060>;expires=60\nService-Route: nonsense\n"),
		)
		r := registration(nil, p.Addr)
		r.Outbound = true
		got, err := s.e.Register(t.Context(), r)
		ok(t, err)
		if got.Outbound || got.FlowTimer != 0 || len(got.ServiceRoute) != 0 {
			t.Errorf("result = %+v, want no outbound", got)
		}
		got, err = s.e.Register(t.Context(), r)
		ok(t, err)
		if !got.Outbound || got.FlowTimer != 2*time.Minute {
			t.Errorf("result = %+v, want outbound and a flow timer of 2 m", got)
		}
		if len(got.ServiceRoute) != 2 || got.ServiceRoute[0] != "<sip:p1.example.org;lr>" {
			t.Errorf("Service-Route = %q, want both hops", got.ServiceRoute)
		}
		if c := s.e.ContactURI(r.Routes[0]).String(); c != "sip:abcdefgh@10.0.0.1:5060;ob" {
			t.Errorf("Contact of dialogs = %q, want the ob parameter", c)
		}
		got, err = s.e.Register(t.Context(), r)
		ok(t, err)
		if got.Outbound || len(got.ServiceRoute) != 0 {
			t.Errorf("result = %+v, want neither outbound nor a broken route", got)
		}
		for i, m := range <-seen {
			asked := i != 1
			const contact = `<sip:abcdefgh@10.0.0.1:5060>;expires=600;+sip.instance="<urn:uuid:1>"`
			want := map[bool]string{true: contact + ";reg-id=1", false: contact}[asked]
			if m.Header("Contact") != want || (m.Header("Supported") == "path, outbound") != asked {
				t.Errorf("REGISTER %d with Contact %q and Supported %q, want %q", i, m.Header("Contact"), m.Header("Supported"), want)
			}
		}
	})
}
