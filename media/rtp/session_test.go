package rtp_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/media/mediatest"
	"parley/media/rtp"
)

const packetTime = 20 * time.Millisecond

// end is one end of a call: a session and what it received.
type end struct {
	*rtp.Session
	at netip.AddrPort

	mu      sync.Mutex
	packets []rtp.Packet
	digits  []string
	sources []netip.AddrPort
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func newEnd(t *testing.T, n *mediatest.Network, at string) *end {
	t.Helper()
	e := &end{at: addr(at)}
	voice, err := n.Listen(e.at)
	if err != nil {
		t.Fatal(err)
	}
	control, err := n.Listen(netip.AddrPortFrom(e.at.Addr(), e.at.Port()+1))
	if err != nil {
		t.Fatal(err)
	}
	e.Session, err = rtp.New(rtp.Config{
		Conn: voice, Control: control, Rand: rand.Reader,
		OnPacket: func(p *rtp.Packet) {
			e.mu.Lock()
			defer e.mu.Unlock()
			q := *p
			q.Payload = bytes.Clone(p.Payload)
			e.packets = append(e.packets, q)
		},
		OnDigit: func(d rune, held time.Duration) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.digits = append(e.digits, string(d)+" "+held.String())
		},
		OnSource: func(from netip.AddrPort) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.sources = append(e.sources, from)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// take returns the packets since the last take.
func (e *end) take() []rtp.Packet {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.packets
	e.packets = nil
	return p
}

func (e *end) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.digits)
}

// params are those of a plain call over PCMA to remote.
func params(remote netip.AddrPort) rtp.Params {
	return rtp.Params{
		Remote: remote, PayloadType: 8, ClockRate: 8000,
		Receive: map[uint8]int{8: 8000}, Events: map[uint8]int{101: 8000},
		HasEvents: true, EventPT: 101, EventRate: 8000,
	}
}

func configure(t *testing.T, e *end, p rtp.Params) {
	t.Helper()
	if err := e.Configure(p); err != nil {
		t.Fatalf("Configure: %v", err)
	}
}

// pair is two ends that are configured to talk to each other.
func pair(t *testing.T, n *mediatest.Network) (a, b *end) {
	a, b = newEnd(t, n, "10.0.0.1:4000"), newEnd(t, n, "10.0.0.2:4000")
	configure(t, a, params(b.at))
	configure(t, b, params(a.at))
	return a, b
}

// talk sends that many packets at their pace.
func talk(e *end, packets int) {
	for range packets {
		e.Send(make([]byte, 160), 160)
		time.Sleep(packetTime)
	}
	synctest.Wait()
}

func TestVoiceArrivesInOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, mediatest.NewNetwork())
		talk(a, 5)
		a.Skip(1600)
		talk(a, 5)
		got := b.take()
		if len(got) != 10 {
			t.Fatalf("received %d packets, want 10", len(got))
		}
		for i, p := range got {
			want := got[0].Timestamp + uint32(i)*160
			if i >= 5 {
				want += 1600
			}
			if p.Timestamp != want || p.Sequence != got[0].Sequence+uint16(i) || p.SSRC != a.SSRC() {
				t.Errorf("packet %d = seq %d ts %d, want seq %d ts %d", i, p.Sequence, p.Timestamp, got[0].Sequence+uint16(i), want)
			}
			if want := i == 0 || i == 5; p.Marker != want {
				t.Errorf("packet %d marker = %v, want %v", i, p.Marker, want)
			}
		}
		if st := b.Stats(); st.PacketsReceived != 10 || st.Lost != 0 || st.OctetsReceived != 1600 || st.RemoteSeen != a.at {
			t.Errorf("Stats() = %+v, want 10 packets of 1600 octets from %v", st, a.at)
		}
	})
}

func TestBeforeConfigureNothingPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b := newEnd(t, n, "10.0.0.1:4000"), newEnd(t, n, "10.0.0.2:4000")
		if err := a.Send(make([]byte, 160), 160); !errors.Is(err, rtp.ErrNotConfigured) {
			t.Errorf("Send = %v, want %v", err, rtp.ErrNotConfigured)
		}
		configure(t, a, params(b.at))
		talk(a, 2)
		if got := b.take(); len(got) != 0 {
			t.Errorf("an unconfigured session handed over %d packets", len(got))
		}
	})
}

