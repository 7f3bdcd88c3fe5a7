package middleware

import (
	"context"
	"errors"
	"time"

	"parley/middleware/registration"
	"parley/sip"
)

// flowJitter bounds the wait before the flow to a server is made anew, so that a
// server that restarts is not met by all its phones at once.
const flowJitter = 2 * time.Second

// keepAlive keeps the flow of the newest registration open until the next one.
// One that is found to be gone is replaced by registering anew, since calls would no
// longer arrive.
func (a *Account) keepAlive(res *sip.RegisterResult) {
	a.stopKeepAlive()
	ctx, cancel := context.WithCancel(context.Background())
	a.flow = cancel
	ep := a.ep.Load()
	k := sip.KeepFlow{
		Route: res.Route, Every: a.app.settings.Get().Network.KeepAlive,
		Outbound: res.Outbound, Chance: a.app.chance,
	}
	if res.FlowTimer > 0 {
		k.Every = min(k.Every, res.FlowTimer)
	}
	a.running.Go(func() {
		err := ep.Keep(ctx, k)
		if ctx.Err() == nil && !errors.Is(err, sip.ErrClosed) {
			a.log.Info("Connection to the server is gone", "route", k.Route, "err", err)
			a.queue.Put(func() {
				if ctx.Err() == nil {
					a.flowLost()
				}
			})
		}
	})
}

func (a *Account) stopKeepAlive() {
	if a.flow != nil {
		a.flow()
		a.flow = nil
	}
}

// flowLost registers anew, since calls no longer arrive.
func (a *Account) flowLost() {
	if a.now.Active && a.now.Registration == registration.Registered {
		a.newFlow = true
		a.soon(flowJitter)
	}
}

// socketBack registers over a socket that was lost and is open again.
func (a *Account) socketBack() {
	if a.now.Active && a.now.Registration != registration.Off {
		a.failures = 0
		a.soon(flowJitter)
	}
}

// soon registers within limit, in place of what is out or planned.
func (a *Account) soon(limit time.Duration) {
	if !a.Settings().Registration {
		return
	}
	a.plan(time.Duration(a.app.chance() * float64(limit)))
	a.changed()
}

// moveCalls has the account's calls take the connection by which it registered, in
// place of the one that was lost: requests of the far ends come over it from now.
func (a *Account) moveCalls() {
	if !a.newFlow {
		return
	}
	a.newFlow = false
	for _, s := range a.app.sessions.of(a) {
		s.flowLost()
	}
}
