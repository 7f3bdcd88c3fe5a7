package sip_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/internal/leaktest"
	"parley/sip"
	"parley/sip/siptest"
)

// atOnce is how long a closed port may stay unnoticed.
const atOnce = 200 * time.Millisecond

// A rawPeer is a datagram socket of the system at which a test answers by hand.
type rawPeer struct {
	t  *testing.T
	pc net.PacketConn
}

func newRawPeer(t *testing.T, at netip.AddrPort) *rawPeer {
	t.Helper()
	pc, err := net.ListenPacket("udp", at.String())
	ok(t, err)
	t.Cleanup(func() { _ = pc.Close() })
	return &rawPeer{t, pc}
}

func (p *rawPeer) addr() netip.AddrPort { return p.pc.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *rawPeer) route() sip.Route { return sip.Route{Transport: "udp", Addr: p.addr()} }

func (p *rawPeer) expect(summary string) siptest.Message {
	p.t.Helper()
	buf := make([]byte, 65536)
	ok(p.t, p.pc.SetReadDeadline(time.Now().Add(5*time.Second)))
	for {
		n, from, err := p.pc.ReadFrom(buf)
		if err != nil {
			p.t.Fatalf("no %q came: %v", summary, err)
		}
		if siptest.Summary(buf[:n]) == summary {
			return siptest.Message{Packet: siptest.Packet{From: from.(*net.UDPAddr).AddrPort(), Data: bytes.Clone(buf[:n])}}
		}
	}
}

func (p *rawPeer) send(to netip.AddrPort, text string) {
	p.t.Helper()
	if _, err := p.pc.WriteTo([]byte(siptest.Wire(text)), net.UDPAddrFromAddrPort(to)); err != nil {
		p.t.Fatal(err)
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T, at netip.AddrPort) sip.Route {
	t.Helper()
	p := newRawPeer(t, at)
	ok(t, p.pc.Close())
	return p.route()
}

func inviteTo(t *testing.T, e *sip.Endpoint, routes ...sip.Route) <-chan sip.Event {
	t.Helper()
	events := make(chan sip.Event, 16)
	u := must(sip.ParseURI("sip:bob@example.org"))
	_, err := e.Invite(sip.InviteRequest{
		From: sip.Address{URI: u}, To: sip.Address{URI: u}, Target: u, Routes: routes,
		Body: []byte(offerSDP), OnEvent: func(ev sip.Event) { events <- ev },
	})
	ok(t, err)
	return events
}

func refused(t *testing.T, err error, route sip.Route) {
	t.Helper()
	var te *sip.TransportError
	if !errors.As(err, &te) || te.Route != route || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error = %v, want a refused connection to %v", err, route.Addr)
	}
}

func quick(t *testing.T, start time.Time) {
	t.Helper()
	if took := time.Since(start); took > atOnce {
		t.Errorf("it took %v, want at most %v", took, atOnce)
	}
}

func TestClosedPortIsNoticedAtOnce(t *testing.T) {
	leaktest.Check(t)
	for _, at := range []netip.AddrPort{loopback, netip.MustParseAddrPort("[::1]:0")} {
		t.Run(at.Addr().String(), func(t *testing.T) {
			if pc, err := net.ListenPacket("udp", at.String()); err != nil {
				t.Skip("no such address: ", err)
			} else {
				_ = pc.Close()
			}
			e := listenReal(t, sip.Config{Listen: []netip.AddrPort{at}})
			closed := closedPort(t, at)
			r := registration(nil, closed.Addr)
			start := time.Now()
			events := inviteTo(t, e, closed)
			failed, _ := (<-events).(sip.Failed)
			refused(t, failed.Err, closed)
			quick(t, start)

			start = time.Now()
			_, err := e.Register(t.Context(), r)
			refused(t, err, closed)
			quick(t, start)

			bob := newRawPeer(t, at)
			start = time.Now()
			events = inviteTo(t, e, closed, bob.route())
			inv := bob.expect("INVITE")
			quick(t, start)
			bob.send(inv.From, inv.Reply("486 Busy", "b", ""))
			<-events
			bob.expect("ACK")

			r.Routes = append(r.Routes, bob.route())
			done := make(chan error, 1)
			start = time.Now()
			go func() {
				_, err := e.Register(t.Context(), r)
				done <- err
			}()
			reg := bob.expect("REGISTER")
			quick(t, start)
			bob.send(reg.From, reg.Reply("200 OK", "b", "Contact: "+reg.Header("Contact")+"\n"))
			ok(t, <-done)
		})
	}
}

