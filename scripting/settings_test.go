package scripting

import (
	"strings"
	"testing"

	"parley/middleware"
	"parley/middleware/middlewaretest"
)

// Every command, with forms that are wrong. Calls are tested elsewhere.
func TestCommands(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		tests := []struct{ command, want string }{
			{"ping", "PONG"},
			{"PING 1", `ERROR 1 General syntax error: "1" is too much`},
			{"NONSENSE", "ERROR 2 Unknown command"},
			{"GET", "ERROR 7 GET: invalid WHAT"},
			{"GET NONSENSE", "ERROR 7 GET: invalid WHAT"},
			{"SET", "ERROR 18 SET: invalid WHAT"},
			{"SET NONSENSE 1", "ERROR 18 SET: invalid WHAT"},
			{"SET CONNSTATUS ONLINE", "ERROR 18 SET: invalid WHAT"},
			{"SEARCH", "ERROR 3 Search: unknown WHAT"},
			{"SEARCH UNICORNS", "ERROR 3 Search: unknown WHAT"},
			{"ALTER", "ERROR 526 ALTER: no object type given"},
			{"ALTER UNICORN 1", "ERROR 527 ALTER: unknown object type given"},
			{"CREATE", "ERROR 536 CREATE: no object type given"},
			{"CREATE UNICORN", "ERROR 537 CREATE: Unknown object type given"},
			{"DELETE", "ERROR 538 DELETE: no object type given"},
			{"DELETE UNICORN", "ERROR 539 DELETE: unknown object type given"},
			{"CLEAR", "ERROR 520 CLEAR needs a target"},
			{"CLEAR UNICORNS", "ERROR 521 Invalid/unknown CLEAR target"},
			{"CLEAR CALLHISTORY", "ERROR 524 CLEAR CALLHISTORY: missing target argument"},
			{"CLEAR CALLHISTORY MISSED", "ERROR 525 CLEAR CALLHISTORY: only ALL can be cleared"},

			{"GET VERSION", "VERSION 1.2-test"},
			{"GET SKYPEVERSION", "SKYPEVERSION 1.2.0.0"},
			{"get userstatus", "USERSTATUS ONLINE"},
			{"GET USERSTATUS now", `ERROR 1 General syntax error: "now" is too much`},
			{"SET USERSTATUS away", "USERSTATUS AWAY"},
			{"SET USERSTATUS NA", "USERSTATUS AWAY"},
			{"SET USERSTATUS DND", "USERSTATUS DND"},
			{"SET USERSTATUS SKYPEME", "USERSTATUS ONLINE"},
			{"SET USERSTATUS", "ERROR 28 Unknown userstatus"},
			{"SET USERSTATUS SLEEPY", "ERROR 28 Unknown userstatus"},
			{"GET CONNSTATUS", "CONNSTATUS OFFLINE"},
			{"GET CURRENTUSERHANDLE", "CURRENTUSERHANDLE"},
			{"GET MUTE", "MUTE OFF"},
			{"MUTE on", "MUTE ON"},
			{"GET MUTE", "MUTE ON"},
			{"SET MUTE OFF", "MUTE OFF"},
			{"MUTE", "ERROR 33 Invalid parameter"},
			{"MUTE maybe", "ERROR 33 Invalid parameter"},
			{"GET AUDIO_IN", "AUDIO_IN default"},
			{"SET AUDIO_IN null", "AUDIO_IN null"},
			{"SET AUDIO_IN", "ERROR 50 Cannot set device"},
			{"GET AUDIO_OUT", "AUDIO_OUT default"},
			{"SET RINGER Some, device", "RINGER Some, device"},
			{"GET RINGER", "RINGER Some, device"},

			{"GET SETTING calls.ring_timeout", "SETTING calls.ring_timeout 180"},
			{"SET SETTING calls.ring_timeout 60", "SETTING calls.ring_timeout 60"},
			{"SET SETTING calls.call_waiting off", "SETTING calls.call_waiting FALSE"},
			{"SET SETTING calls.ring_timeout soon", `ERROR 1013 Invalid value: calls.ring_timeout cannot be "soon", it must be a whole number from 5 to 3600`},
			{"GET SETTING calls.ring_timeoutt", `ERROR 1020 Unknown setting: there is no setting "calls.ring_timeoutt", did you mean "calls.ring_timeout"?`},
			{"SET SETTING general.default_account nobody@example.org", "ERROR 1010 Unknown account"},
			{"SEARCH SETTINGS x", "ERROR 29 SEARCH: target not allowed"},

			{"OPEN sip:bob@example.org", "ERROR 69 Invalid open what: there is no window"},
			{"SHUTDOWN", "ERROR 68 Access denied: Parley cannot be ended from here"},

			{"CALL", "ERROR 34 Invalid user handle"},
			{"CALL , ,", "ERROR 34 Invalid user handle"},
			{"CALL a@example.org, b@example.org", "ERROR 72 Cannot create conference"},
			{"CALL bob", "ERROR 36 Not online: a number or name without a domain needs an account"},
			{"CALL bob FROM eve@example.org", "ERROR 1010 Unknown account"},
			{"CALL two words", `ERROR 34 Invalid user handle: nothing to call: "two words" is neither a number nor an address`},
			{"GET CALL", "ERROR 11 Invalid call id"},
			{"GET CALL one STATUS", "ERROR 11 Invalid call id"},
			{"GET CALL -1 STATUS", "ERROR 11 Invalid call id"},
			{"GET CALL 99999999999999999999 STATUS", "ERROR 11 Invalid call id"},
			{"GET CALL 9223372036854775807 STATUS", "ERROR 12 Unknown call"},
			{"GET CALL 1 STATUS", "ERROR 12 Unknown call"},
			{"SET CALL one STATUS FINISHED", "ERROR 19 Invalid call id"},
			{"SET CALL 1 STATUS FINISHED", "ERROR 20 Unknown call"},
			{"ALTER CALL", "ERROR 555 CALL: No proper call ID given"},
			{"ALTER CALL 1 HANGUP", "ERROR 556 CALL: Invalid call ID given"},
			{"SEARCH ACTIVECALLS bob", "ERROR 29 SEARCH: target not allowed"},
			{"SEARCH MISSEDCALLS bob", "ERROR 6 SEARCH MISSEDCALLS: target not allowed"},
			{"SEARCH CALLS ", "CALLS"},
		}
		for _, tt := range tests {
			p.want(tt.command, tt.want)
		}
		id := place(p, bob.URI())
		soon()
		for _, tt := range []struct{ command, want string }{
			{"GET CALL ID", "ERROR 13 Invalid PROP"},
			{"GET CALL ID COLOR", "ERROR 13 Invalid PROP"},
			{"SET CALL ID", "ERROR 25 Unknown WHAT"},
			{"SET CALL ID SUBJECT x", "ERROR 21 Unknown/disallowed call prop"},
			{"SET CALL ID STATUS MISSED", "ERROR 21 Unknown/disallowed call prop: the statuses are INPROGRESS, ONHOLD, FINISHED"},
			{"SET CALL ID STATUS ONHOLD", "ERROR 22 Cannot hold this call at the moment"},
			{"SET CALL ID STATUS INPROGRESS", "ERROR 23 Cannot resume this call at the moment"},
			{"ALTER CALL ID", "ERROR 557 CALL: No action given"},
			{"ALTER CALL ID DANCE", "ERROR 560 CALL: Unknown action"},
			{"ALTER CALL ID END", "ERROR 560 CALL: Unknown action"},
			{"ALTER CALL ID HOLD please", "ERROR 558 CALL: Missing or invalid arguments"},
			{"ALTER CALL ID ANSWER", "ERROR 559 CALL: Action failed"},
			{"ALTER CALL ID BUSY", "ERROR 559 CALL: Action failed"},
			{"SET CALL ID STATUS FINISHED", "CALL ID STATUS FINISHED"},
		} {
			p.want(strings.ReplaceAll(tt.command, "ID", id), strings.ReplaceAll(tt.want, "ID", id))
		}
		if got := p.do("SEARCH SETTINGS"); !strings.Contains(got, ", calls.ring_timeout, ") {
			t.Errorf("SEARCH SETTINGS = %q", got)
		}
		if got := p.do("STATS"); !strings.HasPrefix(got, "STATS UPTIME ") {
			t.Errorf("STATS = %q", got)
		}
	})
}

