package scripting

import (
	"testing"
	"time"

	"parley/middleware/middlewaretest"
)

func TestStreamsComeAndGo(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		id := place(p, bob.URI())
		soon()
		bob.Session().Accept()
		soon()
		p.told()
		p.want("ALTER CALL "+id+" ADD_AUDIO", "ERROR 559 CALL: Action failed: the session has audio already")
		p.want("ALTER CALL "+id+" ACCEPT_PROPOSAL", "ERROR 559 CALL: Action failed")
		p.want("ALTER CALL "+id+" REMOVE_AUDIO", "ALTER CALL "+id+" REMOVE_AUDIO")
		soon()
		p.wantTold("CALL N STREAMS NONE")
		p.want("ALTER CALL "+id+" HOLD", "ERROR 103 Cannot hold: the call has no audio")

		bob.Session().AddAudio()
		soon()
		p.wantTold("CALL N PROPOSAL REMOTE AUDIO")
		p.want("ALTER CALL "+id+" REJECT_PROPOSAL", "ALTER CALL "+id+" REJECT_PROPOSAL")
		soon()
		p.wantTold("CALL N PROPOSAL NONE", "CALL N DURATION 1")
		p.want("GET CALL "+id+" STREAMS", "CALL "+id+" STREAMS NONE")

		p.want("ALTER CALL "+id+" ADD_AUDIO", "ALTER CALL "+id+" ADD_AUDIO")
		soon()
		p.wantTold("CALL N PROPOSAL LOCAL AUDIO")
		p.want("ALTER CALL "+id+" CANCEL_PROPOSAL", "ALTER CALL "+id+" CANCEL_PROPOSAL")
		soon()
		p.wantTold("CALL N PROPOSAL NONE")

		bob.Session().AddAudio()
		soon()
		p.told()
		p.want("ALTER CALL "+id+" ACCEPT_PROPOSAL", "ALTER CALL "+id+" ACCEPT_PROPOSAL")
		time.Sleep(100 * time.Millisecond)
		soon()
		p.want("GET CALL "+id+" STREAMS", "CALL "+id+" STREAMS AUDIO")
	})
}
