package siptest

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type datagram struct {
	from netip.AddrPort
	data []byte
}

type packetConn struct {
	n     *Network
	local netip.AddrPort
	in    chan datagram
	once  sync.Once
	done  chan struct{}
}

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.in:
		return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
	case <-c.done:
		return 0, nil, net.ErrClosed
	}
}

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	default:
	}
	dst, err := netip.ParseAddrPort(to.String())
	if err != nil {
		return 0, err
	}
	c.n.send(c.local, dst, append([]byte(nil), b...))
	return len(b), nil
}

func (n *Network) send(from, to netip.AddrPort, data []byte) {
	delay, drop := n.record(Packet{Time: time.Now(), Transport: "udp", From: from, To: to, Data: data})
	if drop {
		return
	}
	deliver := func() {
		n.mu.Lock()
		c := n.sockets[to]
		n.mu.Unlock()
		if c == nil {
			return
		}
		select {
		case c.in <- datagram{from, data}:
		default: // like a full socket buffer
		}
	}
	if delay > 0 {
		time.AfterFunc(delay, deliver)
		return
	}
	deliver()
}

func (c *packetConn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.n.mu.Lock()
		defer c.n.mu.Unlock()
		delete(c.n.sockets, c.local)
	})
	return nil
}

func (c *packetConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.local) }
func (c *packetConn) SetDeadline(time.Time) error      { return nil }
func (c *packetConn) SetReadDeadline(time.Time) error  { return nil }
func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }

type listener struct {
	n     *Network
	local netip.AddrPort
	in    chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.in:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.n.mu.Lock()
		defer l.n.mu.Unlock()
		delete(l.n.listeners, l.local)
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }

// A conn is one end of a stream. Writes are kept until read, so that two ends
// may write at the same time.
type conn struct {
	n             *Network
	local, remote netip.AddrPort
	in            chan []byte
	rest          []byte
	other         *conn
	stalled       atomic.Bool // what is written gets lost
	once          sync.Once
	done          chan struct{}
	fin           chan struct{} // closed when the other end hears of the close

	mu       sync.Mutex
	deadline time.Time // of reads
}

func newPipe(n *Network, local, remote netip.AddrPort) (here, there *conn) {
	end := func(local, remote netip.AddrPort) *conn {
		return &conn{n: n, local: local, remote: remote, in: make(chan []byte, 4096), done: make(chan struct{}), fin: make(chan struct{})}
	}
	here, there = end(local, remote), end(remote, local)
	here.other, there.other = there, here
	return here, there
}

func (c *conn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		c.mu.Lock()
		deadline := c.deadline
		c.mu.Unlock()
		var late <-chan time.Time
		if !deadline.IsZero() {
			t := time.NewTimer(time.Until(deadline))
			defer t.Stop()
			late = t.C
		}
		select {
		case c.rest = <-c.in:
		case <-c.done:
			return 0, net.ErrClosed
		case <-late:
			return 0, os.ErrDeadlineExceeded
		case <-c.other.fin:
			select {
			case c.rest = <-c.in: // sent before it was closed
			default:
				return 0, io.EOF
			}
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *conn) Write(b []byte) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	case <-c.other.fin:
		return 0, io.ErrClosedPipe
	default:
	}
	data := append([]byte(nil), b...)
	_, drop := c.n.record(Packet{Time: time.Now(), Transport: "tcp", From: c.local, To: c.remote, Data: data})
	if drop {
		c.stalled.Store(true) // a stream with a hole is of no use
		c.other.stalled.Store(true)
	}
	if c.stalled.Load() {
		return len(b), nil
	}
	select {
	case c.other.in <- data:
		return len(b), nil
	case <-c.done:
		return 0, net.ErrClosed
	case <-c.other.fin:
		return 0, io.ErrClosedPipe
	}
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.n.mu.Lock()
		defer c.n.mu.Unlock()
		delete(c.n.conns, c)
		if !c.stalled.Load() && !c.n.cut(c.local, c.remote) {
			close(c.fin)
		}
	})
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *conn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
