package middleware_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/registration"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/siptest"
	"parley/storage"
)

// A streamServer is a registrar by TCP that takes every call.
type streamServer struct {
	t     *testing.T
	l     net.Listener
	conns chan net.Conn
	heard chan string // "1 REGISTER": number of the connection and what came
}

func newStreamServer(t *testing.T, n *siptest.Network) *streamServer {
	l, err := n.Host("192.0.2.10").Listen(t.Context(), netip.MustParseAddrPort("192.0.2.10:5060"))
	if err != nil {
		t.Fatal(err)
	}
	s := &streamServer{t: t, l: l, conns: make(chan net.Conn, 16), heard: make(chan string, 1000)}
	go func() {
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.conns <- c
			go s.serve(n, c)
		}
	}()
	return s
}

func (s *streamServer) serve(n int, c net.Conn) {
	buf := make([]byte, 65536)
	for {
		size, err := c.Read(buf) // one message, as it was written
		if err != nil {
			return
		}
		m := siptest.Message{Packet: siptest.Packet{Data: append([]byte(nil), buf[:size]...)}}
		summary := m.Summary()
		if summary == "" {
			continue
		}
		s.heard <- fmt.Sprintf("%d %s", n, summary)
		extra := ""
		switch summary {
		case "ACK":
			continue
		case "REGISTER":
			extra = "Contact: " + m.Header("Contact") + "\n"
		case "INVITE":
			extra = "Contact: <sip:bob@192.0.2.10:5060;transport=tcp>\nContent-Type: application/sdp\n\n" +
				"v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n"
		}
		if strings.HasPrefix(summary, "200") {
			continue
		}
		_, _ = c.Write([]byte(siptest.Wire(m.Reply("200 OK", "s", extra))))
	}
}

// wait returns when what was heard, and how long that took.
func (s *streamServer) wait(want string) time.Duration {
	s.t.Helper()
	begun := time.Now()
	late := time.After(time.Minute)
	var others []string
	for {
		select {
		case got := <-s.heard:
			if got == want {
				return time.Since(begun)
			}
			others = append(others, got)
		case <-late:
			s.t.Fatalf("no %q came, only %q", want, others)
		}
	}
}

// A server that restarts is found again: the account registers by another connection, and the call's next request tells the
// server of that.
func TestLostConnectionIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		server := newStreamServer(t, &n.SIP)
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			a := storage.NewAccount("alice@example.org")
			a.Proxy, a.Transport = "sip:192.0.2.10;transport=tcp", storage.TransportTCP
			s.Accounts = append(s.Accounts, a)
		})
		server.wait("1 REGISTER")
		s := p.Dial("bob@example.org")
		server.wait("1 ACK")
		soon()
		_ = (<-server.conns).Close()
		if took := server.wait("2 REGISTER"); took > 3*time.Second {
			t.Errorf("registered after %v, want within 3 s", took)
		}
		server.wait("2 INVITE")
		server.wait("2 ACK")
		soon()
		snap := s.Snapshot()
		if snap.Place != (session.Place{State: session.Established}) || snap.Reconnecting {
			t.Errorf("the call is %v, reconnecting %v, want it to go on", snap.Place, snap.Reconnecting)
		}
		s.End()
		server.wait("2 BYE")
		p.Stop()
		_ = server.l.Close()
		for len(server.conns) > 0 {
			_ = (<-server.conns).Close()
		}
	})
}

// A keyring that does not run yet is waited for; a wrong password is not.
func TestMissingKeyringIsWaitedFor(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 3600)
		synctest.Wait()
		a, err := p.App.AccountManager().GetAccount("alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		a.Outcome(fmt.Errorf("%w: locked", storage.ErrSecretsUnavailable))
		if snap := snapshot(t, p); snap.Failure.Kind != middleware.NoKeyring || !snap.NextTry.IsZero() {
			t.Errorf("with a locked keyring the account is %+v, want no further try", snap)
		}
		a.Outcome(fmt.Errorf("%w: %w", storage.ErrSecretsUnavailable, storage.ErrNoSecretService))
		if snap := snapshot(t, p); snap.Failure.Kind != middleware.NoKeyring || snap.NextTry.IsZero() {
			t.Errorf("without a keyring the account is %+v, want another try", snap)
		}
		accept(r, r.Expect("REGISTER"), 3600)
		synctest.Wait()
		a.Outcome(&sip.StatusError{Method: "REGISTER", Code: 403})
		if snap := snapshot(t, p); snap.Registration != registration.Failed || !snap.NextTry.IsZero() {
			t.Errorf("refused, the account is %+v, want no further try", snap)
		}
	})
}

// While no name server answers, the account goes on with the addresses it knows.
func TestOutageOfTheNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		var down atomic.Bool
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", middlewaretest.LookupsFailWhile(&down, "192.0.2.10"), func(_ *middleware.Config, s *storage.Settings) {
			a := storage.NewAccount("alice@example.org")
			a.Transport = storage.TransportUDP
			s.Accounts = append(s.Accounts, a)
		})
		accept(r, r.Expect("REGISTER"), 100)
		synctest.Wait()
		down.Store(true)
		time.Sleep(10 * time.Second)
		accept(r, r.Expect("REGISTER"), 3600) // refreshed after the name's time to live
		s := p.Dial("bob@example.org")
		invite := r.Expect("INVITE")
		r.Send(invite.From, invite.Reply("486 Busy Here", "b", ""))
		<-s.Done()
		if snap := snapshot(t, p); snap.Registration != registration.Registered {
			t.Errorf("account = %+v, want it registered", snap)
		}
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			p.Stop()
		}()
		accept(r, r.Expect("REGISTER"), 0)
		<-stopped
		r.Close()
	})
}
