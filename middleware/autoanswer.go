package middleware

import (
	"time"

	"parley/middleware/session"
)

// answerTone is the key whose tone is heard here before the microphone of a call
// that was answered by itself is open.
const answerTone = '1'

// awaitAutoAnswer has a ringing call answered after so long.
func (s *Session) awaitAutoAnswer(after time.Duration) {
	at := time.Now().Add(after)
	s.now.AutoAnswerAt = at
	s.changed()
	s.later(after, event{run: func() { s.autoAnswer(at) }})
}

// autoAnswer answers the call, unless that was canceled or another call has come
// up meanwhile, which it must not disturb.
func (s *Session) autoAnswer(at time.Time) {
	if s.place.State != session.Incoming || s.now.AutoAnswerAt != at {
		return
	}
	if s.m.talking(s) {
		s.stopAutoAnswer()
		return
	}
	s.m.engine.PlayDigit(answerTone)
	s.step(event{in: session.Accept, turn: s.m.turn.Add(1)})
}

// CancelAutoAnswer lets a call that would be answered by itself go on ringing.
func (s *Session) CancelAutoAnswer() {
	s.post(event{run: func() {
		if !s.now.AutoAnswerAt.IsZero() {
			s.stopAutoAnswer()
		}
	}})
}

func (s *Session) stopAutoAnswer() {
	s.now.AutoAnswerAt = time.Time{}
	s.changed()
}
