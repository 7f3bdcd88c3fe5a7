package scripting

import (
	"strings"
	"testing"

	"parley/middleware/middlewaretest"
	"parley/middleware/session"
)

// up brings up a call to a phone and returns its id.
func up(p *program, to *middlewaretest.Phone) string {
	p.t.Helper()
	id := place(p, to.URI())
	soon()
	to.Session().Accept()
	soon()
	p.told()
	return id
}

func TestTransferCommands(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		carol := middlewaretest.NewPhone(t, alice.Net, "192.0.2.3")
		p := attach(t, s)
		id := up(p, bob)
		for _, tt := range []struct{ command, want string }{
			{"TRANSFER", "ERROR 558 CALL: Missing or invalid arguments"},
			{"TRANSFER two words", `ERROR 559 CALL: Action failed: nothing to call: "two words" is neither a number nor an address`},
			{"TRANSFER_TO", "ERROR 558 CALL: Missing or invalid arguments"},
			{"TRANSFER_TO carol", "ERROR 558 CALL: Missing or invalid arguments"},
			{"TRANSFER_TO 17", "ERROR 556 CALL: Invalid call ID given"},
			{"TRANSFER_TO " + id, "ERROR 559 CALL: Action failed: a call can only be transferred to another one that is up"},
			{"ACCEPT_TRANSFER", "ERROR 559 CALL: Action failed: nobody wants the call transferred"},
			{"REJECT_TRANSFER now", "ERROR 558 CALL: Missing or invalid arguments"},
		} {
			p.want("ALTER CALL "+id+" "+tt.command, tt.want)
		}
		p.want("GET CALL "+id+" TRANSFER_STATUS", "CALL "+id+" TRANSFER_STATUS NONE")
		p.told()

		// Not wanted there: the call is as before.
		p.want("ALTER CALL "+id+" TRANSFER "+carol.URI(), "ALTER CALL "+id+" TRANSFER "+carol.URI())
		soon()
		p.wantTold("CALL N TRANSFERRED_TO bob@192.0.2.3:5060", "CALL N TRANSFER_STATUS TRANSFERRING", "CALL N HOLD LOCAL", "CALL N STATUS LOCALHOLD",
			"CALL N TRANSFER_STATUS TRANSFERRING 100 Trying")
		bob.Session().RejectTransfer()
		soon()
		p.wantTold("CALL N TRANSFER_STATUS FAILED 603 Decline", "CALL N TRANSFERRED_TO", "CALL N TRANSFER_STATUS NONE", "CALL N HOLD NONE", "CALL N STATUS INPROGRESS")

		// Sent on by the other side.
		if err := bob.Session().Transfer(carol.URI()); err != nil {
			t.Fatal(err)
		}
		soon()
		p.want("GET CALL "+id+" TRANSFER_STATUS", "CALL "+id+" TRANSFER_STATUS REQUESTED")
		p.want("ALTER CALL "+id+" ACCEPT_TRANSFER", "ALTER CALL "+id+" ACCEPT_TRANSFER")
		soon()
		carol.Session().Accept()
		soon()
		active := strings.Fields(p.do("SEARCH ACTIVECALLS"))
		if len(active) != 2 || active[1] == id {
			t.Fatalf("calls that go on = %q, want another one", active)
		}
		p.want("GET CALL "+active[1]+" TRANSFERRED_BY", "CALL "+active[1]+" TRANSFERRED_BY bob@192.0.2.2:5060")
		p.want("GET CALL "+id+" TRANSFER_STATUS", "CALL "+id+" TRANSFER_STATUS TRANSFERRED")
		p.told()
		carol.Stop()
	})
}

func TestTransferToCommand(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		carol := middlewaretest.NewPhone(t, alice.Net, "192.0.2.3")
		p := attach(t, s)
		first := up(p, bob)
		second := up(p, carol)
		p.want("ALTER CALL "+first+" TRANSFER_TO "+second, "ALTER CALL "+first+" TRANSFER_TO "+second)
		soon()
		bob.Session().AcceptTransfer()
		soon()
		p.want("SEARCH ACTIVECALLS", "CALLS")
		p.want("ALTER CALL "+first+" TRANSFER_TO "+second, "ERROR 559 CALL: Action failed")
		if a, b := bob.Session().Snapshot(), carol.Session().Snapshot(); a.State() != session.Established || b.State() != session.Established || a.CallID != b.CallID {
			t.Errorf("bob and carol are not connected: %+v, %+v", a, b)
		}
		p.told()
		carol.Stop()
	})
}
