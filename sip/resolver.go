package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// lookupTime bounds one Lookup, queryTime one question to one server.
	lookupTime = 6 * time.Second
	queryTime  = 2 * time.Second

	// lastTime is how long the routes found last stand in for an answer while no
	// server gives one.
	lastTime = 24 * time.Hour

	// failedTime is how long a failed route stays behind the others.
	failedTime = 5 * time.Minute

	// What one domain may make us ask and remember.
	maxRoutes         = 32
	maxServices       = 16 // SRV or NAPTR records of one name
	maxTargetAddrs    = 8
	maxFailed         = 1024
	maxLast           = 256
	defaultPort       = 5060
	defaultSecurePort = 5061
)

// ErrTransport is matched by the error of [Resolver.Lookup] when the URI or the
// caller asks for a transport that is not spoken, such as SCTP, or for UDP with
// a sips URI.
var ErrTransport = errors.New("transport not supported")

var errHostNotFound = errors.New("no such host")

// A Route is one place to send a request to. Routes compare with "==".
type Route struct {
	Transport  string // "udp", "tcp" or "tls"
	Addr       netip.AddrPort
	ServerName string // for "tls": the SIP domain that the certificate must carry (RFC 5922)
}

// String returns the route as "tls 192.0.2.1:5061".
func (r Route) String() string { return r.Transport + " " + r.Addr.String() }

// A ResolveError reports that a host has no usable address.
type ResolveError struct {
	Host string
	Err  error
}

func (e *ResolveError) Error() string { return fmt.Sprintf("sip: look up %q: %v", e.Host, e.Err) }

func (e *ResolveError) Unwrap() error { return e.Err }

// IsNotFound reports whether the servers said that there is no such host, as
// opposed to saying nothing or failing.
func (e *ResolveError) IsNotFound() bool { return errors.Is(e.Err, errHostNotFound) }

// ResolverConfig is what a [Resolver] needs. The zero value asks the system's
// servers.
type ResolverConfig struct {
	Log *slog.Logger // nil is none

	// Servers are asked in order, each "host:port". If there are none, the
	// system's configuration is used, and host names go through the system's
	// own lookup, which knows /etc/hosts.
	Servers []string

	// Exchange sends m to server and returns the answer; nil is UDP with a
	// second try over TCP for a truncated answer. It must honor ctx.
	Exchange func(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error)

	Now  func() time.Time // nil is time.Now
	Rand func(n int) int  // in [0,n), chooses among SRV weights; nil is math/rand
}

// A Resolver finds the routes to a SIP URI as RFC 3263 says. It remembers
// answers for their time to live and which routes failed. It is safe for
// concurrent use and owns no goroutine between calls.
type Resolver struct {
	log  *slog.Logger
	dns  *dnsClient
	now  func() time.Time
	rand func(n int) int

	mu     sync.Mutex
	failed map[Route]time.Time // until when the route goes last
	last   map[lookupKey]lastRoutes
}

// A lookupKey is what a lookup depends on.
type lookupKey struct {
	host, domain, transport string
	port                    int
	secure                  bool
}

// lastRoutes is what a lookup found, and when.
type lastRoutes struct {
	routes []Route
	at     time.Time
}

// NewResolver returns a Resolver for c.
func NewResolver(c ResolverConfig) *Resolver {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.IntN
	}
	return &Resolver{log: c.Log, dns: newDNSClient(c), now: c.Now, rand: c.Rand, failed: map[Route]time.Time{}, last: map[lookupKey]lastRoutes{}}
}

