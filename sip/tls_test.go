package sip_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// dialRaw opens a connection without a word of TLS.
func dialRaw(t *testing.T, n *siptest.Network, from string, to netip.AddrPort) net.Conn {
	t.Helper()
	return must(n.Host(from).Dial(t.Context(), netip.Addr{}, to))
}

// closedAfter returns how long it takes until the other side closes c.
func closedAfter(c net.Conn) time.Duration {
	start := time.Now()
	_, _ = io.Copy(io.Discard, c)
	return time.Since(start)
}

func TestHandshakeTakesNoLongerThanItMay(t *testing.T) {
	patience := 10 * time.Second
	cert := selfSigned(t)
	tests := map[string]func(t *testing.T, c net.Conn){
		"silence": func(*testing.T, net.Conn) {},
		"one byte a second": func(t *testing.T, c net.Conn) {
			hello := []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
			go func() {
				for i := range 60 {
					if _, err := c.Write(hello[i%len(hello) : i%len(hello)+1]); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
		},
		"silence after the handshake": func(t *testing.T, c net.Conn) {
			ok(t, tls.Client(c, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}}).Handshake())
		},
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &siptest.Network{}
				bob := newNeighbour(t, n, "10.0.0.2", nil)
				defer bob.close()
				c := dialRaw(t, n, "10.0.0.1", bob.tls)
				defer c.Close()
				act(t, c)
				if got := closedAfter(c); got > patience {
					t.Errorf("closed after %v, want at most %v", got, patience)
				}
				time.Sleep(2 * time.Second) // until the writer has noticed
			})
		})
	}
}

func TestGarbageForTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		bob := newNeighbour(t, n, "10.0.0.2", nil)
		defer bob.close()
		for _, text := range []string{
			"OPTIONS sip:bob@10.0.0.2 SIP/2.0\r\n\r\n", strings.Repeat("\x00", 1<<16), "\x16\x03\x01\xff\xff" + strings.Repeat("\x01", 1<<16),
			"\x16\x03\x01\x00\x04\x01\xff\xff\xff", "\x15\x03\x01\x00\x02\x02\x28", "\x80\x2e\x01\x00\x02",
		} {
			c := dialRaw(t, n, "10.0.0.1", bob.tls)
			_, err := c.Write([]byte(text))
			ok(t, err)
			if got := closedAfter(c); got > 10*time.Second {
				t.Errorf("%.20q: closed after %v", text, got)
			}
			c.Close()
		}
		alice := newNeighbour(t, n, "10.0.0.1", nil)
		defer alice.close()
		alice.knows(bob.key)
		out, _ := connected(t, alice, bob)
		ok(t, out.Bye(""))
		bob.wait("hungup")
	})
}

// However many connections there are that say nothing, a call comes through.
func TestThousandSilentConnections(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		flood := func(host func(i int) string) (open []net.Conn) {
			for i := range 1000 {
				open = append(open, dialRaw(t, n, host(i), bob.tls))
				synctest.Wait()
			}
			return open
		}
		for name, host := range map[string]func(int) string{
			"one host": func(int) string { return "10.0.0.66" },
			"many":     func(i int) string { return fmt.Sprintf("10.0.%d.%d", 1+i/250, 1+i%250) },
		} {
			open := flood(host)
			start := time.Now()
			alice.invite(bob.to())
			in := bob.call()
			if took := time.Since(start); took > 0 {
				t.Errorf("%s: the call took %v", name, took)
			}
			ok(t, in.Reject(486, ""))
			time.Sleep(time.Second)
			alice.want("failed 486")
			alice.events = nil
			if got, want := stillOpen(open), map[string]int{"one host": 100, "many": 511}[name]; got != want {
				t.Errorf("%s: %d connections are open, want %d", name, got, want)
			}
			for _, c := range open {
				c.Close()
			}
			n.BreakStreams()
			time.Sleep(time.Minute)
		}
	})
}

// Nor do thousands of connections that have said something once keep anybody out,
// or end calls.
func TestThousandIdleConnections(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, in := connected(t, alice, bob)
		var open []net.Conn
		for i := range 1000 {
			open = append(open, dialRaw(t, n, fmt.Sprintf("10.0.%d.%d", 1+i/250, 1+i%250), bob.addr))
			_, err := open[i].Write([]byte("\r\n\r\n"))
			ok(t, err)
			synctest.Wait()
			if i == 500 {
				time.Sleep(time.Minute)
			}
		}
		ok(t, out.Info(t.Context(), "text/plain", []byte("on the same connection")))
		if got := streamsOf(n, alice.addr.Addr()); got != 1 {
			t.Errorf("%d connections between alice and bob, want one", got)
		}
		ok(t, in.Bye(""))
		alice.wait("hungup")
		for _, c := range open {
			c.Close()
		}
	})
}

