package bonjour

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinkOfInterface(t *testing.T) {
	const up = net.FlagUp | net.FlagRunning | net.FlagMulticast | net.FlagBroadcast
	addrs := []string{"192.0.2.1/24", "fe80::1/64"}
	tests := []struct {
		name  string
		flags net.Flags
		addrs []string
		want  bool
	}{
		{"an Ethernet", up, addrs, true},
		{"only IPv6", up, addrs[1:], true},
		{"down", up &^ net.FlagUp, addrs, false},
		{"no cable", up &^ net.FlagRunning, addrs, false},
		{"no multicast", up &^ net.FlagMulticast, addrs, false},
		{"loopback", up | net.FlagLoopback, []string{"127.0.0.1/8"}, false},
		{"a tunnel", up | net.FlagPointToPoint, addrs, false},
		{"no address", up, nil, false},
	}
	for _, tt := range tests {
		var list []net.Addr
		var want []string
		for _, a := range tt.addrs {
			ip, n, err := net.ParseCIDR(a)
			if err != nil {
				t.Fatal(err)
			}
			n.IP = ip
			list = append(list, n)
			want = append(want, a)
		}
		l, ok := linkOf(net.Interface{Index: 7, Name: "eth7", Flags: tt.flags}, list)
		if ok != tt.want || l.Index != 7 || l.Name != "eth7" {
			t.Errorf("%s: linkOf = %v, %v, want %v", tt.name, l, ok, tt.want)
		}
		var got []string
		for _, p := range l.Addrs {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: addresses (-want +got):\n%s", tt.name, diff)
		}
	}
}

// What no prefix can be made of is left out.
func TestLinkOfStrangeAddresses(t *testing.T) {
	addrs := []net.Addr{
		&net.TCPAddr{},
		&net.IPNet{IP: net.IP{1, 2, 3}, Mask: net.CIDRMask(8, 32)},
		&net.IPNet{IP: net.IPv4(192, 0, 2, 1), Mask: net.IPMask{255, 0, 255, 0}},
		&net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)},
	}
	if l, ok := linkOf(net.Interface{Flags: net.FlagUp | net.FlagRunning | net.FlagMulticast}, addrs); ok || len(l.Addrs) > 0 {
		t.Errorf("linkOf = %v, %v, want no address and no link", l, ok)
	}
}

func TestLinkIsToldByAddresses(t *testing.T) {
	l := Link{Index: 2, Name: "eth0", Addrs: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("169.254.7.7/16"), netip.MustParsePrefix("fd00::1/64"), netip.MustParsePrefix("fe80::1/64"),
	}}
	tests := []struct {
		from string
		want bool
	}{
		{"10.0.0.1", true},
		{"10.0.0.200", true},
		{"10.0.1.1", false},
		{"169.254.200.1", true},
		{"fd00::2", true},
		{"fd00:1::2", false},
		{"fe80::2%eth0", true},
		{"fe80::2%eth1", false},
		{"fe80::2", false},
	}
	for _, tt := range tests {
		if got := l.sends(netip.MustParseAddr(tt.from)); got != tt.want {
			t.Errorf("sends(%s) = %v, want %v", tt.from, got, tt.want)
		}
	}
}
