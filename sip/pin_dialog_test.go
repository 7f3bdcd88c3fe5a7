package sip_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// A client speaks text over TLS from an address of its choice.
type client struct {
	t    *testing.T
	conn *tls.Conn
	in   chan siptest.Message
}

func newClient(t *testing.T, n *siptest.Network, from, to netip.AddrPort, cert *tls.Certificate) *client {
	t.Helper()
	raw, err := n.Host(from.Addr().String()).DialFrom(t.Context(), from, to)
	ok(t, err)
	cfg := &tls.Config{InsecureSkipVerify: true, ServerName: "x"}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
	}
	c := &client{t: t, conn: tls.Client(raw, cfg), in: make(chan siptest.Message, 64)}
	ok(t, c.conn.Handshake())
	go func() {
		defer close(c.in)
		buf := make([]byte, 65536)
		for {
			n, err := c.conn.Read(buf) // one message fits into one record
			if err != nil {
				return
			}
			c.in <- siptest.Message{Packet: siptest.Packet{Data: append([]byte(nil), buf[:n]...)}}
		}
	}()
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	_, err := c.conn.Write([]byte(siptest.Wire(text)))
	ok(c.t, err)
}

// expect returns the next message, which must have that summary.
func (c *client) expect(want string) siptest.Message {
	c.t.Helper()
	select {
	case m, open := <-c.in:
		if !open || m.Summary() != want {
			c.t.Fatalf("got %q, want %q", m.Data, want)
		}
		return m
	case <-time.After(time.Minute):
		c.t.Fatalf("no %q came", want)
	}
	return siptest.Message{}
}

// silent fails the test if anything comes.
func (c *client) silent(why string) {
	c.t.Helper()
	synctest.Wait()
	select {
	case m := <-c.in:
		c.t.Errorf("%s: %q came", why, m.Data)
	default:
	}
}

// inDialog is a request to side of the call as its far end would send it.
func inDialog(c *sip.Call, method string, cseq int, to netip.AddrPort, extra string) string {
	d, _ := c.Dialog() // as others see it: ToTag is the far end's
	return fmt.Sprintf(`%s sip:abcdefgh@%s;transport=tls SIP/2.0
Via: SIP/2.0/TLS 10.0.0.77:5061;rport;branch=z9hG4bK%s%d
Max-Forwards: 70
From: <sip:bob@example.org>;tag=%s
To: <sip:alice@example.org>;tag=%s
Call-ID: %s
CSeq: %d %s
%s`, method, to, strings.ToLower(method), cseq, d.ToTag, d.FromTag, d.CallID, cseq, method, extra)
}

// Whoever can send from a neighbour's address must not get what is meant for the
// neighbour, nor pass for it.
func TestConnectionsWithOneRemoteAddress(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, in := connected(t, alice, bob)
		eve := selfSigned(t)
		c := newClient(t, n, bob.tls, alice.tls, &eve)
		defer c.conn.Close()
		synctest.Wait()
		ok(t, in.Reinvite([]byte(offerSDP)))
		alice.wait("reinvited")
		ok(t, out.AnswerReinvite(200, "", []byte(answerSDP)))
		bob.wait("reinvite answered 200")
		ok(t, out.Info(t.Context(), "text/plain", []byte("x")))
		c.silent("a re-INVITE between alice and bob")

		c.send(strings.ReplaceAll(invitation("eve", sdpLines), "UDP 10.0.0.2:5060", "TLS 10.0.0.2:5061"))
		alice.call().Reject(486, "")
		if got := c.expect("486 INVITE").Header("Via"); !strings.Contains(got, "rport=5061") || !strings.Contains(got, "received=10.0.0.2") {
			t.Errorf("Via of the answer = %q, want where the request came from", got)
		}
		if r := alice.requests[0]; keyOf(r.PeerCertificate) == bob.key || r.Source != bob.tls {
			t.Errorf("admission saw %v with key %q, want eve's at bob's address", r.Source, keyOf(r.PeerCertificate))
		}
		ok(t, in.Bye(""))
		alice.wait("hungup")
		c.silent("BYE between alice and bob")
	})
}

