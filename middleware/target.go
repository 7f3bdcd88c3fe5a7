package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"parley/internal/dialplan"
	"parley/sip"
)

var (
	// ErrNoTarget is returned for text that names nobody to call.
	ErrNoTarget = errors.New("middleware: nothing to call")
	// ErrNoAccount is returned where a call needs an account and there is none:
	// a bare number or name has no domain.
	ErrNoAccount = errors.New("middleware: a number or name without a domain needs an account")
	// ErrAccountInactive is returned for a call from an account that is disabled.
	ErrAccountInactive = errors.New("middleware: the account is not enabled")
)

// EchoTarget is what is dialed for the built-in Echo Test.
const EchoTarget = "echo"

// maxSubject bounds the subject that an address may bring, in runes.
const maxSubject = 200

// A target is whom a call goes to and how.
type target struct {
	endpoint endpoint
	from, to sip.Address
	uri      sip.URI
	headers  []sip.Header // asked for by the address

	replaces   *sip.Replaces // whose place the call is to take
	referredBy string        // who asked for it

	neighbour *found      // nil for others
	ways      []sip.Route // to the neighbour
	more      []target    // further contacts of it

	// lookup finds the way and, for an account, what to sign in with. It may
	// block for the network and for a person who unlocks a keyring.
	lookup func(context.Context) ([]sip.Route, *sip.Authorizer, error)

	// routeSet returns the hops to prescribe; nil for none. It does not block.
	routeSet func() []string
}

// preloaded returns the hops that requests to t must take.
func (t target) preloaded() []string {
	if t.routeSet == nil {
		return nil
	}
	return t.routeSet()
}

// endpoint adds to a sip.Endpoint what the middleware needs to know of it.
type endpoint struct{ *sip.Endpoint }

// LocalAddr returns the address of this machine that r is reached from.
func (e endpoint) LocalAddr(r sip.Route) (netip.Addr, error) {
	addr, err := netip.ParseAddr(e.ContactURI(r).Host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %s", sip.ErrNoLocalAddress, routeText(r))
	}
	return addr, nil
}

// A reading is what a text to dial says, before it is known who calls.
type reading struct {
	uri     sip.URI // a number or name without a domain has no Host
	number  bool    // a bare number, which dial rules may change
	domain  string  // where a bare number is valid, if the text says so
	subject string
	steps   []DialStep
}

// note adds a step to the explanation.
func (r *reading) note(s DialStep) { r.steps = append(r.steps, s) }

// readTarget reads what a person or a program wants called.
func readTarget(text string) (reading, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return reading{}, ErrNoTarget
	}
	// "192.0.2.1" is an address without a user, not a number.
	if _, err := netip.ParseAddr(text); err != nil {
		if r, ok := readNumber(text); ok {
			return r, nil
		}
	}
	head, rest, found := strings.Cut(text, ":")
	switch scheme := strings.ToLower(head); {
	case found && (scheme == "sip" || scheme == "sips"):
		return readAddress(text)
	case found && (scheme == "tel" || scheme == "callto"):
		return readOther(scheme, strings.TrimPrefix(rest, "//"))
	case strings.Contains(text, "@"):
		return readAddress("sip:" + text)
	}
	blank := strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	if blank || strings.Trim(text, "+") == "" {
		return reading{}, fmt.Errorf("%w: %q is neither a number nor an address", ErrNoTarget, sip.CleanText(text, 80))
	}
	return reading{uri: sip.URI{Scheme: "sip", User: text}}, nil
}

// parseTarget is readTarget for those who want the address only.
func parseTarget(text string) (sip.URI, error) {
	r, err := readTarget(text)
	return r.uri, err
}

// readNumber reads text as a bare number.
func readNumber(text string) (reading, bool) {
	n, ok := dialplan.ReadNumber(text)
	if !ok {
		return reading{}, false
	}
	r := reading{uri: sip.URI{Scheme: "sip", User: n.Number}, number: true}
	switch {
	case n.Lettered:
		r.note(DialStep{Kind: DialLetters, From: text, To: n.Number})
	case n.Separated:
		r.note(DialStep{Kind: DialSeparators, From: text, To: n.Number})
	}
	return r, true
}

// readAddress reads a sip or sips URI. Of the header fields that it asks for
// only a subject is heeded: no other is harmless (RFC 3261 section 19.1.5).
func readAddress(text string) (reading, error) {
	u, err := sip.ParseURI(text)
	if err != nil {
		return reading{}, err
	}
	if hasControl(u.User) || hasControl(u.Password) {
		return reading{}, fmt.Errorf("%w: control characters in %q", ErrNoTarget, sip.CleanText(text, 80))
	}
	r := reading{}
	for _, h := range u.Headers {
		if !strings.EqualFold(h.Name, "Subject") || r.subject != "" {
			r.note(DialStep{Kind: DialHeader, From: sip.CleanText(h.Name, 40)})
			continue
		}
		subject, err := url.PathUnescape(h.Value)
		if err != nil || hasControl(subject) {
			return reading{}, fmt.Errorf("%w: control characters in the subject", ErrNoTarget)
		}
		r.subject = sip.CleanText(subject, maxSubject)
	}
	u = u.Clone()
	u.Headers = nil
	u.Params.Remove("method") // RFC 3261 table 1: not in a Request-URI
	for _, p := range u.Params {
		if value, err := url.PathUnescape(p.Name + p.Value); err != nil || hasControl(value) {
			return reading{}, fmt.Errorf("%w: control characters in a parameter", ErrNoTarget)
		}
	}
	r.uri = u
	return r, nil
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// readOther reads what is behind "tel:" (RFC 3966) or "callto:".
func readOther(scheme, rest string) (reading, error) {
	if scheme == "callto" && strings.Contains(rest, "@") {
		return readAddress("sip:" + rest)
	}
	text, _, _ := strings.Cut(rest, "?")
	text, params, _ := strings.Cut(text, ";")
	plain, err := url.PathUnescape(text)
	if err != nil || hasControl(plain) {
		return reading{}, fmt.Errorf("%w: %q is no number", ErrNoTarget, sip.CleanText(rest, 80))
	}
	r, ok := readNumber(plain)
	if !ok {
		u, err := sip.ParseURI(scheme + ":" + text)
		if err != nil {
			return reading{}, err
		}
		if hasControl(u.User) {
			return reading{}, fmt.Errorf("%w: %q is no number", ErrNoTarget, sip.CleanText(rest, 80))
		}
		r = reading{uri: sip.URI{Scheme: "sip", User: u.User, Host: u.Host, Port: u.Port}}
	}
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		value = sip.CleanText(value, 80)
		switch strings.ToLower(name) {
		case "ext":
			r.note(DialStep{Kind: DialExtension, From: value})
		case "phone-context":
			r.context(value)
		}
	}
	return r, nil
}

// context takes in where a local number is valid. Digits in front of it need not
// make a number that can be dialed (RFC 3966 section 5.1.5), so only a domain
// says more.
func (r *reading) context(context string) {
	u, err := sip.ParseURI("sip:" + context)
	if err != nil || strings.HasPrefix(context, "+") {
		r.note(DialStep{Kind: DialContext, From: context})
		return
	}
	r.domain = u.Host
}

// isDirect reports whether u is to be called without an account: it names a
// machine by address or port.
func isDirect(u sip.URI) bool {
	if u.Port != 0 || strings.EqualFold(u.Host, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	return err == nil
}
