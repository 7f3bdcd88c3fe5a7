package rtp_test

import (
	"crypto/rand"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"parley/internal/leaktest"
	"parley/media/rtp"
)

func TestOverRealSockets(t *testing.T) {
	leaktest.Check(t)
	got := make(chan []byte, 1)
	open := func(onPacket func(*rtp.Packet)) (*rtp.Session, netip.AddrPort) {
		voice, control, err := rtp.Listen(rtp.System{}, netip.MustParseAddr("127.0.0.1"), 0, 0, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS == "linux" {
			if tos, err := ipv4.NewConn(voice.(*net.UDPConn)).TOS(); err != nil || tos != 46<<2 {
				t.Errorf("TOS = %#x, %v, want expedited forwarding", tos, err)
			}
		}
		s, err := rtp.New(rtp.Config{Conn: voice, Control: control, Rand: rand.Reader, OnPacket: onPacket})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s, voice.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	a, aAddr := open(nil)
	b, bAddr := open(func(p *rtp.Packet) {
		select {
		case got <- append([]byte(nil), p.Payload...):
		default:
		}
	})
	configure(t, &end{Session: a}, params(bAddr))
	configure(t, &end{Session: b}, params(aAddr))
	if err := a.Send([]byte("hello"), 160); err != nil {
		t.Fatal(err)
	}
	select {
	case p := <-got:
		if string(p) != "hello" {
			t.Errorf("received %q, want hello", p)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing received over loopback")
	}
	if from := b.Stats().RemoteSeen; from != aAddr {
		t.Errorf("RemoteSeen = %v, want %v", from, aAddr)
	}
}
