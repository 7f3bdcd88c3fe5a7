package sip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// statusLacksOutbound is "First Hop Lacks Outbound Support" (RFC 5626 section
// 11.6).
const statusLacksOutbound = 439

// maxServiceRoutes bounds the hops that a registrar may prescribe.
const maxServiceRoutes = 10

// maxTooBrief bounds how often a registrar may ask for a longer interval.
const maxTooBrief = 2

// Register runs one complete REGISTER (RFC 3261 section 10): routes in order,
// credentials, and a longer interval where the registrar insists (423). It
// blocks until done or until ctx ends. Refreshing is left to the caller, who
// keeps CallID. Errors are those of [Endpoint.Invite]'s events: [StatusError],
// [TransportError] and so on.
func (e *Endpoint) Register(ctx context.Context, r RegisterRequest) (*RegisterResult, error) {
	if len(r.Routes) == 0 {
		return nil, ErrNoRoute
	}
	if r.CallID == "" {
		r.CallID = newToken()
	}
	if err := CheckHeader("Call-ID", r.CallID); err != nil {
		return nil, err
	}
	var first error
	distrust := false
	for i, route := range r.Routes {
		if distrust && route.Transport != "tls" {
			continue
		}
		result, err := e.registerAt(ctx, r, route, i+1 < len(r.Routes))
		if err == nil {
			if e.cfg.Resolver != nil {
				e.cfg.Resolver.MarkOK(route)
			}
			return result, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		first = firstMeaningful(first, err)
		distrust = distrust || distrusts(err)
		if !failsOver(err) {
			return nil, err
		}
		if e.cfg.Resolver != nil && routeIsBad(err) {
			e.cfg.Resolver.MarkFailed(route)
		}
	}
	return nil, first
}

// failsOver reports whether the next route may do better.
func failsOver(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code == sip.StatusRequestTimeout || status.Code == sip.StatusServiceUnavailable
	}
	var transport *TransportError
	return errors.As(err, &transport)
}

func (e *Endpoint) registerAt(ctx context.Context, r RegisterRequest, route Route, more bool) (*RegisterResult, error) {
	f, err := e.flowTo(ctx, route)
	if err != nil {
		return nil, err
	}
	var auth *Authorizer
	if r.Auth != nil {
		auth = r.Auth.Request()
	}
	expires := r.Expires
	for tries, brief := 0, 0; ; {
		res, err := e.registerOnce(ctx, r, f, auth, expires, more)
		if err != nil {
			return nil, err
		}
		switch {
		case res.IsSuccess():
			return e.registered(res, f, expires), nil
		case challenged(res) && tries < maxAuthTries:
			tries++
			if err := learn(auth, res); err != nil {
				return nil, err
			}
		case res.StatusCode == statusLacksOutbound && r.Outbound:
			r.Outbound = false
		case res.StatusCode == sip.StatusIntervalToBrief && brief < maxTooBrief && r.Expires > 0:
			brief++
			least, err := strconv.Atoi(strings.TrimSpace(headerValue(res, "Min-Expires")))
			if err != nil || least <= 0 || least > 1<<24 || time.Duration(least)*time.Second <= expires {
				return nil, statusError(res)
			}
			expires = time.Duration(least) * time.Second
		default:
			return nil, statusError(res)
		}
		if !f.ready() {
			if f, err = e.flowTo(ctx, route); err != nil {
				return nil, err
			}
		}
	}
}