// Lookup returns where to send a request for target, in the order to try, at
// least one route if the error is nil. transport is "udp", "tcp" or "tls", or
// "" to let the URI and the DNS decide; a sips URI always gives "tls".
//
// Routes that failed lately (see [Resolver.MarkFailed]) come last. IPv4 and
// IPv6 addresses of one host alternate. While no server of the DNS answers, the
// routes of the last day are returned: a server rarely moves when its names cannot
// be asked for. Lookup blocks for at most 6 seconds and ends early with ctx. Its error is a [*ResolveError], or matches
// [ErrTransport], or is that of ctx.
func (r *Resolver) Lookup(ctx context.Context, target URI, transport string) ([]Route, error) {
	transport, err := resolverTransport(target, transport)
	if err != nil {
		return nil, err
	}
	host := target.Host
	if maddr, ok := target.Params.Get("maddr"); ok {
		if host, err = uriHost(maddr); err != nil {
			if host, err = uriHost("[" + maddr + "]"); err != nil {
				return nil, &ResolveError{maddr, errHostNotFound}
			}
		}
	}
	if host == "" {
		return nil, &ResolveError{target.String(), errHostNotFound}
	}
	inner, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	l := &lookup{r: r, domain: target.Host, secure: target.Secure()}
	key := lookupKey{host, target.Host, transport, target.Port, l.secure}
	if err := l.run(inner, host, target.Port, transport); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		routes, ok := r.lastKnown(key)
		if !ok || errors.Is(err, errHostNotFound) {
			return nil, &ResolveError{host, err}
		}
		r.log.Info("No DNS server answers; the last known addresses are used", "host", host, "err", err)
		return r.failedLast(routes), nil
	}
	r.remember(key, l.routes)
	return r.failedLast(l.routes), nil
}

// remember keeps what a lookup found.
func (r *Resolver) remember(key lookupKey, routes []Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.last[key]; !known && len(r.last) >= maxLast {
		clear(r.last)
	}
	r.last[key] = lastRoutes{routes, r.now()}
}

// lastKnown returns what an earlier lookup found.
func (r *Resolver) lastKnown(key lookupKey) ([]Route, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.last[key]
	return l.routes, ok && r.now().Sub(l.at) < lastTime
}

// resolverTransport returns the transport to use, "" if it is open.
func resolverTransport(target URI, transport string) (string, error) {
	if transport == "" {
		transport, _ = target.Params.Get("transport")
	}
	transport = strings.ToLower(transport)
	switch {
	case target.Scheme != "sip" && target.Scheme != "sips" && target.Scheme != "callto":
		return "", fmt.Errorf("sip: look up %s: a %s URI names no host", target.Address(), target.Scheme)
	case target.Secure() && (transport == "" || transport == "tcp" || transport == "tls"):
		return "tls", nil
	case target.Secure():
	case transport == "" || transport == "udp" || transport == "tcp" || transport == "tls":
		return transport, nil
	}
	return "", fmt.Errorf("sip: look up %s: %w: %q", target.Address(), ErrTransport, CleanText(transport, 20))
}

// MarkFailed puts route behind all others for five minutes, for use after a
// timeout, a 503 or an error of the transport.
func (r *Resolver) MarkFailed(route Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if len(r.failed) >= maxFailed {
		for k, until := range r.failed {
			if !until.After(now) {
				delete(r.failed, k)
			}
		}
	}
	if len(r.failed) < maxFailed {
		r.failed[route] = now.Add(failedTime)
	}
}

// MarkOK takes back [Resolver.MarkFailed].
func (r *Resolver) MarkOK(route Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, route)
}

// Flush forgets answers and failed routes, for use when the network changed. What
// was found last still stands in while no server answers.
func (r *Resolver) Flush() {
	r.dns.flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.failed)
}

func (r *Resolver) failedLast(routes []Route) []Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	out := make([]Route, 0, len(routes))
	var last []Route
	for _, route := range routes {
		if until, ok := r.failed[route]; ok && until.After(now) {
			last = append(last, route)
			continue
		}
		out = append(out, route)
	}
	return append(out, last...)
}

// orDefaultPort returns port, or the one of transport if port is 0.
func orDefaultPort(port int, transport string) uint16 {
	if transport == "tls" {
		return uint16(cmp.Or(port, defaultSecurePort))
	}
	return uint16(cmp.Or(port, defaultPort))
}
