package middleware

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/mailbox"
	"parley/middleware/registration"
	"parley/sip"
	"parley/storage"
)

const (
	unregisterTime = 2 * time.Second // bounds how long quitting waits for registrars
	closeTime      = 2 * time.Second // bounds how long an account's end waits for the far ends of its calls
)

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
	set     atomic.Pointer[AccountSettings] // as last read; what counts while the account is being removed
	ep      atomic.Pointer[sip.Endpoint]    // nil while inactive
	running sync.WaitGroup

	mu    sync.Mutex          // guards what follows
	hops  map[netip.Addr]bool // addresses of the account's servers, by their newest lookup
	bound []sip.Route         // where REGISTERs went that may have bound our contact
	path  []string            // hops that the registrar prescribes (RFC 3608)
	creds sip.Credentials     // of the authorizers; empty before they are first needed
	auth  *sip.Authorizer     // for the registrar
	calls *sip.Authorizer     // for calls: what a proxy asks for is no business of the registrar

	// The rest belongs to the account's goroutine.
	now      AccountSnapshot
	over     bool // the account was stopped; what is queued behind that is dropped
	out      attempt
	round    int       // counts attempts, so that a late result is known as such
	way      [2]string // transport and proxy by which it last registered
	failures int
	timer    *time.Timer
	flow     context.CancelFunc // ends the keep-alive
	away     bool               // our contact is an address that we do not have, or did not have for a while
	newFlow  bool               // the connection to the server was lost; calls must take the next one
}

func newAccount(app *SIPApplication, a storage.Account) *Account {
	acc := &Account{
		id: a.ID, app: app, log: app.log.With("account", a.ID),
		user: randomLetters(8), callID: randomLetters(24),
		queue: mailbox.New[func()](), hops: map[netip.Addr]bool{},
	}
	acc.set.Store(&a)
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

// Settings returns a copy of the account's settings; of an account that was
// removed, those it had.
func (a *Account) Settings() AccountSettings {
	set := a.app.settings.Get()
	if s := set.Account(a.id); s != nil {
		a.set.Store(s)
	}
	return *a.set.Load()
}

// Reregister tries to register now, whatever was planned.
func (a *Account) Reregister() { a.queue.Put(a.retryNow) }

// start and stop are called by the account manager.
func (a *Account) start() {
	a.running.Go(func() {
		for !a.over {
			batch, err := a.queue.Take(context.Background())
			if err != nil {
				return
			}
			for _, f := range batch {
				if !a.over {
					f()
				}
			}
		}
	})
	a.queue.Put(a.apply)
}

// stop ends the account for good and waits for that, at most until ctx ends.
func (a *Account) stop(ctx context.Context) {
	a.queue.Put(func() {
		a.deactivate(ctx)
		a.over = true
		a.queue.Close()
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.running.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		a.log.Info("Account did not end in time")
	}
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

// apply makes the account follow its settings and the person's status at once,
// whatever was planned.
func (a *Account) apply() {
	set := a.Settings()
	a.now.DisplayName, a.now.Enabled, a.now.Transport = set.DisplayName, set.Enabled, set.Transport
	a.failures = 0
	a.act()
	a.changed()
}

// act does what is to be done now: after a change, and when a planned time has
// come. Going offline does not cost a call: the account only unregisters, and
// acts again when its last call is over.
func (a *Account) act() {
	set := a.Settings()
	offline := a.app.UserStatus() == Offline
	switch {
	case set.Enabled && offline && a.now.Active && a.awaitCalls():
		a.unregister(context.Background())
	case !set.Enabled || offline:
		a.deactivate(context.Background())
	case !a.now.Active:
		a.activate(set)
	case set.Registration:
		if a.way != wayOf(set) {
			a.unregister(context.Background()) // there, we would be forked to as well
		}
		a.register()
	default:
		a.unregister(context.Background())
	}
}

// awaitCalls reports whether the account has calls, and lets it act again when
// they are over.
func (a *Account) awaitCalls() bool {
	calls := a.app.sessions.of(a)
	if len(calls) > 0 {
		a.running.Go(func() {
			for _, s := range calls {
				<-s.Done()
			}
			a.queue.Put(func() {
				a.act()
				a.changed()
			})
		})
	}
	return len(calls) > 0
}

func (a *Account) activate(set AccountSettings) {
	ep, err := a.app.listenFor(a, set)
	if ep == nil {
		a.fail(Failure{Kind: Unreachable, Detail: err.Error(), Account: a.id}, registration.Temporary, 0)
		return
	}
	a.ep.Store(ep)
	if err != nil {
		a.rebindLater(rebindTries)
	}
	a.now.Active = true
	a.update()
	a.app.bus.Publish(SIPAccountDidActivate{AboutAccount: a.about()})
	if set.Registration {
		a.register()
	}
}

// deactivate unregisters, ends the account's calls and closes its sockets. It
// blocks for as long as far ends may take, or until ctx ends.
func (a *Account) deactivate(ctx context.Context) {
	if a.timer != nil {
		a.timer.Stop()
	}
	if !a.now.Active {
		a.now.Registration, a.now.NextTry = registration.Off, time.Time{}
		return
	}
	a.unregister(ctx)
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	a.app.sessions.endAll(ctx, a.app.sessions.of(a))
	if ep := a.ep.Swap(nil); ep != nil {
		if err := ep.Close(ctx); err != nil {
			a.log.Info("Endpoint did not close in time", "err", err)
		}
	}
	a.setBound(nil) // another endpoint has another contact
	a.now.Active = false
	a.update()
	a.app.bus.Publish(SIPAccountDidDeactivate{AboutAccount: a.about()})
}
