package middleware

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/mailbox"
	"parley/middleware/registration"
	"parley/sip"
	"parley/storage"
)

// unregisterTime bounds how long quitting waits for registrars.
const unregisterTime = 2 * time.Second

// An Account is one SIP account. Its methods may be used from any goroutine and
// do not block unless they take a context.
//
// One goroutine owns it: it keeps the account registered while it is active.
type Account struct {
	id      string
	app     *SIPApplication
	log     *slog.Logger
	user    string // random user part of our Contact, new at each start
	callID  string
	queue   *mailbox.Queue[func()]
	snap    atomic.Pointer[AccountSnapshot]
	ep      atomic.Pointer[sip.Endpoint] // nil while inactive
	running sync.WaitGroup

	mu    sync.Mutex          // guards what follows
	hops  map[netip.Addr]bool // addresses that the account's servers are known by
	creds sip.Credentials     // of the authorizers; empty before they are first needed
	auth  *sip.Authorizer     // for the registrar
	calls *sip.Authorizer     // for calls: what a proxy asks for is no business of the registrar

	// The rest belongs to the account's goroutine.
	now      AccountSnapshot
	attempt  context.CancelFunc // of the REGISTER that is out
	round    int                // counts attempts, so that a late result is known as such
	failures int
	timer    *time.Timer
	flow     context.CancelFunc // ends the keep-alive
}

func newAccount(app *SIPApplication, a storage.Account) *Account {
	acc := &Account{
		id: a.ID, app: app, log: app.log.With("account", a.ID),
		user: randomLetters(8), callID: randomLetters(24),
		queue: mailbox.New[func()](), hops: map[netip.Addr]bool{},
	}
	acc.now = AccountSnapshot{ID: a.ID, DisplayName: a.DisplayName, Enabled: a.Enabled, Transport: a.Transport}
	acc.update()
	return acc
}

// ID returns the account's address, user@domain.
func (a *Account) ID() string { return a.id }

// Snapshot returns the present state.
func (a *Account) Snapshot() AccountSnapshot {
	snap := *a.snap.Load()
	snap.Default = a.app.accounts.isDefault(a.id)
	return snap
}

// Settings returns a copy of the account's settings.
func (a *Account) Settings() AccountSettings {
	set := a.app.settings.Get()
	if s := set.Account(a.id); s != nil {
		return *s
	}
	return AccountSettings{}
}

// Reregister tries to register now, whatever was planned.
func (a *Account) Reregister() { a.queue.Put(a.retryNow) }

// start and stop are called by the account manager.
func (a *Account) start() {
	a.running.Go(func() {
		for {
			batch, err := a.queue.Take(context.Background())
			if err != nil {
				return
			}
			for _, f := range batch {
				f()
			}
		}
	})
	a.queue.Put(a.apply)
}

func (a *Account) stop() {
	a.queue.Put(func() {
		a.deactivate()
		a.queue.Close()
	})
	a.running.Wait()
}

func (a *Account) update() {
	a.now.Rev++
	snap := a.now
	a.snap.Store(&snap)
}

func (a *Account) about() AboutAccount {
	return AboutAccount{Account: a.id, At: time.Now(), Now: a.Snapshot()}
}

func (a *Account) changed() {
	a.update()
	a.app.bus.Publish(SIPAccountDidChange{AboutAccount: a.about()})
}

// apply makes the account follow its settings.
func (a *Account) apply() {
	set := a.Settings()
	a.now.DisplayName, a.now.Enabled, a.now.Transport = set.DisplayName, set.Enabled, set.Transport
	switch {
	case !set.Enabled || a.app.UserStatus() == Offline:
		a.deactivate()
	case !a.now.Active:
		a.activate(set)
	case set.Registration:
		a.retryNow()
	default:
		a.unregister()
	}
	a.changed()
}

func (a *Account) activate(set AccountSettings) {
	ep, err := a.app.listenFor(a, set)
	if err != nil {
		a.fail(Failure{Kind: Unreachable, Detail: err.Error(), Account: a.id}, 0)
		return
	}
	a.ep.Store(ep)
	a.now.Active = true
	a.update()
	a.app.bus.Publish(SIPAccountDidActivate{AboutAccount: a.about()})
	if set.Registration {
		a.register()
	}
}

