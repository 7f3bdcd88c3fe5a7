package middleware

import (
	"slices"

	"parley/middleware/session"
	"parley/sip"
	"parley/sip/sdp"
)

// callerBook is what the policy asks the contacts: who may call, and whose calls
// may be answered without a person.
type callerBook interface {
	caller(uris []sip.URI) (known, autoAnswer bool)
}

// incoming begins a session for call, which came for account, nil for a direct
// call. It returns nil where there can be no more sessions.
func (m *SessionManager) incoming(call *sip.Call, account *Account) *Session {
	if call.Replaced() != nil && m.app != nil {
		return m.takePlace(call, account)
	}
	g := m.greet(call, account)
	if m.tooMany(g) {
		m.log.Debug("Too many calls from the local network", "source", call.Route().Addr)
		_ = call.Reject(480, "") // the call ends either way
		return nil
	}
	v := m.judge(call, account, g)
	identity, peer := identify(call, account)
	if peer = g.peer(peer); !g.invents(call) {
		peer = m.known(peer)
	}
	s, err := m.newSession(account, Incoming, func(s *Session) {
		s.describe(call, identity, peer)
		s.welcome(call, g)
	})
	if err != nil {
		_ = call.Reject(486, "Busy Here") // the call ends either way
		return nil
	}
	call.SetHandler(s.handleSIP)
	s.post(event{run: func() { s.begin(v) }})
	return s
}

// describe notes what is known of an incoming call before anything else is done.
func (s *Session) describe(call *sip.Call, identity *Identity, peer Peer) {
	s.call, s.offer = call, call.Body()
	s.now.CallID = string(call.ID())
	s.now.Identity, s.now.Peer = identity, peer
	s.now.LocalURI, s.now.RemoteURI = call.Local().URI.String(), call.Remote().URI.String()
	s.now.RemoteUserAgent = sip.CleanText(call.RemoteUserAgent(), 120)
}

// judge asks the policy about a call. The Echo Test takes every call.
func (m *SessionManager) judge(call *sip.Call, account *Account, g *guest) verdict {
	if m.app == nil {
		return verdict{}
	}
	c := callerOf(call, account != nil)
	if own := g.uris(); len(own) > 0 {
		c.asserted, c.claims = append(c.asserted, own...), false
	}
	k := circumstances{
		quiet:   m.app.UserStatus() == DoNotDisturb,
		talking: m.talking(nil),
		aim:     func(target string) (sip.URI, error) { return m.aim(call, account, target) },
	}
	if book := m.app.callers; book != nil && !g.invents(call) {
		k.known, k.selfOpen = book.caller(c.identities())
	}
	return decide(c, m.settings.Get().Calls, k)
}

// talking reports whether a call other than s is going on, ringing or being
// dialed.
func (m *SessionManager) talking(s *Session) bool {
	return slices.ContainsFunc(m.Sessions(), func(o *Session) bool {
		return o != s && o.Snapshot().State() != session.Terminating
	})
}

// begin carries out the verdict on an incoming call. The offer is judged before
// anything rings.
func (s *Session) begin(v verdict) {
	for _, p := range v.problems {
		defer s.notForwarded(p)
	}
	s.newNegotiation()
	var err error
	if len(s.offer) > 0 {
		err = s.neg.GotOffer(s.offer)
	}
	switch {
	case v.do == turnAway:
		s.refusal = v.refusal
		s.end(Local, v.failure)
	case v.do == sendOn:
		s.refusal = s.deflection(v.contact, v.reason)
		s.end(Local, v.failure)
		if s.account != nil {
			s.account.noteForwarding(nil)
		}
	case err == nil && s.config.security == sdp.SecurityRequire && !s.mayShowKeys():
		err = sdp.ErrSecurityRequired
		s.refusal = refusal{code: 488, reason: "Not Acceptable Here"}
	case err != nil:
		s.refusal = refusal{code: 488, reason: "Not Acceptable Here"}
	default:
		s.ring(v)
		return
	}
	s.step(event{in: session.GotBadInvite, err: err, by: Local})
}

// ring lets the call ring, and starts the times that go by while it does.
func (s *Session) ring(v verdict) {
	s.step(event{in: session.GotInvite})
	if s.m.app == nil {
		return
	}
	if set := s.m.settings.Get().Calls; set.ForwardNoAnswerTo != "" {
		s.later(set.ForwardAfter, event{run: s.forwardUnanswered})
	}
	if v.do == answerItself {
		s.awaitAutoAnswer(v.after)
	}
}
