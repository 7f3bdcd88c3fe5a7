package sip_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// A neighbour is a side that speaks TLS with a certificate that nobody signed, and
// knows others by their keys.
type neighbour struct {
	*side
	tls  netip.AddrPort
	cert tls.Certificate
	key  string

	mu       sync.Mutex
	known    map[string]string // by server name: the key it has to prove
	pin      bool              // incoming calls
	requests []sip.Request     // that were admitted
}

var errChanged = errors.New("the key has changed")

// selfSigned makes a certificate of its own key, good at the bubble's time and now.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Phone"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	return tls.Certificate{Certificate: [][]byte{must(x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key))}, PrivateKey: key}
}

func keyOf(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func nameOf(key string) string { return key[:20] + ".neighbour.invalid" }

func newNeighbour(t *testing.T, n *siptest.Network, addr string, change func(*sip.Config)) *neighbour {
	t.Helper()
	b := &neighbour{cert: selfSigned(t), known: map[string]string{}, pin: true}
	b.key = keyOf(must(x509.ParseCertificate(b.cert.Certificate[0])))
	b.side = newSide(t, n, addr+":5060", func(c *sip.Config) {
		b.tls = netip.MustParseAddrPort(addr + ":5061")
		c.ListenTLS = []netip.AddrPort{b.tls}
		c.TLS = &tls.Config{Certificates: []tls.Certificate{b.cert}, ClientAuth: tls.RequestClientCert}
		c.VerifyServer = func(name string, chain []*x509.Certificate) (bool, error) {
			if !strings.HasSuffix(name, ".neighbour.invalid") {
				return false, nil
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.known[name] != keyOf(chain[0]) {
				return true, errChanged
			}
			return true, nil
		}
		c.Admit = func(r sip.Request) int {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.requests = append(b.requests, r)
			return 0
		}
		c.OnCall = func(call *sip.Call) {
			call.SetHandler(b.on)
			if key := keyOf(call.PeerCertificate()); b.pin && key != "" {
				b.knows(key)
				call.Pin(nameOf(key))
			}
			b.calls <- call
		}
		if change != nil {
			change(c)
		}
	})
	return b
}

// knows has b expect a key from the neighbour that is named after it.
func (b *neighbour) knows(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[nameOf(key)] = key
}

// to is the route to b that b's key has to be proved on.
func (b *neighbour) to() sip.Route {
	return sip.Route{Transport: "tls", Addr: b.tls, ServerName: nameOf(b.key)}
}

// neighbours runs f with two who know each other.
func neighbours(t *testing.T, f func(t *testing.T, n *siptest.Network, alice, bob *neighbour)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		alice, bob := newNeighbour(t, n, "10.0.0.1", nil), newNeighbour(t, n, "10.0.0.2", nil)
		defer bob.close()
		defer alice.close()
		alice.knows(bob.key)
		f(t, n, alice, bob)
	})
}

// connected brings up a call from alice to bob.
func connected(t *testing.T, alice, bob *neighbour) (out, in *sip.Call) {
	t.Helper()
	out = alice.invite(bob.to())
	in = bob.call()
	ok(t, in.Answer([]byte(answerSDP)))
	alice.wait("answered 200")
	bob.wait("confirmed")
	return out, in
}

// clear fails the test if anything of SIP can be read on the network.
func clear(t *testing.T, n *siptest.Network) {
	t.Helper()
	for _, p := range n.Packets() {
		if strings.Contains(string(p.Data), "SIP/2.0") {
			t.Errorf("%v sent %q to %v in clear", p.From, p.Summary(), p.To)
		}
	}
}

