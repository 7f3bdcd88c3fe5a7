package bonjour

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A socket that cannot be read rests, for firstRest and then ever longer up to
// longestRest, so that one that fails for good costs nothing; after maxFailures in a
// row it is given up.
const (
	firstRest   = 100 * time.Millisecond
	longestRest = 5 * time.Second
	maxFailures = 10
)

// arrivals is how many packets may wait for Read; more wait in the system, which
// drops them when it has too many.
const arrivals = 32

// A socketConn is a link in use: one or two sockets that listen to the groups, and
// as many to ask from once something was asked.
type socketConn struct {
	link  Link
	iface *net.Interface

	groups []*socket // set before the first packet

	packets chan arrival
	failed  chan error    // capacity 1: why a socket was given up
	done    chan struct{} // closed by Close
	readers sync.WaitGroup

	mu     sync.Mutex // guards what follows
	closed bool
	askers []*socket
}

// An arrival is a packet that has been read.
type arrival struct {
	data []byte
	meta Meta
}

func newSocketConn(link Link, i *net.Interface) *socketConn {
	return &socketConn{
		link: link, iface: i,
		packets: make(chan arrival, arrivals), failed: make(chan error, 1), done: make(chan struct{}),
	}
}

// receive starts reading from a socket until c is closed.
func (c *socketConn) receive(s *socket) {
	c.readers.Go(func() {
		rest, failures := firstRest, 0
		buf := make([]byte, MaxPacket+1)
		for {
			n, meta, ok, err := s.read(buf)
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				if failures++; failures == maxFailures {
					c.fail(fmt.Errorf("bonjour: receive on %s: %w", c.link.Name, err))
					return
				}
				if !c.pause(rest) {
					return
				}
				rest = min(2*rest, longestRest)
				continue
			}
			rest, failures = firstRest, 0
			if !ok || n > MaxPacket || !c.accepts(meta) {
				continue
			}
			select {
			case c.packets <- arrival{append([]byte(nil), buf[:n]...), meta}:
			case <-c.done:
				return
			}
		}
	})
}

// accepts reports whether a packet that the system has handed over can be of this
// link. What was asked from a port of our own is answered from port 5353.
func (c *socketConn) accepts(m Meta) bool {
	return (!m.Asked || m.From.Port() == Port) && (tellsInterface || c.link.sends(m.From.Addr()))
}

// sends reports whether an address is of somebody on the link, as far as addresses
// tell: by zone or by network.
func (l Link) sends(from netip.Addr) bool {
	if from.Is6() && from.IsLinkLocalUnicast() {
		return from.Zone() == l.Name
	}
	return slices.ContainsFunc(l.Addrs, func(p netip.Prefix) bool { return p.Contains(from) })
}

func (c *socketConn) fail(err error) {
	select {
	case c.failed <- err:
	default: // one reason is enough
	}
}

// pause waits, and reports false if c is closed meanwhile.
func (c *socketConn) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.done:
		return false
	}
}

// Read blocks for the next packet. Its error is net.ErrClosed after Close; any other
// means that c is of no use any more.
func (c *socketConn) Read(buf []byte) (int, Meta, error) {
	select {
	case p := <-c.packets:
		return copy(buf, p.data), p.meta, nil
	case err := <-c.failed:
		return 0, Meta{}, err
	case <-c.done:
		return 0, Meta{}, net.ErrClosed
	}
}

// Multicast sends to the groups that were joined.
func (c *socketConn) Multicast(packet []byte) error { return c.sendAll(c.groups, packet) }

// Ask does so from other ports, which are opened when it is called first.
func (c *socketConn) Ask(packet []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if len(c.askers) == 0 {
		for _, g := range c.groups {
			s, err := openAsker(c.iface, g.v6)
			if err != nil {
				continue // the other family may do, and else sendAll tells
			}
			c.askers = append(c.askers, s)
			c.receive(s)
		}
	}
	return c.sendAll(c.askers, packet)
}

// sendAll sends to the group of every socket, and returns an error if none could.
func (c *socketConn) sendAll(sockets []*socket, packet []byte) error {
	failures := make([]error, 0, 2)
	for _, s := range sockets {
		if err := s.write(packet, groupOf(s.v6)); err != nil {
			failures = append(failures, err)
		}
	}
	if len(failures) < len(sockets) {
		return nil
	}
	if len(failures) == 0 {
		return fmt.Errorf("bonjour: send on %s: no socket", c.link.Name)
	}
	return fmt.Errorf("bonjour: send on %s: %w", c.link.Name, errors.Join(failures...))
}

// Unicast sends from port 5353.
func (c *socketConn) Unicast(packet []byte, to netip.AddrPort) error {
	for _, s := range c.groups {
		if s.v6 == to.Addr().Is6() {
			if err := s.write(packet, to); err != nil {
				return fmt.Errorf("bonjour: send on %s: %w", c.link.Name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("bonjour: send on %s to %v: that family is not spoken there", c.link.Name, to)
}

// Close ends Read and waits for what reads the sockets. It may be called more than
// once.
func (c *socketConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	close(c.done)
	failures := make([]error, 0, 2)
	for _, s := range append(c.askers, c.groups...) {
		failures = append(failures, s.close())
	}
	c.mu.Unlock()
	c.readers.Wait()
	return errors.Join(failures...)
}
