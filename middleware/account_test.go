package middleware_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
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

// calling is registered with a call from the account that is up.
func calling(t *testing.T, f func(t *testing.T, p *middlewaretest.Phone, registrar *siptest.Peer, s *middleware.Session)) {
	t.Helper()
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "bob@example.org", Account: "alice@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		invite := r.Expect("INVITE")
		r.Send(invite.From, invite.Reply("200 OK", "b", "Contact: <sip:bob@192.0.2.10:5060>\nContent-Type: application/sdp\n\n"+
			"v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n"))
		r.Expect("ACK")
		soon()
		p.Names()
		f(t, p, r, s)
	})
}

func TestOfflineKeepsCalls(t *testing.T) {
	calling(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session) {
		if err := p.App.SetUserStatus(middleware.Offline); err != nil {
			t.Fatal(err)
		}
		m := r.Expect("REGISTER")
		if got := m.Header("Expires"); got != "0" {
			t.Errorf("going offline sent a REGISTER with Expires %q, want 0", got)
		}
		r.Send(m.From, m.Reply("200 OK", "r", ""))
		time.Sleep(3 * time.Second)
		if a, got := snapshot(t, p), s.Snapshot().State(); got != session.Established || !a.Active || a.Registration != registration.Off {
			t.Errorf("offline: call %v, account %+v, want the call to go on and the account unregistered", got, a)
		}
		s.End()
		m = r.Expect("BYE")
		r.Send(m.From, m.Reply("200 OK", "b", ""))
		soon()
		if a := snapshot(t, p); a.Active {
			t.Errorf("after the last call the account is %+v, want it inactive", a)
		}
	})
}

func TestDisablingEndsCallsOurselves(t *testing.T) {
	calling(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session) {
		enable(t, p, false)
		for _, method := range []string{"REGISTER", "BYE"} {
			m := r.Expect(method)
			r.Send(m.From, m.Reply("200 OK", "b", ""))
		}
		soon()
		if end := s.Snapshot().End; end.By != middleware.Local || end.Kind != middleware.NoFailure {
			t.Errorf("our own BYE is told as one by %s, %v", end.By, end.Kind)
		}
	})
}

func enable(t *testing.T, p *middlewaretest.Phone, on bool) {
	t.Helper()
	err := p.App.AccountManager().ChangeAccount("alice@example.org", func(a *middleware.AccountSettings) error {
		a.Enabled = on
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStoppedAccountStaysSo(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		synctest.Wait()
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.App.Stop(context.Background())
		}()
		time.Sleep(100 * time.Millisecond) // the registrar is silent, so that this waits in the queue
		for _, s := range []middleware.UserStatus{middleware.Offline, middleware.Online} {
			if err := p.App.SetUserStatus(s); err != nil {
				t.Fatal(err)
			}
		}
		<-done
		before := p.Net.SIP.Count("REGISTER")
		time.Sleep(time.Minute)
		synctest.Wait()
		if after := p.Net.SIP.Count("REGISTER"); after != before {
			t.Errorf("%d REGISTERs after Stop", after-before)
		}
		if a := snapshot(t, p); a.Active {
			t.Errorf("the account is active after Stop: %+v", a)
		}
	})
}

func TestDisablingTakesAwayWhatMayBeBound(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		enable(t, p, false)
		accept(r, m, 3600) // nobody waits for this any more
		m = r.Expect("REGISTER")
		if got := m.Header("Expires"); got != "0" {
			t.Errorf("Expires = %q, want 0: the registrar has bound us", got)
		}
		r.Send(m.From, m.Reply("200 OK", "r", ""))
		soon()
		if a := snapshot(t, p); a.Active {
			t.Errorf("account = %+v, want it inactive", a)
		}
	})
}

func TestFailedRefreshLeavesNothingBound(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 120)
		synctest.Wait()
		time.Sleep(93 * time.Second) // the refresh after 60 s has had no answer for 32 s
		if a := snapshot(t, p); a.Registration != registration.Failed {
			t.Fatalf("account = %+v, want a failed refresh", a)
		}
		before := time.Now()
		enable(t, p, false)
		m := r.Expect("REGISTER")
		for m.Time.Before(before) {
			m = r.Expect("REGISTER")
		}
		if got := m.Header("Expires"); got != "0" {
			t.Errorf("Expires = %q, want 0: the contact of before is bound still", got)
		}
		r.Send(m.From, m.Reply("200 OK", "r", ""))
	})
}

