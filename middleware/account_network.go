package middleware

import (
	"context"
	"slices"
	"time"

	"parley/middleware/registration"
	"parley/sip"
)

// networkJitter bounds the wait before an account registers over another network.
const networkJitter = time.Second

// networkChanged makes the account use the addresses that the machine has now: it
// listens there, registers there, and moves its calls there. After sleep it does not
// wait: the registrar may have forgotten us.
func (a *Account) networkChanged(woke bool) {
	if !a.now.Active {
		a.retryNow()
		return
	}
	a.rebind(rebindTries)
	a.ep.Load().Probe() // those of before may lead nowhere now
	if !woke && !a.displaced() {
		return
	}
	a.stopKeepAlive() // the way is looked after here
	a.newFlow, a.failures = true, 0
	switch {
	case woke && a.Settings().Registration:
		a.retryNow()
	case a.app.Network().Online:
		a.soon(networkJitter)
	}
}

// displaced reports whether the account is not registered where requests to its
// server would come from now. Once it was, it stays so until it registers: the same
// address may be of another network.
func (a *Account) displaced() bool {
	bound := a.boundAt()
	if a.away || a.now.Registration != registration.Registered || len(bound) == 0 {
		return true
	}
	was, err := sip.ParseURI(a.now.Contact)
	a.away = err != nil || was.Host != a.ep.Load().ContactURI(bound[0]).Host
	return a.away
}

// rebind makes the account's endpoint listen on the addresses there are now, and
// moves the calls.
func (a *Account) rebind(tries int) {
	ep := a.ep.Load()
	if ep == nil {
		return
	}
	if err := a.app.rebind(ep, ports{plain: a.Settings().LocalPort}); err != nil {
		a.log.Info("Not every address can be listened on", "err", err, "tries", tries)
		a.rebindLater(tries - 1)
	}
	a.app.keepAccountPort(a, ep)
	for _, s := range a.app.sessions.of(a) {
		s.networkChanged()
	}
}

// rebindLater tries the addresses again that could not be listened on.
func (a *Account) rebindLater(tries int) {
	if tries > 0 {
		time.AfterFunc(rebindPause, func() { a.queue.Put(func() { a.rebind(tries) }) })
	}
}

// preloaded returns the hops that the registrar prescribes for requests outside
// dialogs (RFC 3608).
func (a *Account) preloaded() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.path)
}

func (a *Account) setPath(hops []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.path = hops
}

// callRoutes finds the way for a call to u: that of the registrar's first hop, if it
// prescribes any and there is no outbound proxy to go through. The way by which
// the account registered goes first where it leads there, since it is known to work.
func (a *Account) callRoutes(ctx context.Context, u sip.URI) ([]sip.Route, error) {
	if hops := a.preloaded(); len(hops) > 0 && a.Settings().Proxy == "" {
		hop, err := sip.ParseAddress(hops[0])
		if err != nil {
			return nil, err
		}
		u = hop.URI
	}
	routes, err := a.routes(ctx, u)
	if err != nil {
		return nil, err
	}
	for _, known := range a.boundAt() {
		i := slices.IndexFunc(routes, func(r sip.Route) bool { return r.Transport == known.Transport && r.Addr == known.Addr })
		if i >= 0 {
			routes = append([]sip.Route{known}, slices.Delete(routes, i, i+1)...)
		}
	}
	return routes, nil
}
