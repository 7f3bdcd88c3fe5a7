package middleware

import (
	"errors"
	"net/netip"
	"time"

	"parley/middleware/session"
	"parley/sip"
)

const (
	// rescueTime is how long a call may take to be repaired once there is a network
	// again.
	rescueTime = 30 * time.Second
	// rescueFirst is the wait after the first attempt; each further one is twice as
	// long, up to rescueMost.
	rescueFirst = time.Second
	rescueMost  = 5 * time.Second
)

var errNotRescued = errors.New("middleware: the call could not be moved to the new network in time")

// A rescue is the repair of a call whose address, or connection, is gone. It
// belongs to the session's goroutine. The zero value is none.
type rescue struct {
	round int           // counts attempts, so that a late timer is known as such
	wait  time.Duration // after the next attempt
	by    time.Time     // when to give up; zero: there is no network to hope for
}

// networkChanged has the session look whether its addresses are still the
// machine's. It is told after the endpoint has moved.
func (s *Session) networkChanged() { s.post(event{run: s.checkAddress}) }

// flowLost has the session take another connection to its server, over which it
// registered meanwhile: the far end's requests come over that from now.
func (s *Session) flowLost() {
	s.post(event{run: func() {
		if s.place.State == session.Established && s.call.Route().Transport != "udp" && !s.now.Reconnecting {
			s.refused(s.call.Relocate(), "Relocate")
		}
	}})
}

// stranded reports whether signalling or media of the session use an address that
// the machine has no more.
func (s *Session) stranded() bool {
	if s.m.app == nil { // the far end of the Echo Test stays at home
		return false
	}
	n := s.m.app.network
	return s.stream != nil && !n.has(s.stream.LocalAddr().Addr()) || s.call != nil && !n.has(s.call.LocalAddr())
}

// confirmed reports whether the call is up and its end not yet asked for.
func (s *Session) confirmed() bool {
	switch s.place.State {
	case session.Established, session.Proposing, session.Proposed:
		return true
	}
	return false
}

// checkAddress begins the repair of a call whose address is gone, or goes on with
// it. Calls that are not up yet fail by themselves, and are looked at again when
// they come up all the same.
func (s *Session) checkAddress() {
	if !s.confirmed() || !s.now.Reconnecting && !s.stranded() {
		return
	}
	s.rescue.round++
	s.rescue.by = time.Time{}
	if s.m.app.Network().Online {
		s.rescue.by, s.rescue.wait = time.Now().Add(rescueTime), rescueFirst
	}
	if !s.now.Reconnecting {
		s.now.Reconnecting = true
		s.changed()
	}
	if !s.rescue.by.IsZero() {
		s.reconnect()
	}
}

// reconnect makes one attempt to reach the peer from where we are now, and plans
// the next.
func (s *Session) reconnect() {
	if left := time.Until(s.rescue.by); left <= 0 {
		s.giveUpRescue()
		return
	}
	if s.place == (session.Place{State: session.Established}) && !s.moving { // else the next attempt will do
		s.refused(s.call.Relocate(), "Relocate")
	}
	s.rescue.round++
	round := s.rescue.round
	wait := min(s.rescue.wait, time.Until(s.rescue.by))
	s.rescue.wait = min(2*s.rescue.wait, rescueMost)
	s.later(wait, event{run: func() {
		if s.rescue.round == round && s.now.Reconnecting && s.confirmed() {
			s.reconnect()
		}
	}})
}

// giveUpRescue ends the call.
func (s *Session) giveUpRescue() {
	s.log.Info("Call could not be moved to the new network")
	s.end(Local, Failure{Kind: Unreachable, Detail: errNotRescued.Error()})
	s.step(event{in: session.End})
}

// moveStreams is the first half of telling the peer that we have another address:
// the offer that follows names the new one.
func (s *Session) moveStreams() {
	s.moved, s.moving = false, true
	if s.stream == nil || s.call.LocalAddr() == s.stream.LocalAddr().Addr() {
		return
	}
	if err := s.stream.Rebind(s.call.LocalAddr(), s.config.rtpPorts); err != nil {
		s.log.Warn("Audio could not be moved", "to", s.call.LocalAddr(), "err", err)
		return
	}
	s.now.Audio.LocalRTP = s.stream.LocalAddr()
	s.now.Audio.RemoteReceived = netip.AddrPort{} // not yet at this address
}

// moveRefused takes in that the peer did not agree to our address. After a glare
// it is asked again when the wait is over. An address that changed since then was
// not asked about.
func (s *Session) moveRefused(glare bool) {
	s.moved, s.moving = s.moved || s.moving && glare, s.moving && glare
}

// reconnected ends the repair, if what was agreed just now holds for addresses
// that are ours.
func (s *Session) reconnected() {
	s.moving = false
	if s.now.Reconnecting && !s.stranded() {
		s.now.Reconnecting = false
		s.rescue = rescue{round: s.rescue.round + 1}
	}
}

// gotRelocation takes in how [sip.Call.Relocate] went.
func (s *Session) gotRelocation(ev sip.Event) {
	switch ev := ev.(type) {
	case sip.Relocated:
		if ev.Moved || s.now.Reconnecting {
			s.step(event{in: session.AddressChanged})
		}
	case sip.RelocateFailed:
		s.log.Info("No way to the peer", "err", ev.Err)
	}
}
