package middleware

import (
	"time"

	"parley/sip"
	"parley/sip/sdp"
)

// Stall blocks the session's goroutine until the returned function is called,
// so that a test can make the order of a race certain.
func (s *Session) Stall() (release func()) {
	gate := make(chan struct{})
	s.post(event{run: func() { <-gate }})
	return func() { close(gate) }
}

// Inject makes ev an event of the session's call.
func (s *Session) Inject(ev sip.Event) { s.handleSIP(ev) }

// Panic makes the session's goroutine panic.
func (s *Session) Panic() { s.post(event{run: func() { panic("a defect") }}) }

// RecordingName is the file that a call with address would be recorded to.
func RecordingName(dir, address string) string {
	s := &Session{}
	s.config.recordingDir = dir
	s.now.Peer.Address = address
	return s.recordingName(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
}

// Keys tells which of the transports an outgoing call with that wish would be
// offered to, and what it would offer there.
func Keys(wish sdp.Security, inClear bool, transports ...string) (kept []string, offered sdp.Security) {
	s := &Session{config: sessionConfig{security: wish, keysInClear: inClear}}
	var routes []sip.Route
	for _, t := range transports {
		routes = append(routes, sip.Route{Transport: t})
	}
	s.plan.routes = s.safeRoutes(routes)
	for _, r := range s.plan.routes {
		kept = append(kept, r.Transport)
	}
	return kept, s.security()
}

// Redirects tells whether a direct call to from would follow a redirection to to.
func Redirects(from, to string) bool {
	app := &SIPApplication{}
	app.accounts = &AccountManager{app: app}
	s := &Session{m: &SessionManager{app: app}}
	s.target.uri, _ = sip.ParseURI(from)
	u, _ := sip.ParseURI(to)
	return s.mayGo(u)
}

// RefreshNow makes the session timer due.
func (s *Session) RefreshNow() { s.handleSIP(sip.RefreshDue{}) }

// Timers counts what the session will do later.
func (s *Session) Timers() int {
	count := make(chan int)
	s.post(event{run: func() { count <- len(s.timers) }})
	return <-count
}
