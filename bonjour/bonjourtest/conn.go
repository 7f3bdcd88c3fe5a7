package bonjourtest

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"parley/bonjour"
)

// The groups of multicast DNS.
var (
	group4 = netip.MustParseAddrPort("224.0.0.251:5353")
	group6 = netip.MustParseAddrPort("[ff02::fb]:5353")
)

// A conn is a link in use.
type conn struct {
	host   *Host
	link   *link
	v4, v6 bool   // joined
	port   uint16 // that Ask sends from

	ready  chan struct{} // capacity 1: something may be queued
	closed chan struct{}
	close  sync.Once

	queue []Packet // guarded by the network's lock
}

// gets reports whether a packet reaches c. The caller holds the lock.
func (c *conn) gets(p Packet) bool {
	if c.host.dead || c.link.pulled || c.link.segment != p.Segment || !slices.Contains(c.host.links, c.link) {
		return false
	}
	if p.V6 && !c.v6 || !p.V6 && !c.v4 {
		return false
	}
	if p.Multicast {
		return true
	}
	if !c.link.has(p.To.Addr()) {
		return false
	}
	switch p.To.Port() {
	case c.port:
		return true
	case bonjour.Port:
		return p.Host == "" || c.host.unicast
	}
	return false
}

// put queues a packet that arrived.
func (c *conn) put(p Packet) {
	c.host.n.mu.Lock()
	defer c.host.n.mu.Unlock()
	if c.gets(p) {
		c.queue = append(c.queue, p)
		c.wake()
	}
}

func (c *conn) wake() {
	select {
	case c.ready <- struct{}{}:
	default: // a reader has been told already
	}
}

// pop takes the oldest packet out of the queue.
func (c *conn) pop() (Packet, bool) {
	c.host.n.mu.Lock()
	defer c.host.n.mu.Unlock()
	if len(c.queue) == 0 {
		return Packet{}, false
	}
	p := c.queue[0]
	c.queue = c.queue[1:]
	if len(c.queue) > 0 {
		c.wake()
	}
	return p, true
}

// Read blocks for the next packet.
func (c *conn) Read(buf []byte) (int, bonjour.Meta, error) {
	for {
		select {
		case <-c.closed:
			return 0, bonjour.Meta{}, net.ErrClosed
		default:
		}
		if p, ok := c.pop(); ok {
			from := p.From
			if from.Addr().Is6() && from.Addr().IsLinkLocalUnicast() {
				from = netip.AddrPortFrom(from.Addr().WithZone(c.link.name), from.Port())
			}
			return copy(buf, p.Data), bonjour.Meta{From: from, V6: p.V6, Multicast: p.Multicast, Asked: p.To.Port() == c.port}, nil
		}
		select {
		case <-c.ready:
		case <-c.closed:
		}
	}
}

// Multicast sends one packet of each family that was joined.
func (c *conn) Multicast(packet []byte) error { return c.all(packet, bonjour.Port) }

// Ask does so from the port of c's own.
func (c *conn) Ask(packet []byte) error { return c.all(packet, c.port) }

// all sends to the groups.
func (c *conn) all(packet []byte, port uint16) error {
	sent, err := false, error(syscall.ENETUNREACH)
	for _, f := range []struct {
		joined, v6 bool
		to         netip.AddrPort
	}{{c.v4, false, group4}, {c.v6, true, group6}} {
		if !f.joined {
			continue
		}
		p, failed := c.packet(packet, port, f.to)
		if failed != nil {
			err = failed
			continue
		}
		c.transmit(p)
		sent = true
	}
	if sent {
		return nil
	}
	return err
}

// Unicast sends a packet to one address.
func (c *conn) Unicast(packet []byte, to netip.AddrPort) error {
	p, err := c.packet(packet, bonjour.Port, to)
	if err != nil {
		return err
	}
	c.transmit(p)
	return nil
}

// transmit sends, unless the host has no power.
func (c *conn) transmit(p Packet) {
	c.host.n.mu.Lock()
	dead := c.host.dead
	c.host.n.mu.Unlock()
	if !dead {
		c.host.n.send(p)
	}
}

// packet makes what is to be sent, or tells why it cannot be.
func (c *conn) packet(data []byte, port uint16, to netip.AddrPort) (Packet, error) {
	v6 := to.Addr().Is6()
	select {
	case <-c.closed:
		return Packet{}, net.ErrClosed
	default:
	}
	c.host.n.mu.Lock()
	defer c.host.n.mu.Unlock()
	source := c.link.source(v6)
	switch {
	case c.host.noSend != nil:
		return Packet{}, c.host.noSend
	case c.link.pulled:
		return Packet{}, syscall.ENETDOWN
	case !slices.Contains(c.host.links, c.link):
		return Packet{}, syscall.ENODEV
	case !source.IsValid():
		return Packet{}, syscall.ENETUNREACH
	case len(data) > bonjour.MaxPacket:
		return Packet{}, syscall.EMSGSIZE
	}
	return Packet{
		Time: time.Now(), Segment: c.link.segment, Host: c.host.name,
		From: netip.AddrPortFrom(source, port), To: to, V6: v6,
		Multicast: to.Addr().IsMulticast(), Data: slices.Clone(data),
	}, nil
}

// Close ends Read. It may be called more than once.
func (c *conn) Close() error {
	c.close.Do(func() {
		close(c.closed)
		c.host.n.mu.Lock()
		defer c.host.n.mu.Unlock()
		c.host.n.conns = slices.DeleteFunc(c.host.n.conns, func(o *conn) bool { return o == c })
	})
	return nil
}
