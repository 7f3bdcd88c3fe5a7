package mediatest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// A Hook decides what becomes of one datagram: it is dropped, or delivered after
// delay. It must not keep b, nor call the network. It is called for one datagram
// at a time.
type Hook func(from, to netip.AddrPort, b []byte) (drop bool, delay time.Duration)

// Network is UDP in memory. Every address exists on it. It is safe for use by
// several goroutines and fit for a testing/synctest bubble.
type Network struct {
	hooking sync.Mutex // held while the hook runs

	mu    sync.Mutex
	conns map[netip.AddrPort]*PacketConn
	hook  Hook
	next  uint16
}

// NewNetwork returns a network that loses and delays nothing.
func NewNetwork() *Network {
	return &Network{conns: map[netip.AddrPort]*PacketConn{}, next: 40000}
}

// SetHook makes h see every datagram from now on; nil sees none.
func (n *Network) SetHook(h Hook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = h
}

// Open returns how many sockets are open.
func (n *Network) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// ListenPacket opens a socket; port 0 chooses one. It fails like the system does
// when the port is taken.
func (n *Network) ListenPacket(at netip.AddrPort) (net.PacketConn, error) {
	return n.Listen(at)
}

// Listen is [Network.ListenPacket] with the concrete type.
func (n *Network) Listen(at netip.AddrPort) (*PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for at.Port() == 0 || (n.conns[at] != nil && at.Port() >= 40000) {
		n.next++
		at = netip.AddrPortFrom(at.Addr(), n.next)
	}
	if n.conns[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Err: fmt.Errorf("%v: %w", at, syscall.EADDRINUSE)}
	}
	c := &PacketConn{network: n, at: at, queue: make(chan datagram, 1024), closed: make(chan struct{})}
	n.conns[at] = c
	return c, nil
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

// PacketConn is a socket of a [Network].
type PacketConn struct {
	network *Network
	at      netip.AddrPort
	queue   chan datagram
	closed  chan struct{}
	once    sync.Once

	mu       sync.Mutex
	deadline time.Time
}

// ReadFromUDPAddrPort waits for a datagram, the deadline or Close.
func (c *PacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	default:
	}
	select {
	case d := <-c.queue:
		return copy(b, d.data), d.from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	case <-expired:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	}
}

// ReadFrom is ReadFromUDPAddrPort for [net.PacketConn].
func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo sends a copy of b. It never blocks; nobody there is no error.
func (c *PacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, fmt.Errorf("mediatest: address %v is not UDP", to)
	}
	c.network.send(c.at, udp.AddrPort(), b)
	return len(b), nil
}

func (n *Network) send(from, to netip.AddrPort, b []byte) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	n.mu.Lock()
	hook := n.hook
	n.mu.Unlock()
	var delay time.Duration
	if hook != nil {
		var drop bool
		n.hooking.Lock()
		drop, delay = hook(from, to, b)
		n.hooking.Unlock()
		if drop {
			return
		}
	}
	d := datagram{from, append([]byte(nil), b...)}
	if delay > 0 {
		time.AfterFunc(delay, func() { n.deliver(to, d) })
		return
	}
	n.deliver(to, d)
}

func (n *Network) deliver(to netip.AddrPort, d datagram) {
	n.mu.Lock()
	c := n.conns[to]
	n.mu.Unlock()
	if c == nil {
		return
	}
	select {
	case c.queue <- d:
	default: // full, as a socket's buffer may be
	}
}

// Close frees the address and ends reads.
func (c *PacketConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.network.mu.Lock()
		delete(c.network.conns, c.at)
		c.network.mu.Unlock()
	})
	return nil
}

// LocalAddr is where the socket listens.
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.at) }

// AddrPort is LocalAddr in another form.
func (c *PacketConn) AddrPort() netip.AddrPort { return c.at }

// SetDeadline sets the read deadline; writes never wait.
func (c *PacketConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline bounds reads that begin after it.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

// SetWriteDeadline does nothing, for writes never wait.
func (c *PacketConn) SetWriteDeadline(time.Time) error { return nil }

var _ net.PacketConn = (*PacketConn)(nil)
