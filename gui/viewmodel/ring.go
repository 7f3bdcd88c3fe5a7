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

// saidOf lists what a call says of the peer besides its address: who passed the
// call on, what it is about, and another name than the server's.
func saidOf(s middleware.SessionSnapshot) []string {
	i := s.Identity
	if i == nil {
		return nil
	}
	var list []string
	for _, d := range i.Diverted[:min(len(i.Diverted), 2)] {
		list = append(list, diversion(PersonOf(d.Name, d.Address), d.Reason))
	}
	if i.Subject != "" {
		list = append(list, i18n.T("“%s”", i.Subject))
	}
	switch other := i.Asserted.Address != "" && i.Asserted.Address != i.From.Address; {
	case other && s.Direction == middleware.Incoming && i.From.Address != "":
		list = append(list, i18n.T("calls itself %s", PersonOf(i.From.Name, i.From.Address)))
	case other && s.Direction == middleware.Outgoing:
		list = append(list, i18n.T("reached: %s", PersonOf(i.Asserted.Name, i.Asserted.Address)))
	}
	return list
}

func diversion(who, reason string) string {
	switch reason {
	case "user-busy":
		return i18n.T("via %s (was busy)", who)
	case "no-answer":
		return i18n.T("via %s (did not answer)", who)
	}
	return i18n.T("via %s (forwarded)", who)
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

// BlockName is what to call whom BlockPattern means.
func BlockName(peer middleware.Peer) string {
	if IsNeighbour(peer.URI) {
		return peer.Address
	}
	return BlockPattern(peer)
}

// CanBlock reports whether a caller can be turned away from now on. Somebody on
// the local network who has proved nothing can call again under any name.
func CanBlock(s middleware.SessionSnapshot) bool { return s.Neighbour == "" || s.Verified }
