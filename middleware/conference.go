package middleware

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/media"
	"parley/middleware/bus"
	"parley/middleware/session"
)

var (
	// ErrNoConference is returned for a command to the conference while there is
	// none.
	ErrNoConference = errors.New("middleware: there is no conference")
	// ErrNotMember is returned for a call that is not in the conference.
	ErrNotMember = errors.New("middleware: the call is not in the conference")
	// ErrNotJoinable is matched by the error for a call that cannot join.
	ErrNotJoinable = errors.New("middleware: the call cannot join a conference")
)

// A ConferenceError says that a method does not fit the conference as it stands.
type ConferenceError struct {
	Method string
	Err    error // ErrNoConference, ErrNotMember, ErrRecording or ErrNotRecording
}

func (e *ConferenceError) Error() string {
	return "middleware: " + e.Method + ": " + strings.TrimPrefix(e.Err.Error(), "middleware: ")
}

// Unwrap returns Err.
func (e *ConferenceError) Unwrap() error { return e.Err }

// A ConferenceSnapshot is all that is known of the conference at one moment.
// Without members there is none.
type ConferenceSnapshot struct {
	Rev           uint64
	Members       []SessionID // in the order they joined; not to be changed
	Started       time.Time
	OnHold        bool   // every member is on hold by us
	RecordingFile string // empty when not recording
}

// Has reports whether the call is a member.
func (c ConferenceSnapshot) Has(id SessionID) bool { return slices.Contains(c.Members, id) }

// SIPConferenceDidChange is posted when the conference began or ended, somebody
// joined or left, or hold or recording of the whole changed. Err tells why, if a
// recording ended by itself. Not in the seeds.
type SIPConferenceDidChange struct {
	bus.Note
	At  time.Time
	Now ConferenceSnapshot
	Err error
}

// conference is the one conference of a SessionManager. Its lock may be held
// while sessions are given inputs, never while one is waited for.
type conference struct {
	mu      sync.Mutex
	now     ConferenceSnapshot
	members map[SessionID]*Session
}

// Conference returns the present state of the conference. It never blocks for
// long.
func (m *SessionManager) Conference() ConferenceSnapshot {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Join joins established calls with each other and with those that are in the
// conference already: everybody hears everybody. Calls on hold are resumed, a
// conference on hold too, and all other calls go on hold. Two calls at least are
// a conference. A member may be named again.
//
// An error that matches [ErrNotJoinable] says of which call and why; then nothing
// has changed.
func (m *SessionManager) Join(ids ...SessionID) error {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	var fresh []*Session
	for _, id := range ids {
		if c.now.Has(id) || slices.ContainsFunc(fresh, func(s *Session) bool { return s.id == id }) {
			continue
		}
		s, err := m.joinable(id)
		if err != nil {
			return &ConferenceError{"Join", err}
		}
		fresh = append(fresh, s)
	}
	if len(c.members)+len(fresh) < 2 {
		return &ConferenceError{"Join", fmt.Errorf("%w: two calls are needed", ErrNotJoinable)}
	}
	if len(c.members) == 0 {
		c.now.Started, c.members = time.Now(), map[SessionID]*Session{}
	}
	turn := m.turn.Add(1)
	for _, s := range fresh {
		c.members[s.id] = s
		c.now.Members = append(slices.Clip(c.now.Members), s.id)
	}
	for _, id := range c.now.Members {
		s := c.members[id]
		s.post(event{run: func() { s.takePart(turn) }})
	}
	if len(fresh) > 0 {
		m.mixLocked()
		m.conferenceChanged(nil)
	}
	return nil
}

// joinable returns the session with that id if it may join.
func (m *SessionManager) joinable(id SessionID) (*Session, error) {
	s, ok := m.Session(id)
	if !ok {
		return nil, fmt.Errorf("%w: there is no call %d", ErrNotJoinable, id)
	}
	switch now := s.Snapshot(); {
	case !upright(now.State()):
		return nil, fmt.Errorf("%w: call %d is %v", ErrNotJoinable, id, now.State())
	case now.Echo:
		return nil, fmt.Errorf("%w: call %d is the Echo Test", ErrNotJoinable, id)
	case !now.Audio.Active:
		return nil, fmt.Errorf("%w: call %d has no audio", ErrNotJoinable, id)
	}
	return s, nil
}

// upright reports whether a session in that state may be a member: it is up and
// not about to end.
func upright(s session.State) bool {
	return s != session.Null && s != session.Calling && s != session.Incoming && s != session.Accepting &&
		s != session.Terminating && s != session.Terminated
}

// Part takes a call out of the conference and puts it on hold. Of the last two
// members the other one goes on as an ordinary call, and there is no conference
// any more.
func (m *SessionManager) Part(id SessionID) error {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.members) == 0:
		return &ConferenceError{"Part", ErrNoConference}
	case c.members[id] == nil:
		return &ConferenceError{"Part", fmt.Errorf("%w: %d", ErrNotMember, id)}
	}
	s := c.members[id]
	m.leaveLocked(id)
	s.post(event{run: s.rest})
	return nil
}

// HoldConference puts every member on hold: nobody hears anybody.
func (m *SessionManager) HoldConference() error {
	return m.eachMember("HoldConference", func(s *Session) { s.post(event{run: s.rest}) })
}