// Every property can be read of every call, and none is more than one line.
func TestCallProperties(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		id := place(p, bob.URI())
		read := func() {
			for name := range callProperties {
				if got := p.do("GET CALL " + id + " " + name); !strings.HasPrefix(got+" ", "CALL "+id+" "+name+" ") {
					t.Errorf("GET CALL %s %s = %q", id, name, got)
				}
			}
		}
		read()
		soon()
		bob.Session().Accept()
		soon()
		read()
		alice.Session().End()
		soon()
		read()
		s.hub.forget()
		read()
	})
}

func TestVariablesAreTold(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p, other := attach(t, s), attach(t, s)
		both := func(want ...string) {
			t.Helper()
			p.wantTold(want...)
			other.wantTold(want...)
		}
		p.do("SET USERSTATUS AWAY")
		both("USERSTATUS AWAY")
		p.do("SET USERSTATUS AWAY") // programs wait for the line
		both("USERSTATUS AWAY")
		p.do("MUTE ON")
		both("MUTE ON")
		alice.App.Audio().SetMuted(false)
		both("MUTE OFF")
		p.do("SET AUDIO_IN null")
		both("SETTING audio.input null", "AUDIO_IN null")
		p.do("SET SETTING calls.call_waiting no")
		both("SETTING calls.call_waiting FALSE")
	})
}