func (a *Account) deactivate() {
	if a.timer != nil {
		a.timer.Stop()
	}
	if !a.now.Active {
		a.now.Registration, a.now.NextTry = registration.Off, time.Time{}
		return
	}
	a.unregister()
	ctx, cancel := context.WithTimeout(context.Background(), unregisterTime)
	defer cancel()
	if ep := a.ep.Swap(nil); ep != nil {
		if err := ep.Close(ctx); err != nil {
			a.log.Info("Endpoint did not close in time", "err", err)
		}
	}
	a.now.Active = false
	a.update()
	a.app.bus.Publish(SIPAccountDidDeactivate{AboutAccount: a.about()})
}

// retryNow begins a REGISTER at once, in place of one that is out or planned.
func (a *Account) retryNow() {
	if a.now.Active && a.Settings().Registration {
		a.failures = 0
		a.register()
	}
}

// register begins one REGISTER away from the account's goroutine.
func (a *Account) register() {
	a.cancelAttempt()
	ctx, cancel := context.WithCancel(context.Background())
	a.attempt = cancel
	a.round++
	round := a.round
	if a.now.Registration != registration.Registered {
		a.now.Registration = registration.Registering
	}
	a.now.NextTry = time.Time{}
	a.changed()
	expires := a.Settings().Expires
	a.running.Go(func() {
		res, err := a.exchange(ctx, expires)
		a.queue.Put(func() {
			if round == a.round {
				a.registered(res, err)
			}
		})
	})
}

func (a *Account) cancelAttempt() {
	a.stopKeepAlive()
	if a.timer != nil {
		a.timer.Stop()
	}
	if a.attempt != nil {
		a.attempt()
		a.attempt = nil
	}
	a.round++
}

// exchange does one complete REGISTER and blocks for it.
func (a *Account) exchange(ctx context.Context, expires time.Duration) (*sip.RegisterResult, error) {
	ep := a.ep.Load()
	if ep == nil {
		return nil, ErrAccountInactive
	}
	auth, _, err := a.authorizers(ctx)
	if err != nil {
		return nil, err
	}
	registrar := sip.URI{Scheme: "sip", Host: domainOf(a.id)}
	routes, err := a.routes(ctx, registrar)
	if err != nil {
		return nil, err
	}
	return ep.Register(ctx, sip.RegisterRequest{
		AOR: a.address(), Registrar: registrar, Routes: routes, Auth: auth,
		Expires: expires, CallID: a.callID, InstanceID: a.app.instance,
	})
}

// registered takes in the outcome of a REGISTER.
func (a *Account) registered(res *sip.RegisterResult, err error) {
	a.attempt = nil
	if err == nil && res.Expires <= 0 {
		err = &sip.StatusError{Method: "REGISTER", Code: res.Code, Reason: "contact was not bound"}
	}
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return
		}
		f := failureOf(err)
		f.Account = a.id
		if f.Host == "" {
			f.Host = domainOf(a.id)
		}
		var status *sip.StatusError
		var after time.Duration
		if errors.As(err, &status) {
			after = status.RetryAfter
		}
		a.fail(f, after)
		return
	}
	a.failures = 0
	now := time.Now()
	a.now.Registration, a.now.Failure = registration.Registered, Failure{}
	a.now.Registered, a.now.Expires = now, now.Add(res.Expires)
	a.now.Contact, a.now.Route = res.Contact.String(), routeText(res.Route)
	a.plan(registration.Refresh(res.Expires, chance()))
	a.keepAlive(res.Route)
	a.update()
	contacts := make([]string, len(res.Contacts))
	for i, c := range res.Contacts {
		contacts[i] = c.String()
	}
	a.app.bus.Publish(SIPAccountRegistrationDidSucceed{
		AboutAccount: a.about(), Code: res.Code, Reason: res.Reason,
		ContactURI: a.now.Contact, ContactURIList: contacts, Expires: res.Expires,
	})
	a.changed()
}

