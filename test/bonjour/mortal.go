package main

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"parley/bonjour"
)

// A mortal is a network where no record that is sent lives longer than a time, so
// that a test need not wait for two minutes until somebody who died is forgotten.
// Zero leaves the records alone.
type mortal struct {
	bonjour.Network
	ttl time.Duration
}

// Open opens the link.
func (m mortal) Open(l bonjour.Link) (bonjour.Conn, error) {
	c, err := m.Network.Open(l)
	if err != nil || m.ttl == 0 {
		return c, err
	}
	return mortalConn{c, uint32(m.ttl / time.Second)}, nil
}

// A mortalConn is a link of such a network.
type mortalConn struct {
	bonjour.Conn
	ttl uint32 // in seconds
}

// Multicast sends the packet with shorter lives.
func (c mortalConn) Multicast(packet []byte) error { return c.Conn.Multicast(c.cut(packet)) }

// Unicast sends the packet with shorter lives.
func (c mortalConn) Unicast(packet []byte, to netip.AddrPort) error {
	return c.Conn.Unicast(c.cut(packet), to)
}

// cut shortens the lives of the records in a response.
func (c mortalConn) cut(packet []byte) []byte {
	m := dns.Msg{Compress: true}
	if m.Unpack(packet) != nil || !m.Response {
		return packet
	}
	for _, section := range [][]dns.RR{m.Answer, m.Extra} {
		for _, rr := range section {
			rr.Header().Ttl = min(rr.Header().Ttl, c.ttl)
		}
	}
	if cut, err := m.Pack(); err == nil {
		return cut
	}
	return packet
}
