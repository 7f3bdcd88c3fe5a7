package middleware

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"parley/sip"
	"parley/storage"
)

// authorizers sign in for the account, at the registrar and for calls. They are
// kept as long as the password is the same, since they know the servers'
// challenges. Fetching the password may block for a person who unlocks the
// keyring; without one they are still good for servers that ask for none.
func (a *Account) authorizers(ctx context.Context) (registrar, calls *sip.Authorizer, err error) {
	set := a.Settings()
	user := set.AuthUser
	if user == "" {
		user = userOf(a.id)
	}
	password, err := a.app.secrets.Get(ctx, a.id)
	if err != nil && !errors.Is(err, storage.ErrNoSecret) {
		return nil, nil, fmt.Errorf("middleware: password of %s: %w", a.id, err)
	}
	creds := sip.Credentials{Username: user, Password: password}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.auth == nil || a.creds != creds {
		a.auth, a.calls = sip.NewAuthorizer(creds, rand.Reader), sip.NewAuthorizer(creds, rand.Reader)
		a.creds = creds
	}
	return a.auth, a.calls, nil
}

// routes finds the way to u: through the outbound proxy, if there is one. What
// it finds for the account's own domain are the account's servers.
func (a *Account) routes(ctx context.Context, u sip.URI) ([]sip.Route, error) {
	set := a.Settings()
	transport := set.Transport
	if transport == storage.TransportAuto {
		transport = ""
	}
	if set.Proxy != "" {
		proxy, err := parseProxy(set.Proxy)
		if err != nil {
			return nil, err
		}
		u = proxy
	}
	routes, err := a.app.resolver.Lookup(ctx, u, transport)
	if err != nil {
		return nil, err
	}
	if set.Proxy != "" || u.Port == 0 && strings.EqualFold(u.Host, domainOf(a.id)) {
		a.trust(routes)
	}
	// The certificate to be shown is that of the account's domain (RFC 5922).
	for i := range routes {
		if routes[i].Transport == "tls" && set.Proxy == "" {
			routes[i].ServerName = u.Host
		}
	}
	return slices.Clip(routes), nil
}

// trust makes the routes' ends the servers that may send us requests for our
// address. Those of an earlier lookup no longer may: only what the account is
// configured for counts, not whom it once called.
func (a *Account) trust(routes []sip.Route) {
	hops := make(map[netip.Addr]bool, len(routes))
	for _, r := range routes {
		hops[r.Addr.Addr().Unmap()] = true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hops = hops
}

// admit decides about a request from outside any dialog: it must be for our
// random contact, or come from a server of the account.
func (a *Account) admit(r sip.Request) int {
	if r.RequestURI.User == a.user {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hops[r.Source.Addr().Unmap()] {
		return 0
	}
	a.log.Info("Request from a stranger refused", "method", r.Method, "source", r.Source)
	return 403
}

// address is who we are in From and To.
func (a *Account) address() sip.Address {
	return sip.Address{Name: a.Settings().DisplayName, URI: sip.URI{Scheme: "sip", User: userOf(a.id), Host: domainOf(a.id)}}
}
