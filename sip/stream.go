package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A streamKey finds a connection that may carry requests to a route. Two TLS
// connections to one address may have proved different names, and one that came
// from there by TLS has proved none.
type streamKey struct {
	transport  string
	remote     netip.AddrPort
	serverName string
	accepted   bool // by TLS
}

// A stream is a TCP or TLS connection of ours, dialed or accepted.
type stream struct {
	net.Conn
	e        *Endpoint
	key      streamKey
	local    netip.AddrPort
	name     poolAddr
	dialed   bool
	pinned   bool      // [Config].VerifyServer took the server for serverName
	firstBy  time.Time // by when the handshake and the first read must be done, zero: no limit; owned by Read
	peer     atomic.Pointer[x509.Certificate]
	closed   atomic.Bool
	closeOne sync.Once
	done     chan struct{} // closed by Close
	reads    atomic.Int64  // counts reads that brought something
	pongs    atomic.Bool   // the far end answers pings
	pinged   atomic.Pointer[time.Time]
}

func (e *Endpoint) newStream(transport, serverName string, c net.Conn) *stream {
	return &stream{
		Conn:  c,
		e:     e,
		name:  newPoolAddr(),
		key:   streamKey{transport: transport, remote: addrPort(c.RemoteAddr()), serverName: serverName},
		local: addrPort(c.LocalAddr()),
		done:  make(chan struct{}),
	}
}

func (s *stream) Read(b []byte) (int, error) {
	if !s.firstBy.IsZero() {
		if err := s.greet(); err != nil {
			return 0, err
		}
	}
	n, err := s.Conn.Read(b)
	if n > 0 {
		s.reads.Add(1)
		// Only just after a ping: others keep the flow open by empty lines of their own.
		if at := s.pinged.Load(); at != nil && time.Since(*at) < pongPatience && string(b[:n]) == pong {
			s.pongs.Store(true)
		}
		if !s.firstBy.IsZero() {
			s.firstBy = time.Time{}
			_ = s.Conn.SetReadDeadline(time.Time{})
		}
		s.e.trace(false, s.key.transport, s.LocalAddr(), s.RemoteAddr(), b[:n])
	}
	if err != nil {
		s.e.linger(nil)
	}
	return n, err
}

// greet does the handshake of an incoming connection, which takes no longer than
// [handshakePatience] whatever the client does.
func (s *stream) greet() error {
	tc, ok := s.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	if !s.e.filter.flood.handshake(s.key.remote.Addr()) {
		return errShakes
	}
	_ = s.Conn.SetDeadline(s.firstBy)
	if err := tc.Handshake(); err != nil {
		s.e.log.Debug("TLS handshake failed", "remote", s.key.remote, "err", err)
		return err
	}
	s.proved(tc)
	return nil
}

// proved notes whose key the other end holds.
func (s *stream) proved(tc *tls.Conn) {
	if chain := tc.ConnectionState().PeerCertificates; len(chain) > 0 {
		s.peer.Store(chain[0])
	}
}

func (s *stream) Write(b []byte) (int, error) {
	s.e.trace(true, s.key.transport, s.LocalAddr(), s.RemoteAddr(), b)
	_ = s.Conn.SetWriteDeadline(time.Now().Add(writePatience))
	return s.Conn.Write(b)
}

// Close also forgets the stream, so that the next request dials anew.
func (s *stream) Close() error {
	var err error
	s.closeOne.Do(func() {
		s.closed.Store(true)
		close(s.done)
		s.e.mu.Lock()
		delete(s.e.sockets, s)
		if s.e.streams[s.key] == s {
			delete(s.e.streams, s.key)
		}
		s.e.mu.Unlock()
		s.e.forgetName(s.name)
		err = s.Conn.Close()
	})
	return err
}

// adopt remembers an open stream. It reports false when the endpoint closes.
func (e *Endpoint) adopt(s *stream) bool {
	if !e.hold(s) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streams[s.key] = s
	e.named[s.name] = s
	return true
}

// liveStream returns an open connection to the route, or nil.
func (e *Endpoint) liveStream(k streamKey) *stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.streams[k]; s != nil && !s.closed.Load() {
		return s
	}
	return nil
}

