package sip

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"

	"github.com/emiago/sipgo/sip"
)

// errAddressGone is why requests fail that were under way when [Endpoint.Rebind]
// let go of the address they were sent from.
var errAddressGone = errors.New("the address of this machine has changed")

// A binding is one address that is listened on, until [Endpoint.Rebind] lets go
// of it. The socket behind it may be another one after a failure.
type binding struct {
	Local
	done   chan struct{} // closed when it is let go
	socket io.Closer     // guarded by Endpoint.mu
}

func (b *binding) gone() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// listening adds an address that is listened on from now. It reports false when
// the endpoint is closing; then the socket is the caller's to close.
func (e *Endpoint) listening(transport string, local netip.AddrPort, socket io.Closer) (*binding, bool) {
	b := &binding{Local: Local{transport, local}, done: make(chan struct{})}
	if !e.serves(b, socket) {
		return nil, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bound = append(e.bound, b)
	return b, true
}

// serves makes socket the one behind b. It reports false when it is too late.
func (e *Endpoint) serves(b *binding, socket io.Closer) bool {
	if !e.hold(socket) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if b.gone() {
		delete(e.sockets, socket)
		return false
	}
	b.socket = socket
	return true
}

// bindingOf returns what listens on local, or nil.
func (e *Endpoint) bindingOf(transport string, local netip.AddrPort) *binding {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.boundTo(transport, local)
}

// boundTo is bindingOf under the lock.
func (e *Endpoint) boundTo(transport string, local netip.AddrPort) *binding {
	for _, b := range e.bound {
		if b.Local == (Local{transport, local}) {
			return b
		}
	}
	return nil
}

// Rebind makes the endpoint listen on these addresses in place of the ones it
// had; they are as in [Config].Listen and ListenTLS, but may be none at all while
// there is no network. Sockets on addresses that stay are kept: port 0 is
// content with the port in use.
//
// Calls go on. What they send next leaves from an address that is there and has
// it for its Contact; the far end learns of it by the next re-INVITE or UPDATE, for
// which see [Call.Relocate]. Requests that were under way from an address that is
// gone fail at once with a [TransportError], so that other routes can be tried,
// and incoming calls that were not answered there end.
//
// It blocks for the opening of sockets, which ctx bounds. An address that cannot
// be listened on is left out, and told by the error.
func (e *Endpoint) Rebind(ctx context.Context, listen, listenTLS []netip.AddrPort) error {
	e.move.Lock()
	defer e.move.Unlock()
	if e.ctx.Err() != nil {
		return ErrClosed
	}
	old, newPairs, newTLS := e.compare(listen, listenTLS)
	var errs []error
	for _, a := range newPairs {
		errs = append(errs, e.listenPair(ctx, a))
	}
	for _, a := range newTLS {
		errs = append(errs, e.listenTLS(ctx, a))
	}
	if len(newPairs)+len(newTLS) > 0 { // perhaps another network: who refused TCP may take it here
		e.mu.Lock()
		clear(e.noTCP)
		e.mu.Unlock()
	}
	e.letGo(old) // last: what fails by it finds the new ones
	e.endStranded()
	return errors.Join(errs...)
}

// compare returns what is listened on and not wanted any more, and the addresses
// that nobody listens on yet.
func (e *Endpoint) compare(listen, listenTLS []netip.AddrPort) (old []*binding, newPairs, newTLS []netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	stay := map[*binding]bool{}
	missing := func(wanted []netip.AddrPort, transports ...string) (out []netip.AddrPort) {
		for _, a := range wanted {
			found := false
			for _, b := range e.bound {
				fits := slices.Contains(transports, b.Transport) && b.Addr.Addr() == a.Addr().Unmap()
				if fits && (a.Port() == 0 || a.Port() == b.Addr.Port()) {
					stay[b], found = true, true
				}
			}
			if !found {
				out = append(out, a)
			}
		}
		return out
	}
	newPairs, newTLS = missing(listen, "udp", "tcp"), missing(listenTLS, "tls")
	for _, b := range e.bound {
		if !stay[b] {
			old = append(old, b)
		}
	}
	return old, newPairs, newTLS
}

// letGo closes the sockets of old, and the connections from addresses that are not
// listened on any more.
func (e *Endpoint) letGo(old []*binding) {
	e.mu.Lock()
	var shut []io.Closer
	e.bound = slices.DeleteFunc(e.bound, func(b *binding) bool { return slices.Contains(old, b) })
	for _, b := range old {
		close(b.done)
		shut = append(shut, b.socket)
		delete(e.sockets, b.socket)
	}
	for _, s := range e.streams {
		if !slices.ContainsFunc(e.bound, func(b *binding) bool { return b.Addr.Addr() == s.local.Addr() }) {
			shut = append(shut, s)
		}
	}
	e.mu.Unlock()
	for _, s := range shut {
		_ = s.Close() // nothing can be sent on it
	}
}

// endStranded ends the incoming calls whose answer could not reach the caller.
func (e *Endpoint) endStranded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.calls {
		c.post(func() {
			if u := c.uas; u != nil && !u.final && !c.over && !u.flow.ready() {
				u.final = true
				c.end(Ended{&TransportError{Route: u.flow.route, Err: errAddressGone}})
			}
		})
	}
}

// Relocated reports the way found by [Call.Relocate].
type Relocated struct {
	Local netip.Addr // where media should be received as well
	Moved bool       // it is another way than before; the far end should be told
}

// RelocateFailed reports that there is no way to the far end now.
type RelocateFailed struct{ Err error }

func (Relocated) isEvent()      {}
func (RelocateFailed) isEvent() {}

// Relocate finds out how the far end can be reached now, for use after
// [Endpoint.Rebind] or when a connection was lost. [Relocated] or [RelocateFailed]
// follows. The far end should then be told by a re-INVITE (RFC 3261 section
// 12.2.1: target refresh), whose Contact is the new one.
func (c *Call) Relocate() error {
	if c.at() != stageUp {
		return ErrState
	}
	c.post(func() {
		if c.d == nil || c.over {
			return
		}
		lost := !c.d.base.ready()
		c.withFlow(func(f flow, err error) {
			if err != nil {
				c.emit(RelocateFailed{err})
				return
			}
			c.emit(Relocated{Local: f.local.Addr(), Moved: lost})
		})
	})
	return nil
}

// reached takes over the way to the next hop. Where the one of the INVITE is gone
// it becomes that of the dialog, and our Contact with it.
func (c *Call) reached(d *dialog, f flow) {
	d.next = f
	if d.base.ready() {
		return
	}
	if f.route.ServerName == "" {
		f.route.ServerName = d.base.route.ServerName
	}
	d.base = f
	d.contact = "<" + c.e.contact(f).String() + ">"
	c.setFlow(f)
}

// mayRepeat reports whether a request inside a dialog that failed by err can
// simply be sent again from another address. A re-INVITE cannot: it names the
// address of the media.
func mayRepeat(method string, err error) bool {
	return method != string(sip.INVITE) && errors.Is(err, errAddressGone)
}
