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

func TestListenEverywhere(t *testing.T) {
	got, direct, err := listenAddrs("")
	if err != nil || len(got) != 0 || direct.IsValid() {
		t.Errorf("listenAddrs(empty) = %v, %v, %v, want nothing: the addresses come and go", got, direct, err)
	}
}
