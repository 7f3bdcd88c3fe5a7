package sip_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// registration is a REGISTER to the peers, in order.
func registration(auth *sip.Authorizer, to ...netip.AddrPort) sip.RegisterRequest {
	r := sip.RegisterRequest{
		AOR:       sip.Address{URI: must(sip.ParseURI("sip:alice@example.org"))},
		Registrar: must(sip.ParseURI("sip:example.org")),
		Auth:      auth, Expires: 10 * time.Minute, CallID: "reg-1", InstanceID: "urn:uuid:1",
	}
	for _, a := range to {
		r.Routes = append(r.Routes, sip.Route{Transport: "udp", Addr: a})
	}
	return r
}

// registrar answers REGISTERs at p with what answer returns: status and further
// header lines. It keeps what it saw.
func registrar(s *side, p *siptest.Peer, answers ...func(m siptest.Message) (string, string)) <-chan []siptest.Message {
	out := make(chan []siptest.Message, 1)
	go func() {
		var seen []siptest.Message
		for _, answer := range answers {
			m := p.Expect("REGISTER")
			seen = append(seen, m)
			if status, extra := answer(m); status != "" {
				p.Send(s.addr, m.Reply(status, "reg", extra))
			}
		}
		out <- seen
	}()
	return out
}

func says(status, extra string) func(siptest.Message) (string, string) {
	return func(siptest.Message) (string, string) { return status, extra }
}

func cseq(m siptest.Message) int {
	n, _ := strconv.Atoi(strings.Fields(m.Header("CSeq"))[0])
	return n
}

func TestRegister(t *testing.T) {
	const challenge = "WWW-Authenticate: Digest realm=\"example.org\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\n"
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		seen := registrar(s, p,
			says("401 Unauthorized", challenge),
			says("423 Too Brief", "Min-Expires: 1800\n"),
			func(m siptest.Message) (string, string) {
				return "200 OK", "Contact: <sip:other@192.0.2.7>;expires=60, <sip:abcdefgh@10.0.0.1:5060>;expires=1234\nExpires: 3600\nService-Route: <sip:sr.example.org;lr>\n"
			},
			says("200 OK", "Contact: <sip:other@192.0.2.7>;expires=60\n"),
		)
		r := registration(sip.NewAuthorizer(sip.Credentials{Username: "alice", Password: "secret"}, nil), p.Addr)
		got, err := s.e.Register(t.Context(), r)
		ok(t, err)
		if got.Code != 200 || got.Expires != 1234*time.Second || len(got.Contacts) != 2 || got.Contact.User != "abcdefgh" {
			t.Errorf("Register = %+v", got)
		}
		if len(got.ServiceRoute) != 1 || got.ServiceRoute[0] != "<sip:sr.example.org;lr>" {
			t.Errorf("Service-Route = %q", got.ServiceRoute)
		}
		r.Expires = 0
		got, err = s.e.Register(t.Context(), r)
		ok(t, err)
		if got.Expires != 0 {
			t.Errorf("after removal expires = %v, want 0", got.Expires)
		}
		ms := <-seen
		for i, m := range ms {
			if m.Header("Call-ID") != "reg-1" || i > 0 && cseq(m) != cseq(ms[i-1])+1 {
				t.Errorf("REGISTER %d has Call-ID %q, CSeq %q", i, m.Header("Call-ID"), m.Header("CSeq"))
			}
			if c := m.Header("Contact"); !strings.Contains(c, "<sip:abcdefgh@10.0.0.1:5060>") || !strings.Contains(c, `+sip.instance="<urn:uuid:1>"`) {
				t.Errorf("Contact = %q", c)
			}
		}
		if !strings.Contains(ms[1].Header("Authorization"), `username="alice"`) {
			t.Errorf("Authorization = %q", ms[1].Header("Authorization"))
		}
		if got, want := ms[2].Header("Expires"), "1800"; got != want {
			t.Errorf("Expires after 423 = %q, want %q", got, want)
		}
		if got := ms[3].Header("Contact"); !strings.Contains(got, ";expires=0") || strings.Contains(got, "*") {
			t.Errorf("Contact at removal = %q, want only ours with expires=0", got)
		}
	})
}

