package scripting

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/bonjour/bonjourtest"
	"parley/middleware"
	"parley/middleware/middlewaretest"
)

func TestNeighbourWords(t *testing.T) {
	for id, want := range map[string]string{
		"3f0c7a92-51d0-8b66-9d2e-6a0b6f0e4c11": "3f0c7a92-51d0-8b66-9d2e-6a0b6f0e4c11",
		"Door phone, 2nd #door":                "Door%20phone%2C%202nd%20%23door",
		"Zoë%":                                 "Zo%C3%AB%25",
		"\xff\n\u202e":                         "%FF%0A%E2%80%AE",
	} {
		got := neighbourWord(id)
		if got != want {
			t.Errorf("neighbourWord(%q) = %q, want %q", id, got, want)
		}
		if back := neighbourOfWord(got); back != id {
			t.Errorf("neighbourOfWord(%q) = %q, want %q", got, back, id)
		}
	}
	if got := neighbourOfWord("100%"); got != "100%" {
		t.Errorf("neighbourOfWord of what is not written so = %q, want it as it is", got)
	}
}

func TestBonjourAccount(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, _, _ *middlewaretest.Phone) {
		p := attach(t, s)
		const unknown = "ERROR 1012 ACCOUNT: Unknown property: there are CONTACT, NAME, NEIGHBOURS, REASON, STATE, " +
			"and the settings ENABLED, DISPLAY_NAME, NOTE, CALLS_FROM, PTIME"
		for _, tt := range []struct{ command, want string }{
			{"SEARCH ACCOUNTS", "ACCOUNTS"},
			{"GET ACCOUNT bonjour@local ENABLED", "ACCOUNT bonjour@local ENABLED TRUE"},
			{"GET ACCOUNT BONJOUR@LOCAL calls_from", "ACCOUNT BONJOUR@LOCAL CALLS_FROM everyone"},
			{"SET ACCOUNT bonjour@local CALLS_FROM known", "ACCOUNT bonjour@local CALLS_FROM known"},
			{"GET SETTING bonjour.calls_from", "SETTING bonjour.calls_from known"},
			{"SET ACCOUNT bonjour@local CALLS_FROM nobody", "ERROR 1013 Invalid value: bonjour.calls_from cannot be \"nobody\", it must be one of everyone, neighbours, known"},
			{"SET SETTING bonjour.note in the attic", "SETTING bonjour.note in the attic"},
			{"GET ACCOUNT bonjour@local NOTE", "ACCOUNT bonjour@local NOTE in the attic"},
			{"SET ACCOUNT bonjour@local ENABLED no", "ACCOUNT bonjour@local ENABLED FALSE"},
			{"GET ACCOUNT bonjour@local NEIGHBOURS", "ACCOUNT bonjour@local NEIGHBOURS 0"},
			{"GET ACCOUNT bonjour@local REGSTATUS", unknown},
			{"SET ACCOUNT bonjour@local STATE ON", unknown},
			{"GET ACCOUNT bonjour@local", unknown},
			{"ALTER ACCOUNT bonjour@local REGISTER", "ERROR 1014 ACCOUNT: Action failed: this account has no server, and is always there"},
			{"DELETE ACCOUNT bonjour@local", "ERROR 1014 ACCOUNT: Action failed: this account has no server, and is always there"},
			{"CREATE ACCOUNT bonjour@local", "ERROR 1011 Account exists"},
			{"SET DEFAULTACCOUNT bonjour@local", "ERROR 1010 Unknown account"},

			{"SEARCH NEIGHBOURS", "NEIGHBOURS"},
			{"SEARCH NEIGHBORS", "NEIGHBOURS"},
			{"SEARCH NEIGHBOURS anna", "ERROR 29 SEARCH: target not allowed"},
			{"GET NEIGHBOUR x NAME", "ERROR 1050 Unknown neighbour"},
			{"GET NEIGHBOR", "ERROR 1050 Unknown neighbour"},
			{"ALTER NEIGHBOUR x FORGET", "ERROR 1050 Unknown neighbour"},
			{"ALTER NEIGHBOUR x FORGET it", "ERROR 1 General syntax error: \"it\" is too much"},
			{"ALTER NEIGHBOR x KISS", "ERROR 1052 NEIGHBOUR: Action failed: the action is FORGET"},
			{"CALL bonjour:x", "ERROR 36 Not online: the account is not enabled: bonjour@local"},
			{"CALL x FROM bonjour@local", "ERROR 36 Not online: the account is not enabled: bonjour@local"},
			{"CALL Meyer, Anna", "ERROR 72 Cannot create conference"},
			{"CALL ,", "ERROR 34 Invalid user handle"},
		} {
			p.want(tt.command, tt.want)
		}
		p.wantTold(
			"SETTING bonjour.calls_from known", "ACCOUNT bonjour@local CALLS_FROM known",
			"SETTING bonjour.note in the attic", "ACCOUNT bonjour@local NOTE in the attic",
			"SETTING bonjour.enabled FALSE", "ACCOUNT bonjour@local ENABLED FALSE",
		)
		p.want("GET ACCOUNT bonjour@local STATE", "ACCOUNT bonjour@local STATE OFF")
	})
}

func TestNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, n := bonjourtest.NewNetwork(), middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", middlewaretest.OnLAN(lan, "Alice"))
		s := newServer(t, alice)
		defer alice.Stop()
		defer s.Close()
		p := attach(t, s)
		time.Sleep(5 * time.Second)
		p.want("GET ACCOUNT bonjour@local STATE", "ACCOUNT bonjour@local STATE ON")
		p.want("GET ACCOUNT bonjour@local NAME", "ACCOUNT bonjour@local NAME Alice")
		p.told()
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2", middlewaretest.OnLAN(lan, "Bob"))
		defer bob.Stop()
		time.Sleep(5 * time.Second)
		id := strings.TrimPrefix(p.do("SEARCH NEIGHBOURS"), "NEIGHBOURS ")
		about := "NEIGHBOUR " + id + " "
		p.wantTold(about+"ADDED", about+"TITLE Bob (bob)", about+"STATE Available", about+"CALLABLE TRUE")
		for property, want := range map[string]string{
			"NAME": "Bob", "HOST": "bob", "TITLE": "Bob (bob)", "STATE": "Available", "NOTE": "", "HANDLE": "bonjour:" + id, "TRANSPORT": "TLS",
			"TRUST": "NEW", "KEY": "", "NAMESAKE": "FALSE", "CALLABLE": "TRUE", "PROBLEM": "",
		} {
			p.want("GET "+about+property, strings.TrimRight(about+property+" "+want, " "))
		}
		p.want("GET ACCOUNT bonjour@local NEIGHBOURS", "ACCOUNT bonjour@local NEIGHBOURS 1")
		p.want("GET "+about+"WEIGHT", "ERROR 1051 NEIGHBOUR: Unknown property: there are CALLABLE, HANDLE, HOST, KEY, NAME, NAMESAKE, NOTE, PROBLEM, SINCE, STATE, TITLE, TRANSPORT, TRUST, URI")

		call := place(p, "bob")
		soon()
		for property, want := range map[string]string{
			"STATUS": "RINGING", "NEIGHBOUR": id, "ACCOUNT": "bonjour@local", "PARTNER_DISPNAME": "Bob (bob)",
			"PARTNER_HANDLE": "bonjour:" + id, "VERIFIED": "FALSE",
		} {
			p.want("GET CALL "+call+" "+property, "CALL "+call+" "+property+" "+want)
		}
		bob.Session().Accept()
		soon()
		p.want("GET CALL "+call+" STATUS", "CALL "+call+" STATUS INPROGRESS")
		if got := p.do("GET CALL " + call + " ENCRYPTION"); !strings.Contains(got, " ENCRYPTED ") {
			t.Errorf("%s, want it encrypted", got)
		}
		p.want("ALTER CALL "+call+" HANGUP", "ALTER CALL "+call+" HANGUP")
		soon()
		p.want("SEARCH CALLS bonjour:"+id, "CALLS "+call)
		uri := strings.TrimPrefix(p.do("GET "+about+"URI"), about+"URI ")
		p.want("TEST DIAL bob", "TEST DIAL "+uri+" ACCOUNT bonjour@local RULE 0 STEPS the neighbour Bob (bob) is called;")
		p.want("GET "+about+"TRUST", about+"TRUST KNOWN")
		if key := p.do("GET " + about + "KEY"); len(key) != len(about+"KEY ")+64 {
			t.Errorf("after a call %s, want a fingerprint", key)
		}
		p.told()
		p.want("ALTER "+about+"FORGET", "ALTER "+about+"FORGET")
		soon()
		p.wantTold(about+"TRUST NEW", about+"KEY")
		bob.Stop()
		time.Sleep(5 * time.Second)
		p.wantTold(about + "REMOVED")
		p.want("SEARCH NEIGHBOURS", "NEIGHBOURS")
		p.want("CALL bonjour:"+id, "ERROR 1050 Unknown neighbour")
	})
}

