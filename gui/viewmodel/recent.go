package viewmodel

import (
	"strings"
	"time"

	"parley/gui/i18n"
	"parley/middleware"
)

// A Recent is a row of the list: a call of the past, or the Echo Test.
type Recent struct {
	ID        int64 // of the history; 0 for what is no call
	Title     string
	Note      string // a word beside the title where the picture is not enough
	When      string
	Exact     string
	Took      string
	Tone      Tone
	Picture   Picture
	Target    string // to call again
	Recording string // path; empty without
}

// incoming is how the history names that direction.
const incoming = "in"

// NewRecent returns the row of a call at the time now.
func NewRecent(e middleware.HistoryEntry, now time.Time) Recent {
	address := ShortURI(e.PeerURI)
	r := Recent{
		ID: e.ID, Title: PersonOf(e.PeerName, address), When: When(e.Start, now), Exact: Exactly(e.Start.In(now.Location())),
		Target: e.PeerURI, Recording: e.Recording, Picture: PictureOutgoing,
	}
	if e.Direction == incoming {
		r.Picture = PictureIncoming
	}
	// The length of a call under way is shown where the call is.
	if !e.Answered.IsZero() && !e.End.IsZero() {
		r.Took = Duration(e.Duration(now))
	}
	switch e.Outcome {
	case middleware.OutcomeMissed:
		r.Picture, r.Tone, r.Note = PictureMissed, Bad, i18n.T("missed")
	case middleware.OutcomeDeclined:
		r.Note = i18n.T("declined")
	case middleware.OutcomeBusy:
		r.Note = i18n.T("busy")
	case middleware.OutcomeFailed:
		r.Tone, r.Note = Bad, i18n.T("failed")
	case middleware.OutcomeCanceled:
		r.Note = i18n.T("canceled")
	case middleware.OutcomeElsewhere:
		r.Note = i18n.T("elsewhere")
	case "":
		r.Note = i18n.T("now")
	}
	if r.Recording != "" {
		r.Note = strings.TrimSpace(r.Note + " " + i18n.T("recorded"))
	}
	return r
}

// EchoRow is the entry with which anybody can make a first call.
func EchoRow() Recent {
	return Recent{
		Title: i18n.T("Echo Test"), Note: i18n.T("hear yourself"), Tone: Accent, Picture: PictureEcho,
		Target: middleware.EchoTarget,
	}
}

// Matches returns what a typed text may mean: the Echo Test and people called
// before, each once, newest first, at most limit.
func Matches(text string, history []middleware.HistoryEntry, now time.Time, limit int) []Recent {
	text = strings.ToLower(ShortURI(strings.TrimSpace(text)))
	if text == "" {
		return nil
	}
	var list []Recent
	if strings.HasPrefix(strings.ToLower(i18n.T("Echo Test")), text) || strings.HasPrefix(middleware.EchoTarget, text) {
		list = append(list, EchoRow())
	}
	seen := map[string]bool{middleware.EchoTarget: true}
	for _, e := range history {
		key := strings.ToLower(ShortURI(e.PeerURI))
		if seen[key] || len(list) >= limit {
			continue
		}
		if !strings.Contains(key, text) && !strings.Contains(strings.ToLower(e.PeerName), text) {
			continue
		}
		seen[key] = true
		r := NewRecent(e, now)
		r.Note, r.Tone, r.Took, r.ID = "", Neutral, "", 0
		if r.Picture = PictureRecent; e.PeerName != "" {
			r.Note = ShortURI(e.PeerURI)
		}
		list = append(list, r)
	}
	return list
}

// A Filter is one of the chips above the list.
type Filter uint8

// The filters.
const (
	All Filter = iota
	Missed
	Recorded
)

// Filters lists them in the order shown.
func Filters() []Filter { return []Filter{All, Missed, Recorded} }

// Word is what stands on the chip. unseen counts missed calls that were not
// looked at.
func (f Filter) Word(unseen int) string {
	switch {
	case f == Missed && unseen > 0:
		return i18n.T("Missed (%d)", unseen)
	case f == Missed:
		return i18n.T("Missed")
	case f == Recorded:
		return i18n.T("Recorded")
	}
	return i18n.T("All")
}

// Empty says what to do when nothing is listed.
func Empty(f Filter, search string, accounts int) string {
	switch {
	case search != "":
		return i18n.T("No call matches “%s”.", search)
	case f == Missed:
		return i18n.T("No missed calls.")
	case f == Recorded:
		return i18n.T("No recordings. Press Record in a call to keep both sides of it.")
	case accounts == 0:
		return i18n.T("No calls yet. Try the Echo Test above, or add an account to call anybody.")
	}
	return i18n.T("No calls yet. Type a number or an address above and press Enter.")
}