func TestAccounts(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		p.want("SEARCH ACCOUNTS", "ACCOUNTS")
		p.want(`CREATE ACCOUNT sip:ann@Example.org registration=no display_name="Ann ""the"" A" password="s e"`, "CREATE ACCOUNT sip:ann@Example.org")
		soon()
		p.wantTold("DEFAULTACCOUNT ann@example.org", "CURRENTUSERHANDLE ann@example.org", "ACCOUNT ann@example.org CREATED", "ACCOUNT ann@example.org REGSTATUS OFF")
		if got, err := alice.Profile.Secrets().Get(t.Context(), "ann@example.org"); err != nil || got != "s e" {
			t.Errorf("password = %q, %v, want %q", got, err, "s e")
		}
		for _, tt := range []struct{ command, want string }{
			{"SEARCH ACCOUNTS", "ACCOUNTS ann@example.org"},
			{"SEARCH ACCOUNTS x", "ERROR 29 SEARCH: target not allowed"},
			{"GET CURRENTUSERHANDLE", "CURRENTUSERHANDLE ann@example.org"},
			{"GET DEFAULTACCOUNT", "DEFAULTACCOUNT ann@example.org"},
			{"CREATE ACCOUNT ann@example.org", "ERROR 1011 Account exists"},
			{"CREATE ACCOUNT", "ERROR 1013 Invalid value: not a SIP address: \"\"; it looks like alice@example.org"},
			{"CREATE ACCOUNT x@example.org transport=pigeon", `ERROR 1013 Invalid value: transport cannot be "pigeon", it must be one of auto, udp, tcp, tls`},
			{"CREATE ACCOUNT x@example.org transport", "ERROR 1 General syntax error: KEY=VALUE was expected"},
			{"GET ACCOUNT ann@example.org DISPLAY_NAME", `ACCOUNT ann@example.org DISPLAY_NAME Ann "the" A`},
			{"GET ACCOUNT sip:ann@example.org registration", "ACCOUNT sip:ann@example.org REGISTRATION FALSE"},
			{"GET ACCOUNT ann@example.org ENABLED", "ACCOUNT ann@example.org ENABLED TRUE"},
			{"GET ACCOUNT ann@example.org DEFAULT", "ACCOUNT ann@example.org DEFAULT TRUE"},
			{"GET ACCOUNT ann@example.org REGSTATUS", "ACCOUNT ann@example.org REGSTATUS OFF"},
			{"GET ACCOUNT ann@example.org REASON", "ACCOUNT ann@example.org REASON"},
			{"GET ACCOUNT eve@example.org REASON", "ERROR 1010 Unknown account"},
			{"GET ACCOUNT", "ERROR 1010 Unknown account"},
			{"SET ACCOUNT ann@example.org expires 1", `ERROR 1013 Invalid value: expires cannot be "1", it must be a whole number from 30 to 86400`},
			{"SET ACCOUNT ann@example.org PASSWORD", "ERROR 1013 Invalid value: the password is missing"},
			{"SET ACCOUNT ann@example.org PASSWORD  two  words ", "ACCOUNT ann@example.org PASSWORD"},
			{"ALTER ACCOUNT ann@example.org REGISTER", "ALTER ACCOUNT ann@example.org REGISTER"},
			{"ALTER ACCOUNT ann@example.org DANCE", "ERROR 1014 ACCOUNT: Action failed: the action is REGISTER"},
			{"SET DEFAULTACCOUNT eve@example.org", "ERROR 1010 Unknown account"},
			{"SET DEFAULTACCOUNT ann@example.org", "DEFAULTACCOUNT ann@example.org"},
			{"DELETE ACCOUNT eve@example.org", "ERROR 1010 Unknown account"},
		} {
			p.want(tt.command, tt.want)
		}
		for _, name := range []string{"GET ACCOUNT ann@example.org PASSWORD", "GET ACCOUNT ann@example.org COLOR", "SET ACCOUNT ann@example.org COLOR red"} {
			if got := p.do(name); !strings.HasPrefix(got, "ERROR 1012 ACCOUNT: Unknown property: there are CONTACT, DEFAULT, ") {
				t.Errorf("%s = %q, want error 1012", name, got)
			}
		}
		if got, err := alice.Profile.Secrets().Get(t.Context(), "ann@example.org"); err != nil || got != " two  words " {
			t.Errorf("password = %q, %v, want %q", got, err, " two  words ")
		}
		p.told()

		p.want("SET ACCOUNT ann@example.org ENABLED no", "ACCOUNT ann@example.org ENABLED FALSE")
		p.wantTold("ACCOUNT ann@example.org ENABLED FALSE", "DEFAULTACCOUNT", "CURRENTUSERHANDLE")
		p.want("DELETE ACCOUNT ann@example.org", "DELETE ACCOUNT ann@example.org")
		p.wantTold("SETTING general.default_account", "DELETED ACCOUNT ann@example.org")
		p.want("SEARCH ACCOUNTS", "ACCOUNTS")
	})
}

