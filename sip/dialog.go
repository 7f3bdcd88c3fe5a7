package sip

import (
	"context"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// A dialog is what RFC 3261 section 12 keeps of one. It belongs to its call's
// goroutine.
type dialog struct {
	remoteTag string
	local     string // our From value, tag included
	remote    string // our To value, tag included
	localSeq  uint32
	target    sip.Uri
	routes    []sip.Uri // the route set, next hop first
	contact   string    // our Contact value
	base      flow      // of the INVITE
	next      flow      // cached way to the next hop
	opening   bool
	waiting   []func(flow, error)
}

// routeSet reads Record-Route; a caller sees it in reverse (RFC 3261 section
// 12.1).
func routeSet(m sip.Message, reverse bool) []sip.Uri {
	var out []sip.Uri
	for _, h := range m.GetHeaders("Record-Route") {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			out = append(out, *rr.Address.Clone())
		}
	}
	if reverse {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

// contactOf is the remote target a message sets, or fallback.
func contactOf(m sip.Message, fallback sip.Uri) sip.Uri {
	for _, h := range m.GetHeaders("Contact") {
		if ct, ok := h.(*sip.ContactHeader); ok && !ct.Address.Wildcard && ct.Address.Host != "" {
			return *ct.Address.Clone()
		}
	}
	return fallback
}

func loose(u sip.Uri) bool { return u.UriParams.Has("lr") }

// aim applies the route set: what goes into the Request-URI and into Route, and
// which URI is the next hop (RFC 3261 section 12.2.1.1).
func aim(target sip.Uri, routes []sip.Uri) (uri string, headers []string, hop sip.Uri) {
	if len(routes) == 0 {
		return plainURI(target), nil, target
	}
	if loose(routes[0]) {
		for _, r := range routes {
			headers = append(headers, "<"+r.String()+">")
		}
		return plainURI(target), headers, routes[0]
	}
	for _, r := range routes[1:] {
		headers = append(headers, "<"+r.String()+">")
	}
	headers = append(headers, "<"+plainURI(target)+">")
	return plainURI(routes[0]), headers, routes[0]
}

// plainURI prints u without what a Request-URI must not have (RFC 3261 section
// 19.1.1, table 1).
func plainURI(u sip.Uri) string {
	u = *u.Clone()
	u.Headers = nil
	u.UriParams.Remove("method")
	return u.String()
}

// withFlow calls f with the way to the next hop of the call's dialog.
func (c *Call) withFlow(f func(flow, error)) { c.withFlowOf(c.d, f) }

// withFlowOf calls f with the way to a dialog's next hop: at once if that is
// open, else when it is. Calls are answered in order.
func (c *Call) withFlowOf(d *dialog, f func(flow, error)) {
	p := c.pinned()
	if !d.opening {
		if d.next.ready() && p.holds(d.next.stream) {
			f(d.next, nil)
			return
		}
		_, _, hop := aim(d.target, d.routes)
		if fl, ok := c.e.hopNow(hop, d.base, p); ok {
			c.reached(d, fl)
			f(fl, nil)
			return
		}
	}
	d.waiting = append(d.waiting, f)
	if d.opening {
		return
	}
	d.opening = true
	_, _, hop := aim(d.target, d.routes)
	base := d.base
	ok := c.e.spawn(func() {
		fl, err := c.e.hopFlow(c.e.ctx, hop, base, p)
		c.post(func() {
			d.opening = false
			if err == nil {
				c.reached(d, fl)
			}
			waiting := d.waiting
			d.waiting = nil
			for _, w := range waiting {
				w(fl, err)
			}
		})
	})
	if !ok {
		d.opening, d.waiting = false, nil
	}
}

// hopNow finds the way to a next hop without waiting: over the flow of the
// INVITE where that leads there, or to a numeric address.
func (e *Endpoint) hopNow(hop sip.Uri, base flow, p *pin) (flow, bool) {
	if p != nil {
		return e.pinnedNow(hop, base, p)
	}
	transport := hopTransport(hop)
	addr, err := netip.ParseAddr(strings.Trim(hop.Host, "[]"))
	numeric := err == nil
	if base.ready() {
		same := transport == base.route.Transport || transport == "" ||
			transport == "tcp" && base.route.Transport == "tls" || hop.Scheme == "sips" && base.route.Transport == "tls"
		switch {
		case !same:
		case base.stream != nil && numeric && addr.Unmap() == base.route.Addr.Addr():
			// A far end behind a connection rarely listens on the port it names.
			return base, true
		case base.route.ServerName != "" && strings.EqualFold(hop.Host, base.route.ServerName):
			return base, true
		}
	}
	if !numeric {
		return flow{}, false
	}
	return e.flowNow(numericRoute(hop, addr, base))
}

// hopFlow finds and opens the way to a next hop. Where that fails it falls back
// to the flow of the INVITE, which is known to have worked. It blocks.
func (e *Endpoint) hopFlow(ctx context.Context, hop sip.Uri, base flow, p *pin) (flow, error) {
	if p != nil {
		return e.pinnedFlow(ctx, hop, base, p)
	}
	routes, err := e.hopRoutes(ctx, hop, base)
	for _, r := range routes {
		if base.ready() && r.Addr == base.route.Addr && r.Transport == base.route.Transport {
			return base, nil
		}
	}
	for _, r := range routes {
		var f flow
		if f, err = e.flowTo(ctx, r); err == nil {
			return f, nil
		}
	}
	if base.ready() {
		return base, nil
	}
	if f, again := e.flowTo(ctx, base.route); again == nil {
		return f, nil
	}
	if err == nil {
		err = ErrNoRoute
	}
	return flow{}, err
}

// numericRoute is the route to a next hop named by an address. To where the INVITE
// went it is that of the INVITE, with the name that a certificate must show; and
// what went by TLS goes on by TLS unless the hop asks for something else.
func numericRoute(hop sip.Uri, addr netip.Addr, base flow) Route {
	transport := hopTransport(hop)
	if transport == "" {
		transport = "udp"
		if base.route.Transport == "tls" {
			transport = "tls"
		}
	}
	r := Route{Transport: transport, Addr: netip.AddrPortFrom(addr.Unmap(), hopPort(hop, transport))}
	if base.route.Transport == r.Transport && base.route.Addr == r.Addr {
		return base.route
	}
	return r
}

func (e *Endpoint) hopRoutes(ctx context.Context, hop sip.Uri, base flow) ([]Route, error) {
	transport := hopTransport(hop)
	if addr, err := netip.ParseAddr(strings.Trim(hop.Host, "[]")); err == nil {
		return []Route{numericRoute(hop, addr, base)}, nil
	}
	if e.cfg.Resolver == nil {
		return nil, ErrNoRoute
	}
	u, err := ParseURI(hop.String())
	if err != nil {
		return nil, err
	}
	return e.cfg.Resolver.Lookup(ctx, u, transport)
}

func hopTransport(u sip.Uri) string {
	t := strings.ToLower(u.UriParams.GetOr("transport", ""))
	if u.IsEncrypted() {
		return "tls"
	}
	switch t {
	case "udp", "tcp", "tls":
		return t
	}
	return ""
}

func hopPort(u sip.Uri, transport string) uint16 {
	if u.Port > 0 && u.Port < 1<<16 {
		return uint16(u.Port)
	}
	if transport == "tls" {
		return 5061
	}
	return 5060
}

// An inDialog is a request inside the dialog, other than ACK and CANCEL.
type inDialog struct {
	in       *dialog // nil: that of the call
	method   string
	headers  []Header
	bodyType string
	body     []byte
	// started is given each transaction, a repetition with credentials too.
	started func(tx *sip.ClientTx, req *sip.Request, f flow)
	early   func(*sip.Response) // provisional responses, may be nil
	// challenge is told of a 401 or 407 that is going to be answered, may be nil.
	challenge func(*sip.Response)
	done      func(*sip.Response, error) // the final response or a failure, once
}

// ask sends a request inside the dialog, answering challenges. Its functions
// run on the call's goroutine.
func (c *Call) ask(r inDialog) {
	var auth *Authorizer
	if c.auth != nil {
		auth = c.auth.Request()
	}
	c.askAgain(r, auth, 0)
}

func (c *Call) askAgain(r inDialog, auth *Authorizer, tries int) {
	d := r.in
	if d == nil {
		d = c.d
	}
	c.withFlowOf(d, func(f flow, err error) {
		if err != nil {
			r.done(nil, err)
			return
		}
		d.localSeq++
		if d != c.d && c.uac != nil {
			c.uac.legs.used(d.remoteTag, d.localSeq)
		}
		o := c.inDialogRequest(r, d)
		o.headers = append(o.headers, credentials(auth, r.method, o.uri, r.body)...)
		c.bound(func(flow) outgoing { return o }, f, func(req *sip.Request, f flow, err error) {
			if err != nil {
				r.done(nil, err)
				return
			}
			tx, err := c.e.transact(req, f, func(res *sip.Response, err error) {
				c.post(func() { c.asked(r, auth, tries, res, err) })
			})
			if err != nil {
				r.done(nil, err)
				return
			}
			if r.started != nil {
				r.started(tx, req, f)
			}
		})
	})
}

// bound builds a request for f, or for TCP to the same address where it is too
// large for UDP (RFC 3261 section 18.1.1). then runs on the call's goroutine, at
// once unless a connection has to be opened.
func (c *Call) bound(build func(flow) outgoing, f flow, then func(*sip.Request, flow, error)) {
	req, err := c.e.request(build(f), f)
	if err != nil || f.route.Transport != "udp" || len(req.String()) <= maxDatagram {
		then(req, f, err)
		return
	}
	c.e.spawn(func() {
		tcp, ok := c.e.streamInstead(c.e.ctx, f)
		c.post(func() {
			if ok {
				req, err = c.e.request(build(tcp), tcp)
			}
			then(req, tcp, err)
		})
	})
}

func (c *Call) asked(r inDialog, auth *Authorizer, tries int, res *sip.Response, err error) {
	switch {
	case err != nil && mayRepeat(r.method, err) && tries < maxAuthTries:
		c.askAgain(r, auth, tries+1)
	case err != nil:
		r.done(nil, err)
	case res.IsProvisional():
		if r.early != nil {
			r.early(res)
		}
	case challenged(res) && tries < maxAuthTries:
		if err := learn(auth, res); err != nil {
			r.done(nil, err)
			return
		}
		if r.challenge != nil {
			r.challenge(res)
		}
		c.askAgain(r, auth, tries+1)
	default:
		r.done(res, nil)
	}
}

// inDialogRequest fills in what every request of the dialog has.
func (c *Call) inDialogRequest(r inDialog, d *dialog) outgoing {
	uri, routes, _ := aim(d.target, d.routes)
	headers := append([]Header{}, r.headers...)
	if r.method == "INVITE" || r.method == "UPDATE" {
		headers = append(append(headers, Header{"Contact", d.contact}), c.ext.abilities(tagReliable)...)
		headers = append(headers, c.sessionWish()...)
	}
	return outgoing{
		method: r.method, uri: uri, routes: routes, from: d.local, to: d.remote,
		callID: string(c.id), cseq: d.localSeq, headers: headers, bodyType: r.bodyType, body: r.body,
	}
}
