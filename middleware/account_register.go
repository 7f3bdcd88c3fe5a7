package middleware

import (
	"context"
	"errors"
	"time"

	"parley/middleware/registration"
	"parley/sip"
	"parley/storage"
)

// retryNow begins a REGISTER at once, in place of one that is out or planned.
func (a *Account) retryNow() {
	a.failures = 0
	a.act()
}

// An attempt is a REGISTER that is out. The zero value is none.
type attempt struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when it will send nothing any more
}

// wayOf is what decides over which way an account registers.
func wayOf(set AccountSettings) [2]string { return [2]string{string(set.Transport), set.Proxy} }

// register begins one REGISTER away from the account's goroutine. An earlier one
// is canceled and waited for: its CSeq must be lower.
func (a *Account) register() {
	a.cancelAttempt()
	ctx, cancel := context.WithCancel(context.Background())
	earlier := a.out.done
	a.out = attempt{cancel, make(chan struct{})}
	done, round := a.out.done, a.round
	if a.now.Registration != registration.Registered {
		a.now.Registration = registration.Registering
	}
	a.now.NextTry = time.Time{}
	a.changed()
	set := a.Settings()
	a.way = wayOf(set)
	a.running.Go(func() {
		if earlier != nil {
			<-earlier
		}
		res, err := a.bind(ctx, set.Expires)
		close(done)
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
	if a.out.cancel != nil {
		a.out.cancel()
	}
	a.round++
}

// bind has the registrar bind our contact, and notes where it may have been
// bound: by a REGISTER that was refused it was not, by one that was not answered
// it may.
func (a *Account) bind(ctx context.Context, expires time.Duration) (*sip.RegisterResult, error) {
	routes, err := a.routes(ctx, a.registrar())
	if err != nil {
		return nil, err
	}
	was := a.boundAt()
	res, err := a.exchange(ctx, routes, expires)
	switch {
	case err == nil:
		a.setBound([]sip.Route{res.Route})
	case ctx.Err() == nil && failureOf(err).retryKind() != registration.Temporary:
		a.setBound(was)
	}
	return res, err
}

func (a *Account) boundAt() []sip.Route {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bound
}

func (a *Account) setBound(routes []sip.Route) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bound = routes
}

func (a *Account) registrar() sip.URI { return sip.URI{Scheme: "sip", Host: domainOf(a.id)} }

// exchange does one complete REGISTER and blocks for it.
func (a *Account) exchange(ctx context.Context, routes []sip.Route, expires time.Duration) (*sip.RegisterResult, error) {
	ep := a.ep.Load()
	if ep == nil {
		return nil, ErrAccountInactive
	}
	auth, _, err := a.authorizers(ctx)
	if err != nil {
		return nil, err
	}
	if expires > 0 {
		a.setBound(routes)
	}
	return ep.Register(ctx, sip.RegisterRequest{
		AOR: a.address(), Registrar: a.registrar(), Routes: routes, Auth: auth,
		Expires: expires, CallID: a.callID, InstanceID: a.app.instance, Outbound: a.Settings().Outbound,
	})
}

// registered takes in the outcome of a REGISTER.
func (a *Account) registered(res *sip.RegisterResult, err error) {
	a.out.cancel()
	a.out = attempt{}
	if err == nil && res.Expires <= 0 {
		err = &sip.StatusError{Method: "REGISTER", Code: res.Code, Reason: "contact was not bound"}
	}
	if err != nil {
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
		kind := f.retryKind()
		if errors.Is(err, storage.ErrNoSecretService) {
			kind = registration.Temporary // it may start after us
		}
		a.fail(f, kind, after)
		return
	}
	a.failures, a.away = 0, false
	now := time.Now()
	a.now.Registration, a.now.Failure = registration.Registered, Failure{}
	a.now.Registered, a.now.Expires = now, now.Add(res.Expires)
	a.now.Contact, a.now.Route = res.Contact.String(), routeText(res.Route)
	a.plan(registration.Refresh(res.Expires, a.app.chance()))
	a.keepAlive(res)
	a.setPath(res.ServiceRoute)
	a.moveCalls()
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
func (a *Account) fail(f Failure, kind registration.Failure, after time.Duration) {
	a.failures++
	a.now.Registration, a.now.Failure = registration.Failed, f
	a.now.Expires = time.Time{}
	delay, again := registration.Retry(kind, a.failures, after, a.app.chance())
	if a.app.network.fresh() && after == 0 {
		delay = min(delay, freshRetry)
	}
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
	a.timer = time.AfterFunc(d, func() { a.queue.Put(a.act) })
}

// unregister takes our contact away where it may be bound, and waits for that a
// moment, at most until ctx ends.
func (a *Account) unregister(ctx context.Context) {
	a.cancelAttempt()
	a.now.Registration, a.now.NextTry = registration.Off, time.Time{}
	ctx, cancel := context.WithTimeout(ctx, unregisterTime)
	defer cancel()
	if a.out.done != nil {
		select {
		case <-a.out.done:
			a.out = attempt{}
		case <-ctx.Done():
			return
		}
	}
	bound := a.boundAt()
	if len(bound) == 0 {
		return
	}
	a.update()
	a.app.bus.Publish(SIPAccountRegistrationWillEnd{AboutAccount: a.about()})
	res, err := a.exchange(ctx, bound, 0)
	a.now.Expires, a.now.Contact = time.Time{}, ""
	n := SIPAccountRegistrationDidEnd{}
	if err != nil {
		n.Reason = err.Error()
	} else {
		a.setBound(nil)
		n.Code, n.Reason = res.Code, res.Reason
	}
	a.update()
	n.AboutAccount = a.about()
	a.app.bus.Publish(n)
}