// raw builds an RTP packet.
func raw(pt uint8, seq uint16, ts, ssrc uint32, payload []byte) []byte {
	p := []byte{0x80, pt}
	p = binary.BigEndian.AppendUint16(p, seq)
	p = binary.BigEndian.AppendUint32(p, ts)
	p = binary.BigEndian.AppendUint32(p, ssrc)
	return append(p, payload...)
}

func TestLatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a := newEnd(t, n, "10.0.0.1:4000")
		open := func(at string) *mediatest.PacketConn {
			c, err := n.Listen(addr(at))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c
		}
		signalled, nat, other := open("192.168.1.5:7000"), open("203.0.113.5:61000"), open("203.0.113.99:4")
		configure(t, a, params(signalled.AddrPort()))
		seq := uint16(0)
		from := func(c *mediatest.PacketConn, pt uint8) netip.AddrPort {
			seq++
			c.WriteTo(raw(pt, seq, uint32(seq)*160, 77, make([]byte, 160)), net.UDPAddrFromAddrPort(a.at))
			synctest.Wait()
			return a.Stats().RemoteSeen
		}
		steps := []struct {
			name string
			conn *mediatest.PacketConn
			pt   uint8
			wait time.Duration
			want netip.AddrPort
		}{
			{"a payload type not agreed on does not latch", other, 99, 0, netip.AddrPort{}},
			{"the first valid source does", nat, 8, 0, nat.AddrPort()},
			{"another one is foreign", other, 8, 20 * time.Millisecond, nat.AddrPort()},
			{"until there was silence", other, 8, 2 * time.Second, other.AddrPort()},
			{"the signalled source is always right", signalled, 8, 20 * time.Millisecond, signalled.AddrPort()},
			{"and stays", nat, 8, 20 * time.Millisecond, signalled.AddrPort()},
		}
		for _, s := range steps {
			time.Sleep(s.wait)
			if got := from(s.conn, s.pt); got != s.want {
				t.Errorf("%s: RemoteSeen = %v, want %v", s.name, got, s.want)
			}
		}
		if st := a.Stats(); st.Foreign != 2 || st.Unwanted != 1 {
			t.Errorf("Stats() = %+v, want 2 foreign and 1 unwanted", st)
		}
		a.Send(make([]byte, 160), 160)
		signalled.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, _, err := signalled.ReadFrom(make([]byte, 2000)); err != nil {
			t.Errorf("our packet went elsewhere than to the latched source: %v", err)
		}
	})
}

func TestNewSSRC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a := newEnd(t, n, "10.0.0.1:4000")
		peer, err := n.Listen(addr("10.0.0.2:4000"))
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		configure(t, a, params(peer.AddrPort()))
		send := func(ssrc uint32, seq uint16) {
			peer.WriteTo(raw(8, seq, uint32(seq)*160, ssrc, []byte{byte(ssrc), byte(seq)}), net.UDPAddrFromAddrPort(a.at))
			synctest.Wait()
		}
		payloads := func() (got []string) {
			for _, p := range a.take() {
				got = append(got, string(p.Payload))
			}
			return got
		}
		send(1, 10)
		send(1, 11)
		send(2, 500) // alone, it may be an intruder
		if got := payloads(); len(got) != 2 {
			t.Errorf("after one packet of a new SSRC %d packets, want 2", len(got))
		}
		send(2, 501) // two: both count
		if got, want := payloads(), []string{"\x02\xf4", "\x02\xf5"}; !slices.Equal(got, want) {
			t.Errorf("after two packets of a new SSRC %q, want %q", got, want)
		}
		time.Sleep(time.Second)
		send(3, 9) // after silence the first counts
		if got, want := payloads(), []string{"\x03\x09"}; !slices.Equal(got, want) {
			t.Errorf("new SSRC after silence %q, want %q", got, want)
		}
		if st := a.Stats(); st.Lost != 0 {
			t.Errorf("Lost = %d, want 0", st.Lost)
		}
	})
}