func TestStrangersInAPinnedDialog(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, in := connected(t, alice, bob)
		eve := selfSigned(t)
		for i, cert := range []*tls.Certificate{&eve, nil} {
			c := newClient(t, n, netip.MustParseAddrPort(fmt.Sprintf("10.0.0.2:%d", 6000+i)), alice.tls, cert)
			defer c.conn.Close()
			for j, method := range []string{"INFO", "INVITE", "REFER", "UPDATE", "BYE"} {
				c.send(inDialog(out, method, 100+10*i+j, alice.tls, ""))
				c.expect("403 " + method)
			}
		}
		p := siptest.NewPeer(t, n, "10.0.0.2:7000")
		defer p.Close()
		p.Send(alice.addr, strings.Replace(inDialog(out, "BYE", 20, alice.addr, ""), "SIP/2.0/TLS", "SIP/2.0/UDP", 1))
		p.Expect("403 BYE")
		p.Send(bob.addr, strings.Replace(inDialog(in, "BYE", 20, bob.addr, ""), "SIP/2.0/TLS", "SIP/2.0/UDP", 1))
		p.Expect("403 BYE")
		ok(t, out.Info(t.Context(), "text/plain", []byte("still there")))
		ok(t, out.Bye(""))
		bob.wait("hungup")
		alice.wait("ended well")
		alice.want("answered 200", "ended well")
	})
}

// The far end may come back over another connection, which is then the call's.
func TestPinnedCallFollowsItsFarEnd(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, _ := connected(t, alice, bob)
		c := newClient(t, n, netip.MustParseAddrPort("10.0.0.9:6000"), alice.tls, &bob.cert)
		defer c.conn.Close()
		c.send(inDialog(out, "INFO", 100, alice.tls, "Content-Type: text/plain\n\nx"))
		c.expect("200 INFO")
		if got := out.Route(); got.Addr.Addr().String() != "10.0.0.9" || got.Transport != "tls" {
			t.Errorf("Route = %v, want where the far end is now", got)
		}
		if got := keyOf(out.PeerCertificate()); got != bob.key {
			t.Errorf("key = %q, want bob's", got)
		}
		ok(t, out.Bye(""))
		bye := c.expect("BYE")
		c.send(bye.Reply("200 OK", "", ""))
		alice.wait("ended well")
	})
}

func TestPinnedCallDialsAnew(t *testing.T) {
	for _, caller := range []bool{true, false} {
		t.Run(fmt.Sprint("by the caller ", caller), func(t *testing.T) {
			neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
				out, in := connected(t, alice, bob)
				n.BreakStreams()
				time.Sleep(time.Second)
				one, other, call := alice, bob, out
				if !caller {
					one, other, call = bob, alice, in
				}
				ok(t, call.Bye(""))
				other.wait("hungup")
				one.wait("ended well")
				clear(t, n)
			})
		})
	}
}

// Who took over the address of a neighbour does not get its requests, neither by
// TLS nor in clear.
func TestPinnedCallDoesNotDialAStranger(t *testing.T) {
	for _, caller := range []bool{true, false} {
		t.Run(fmt.Sprint("by the caller ", caller), func(t *testing.T) {
			neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
				out, in := connected(t, alice, bob)
				one, gone, call := alice, bob, out
				if !caller {
					one, gone, call = bob, alice, in
				}
				n.StallStreams()
				gone.close()
				n.BreakStreams()
				time.Sleep(time.Minute)
				var heard strings.Builder
				eve := newNeighbour(t, n, gone.addr.Addr().String(), func(c *sip.Config) { c.Tracer = sip.NewWriterTracer(&heard) })
				defer eve.close()
				ok(t, call.Bye(""))
				time.Sleep(time.Minute)
				if got := one.list(); !strings.HasPrefix(got[len(got)-1], "ended") {
					t.Errorf("events = %q, want an end", got)
				}
				if got := heard.String(); got != "" {
					t.Errorf("eve got a request of the call:\n%s", got)
				}
				clear(t, n)
			})
		})
	}
}

