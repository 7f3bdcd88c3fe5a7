package sip

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A poolAddr is the name of a connection in the stack's pool. The stack goes by
// the addresses at both ends, which two connections can share in part; a request
// would then be taken for one of the other's, and an answer go out on it. What
// comes over a connection is told by its name instead, in the form of an address
// that nobody has (RFC 6666).
type poolAddr uint64

// newPoolAddr returns a name that nobody can guess.
func newPoolAddr() poolAddr {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return poolAddr(binary.BigEndian.Uint64(b[:]))
}

// poolPort is the port in every such address.
const poolPort = 1

// AddrPort returns the name as the stack wants it.
func (a poolAddr) AddrPort() netip.AddrPort {
	b := [16]byte{0: 1} // 100::/64
	binary.BigEndian.PutUint64(b[8:], uint64(a))
	return netip.AddrPortFrom(netip.AddrFrom16(b), poolPort)
}

func (a poolAddr) Network() string { return "tcp" }
func (a poolAddr) String() string  { return a.AddrPort().String() }

// poolAddrOf reads a name, and reports false for any other address.
func poolAddrOf(s string) (poolAddr, bool) {
	p, err := netip.ParseAddrPort(s)
	if err != nil || p.Port() != poolPort || !p.Addr().Is6() {
		return 0, false
	}
	b := p.Addr().As16()
	a := poolAddr(binary.BigEndian.Uint64(b[8:]))
	return a, a.AddrPort() == p
}

// A pooledConn is a filtered stream as the stack sees it.
type pooledConn struct {
	net.Conn
	name poolAddr
}

func (c pooledConn) LocalAddr() net.Addr  { return c.name }
func (c pooledConn) RemoteAddr() net.Addr { return c.name }

// A pooledListener gives the stack filtered streams.
type pooledListener struct{ net.Listener }

func (l pooledListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return pooledConn{c, c.(*filterConn).Conn.(*stream).name}, nil
}

// busy reports whether a call goes over a connection.
func (e *Endpoint) busy(c net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, call := range e.calls {
		call.mu.Lock()
		s := call.flow.stream
		call.mu.Unlock()
		if s == c {
			return true
		}
	}
	return false
}

// readFilter filters datagrams; streams are filtered before the stack has them.
func (e *Endpoint) readFilter(p sip.TransportReadProps, data []byte) ([]byte, error) {
	if _, ok := p.LocalAddr.(poolAddr); ok {
		return data, nil
	}
	return e.filter.Read(p, data)
}

// nameMemory is how long the name of a closed connection is known, for what came
// over it and is still being looked at.
const nameMemory = time.Second

func (e *Endpoint) forgetName(a poolAddr) {
	time.AfterFunc(nameMemory, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.named, a)
	})
}

// streamOf returns the connection that a message came over, or nil for UDP.
func (e *Endpoint) streamOf(m sip.Message) *stream {
	if sip.NetworkToLower(m.Transport()) == "udp" {
		return nil
	}
	a, ok := poolAddrOf(m.Source())
	if !ok {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.named[a]
}

// received says in a request's Via where it came from, if its sender asks (RFC 3581
// section 4); the stack would name the connection.
func (e *Endpoint) received(req *sip.Request) {
	via, s := req.Via(), e.streamOf(req)
	if via == nil || s == nil {
		return
	}
	if port, asked := via.Params.Get("rport"); asked && port == "" {
		via.Params.Add("rport", strconv.Itoa(int(s.key.remote.Port())))
		via.Params.Add("received", s.key.remote.Addr().String())
	}
}