// registerOnce sends one REGISTER and waits for its final response.
func (e *Endpoint) registerOnce(ctx context.Context, r RegisterRequest, f flow, auth *Authorizer, expires time.Duration, more bool) (*sip.Response, error) {
	req, f, err := e.registerRequest(ctx, r, f, auth, expires)
	if err != nil {
		return nil, err
	}
	type outcome struct {
		res *sip.Response
		err error
	}
	heard := make(chan struct{}, 1)
	final := make(chan outcome, 1)
	tx, err := e.transact(req, f, func(res *sip.Response, err error) {
		select {
		case heard <- struct{}{}:
		default:
		}
		if err != nil || !res.IsProvisional() {
			final <- outcome{res, err}
		}
	})
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	var giveUp <-chan time.Time
	if more {
		t := time.NewTimer(routePatience)
		defer t.Stop()
		giveUp = t.C
	}
	for {
		select {
		case o := <-final:
			return o.res, o.err
		case <-heard:
			heard, giveUp = nil, nil
		case <-giveUp:
			return nil, &TransportError{Route: f.route, Err: ErrTimeout}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (e *Endpoint) registerRequest(ctx context.Context, r RegisterRequest, f flow, auth *Authorizer, expires time.Duration) (*sip.Request, flow, error) {
	e.mu.Lock()
	if e.cseqs[r.CallID] == 0 {
		e.cseqs[r.CallID] = randomSeq()
	}
	e.cseqs[r.CallID]++
	seq := e.cseqs[r.CallID]
	e.mu.Unlock()
	seconds := int((expires + time.Second - 1) / time.Second)
	tag, branch := newToken(), newBranch()
	aor := r.AOR.String()
	build := func(f flow) outgoing {
		contact := fmt.Sprintf("<%s>;expires=%d", e.registeredContact(f), seconds)
		supported := "path"
		if r.InstanceID != "" {
			contact += fmt.Sprintf(";+sip.instance=\"<%s>\"", r.InstanceID)
			if r.Outbound {
				contact += ";reg-id=1"
				supported = "path, outbound"
			}
		}
		uri, routes := preloaded(r.Registrar.String(), r.RouteSet)
		o := outgoing{
			method: "REGISTER", uri: uri, routes: routes, from: aor + ";tag=" + tag, to: aor,
			callID: r.CallID, cseq: seq, branch: branch,
		}
		o.headers = []Header{{"Contact", contact}, {"Expires", strconv.Itoa(seconds)}, {"Allow", allowedMethods}, {"Supported", supported}}
		o.headers = append(o.headers, credentials(auth, "REGISTER", o.uri, nil)...)
		return o
	}
	req, err := e.request(build(f), f)
	if err == nil && f.route.Transport == "udp" && len(req.String()) > maxDatagram {
		if tcp, ok := e.streamInstead(ctx, f); ok {
			f = tcp
			req, err = e.request(build(f), f)
		}
	}
	return req, f, err
}

// registered reads a registrar's 2xx.
func (e *Endpoint) registered(res *sip.Response, f flow, asked time.Duration) *RegisterResult {
	out := &RegisterResult{
		Code: res.StatusCode, Reason: CleanText(res.Reason, 200), Contact: e.registeredContact(f),
		Route: f.route, ServiceRoute: serviceRoute(res),
	}
	general := asked
	if s, err := strconv.Atoi(strings.TrimSpace(headerValue(res, "Expires"))); err == nil && s >= 0 && s < 1<<31 {
		general = time.Duration(s) * time.Second
	}
	for _, h := range res.GetHeaders("Contact") {
		ct, ok := h.(*sip.ContactHeader)
		if !ok || ct.Address.Wildcard {
			continue
		}
		u, err := ParseURI(ct.Address.String())
		if err != nil {
			continue
		}
		out.Contacts = append(out.Contacts, u)
		if u.User != out.Contact.User || u.Host != out.Contact.Host || u.Port != out.Contact.Port {
			continue
		}
		out.Expires = general
		if s, err := strconv.Atoi(ct.Params.GetOr("expires", "")); err == nil && s >= 0 && s < 1<<31 {
			out.Expires = time.Duration(s) * time.Second
		}
	}
	e.noteOutbound(res, f, out)
	return out
}

// noteOutbound takes in whether the registrar knows flows: then it says that
// outbound was used (RFC 5626 section 6), and our contacts may ask for it in dialogs.
func (e *Endpoint) noteOutbound(res *sip.Response, f flow, out *RegisterResult) {
	out.Outbound = out.Expires > 0 && slices.ContainsFunc(listValues(res, "Require"), func(v string) bool { return strings.EqualFold(v, "outbound") })
	if s, err := strconv.Atoi(strings.TrimSpace(headerValue(res, "Flow-Timer"))); err == nil && s > 0 && s < 1<<24 {
		out.FlowTimer = time.Duration(s) * time.Second
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !out.Outbound {
		delete(e.flows, f.route)
	} else if len(e.flows) < maxKnown {
		e.flows[f.route] = struct{}{}
	}
}

// serviceRoute reads the hops to take for requests outside dialogs (RFC 3608).
// One that cannot be used makes all of no use.
func serviceRoute(res *sip.Response) []string {
	var out []string
	for _, v := range listValues(res, "Service-Route") {
		a, err := ParseAddress(v)
		if err != nil || len(out) >= maxServiceRoutes || a.URI.Scheme != "sip" && a.URI.Scheme != "sips" {
			return nil
		}
		out = append(out, "<"+a.URI.String()+">")
	}
	return out
}
