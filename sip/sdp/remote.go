package sdp

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// remote is where the far end receives the media of one line.
type remote struct {
	rtp, rtcp netip.AddrPort
	mux       bool // it wants, or takes, RTCP on the RTP port
	held      bool // nothing may be sent to it
}

// remote returns the transport of media line i. Without any c= line the address
// of o= is taken: it is that of the same host nearly always.
func (d *Description) remote(i int) remote {
	m := &d.Media[i]
	c := d.connection(i)
	if c.Host == "" {
		c = d.Origin.Address
	}
	r := remote{rtp: addrPort(c.Addr(), m.Port), held: c.isUnspecified()}
	if _, ok := find(m.Attributes, "rtcp-mux"); ok {
		r.mux = true
	}
	r.rtcp = addrPort(c.Addr(), m.Port+1)
	if v, ok := find(m.Attributes, "rtcp"); ok {
		if p := parseRTCP(v, c.Addr()); p.IsValid() {
			r.rtcp = p
		}
	}
	return r
}

// muxable reports whether no payload type of list can be taken for a packet of
// RTCP, should both come to one port (RFC 5761 section 4).
func muxable(list []Codec) bool {
	return !slices.ContainsFunc(list, func(c Codec) bool { return c.PayloadType >= 64 && c.PayloadType <= 95 })
}

// addrPort joins both; the result is invalid if either is out of range.
func addrPort(a netip.Addr, port int) netip.AddrPort {
	if !a.IsValid() || port < 1 || port > 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(port))
}

// parseRTCP reads "53020" or "53020 IN IP4 192.0.2.1" (RFC 3605 section 2.1).
func parseRTCP(value string, a netip.Addr) netip.AddrPort {
	number, address, found := strings.Cut(value, " ")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return netip.AddrPort{}
	}
	if found {
		a = parseConnection(strings.Fields(address)).Addr()
		if !isUnicast(a) {
			return netip.AddrPort{}
		}
	}
	return addrPort(a, int(port))
}

// isUnicast reports whether a is not the address of many.
func isUnicast(a netip.Addr) bool {
	return !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// packetTime returns the packet time that the far end wants in media line i, or
// ours if it wants none, and never more than it takes.
func (d *Description) packetTime(i int, ours time.Duration) time.Duration {
	t := ours
	if v, ok := d.milliseconds(i, "ptime"); ok {
		t = v
	}
	if v, ok := d.milliseconds(i, "maxptime"); ok {
		t = min(t, v)
	}
	return boundPacketTime(t, ours)
}

// milliseconds returns a positive attribute in milliseconds. Fractions, which RFC
// 8866 section 6.4 allows, are cut off.
func (d *Description) milliseconds(i int, name string) (time.Duration, bool) {
	v, ok := d.attribute(i, name)
	whole, _, _ := strings.Cut(v, ".")
	n, err := strconv.ParseUint(whole, 10, 16)
	if !ok || err != nil || n == 0 {
		return 0, false
	}
	return time.Duration(n) * time.Millisecond, true
}
