package sip

import (
	"context"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A flow is a way from one socket of ours to one address: a listening datagram
// socket, or a connection.
type flow struct {
	route  Route
	local  netip.AddrPort
	stream *stream  // nil for UDP
	socket *binding // of a datagram socket; nil for connections
}

// ready reports whether requests can be sent on f without waiting.
func (f flow) ready() bool {
	if f.route.Transport == "udp" {
		return f.local.IsValid() && (f.socket == nil || !f.socket.gone())
	}
	return f.stream != nil && !f.stream.closed.Load()
}

// over is closed when nothing can be sent or received on f any more; nil where
// that is not known.
func (f flow) over() <-chan struct{} {
	switch {
	case f.socket != nil:
		return f.socket.done
	case f.stream != nil:
		return f.stream.done
	}
	return nil
}

// moved is closed when the endpoint lets go of the address of f; nil for
// connections, of whose end the stack tells.
func (f flow) moved() <-chan struct{} {
	if f.socket == nil {
		return nil
	}
	return f.socket.done
}

// poolAddr is under what address the stack finds the socket.
func (f flow) poolAddr() netip.AddrPort {
	if f.stream != nil {
		return f.stream.name.AddrPort()
	}
	return f.local
}

// localFor picks the listening address for a destination: the one the system
// would send from, else one that can reach it.
func (e *Endpoint) localFor(transport string, remote netip.Addr) (netip.AddrPort, bool) {
	remote = remote.Unmap()
	want := "udp"
	if transport != "udp" {
		want = "tcp"
	}
	var found netip.AddrPort
	locals := e.Addrs()
	count := 0
	for _, pass := range []string{want, "tls"} {
		for _, l := range locals {
			if l.Transport != pass || l.Addr.Addr().Is4() != remote.Is4() {
				continue
			}
			if count == 0 || found.Addr().IsLoopback() != remote.IsLoopback() && l.Addr.Addr().IsLoopback() == remote.IsLoopback() {
				found = l.Addr
			}
			count++
		}
		if count > 0 || transport == "udp" {
			break
		}
	}
	if count > 1 {
		if source := e.net.Source(remote); source.IsValid() {
			for _, l := range locals {
				if l.Transport == want && l.Addr.Addr() == source {
					return l.Addr, true
				}
			}
		}
	}
	if found.Addr().IsLoopback() && !remote.IsLoopback() && e.net.Source(remote) != remote {
		return netip.AddrPort{}, false // nobody else can answer to that
	}
	return found, count > 0
}

// flowTo opens a way to the route. UDP never blocks; a connection does until it
// is there, at most [dialPatience]. Errors are [TransportError].
func (e *Endpoint) flowTo(ctx context.Context, r Route) (flow, error) {
	e.trust(r.Addr)
	if f, ok := e.flowNow(r); ok {
		return f, nil
	}
	if r.Transport == "udp" {
		return flow{}, &TransportError{Route: r, Err: ErrNoLocalAddress}
	}
	s, err := e.streamTo(ctx, r, dialPatience)
	if err != nil {
		return flow{}, &TransportError{Route: r, Err: err}
	}
	return flow{route: r, local: s.local, stream: s}, nil
}

// flowNow returns the flow to r if it can be had without waiting.
func (e *Endpoint) flowNow(r Route) (flow, bool) {
	e.trust(r.Addr)
	if r.Transport == "udp" {
		local, ok := e.localFor("udp", r.Addr.Addr())
		socket := e.bindingOf("udp", local)
		return flow{route: r, local: local, socket: socket}, ok && socket != nil
	}
	s := e.liveStream(keyOf(r))
	if s == nil {
		return flow{}, false
	}
	return flow{route: r, local: s.local, stream: s}, true
}

// noTCPFor is how long an address that refused TCP is not asked again.
const noTCPFor = 5 * time.Minute

// streamInstead returns the TCP flow that a request too large for UDP should
// take, and false where TCP is refused or slow (RFC 3261 section 18.1.1). It blocks
// for at most [switchPatience].
func (e *Endpoint) streamInstead(ctx context.Context, f flow) (flow, bool) {
	r := f.route
	r.Transport = "tcp"
	e.mu.Lock()
	refused, known := e.noTCP[r.Addr]
	if known && time.Since(refused) > noTCPFor {
		delete(e.noTCP, r.Addr)
		known = false
	}
	e.mu.Unlock()
	if known {
		return f, false
	}
	s, err := e.streamTo(ctx, r, switchPatience)
	if err != nil {
		e.mu.Lock()
		e.noTCP[r.Addr] = time.Now()
		e.mu.Unlock()
		return f, false
	}
	return flow{route: r, local: s.local, stream: s}, true
}

// sentBy is the address for Via: the listening one, so that an answer finds us
// even when the connection is gone.
func (e *Endpoint) sentBy(f flow) netip.AddrPort {
	if f.stream == nil {
		return f.local
	}
	for _, l := range e.Addrs() {
		if l.Transport == f.route.Transport && l.Addr.Addr() == f.local.Addr() {
			return l.Addr
		}
	}
	return f.local
}

// registeredContact is our Contact in a REGISTER on f.
func (e *Endpoint) registeredContact(f flow) URI {
	a := e.sentBy(f)
	u := URI{Scheme: "sip", User: e.cfg.ContactUser, Host: a.Addr().String(), Port: int(a.Port())}
	if f.route.Transport != "udp" {
		u.Params.Set("transport", f.route.Transport)
	}
	return u
}

// contact is our Contact for requests and answers on f that make a dialog or are
// in one.
func (e *Endpoint) contact(f flow) URI {
	u := e.registeredContact(f)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.flows[f.route]; ok {
		u.Params.Set("ob", "") // RFC 5626 section 4.3: dialogs stay on this flow
	}
	return u
}

// ContactURI is the Contact that requests to r carry, as far as it is known
// before a connection exists.
func (e *Endpoint) ContactURI(r Route) URI {
	if f, ok := e.flowNow(r); ok {
		return e.contact(f)
	}
	local, _ := e.localFor(r.Transport, r.Addr.Addr())
	return e.contact(flow{route: r, local: local, stream: &stream{local: local}})
}

// stackAddr is a in the form the stack wants.
func stackAddr(a netip.AddrPort) sip.Addr {
	return sip.Addr{IP: a.Addr().AsSlice(), Port: int(a.Port())}
}
