package sip

import (
	"errors"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A uac is the sending side of a call's INVITE, until its final response. It
// belongs to the call's goroutine.
type uac struct {
	want     InviteRequest
	auth     *Authorizer // for this request alone
	next     int         // index of the route to try next
	route    Route       // the one being tried
	attempt  int         // counts INVITEs; answers to older ones are stale
	tries    int         // challenges answered
	cseq     uint32
	from, to string

	tx       *sip.ClientTx
	legs     *inviteLegs
	flow     flow
	heard    bool                 // any response to the present INVITE
	ringing  bool                 // a provisional response above 100 came, from whichever route
	early    map[string]*earlyLeg // by To tag
	refusals int                  // 422 answered
	first    error
	distrust bool // TLS failed by a certificate
	giveUp   *time.Timer

	canceled     bool
	cancelSent   bool
	cancelReason string
}

// Invite calls somebody. It checks r and returns at once; all else is told to
// r.OnEvent. It fails with [ErrNoRoute] without routes.
func (e *Endpoint) Invite(r InviteRequest) (*Call, error) {
	if len(r.Routes) == 0 {
		return nil, ErrNoRoute
	}
	target, to, from := r.Target.String(), r.To.String(), r.From.String()
	r.Headers = append(transferHeaders(r), r.Headers...)
	for _, h := range append([]Header{{"Request-URI", target}, {"To", to}, {"From", from}}, r.Headers...) {
		if err := CheckHeader(h.Name, h.Value); err != nil {
			return nil, err
		}
	}
	for _, v := range r.RouteSet {
		if err := CheckHeader("Route", v); err != nil {
			return nil, err
		}
	}
	c := e.prepare(&Call{
		id: CallID(newToken()), outgoing: true, local: r.From, remote: r.To, request: r.Target,
		localTag: newToken(), auth: r.Auth, handler: r.OnEvent,
		ext: Extensions{r.Reliable, r.SessionTimer}.checked(),
	})
	c.uac = &uac{want: r, cseq: randomSeq(), from: from + ";tag=" + c.localTag, to: to}
	if r.Auth != nil {
		c.uac.auth = r.Auth.Request()
	}
	if f, ok := e.flowNow(r.Routes[0]); ok {
		c.flow = f
	} else if local, ok := e.localFor(r.Routes[0].Transport, r.Routes[0].Addr.Addr()); ok {
		c.flow = flow{route: r.Routes[0], local: local}
	}
	if c = e.newCall(c); c == nil {
		return nil, ErrClosed
	}
	c.post(c.nextRoute)
	return c, nil
}

// nextRoute tries the next route, or fails the call when there is none.
func (c *Call) nextRoute() {
	u := c.uac
	for u.next < len(u.want.Routes) && u.distrust && u.want.Routes[u.next].Transport != "tls" {
		u.next++
	}
	if u.next >= len(u.want.Routes) {
		c.end(Failed{u.first})
		return
	}
	u.route = u.want.Routes[u.next]
	u.next++
	u.attempt++
	n := u.attempt
	if f, ok := c.e.flowNow(u.route); ok {
		c.sendInvite(n, f)
		return
	}
	route := u.route
	c.e.spawn(func() {
		f, err := c.e.flowTo(c.e.ctx, route)
		c.post(func() {
			switch {
			case c.over || n != u.attempt:
			case u.canceled:
				c.failCanceled()
			case err != nil:
				c.routeFailed(err)
			default:
				c.sendInvite(n, f)
			}
		})
	})
}

// sendInvite sends the INVITE over f, again after a challenge.
func (c *Call) sendInvite(n int, f flow) {
	u := c.uac
	u.cseq++
	seq := u.cseq
	build := func(f flow) outgoing {
		o := outgoing{
			method: "INVITE", uri: u.want.Target.String(), routes: u.want.RouteSet,
			from: u.from, to: u.to, callID: string(c.id), cseq: seq, bodyType: sdpType, body: u.want.Body,
		}
		o.uri, o.routes = preloaded(o.uri, u.want.RouteSet)
		o.headers = append(append(o.headers, Header{"Contact", "<" + c.e.contact(f).String() + ">"}), c.inviteWishes()...)
		o.headers = append(o.headers, credentials(u.auth, "INVITE", o.uri, o.body)...)
		o.headers = append(o.headers, u.want.Headers...)
		return o
	}
	c.bound(build, f, func(req *sip.Request, f flow, err error) {
		switch {
		case c.over || n != u.attempt:
			return
		case u.canceled:
			c.failCanceled()
			return
		case err != nil:
			c.end(Failed{err})
			return
		}
		c.launch(n, req, f)
	})
}

func (c *Call) launch(n int, req *sip.Request, f flow) {
	u := c.uac
	u.flow, u.heard, u.early = f, false, map[string]*earlyLeg{}
	u.legs = c.e.watch(c, req, f, func(l *inviteLegs, res *sip.Response) { c.inviteHeard(n, l, res, nil) })
	c.setFlow(f)
	c.pinTo(f)
	legs := u.legs
	tx, err := c.e.transact(req, f, func(res *sip.Response, err error) {
		if res != nil && res.IsProvisional() {
			return // preview has passed it on, in order
		}
		if res != nil && res.IsSuccess() {
			legs.offer(toTag(res))
		}
		c.post(func() { c.inviteHeard(n, legs, res, err) })
	})
	if err != nil {
		c.routeFailed(err)
		return
	}
	u.tx = tx
	if u.next < len(u.want.Routes) {
		u.giveUp = c.after(routePatience, func() {
			if n != u.attempt || u.heard {
				return
			}
			u.attempt++ // what still comes is stale
			tx.Terminate()
			c.routeFailed(&TransportError{Route: u.route, Err: ErrTimeout})
		})
	}
}

// inviteHeard takes in a response to the INVITE, or its failure.
func (c *Call) inviteHeard(n int, legs *inviteLegs, res *sip.Response, err error) {
	u := c.uac
	if c.over || n != u.attempt || c.d != nil {
		if res != nil && res.IsSuccess() {
			legs.decline(res)
		}
		return
	}
	u.heard = true
	c.disarm(u.giveUp)
	switch {
	case err != nil && u.canceled:
		c.failCanceled()
	case err != nil:
		c.routeFailed(err)
	case res.IsProvisional():
		c.provisional(res)
	case res.IsSuccess() && u.canceled:
		legs.decline(res) // ACK and BYE
		c.failCanceled()
	case res.IsSuccess():
		c.answered(res)
	default:
		u.legs.settle(res)
		c.refused(n, res)
	}
}

func (c *Call) provisional(res *sip.Response) {
	u := c.uac
	if u.canceled {
		c.sendCancel()
		return
	}
	if res.StatusCode == sip.StatusTrying {
		return
	}
	u.ringing = true
	reliable, fresh := c.reliably(c.leg(res), res)
	if !fresh {
		return
	}
	c.setAgent(res)
	c.setIdentity(res)
	c.emit(Provisional{Code: res.StatusCode, Reason: CleanText(res.Reason, 200), Body: sdpBody(res), Leg: toTag(res), Reliable: reliable})
}

// refused handles a final response of 300 and above.
func (c *Call) refused(n int, res *sip.Response) {
	u := c.uac
	switch {
	case u.canceled:
		c.failCanceled()
	case challenged(res) && u.tries < maxAuthTries:
		if err := learn(u.auth, res); err != nil {
			c.end(Failed{err})
			return
		}
		u.tries++
		c.inviteAgain()
	case res.StatusCode == statusIntervalTooSmall && u.refusals < maxIntervalTries && c.lengthen(res):
		u.refusals++
		c.inviteAgain()
	case res.StatusCode == sip.StatusRequestTimeout || res.StatusCode == sip.StatusServiceUnavailable:
		c.routeFailed(statusError(res))
	default:
		if c.e.cfg.Resolver != nil {
			c.e.cfg.Resolver.MarkOK(u.route)
		}
		c.setIdentity(res)
		c.end(Failed{statusError(res)})
	}
}

// inviteAgain sends the INVITE once more, by the same way.
func (c *Call) inviteAgain() {
	u := c.uac
	u.attempt++
	if u.flow.ready() {
		c.sendInvite(u.attempt, u.flow)
		return
	}
	u.next-- // the connection was closed in between: same route again
	c.nextRoute()
}

// inviteWishes are the header fields of the INVITE that tell what we can do and
// ask for. Without an offer nothing can be made reliable.
func (c *Call) inviteWishes() []Header {
	var headers []Header
	switch {
	case len(c.uac.want.Body) == 0:
		headers = c.ext.abilities(tagReliable)
	case c.ext.Reliable == ReliableRequired:
		headers = append(c.ext.abilities(), Header{"Require", tagReliable})
	default:
		headers = c.ext.abilities()
	}
	return append(headers, c.sessionOffer()...)
}

// routeFailed goes on to the next route, unless somebody's phone rang already:
// then another attempt would ring it twice.
func (c *Call) routeFailed(err error) {
	u := c.uac
	if c.over {
		return
	}
	if u.legs != nil {
		u.legs.expire()
	}
	if c.e.cfg.Resolver != nil && routeIsBad(err) {
		c.e.cfg.Resolver.MarkFailed(u.route)
	}
	u.first = firstMeaningful(u.first, err)
	u.distrust = u.distrust || distrusts(err)
	if u.canceled {
		c.failCanceled()
		return
	}
	if u.ringing {
		c.end(Failed{err})
		return
	}
	c.nextRoute()
}

// routeIsBad reports whether err tells something about the route, rather than
// about what was asked.
func routeIsBad(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code == sip.StatusServiceUnavailable || status.Code == sip.StatusRequestTimeout
	}
	return !errors.Is(err, ErrClosed) && !errors.Is(err, ErrNoLocalAddress)
}

