package middleware_test

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"

	"parley/internal/leaktest"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/sip"
	"parley/storage"
)

func TestStopWithoutStart(t *testing.T) {
	leaktest.Check(t)
	newApplication(t, "192.0.2.1", nil).Stop(context.Background())
}

// A port that is taken and demanded ends the start; nothing may be left of it.
func TestFailedStartLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		p := middlewaretest.NewPhone(t, n, "192.0.2.1")
		app := newApplication(t, "192.0.2.1", n)
		if err := app.Start(t.Context()); err == nil {
			t.Error("Start on a port that is taken succeeded")
		}
		app.Stop(context.Background())
		p.Stop()
	})
}

func newApplication(t *testing.T, addr string, n *middlewaretest.Net) *middleware.SIPApplication {
	t.Helper()
	profile, err := storage.Open(t.TempDir(), storage.Options{Secrets: storage.SecretsFile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { profile.Close() })
	c := middleware.Config{
		Log: slog.New(slog.DiscardHandler), Profile: profile,
		Resolver: sip.NewResolver(sip.ResolverConfig{Servers: []string{"192.0.2.53:53"}}),
	}
	if n != nil {
		c.Direct = netip.AddrPortFrom(netip.MustParseAddr(addr), 5060)
		c.Listen, c.Network, c.Media.Network = []netip.AddrPort{c.Direct}, n.SIP.Host(addr), n.Media
	}
	return middleware.NewSIPApplication(c)
}