func TestSSRCCollision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a := newEnd(t, n, "10.0.0.1:4000")
		peer, err := n.Listen(addr("10.0.0.2:4000"))
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		configure(t, a, params(peer.AddrPort()))
		before := a.SSRC()
		for i := range 3 { // the peer mirrors whatever we send
			a.Send(make([]byte, 160), 160)
			buf := make([]byte, 2000)
			size, _, err := peer.ReadFrom(buf)
			if err != nil {
				t.Fatal(err)
			}
			peer.WriteTo(buf[:size], net.UDPAddrFromAddrPort(a.at))
			synctest.Wait()
			if a.SSRC() == before {
				t.Fatalf("packet %d: SSRC unchanged after a collision", i)
			}
		}
		if got := len(a.take()); got != 2 {
			t.Errorf("took %d mirrored packets, want all but the first", got)
		}
	})
}

func TestMalformedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a := newEnd(t, n, "10.0.0.1:4000")
		peer, err := n.Listen(addr("10.0.0.2:4000"))
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		configure(t, a, params(peer.AddrPort()))
		bad := [][]byte{
			nil,
			{0x80},
			[]byte("OPTIONS sip:x SIP/2.0\r\n"),
			append([]byte{0x9f, 8}, make([]byte, 20)...),    // fifteen CSRCs and no room
			append([]byte{0xa0, 8}, make([]byte, 10)...),    // padding of nothing
			raw(8, 1, 1, 1, make([]byte, rtp.MaxPayload+1)), // too long
			raw(8, 1, 1, 1, make([]byte, 3000)),             // cut off by the buffer
			{0x80, 200, 0, 1, 0, 0, 0, 1},                   // a sender report without its middle
			{0x80, 201, 0xff, 0xff, 0, 0, 0, 1},             // longer than the datagram
		}
		for _, b := range bad {
			peer.WriteTo(b, net.UDPAddrFromAddrPort(a.at))
			synctest.Wait()
		}
		if st := a.Stats(); st.Malformed != uint64(len(bad)) || st.PacketsReceived != 0 {
			t.Errorf("Stats() = %+v, want %d malformed", st, len(bad))
		}
	})
}

func TestCloseIsIdempotentAndEndsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, _ := pair(t, n)
		done := make(chan error)
		go func() { done <- a.SendDigit(t.Context(), '1', time.Second) }()
		synctest.Wait()
		a.Close()
		a.Close()
		if err := <-done; !errors.Is(err, rtp.ErrClosed) {
			t.Errorf("SendDigit over Close = %v, want %v", err, rtp.ErrClosed)
		}
		if err := a.Send(nil, 160); !errors.Is(err, rtp.ErrClosed) {
			t.Errorf("Send after Close = %v, want %v", err, rtp.ErrClosed)
		}
		if err := a.Configure(params(addr("10.0.0.2:4000"))); !errors.Is(err, rtp.ErrClosed) {
			t.Errorf("Configure after Close = %v, want %v", err, rtp.ErrClosed)
		}
	})
}

func TestListen(t *testing.T) {
	n := mediatest.NewNetwork()
	host := netip.MustParseAddr("10.0.0.1")
	for range 5 { // 5001 is odd: the pairs are 5002 to 5011
		voice, control, err := rtp.Listen(n, host, 5001, 5012, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		v, c := voice.LocalAddr().(*net.UDPAddr).Port, control.LocalAddr().(*net.UDPAddr).Port
		if v%2 != 0 || c != v+1 || v < 5002 || c > 5011 {
			t.Errorf("Listen = ports %d, %d, want an even one and the next within 5002-5011", v, c)
		}
		defer voice.Close()
		defer control.Close()
	}
	if _, _, err := rtp.Listen(n, host, 5001, 5012, rand.Reader); !errors.Is(err, rtp.ErrNoPort) {
		t.Errorf("Listen in a full range = %v, want %v", err, rtp.ErrNoPort)
	}
	if n.Open() != 10 {
		t.Errorf("%d sockets open, want 10", n.Open())
	}
	if _, _, err := rtp.Listen(n, host, 5001, 5001, rand.Reader); err == nil {
		t.Error("Listen in a range of one port succeeded")
	}
	voice, control, err := rtp.Listen(rtp.System{}, netip.MustParseAddr("127.0.0.1"), 0, 0, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	voice.Close()
	control.Close()
}
