package middleware

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"slices"

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
// the [BonjourAccount] is enabled there is TLS, one above where that is free.
func (app *SIPApplication) rebindLocal(ep *sip.Endpoint) error {
	port, demanded := app.directPort()
	p := ports{plain: cmp.Or(port, portOf(ep, "udp")), tls: -1, demanded: demanded}
	if app.config.Bonjour != nil && app.settings.Get().Bonjour.Enabled {
		p.tls = cmp.Or(portOf(ep, "tls"), p.above())
	}
	err := app.rebindSame(ep, p)
	app.keepDirectPort(ep)
	return err
}

// above is the TLS port that goes with the plain one, 0 if there is none.
func (p ports) above() int {
	if p.plain == 0 || p.plain >= 1<<16-1 {
		return 0
	}
	return p.plain + 1
}

// sameTries is how many numbers are tried until one is free on every address.
const sameTries = 8

// rebindSame listens on the same ports everywhere, or, if no number can be found
// that is free on every address, on whatever is.
func (app *SIPApplication) rebindSame(ep *sip.Endpoint, p ports) error {
	list := app.network.listen()
	for range sameTries {
		if len(list) > 0 && (p.plain == 0 || p.tls == 0) {
			app.choosePorts(ep, &p, list[0].Addr())
		}
		err := app.rebindTo(ep, p)
		if err == nil || errors.Is(err, sip.ErrClosed) || app.network.ctx.Err() != nil {
			return err
		}
		switch everywhere := app.listensOn(ep, "udp", p.plain) && app.listensOn(ep, "tcp", p.plain); {
		case everywhere && p.tls > 0:
			p.tls = 0
		case p.demanded || app.directKnown():
			return app.rebind(ep, p) // calls are expected there, on those addresses where it is free
		default:
			p.plain = 0
		}
	}
	return app.rebind(ep, p)
}

// choosePorts finds free numbers for those of p that are 0, by listening on one
// address.
func (app *SIPApplication) choosePorts(ep *sip.Endpoint, p *ports, first netip.Addr) {
	ctx, cancel := context.WithTimeout(app.network.ctx, rebindPause)
	defer cancel()
	var plain []netip.AddrPort
	for _, l := range ep.Addrs() { // those stay, but where another number is wanted
		if l.Transport == "udp" && p.plain != 0 {
			plain = append(plain, l.Addr)
		}
	}
	_ = ep.Rebind(ctx, plain, nil) // what fails here fails again with the rest
	if p.plain == 0 {
		plain = []netip.AddrPort{netip.AddrPortFrom(first, 0)}
		_ = ep.Rebind(ctx, plain, nil)
		p.plain = portOf(ep, "udp")
	}
	if p.tls == 0 {
		_ = ep.Rebind(ctx, plain, []netip.AddrPort{netip.AddrPortFrom(first, 0)})
		p.tls = portOf(ep, "tls")
	}
}

// listensOn reports whether ep listens on that port on every address.
func (app *SIPApplication) listensOn(ep *sip.Endpoint, transport string, port int) bool {
	locals := ep.Addrs()
	return !slices.ContainsFunc(app.network.listen(), func(a netip.AddrPort) bool {
		return !slices.Contains(locals, sip.Local{Transport: transport, Addr: netip.AddrPortFrom(a.Addr(), uint16(port))})
	})
}

// directKnown reports whether others may know the port of direct calls from before.
func (app *SIPApplication) directKnown() bool { return app.settings.Get().Network.Port != 0 }

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

// portOf returns the port that ep listens on first, 0 while there is none.
func portOf(ep *sip.Endpoint, transport string) int {
	for _, l := range ep.Addrs() {
		if l.Transport == transport {
			return int(l.Addr.Port())
		}
	}
	return 0
}

// keepPort remembers the port in use, so that the next start has the same.
func (app *SIPApplication) keepPort(ep *sip.Endpoint, known int, set func(*storage.Settings, int)) {
	port := portOf(ep, "udp")
	if port == 0 || port == known || app.config.Direct.Port() != 0 {
		return
	}
	if _, _, err := app.settings.Update(func(s *storage.Settings) { set(s, port) }); err != nil {
		app.log.Info("Port not kept", "err", err)
	}
}