// Nobody answers at the account's domain.
func TestRegistrationFails(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		p.do("CREATE ACCOUNT ann@example.org")
		soon()
		p.wantTold(
			"DEFAULTACCOUNT ann@example.org", "CURRENTUSERHANDLE ann@example.org", "ACCOUNT ann@example.org CREATED",
			"ACCOUNT ann@example.org REGSTATUS OFF", "ACCOUNT ann@example.org REGSTATUS REGISTERING", "CONNSTATUS CONNECTING",
			"ACCOUNT ann@example.org REASON host not found (example.org)", "ACCOUNT ann@example.org REGSTATUS FAILED", "CONNSTATUS PAUSING",
		)
		p.want("GET CONNSTATUS", "CONNSTATUS PAUSING")
		p.want("GET ACCOUNT ann@example.org FAILURE", "ACCOUNT ann@example.org FAILURE HOST_NOT_FOUND")
		p.want("GET ACCOUNT ann@example.org REASON", "ACCOUNT ann@example.org REASON host not found (example.org)")
		place(p, "bob@example.org")
		soon()
		p.wantTold("CALL N STATUS ROUTING", "CALL N REASON host not found (example.org)", "CALL N FAILUREREASON 4", "CALL N STATUS FAILED")
	})
}

func TestHandle(t *testing.T) {
	tests := []struct{ uri, want string }{
		{"sip:bob@Example.ORG", "bob@example.org"},
		{"sips:bob@example.org:5061;transport=tls", "bob@example.org"},
		{"SIP:Bob@example.org?Subject=x", "Bob@example.org"},
		{"tel:+4930123", "+4930123"},
		{"sip:example.org:5070", "example.org"},
		{"sip:bob@[2001:db8::1]:5060", "bob@[2001:db8::1]"},
		{"sip:a,b c@example.org", "a%2Cb%20c@example.org"},
		{"sip:jürgen@example.org", "j%C3%BCrgen@example.org"},
		{"echo", "echo"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := handleOf(tt.uri); got != tt.want {
			t.Errorf("handleOf(%q) = %q, want %q", tt.uri, got, tt.want)
		}
	}
}

func TestEndStatus(t *testing.T) {
	for _, tt := range []struct {
		direction middleware.Direction
		by        middleware.Originator
		kind      middleware.FailureKind
		status    string
		reason    int
	}{
		{middleware.Outgoing, middleware.Remote, middleware.Busy, "BUSY", 0},
		{middleware.Outgoing, middleware.Remote, middleware.Declined, "REFUSED", 0},
		{middleware.Outgoing, middleware.Local, middleware.Canceled, "CANCELLED", 0},
		{middleware.Outgoing, middleware.Local, middleware.NoFailure, "CANCELLED", 0},
		{middleware.Outgoing, middleware.Remote, middleware.NotFound, "FAILED", 2},
		{middleware.Outgoing, middleware.Local, middleware.HostNotFound, "FAILED", 4},
		{middleware.Outgoing, middleware.Remote, middleware.NoCommonCodec, "FAILED", 6},
		{middleware.Outgoing, middleware.Remote, middleware.OtherFailure, "FAILED", 1},
		{middleware.Incoming, middleware.Remote, middleware.Canceled, "MISSED", 0},
		{middleware.Incoming, middleware.Local, middleware.NoAnswer, "MISSED", 0},
		{middleware.Incoming, middleware.Remote, middleware.Elsewhere, "CANCELLED", 0},
		{middleware.Incoming, middleware.Local, middleware.Declined, "REFUSED", 0},
		{middleware.Incoming, middleware.Local, middleware.NoMedia, "FAILED", 7},
	} {
		var snap middleware.SessionSnapshot
		snap.Direction, snap.End.By, snap.End.Kind = tt.direction, tt.by, tt.kind
		got := endStatus(snap)
		if reason := failureReason(got, 0, tt.kind); got != tt.status || reason != tt.reason {
			t.Errorf("%v call ended by %s, %v: %s %d, want %s %d", tt.direction, tt.by, tt.kind, got, reason, tt.status, tt.reason)
		}
	}
}

func FuzzHandle(f *testing.F) {
	for _, seed := range []string{"sip:bob@example.org", "tel:+1", "sip:a,b c@h:1;x", "sip:@", "@@:", "\u202esip:x", "sip:[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		got := handleOf(uri)
		for _, r := range got {
			if r <= ' ' || r >= 0x7f || r == ',' {
				t.Errorf("handleOf(%q) = %q, which holds %q", uri, got, r)
			}
		}
	})
}
