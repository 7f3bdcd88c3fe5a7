package sip

import (
	"net/netip"
	"testing"
)

// A name is read back as it was, and no address of the world is taken for one.
func FuzzPoolAddr(f *testing.F) {
	for _, s := range []string{"10.0.0.1:1", "[100::1]:1", "[100::1]:2", "[100:1::1]:1", "[100::1%eth0]:1", "[::ffff:1.2.3.4]:1", "x", ""} {
		f.Add(s, uint64(len(s)))
	}
	f.Fuzz(func(t *testing.T, s string, n uint64) {
		if a, ok := poolAddrOf(poolAddr(n).String()); !ok || uint64(a) != n {
			t.Errorf("name %x is read as %x, %v", n, uint64(a), ok)
		}
		if a, ok := poolAddrOf(s); ok && a.AddrPort() != netip.MustParseAddrPort(s) {
			t.Errorf("%q is taken for the name %v", s, a)
		}
	})
}
