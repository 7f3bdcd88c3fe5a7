package main

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListenAddrs(t *testing.T) {
	tests := []struct {
		in   string
		want []netip.AddrPort
	}{
		{"127.0.0.1", []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}},
		{"192.0.2.7:5080", []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:5080")}},
		{"[2001:db8::7]:5080", []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::7]:5080")}},
		{"2001:db8::7", []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::7]:0")}},
	}
	for _, tt := range tests {
		got, direct, err := listenAddrs(tt.in)
		if err != nil {
			t.Errorf("listenAddrs(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
			t.Errorf("listenAddrs(%q) (-want +got):\n%s", tt.in, diff)
		}
		if direct != got[0] {
			t.Errorf("listenAddrs(%q) direct = %v, want %v", tt.in, direct, got[0])
		}
	}
	for _, in := range []string{"0.0.0.0", "::", "localhost", "192.0.2.7:x", "192.0.2.7:99999", "eth0"} {
		if got, _, err := listenAddrs(in); err == nil {
			t.Errorf("listenAddrs(%q) = %v, want an error", in, got)
		}
	}
}

func TestUsableAddrsAreConcrete(t *testing.T) {
	got, direct, err := listenAddrs("")
	if err != nil || len(got) == 0 {
		t.Fatalf("listenAddrs(empty) = %v, %v, want this machine's addresses", got, err)
	}
	if direct.IsValid() {
		t.Errorf("listenAddrs(empty) direct = %v, want none", direct)
	}
	for i, a := range got {
		if a.Addr().IsUnspecified() || a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() {
			t.Errorf("address %d is %v, want a concrete one", i, a)
		}
	}
	if last := got[len(got)-1].Addr(); !last.IsLoopback() {
		t.Errorf("the last address is %v, want the loopback one", last)
	}
}