// keyOf returns what connections to r are found by.
func keyOf(r Route) streamKey {
	k := streamKey{transport: r.Transport, remote: r.Addr}
	if r.Transport == "tls" {
		k.serverName = r.ServerName
	}
	return k
}

// dialing is a connect under way that several requests wait for.
type dialing struct {
	done   chan struct{}
	stream *stream
	err    error
}

// streamTo returns an open connection to the route, dialing if there is none.
// It blocks, for as long as patience allows.
func (e *Endpoint) streamTo(ctx context.Context, r Route, patience time.Duration) (*stream, error) {
	k := keyOf(r)
	if s := e.liveStream(k); s != nil {
		return s, nil
	}
	e.mu.Lock()
	d := e.dialing[k]
	if d == nil {
		d = &dialing{done: make(chan struct{}), err: ErrClosed}
		e.dialing[k] = d
		if !e.spawn(func() { e.dial(k, d) }) {
			delete(e.dialing, k)
			close(d.done)
		}
	}
	e.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-d.done:
		return d.stream, d.err
	case <-timer.C:
		return nil, fmt.Errorf("connect: %w", ErrTimeout)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *Endpoint) dial(k streamKey, d *dialing) {
	ctx, cancel := context.WithTimeout(e.ctx, dialPatience)
	defer cancel()
	s, err := e.connect(ctx, k)
	if err == nil && !e.adopt(s) {
		_ = s.Conn.Close()
		err = ErrClosed
	}
	if err == nil {
		if err = e.feeds[k.transport].give(pooledConn{e.filter.Conn(s), s.name}); err != nil {
			_ = s.Close()
		}
	}
	e.mu.Lock()
	delete(e.dialing, k)
	e.mu.Unlock()
	if err != nil {
		d.err = err
	} else {
		d.stream, d.err = s, nil
	}
	close(d.done)
}

func (e *Endpoint) connect(ctx context.Context, k streamKey) (*stream, error) {
	local, ok := e.localFor(k.transport, k.remote.Addr())
	if !ok {
		return nil, ErrNoLocalAddress
	}
	c, err := e.net.Dial(ctx, local.Addr(), k.remote)
	if err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("connect: %w", ErrTimeout)
		}
		return nil, err
	}
	s := e.newStream(k.transport, k.serverName, c)
	s.key, s.dialed = k, true
	if k.transport == "tls" {
		tc := e.tlsClient(c, k, &s.pinned)
		if err := tc.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			if ce := asCertificateError(err); ce != nil {
				return nil, ce
			}
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		s.Conn = tc
		s.proved(tc)
	}
	return s, nil
}

// A feed is a listener whose connections are the ones we dialed. sipgo then
// reads them and keeps them in its pool like accepted ones, but the dialing,
// the TLS names and the time limits are ours.
type feed struct {
	give1 sync.Mutex
	conns chan net.Conn
	taken chan struct{} // sipgo has come back for the next one
	busy  bool          // owned by Accept
	done  chan struct{}
	once  sync.Once
}

func newFeed() *feed {
	return &feed{conns: make(chan net.Conn), taken: make(chan struct{}), done: make(chan struct{})}
}

// Accept returns the next connection given. Coming back for another one means
// that the one before is in the pool.
func (f *feed) Accept() (net.Conn, error) {
	if f.busy {
		f.busy = false
		select {
		case f.taken <- struct{}{}:
		case <-f.done:
			return nil, net.ErrClosed
		}
	}
	select {
	case c := <-f.conns:
		f.busy = true
		return c, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

// give hands c to the stack and returns when requests can be sent on it.
func (f *feed) give(c net.Conn) error {
	f.give1.Lock()
	defer f.give1.Unlock()
	select {
	case f.conns <- c:
	case <-f.done:
		return ErrClosed
	}
	select {
	case <-f.taken:
		return nil
	case <-f.done:
		return ErrClosed
	}
}

func (f *feed) Close() error {
	f.once.Do(func() { close(f.done) })
	return nil
}

// Addr is only asked for its port, which is never used.
func (f *feed) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