// firstMeaningful keeps the first error, but prefers one in which a server
// spoke, or showed its certificate, to silence.
func firstMeaningful(old, err error) error {
	switch {
	case old == nil:
		return err
	case spoke(old) || !spoke(err):
		return old
	}
	return err
}

// distrusts reports whether err is that a server is not who it should be. No route
// in clear is tried any more: whoever is in its place could be there as well.
func distrusts(err error) bool { return errors.As(err, new(*CertificateError)) }

func spoke(err error) bool {
	var status *StatusError
	var certificate *CertificateError
	return errors.As(err, &status) || errors.As(err, &certificate)
}

// answered makes the dialog out of the winning 2xx.
func (c *Call) answered(res *sip.Response) {
	u := c.uac
	if c.e.cfg.Resolver != nil {
		c.e.cfg.Resolver.MarkOK(u.route)
	}
	c.setAgent(res)
	c.setIdentity(res)
	ev := c.confirmed(res)
	c.setPeer()
	u.legs.win(c.d.remoteTag)
	c.move(stageUp)
	if len(u.want.Body) > 0 {
		c.ack(u.legs, nil)
	}
	c.dropLosers()
	c.sessionAnswered(res)
	c.emit(ev)
}

// Ack answers the offer of a 2xx response to an INVITE or re-INVITE that was
// made without one. In every other case the ACK goes out by itself.
func (c *Call) Ack(sdp []byte) error {
	if c.at() != stageUp {
		return ErrState
	}
	c.post(func() {
		switch {
		case c.d == nil || c.over:
		case c.ours != nil && c.ours.toAck != nil:
			legs := c.ours.toAck
			c.ours = nil
			c.ack(legs, sdp)
		case c.uac != nil && c.uac.legs != nil && !c.uac.legs.acked():
			c.ack(c.uac.legs, sdp)
		}
	})
	return nil
}