// UnholdConference resumes every member and puts all other calls on hold.
func (m *SessionManager) UnholdConference() error {
	turn := m.turn.Add(1)
	return m.eachMember("UnholdConference", func(s *Session) { s.post(event{run: func() { s.takePart(turn) }}) })
}

// EndConference hangs up every member.
func (m *SessionManager) EndConference() error { return m.eachMember("EndConference", (*Session).End) }

// eachMember calls f, which must not wait, for each member.
func (m *SessionManager) eachMember(method string, f func(*Session)) error {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.members) == 0 {
		return &ConferenceError{method, ErrNoConference}
	}
	for _, id := range c.now.Members {
		f(c.members[id])
	}
	return nil
}

// joined reports whether both calls are members, and so are not to hold each
// other.
func (c *conference) joined(a, b SessionID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.members[a] != nil && c.members[b] != nil
}

// held reports whether there is a conference and every member is on hold. The lock
// must be held.
func (c *conference) held() bool {
	for _, s := range c.members {
		if !s.Snapshot().OnHoldByLocal {
			return false
		}
	}
	return len(c.members) > 0
}

// leaveLocked takes a call out. One that is left alone goes on by itself.
func (m *SessionManager) leaveLocked(id SessionID) {
	c := &m.conference
	gone := []SessionID{id}
	if len(c.members) == 2 {
		gone = c.now.Members
	}
	for _, id := range gone {
		s := c.members[id]
		delete(c.members, id)
		s.post(event{run: s.tellMembership})
	}
	c.now.Members = slices.DeleteFunc(slices.Clone(c.now.Members), func(o SessionID) bool { return slices.Contains(gone, o) })
	m.mixLocked()
	var err error
	if len(c.members) == 0 {
		if c.now.RecordingFile != "" {
			err = m.engine.StopConferenceRecording()
		}
		c.now = ConferenceSnapshot{Rev: c.now.Rev}
	}
	m.conferenceChanged(err)
}

// succeed makes s, which has come up in place of old, the member that old was, if
// it was one.
func (m *SessionManager) succeed(old, s *Session) {
	c := &m.conference
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members[old.id] == nil || c.members[s.id] != nil {
		return
	}
	delete(c.members, old.id)
	c.members[s.id] = s
	c.now.Members = slices.Clone(c.now.Members)
	c.now.Members[slices.Index(c.now.Members, old.id)] = s.id
	old.post(event{run: old.tellMembership})
	s.post(event{run: s.tellMembership})
	m.mixLocked()
	m.conferenceChanged(nil)
}

// mixLocked gives the engine the members' streams as they are now.
func (m *SessionManager) mixLocked() {
	var streams []*media.Stream
	for _, id := range m.conference.now.Members {
		if st := m.conference.members[id].audio.Load(); st != nil {
			streams = append(streams, st)
		}
	}
	m.engine.SetConference(streams...)
}

// conferenceChanged tells everybody. The conference's lock must be held.
func (m *SessionManager) conferenceChanged(err error) {
	c := &m.conference
	c.now.Rev++
	c.now.OnHold = c.held()
	m.bus.Publish(SIPConferenceDidChange{At: time.Now(), Now: c.now, Err: err})
}

// followConference keeps the conference in step with what a session has just told.
// It is called on the session's goroutine.
func (m *SessionManager) followConference(s *Session, n bus.Notification) {
	c := &m.conference
	switch n.(type) {
	case SIPSessionWillEnd, SIPSessionDidFail, SIPSessionDidEnd:
	case SIPSessionGotStreamUpdate, SIPSessionGotHoldRequest, SIPSessionGotUnholdRequest:
	default:
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members[s.id] == nil {
		return
	}
	switch n.(type) {
	case SIPSessionWillEnd, SIPSessionDidFail, SIPSessionDidEnd:
		s.now.Conference = false
		m.leaveLocked(s.id)
	case SIPSessionGotStreamUpdate:
		if !s.now.Audio.Active && upright(s.place.State) {
			m.leaveLocked(s.id) // it has nothing to hear with any more
			return
		}
		m.mixLocked()
	default:
		if c.held() != c.now.OnHold {
			m.conferenceChanged(nil)
		}
	}
}

// takePart makes the call live together with the other members, as of the command
// of that turn.
func (s *Session) takePart(turn int64) {
	s.tellMembership()
	if turn < s.turn || !s.m.conference.joined(s.id, s.id) { // or it has left since
		return
	}
	if (s.wish || s.now.OnHoldByLocal) && s.place.Accepts(session.Unhold) {
		s.step(event{in: session.Unhold, turn: turn})
		return
	}
	s.turn = turn
	s.m.holdOthers(s, turn)
}

// tellMembership makes the snapshot say whether the call is in the conference.
func (s *Session) tellMembership() {
	if in := s.m.conference.joined(s.id, s.id); in != s.now.Conference && !s.ending {
		s.now.Conference = in
		s.changed()
	}
}

// resumeWith takes a member out of hold because another one was resumed in that
// turn.
func (s *Session) resumeWith(turn int64) {
	if turn < s.turn {
		return
	}
	s.turn = turn
	if (s.wish || s.now.OnHoldByLocal) && s.place.Accepts(session.Unhold) {
		s.step(event{in: session.Unhold, again: true})
	}
}

// rest puts the call on hold, unless it is or is about to be.
func (s *Session) rest() {
	s.keepHeld()
	if !s.wish && s.voice && s.place.Accepts(session.Hold) {
		s.step(event{in: session.Hold})
	}
}