// A logRecorder is a log handler that passes the texts on.
type logRecorder chan string

func (logRecorder) Enabled(context.Context, slog.Level) bool { return true }
func (r logRecorder) WithAttrs([]slog.Attr) slog.Handler     { return r }
func (r logRecorder) WithGroup(string) slog.Handler          { return r }

func (r logRecorder) Handle(_ context.Context, record slog.Record) error {
	r <- record.Message
	return nil
}

func (r logRecorder) wait(t *testing.T, text string) {
	t.Helper()
	for {
		select {
		case got := <-r:
			if got == text {
				return
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%q was not logged", text)
		}
	}
}

func TestCallOutlivesAClosedPort(t *testing.T) {
	leaktest.Check(t)
	log := make(logRecorder, 1000)
	e := listenReal(t, sip.Config{Log: slog.New(log)})
	bob := newRawPeer(t, loopback)
	events := make(chan sip.Event, 16)
	u := must(sip.ParseURI("sip:bob@example.org"))
	call, err := e.Invite(sip.InviteRequest{
		From: sip.Address{URI: u}, To: sip.Address{URI: u}, Target: u, Routes: []sip.Route{bob.route()},
		Body: []byte(offerSDP), OnEvent: func(ev sip.Event) { events <- ev },
	})
	ok(t, err)
	inv := bob.expect("INVITE")
	accept := "Contact: <sip:bob@" + bob.addr().String() + ">\n" + sdpLines
	bob.send(inv.From, inv.Reply("200 OK", "b", accept))
	bob.expect("ACK")
	if ev, is := (<-events).(sip.Answered); !is {
		t.Fatalf("event = %+v, want an answer", ev)
	}

	ok(t, bob.pc.Close())
	ok(t, call.Reinvite([]byte(offerSDP)))
	log.wait(t, "Address is unreachable")
	back := newRawPeer(t, bob.addr()) // in time for the first retransmission
	re := back.expect("INVITE")
	back.send(re.From, re.Reply("200 OK", "", accept))
	if ev, is := (<-events).(sip.ReinviteAnswered); !is {
		t.Fatalf("event = %+v, want the call to go on", ev)
	}
	back.expect("ACK")
	ok(t, call.Bye(""))
	bye := back.expect("BYE")
	back.send(bye.From, bye.Reply("200 OK", "", ""))
	if ev, is := (<-events).(sip.Ended); !is || ev.Err != nil {
		t.Fatalf("event = %+v, want a good end", ev)
	}
}

func TestSocketSurvivesClosedPorts(t *testing.T) {
	leaktest.Check(t)
	log := make(logRecorder, 1000)
	e := listenReal(t, sip.Config{Log: slog.New(log)})
	closed, bob := closedPort(t, loopback), newRawPeer(t, loopback)
	const pings = 200
	for range pings {
		ok(t, e.KeepAlive(closed))
		ok(t, e.KeepAlive(bob.route())) // must not be lost for the other's sake
	}
	for i := range pings {
		buf := make([]byte, 16)
		ok(t, bob.pc.SetReadDeadline(time.Now().Add(5*time.Second)))
		if n, _, err := bob.pc.ReadFrom(buf); err != nil || string(buf[:n]) != "\r\n\r\n" {
			t.Fatalf("keep-alive %d of %d = %q, %v", i+1, pings, buf[:n], err)
		}
	}
	bob.send(addrOf(e, "udp"), request("OPTIONS", "o", 1, "", ""))
	bob.expect("480 OPTIONS") // nobody takes calls, but it is read
	for len(log) > 0 {
		if text := <-log; strings.HasPrefix(text, "Listening socket") {
			t.Errorf("logged %q", text)
		}
	}
}
