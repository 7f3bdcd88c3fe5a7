package middleware

import (
	"cmp"
	"strings"
	"time"

	"parley/internal/dialplan"
	"parley/sip"
	"parley/storage"
)

// What an incoming call goes through before it rings is decided here, in this
// order, by the first rule that applies:
//
//  1. a caller on the reject list is turned away (603);
//  2. so is one that hides who it is, where those are not wanted (433, RFC 5079);
//  3. so is one that is not in the contacts, where only those are wanted (603);
//  4. with forwarding on, every call is forwarded (302);
//  5. with do not disturb, calls go where busy calls are forwarded, or get busy (486);
//  6. so they do while another call is going on, with call waiting off;
//  7. while no other call is going on, some are answered by themselves;
//  8. all others ring.
//
// A forwarding that cannot be carried out counts as not set.

// An action is what is done with an incoming call.
type action uint8

const (
	letRing action = iota
	turnAway
	sendOn
	answerItself
)

// A caller is who calls, as far as it can be told.
type caller struct {
	from      sip.URI   // whoever it says it is
	asserted  []sip.URI // who the account's server says it is (RFC 3325)
	anonymous bool
	claims    bool          // nobody else says so
	after     time.Duration // it asks to be answered by itself after so long
	asks      bool          // it does
}

// callerOf reads who calls out of an INVITE. Only a server of an account of ours
// can assert who somebody is, or has the right to ask for an answer.
func callerOf(call *sip.Call, throughAccount bool) caller {
	i := call.Identity()
	c := caller{from: call.Remote().URI, claims: !throughAccount}
	if throughAccount {
		for _, a := range i.Asserted {
			c.asserted = append(c.asserted, a.URI)
		}
		c.after, c.asks = i.AnswerAfter()
	}
	c.anonymous = i.Privacy || isAnonymous(c.from) && len(c.asserted) == 0
	return c
}

// isAnonymous reports whether u is the address of somebody who hides (RFC 3323
// section 4.1.1.3).
func isAnonymous(u sip.URI) bool {
	return strings.EqualFold(u.User, "anonymous") || strings.EqualFold(u.Host, "anonymous.invalid") || u.User == "" && u.Host == ""
}

// identities returns the addresses by which a caller may be allowed something:
// those that were asserted, else the one it gives itself, none if it hides.
func (c caller) identities() []sip.URI {
	switch {
	case c.anonymous:
		return nil
	case len(c.asserted) > 0:
		return c.asserted
	}
	return []sip.URI{c.from}
}

// isIn reports whether any of the addresses is on a list of patterns.
func isIn(list []string, uris ...sip.URI) bool {
	patterns, err := dialplan.ParsePatterns(list)
	if err != nil {
		return false // the settings hold no such lists
	}
	for _, u := range uris {
		if u.Scheme != neighbourScheme {
			u.Host = cmp.Or(u.Host, "invalid") // nobody else is meant by an id alone
		}
		if patterns.Matches(u.User, u.Host) {
			return true
		}
	}
	return false
}

// circumstances are what a decision depends on beside caller and settings.
type circumstances struct {
	quiet    bool // the person does not want to be disturbed
	talking  bool // another call is going on
	known    bool // the caller is in the contacts
	selfOpen bool // and its contact lets it be answered by itself

	// aim finds the address that a forwarding means, unless calls must not be
	// forwarded there.
	aim func(target string) (sip.URI, error)
}

// A verdict is what is done with a call, and why.
type verdict struct {
	do      action
	refusal refusal       // turnAway
	failure Failure       // turnAway and sendOn: what is told
	contact sip.URI       // sendOn: where to
	reason  string        // and why, in the words of RFC 5806
	after   time.Duration // answerItself

	problems []forwardProblem // forwardings that counted as not set
}

// A forwardProblem is a forwarding that cannot be carried out.
type forwardProblem struct {
	target string
	err    error
}

// decide is the policy. It depends on its arguments only.
func decide(c caller, set storage.Calls, k circumstances) verdict {
	switch {
	case isIn(set.Reject, append([]sip.URI{c.from}, c.asserted...)...):
		return blocked(603, "Decline")
	case c.anonymous && set.RejectAnonymous:
		return blocked(433, "Anonymity Disallowed")
	case set.ContactsOnly && !k.known:
		return blocked(603, "Decline")
	}
	var v verdict
	if set.Forwarding && v.forward(set.ForwardTo, "unconditional", k) {
		return v
	}
	busy := ""
	switch {
	case k.quiet:
		busy = "do-not-disturb"
	case k.talking && !set.CallWaiting:
		busy = "user-busy"
	}
	if busy != "" {
		if !v.forward(set.ForwardBusyTo, busy, k) {
			v.do, v.refusal, v.failure = turnAway, refusal{code: 486, reason: "Busy Here"}, Failure{Kind: NoAnswer, Code: 486}
		}
		return v
	}
	if after, ok := answersItself(c, set, k); ok {
		v.do, v.after = answerItself, after
	}
	return v
}

func blocked(code int, reason string) verdict {
	return verdict{do: turnAway, refusal: refusal{code: code, reason: reason}, failure: Failure{Kind: Blocked, Code: code}}
}

// forward makes v send the call to target, if that is set and possible.
func (v *verdict) forward(target, reason string, k circumstances) bool {
	if target == "" {
		return false
	}
	contact, err := k.aim(target)
	if err != nil {
		v.problems = append(v.problems, forwardProblem{target, err})
		return false
	}
	v.do, v.contact, v.reason = sendOn, contact, reason
	v.failure = Failure{Kind: Forwarded, Code: 302, Detail: contact.Address()}
	return true
}

// answersItself reports whether and after what time a call is answered without a
// person. A caller's wish is heeded where somebody has said that it may be: being
// on an empty list, which means everybody, is not enough for that. On other lists is
// nobody who just says so: that would open the microphone for anybody on the local
// network.
func answersItself(c caller, set storage.Calls, k circumstances) (time.Duration, bool) {
	listed := !c.claims && isIn(set.AutoAnswerFrom, c.identities()...)
	k.selfOpen = k.selfOpen && !c.claims
	switch {
	case k.talking:
		return 0, false
	case c.asks && set.AnswerAfterHeader && (listed || k.selfOpen):
		return c.after, true
	case k.selfOpen, set.AutoAnswer && (listed || len(set.AutoAnswerFrom) == 0):
		return set.AutoAnswerAfter, true
	}
	return 0, false
}
