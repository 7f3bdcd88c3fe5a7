package scripting

import (
	"testing"

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
			"ACCOUNT bonjour@local STATE OFF", "ACCOUNT bonjour@local CONTACT",
		)
		p.want("GET ACCOUNT bonjour@local STATE", "ACCOUNT bonjour@local STATE OFF")
	})
}
