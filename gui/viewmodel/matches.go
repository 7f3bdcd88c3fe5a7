package viewmodel

import (
	"slices"
	"strings"
	"time"

	"parley/gui/i18n"
	"parley/middleware"
)

// A Match is a row below the number field: somebody who may be meant.
type Match struct {
	Title   string
	Name    string // as known; may be empty
	Note    string // address and label
	When    string // last spoken to
	Target  string // to be dialed
	Picture Picture
	Tone    Tone
	Contact int64
	Star    bool
	Photo   bool

	Lock     Picture // before Note: what a call on the local network will be; may be empty
	LockTone Tone
}

// NewMatches returns the rows for a typed text at the time now, best first: those
// found, and before the text itself the neighbours that it fits. Whoever cannot be
// called or may be taken for somebody else comes after it: Enter does not call
// them.
func NewMatches(text string, found []middleware.Match, around []middleware.Neighbour, now time.Time) []Match {
	var list []Match
	if word := strings.ToLower(strings.TrimSpace(text)); word != "" &&
		(strings.HasPrefix(strings.ToLower(i18n.T("Echo Test")), word) || strings.HasPrefix(middleware.EchoTarget, word)) {
		e := EchoRow()
		list = append(list, Match{Title: e.Title, Note: e.Note, Target: e.Target, Picture: e.Picture, Tone: e.Tone})
	}
	here := map[string]middleware.Neighbour{}
	for _, n := range around {
		here[n.Target] = n
	}
	shown := map[string]bool{}
	var typed []Match
	for _, m := range found {
		n, isHere := here[m.Target]
		switch {
		case m.Target == middleware.EchoTarget:
		case isHere && m.Kind == middleware.MatchHistory:
			v := neighbourMatch(n)
			v.When, shown[m.Target] = When(m.Call.Start, now), true
			list = append(list, v)
		case isHere && m.Kind == middleware.MatchContact:
			v, as := newMatch(m, now), neighbourMatch(n)
			v.Note, v.Lock, v.LockTone, shown[m.Target] = as.Note, as.Lock, as.LockTone, true
			list = append(list, v)
		case m.Kind == middleware.MatchText && !IsAddress(text):
			typed = append(typed, newMatch(m, now))
		default:
			shown[m.Target] = true
			list = append(list, newMatch(m, now))
		}
	}
	var doubtful []Match
	for _, n := range matchingNeighbours(text, around, shown) {
		if n.Callable() && !namesake(n) {
			list = append(list, neighbourMatch(n))
		} else {
			doubtful = append(doubtful, neighbourMatch(n))
		}
	}
	return slices.Concat(list, typed, doubtful)
}

// neighbourMatches is how many neighbours are shown while a number is typed.
const neighbourMatches = 6

// matchingNeighbours returns those that a text fits and that are not shown yet.
func matchingNeighbours(text string, around []middleware.Neighbour, shown map[string]bool) []middleware.Neighbour {
	if len(wordsOf(text)) == 0 {
		return nil
	}
	var list []middleware.Neighbour
	for _, n := range FindNeighbours(text, around) {
		if !shown[n.Target] && len(list) < neighbourMatches {
			list = append(list, n)
		}
	}
	return list
}

func neighbourMatch(n middleware.Neighbour) Match {
	v := NewNeighbour(n)
	m := Match{Title: v.Title, Name: v.Title, Note: v.Line, Target: v.Target, Picture: v.Picture, Tone: v.Tone, Lock: v.Lock, LockTone: v.LockTone}
	if v.Callable && !namesake(n) {
		m.Note = TrustWord(n.Trust)
	}
	return m
}

func newMatch(m middleware.Match, now time.Time) Match {
	v := Match{Title: m.Name, Name: m.Name, Note: labeled(m.Target, m.Label), Target: m.Target, Contact: m.Contact, Star: m.Place > 0, Photo: m.Photo}
	switch m.Kind {
	case middleware.MatchText:
		v.Title, v.Note, v.Picture, v.Tone = m.Target, i18n.T("as typed"), PictureCall, Accent
	case middleware.MatchHistory:
		v.Picture, v.When = PictureRecent, When(m.Call.Start, now)
		if v.Title == "" {
			v.Title, v.Note = PersonOf("", ShortURI(m.Target)), ""
		}
	}
	return v
}

// IsAddress reports whether a typed text is a number or an address, and not a
// name to be looked for.
func IsAddress(text string) bool {
	text = strings.TrimSpace(text)
	return strings.ContainsAny(text, "@:") || isNumber(text)
}
