package middleware

import (
	"errors"
	"time"

	"parley/middleware/session"
)

var errNotDue = errors.New("middleware: the call is not about to be answered by itself")

const (
	// answerTone is the key whose tone warns a person here before the microphone
	// of a call that is answered by itself opens.
	answerTone = '1'
	// warnTime is how long before the answer that tone begins, and so the shortest
	// time in which a call is answered.
	warnTime = 300 * time.Millisecond
)

// awaitAutoAnswer has a ringing call answered after so long.
func (s *Session) awaitAutoAnswer(after time.Duration) {
	after = max(after, warnTime)
	at := time.Now().Add(after)
	s.now.AutoAnswerAt = at
	s.changed()
	s.later(after-warnTime, event{run: func() {
		if s.answersItself(at) {
			s.m.engine.PlayDigit(answerTone)
		}
	}})
	s.later(after, event{run: func() {
		if s.answersItself(at) {
			s.other.alone = true
			s.step(event{in: session.Accept, turn: s.m.turn.Add(1)})
		}
	}})
}

// answersItself reports whether the call is still to be answered at that time.
// Another call may have come up meanwhile, which it must not disturb; then it
// goes on ringing.
func (s *Session) answersItself(at time.Time) bool {
	if s.place.State != session.Incoming || s.now.AutoAnswerAt != at {
		return false
	}
	if s.m.talking(s) {
		s.stopAutoAnswer()
		return false
	}
	return true
}

// CancelAutoAnswer lets a call that would be answered by itself go on ringing.
func (s *Session) CancelAutoAnswer() { s.command(event{in: session.CancelAutoAnswer}) }

func (s *Session) stopAutoAnswer() {
	s.now.AutoAnswerAt = time.Time{}
	s.changed()
}
