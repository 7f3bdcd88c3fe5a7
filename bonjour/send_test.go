package bonjour

import (
	"net/netip"
	"testing"
	"time"
)

func TestEchoesAreKnown(t *testing.T) {
	s := newEchoes()
	now := time.Now()
	a, b := &attachment{}, &attachment{}
	own := netip.MustParseAddr("10.0.0.1")
	mine := func(addr netip.Addr) bool { return addr == own }
	heard := func(on *attachment, packet, from string, v6 bool) bool {
		return s.heard(now, on, []byte(packet), Meta{From: netip.MustParseAddrPort(from), V6: v6, Multicast: true}, mine)
	}
	wants := func(name string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: heard() = %v, want %v", name, got, want)
		}
	}
	wants("nothing was sent", heard(a, "x", "10.0.0.1:5353", false), false)
	s.sent(now, a, []byte("x"))
	wants("something else", heard(a, "y", "10.0.0.1:5353", false), false)
	wants("by another link, from somebody else", heard(b, "x", "10.0.0.9:5353", false), false)
	wants("by another link", heard(b, "x", "10.0.0.1:5353", false), true)
	wants("by another link again", heard(b, "x", "10.0.0.1:5353", false), true)
	wants("over IPv4, without an address", heard(a, "x", "0.0.0.0:5353", false), true)
	wants("over IPv4 again: of another program", heard(a, "x", "10.0.0.1:5353", false), false)
	wants("over IPv6", heard(a, "x", "[fe80::1%eth0]:5353", true), true)
	s.sent(now, a, []byte("x"))
	s.sent(now, a, []byte("x"))
	wants("first of two", heard(a, "x", "10.0.0.1:5353", false), true)
	wants("second of two", heard(a, "x", "10.0.0.1:5353", false), true)
	now = now.Add(echoTime + 1)
	wants("too late", heard(a, "x", "[fe80::1%eth0]:5353", true), false)
	for i := range 10 * maxEchoes {
		s.sent(now, a, []byte{byte(i), byte(i >> 8)})
	}
	if got := len(s.expect); got > maxEchoes+1 || got != len(s.inOrder) {
		t.Errorf("%d packets are waited for, %d in order, want at most %d", got, len(s.inOrder), maxEchoes)
	}
}
