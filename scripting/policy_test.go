package scripting

import (
	"strings"
	"testing"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
)

// atPBX gives a phone an account with feature codes and dial rules.
func atPBX(_ *middleware.Config, s *middleware.Settings) {
	a := middleware.NewAccountSettings("201@pbx.example")
	a.Registration = false
	a.DialRules = []string{"00.=+.", "xxxx.=0xxxx."}
	a.UnparkCode = "*7"
	s.Accounts = append(s.Accounts, a)
}

func TestPolicyCommands(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, _, _ *middlewaretest.Phone) {
		p := attach(t, s)
		for _, tt := range []struct{ command, want string }{
			{"GET FORWARDING", "FORWARDING OFF"},
			{"SET FORWARDING ON", `ERROR 1013 Invalid value: calls.forwarding cannot be "true", it must be false as long as calls.forward_to is empty`},
			{"SET FORWARDING", "ERROR 1013 Invalid value: OFF, ON or a target"},
			{"SET FORWARDING bob@example.org", "FORWARDING bob@example.org"},
			{"GET SETTING calls.forwarding", "SETTING calls.forwarding TRUE"},
			{"SET FORWARDING off", "FORWARDING OFF"},
			{"SET FORWARDING on", "FORWARDING bob@example.org"},
			{"SET SETTING calls.forwarding no", "SETTING calls.forwarding FALSE"},
			{"GET AUTOANSWER", "AUTOANSWER OFF"},
			{"SET AUTOANSWER on", "AUTOANSWER 5"},
			{"SET AUTOANSWER 0", "AUTOANSWER 0"},
			{"SET AUTOANSWER OFF", "AUTOANSWER OFF"},
			{"SET AUTOANSWER ON", "AUTOANSWER 0"},
			{"SET AUTOANSWER", "ERROR 1013 Invalid value: OFF, ON or a number of seconds"},
			{"SET AUTOANSWER -1", "ERROR 1013 Invalid value: OFF, ON or a number of seconds"},
			{"SET AUTOANSWER 9999", `ERROR 1013 Invalid value: calls.auto_answer_after cannot be "9999", it must be a whole number from 0 to 3600`},

			{"TEST", "ERROR 1 General syntax error"},
			{"TEST SOUND", "ERROR 2 Unknown command"},
			{"TEST DIAL", "ERROR 34 Invalid user handle: nothing to call"},
			{"TEST DIAL 1 FROM eve@example.org", "ERROR 1010 Unknown account"},
			{"TEST DIAL 00 49-30", "TEST DIAL sip:+4930@pbx.example ACCOUNT 201@pbx.example RULE 1 STEPS 00 49-30 without separators is 004930; " +
				"from account 201@pbx.example; rule 1, 00.=+., makes +4930 of 004930; +4930 is called as +4930@pbx.example;"},
			{"TEST DIAL sip:a@192.0.2.9 from 201@pbx.example", "TEST DIAL sip:a@192.0.2.9 ACCOUNT 201@pbx.example RULE 0 STEPS from account 201@pbx.example;"},
			{"TEST DIAL sip:a@192.0.2.9", "TEST DIAL sip:a@192.0.2.9 RULE 0 STEPS without an account;"},
			{"SET ACCOUNT 201@pbx.example dial_rules 00.=+.,1=y", `ERROR 1013 Invalid value: dial_rules cannot be "00.=+.,1=y", ` +
				`it must be a list of dial rules of the form MATCH=REPLACEMENT; "1=y", number 2 of the list, character 3: only digits, * # + x and . can be dialed`},

			{"PICKUP 2 3", `ERROR 34 Invalid user handle: nothing to call: "2 3" is no extension`},
			{"PICKUP 1 FROM eve@example.org", "ERROR 1010 Unknown account"},
			{"ALTER CALL 1 REDIRECT bob", "ERROR 556 CALL: Invalid call ID given"},
			{"SET ACCOUNT 201@pbx.example unpark_code", "ACCOUNT 201@pbx.example UNPARK_CODE"},
			{"UNPARK 1", "ERROR 34 Invalid user handle: the account has no code for that: 201@pbx.example"},
		} {
			p.want(tt.command, tt.want)
		}
	}, atPBX)
}

