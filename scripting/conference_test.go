package scripting

import (
	"path/filepath"
	"strings"
	"testing"

	"parley/middleware/middlewaretest"
)

func TestConferenceCommands(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		carol := middlewaretest.NewPhone(t, alice.Net, "192.0.2.3")
		defer carol.Stop()
		p := attach(t, s)
		first := up(p, bob)
		second := up(p, carol)
		for _, tt := range []struct{ command, want string }{
			{"ALTER CALL " + first + " JOIN_CONFERENCE", "ERROR 558 CALL: Missing or invalid arguments"},
			{"ALTER CALL " + first + " JOIN_CONFERENCE 17", "ERROR 556 CALL: Invalid call ID given"},
			{"ALTER CALL " + first + " JOIN_CONFERENCE " + first, "ERROR 72 Cannot create conference: two calls are needed"},
			{"ALTER CALL " + first + " LEAVE_CONFERENCE", "ERROR 559 CALL: Action failed: there is no conference"},
			{"ALTER CALL " + first + " LEAVE_CONFERENCE now", "ERROR 558 CALL: Missing or invalid arguments"},
			{"ALTER CONFERENCE", "ERROR 557 CALL: No action given"},
			{"ALTER CONFERENCE SING", "ERROR 560 CALL: Unknown action"},
			{"ALTER CONFERENCE HOLD now", "ERROR 558 CALL: Missing or invalid arguments"},
			{"ALTER CONFERENCE HANGUP", "ERROR 559 CALL: Action failed: there is no conference"},
			{"ALTER CONFERENCE STOP_RECORD", "ERROR 559 CALL: Action failed: the call is not being recorded"},
			{"GET CONFERENCE WEATHER", "ERROR 7 GET: invalid WHAT"},
			{"GET CONFERENCE CALLS", "CONFERENCE CALLS"},
			{"GET CONFERENCE STATUS", "CONFERENCE STATUS NONE"},
			{"GET CONFERENCE ID", "CONFERENCE ID 0"},
			{"GET CONFERENCE DURATION", "CONFERENCE DURATION 0"},
			{"GET CALL " + first + " CONF_ID", "CALL " + first + " CONF_ID 0"},
		} {
			p.want(tt.command, tt.want)
		}
		p.told()

		p.want("ALTER CALL "+second+" JOIN_CONFERENCE "+first, "ALTER CALL "+second+" JOIN_CONFERENCE "+first)
		soon()
		id := strings.TrimPrefix(p.do("GET CONFERENCE ID"), "CONFERENCE ID ")
		got := strings.Join(p.told(), "\n")
		for _, line := range []string{
			"CALL " + first + " CONF_ID " + id, "CALL " + second + " CONF_ID " + id, "CONFERENCE CALLS " + first + ", " + second,
			"CONFERENCE STATUS INPROGRESS", "CALL " + first + " HOLD NONE",
		} {
			if !strings.Contains(got, line) {
				t.Errorf("%q was not told in:\n%s", line, got)
			}
		}
		p.want("GET CALL "+first+" CONF_ID", "CALL "+first+" CONF_ID "+id)
		p.want("GET CALL "+first+" CONF_PARTICIPANTS_COUNT", "CALL "+first+" CONF_PARTICIPANTS_COUNT 2")
		p.want("GET CONFERENCE CALLS", "CONFERENCE CALLS "+first+", "+second)

		file := filepath.Join(t.TempDir(), "all.wav")
		p.want("ALTER CONFERENCE RECORD "+file, "ALTER CONFERENCE RECORD "+file)
		p.want("GET CONFERENCE RECORDING", "CONFERENCE RECORDING "+file)
		p.want("ALTER CONFERENCE STOP_RECORD", "ALTER CONFERENCE STOP_RECORD")
		p.want("ALTER CONFERENCE HOLD", "ALTER CONFERENCE HOLD")
		soon()
		p.want("GET CONFERENCE STATUS", "CONFERENCE STATUS LOCALHOLD")
		p.want("ALTER CONFERENCE RESUME", "ALTER CONFERENCE RESUME")
		soon()
		p.want("GET CONFERENCE STATUS", "CONFERENCE STATUS INPROGRESS")
		got = strings.Join(p.told(), "\n")
		for _, line := range []string{"CONFERENCE RECORDING " + file + "\n", "CONFERENCE STATUS LOCALHOLD"} {
			if !strings.Contains(got, line) {
				t.Errorf("%q was not told in:\n%s", line, got)
			}
		}

		p.want("ALTER CALL "+first+" LEAVE_CONFERENCE", "ALTER CALL "+first+" LEAVE_CONFERENCE")
		soon()
		p.want("GET CALL "+second+" CONF_PARTICIPANTS_COUNT", "CALL "+second+" CONF_PARTICIPANTS_COUNT 0")
		p.want("GET CALL "+first+" STATUS", "CALL "+first+" STATUS LOCALHOLD")
		p.want("ALTER CALL "+first+" JOIN_CONFERENCE "+second, "ALTER CALL "+first+" JOIN_CONFERENCE "+second)
		p.want("ALTER CONFERENCE HANGUP", "ALTER CONFERENCE HANGUP")
		soon()
		p.want("GET CALL "+second+" STATUS", "CALL "+second+" STATUS FINISHED")
		p.want("ALTER CALL "+second+" JOIN_CONFERENCE "+first, "ERROR 72 Cannot create conference: the call is over")
	})
}
