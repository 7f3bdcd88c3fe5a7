package sip_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/internal/leaktest"
	"parley/sip"
)

// authority makes certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	cert := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key))))
	a := &authority{cert: cert, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

func (a *authority) issue(name string, until time.Time) tls.Certificate {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server of " + name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, DNSNames: []string{name},
	}
	der := must(x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func listenReal(t *testing.T, cfg sip.Config) *sip.Endpoint {
	t.Helper()
	cfg.ContactUser = "abcdefgh"
	if cfg.Listen == nil {
		cfg.Listen = []netip.AddrPort{loopback}
	}
	e, err := sip.Listen(t.Context(), cfg)
	ok(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = e.Close(ctx)
	})
	return e
}

func addrOf(e *sip.Endpoint, transport string) netip.AddrPort {
	for _, l := range e.Addrs() {
		if l.Transport == transport {
			return l.Addr
		}
	}
	return netip.AddrPort{}
}

func TestOnePortForUDPAndTCP(t *testing.T) {
	leaktest.Check(t)
	e := listenReal(t, sip.Config{})
	if udp, tcp := addrOf(e, "udp"), addrOf(e, "tcp"); udp != tcp || udp.Port() == 0 {
		t.Errorf("ports are %v and %v, want one", udp, tcp)
	}
}

func TestCallsOverRealSockets(t *testing.T) {
	leaktest.Check(t)
	ca := newAuthority(t)
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			in := make(chan *sip.Call, 1)
			up := make(chan sip.Event, 16)
			var trace bytes.Buffer
			bob := listenReal(t, sip.Config{
				ListenTLS: []netip.AddrPort{loopback}, Tracer: sip.NewWriterTracer(&trace),
				TLS:    &tls.Config{Certificates: []tls.Certificate{ca.issue("example.org", time.Now().Add(time.Hour))}},
				OnCall: func(c *sip.Call) { c.SetHandler(func(ev sip.Event) { up <- ev }); in <- c },
			})
			alice := listenReal(t, sip.Config{TLS: &tls.Config{RootCAs: ca.pool}})
			events := make(chan sip.Event, 16)
			target := must(sip.ParseURI("sip:bob@example.org"))
			out, err := alice.Invite(sip.InviteRequest{
				From: sip.Address{URI: target}, To: sip.Address{URI: target}, Target: target,
				Routes: []sip.Route{{Transport: transport, Addr: addrOf(bob, transport), ServerName: "example.org"}},
				Body:   []byte(offerSDP), OnEvent: func(ev sip.Event) { events <- ev },
			})
			ok(t, err)
			call := <-in
			start := time.Now()
			ok(t, call.Ring(180, nil))
			if ev, is := (<-events).(sip.Provisional); !is || ev.Code != 180 {
				t.Fatalf("event = %+v, want 180", ev)
			}
			t.Logf("180 after %v", time.Since(start))
			ok(t, call.Answer([]byte(answerSDP)))
			if ev, is := (<-events).(sip.Answered); !is {
				t.Fatalf("event = %+v, want an answer", ev)
			}
			if ev, is := (<-up).(sip.Confirmed); !is {
				t.Fatalf("event = %+v, want the ACK", ev)
			}
			if got, want := out.Secure(), transport == "tls"; got != want || call.Secure() != want {
				t.Errorf("Secure() = %v and %v, want %v", got, call.Secure(), want)
			}
			ok(t, call.Bye("")) // over TCP and TLS it takes the caller's connection
			if ev, is := (<-events).(sip.Hungup); !is {
				t.Fatalf("event = %+v, want a hang-up", ev)
			}
			if ev, is := (<-up).(sip.Ended); !is || ev.Err != nil {
				t.Fatalf("event = %+v, want a good end", ev)
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	leaktest.Check(t)
	ca, other := newAuthority(t), newAuthority(t)
	tests := []struct {
		name, check string
		cert        tls.Certificate
	}{
		{"another name", "name", ca.issue("example.com", time.Now().Add(time.Hour))},
		{"expired", "expired", ca.issue("example.org", time.Now().Add(-time.Minute))},
		{"unknown authority", "authority", other.issue("example.org", time.Now().Add(time.Hour))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bob := listenReal(t, sip.Config{ListenTLS: []netip.AddrPort{loopback}, TLS: &tls.Config{Certificates: []tls.Certificate{tt.cert}}})
			r := sip.RegisterRequest{
				AOR: sip.Address{URI: must(sip.ParseURI("sip:a@example.org"))}, Registrar: must(sip.ParseURI("sip:example.org")),
				Routes: []sip.Route{{Transport: "tls", Addr: addrOf(bob, "tls"), ServerName: "example.org"}}, Expires: time.Minute,
			}
			_, err := listenReal(t, sip.Config{TLS: &tls.Config{RootCAs: ca.pool}}).Register(t.Context(), r)
			var ce *sip.CertificateError
			if !errors.As(err, &ce) {
				t.Fatalf("Register: %v, want a CertificateError", err)
			}
			if ce.Check != tt.check || ce.Host != "example.org" || !strings.HasPrefix(ce.Subject, "server of") || ce.Issuer != "Test CA" || len(ce.Fingerprint) != 64 {
				t.Errorf("%+v, want check %q", ce, tt.check)
			}
			pinned := listenReal(t, sip.Config{
				TLS:              &tls.Config{RootCAs: ca.pool},
				TrustCertificate: func(host, fp string) bool { return host == "example.org" && fp == ce.Fingerprint },
			})
			var status *sip.StatusError
			if _, err := pinned.Register(t.Context(), r); !errors.As(err, &status) || status.Code != 405 {
				t.Errorf("with the certificate pinned: %v, want 405 from a phone", err)
			}
		})
	}
}

// The stack below keeps one connection to an address, whatever name it proved.
func TestEveryNameIsProved(t *testing.T) {
	leaktest.Check(t)
	ca := newAuthority(t)
	bob := listenReal(t, sip.Config{
		ListenTLS: []netip.AddrPort{loopback},
		TLS:       &tls.Config{Certificates: []tls.Certificate{ca.issue("example.org", time.Now().Add(time.Hour))}},
	})
	alice := listenReal(t, sip.Config{TLS: &tls.Config{RootCAs: ca.pool}})
	ask := func(name string) error {
		_, err := alice.Register(t.Context(), sip.RegisterRequest{
			AOR: sip.Address{URI: must(sip.ParseURI("sip:a@" + name))}, Registrar: must(sip.ParseURI("sip:" + name)),
			Routes: []sip.Route{{Transport: "tls", Addr: addrOf(bob, "tls"), ServerName: name}}, Expires: time.Minute,
		})
		return err
	}
	var status *sip.StatusError
	if err := ask("example.org"); !errors.As(err, &status) || status.Code != 405 {
		t.Errorf("example.org: %v, want 405 from a phone", err)
	}
	var ce *sip.CertificateError
	if err := ask("example.com"); !errors.As(err, &ce) || ce.Check != "name" {
		t.Errorf("example.com over the same address: %v, want a CertificateError for the name", err)
	}
}

func TestRefusedConnection(t *testing.T) {
	leaktest.Check(t)
	e := listenReal(t, sip.Config{})
	gone := listenReal(t, sip.Config{})
	addr := addrOf(gone, "tcp")
	ok(t, gone.Close(t.Context()))
	_, err := e.Register(t.Context(), sip.RegisterRequest{
		AOR:       sip.Address{URI: must(sip.ParseURI("sip:a@example.org"))},
		Registrar: must(sip.ParseURI("sip:example.org")), Routes: []sip.Route{{Transport: "tcp", Addr: addr}}, Expires: time.Minute,
	})
	var te *sip.TransportError
	if !errors.As(err, &te) || te.Route.Addr != addr {
		t.Errorf("Register: %v, want a TransportError for %v", err, addr)
	}
}

func TestRedact(t *testing.T) {
	in := "REGISTER sip:x SIP/2.0\r\nAuthorization: Digest username=\"a\", response=\"0123\", uri=\"sip:x\"\r\n\r\n" +
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31|1:4;inline:YW5vdGhlcg==|2^31|2:4\r\n"
	got := string(sip.Redact([]byte(in)))
	if strings.Contains(got, "0123") || strings.Contains(got, "c2VjcmV0") || strings.Contains(got, "YW5vdGhlcg") || !strings.Contains(got, "username=\"a\"") || !strings.Contains(got, "|2^31") {
		t.Errorf("Redact = %q", got)
	}
}
