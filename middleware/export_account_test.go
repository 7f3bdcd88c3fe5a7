package middleware

import (
	"parley/media"
	"parley/sip"
)

// Admit judges a request from outside any dialog as the account's endpoint does.
func (a *Account) Admit(r sip.Request) int { return a.admit(r) }

// Event tells m what the engine noticed.
func (m *AudioManager) Event(ev media.Event) { m.gotEvent(ev) }

// Outcome makes err the outcome of the account's newest REGISTER.
func (a *Account) Outcome(err error) {
	a.queue.Put(func() {
		a.out = attempt{cancel: func() {}}
		a.registered(nil, err)
	})
}
