package middleware

import (
	"errors"
	"strings"
	"testing"
	"time"

	"parley/sip"
	"parley/storage"
)

func uriOf(t *testing.T, s string) sip.URI {
	t.Helper()
	u, err := sip.ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// decided is a verdict as the table writes it.
func decided(v verdict) string {
	switch v.do {
	case turnAway:
		return strings.TrimSpace(v.failure.Kind.String() + " " + v.refusal.reason)
	case sendOn:
		return "to " + v.contact.Address() + " " + v.reason
	case answerItself:
		return "answer " + v.after.String()
	}
	return "ring"
}

func TestDecide(t *testing.T) {
	const (
		decline = "blocked Decline"
		hidden  = "blocked Anonymity Disallowed"
		busy    = "no-answer Busy Here"
	)
	type set = storage.Calls
	type at = circumstances
	from := func(uri string) caller { return caller{from: uriOf(t, uri)} }
	bob := from("sip:bob@example.org")
	nobody := caller{from: uriOf(t, "sip:anonymous@anonymous.invalid"), anonymous: true}
	known := caller{from: uriOf(t, "sip:x@y.example"), asserted: []sip.URI{uriOf(t, "sip:+4930123@pbx.example")}}
	asking := func(c caller) caller { c.asks, c.after = true, 2*time.Second; return c }
	tests := []struct {
		name string
		who  caller
		set  set
		at   at
		want string
		lost int // forwardings that could not be carried out
	}{
		{"nothing set", bob, set{}, at{}, "ring", 0},
		{"listed address", bob, set{Reject: []string{"bob@example.org"}}, at{}, decline, 0},
		{"listed domain", bob, set{Reject: []string{"1", "*@EXAMPLE.org"}}, at{}, decline, 0},
		{"another domain", bob, set{Reject: []string{"*@example.com"}}, at{}, "ring", 0},
		{"listed number as asserted", known, set{Reject: []string{"+4930*"}}, at{}, decline, 0},
		{"listed From where another is asserted", known, set{Reject: []string{"x@y.example"}}, at{}, decline, 0},
		{"escaped in the call", from("sip:b%6Fb@example.org"), set{Reject: []string{"bob@example.org"}}, at{}, decline, 0},
		{"escaped in the list", bob, set{Reject: []string{"sip:%62ob@example.org"}}, at{}, decline, 0},
		{"letters of other scripts", from("sip:%D0%B1%D0%BE%D0%B1@example.org"), set{Reject: []string{"БОБ@example.org"}}, at{}, decline, 0},
		{"one that only looks alike", from("sip:b%D0%BEb@example.org"), set{Reject: []string{"bob@example.org"}}, at{}, "ring", 0},
		{"hidden", nobody, set{RejectAnonymous: true}, at{}, hidden, 0},
		{"hidden and allowed", nobody, set{}, at{}, "ring", 0},
		{"hidden and listed", nobody, set{RejectAnonymous: true, Reject: []string{"*@anonymous.invalid"}}, at{}, decline, 0},
		{"stranger", bob, set{ContactsOnly: true}, at{}, decline, 0},
		{"contact", bob, set{ContactsOnly: true}, at{known: true}, "ring", 0},
		{"listed contact", bob, set{ContactsOnly: true, Reject: []string{"bob@example.org"}}, at{known: true}, decline, 0},

		{"forward", bob, set{Forwarding: true, ForwardTo: "202"}, at{}, "to 202@pbx.example unconditional", 0},
		{"forwarding off", bob, set{ForwardTo: "202"}, at{}, "ring", 0},
		{"forward though busy", bob, set{Forwarding: true, ForwardTo: "202", ForwardBusyTo: "203"}, at{talking: true}, "to 202@pbx.example unconditional", 0},
		{"forward though not to be disturbed", bob, set{Forwarding: true, ForwardTo: "202"}, at{quiet: true}, "to 202@pbx.example unconditional", 0},
		{"blocked, not forwarded", bob, set{Forwarding: true, ForwardTo: "202", Reject: []string{"*@example.org"}}, at{}, decline, 0},
		{"forward to nowhere", bob, set{Forwarding: true, ForwardTo: "bad"}, at{}, "ring", 1},
		{"forward to nowhere while not to be disturbed", bob, set{Forwarding: true, ForwardTo: "bad"}, at{quiet: true}, busy, 1},

		{"not to be disturbed", bob, set{CallWaiting: true}, at{quiet: true}, busy, 0},
		{"not to be disturbed, with somebody else", bob, set{ForwardBusyTo: "203"}, at{quiet: true}, "to 203@pbx.example do-not-disturb", 0},
		{"second call", bob, set{CallWaiting: true, ForwardBusyTo: "203"}, at{talking: true}, "ring", 0},
		{"second call, no call waiting", bob, set{}, at{talking: true}, busy, 0},
		{"second call, forwarded", bob, set{ForwardBusyTo: "203"}, at{talking: true}, "to 203@pbx.example user-busy", 0},
		{"second call, forwarded to nowhere", bob, set{ForwardBusyTo: "bad"}, at{talking: true}, busy, 1},
		{"both forwardings to nowhere", bob, set{Forwarding: true, ForwardTo: "bad", ForwardBusyTo: "bad"}, at{talking: true}, busy, 2},

		{"answer all", bob, set{AutoAnswer: true, AutoAnswerAfter: 5 * time.Second}, at{}, "answer 5s", 0},
		{"answer at once", bob, set{AutoAnswer: true}, at{}, "answer 0s", 0},
		{"answer the hidden too", nobody, set{AutoAnswer: true}, at{}, "answer 0s", 0},
		{"answer those listed", bob, set{AutoAnswer: true, AutoAnswerFrom: []string{"*@example.org"}}, at{}, "answer 0s", 0},
		{"answer no others", bob, set{AutoAnswer: true, AutoAnswerFrom: []string{"*@example.com"}}, at{}, "ring", 0},
		{"a list alone answers nobody", bob, set{AutoAnswerFrom: []string{"*@example.org"}}, at{}, "ring", 0},
		{"what is asserted counts", known, set{AutoAnswer: true, AutoAnswerFrom: []string{"x@y.example"}}, at{}, "ring", 0},
		{"the hidden are on no list", nobody, set{AutoAnswer: true, AutoAnswerFrom: []string{"*@anonymous.invalid"}}, at{}, "ring", 0},
		{"contact that may", bob, set{AutoAnswerAfter: time.Second}, at{known: true, selfOpen: true}, "answer 1s", 0},
		{"never a second call", bob, set{AutoAnswer: true, CallWaiting: true}, at{talking: true, selfOpen: true}, "ring", 0},
		{"not while not to be disturbed", bob, set{AutoAnswer: true}, at{quiet: true}, busy, 0},
		{"forwarded, not answered", bob, set{AutoAnswer: true, Forwarding: true, ForwardTo: "202"}, at{}, "to 202@pbx.example unconditional", 0},

		{"asks, not heeded", asking(bob), set{AutoAnswerFrom: []string{"*@example.org"}}, at{}, "ring", 0},
		{"asks, listed", asking(bob), set{AnswerAfterHeader: true, AutoAnswerFrom: []string{"*@example.org"}}, at{}, "answer 2s", 0},
		{"asks, contact that may", asking(bob), set{AnswerAfterHeader: true, AutoAnswerAfter: 9 * time.Second}, at{known: true, selfOpen: true}, "answer 2s", 0},
		{"asks, stranger", asking(bob), set{AnswerAfterHeader: true}, at{known: true}, "ring", 0},
		{"asks, everybody is answered, but later", asking(bob), set{AnswerAfterHeader: true, AutoAnswer: true, AutoAnswerAfter: 9 * time.Second}, at{}, "answer 9s", 0},
	}
	for _, tt := range tests {
		tt.at.aim = func(target string) (sip.URI, error) {
			if target == "bad" {
				return sip.URI{}, errors.New("no such place")
			}
			return uriOf(t, "sip:"+target+"@pbx.example"), nil
		}
		v := decide(tt.who, tt.set, tt.at)
		if got := decided(v); got != tt.want || len(v.problems) != tt.lost {
			t.Errorf("%s: %s with %d problems, want %s with %d", tt.name, got, len(v.problems), tt.want, tt.lost)
		}
	}
}

func TestDecideCodes(t *testing.T) {
	hidden := caller{anonymous: true}
	for _, tt := range []struct {
		set  storage.Calls
		at   circumstances
		code int
		kind FailureKind
	}{
		{storage.Calls{RejectAnonymous: true}, circumstances{}, 433, Blocked},
		{storage.Calls{ContactsOnly: true}, circumstances{}, 603, Blocked},
		{storage.Calls{}, circumstances{quiet: true}, 486, NoAnswer},
		{storage.Calls{Forwarding: true, ForwardTo: "1"}, circumstances{}, 302, Forwarded},
	} {
		tt.at.aim = func(string) (sip.URI, error) { return sip.URI{Scheme: "sip", User: "1", Host: "h"}, nil }
		v := decide(hidden, tt.set, tt.at)
		if v.failure.Code != tt.code || v.failure.Kind != tt.kind || v.do == turnAway && v.refusal.code != tt.code {
			t.Errorf("decide(%+v) = %d, %v, want %d, %v", tt.set, v.failure.Code, v.failure.Kind, tt.code, tt.kind)
		}
	}
}

func TestIsAnonymous(t *testing.T) {
	for in, want := range map[string]bool{
		"sip:anonymous@anonymous.invalid": true, "sip:Anonymous@pbx.example": true, "sip:c8oqz84zk7z@anonymous.invalid": true,
		"sip:bob@example.org": false, "sip:anonymous.bob@example.org": false,
	} {
		if got := isAnonymous(uriOf(t, in)); got != want {
			t.Errorf("isAnonymous(%s) = %v, want %v", in, got, want)
		}
	}
}

func TestCheckCircle(t *testing.T) {
	alice, bob := uriOf(t, "sip:alice@example.org"), uriOf(t, "sip:bob@example.org")
	ours := func(u sip.URI) bool { return sameParty(u, alice) }
	passed := func(list ...string) []sip.Diversion {
		var out []sip.Diversion
		for _, s := range list {
			a, err := sip.ParseAddress(s)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, sip.Diversion{Address: a})
		}
		return out
	}
	tests := []struct {
		name     string
		to, from sip.URI
		passed   []sip.Diversion
		loop     bool
	}{
		{"fine", uriOf(t, "sip:carol@example.org"), bob, nil, false},
		{"to ourselves", uriOf(t, "sip:alice@EXAMPLE.org:5060;transport=tcp"), bob, nil, true},
		{"back to the caller", bob, bob, nil, true},
		{"we have had it", uriOf(t, "sip:carol@example.org"), bob, passed("<sip:alice@example.org>;reason=no-answer"), true},
		{"the next one has had it", uriOf(t, "sip:carol@example.org"), bob, passed("<sip:carol@example.org>"), true},
		{"others have had it", uriOf(t, "sip:carol@example.org"), bob, passed("<sip:1@x.example>", "<sip:2@x.example>", "<sip:3@x.example>", "<sip:4@x.example>"), false},
		{"too many have had it", uriOf(t, "sip:carol@example.org"), bob, passed("<sip:1@x.example>", "<sip:2@x.example>", "<sip:3@x.example>", "<sip:4@x.example>", "<sip:5@x.example>"), true},
		{"one has had it often", uriOf(t, "sip:carol@example.org"), bob, passed("<sip:1@x.example>;counter=5"), true},
		{"a counter that overflows", uriOf(t, "sip:carol@example.org"), bob, passed("<sip:1@x.example>;counter=99999999999999999999999", "<sip:2@x.example>;counter=-7"), false},
		{"another port is another phone", uriOf(t, "sip:alice@example.org:5070"), bob, nil, false},
	}
	for _, tt := range tests {
		err := checkCircle(tt.to, tt.from, tt.passed, ours)
		if got := errors.Is(err, ErrForwardLoop); got != tt.loop {
			t.Errorf("%s: checkCircle = %v, want loop %v", tt.name, err, tt.loop)
		}
	}
}