func TestBothSidesKnowTheOthersKey(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, in := connected(t, alice, bob)
		if got := keyOf(out.PeerCertificate()); got != bob.key {
			t.Errorf("the caller sees key %q, want bob's", got)
		}
		if got := keyOf(in.PeerCertificate()); got != alice.key {
			t.Errorf("the called side sees key %q, want alice's", got)
		}
		r := bob.requests[0]
		if r.Method != "INVITE" || r.Transport != "tls" || r.Source.Addr() != alice.addr.Addr() || r.Source.Port() < 40000 || keyOf(r.PeerCertificate) != alice.key {
			t.Errorf("admission saw %+v", r)
		}
		if got := out.Route(); got != bob.to() {
			t.Errorf("Route = %v, want %v", got, bob.to())
		}
		ok(t, in.Reinvite([]byte(answerSDP)))
		alice.wait("reinvited")
		ok(t, out.AnswerReinvite(200, "", []byte(offerSDP)))
		bob.wait("reinvite answered 200")
		synctest.Wait()
		ok(t, in.Bye(""))
		alice.wait("hungup")
		clear(t, n)
		if got := streamsOf(n, alice.addr.Addr()); got != 1 {
			t.Errorf("the call took %d connections, want one for both directions", got)
		}
	})
}

func TestClientWithoutCertificateIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		bob := newNeighbour(t, n, "10.0.0.2", nil)
		defer bob.close()
		alice := newNeighbour(t, n, "10.0.0.1", func(c *sip.Config) { c.TLS = &tls.Config{} })
		defer alice.close()
		alice.knows(bob.key)
		out, in := connected(t, alice, bob)
		if bob.requests[0].PeerCertificate != nil || in.PeerCertificate() != nil || in.Pin("x.neighbour.invalid") {
			t.Errorf("a client without a certificate has %v", in.PeerCertificate())
		}
		ok(t, out.Bye(""))
		bob.wait("hungup")
	})
}

func TestChangedKeyIsRefused(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		alice.known[nameOf(bob.key)] = alice.key
		// There is a way in clear, too, which must not be taken.
		alice.invite(bob.to(), bob.route(), sip.Route{Transport: "tcp", Addr: bob.addr})
		alice.refused(bob)
		if len(bob.calls) > 0 || len(bob.requests) > 0 {
			t.Error("bob got the call all the same")
		}
		clear(t, n)
	})
}

// Behind a bad certificate nothing goes in clear; another server may do better.
func TestNoFallToClear(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		eve := newNeighbour(t, n, "10.0.0.3", nil)
		defer eve.close()
		bad := sip.Route{Transport: "tls", Addr: eve.tls, ServerName: nameOf(bob.key)}
		target := must(sip.ParseURI("sip:example.org"))
		_, err := alice.e.Register(t.Context(), sip.RegisterRequest{
			AOR: sip.Address{URI: target}, Registrar: target, Expires: time.Minute,
			Routes: []sip.Route{bad, bob.route(), {Transport: "tcp", Addr: bob.addr}},
		})
		if !errors.Is(err, errChanged) {
			t.Errorf("Register: %v, want %v", err, errChanged)
		}
		alice.invite(bad, bob.route(), bob.to())
		ok(t, bob.call().Reject(486, ""))
		alice.wait("failed 486")
		clear(t, n)
	})
}

// refused fails the test unless b's call failed by the key that a server showed.
func (b *neighbour) refused(server *neighbour) {
	b.t.Helper()
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	for {
		b.side.mu.Lock()
		ev, failed := b.seen["sip.Failed"].(sip.Failed)
		b.side.mu.Unlock()
		if failed {
			var ce *sip.CertificateError
			if !errors.As(ev.Err, &ce) || !errors.Is(ev.Err, errChanged) || ce.Host != nameOf(server.key) || ce.Check != "other" {
				b.t.Errorf("the call failed by %v, want a CertificateError that wraps %v", ev.Err, errChanged)
			}
			return
		}
		select {
		case <-b.notify:
		case <-timer.C:
			b.t.Fatal("the call did not fail")
		}
	}
}

// bloated is a certificate of that many bytes, and more.
func bloated(t testing.TB, size int) tls.Certificate {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: strings.Repeat("x", size)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	return tls.Certificate{Certificate: [][]byte{must(x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key))}, PrivateKey: key}
}
