package scripting

import (
	"testing"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
)

func TestNetworkIsTold(t *testing.T) {
	m := &middlewaretest.Machine{}
	first := true // alice's, not bob's
	option := func(c *middleware.Config, s *middleware.Settings) {
		if first {
			m.Option()(c, s)
			first = false
		}
	}
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		id := place(p, bob.URI())
		soon()
		bob.Session().Accept()
		soon()
		p.told()
		p.want("GET NETWORK", "NETWORK ONLINE")
		p.want("GET CALL "+id+" RECONNECTING", "CALL "+id+" RECONNECTING FALSE")
		m.Move()
		time.Sleep(600 * time.Millisecond)
		soon()
		p.wantTold("NETWORK OFFLINE", "CALL N RECONNECTING TRUE", "CALL N DURATION 1")
		p.want("GET NETWORK", "NETWORK OFFLINE")
		m.Move("192.0.2.9")
		time.Sleep(600 * time.Millisecond)
		soon()
		p.wantTold("NETWORK ONLINE", "CALL N RECONNECTING FALSE", "CALL N DURATION 2")
		m.Power <- middleware.WillSleep
		m.Power <- middleware.DidWake
		soon()
		p.wantTold("SYSTEM SLEEP", "SYSTEM AWAKE")
	}, option)
}