// ack sends the ACK to the 2xx that won, and keeps it for retransmissions.
func (c *Call) ack(legs *inviteLegs, body []byte) {
	c.withFlow(func(f flow, err error) {
		var req *sip.Request
		if err == nil {
			req, err = c.ackRequest(legs.invite, body, f)
		}
		if err == nil {
			legs.setAck(req, f)
			err = c.e.write(req, f)
		}
		if err != nil {
			c.e.log.Warn("ACK could not be sent", "call", c.id, "err", err)
		}
	})
}

func (c *Call) ackRequest(invite *sip.Request, body []byte, f flow) (*sip.Request, error) {
	uri, routes, _ := aim(c.d.target, c.d.routes)
	o := outgoing{
		method: "ACK", uri: uri, routes: routes, from: c.d.local, to: c.d.remote,
		callID: string(c.id), cseq: invite.CSeq().SeqNo, bodyType: sdpType, body: body, headers: proofs(invite),
	}
	return c.e.request(o, f)
}

// proofs are the credentials of an INVITE, which its ACK repeats (RFC 3261
// section 22.1).
func proofs(invite *sip.Request) []Header {
	var out []Header
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, v := range headerValues(invite, name) {
			out = append(out, Header{name, v})
		}
	}
	return out
}

// preloaded applies a Route set given with the request, of which the first may
// be a strict router (RFC 3261 section 8.1.2).
func preloaded(target string, routes []string) (string, []string) {
	if len(routes) == 0 {
		return target, nil
	}
	first, err := ParseAddress(routes[0])
	if err != nil || first.URI.Params.Has("lr") {
		return target, routes
	}
	return first.URI.String(), append(append([]string{}, routes[1:]...), fmt.Sprintf("<%s>", target))
}

func sdpBody(m sip.Message) []byte {
	if len(m.Body()) == 0 {
		return nil
	}
	return m.Body()
}
