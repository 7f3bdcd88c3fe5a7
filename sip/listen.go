package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// portTries is how often another port is chosen when the number that UDP got is
// taken for TCP.
const portTries = 50

func (e *Endpoint) listenAll(ctx context.Context) error {
	for _, t := range []string{"tcp", "tls"} {
		f := newFeed()
		e.feeds[t] = f
		serve := e.tpl.ServeTCP
		if t == "tls" {
			serve = e.tpl.ServeTLS
		}
		e.spawn(func() { _ = serve(f) }) // ends when the feed is closed
	}
	for _, a := range e.cfg.Listen {
		if err := e.listenPair(ctx, a); err != nil {
			return err
		}
	}
	for _, a := range e.cfg.ListenTLS {
		if err := e.listenTLS(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (e *Endpoint) listenTLS(ctx context.Context, a netip.AddrPort) error {
	l, err := e.net.Listen(ctx, a)
	if err != nil {
		return fmt.Errorf("sip: listen: %w", err)
	}
	e.serveStream("tls", l)
	return nil
}

// listenPair opens UDP and TCP on one address and port.
func (e *Endpoint) listenPair(ctx context.Context, a netip.AddrPort) error {
	if a.Addr().IsUnspecified() || !a.Addr().IsValid() {
		return fmt.Errorf("sip: listen: %v is not a concrete address", a)
	}
	var last error
	for range portTries {
		pc, err := e.net.ListenPacket(ctx, a)
		if err != nil {
			return fmt.Errorf("sip: listen: %w", err)
		}
		l, err := e.net.Listen(ctx, addrPort(pc.LocalAddr()))
		if err == nil {
			e.serveDatagrams(pc)
			e.serveStream("tcp", l)
			return nil
		}
		_ = pc.Close()
		last = err
		if a.Port() != 0 {
			break
		}
	}
	return fmt.Errorf("sip: listen: %w", last)
}

func (e *Endpoint) serveDatagrams(pc net.PacketConn) {
	local := addrPort(pc.LocalAddr())
	b, ok := e.listening("udp", local, pc)
	if !ok {
		_ = pc.Close()
		return
	}
	serving := make(chan struct{})
	started := sync.OnceFunc(func() { close(serving) })
	ok = e.supervise(b, pc,
		func(s any) error {
			pc := s.(net.PacketConn)
			return e.tpl.ServeUDP(&datagrams{PacketConn: pc, e: e, b: b, started: started, queue: openErrorQueue(pc)})
		},
		func(ctx context.Context) (any, error) { return e.net.ListenPacket(ctx, local) })
	if ok {
		<-serving // from here on requests find the socket
	}
}

func (e *Endpoint) serveStream(transport string, l net.Listener) {
	local := addrPort(l.Addr())
	b, ok := e.listening(transport, local, l)
	if !ok {
		_ = l.Close()
		return
	}
	serve := e.tpl.ServeTCP
	if transport == "tls" {
		serve = e.tpl.ServeTLS
	}
	e.supervise(b, l,
		func(s any) error {
			return serve(pooledListener{e.filter.Listener(&acceptor{Listener: s.(net.Listener), e: e, transport: transport})})
		},
		func(ctx context.Context) (any, error) { return e.net.Listen(ctx, local) })
}

// supervise serves a socket and opens it anew when its loop ends on its own, as
// it does after sleep or when an address goes away and comes back. It reports
// false, and does nothing, when the endpoint is closing; that closes the socket.
func (e *Endpoint) supervise(b *binding, first io.Closer, serve func(any) error, open func(context.Context) (any, error)) bool {
	return e.spawn(func() {
		socket := first
		for {
			err := serve(socket)
			_ = socket.Close() // sipgo leaves listeners open
			e.release(socket)
			if e.ctx.Err() != nil || b.gone() {
				return
			}
			e.log.Warn("Listening socket was lost", "local", b.Addr, "err", err)
			if socket = e.reopen(b, open); socket == nil {
				return
			}
		}
	})
}

// reopen tries until it works, with pauses that grow to five seconds. It
// returns nil when the endpoint closes or lets go of the address.
func (e *Endpoint) reopen(b *binding, open func(context.Context) (any, error)) io.Closer {
	told := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		socket, err := open(e.ctx)
		if err == nil {
			c := socket.(io.Closer)
			if !e.serves(b, c) {
				_ = c.Close()
				return nil
			}
			if told && e.cfg.OnTransportRecovered != nil {
				e.cfg.OnTransportRecovered()
			}
			return c
		}
		if e.cfg.OnTransportFailure != nil && !told && e.ctx.Err() == nil {
			told = true
			e.cfg.OnTransportFailure(fmt.Errorf("sip: listen on %v: %w", b.Addr, err))
		}
		select {
		case <-time.After(pause):
		case <-b.done:
			return nil
		case <-e.ctx.Done():
			return nil
		}
	}
}

// writeDatagram sends a response that belongs to no transaction.
func (e *Endpoint) writeDatagram(local, remote net.Addr, data []byte) {
	c := e.tpl.Pool("udp").Get(local.String())
	if c == nil {
		return
	}
	defer c.TryClose()
	if u, ok := c.(*sip.UDPConnection); ok {
		_, _ = u.WriteTo(data, remote) // best effort, as the sender of garbage deserves
	}
}

// datagrams is a packet socket with a tracer, which survives errors that concern
// a single packet. Windows reports such after an ICMP message, Linux because its
// [errorQueue] is asked for.
type datagrams struct {
	net.PacketConn
	e       *Endpoint
	b       *binding
	started func() // the stack reads, so it has put the socket into its pool
	queue   *errorQueue
}

const (
	// maxReadErrors is how many errors in a row mean that the socket is dead.
	maxReadErrors = 16
	// maxWriteTries bounds the writes of one datagram that fail for another's sake.
	maxWriteTries = 4
)

func (d *datagrams) ReadFrom(b []byte) (int, net.Addr, error) {
	d.started()
	for failed := 0; ; failed++ {
		n, from, err := d.PacketConn.ReadFrom(b)
		if err == nil {
			if d.e.gotSTUN(d.LocalAddr(), from, b[:n]) {
				failed = -1
				continue
			}
			d.e.trace(false, "udp", d.LocalAddr(), from, b[:n])
			return n, from, nil
		}
		if d.queue.swallow(err, d.unreachable) {
			failed = 0 // the socket is well
			continue
		}
		if errors.Is(err, net.ErrClosed) || failed >= maxReadErrors {
			d.e.linger(d.b)
			return n, from, err
		}
	}
}

func (d *datagrams) WriteTo(b []byte, to net.Addr) (int, error) {
	d.e.trace(true, "udp", d.LocalAddr(), to, b)
	for tries := 1; ; tries++ {
		n, err := d.PacketConn.WriteTo(b, to)
		if err == nil || tries >= maxWriteTries || !d.queue.swallow(err, d.unreachable) {
			return n, err
		}
	}
}

func (d *datagrams) unreachable(remote netip.AddrPort, quoted []byte, err error) {
	d.e.log.Debug("Address is unreachable", "remote", remote, "err", err)
	local := addrPort(d.LocalAddr())
	d.e.unreachable(local, remote, quoted, err)
	d.e.pingLost(local, remote, quoted, err)
}

// linger keeps a closed socket in the stack's pool for a moment while the
// endpoint closes or lets go of its address. A request that is still being looked
// at would otherwise find it missing, and the stack would open a socket of its own
// that nobody closes. b is nil for connections.
func (e *Endpoint) linger(b *binding) {
	if e.ctx.Err() != nil || b != nil && b.gone() {
		time.Sleep(lingerTime)
	}
}

func (e *Endpoint) trace(sent bool, transport string, local, remote net.Addr, data []byte) {
	if e.cfg.Tracer == nil {
		return
	}
	e.cfg.Tracer.Trace(TraceMessage{
		Time: time.Now(), Sent: sent, Transport: transport,
		Local: addrPort(local), Remote: addrPort(remote), Data: data,
	})
}

// acceptor hands accepted connections to the stack, dressed as streams.
type acceptor struct {
	net.Listener
	e         *Endpoint
	transport string
}

func (a *acceptor) Accept() (net.Conn, error) {
	for {
		c, err := a.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s := a.e.newStream(a.transport, "", c)
		if a.transport == "tls" {
			if a.e.tls == nil {
				_ = c.Close()
				continue
			}
			s.Conn, s.key.accepted = tls.Server(c, a.e.tls), true
			s.firstBy = time.Now().Add(handshakePatience)
		}
		if !a.e.adopt(s) {
			_ = c.Close()
			return nil, net.ErrClosed
		}
		return s, nil
	}
}