func TestRegisterErrors(t *testing.T) {
	const challenge = "WWW-Authenticate: Digest realm=\"example.org\", nonce=\"n%d\", qop=\"auth\"\n"
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		seen := registrar(s, p, says("401 No", fmt.Sprintf(challenge, 1)), says("401 No", fmt.Sprintf(challenge, 2)))
		_, err := s.e.Register(t.Context(), registration(sip.NewAuthorizer(sip.Credentials{Username: "alice", Password: "wrong"}, nil), p.Addr))
		var status *sip.StatusError
		if !errors.Is(err, sip.ErrBadCredentials) || !errors.As(err, &status) || status.Code != 401 {
			t.Errorf("wrong password: %v", err)
		}
		<-seen
		p.Silent("REGISTER", time.Minute)
	})
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		seen := registrar(s, p, says("200 OK", ""))
		silent := netip.MustParseAddrPort("10.0.0.7:5060")
		start := time.Now()
		got, err := s.e.Register(t.Context(), registration(nil, silent, p.Addr))
		ok(t, err)
		if got.Route.Addr != p.Addr || time.Since(start) != 4*time.Second {
			t.Errorf("registered at %v after %v, want %v after 4 s", got.Route.Addr, time.Since(start), p.Addr)
		}
		<-seen
	})
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		start := time.Now()
		_, err := s.e.Register(t.Context(), registration(nil, netip.MustParseAddrPort("10.0.0.7:5060")))
		var transport *sip.TransportError
		if !errors.Is(err, sip.ErrTimeout) || !errors.As(err, &transport) || time.Since(start) != 32*time.Second {
			t.Errorf("silent registrar: %v after %v", err, time.Since(start))
		}
	})
}

func TestInviteAndByeAreAuthorized(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
		r.Auth = sip.NewAuthorizer(sip.Credentials{Username: "alice", Password: "secret"}, nil)
		c := must(s.e.Invite(r))
		first := p.Expect("INVITE")
		p.Send(s.addr, first.Reply("407 Proxy", "x", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"a\", qop=\"auth\"\n"))
		p.Expect("ACK")
		inv := p.Expect("INVITE")
		if inv.Header("Proxy-Authorization") == "" || cseq(inv) != cseq(first)+1 || inv.Header("Via") == first.Header("Via") {
			t.Errorf("second INVITE:\n%s", inv.Data)
		}
		p.Send(s.addr, inv.Reply("200 OK", "bob", "Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		if got := p.Expect("ACK"); got.Header("Proxy-Authorization") == "" {
			t.Error("ACK without the credentials of its INVITE")
		}
		s.wait("answered 200")
		ok(t, c.Reinvite([]byte(offerSDP)))
		re := p.Expect("INVITE")
		p.Send(s.addr, re.Reply("407 Proxy", "", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"b\", qop=\"auth\", stale=true\n"))
		p.Expect("ACK")
		re = p.Expect("INVITE")
		p.Send(s.addr, re.Reply("200 OK", "", "Contact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		p.Expect("ACK")
		s.wait("reinvite answered 200")
		ok(t, c.Bye(""))
		bye := p.Expect("BYE")
		p.Send(s.addr, bye.Reply("407 Proxy", "", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"c\", qop=\"auth\", stale=true\n"))
		bye2 := p.Expect("BYE")
		if cseq(bye2) != cseq(bye)+1 {
			t.Errorf("CSeq of the second BYE = %d, want %d", cseq(bye2), cseq(bye)+1)
		}
		p.Send(s.addr, bye2.Reply("200 OK", "", ""))
		s.wait("ended well")
	})
}

func TestRegisteredConnectionBringsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := newSide(t, n, "10.0.0.1:5060", nil)
		defer s.close()
		l := must(n.Host("10.0.0.2").Listen(t.Context(), netip.MustParseAddrPort("10.0.0.2:5060")))
		defer l.Close()
		done := make(chan string, 1)
		go func() {
			c := must(l.Accept())
			defer c.Close()
			buf := make([]byte, 65536)
			m := siptest.Message{Packet: siptest.Packet{Data: buf[:must(c.Read(buf))]}}
			must(c.Write([]byte(siptest.Wire(m.Reply("200 OK", "r", "Contact: <sip:abcdefgh@10.0.0.1:5060;transport=tcp>;expires=60\n")))))
			bad := "INVITE sip:x SIP/2.0\r\nThis is no header\r\nContent-Length: 0\r\n\r\n"
			text := strings.ReplaceAll(invitation("t", sdpLines), "SIP/2.0/UDP", "SIP/2.0/TCP")
			must(c.Write([]byte(bad + siptest.Wire(text))))
			for {
				size := must(c.Read(buf))
				if got := siptest.Summary(buf[:size]); got == "486 INVITE" {
					done <- got
					return
				}
			}
		}()
		r := registration(nil, netip.MustParseAddrPort("10.0.0.2:5060"))
		r.Routes[0].Transport = "tcp"
		got, err := s.e.Register(t.Context(), r)
		ok(t, err)
		if got.Expires != time.Minute {
			t.Errorf("expires = %v, want 1m", got.Expires)
		}
		ok(t, s.call().Reject(486, ""))
		<-done
	})
}
