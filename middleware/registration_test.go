package middleware_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/registration"
	"parley/sip/siptest"
	"parley/storage"
)

const challenge = "WWW-Authenticate: Digest realm=\"example.org\", nonce=\"n%d\", qop=\"auth\", algorithm=%s\n"

// registered runs f with a phone whose account alice@example.org has the peer
// for its outbound proxy.
func registered(t *testing.T, f func(t *testing.T, p *middlewaretest.Phone, registrar *siptest.Peer), options ...middlewaretest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		registrar := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		account := func(c *middleware.Config, s *storage.Settings) {
			a := storage.NewAccount("alice@example.org")
			a.Proxy, a.Transport = "192.0.2.10", storage.TransportUDP
			s.Accounts = append(s.Accounts, a)
			if err := c.Profile.Secrets().Set(t.Context(), a.ID, "secret"); err != nil {
				t.Fatal(err)
			}
		}
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", append(options, account)...)
		f(t, p, registrar)
		done := make(chan struct{})
		go func() { // whatever is asked at the end is answered
			defer close(done)
			p.Stop()
		}()
		for ended := false; !ended; {
			select {
			case <-done:
				ended = true
			case <-time.After(50 * time.Millisecond):
			}
		}
		registrar.Close()
	})
}

func snapshot(t *testing.T, p *middlewaretest.Phone) middleware.AccountSnapshot {
	t.Helper()
	synctest.Wait()
	a, err := p.App.AccountManager().GetAccount("alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return a.Snapshot()
}

// accept answers a REGISTER with its own contact.
func accept(r *siptest.Peer, m siptest.Message, expires int) {
	r.Send(m.From, m.Reply("200 OK", "r", fmt.Sprintf("Contact: %s;expires=%d\nContact: <sip:other@192.0.2.77>;expires=3000\n", m.Header("Contact"), expires)))
}

func TestAccountRegistersAndRefreshes(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		if auth := m.Header("Authorization"); auth != "" {
			t.Errorf("the first REGISTER carries %q, want no Authorization", auth)
		}
		r.Send(m.From, m.Reply("401 Unauthorized", "r", fmt.Sprintf(challenge, 1, "SHA-256")))
		m = r.Expect("REGISTER")
		if auth := m.Header("Authorization"); !strings.Contains(auth, "SHA-256") || strings.Contains(auth, "secret") {
			t.Errorf("Authorization = %q, want one by SHA-256", auth)
		}
		accept(r, m, 300)
		snap := snapshot(t, p)
		if snap.Registration != registration.Registered || snap.Contact == "" || !snap.Default {
			t.Fatalf("account = %+v, want it registered and the default", snap)
		}
		if left := time.Until(snap.Expires); left < 299*time.Second || left > 300*time.Second {
			t.Errorf("the registration lasts %v, want the contact's own 300 s", left)
		}
		begun := time.Now()
		var again siptest.Message
		for range 5 { // Expect waits a minute at a time
			time.Sleep(50 * time.Second)
			synctest.Wait()
		}
		again = r.Expect("REGISTER")
		accept(r, again, 300)
		if since := again.Time.Sub(begun); since < 200*time.Second || since > 299*time.Second {
			t.Errorf("refreshed after %v, want before the end of 300 s", since)
		}
		if !strings.Contains(again.Header("Authorization"), "nc=00000002") {
			t.Errorf("the refresh carries Authorization %q, want the known nonce used again", again.Header("Authorization"))
		}
	})
}

func TestWrongPasswordIsNotTriedAgain(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		for i := range 2 {
			m := r.Expect("REGISTER")
			r.Send(m.From, m.Reply("401 Unauthorized", "r", fmt.Sprintf(challenge, i+1, "MD5")))
		}
		r.Silent("REGISTER", time.Hour)
		snap := snapshot(t, p)
		if snap.Registration != registration.Failed || snap.Failure.Kind != middleware.BadPassword || snap.Failure.Account != snap.ID || !snap.NextTry.IsZero() {
			t.Errorf("account = %+v, want it failed for its password and no further try", snap)
		}
		// A new password is tried at once.
		if err := p.App.AccountManager().SetPassword(t.Context(), snap.ID, "better"); err != nil {
			t.Fatal(err)
		}
		accept(r, r.Expect("REGISTER"), 600)
		if snap := snapshot(t, p); snap.Registration != registration.Registered || snap.Failure.Kind != middleware.NoFailure {
			t.Errorf("account = %+v, want it registered", snap)
		}
	})
}

func TestSilentRegistrarIsTriedAgain(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		time.Sleep(33 * time.Second)
		snap := snapshot(t, p)
		if snap.Registration != registration.Failed || snap.Failure.Kind != middleware.ServerTimeout || snap.NextTry.IsZero() {
			t.Fatalf("account = %+v, want it failed for a silent server, with another try planned", snap)
		}
		time.Sleep(10 * time.Second)
		var m siptest.Message
		for m.Time.IsZero() || time.Since(m.Time) > 10*time.Second {
			m = r.Expect("REGISTER")
		}
		accept(r, m, 600)
		if snap := snapshot(t, p); snap.Registration != registration.Registered {
			t.Errorf("account = %+v, want it registered once the server is back", snap)
		}
	})
}

func TestDisablingUnregistersOnlyOurContact(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		accept(r, m, 600)
		synctest.Wait()
		err := p.App.AccountManager().ChangeAccount("alice@example.org", func(a *middleware.AccountSettings) error {
			a.Enabled = false
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		bye := r.Expect("REGISTER")
		contact := bye.Header("Contact")
		if contact == "*" || !strings.Contains(contact, "expires=0") && bye.Header("Expires") != "0" {
			t.Errorf("unregistered with Contact %q and Expires %q, want our own contact with 0", contact, bye.Header("Expires"))
		}
		r.Send(bye.From, bye.Reply("200 OK", "r", "Contact: <sip:other@192.0.2.77>;expires=3000\n"))
		time.Sleep(time.Second)
		if snap := snapshot(t, p); snap.Active || snap.Registration != registration.Off {
			t.Errorf("account = %+v, want it inactive", snap)
		}
		if _, ok := middlewaretest.Last[middleware.SIPAccountRegistrationDidEnd](p); !ok {
			t.Error("SIPAccountRegistrationDidEnd was not posted")
		}
	})
}

func TestStrangersAreRefused(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		accept(r, m, 600)
		contact := strings.Trim(strings.Split(m.Header("Contact"), ";")[0], "<>")
		host := contact[strings.IndexByte(contact, '@')+1:]
		stranger := siptest.NewPeer(t, &p.Net.SIP, "192.0.2.66:5060")
		for _, tt := range []struct{ uri, want string }{
			{"sip:alice@" + host, "403 INVITE"},
			{contact, "180 INVITE"},
		} {
			stranger.Send(m.From, "INVITE "+tt.uri+" SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bK"+tt.want[:3]+"\nFrom: <sip:x@y>;tag=1\nTo: <sip:alice@example.org>\nCall-ID: "+tt.want[:3]+"\nCSeq: 1 INVITE\nContact: <sip:x@192.0.2.66>\nMax-Forwards: 70\n")
			stranger.Expect(tt.want)
		}
		stranger.Close()
	})
}

func TestRegisteredFlowIsKeptOpen(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		before := len(p.Net.SIP.Packets())
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		pings := 0
		for _, packet := range p.Net.SIP.Packets()[before:] {
			if string(packet.Data) == "\r\n\r\n" {
				pings++
			}
		}
		if pings != 4 {
			t.Errorf("%d keep-alives in two minutes, want 4", pings)
		}
	})
}
