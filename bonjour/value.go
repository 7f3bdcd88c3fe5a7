package bonjour

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxText is how long the strings of a TXT record may be together, in bytes, ours and
// those of others: as much as fits into a packet (RFC 6763 section 6.2).
const maxText = 1300

// valueOf returns what a record says such that two records of one set are the same if
// and only if their values are. False is returned for what is of no use.
func valueOf(rr dns.RR) (string, bool) {
	switch rr := rr.(type) {
	case *dns.PTR:
		return fold(rr.Ptr), true
	case *dns.SRV:
		target := fold(rr.Target)
		numbers := make([]byte, 0, 6+len(target))
		for _, n := range [...]uint16{rr.Priority, rr.Weight, rr.Port} {
			numbers = binary.BigEndian.AppendUint16(numbers, n)
		}
		return string(append(numbers, target...)), target == "." || isLocal(target)
	case *dns.TXT:
		return textValue(rr.Txt)
	case *dns.A:
		return string(rr.A.To4()), len(rr.A.To4()) == 4
	case *dns.AAAA:
		return string(rr.AAAA), len(rr.AAAA) == 16
	}
	return "", false
}

// isLocal tells whether a folded name is one of multicast DNS.
func isLocal(name string) bool { return strings.HasSuffix(name, "."+domain) }

// textValue puts a byte with its length before each string, as on the wire.
func textValue(escaped []string) (string, bool) {
	var data []byte
	for _, text := range escaped {
		raw := unescape(text)
		if len(raw) > 255 || len(data)+1+len(raw) > maxText {
			return "", false
		}
		data = append(append(data, byte(len(raw))), raw...)
	}
	return string(data), true
}

// textOf returns the strings of textValue. Empty ones say nothing (RFC 6763 section
// 6.4).
func textOf(data string) []string {
	var text []string
	for data != "" {
		end := 1 + int(data[0])
		if end > 1 {
			text = append(text, data[1:end])
		}
		data = data[end:]
	}
	return text
}

// addrOf returns the address in the data of an A or AAAA record, if it may be that of
// a machine on the link. Link-local addresses of IPv6 get the zone.
func addrOf(data, zone string) (netip.Addr, bool) {
	addr, ok := netip.AddrFromSlice([]byte(data))
	switch {
	case !ok, addr.IsUnspecified(), addr.IsMulticast(), addr.IsLoopback(), addr.Is4In6(),
		addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return netip.Addr{}, false
	case addr.Is6() && addr.IsLinkLocalUnicast():
		return addr.WithZone(zone), true
	}
	return addr, true
}

// sortAddrs puts the addresses in front that are most likely to be reached: IPv4 first,
// link-local ones last in their family.
func sortAddrs(addrs []netip.Addr) {
	rank := func(a netip.Addr) int {
		n := 0
		if a.Is6() {
			n = 2
		}
		if a.IsLinkLocalUnicast() {
			n++
		}
		return n
	}
	slices.SortFunc(addrs, func(a, b netip.Addr) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Compare(b))
	})
}

// plainName returns a name as people write it: without the dot at its end, and without
// escapes.
func plainName(name string) string { return unescape(strings.TrimSuffix(name, ".")) }
