package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

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

// A target is whom a call goes to and how.
type target struct {
	endpoint endpoint
	from, to sip.Address
	uri      sip.URI

	// lookup finds the way and, for an account, what to sign in with. It may
	// block for the network and for a person who unlocks a keyring.
	lookup func(context.Context) ([]sip.Route, *sip.Authorizer, error)
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

// parseTarget reads what a person or a program wants called. A number or name
// without a domain gets an empty Host.
func parseTarget(text string) (sip.URI, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return sip.URI{}, ErrNoTarget
	}
	if number, ok := phoneNumber(text); ok {
		return sip.URI{Scheme: "sip", User: number}, nil
	}
	head, _, found := strings.Cut(text, ":")
	switch scheme := strings.ToLower(head); {
	case found && (scheme == "sip" || scheme == "sips"):
		return sip.ParseURI(text)
	case found && (scheme == "tel" || scheme == "callto"):
		u, err := sip.ParseURI(text)
		if err != nil {
			return u, err
		}
		return sip.URI{Scheme: "sip", User: u.User, Host: u.Host, Port: u.Port}, nil
	case strings.Contains(text, "@"):
		return sip.ParseURI("sip:" + text)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return sip.URI{}, fmt.Errorf("%w: %q is neither a number nor an address", ErrNoTarget, sip.CleanText(text, 80))
	}
	return sip.URI{Scheme: "sip", User: text}, nil
}

// phoneNumber strips the marks with which people write numbers. Text that holds
// anything else is no number.
func phoneNumber(text string) (string, bool) {
	var b strings.Builder
	digits := 0
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
			b.WriteRune(r)
		case r == '*' || r == '#' || r == '+' && i == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -./()\u00a0", r):
		default:
			return "", false
		}
	}
	// "192.0.2.1" is an address without a user, not a number.
	if _, err := netip.ParseAddr(text); err == nil {
		return "", false
	}
	return b.String(), digits > 0 || b.Len() > 0
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