// A connection of pinned calls is closed when the last of them is over for good.
func TestPinnedConnectionIsClosed(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		one, _ := connected(t, alice, bob)
		two := alice.invite(bob.to())
		ok(t, bob.call().Answer([]byte(answerSDP)))
		synctest.Wait()
		ok(t, one.Bye(""))
		time.Sleep(2 * time.Minute)
		ok(t, two.Info(t.Context(), "text/plain", []byte("still on it")))
		if got := streamsOf(n, alice.addr.Addr()); got != 1 {
			t.Errorf("two calls took %d connections, want one", got)
		}
		ok(t, two.Bye(""))
		time.Sleep(32 * time.Second)
		ok(t, alice.e.KeepAlive(bob.to()))
		time.Sleep(10 * time.Second)
		if err := alice.e.KeepAlive(bob.to()); !errors.Is(err, sip.ErrNoRoute) {
			t.Errorf("after the calls: %v, want no connection", err)
		}
		third, _ := connected(t, alice, bob)
		ok(t, third.Bye(""))
		if got := streamsOf(n, alice.addr.Addr()); got != 2 {
			t.Errorf("a call later took %d connections in all, want a new one", got)
		}
	})
}

// Where the far end says that it is may be wrong; where the call began it was.
func TestPinnedCallGoesBackToWhereItBegan(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, _ := connected(t, alice, bob)
		c := newClient(t, n, netip.MustParseAddrPort("10.0.0.9:6000"), alice.tls, &bob.cert)
		defer c.conn.Close()
		c.send(inDialog(out, "UPDATE", 100, alice.tls, "Contact: <sip:bob@10.0.0.99:5061;transport=tls>\n"))
		c.expect("200 UPDATE")
		n.BreakStreams()
		time.Sleep(time.Second)
		ok(t, out.Bye(""))
		bob.wait("hungup")
	})
}

// A call that is pinned late leaves ways that it took before.
func TestPinTakesEffectAtOnce(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		bob.pin = false
		p := siptest.NewPeer(t, n, "10.0.0.1:7000")
		defer p.Close()
		c := newClient(t, n, netip.MustParseAddrPort("10.0.0.1:6000"), bob.tls, &alice.cert)
		defer c.conn.Close()
		invite := strings.Replace(invitation("first", sdpLines), "sip:peer@10.0.0.2:5060", "sip:peer@10.0.0.1:7000;transport=udp", 1)
		c.send(strings.Replace(invite, "UDP 10.0.0.2:5060", "TLS 10.0.0.1:6000", 1))
		in := bob.call()
		ok(t, in.Answer([]byte(answerSDP)))
		tag := c.expect("200 INVITE").Tag("To")
		c.send(strings.Replace(request("ACK", "ack", 1, tag, ""), "UDP 10.0.0.2:5060", "TLS 10.0.0.1:6000", 1))
		bob.wait("confirmed")
		told := make(chan error, 2)
		go func() { told <- in.Info(t.Context(), "text/plain", []byte("in clear")) }()
		p.Send(bob.addr, p.Expect("INFO").Reply("200 OK", "", ""))
		ok(t, <-told)
		if !in.Pin(nameOf(alice.key)) {
			t.Fatal("the call cannot be pinned")
		}
		go func() { told <- in.Info(t.Context(), "text/plain", []byte("encrypted")) }()
		c.send(c.expect("INFO").Reply("200 OK", "", ""))
		ok(t, <-told)
		ok(t, in.Bye(""))
		c.send(c.expect("BYE").Reply("200 OK", "", ""))
		bob.wait("ended well")
	})
}