// fail notes a failure and plans the next try.
func (a *Account) fail(f Failure, after time.Duration) {
	a.failures++
	a.now.Registration, a.now.Failure = registration.Failed, f
	a.now.Expires = time.Time{}
	delay, again := registration.Retry(f.retryKind(), a.failures, after, chance())
	if again {
		a.plan(delay)
	} else {
		delay, a.now.NextTry = -1, time.Time{}
	}
	a.update()
	a.app.bus.Publish(SIPAccountRegistrationDidFail{AboutAccount: a.about(), Failure: f, Delay: delay})
	a.changed()
}

// plan sets the time of the next REGISTER.
func (a *Account) plan(d time.Duration) {
	a.now.NextTry = time.Now().Add(d)
	if a.timer != nil {
		a.timer.Stop()
	}
	a.timer = time.AfterFunc(d, func() { a.queue.Put(a.due) })
}

// due is a planned REGISTER whose time has come. An account that could not even
// listen starts over.
func (a *Account) due() {
	set := a.Settings()
	switch {
	case !a.now.Active && set.Enabled:
		a.activate(set)
	case a.now.Active && set.Registration:
		a.register()
	}
}

// unregister takes our contact away, and waits for it a moment.
func (a *Account) unregister() {
	a.cancelAttempt()
	was := a.now.Registration
	a.now.Registration, a.now.NextTry = registration.Off, time.Time{}
	if was != registration.Registered {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), unregisterTime)
	defer cancel()
	res, err := a.exchange(ctx, 0)
	a.now.Expires, a.now.Contact = time.Time{}, ""
	a.update()
	n := SIPAccountRegistrationDidEnd{AboutAccount: a.about()}
	if err != nil {
		n.Reason = err.Error()
	} else {
		n.Code, n.Reason = res.Code, res.Reason
	}
	a.app.bus.Publish(n)
}

// authorizers sign in for the account, at the registrar and for calls. They are
// kept as long as the password is the same, since they know the servers'
// challenges. Fetching the password may block for a person who unlocks the
// keyring; without one they are still good for servers that ask for none.
func (a *Account) authorizers(ctx context.Context) (registrar, calls *sip.Authorizer, err error) {
	set := a.Settings()
	user := set.AuthUser
	if user == "" {
		user = userOf(a.id)
	}
	password, err := a.app.secrets.Get(ctx, a.id)
	if err != nil && !errors.Is(err, storage.ErrNoSecret) {
		return nil, nil, fmt.Errorf("middleware: password of %s: %w", a.id, err)
	}
	creds := sip.Credentials{Username: user, Password: password}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.auth == nil || a.creds != creds {
		a.auth, a.calls = sip.NewAuthorizer(creds, rand.Reader), sip.NewAuthorizer(creds, rand.Reader)
		a.creds = creds
	}
	return a.auth, a.calls, nil
}

// routes finds the way to u: through the outbound proxy, if there is one.
func (a *Account) routes(ctx context.Context, u sip.URI) ([]sip.Route, error) {
	set := a.Settings()
	transport := set.Transport
	if transport == storage.TransportAuto {
		transport = ""
	}
	if set.Proxy != "" {
		proxy, err := parseProxy(set.Proxy)
		if err != nil {
			return nil, err
		}
		u = proxy
	}
	routes, err := a.app.resolver.Lookup(ctx, u, transport)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	for _, r := range routes {
		a.hops[r.Addr.Addr()] = true
	}
	a.mu.Unlock()
	// The certificate to be shown is that of the account's domain (RFC 5922).
	for i := range routes {
		if routes[i].Transport == "tls" && set.Proxy == "" {
			routes[i].ServerName = u.Host
		}
	}
	return slices.Clip(routes), nil
}

// admit decides about a request from outside any dialog: it must be for our
// random contact, or come from a server of the account.
func (a *Account) admit(r sip.Request) int {
	if r.RequestURI.User == a.user {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hops[r.Source.Addr().Unmap()] {
		return 0
	}
	a.log.Info("Request from a stranger refused", "method", r.Method, "source", r.Source)
	return 403
}

// address is who we are in From and To.
func (a *Account) address() sip.Address {
	return sip.Address{Name: a.Settings().DisplayName, URI: sip.URI{Scheme: "sip", User: userOf(a.id), Host: domainOf(a.id)}}
}
