package sip

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// errOtherKey is why a connection is not used for a pinned call.
var errOtherKey = errors.New("the far end of the call had another key")

// A pin says who the far end of a call is, whatever connection it goes over.
type pin struct {
	name  string            // what servers have to prove
	key   [sha256.Size]byte // of what the far end showed when the call began
	route Route             // of our INVITE; the zero value for incoming calls
}

func keyHash(c *x509.Certificate) [sha256.Size]byte { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// PeerCertificate returns what the far end showed in the TLS handshake of the
// connection that the call goes over, whichever side opened it. It holds the key of
// the certificate; what else was verified [Config].VerifyServer knows. It is nil
// over UDP and TCP, before there is a connection, and for a client that showed none.
func (c *Call) PeerCertificate() *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flow.stream == nil {
		return nil
	}
	return c.flow.stream.peer.Load()
}

// Pin ties the call to the key of [Call.PeerCertificate]. From then on:
//
//   - requests of ours go by TLS only, over a connection to the holder of that key: the
//     one of the call, else a new one whose server has to prove serverName to
//     [Config].VerifyServer, and the same key;
//   - requests of the far end are taken only from its holder, and others get 403;
//   - what it sends over another connection makes that one the call's.
//
// Outgoing calls over a connection on which VerifyServer decided are pinned by
// themselves, to the ServerName of their route. Pin reports false, and does nothing,
// if serverName is empty or the far end showed no certificate.
func (c *Call) Pin(serverName string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if serverName == "" || c.flow.stream == nil {
		return false
	}
	cert := c.flow.stream.peer.Load()
	if cert == nil {
		return false
	}
	c.pin = &pin{name: serverName, key: keyHash(cert)}
	return true
}

// pinTo pins an outgoing call to the server of f if that has proved who it is.
func (c *Call) pinTo(f flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pin = nil
	if f.stream == nil || !f.stream.pinned || f.route.ServerName == "" {
		return
	}
	if cert := f.stream.peer.Load(); cert != nil {
		c.pin = &pin{name: f.route.ServerName, key: keyHash(cert), route: f.route}
	}
}

func (c *Call) pinned() *pin {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pin
}

// holds reports whether the other end of s has proved to have the pin's key. A nil
// pin is content with everything.
func (p *pin) holds(s *stream) bool {
	if p == nil {
		return true
	}
	if s == nil {
		return false
	}
	cert := s.peer.Load()
	return cert != nil && keyHash(cert) == p.key
}

// strange reports whether a request claims to be of c's far end and is not.
func (c *Call) strange(req *sip.Request) bool {
	p := c.pinned()
	return p != nil && !p.holds(c.e.streamOf(req))
}

// follow makes the connection that a request came over the call's, if the call is
// pinned: the far end may have moved, and ours be dead without anybody's notice.
func (c *Call) follow(req *sip.Request, tx *sip.ServerTx) {
	d := c.dialogOf(req)
	if d == nil || c.pinned() == nil {
		return
	}
	f := c.e.flowFrom(req, tx)
	if f.stream == d.base.stream || !f.ready() {
		return
	}
	c.e.retire(d.base.stream)
	d.base, d.next = f, f
	d.contact = "<" + c.e.contact(f).String() + ">"
	c.setFlow(f)
}

// retire closes a connection that was dialed for a pinned call, once nothing of
// that can come any more, unless other calls go over it.
func (e *Endpoint) retire(s *stream) {
	if s == nil || !s.dialed || !s.pinned {
		return
	}
	time.AfterFunc(timerGiveUp+timerT2, func() {
		if e.busy(s) {
			return // it is retired with that call
		}
		e.mu.Lock()
		if e.streams[s.key] == s {
			delete(e.streams, s.key) // first nobody finds it any more
		}
		e.mu.Unlock()
		time.AfterFunc(time.Second, func() {
			if !e.busy(s) {
				_ = s.Close()
			}
		})
	})
}

// pinnedNow finds the way of a pinned call without waiting.
func (e *Endpoint) pinnedNow(hop sip.Uri, base flow, p *pin) (flow, bool) {
	if base.ready() && p.holds(base.stream) {
		return base, true
	}
	for _, r := range p.routes(hop) {
		if f, ok := e.flowNow(r); ok && p.holds(f.stream) {
			return f, true
		}
	}
	return flow{}, false
}

// pinnedFlow opens the way of a pinned call. It blocks.
func (e *Endpoint) pinnedFlow(ctx context.Context, hop sip.Uri, base flow, p *pin) (flow, error) {
	if base.ready() && p.holds(base.stream) {
		return base, nil
	}
	routes := p.routes(hop)
	if len(routes) == 0 && e.cfg.Resolver != nil {
		if u, err := ParseURI(hop.String()); err == nil {
			found, _ := e.cfg.Resolver.Lookup(ctx, u, "tls") // without any the error is ErrNoRoute
			for _, r := range found {
				routes = append(routes, Route{Transport: "tls", Addr: r.Addr, ServerName: p.name})
			}
		}
	}
	var first error
	for _, r := range routes {
		f, err := e.flowTo(ctx, r)
		if err == nil && !p.holds(f.stream) {
			err = &TransportError{Route: r, Err: errOtherKey}
		}
		if err == nil {
			return f, nil
		}
		first = firstMeaningful(first, err)
	}
	if first == nil {
		first = ErrNoRoute
	}
	return flow{}, first
}

// routes are where the far end of a pinned call may be reached: where it says, and
// where the call began.
func (p *pin) routes(hop sip.Uri) []Route {
	var out []Route
	if addr, err := netip.ParseAddr(strings.Trim(hop.Host, "[]")); err == nil {
		out = append(out, Route{Transport: "tls", Addr: netip.AddrPortFrom(addr.Unmap(), hopPort(hop, "tls")), ServerName: p.name})
	}
	if p.route.Addr.IsValid() && (len(out) == 0 || out[0] != p.route) {
		out = append(out, p.route)
	}
	return out
}