// Servers that were verified by their certificate alone may use other connections.
func TestOtherCallsAreNotPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		alice := newNeighbour(t, n, "10.0.0.1", func(c *sip.Config) { c.TrustCertificate = func(host, _ string) bool { return host == "example.org" } })
		bob := newNeighbour(t, n, "10.0.0.2", nil)
		defer bob.close()
		defer alice.close()
		out := alice.invite(sip.Route{Transport: "tls", Addr: bob.tls, ServerName: "example.org"})
		ok(t, bob.call().Answer([]byte(answerSDP)))
		alice.wait("answered 200")
		bob.wait("confirmed")
		c := newClient(t, n, netip.MustParseAddrPort("10.0.0.3:6000"), alice.tls, nil)
		defer c.conn.Close()
		c.send(inDialog(out, "INFO", 100, alice.tls, ""))
		c.expect("200 INFO")
		ok(t, out.Bye(""))
		bob.wait("hungup")
	})
}

// A key that is trusted now under the same name is still not the one of the call.
func TestPinnedCallStaysWithItsKey(t *testing.T) {
	neighbours(t, func(t *testing.T, n *siptest.Network, alice, bob *neighbour) {
		out, _ := connected(t, alice, bob)
		name := nameOf(bob.key)
		n.StallStreams()
		bob.close()
		n.BreakStreams()
		time.Sleep(time.Minute)
		eve := newNeighbour(t, n, "10.0.0.2", nil)
		defer eve.close()
		alice.mu.Lock()
		alice.known[name] = eve.key
		alice.mu.Unlock()
		ok(t, out.Bye(""))
		alice.wait("ended sip: tls 10.0.0.2:5061: the far end of the call had another key")
	})
}

func TestRelocatedCallKeepsItsPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		host := n.Host("10.0.0.1")
		alice := newNeighbour(t, n, "10.0.0.1", func(c *sip.Config) { c.Network = host })
		bob := newNeighbour(t, n, "10.0.0.2", nil)
		defer bob.close()
		defer alice.close()
		alice.knows(bob.key)
		out, in := connected(t, alice, bob)
		host.SetAddrs("10.0.0.9")
		ok(t, alice.e.Rebind(t.Context(), []netip.AddrPort{netip.MustParseAddrPort("10.0.0.9:5060")}, []netip.AddrPort{netip.MustParseAddrPort("10.0.0.9:5061")}))
		ok(t, out.Relocate())
		alice.wait("relocated 10.0.0.9")
		ok(t, out.Reinvite([]byte(offerSDP)))
		bob.wait("reinvited")
		ok(t, in.AnswerReinvite(200, "", []byte(answerSDP)))
		alice.wait("reinvite answered 200")
		if got := out.Route(); got != bob.to() {
			t.Errorf("Route = %v, want that with bob's name", got)
		}
		if got := in.LocalAddr(); got != bob.addr.Addr() || in.Route().Addr.Addr().String() != "10.0.0.9" {
			t.Errorf("bob goes from %v to %v, want to alice's new address", got, in.Route().Addr)
		}
		// The new way is pinned, too.
		eve := selfSigned(t)
		for i, c := range []*sip.Call{out, in} {
			to := []netip.AddrPort{netip.MustParseAddrPort("10.0.0.9:5061"), bob.tls}[i]
			x := newClient(t, n, netip.MustParseAddrPort(fmt.Sprintf("10.0.0.8:%d", 6000+i)), to, &eve)
			defer x.conn.Close()
			x.send(inDialog(c, "BYE", 100, to, ""))
			x.expect("403 BYE")
		}
		n.BreakStreams() // both find each other by what they were told
		time.Sleep(time.Second)
		ok(t, in.Bye(""))
		alice.wait("hungup")
		clear(t, n)
	})
}
