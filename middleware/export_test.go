package middleware

import "parley/sip"

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
