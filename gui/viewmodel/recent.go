package viewmodel

import (
	"slices"
	"strings"
	"time"

	"parley/gui/i18n"
	"parley/middleware"
)

// A Recent is a row of the list: a call of the past, or the Echo Test.
type Recent struct {
	ID        int64 // of the history; 0 for what is no call
	Title     string
	Name      string // as the other side gave it; may be empty
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
		ID: e.ID, Name: e.PeerName, Title: PersonOf(e.PeerName, address), When: When(e.Start, now), Exact: Exactly(e.Start.In(now.Location())),
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
	case middleware.OutcomeForwarded:
		r.Note = i18n.T("forwarded")
	case middleware.OutcomeBlocked:
		r.Note = i18n.T("blocked")
	case "":
		r.Note = i18n.T("now")
	}
	notes := []string{r.Note, viaWords(e.Via), handedWords(e.Note)}
	if r.Recording != "" {
		notes = append(notes, i18n.T("recorded"))
	}
	if IsNeighbour(e.PeerURI) {
		notes = append(notes, AddressText(e.PeerURI))
	}
	notes = slices.DeleteFunc(notes, func(text string) bool { return text == "" })
	r.Note = strings.Join(notes, " · ")
	return r
}

// viaWords says who has sent a call on to us.
func viaWords(who string) string {
	if who == "" {
		return ""
	}
	return i18n.T("via %s", PersonOf("", ShortURI(who)))
}

// The history begins with these what it notes of calls that were handed on.
const (
	handedTo = "→ "
	handedBy = "← "
)

// handedWords says to whom a call was handed on, or by whom.
func handedWords(note string) string {
	if to, ok := strings.CutPrefix(note, handedTo); ok {
		return i18n.T("to %s", PersonOf("", ShortURI(to)))
	}
	if by, ok := strings.CutPrefix(note, handedBy); ok {
		return i18n.T("from %s", PersonOf("", ShortURI(by)))
	}
	return note
}

// EchoRow is the entry with which anybody can make a first call.
func EchoRow() Recent {
	return Recent{
		Title: i18n.T("Echo Test"), Note: i18n.T("hear yourself"), Tone: Accent, Picture: PictureEcho,
		Target: middleware.EchoTarget,
	}
}

// ContactFor returns a new contact for somebody in the list of calls.
func ContactFor(name, address string) middleware.Contact {
	short := ShortURI(address)
	user := userOf(short)
	if name == user || name == short {
		name = ""
	}
	if isNumber(user) {
		if len(user) > shortNumber {
			short = user
		}
	}
	return middleware.Contact{Name: name, Addresses: []middleware.ContactAddress{{Address: short, Default: true}}}
}

// shortNumber is how many characters a number has that means something only at
// its server.
const shortNumber = 6

// BlockRow is how the settings name who is in a row of the list; it is empty for
// nobody in particular.
func BlockRow(target string) string {
	pattern := BlockPattern(middleware.Peer{URI: target})
	if IsNeighbour(target) || pattern == middleware.EchoTarget || strings.HasSuffix(pattern, ".invalid") {
		return ""
	}
	return pattern
}

// BlockWords names what turns away the calls of somebody, or takes them again if
// they are blocked, and what is said when it is done.
func BlockWords(pattern, who string, blocked bool) (text, said string) {
	switch local := IsNeighbour(pattern); {
	case blocked && local:
		return i18n.T("Stop blocking calls"), i18n.T("Calls from %s are taken again.", who)
	case blocked:
		return i18n.T("Stop blocking this number"), i18n.T("Calls from %s are taken again.", who)
	case local:
		return i18n.T("Block calls"), i18n.T("Calls from %s are turned away from now on.", who)
	}
	return i18n.T("Block this number"), i18n.T("Calls from %s are turned away from now on.", who)
}

// Narrow leaves only some of the calls; the zero value leaves all.
type Narrow struct {
	Direction middleware.HistoryDirection
	Account   string
}

// Empty says what to do when nothing is left.
func (n Narrow) Empty() string {
	return i18n.T("No such calls. The cross above shows all of them again.")
}

// Words says what is left. label names an account by id.
func (n Narrow) Words(label func(id string) string) string {
	switch {
	case n.Account == "" && n.Direction == middleware.HistoryIncoming:
		return i18n.T("Only incoming calls")
	case n.Account == "" && n.Direction == middleware.HistoryOutgoing:
		return i18n.T("Only outgoing calls")
	case n.Account == "":
		return ""
	case n.Direction == middleware.HistoryIncoming:
		return i18n.T("Only incoming calls of %s", label(n.Account))
	case n.Direction == middleware.HistoryOutgoing:
		return i18n.T("Only outgoing calls of %s", label(n.Account))
	}
	return i18n.T("Only calls of %s", label(n.Account))
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
		return i18n.T("No calls yet. Try the Echo Test above or somebody under LAN, or add an account to call anybody.")
	}
	return i18n.T("No calls yet. Type a number or an address above and press Enter.")
}
