package middleware

import (
	"context"
	"net/netip"

	"parley/sip"
	"parley/storage"
)

// localEndpoint serves calls without an account.
type localEndpoint struct {
	*sip.Endpoint
	user string // random contact user
}

// listenLocal opens the endpoint for direct calls, on the port of the last time
// if that is free.
func (app *SIPApplication) listenLocal(ctx context.Context) (*localEndpoint, error) {
	l := &localEndpoint{user: randomLetters(8)}
	c := app.sipConfig(l.user)
	c.OnCall = func(call *sip.Call) { _ = app.sessions.incoming(call, nil) }
	c.Admit = func(r sip.Request) int {
		if r.RequestURI.User == l.user || app.settings.Get().Calls.DirectCalls {
			return 0
		}
		return 404
	}
	port := int(app.config.Direct.Port())
	fixed := port != 0
	if !fixed {
		port = app.settings.Get().Network.Port
	}
	ep, err := listenOn(ctx, c, app.config.Listen, port, fixed)
	if err != nil {
		return nil, err
	}
	l.Endpoint = ep
	app.keepPort(ep, func(s *storage.Settings, port int) { s.Network.Port = port })
	return l, nil
}

// listenFor opens the sockets of an account, on the port of the last time if
// that is free.
func (app *SIPApplication) listenFor(a *Account, set AccountSettings) (*sip.Endpoint, error) {
	c := app.sipConfig(a.user)
	tlsConfig, err := app.tlsConfig()
	if err != nil {
		return nil, err
	}
	c.TLS = tlsConfig
	for _, addr := range app.config.Listen {
		c.ListenTLS = append(c.ListenTLS, netip.AddrPortFrom(addr.Addr(), 0))
	}
	c.OnCall = func(call *sip.Call) { _ = app.sessions.incoming(call, a) }
	c.Admit = a.admit
	c.OnTransportFailure = func(err error) {
		a.log.Warn("Listening socket lost", "err", err)
		a.queue.Put(a.socketLost)
	}
	ep, err := listenOn(context.Background(), c, app.config.Listen, set.LocalPort, false)
	if err != nil {
		return nil, err
	}
	app.keepPort(ep, func(s *storage.Settings, port int) {
		if acc := s.Account(a.id); acc != nil {
			acc.LocalPort = port
		}
	})
	return ep, nil
}

func (app *SIPApplication) sipConfig(user string) sip.Config {
	return sip.Config{
		Log: app.log.With("sub", "sip"), UserAgent: app.config.UserAgent,
		Resolver: app.resolver, Network: app.config.Network, Tracer: app.config.Tracer,
		ContactUser: user,
		OnTransportFailure: func(err error) {
			app.log.Warn("Listening socket lost", "err", err)
		},
	}
}

// listenOn listens on port at every address; if it is taken and not demanded,
// on any.
func listenOn(ctx context.Context, c sip.Config, addrs []netip.AddrPort, port int, demanded bool) (*sip.Endpoint, error) {
	try := func(port int) (*sip.Endpoint, error) {
		c.Listen = nil
		for _, a := range addrs {
			c.Listen = append(c.Listen, netip.AddrPortFrom(a.Addr(), uint16(port)))
		}
		return sip.Listen(ctx, c)
	}
	ep, err := try(port)
	if err != nil && port != 0 && !demanded {
		ep, err = try(0)
	}
	return ep, err
}

// keepPort remembers the port in use, so that the next start has the same.
func (app *SIPApplication) keepPort(ep *sip.Endpoint, set func(*storage.Settings, int)) {
	addrs := ep.Addrs()
	if len(addrs) == 0 || app.config.Direct.Port() != 0 {
		return
	}
	port := int(addrs[0].Addr.Port())
	if _, _, err := app.settings.Update(func(s *storage.Settings) { set(s, port) }); err != nil {
		app.log.Info("Port not kept", "err", err)
	}
}
