package sip_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

// fragile is a host whose sockets a test can break.
type fragile struct {
	*siptest.Host
	mu   sync.Mutex
	open []net.PacketConn
	fail error
}

func (f *fragile) ListenPacket(ctx context.Context, a netip.AddrPort) (net.PacketConn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	c, err := f.Host.ListenPacket(ctx, a)
	f.open = append(f.open, c)
	return c, err
}

func TestLostSocketIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		f := &fragile{Host: n.Host("10.0.0.1")}
		lost := make(chan error, 16)
		s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) {
			c.Network = f
			c.OnTransportFailure = func(err error) { lost <- err }
			c.OnTransportRecovered = func() { lost <- nil }
		})
		defer s.close()
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		f.mu.Lock()
		f.fail = net.ErrClosed
		_ = f.open[0].Close()
		f.mu.Unlock()
		<-lost
		f.mu.Lock()
		f.fail = nil
		f.mu.Unlock()
		if err := <-lost; err != nil {
			t.Errorf("told %v, want that the socket is open again", err)
		}
		time.Sleep(time.Second)
		p.Send(s.addr, request("OPTIONS", "o", 1, "", ""))
		p.Expect("200 OPTIONS")
	})
}

func TestListenRefuses(t *testing.T) {
	n := &siptest.Network{}
	for name, cfg := range map[string]sip.Config{
		"any address": {Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:5060")}, ContactUser: "x"},

		"no contact user": {Listen: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:5060")}},
		"evil user agent": {Listen: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:5060")}, ContactUser: "x", UserAgent: "a\r\nb"},
	} {
		cfg.Network = n.Host("10.0.0.1")
		if e, err := sip.Listen(t.Context(), cfg); err == nil {
			_ = e.Close(t.Context())
			t.Errorf("Listen took %s", name)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		ok(t, s.e.KeepAlive(sip.Route{Transport: "udp", Addr: p.Addr}))
		got := n.Packets()
		if len(got) != 1 || string(got[0].Data) != "\r\n\r\n" || got[0].From != s.addr || got[0].To != p.Addr {
			t.Errorf("sent %+v", got)
		}
		if err := s.e.KeepAlive(sip.Route{Transport: "tcp", Addr: p.Addr}); err != sip.ErrNoRoute {
			t.Errorf("KeepAlive without a connection: %v", err)
		}
	})
}

func TestCloseEndsCalls(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		connect(t, alice, bob)
		synctest.Wait()
		alice.close()
		bob.wait("hungup")
		alice.want("provisional 180", "answered 200", "ended well")
		if _, err := alice.e.Invite(alice.request(bob.route())); err == nil {
			t.Error("Invite worked after Close")
		}
	})
}

func TestIPv6(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		synctest.Test(t, func(t *testing.T) {
			n := &siptest.Network{}
			alice, bob := newSide(t, n, "[fd00::1]:5060", nil), newSide(t, n, "[fd00::2]:5060", nil)
			defer bob.close()
			defer alice.close()
			r := bob.route()
			r.Transport = transport
			alice.invite(r)
			in := bob.call()
			ok(t, in.Answer([]byte(answerSDP)))
			bob.wait("confirmed")
			ok(t, in.Bye(""))
			alice.wait("hungup")
			bob.wait("ended well")
		})
	}
}

func TestCloseDoesNotWaitForASilentFarEnd(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		s.invite(sip.Route{Transport: "udp", Addr: p.Addr})
		p.Expect("INVITE")
		_, _ = answered(t, s, p, "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := s.e.Close(ctx); err == nil {
			t.Error("Close reported no timeout")
		}
		if took := time.Since(start); took > 1100*time.Millisecond {
			t.Errorf("Close took %v, want 1s", took)
		}
		got := s.list()
		slices.Sort(got)
		want := []string{"confirmed", "ended " + sip.ErrClosed.Error(), "failed " + sip.ErrClosed.Error()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
