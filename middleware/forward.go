package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"parley/middleware/session"
	"parley/sip"
)

var (
	// ErrForwardLoop is returned for a forwarding to where the call came from:
	// ourselves, the caller, or somebody who has passed the call on already.
	ErrForwardLoop = errors.New("middleware: the call would go round in a circle")
	// ErrForwardTarget is returned for a forwarding to what no other phone can
	// call.
	ErrForwardTarget = errors.New("middleware: calls cannot be forwarded there")
)

// maxDiverted is how often a call may have been passed on before it rings
// wherever it is.
const maxDiverted = 5

// SIPSessionForwardingDidFail is posted when a call could not be forwarded as
// the settings say, and rings instead. Not in the seeds.
type SIPSessionForwardingDidFail struct {
	About
	Target  string
	Failure Failure
}

// SetForwarding forwards every call to target, or no longer. The target is kept
// while forwarding is off; an empty one leaves it as it was.
func (app *SIPApplication) SetForwarding(on bool, target string) error {
	return app.ChangeSettings(func(s *Settings) error {
		s.Calls.Forwarding = on
		if target != "" {
			s.Calls.ForwardTo = target
		}
		return nil
	})
}

// Redirect sends the caller of a ringing call to target, which is read as by
// [SessionManager.Dial]: it is answered with 302.
func (s *Session) Redirect(target string) { s.command(event{in: session.Redirect, target: target}) }

// aim finds the address that forwarding to target means, for a call to account
// (nil: a direct one). It does not block.
func (m *SessionManager) aim(call *sip.Call, account *Account, target string) (sip.URI, error) {
	r := DialRequest{Target: target}
	if account != nil {
		r.Account = account.id
	}
	d, err := m.app.dialing(r)
	if err != nil {
		return sip.URI{}, err
	}
	if d.peer.URI == EchoTarget {
		return sip.URI{}, fmt.Errorf("%w: %s", ErrForwardTarget, EchoTarget)
	}
	return d.uri, checkCircle(d.uri, call.Remote().URI, call.Identity().Diversions, m.app.isOurs)
}

// checkCircle refuses to forward to where the call would come back from.
func checkCircle(to, from sip.URI, passed []sip.Diversion, ours func(sip.URI) bool) error {
	if ours(to) || sameParty(to, from) {
		return fmt.Errorf("%w: %s", ErrForwardLoop, to.Address())
	}
	times := 0
	for _, d := range passed {
		if ours(d.URI) || sameParty(d.URI, to) {
			return fmt.Errorf("%w: %s has had it", ErrForwardLoop, d.URI.Address())
		}
		times++
		if text, ok := d.Params.Get("counter"); ok {
			if n, err := strconv.Atoi(text); err == nil && n > 1 {
				times += min(n, maxDiverted) - 1
			}
		}
	}
	if times >= maxDiverted {
		return fmt.Errorf("%w: it was passed on %d times", ErrForwardLoop, times)
	}
	return nil
}

// sameParty reports whether two addresses mean the same phone, whatever their
// parameters say.
func sameParty(a, b sip.URI) bool {
	port := func(u sip.URI) int {
		if u.Port == 0 {
			return 5060
		}
		return u.Port
	}
	return strings.EqualFold(a.User, b.User) && strings.EqualFold(a.Host, b.Host) && port(a) == port(b)
}

// isOurs reports whether a call to u would come to this program: u is an account
// of ours or an address of this machine where direct calls arrive.
func (app *SIPApplication) isOurs(u sip.URI) bool {
	for _, a := range app.accounts.GetAccounts() {
		if a.user == u.User || CanonicalID(a.id) == CanonicalID(u.User+"@"+u.Host) {
			return true
		}
	}
	return app.isHere(u)
}

// isHere reports whether u is an address of this machine where direct calls arrive.
func (app *SIPApplication) isHere(u sip.URI) bool {
	addr, err := netip.ParseAddr(u.Host)
	if err != nil || app.local == nil {
		return false
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return slices.ContainsFunc(app.local.Addrs(), func(l sip.Local) bool {
		return l.Addr == netip.AddrPortFrom(addr, uint16(port))
	})
}

// deflection is the answer that sends a caller to contact. Diversion tells the phone
// there who passed the call on and why (RFC 5806), who did so before included.
func (s *Session) deflection(contact sip.URI, reason string) refusal {
	own := s.call.Local().URI
	if s.account != nil {
		own = s.account.address().URI
	}
	own.Params, own.Headers = nil, nil
	diverted := []sip.Address{{URI: own, Params: sip.Params{{Name: "reason", Value: reason}, {Name: "counter", Value: "1"}}}}
	for _, d := range s.call.Identity().Diversions {
		diverted = append(diverted, d.Address)
	}
	r := refusal{code: 302, reason: "Moved Temporarily"}
	r.headers = append(r.headers, sip.Header{Name: "Contact", Value: sip.Address{URI: contact}.String()})
	for _, a := range diverted {
		r.headers = append(r.headers, sip.Header{Name: "Diversion", Value: a.String()})
	}
	return r
}

// checkRedirect finds where a Redirect leads to, and prepares the answer.
func (s *Session) checkRedirect(e event) error {
	contact, err := s.m.aim(s.call, s.account, cmp.Or(e.target, e.text))
	if err != nil {
		return err
	}
	s.refusal = s.deflection(contact, cmp.Or(e.reason, "deflection"))
	s.now.End = EndReason{By: Local, Failure: Failure{
		Kind: Forwarded, Code: 302, Detail: contact.Address(), Account: s.now.Account,
	}}
	return nil
}

// forwardUnanswered sends the caller on after it rang long enough, as the
// settings say by then.
func (s *Session) forwardUnanswered() {
	set := s.m.settings.Get().Calls
	if s.place.State != session.Incoming || set.ForwardNoAnswerTo == "" {
		return
	}
	if _, err := s.m.aim(s.call, s.account, set.ForwardNoAnswerTo); err != nil {
		s.notForwarded(forwardProblem{set.ForwardNoAnswerTo, err})
		return
	}
	s.step(event{in: session.Redirect, target: set.ForwardNoAnswerTo, reason: "no-answer"})
}

// notForwarded tells of a forwarding that cannot be carried out; the account
// keeps it in mind until one can.
func (s *Session) notForwarded(p forwardProblem) {
	f := failureOf(p.err)
	f.Account = s.now.Account
	s.log.Warn("Call not forwarded", "err", p.err)
	if !s.ending {
		s.publish(SIPSessionForwardingDidFail{About: s.about(), Target: sip.CleanText(p.target, 200), Failure: f})
	}
	if s.account != nil {
		s.account.noteForwarding(p.err)
	}
}

// noteForwarding shows with the account why its calls cannot be forwarded; nil is
// that they can.
func (a *Account) noteForwarding(err error) {
	a.queue.Put(func() {
		if err != nil || a.now.ForwardError != nil {
			a.now.ForwardError = err
			a.changed()
		}
	})
}
