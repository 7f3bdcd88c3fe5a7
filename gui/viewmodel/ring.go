package viewmodel

import (
	"time"

	"parley/gui/i18n"
	"parley/middleware"
)

// A Countdown is the time until a ringing call is answered by itself.
type Countdown struct {
	Text string  // empty: it will not be
	Left float64 // from 1 to 0
}

// countdown returns the countdown of s at the time now.
func countdown(s middleware.SessionSnapshot, now time.Time) Countdown {
	if s.AutoAnswerAt.IsZero() {
		return Countdown{}
	}
	left, whole := max(s.AutoAnswerAt.Sub(now), 0), s.AutoAnswerAt.Sub(s.Created)
	seconds := int((left + time.Second - 1) / time.Second)
	c := Countdown{Text: i18n.N("Answers by itself in 1 second", "Answers by itself in %d seconds", seconds, many(seconds)...)}
	if whole > 0 {
		c.Left = min(float64(left)/float64(whole), 1)
	}
	return c
}

// BlockPattern is how the settings name a caller who is to be turned away: by the
// number, else by the address.
func BlockPattern(peer middleware.Peer) string {
	address := ShortURI(peer.URI)
	if user := userOf(address); isNumber(user) {
		return user
	}
	return address
}
