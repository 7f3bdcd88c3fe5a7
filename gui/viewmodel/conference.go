package viewmodel

import (
	"time"

	"parley/gui/i18n"
	"parley/middleware"
)

// A Conference is the card of the calls that are joined.
type Conference struct {
	Members              []Member // empty: there is none
	Title, Status        string
	Tone                 Tone
	OnHold, Recording    bool
	HoldWord, RecordWord string
}

// A Member is a line of that card.
type Member struct {
	ID     middleware.SessionID
	Name   string
	Status string
	Tone   Tone
}

// NewConference returns the view of c at the time now; calls are those that are
// going on.
func NewConference(c middleware.ConferenceSnapshot, calls []Call, now time.Time) Conference {
	v := Conference{OnHold: c.OnHold, Recording: c.RecordingFile != "", HoldWord: i18n.T("Hold all"), RecordWord: i18n.T("Record all")}
	for _, call := range calls {
		if c.Has(call.ID) {
			v.Members = append(v.Members, Member{call.ID, call.Title, call.Status, call.Tone})
		}
	}
	if len(v.Members) == 0 {
		return Conference{}
	}
	people := len(v.Members) + 1
	v.Title = i18n.T("Conference of %d", people)
	v.Status, v.Tone = Duration(now.Sub(c.Started)), Good
	if v.OnHold {
		v.Status, v.Tone, v.HoldWord = i18n.T("On hold %s", v.Status), Notice, i18n.T("Resume all")
	}
	if v.Recording {
		v.RecordWord = i18n.T("Stop rec.")
	}
	return v
}