// streamsOf counts the connections that a host spoke on.
func streamsOf(n *siptest.Network, host netip.Addr) int {
	seen := map[netip.AddrPort]bool{}
	for _, p := range n.Packets() {
		if p.Transport == "tcp" && p.From.Addr() == host {
			seen[p.From] = true
		}
	}
	return len(seen)
}

// stillOpen counts connections that the other side has not closed.
func stillOpen(conns []net.Conn) (count int) {
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			count++
		}
	}
	return count
}

// A host that does nothing but handshakes is held off; others are not.
func TestHandshakesAreRationed(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		shake := func() error {
			c := dialRaw(t, n, "10.0.0.66", bob.tls)
			defer c.Close()
			return tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
		}
		good := 0
		for range 150 {
			if shake() == nil {
				good++
			}
		}
		if good != 100 {
			t.Errorf("%d of 150 handshakes at once were done, want 100", good)
		}
		out, _ := connected(t, alice, bob)
		ok(t, out.Bye(""))
		bob.wait("hungup")
		time.Sleep(time.Second)
		if err := shake(); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestHugeClientCertificates(t *testing.T) {
	cert := selfSigned(t)
	many := tls.Certificate{PrivateKey: cert.PrivateKey}
	for range 9 {
		many.Certificate = append(many.Certificate, cert.Certificate[0])
	}
	tests := map[string]tls.Certificate{
		"long chain":       many,
		"large":            bloated(t, 40<<10),
		"beyond all limit": bloated(t, 300<<10),
	}
	for name, cert := range tests {
		t.Run(name, func(t *testing.T) {
			neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
				raw := dialRaw(t, n, "10.0.0.66", bob.tls)
				defer raw.Close()
				c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}})
				_ = c.Handshake() // of TLS 1.3 ours is over before the other side looks at the certificate
				_, _ = c.Write([]byte(siptest.Wire(request("OPTIONS", "a", 1, "", ""))))
				if got, _ := io.ReadAll(c); bytes.Contains(got, []byte("SIP/2.0")) {
					t.Errorf("a client with such a certificate was answered %q", got)
				}
				out, _ := connected(t, alice, bob)
				ok(t, out.Bye(""))
				bob.wait("hungup")
			})
		})
	}
}

// Each connection proves a key of its own, whatever the client remembers.
func TestNoResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
			certs := []tls.Certificate{selfSigned(t), selfSigned(t)}
			sessions := tls.NewLRUClientSessionCache(8)
			for i := range 4 {
				cert := certs[i%2]
				cfg := &tls.Config{
					InsecureSkipVerify: true, ServerName: "x", ClientSessionCache: sessions, MinVersion: version, MaxVersion: version,
					Certificates: []tls.Certificate{cert},
				}
				c := tls.Client(dialRaw(t, n, "10.0.0.66", bob.tls), cfg)
				_, err := c.Write([]byte(siptest.Wire(strings.ReplaceAll(request("OPTIONS", fmt.Sprint(i), 1, "", ""), "UDP", "TLS"))))
				ok(t, err)
				buf := make([]byte, 4096) // reading takes in tickets as well
				if n, err := c.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200 ") {
					t.Fatalf("got %q, %v", buf[:n], err)
				}
				if c.ConnectionState().DidResume {
					t.Error("the session was resumed")
				}
				want := keyOf(must(x509.ParseCertificate(cert.Certificate[0])))
				if got := keyOf(bob.requests[i].PeerCertificate); got != want {
					t.Errorf("connection %d: admission saw key %.8s, want %.8s", i, got, want)
				}
				c.Close()
			}
		})
	}
}