func TestRemovedAccountUnregistersAsItWas(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		synctest.Wait()
		removed := make(chan error, 1)
		go func() { removed <- p.App.AccountManager().RemoveAccount(context.Background(), "alice@example.org") }()
		m := r.Expect("REGISTER") // by the proxy, which is in the settings no more
		if got := m.Header("Expires"); got != "0" {
			t.Errorf("Expires = %q, want 0", got)
		}
		r.Send(m.From, m.Reply("200 OK", "r", ""))
		if err := <-removed; err != nil {
			t.Errorf("RemoveAccount: %v", err)
		}
		if _, err := p.Profile.Secrets().Get(t.Context(), "alice@example.org"); !errors.Is(err, storage.ErrNoSecret) {
			t.Errorf("password of the removed account: %v, want ErrNoSecret", err)
		}
	})
}

func TestRefusedContactIsNotTakenAway(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		r.Send(m.From, m.Reply("403 Forbidden", "r", ""))
		soon()
		enable(t, p, false)
		r.Silent("REGISTER", time.Minute)
	})
}

func TestNewTransportLeavesTheOldContact(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		synctest.Wait()
		err := p.App.AccountManager().ChangeAccount("alice@example.org", func(a *middleware.AccountSettings) error {
			a.Transport = storage.TransportTCP
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		m := r.Expect("REGISTER")
		if got := m.Header("Expires"); got != "0" {
			t.Errorf("Expires = %q, want the contact by UDP taken away first", got)
		}
		r.Send(m.From, m.Reply("200 OK", "r", ""))
	})
}

func TestCalledHostIsNoServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withAccounts("alice@example.org"))
		soon()
		a, err := p.App.AccountManager().GetAccount("alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "sip:x@192.0.2.66", Account: a.ID()})
		if err != nil {
			t.Fatal(err)
		}
		soon()
		s.End()
		time.Sleep(time.Minute)
		synctest.Wait()
		r := sip.Request{Method: "INVITE", Source: netip.MustParseAddrPort("192.0.2.66:5060")}
		r.RequestURI.User = "alice"
		if got := a.Admit(r); got != 403 {
			t.Errorf("a request from a host that was called once gets %d, want 403", got)
		}
		p.Stop()
	})
}

func TestNewDefaultAccountIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withAccounts("a@example.org", "b@example.org"))
		if err := p.App.AccountManager().SetDefaultAccount("b@example.org"); err != nil {
			t.Fatal(err)
		}
		soon()
		got, _ := middlewaretest.Last[middleware.SIPAccountManagerDidChangeDefaultAccount](p)
		if got.OldAccount != "a@example.org" || got.Account != "b@example.org" {
			t.Errorf("last SIPAccountManagerDidChangeDefaultAccount = %+v, want from a to b", got)
		}
		p.Stop()
	})
}

func TestAccountOfAnotherCaseIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", withAccounts("a@b.c", "alice@Example.ORG"))
		m := p.App.AccountManager()
		for _, id := range []string{"alice@Example.ORG", "sip:alice@example.org"} {
			if _, err := m.GetAccount(id); err != nil {
				t.Errorf("GetAccount(%q): %v", id, err)
			}
		}
		if err := m.SetDefaultAccount("alice@example.org"); err != nil || m.DefaultAccount().ID() != "alice@Example.ORG" {
			t.Errorf("the default account is %s, want alice: %v", m.DefaultAccount().ID(), err)
		}
		if _, err := m.AddAccount(t.Context(), middleware.NewAccountSettings("alice@EXAMPLE.org"), ""); !errors.Is(err, middleware.ErrAccountExists) {
			t.Errorf("AddAccount of the same address: %v, want ErrAccountExists", err)
		}
		if err := m.RemoveAccount(t.Context(), "alice@example.org"); err != nil || m.HasAccount("alice@example.org") {
			t.Errorf("RemoveAccount: %v, there still: %v", err, m.HasAccount("alice@example.org"))
		}
		p.Stop()
	})
}

func TestAccountIsAddedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		var added atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				set := middleware.NewAccountSettings("alice@example.org")
				set.Registration = false
				if _, err := p.App.AccountManager().AddAccount(t.Context(), set, "secret"); err == nil {
					added.Add(1)
				}
			})
		}
		all.Wait()
		if got := len(p.App.Settings().Accounts); added.Load() != 1 || got != 1 {
			t.Errorf("8 programs at once added the account %d times, %d are saved, want 1", added.Load(), got)
		}
		p.Stop()
	})
}

func TestRefusedAccountLeavesNoPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		set := middleware.NewAccountSettings("alice@example.org")
		set.Expires = -time.Second
		if _, err := p.App.AccountManager().AddAccount(t.Context(), set, "secret"); err == nil {
			t.Error("AddAccount took a negative Expires")
		}
		if _, err := p.Profile.Secrets().Get(t.Context(), "alice@example.org"); !errors.Is(err, storage.ErrNoSecret) {
			t.Errorf("password of the account that was not made: %v, want ErrNoSecret", err)
		}
		p.Stop()
	})
}

// A lookup that somebody else cancels is a failure like others.
func TestForeignCancellationIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := func(_ *middleware.Config, s *storage.Settings) {
			s.Accounts = append(s.Accounts, storage.NewAccount("alice@example.org"))
		}
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", account, middlewaretest.LookupsFail(context.Canceled))
		soon()
		if a := snapshot(t, p); a.Registration != registration.Failed || a.NextTry.IsZero() {
			t.Errorf("account = %+v, want it failed and another try planned", a)
		}
		p.Stop()
	})
}

// fragile is a host whose packet sockets can be lost.
type fragile struct {
	*siptest.Host

	mu   sync.Mutex // guards what follows
	open []net.PacketConn
	down bool
}

func (f *fragile) ListenPacket(ctx context.Context, a netip.AddrPort) (net.PacketConn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return nil, net.ErrClosed
	}
	c, err := f.Host.ListenPacket(ctx, a)
	f.open = append(f.open, c)
	return c, err
}

func (f *fragile) set(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
	if down {
		for _, c := range f.open {
			_ = c.Close()
		}
	}
}

func TestLostSocketRegistersAnew(t *testing.T) {
	var host *fragile
	option := func(c *middleware.Config, _ *storage.Settings) {
		host = &fragile{Host: c.Network.(*siptest.Host)}
		c.Network = host
	}
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 3600)
		synctest.Wait()
		host.set(true)
		time.Sleep(5 * time.Minute)
		if a := snapshot(t, p); a.Registration == registration.Registered {
			t.Errorf("without its socket the account is %+v", a)
		}
		host.set(false)
		begun := time.Now()
		accept(r, r.Expect("REGISTER"), 3600)
		if since := time.Since(begun); since > 10*time.Second {
			t.Errorf("registered %v after the network was back", since)
		}
		if a := snapshot(t, p); a.Registration != registration.Registered {
			t.Errorf("with its socket back the account is %+v", a)
		}
	}, option)
}

// withAccounts has accounts that do not register.
func withAccounts(ids ...string) middlewaretest.Option {
	return func(_ *middleware.Config, s *storage.Settings) {
		for _, id := range ids {
			a := storage.NewAccount(id)
			a.Registration = false
			s.Accounts = append(s.Accounts, a)
		}
	}
}

// A script that calls as soon as the program has started is not refused.
func TestAccountsCanCallOnceStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			a := storage.NewAccount("alice@example.org")
			a.Registration = false
			s.Accounts = append(s.Accounts, a)
		})
		if _, err := p.App.SessionManager().Dial(middleware.DialRequest{Target: "sip:x@192.0.2.2", Account: "alice@example.org"}); err != nil {
			t.Errorf("Dial right after Start: %v", err)
		}
		p.Stop()
	})
}
