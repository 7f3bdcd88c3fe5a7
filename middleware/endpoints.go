package middleware

import (
	"context"
	"crypto/tls"
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
	if tlsConfig, err := app.tlsConfig(); err == nil {
		tlsConfig.ClientAuth = tls.RequestClientCert // by their keys neighbours know each other
		c.TLS = tlsConfig
	} else {
		app.log.Warn("Calls on the local network are not encrypted", "err", err)
	}
	c.VerifyServer = app.accounts.BonjourAccount().hood.verify
	c.OnCall = func(call *sip.Call) { _ = app.sessions.incoming(call, nil) }
	c.Admit = func(r sip.Request) int {
		switch b := app.accounts.BonjourAccount(); {
		case r.RequestURI.User == l.user && b.Active():
			return b.admit(r)
		case app.settings.Get().Calls.DirectCalls:
			return 0
		}
		return 404
	}
	ep, err := app.listen(ctx, c, app.rebindLocal)
	if ep == nil {
		return nil, err
	}
	l.Endpoint = ep
	if err != nil {
		app.network.again(func() { app.rebindDirect(rebindTries) })
	}
	return l, nil
}

// rebindLocal makes the endpoint of direct calls listen on the addresses there are
// now, everywhere on the same ports: a service on the local network has one. While
// the [BonjourAccount] is enabled TLS is one above.
func (app *SIPApplication) rebindLocal(ep *sip.Endpoint) error {
	port, demanded := app.directPort()
	if list := app.network.listen(); port == 0 && len(list) > 1 {
		ctx, cancel := context.WithTimeout(app.network.ctx, rebindPause)
		_ = ep.Rebind(ctx, []netip.AddrPort{netip.AddrPortFrom(list[0].Addr(), 0)}, nil) // to learn of a free port; it will fail again
		cancel()
		port = portOf(ep)
	}
	p := ports{plain: port, tls: -1, demanded: demanded}
	if app.config.Bonjour != nil && app.settings.Get().Bonjour.Enabled {
		if p.tls = port + 1; port == 0 || p.tls > 1<<16-1 {
			p.tls = 0
		}
	}
	err := app.rebind(ep, p)
	app.keepDirectPort(ep)
	return err
}

// directPort is where direct calls are expected, and whether nothing else will do.
func (app *SIPApplication) directPort() (port int, demanded bool) {
	if port := int(app.config.Direct.Port()); port != 0 {
		return port, true
	}
	return app.settings.Get().Network.Port, false
}

func (app *SIPApplication) keepDirectPort(ep *sip.Endpoint) {
	app.keepPort(ep, app.settings.Get().Network.Port, func(s *storage.Settings, port int) { s.Network.Port = port })
}

// listenFor opens the sockets of an account, on the port of the last time if
// that is free. With an endpoint, an error tells that it does not listen on every
// address.
func (app *SIPApplication) listenFor(a *Account, set AccountSettings) (*sip.Endpoint, error) {
	c := app.sipConfig(a.user)
	tlsConfig, err := app.tlsConfig()
	if err != nil {
		return nil, err
	}
	c.TLS = tlsConfig
	c.OnCall = func(call *sip.Call) { _ = app.sessions.incoming(call, a) }
	c.Admit = a.admit
	c.Extend = func(sip.Request) sip.Extensions { return extensionsOf(a.Settings()) }
	c.OnTransportFailure = func(err error) {
		a.log.Warn("Listening socket lost", "err", err)
		a.queue.Put(a.flowLost)
	}
	c.OnTransportRecovered = func() { a.queue.Put(a.socketBack) }
	ep, err := app.listen(context.Background(), c, func(ep *sip.Endpoint) error {
		return app.rebind(ep, ports{plain: set.LocalPort})
	})
	if ep != nil {
		app.keepAccountPort(a, ep)
	}
	return ep, err
}

func (app *SIPApplication) keepAccountPort(a *Account, ep *sip.Endpoint) {
	app.keepPort(ep, a.Settings().LocalPort, func(s *storage.Settings, port int) {
		if acc := s.Account(a.id); acc != nil {
			acc.LocalPort = port
		}
	})
}

func (app *SIPApplication) sipConfig(user string) sip.Config {
	return sip.Config{
		Log: app.log.With("sub", "sip"), UserAgent: app.config.UserAgent,
		Resolver: app.resolver, Network: app.config.Network, Tracer: app.config.Tracer,
		ContactUser: user, Extend: func(sip.Request) sip.Extensions { return extensionsOf(storage.NewAccount("")) },
		OnTransportFailure: func(err error) {
			app.log.Warn("Listening socket lost", "err", err)
		},
	}
}

// listen opens an endpoint on the addresses there are now, which may be none while
// there is no network. It fails if none of them can be listened on; if some can, it
// returns the endpoint with the error of the others.
func (app *SIPApplication) listen(ctx context.Context, c sip.Config, bind func(*sip.Endpoint) error) (*sip.Endpoint, error) {
	ep, err := sip.Listen(ctx, c)
	if err != nil {
		return nil, err
	}
	err = bind(ep)
	if err == nil {
		return ep, nil
	}
	heard := len(ep.Addrs()) > 0
	if app.config.Monitor.Addrs == nil || !heard {
		_ = ep.Close(ctx) // nothing goes on there
		return nil, err
	}
	return ep, err
}

// portOf returns the port that ep listens on for UDP and TCP, 0 while there is none.
func portOf(ep *sip.Endpoint) int {
	for _, l := range ep.Addrs() {
		if l.Transport == "udp" {
			return int(l.Addr.Port())
		}
	}
	return 0
}

// keepPort remembers the port in use, so that the next start has the same.
func (app *SIPApplication) keepPort(ep *sip.Endpoint, known int, set func(*storage.Settings, int)) {
	port := portOf(ep)
	if port == 0 || port == known || app.config.Direct.Port() != 0 {
		return
	}
	if _, _, err := app.settings.Update(func(s *storage.Settings) { set(s, port) }); err != nil {
		app.log.Info("Port not kept", "err", err)
	}
}
