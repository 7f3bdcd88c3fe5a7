package middleware_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// A crossingStart is where a call stands when the commands come, and those that
// either end takes there. What is refused changes nothing, whenever it comes.
type crossingStart struct {
	name     string
	commands []session.Input
	set      func(out, in *middleware.Session) // nil: the call rings
}

var whileUp = []session.Input{session.End, session.Hold, session.Unhold, session.AddAudio, session.RemoveAudio}

var crossingStarts = []crossingStart{
	{"ringing", []session.Input{session.End, session.Accept, session.Reject, session.Hold}, nil},
	{"established", whileUp, func(_, _ *middleware.Session) {}},
	{"held by one", whileUp, func(out, _ *middleware.Session) { out.Hold() }},
	{"held by both", whileUp, func(out, in *middleware.Session) { out.Hold(); soon(); in.Hold() }},
	{"without audio", []session.Input{session.End, session.Hold, session.AddAudio, session.RemoveAudio}, func(out, _ *middleware.Session) { out.RemoveAudio() }},
	{
		"proposed", append([]session.Input{session.AcceptProposal, session.RejectProposal, session.CancelProposal}, whileUp...),
		func(out, _ *middleware.Session) { out.RemoveAudio(); soon(); out.AddAudio() },
	},
}

// leads are how much later the second command comes. Under the race detector,
// where everything takes ten times as long, both come at once.
var leads = []time.Duration{0, -10 * time.Millisecond, 10 * time.Millisecond}[:crossingLeads]

// cheapSound makes sound that costs little to make: this test makes a lot.
func cheapSound(_ *middleware.Config, s *storage.Settings) {
	s.Audio.Codecs, s.Audio.PacketTime = []string{"PCMU"}, 60*time.Millisecond
}

// Every pair of commands that fit is given at the two ends of a call, the first a moment
// before the second, after it, and both at once, over a network that takes its
// time. Whatever crosses, both ends agree in the end, or both are over.
func TestCommandsThatCross(t *testing.T) {
	for _, start := range crossingStarts {
		t.Run(start.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := middlewaretest.NewNet()
				var glare atomic.Bool
				n.SIP.SetHook(func(p siptest.Packet) (time.Duration, bool) {
					if strings.HasPrefix(p.Summary(), "491 ") {
						glare.Store(true)
					}
					return 20 * time.Millisecond, false
				})
				alice := middlewaretest.NewPhone(t, n, "192.0.2.1", cheapSound)
				bob := middlewaretest.NewPhone(t, n, "192.0.2.2", cheapSound)
				for _, a := range start.commands {
					for _, b := range start.commands {
						for _, lead := range leads {
							glare.Store(false)
							cross(t, alice, bob, start.set, a, b, lead, &glare)
						}
					}
				}
				alice.Stop()
				bob.Stop()
				if open := n.Media.Open(); open != 0 {
					t.Errorf("%d media sockets are open at the end, want none", open)
				}
			})
		})
	}
}

// cross brings up a call, gives a to alice and b to bob, lead later, and looks
// whether the two ends agree once everything has settled.
func cross(t *testing.T, alice, bob *middlewaretest.Phone, set func(out, in *middleware.Session), a, b session.Input, lead time.Duration, glare *atomic.Bool) {
	t.Helper()
	what := fmt.Sprintf("%v, and %v %v later", a, b, lead)
	out := alice.Dial(bob.URI())
	soon()
	in := bob.Session()
	if set != nil {
		in.Accept()
		soon()
		set(out, in)
		soon()
	}
	if lead < 0 {
		in.Do(b)
		time.Sleep(-lead)
		out.Do(a)
	} else {
		out.Do(a)
		time.Sleep(lead)
		in.Do(b)
	}
	soon()
	if glare.Load() {
		time.Sleep(5 * time.Second) // the longest wait after a 491 is four
		synctest.Wait()
	}
	x, y := out.Snapshot(), in.Snapshot()
	switch {
	case x.Place.Exchange != y.Place.Exchange && settled(x) != settled(y):
		t.Errorf("%s: places %v and %v", what, x.Place, y.Place)
	case x.OnHoldByLocal != y.OnHoldByRemote || x.OnHoldByRemote != y.OnHoldByLocal:
		t.Errorf("%s: alice holds %v and is held %v, bob holds %v and is held %v", what, x.OnHoldByLocal, x.OnHoldByRemote, y.OnHoldByLocal, y.OnHoldByRemote)
	case x.Audio.Active != y.Audio.Active:
		t.Errorf("%s: audio at alice %v, at bob %v", what, x.Audio.Active, y.Audio.Active)
	case !mirrored(x.Place.State, y.Place.State):
		t.Errorf("%s: states %v and %v", what, x.Place, y.Place)
	}
	out.End()
	in.End()
	<-out.Done()
	<-in.Done()
}

// settled reports whether nothing is open any more.
func settled(s middleware.SessionSnapshot) bool { return s.Place.Exchange == session.Idle }

// mirrored reports whether the states fit the two ends of one call.
func mirrored(a, b session.State) bool {
	switch a {
	case session.Calling:
		return b == session.Incoming
	case session.Proposing:
		return b == session.Proposed
	case session.Proposed:
		return b == session.Proposing
	}
	return a == b
}