// Without an account one is online where neighbours can be called.
func TestOnlineByTheLocalNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", middlewaretest.OnLAN(bonjourtest.NewNetwork(), "Alice"))
		s := newServer(t, p)
		defer p.Stop()
		defer s.Close()
		c := attach(t, s)
		time.Sleep(5 * time.Second)
		c.told()
		for _, tt := range []struct{ command, status string }{
			{"GET USERSTATUS", "ONLINE"},
			{"SET USERSTATUS OFFLINE", "OFFLINE"},
			{"SET USERSTATUS AWAY", "ONLINE"},
			{"SET ACCOUNT bonjour@local ENABLED FALSE", "OFFLINE"},
			{"SET ACCOUNT bonjour@local ENABLED TRUE", "ONLINE"},
			{"CREATE ACCOUNT ann@192.0.2.9", "CONNECTING"},
			{"SET ACCOUNT ann@192.0.2.9 ENABLED FALSE", "ONLINE"},
		} {
			before := c.do("GET CONNSTATUS")
			c.do(tt.command)
			time.Sleep(5 * time.Second)
			told, want := strings.Join(c.told(), "\n"), "CONNSTATUS "+tt.status
			if is := c.do("GET CONNSTATUS"); is != want || is != before && !strings.Contains(told, want) {
				t.Errorf("%s: %s, want %s; told\n%s", tt.command, is, want, told)
			}
		}
	})
}

// Two neighbours of one name are told apart by their machines; who cannot be
// called is refused with the reason.
func TestNeighboursThatCannotBeCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, n := bonjourtest.NewNetwork(), middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", middlewaretest.OnLAN(lan, "Alice", "192.0.2.1/24", "fe80::1/64"))
		s := newServer(t, alice)
		defer alice.Stop()
		defer s.Close()
		p := attach(t, s)
		for i, host := range []string{"Attic", "Cellar"} {
			bob := middlewaretest.NewPhone(t, n, []string{"192.0.2.2", "192.0.2.3"}[i], middlewaretest.OnLAN(lan, host),
				func(_ *middleware.Config, set *middleware.Settings) { set.Bonjour.DisplayName = "Bob, the 1st" })
			defer bob.Stop()
		}
		carol := middlewaretest.NewPhone(t, n, "192.0.2.4", middlewaretest.OnLAN(lan, "Carol", "fe80::4/64"))
		defer carol.Stop()
		time.Sleep(5 * time.Second)
		got := p.do("CALL bob, the 1st")
		if !strings.HasPrefix(got, "ERROR 1052 ") || !strings.Contains(got, "(attic)") || !strings.Contains(got, "(cellar)") {
			t.Errorf("CALL of two neighbours = %q, want error 1052 with both", got)
		}
		p.want("CALL bonjour:bob%2C%20the%201st", "ERROR 1050 Unknown neighbour")
		place(p, "bob, the 1st (CELLAR)")
		got = p.do("CALL Carol")
		if want := "ERROR 1052 NEIGHBOUR: Action failed: Carol (carol) cannot be called: it has link-local addresses only"; got != want {
			t.Errorf("CALL of a neighbour with link-local addresses = %q, want %q", got, want)
		}
		ids := strings.Split(strings.TrimPrefix(p.do("SEARCH NEIGHBOURS"), "NEIGHBOURS "), ", ")
		if len(ids) != 3 {
			t.Fatalf("SEARCH NEIGHBOURS = %q, want three", ids)
		}
		about := "NEIGHBOUR " + ids[2] + " " // they are sorted by title
		p.want("GET "+about+"PROBLEM", about+"PROBLEM LINK_LOCAL")
		p.want("GET "+about+"CALLABLE", about+"CALLABLE FALSE")
	})
}
