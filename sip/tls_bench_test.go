package sip_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"testing"
	"time"

	"parley/sip"
)

// BenchmarkCallSetup is the time from Invite to the answer of a phone beside us, on
// real sockets: by UDP, and by TLS with certificates of both sides, over a connection
// that is there or has to be made.
func BenchmarkCallSetup(b *testing.B) {
	cert := func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{selfSigned(b)}, ClientAuth: tls.RequestClientCert}
	}
	trusting := func(string, []*x509.Certificate) (bool, error) { return true, nil }
	listen := func(addr netip.Addr, cfg sip.Config) *sip.Endpoint {
		at := netip.AddrPortFrom(addr, 0)
		cfg.Listen, cfg.ListenTLS, cfg.ContactUser = []netip.AddrPort{at}, []netip.AddrPort{at}, "abcdefgh"
		return must(sip.Listen(b.Context(), cfg))
	}
	shut := func(e *sip.Endpoint) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = e.Close(ctx)
	}
	host := netip.MustParseAddr("127.0.0.1")
	bob := listen(host, sip.Config{TLS: cert(), OnCall: func(c *sip.Call) { _ = c.Reject(486, "") }})
	defer shut(bob)
	target := must(sip.ParseURI("sip:bob@example.org"))
	call := func(alice *sip.Endpoint, r sip.Route) {
		over := make(chan sip.Event, 16)
		must(alice.Invite(sip.InviteRequest{
			From: sip.Address{URI: target}, To: sip.Address{URI: target}, Target: target, Routes: []sip.Route{r},
			Body: []byte(offerSDP), OnEvent: func(ev sip.Event) { over <- ev },
		}))
		ev := <-over
		var status *sip.StatusError
		if failed, ok := ev.(sip.Failed); !ok || !errors.As(failed.Err, &status) || status.Code != 486 {
			b.Fatalf("got %+v", ev)
		}
	}
	udp := sip.Route{Transport: "udp", Addr: addrOf(bob, "udp")}
	secure := sip.Route{Transport: "tls", Addr: addrOf(bob, "tls"), ServerName: "x.neighbour.invalid"}
	for _, bench := range []struct {
		name  string
		route sip.Route
	}{{"UDP", udp}, {"TLS", secure}} {
		b.Run(bench.name, func(b *testing.B) {
			alice := listen(host, sip.Config{TLS: cert(), VerifyServer: trusting})
			defer shut(alice)
			call(alice, bench.route)
			for b.Loop() {
				call(alice, bench.route)
			}
		})
	}
	b.Run("TLS from the start", func(b *testing.B) {
		cfg := sip.Config{TLS: cert(), VerifyServer: trusting}
		from := netip.MustParseAddr("127.1.0.1") // another host each time: handshakes are rationed
		for b.Loop() {
			b.StopTimer()
			alice := listen(from, cfg)
			from = from.Next()
			b.StartTimer()
			call(alice, secure)
			b.StopTimer()
			shut(alice)
			b.StartTimer()
		}
	})
}