// Clients of an endpoint that asks for no certificates may resume.
func TestResumptionWithoutClientCertificates(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		cert := selfSigned(t)
		eve := newNeighbour(t, n, "10.0.0.3", func(c *sip.Config) { c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} })
		defer eve.close()
		sessions := tls.NewLRUClientSessionCache(8)
		for i := range 2 {
			c := tls.Client(dialRaw(t, n, "10.0.0.66", eve.tls), &tls.Config{InsecureSkipVerify: true, ServerName: "x", ClientSessionCache: sessions})
			_, err := c.Write([]byte(siptest.Wire(strings.ReplaceAll(request("OPTIONS", fmt.Sprint(i), 1, "", ""), "UDP", "TLS"))))
			ok(t, err)
			_, err = c.Read(make([]byte, 4096))
			ok(t, err)
			if got := c.ConnectionState().DidResume; got != (i == 1) || eve.requests[i].PeerCertificate != nil {
				t.Errorf("connection %d: resumed = %v, certificate %v", i, got, eve.requests[i].PeerCertificate)
			}
			c.Close()
		}
	})
}

// What came in by TLS from an address has not proved to be the server there.
func TestIncomingConnectionIsNoServer(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		eve := selfSigned(t)
		c := newClient(t, n, bob.tls, alice.tls, &eve)
		defer c.conn.Close()
		synctest.Wait()
		alice.invite(sip.Route{Transport: "tls", Addr: bob.tls})
		time.Sleep(time.Second)
		c.silent("a call to bob's address")
		failed, isFailed := alice.seen["sip.Failed"].(sip.Failed)
		var ce *sip.CertificateError
		if !isFailed || !errors.As(failed.Err, &ce) || ce.Host != "10.0.0.2" {
			t.Errorf("the call ended by %v, want a CertificateError of bob's server", failed.Err)
		}
	})
}

func TestContactOfEachTransport(t *testing.T) {
	for host, want := range map[string]map[string]string{
		"10.0.0.1": {"udp": "sip:abcdefgh@10.0.0.1:5060", "tcp": "sip:abcdefgh@10.0.0.1:5060;transport=tcp", "tls": "sip:abcdefgh@10.0.0.1:5061;transport=tls"},
		"fd00::1":  {"udp": "sip:abcdefgh@[fd00::1]:5060", "tcp": "sip:abcdefgh@[fd00::1]:5060;transport=tcp", "tls": "sip:abcdefgh@[fd00::1]:5061;transport=tls"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := &siptest.Network{}
			six := strings.Contains(host, ":")
			addr := host
			far := "10.0.0.2"
			if six {
				addr, far = "["+host+"]", "[fd00::2]"
			}
			alice, bob := newNeighbour(t, n, addr, nil), newNeighbour(t, n, far, nil)
			defer bob.close()
			defer alice.close()
			alice.knows(bob.key)
			check := func(when string) {
				for transport, contact := range want {
					r := sip.Route{Transport: transport, Addr: bob.addr}
					if transport == "tls" {
						r = bob.to()
					}
					if got := alice.e.ContactURI(r); got.String() != contact {
						t.Errorf("%s: contact by %s = %s, want %s", when, transport, got.String(), contact)
					}
				}
			}
			check("before a connection")
			_, in := connected(t, alice, bob)
			check("on a connection")
			if got := in.Contact(); got.String() != want["tls"] {
				t.Errorf("bob was told %s, want %s", got.String(), want["tls"])
			}
			n.BreakStreams()
			time.Sleep(time.Second)
			ok(t, in.Bye("")) // by that contact
			alice.wait("hungup")
		})
	}
}

func TestRebindKeepsThePortOfTLS(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, in := connected(t, alice, bob)
		anyPort := func(a netip.AddrPort) []netip.AddrPort { return []netip.AddrPort{netip.AddrPortFrom(a.Addr(), 0)} }
		for range 2 {
			ok(t, bob.e.Rebind(t.Context(), anyPort(bob.addr), anyPort(bob.tls)))
			if got := addrOf(bob.e, "tls"); got != bob.tls {
				t.Errorf("TLS is at %v now, want %v", got, bob.tls)
			}
		}
		ok(t, out.Info(t.Context(), "text/plain", []byte("same connection")))
		ok(t, in.Bye(""))
		alice.wait("hungup")
		ok(t, bob.e.Rebind(t.Context(), anyPort(bob.addr), nil))
		if got := addrOf(bob.e, "tls"); got.IsValid() {
			t.Errorf("TLS is still at %v", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Host("10.0.0.1").Dial(ctx, netip.Addr{}, bob.tls); err == nil {
			t.Error("somebody listens there all the same")
		}
	})
}
