package middleware

import (
	"context"
	"net/netip"

	"parley/middleware/session"
	"parley/sip"
)

// takePlace begins a session for a call that wants to take the place of another
// one (RFC 3891). It goes on a conversation that is there already, so it neither
// rings nor is it judged as a new call is.
func (m *SessionManager) takePlace(call *sip.Call, account *Account) *Session {
	old, code := m.placeOf(call, account)
	if code != 0 {
		m.log.Info("Replacement of a call refused", "code", code, "source", call.Route().Addr)
		_ = call.Reject(code, "") // the call ends either way
		return nil
	}
	g := m.greet(call, account)
	identity, peer := identify(call, account)
	peer = m.known(g.peer(peer))
	s, err := m.newSession(account, Incoming, func(s *Session) {
		s.describe(call, identity, peer)
		s.welcome(call, g)
		s.transfer.taken = old
		s.now.Replaced, s.now.Silenced = old.id, true
	})
	if err != nil {
		_ = call.Reject(486, "Busy Here") // the call ends either way
		return nil
	}
	context.AfterFunc(old.ctx, func() { s.post(event{run: s.tooLate}) })
	old.post(event{run: func() {
		if old.place.State == session.Terminating || old.transfer.heir != nil {
			s.post(event{run: s.tooLate})
			return
		}
		old.transfer.heir, old.now.ReplacedBy = s, s.id // the far end may hang up before we do
		away := old.wish || old.now.OnHoldByLocal
		s.post(event{run: func() { s.inherit(away) }})
	}})
	return s
}

// placeOf finds the session that a call wants to replace, or the code to refuse
// with.
func (m *SessionManager) placeOf(call *sip.Call, account *Account) (*Session, int) {
	replaced := call.Replaced()
	for _, s := range m.Sessions() {
		snap := s.Snapshot()
		if snap.CallID != string(replaced.ID()) || (snap.Direction == Outgoing) != replaced.Outgoing() {
			continue
		}
		switch {
		case snap.State() == session.Terminating:
			return nil, 603
		case !mayReplace(call, replaced, account):
			return nil, 403
		}
		return s, 0
	}
	return nil, 603
}

// mayReplace reports whether a call may take the place of another one. Knowing
// its tags is not enough (RFC 3891 section 6): it has to come from the account's
// server, or, where there is none, from the machine that the call is with, or
// sent by whom the call is with.
func mayReplace(call, replaced *sip.Call, account *Account) bool {
	from := call.Route().Addr.Addr()
	if account != nil {
		return account.isServer(from)
	}
	if from.Unmap() == replaced.Route().Addr.Addr().Unmap() {
		return true
	}
	by := call.Header("Referred-By")
	if len(by) != 1 {
		return false
	}
	a, err := sip.ParseAddress(by[0])
	return err == nil && (a.URI.Equal(replaced.Remote().URI) || a.URI.Equal(replaced.Contact()))
}

// isServer reports whether an address is one of the account's servers.
func (a *Account) isServer(addr netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hops[addr.Unmap()]
}

// inherit answers the call in place of the old one. Where that was put on hold
// here, away is true and the new one is too: the person is talking to somebody
// else.
func (s *Session) inherit(away bool) {
	s.begin(verdict{})
	s.call.SetHandler(s.handleSIP) // what came before is taken up after
	if s.place.State != session.Incoming {
		s.unheir() // it could not be answered
		return
	}
	s.publish(SIPSessionNewReplacement{About: s.about(), Replaced: s.now.Replaced})
	accept := event{in: session.Accept}
	if away {
		s.wish = true
	} else {
		accept.turn = s.m.turn.Add(1)
	}
	s.step(accept)
}

// tooLate declines the call if the old one has ended, or was given to another one,
// before this one could begin.
func (s *Session) tooLate() {
	if s.place == (session.Place{}) {
		s.transfer.taken = nil
		s.begin(verdict{do: turnAway, refusal: refusal{code: 603, reason: "Decline"}, failure: Failure{Kind: Declined, Code: 603}})
	}
}

// relayTaken ends the old call when this one is up, and leaves it alone when this
// one fails.
func (s *Session) relayTaken(n any) {
	switch n.(type) {
	case SIPSessionDidStart:
		old := s.transfer.taken
		s.transfer.taken = nil
		s.m.succeed(old, s)
		old.post(event{run: old.replaced})
	case SIPSessionDidFail, SIPSessionDidEnd:
		s.unheir()
	}
}

// unheir lets the old call be what it was.
func (s *Session) unheir() {
	old := s.transfer.taken
	s.transfer.taken = nil
	if old == nil {
		return
	}
	old.post(event{run: func() {
		if old.transfer.heir == s {
			old.transfer.heir, old.now.ReplacedBy = nil, 0
			old.setHeld()
			old.changed()
		}
	}})
}

// replaced ends this session because another one has taken its place.
func (s *Session) replaced() {
	if s.place.Accepts(session.End) {
		s.step(event{in: session.End, reason: "replaced"})
	}
}