// Feature codes are dialed as they are, whatever the dial rules say of numbers.
func TestPickupAndUnpark(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, _, _ *middlewaretest.Phone) {
		p := attach(t, s)
		for command, want := range map[string]string{
			"PICKUP 2055": "sip:**2055@pbx.example", "PICKUP FROM 201@pbx.example": "sip:**@pbx.example",
			"UNPARK 7001 FROM 201@pbx.example": "sip:*77001@pbx.example", "PICKUP 9#": "sip:**9%23@pbx.example",
		} {
			id := strings.Fields(p.do(command))
			if len(id) != 4 || id[0] != "CALL" {
				t.Fatalf("%s = %q, want a call", command, id)
			}
			p.want("GET CALL "+id[1]+" PARTNER_URI", "CALL "+id[1]+" PARTNER_URI "+want)
			soon()
		}
	}, atPBX)
}

func TestForwardingIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, _, _ *middlewaretest.Phone) {
		p := attach(t, s)
		p.told()
		p.do("SET FORWARDING bob@example.org")
		soon()
		p.wantTold("FORWARDING bob@example.org", "SETTING calls.forward_to bob@example.org", "SETTING calls.forwarding TRUE")
		p.do("SET SETTING calls.auto_answer yes")
		soon()
		p.wantTold("AUTOANSWER 5", "SETTING calls.auto_answer TRUE")
	})
}

func TestRedirectAndAutoAnswerCommands(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		p.do("SET AUTOANSWER 4")
		p.told()
		bob.Dial(alice.URI())
		soon()
		lines := p.told()
		id := strings.Fields(lines[0])[1]
		p.want("GET CALL "+id+" AUTOANSWER", "CALL "+id+" AUTOANSWER "+unix(time.Now().Add(4*time.Second-300*time.Millisecond)))
		p.want("ALTER CALL "+id+" CANCEL_AUTOANSWER", "ALTER CALL "+id+" CANCEL_AUTOANSWER")
		soon()
		p.wantTold("CALL N AUTOANSWER 0")
		p.want("ALTER CALL "+id+" CANCEL_AUTOANSWER", "ERROR 559 CALL: Action failed")
		time.Sleep(5 * time.Second)
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS RINGING")

		p.want("ALTER CALL "+id+" REDIRECT", "ERROR 558 CALL: Missing or invalid arguments")
		p.want("ALTER CALL "+id+" REDIRECT two words", `ERROR 559 CALL: Action failed: nothing to call: "two words" is neither a number nor an address`)
		p.want("ALTER CALL "+id+" REDIRECT sip:carol@192.0.2.9", "ALTER CALL "+id+" REDIRECT sip:carol@192.0.2.9")
		soon()
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS REFUSED")
		p.want("GET CALL "+id+" FAILURE", "CALL "+id+" FAILURE FORWARDED")
	})
}

func TestParkOfACallWithoutACode(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		id := place(p, bob.URI())
		soon()
		p.want("ALTER CALL "+id+" PARK 1", "ERROR 41 Call not active")
		bob.Session().Accept()
		soon()
		p.want("ALTER CALL "+id+" PARK 1", "ERROR 559 CALL: Action failed: the account has no code for that: a direct call has no account")
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS INPROGRESS")
	})
}

func TestForwardFailureIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, _, _ *middlewaretest.Phone) {
		p := attach(t, s)
		p.told()
		a := middleware.AccountSnapshot{ID: "201@pbx.example", Rev: 1 << 40}
		s.hub.gotAccount(a)
		p.told()
		for _, err := range []error{middleware.ErrForwardLoop, middleware.ErrForwardLoop, nil} {
			a.Rev++
			a.ForwardError = err
			s.hub.gotAccount(a)
		}
		soon()
		p.wantTold("ACCOUNT 201@pbx.example FORWARDFAILURE the call would go round in a circle", "ACCOUNT 201@pbx.example FORWARDFAILURE")
	}, atPBX)
}
