package viewmodel

import (
	"strings"

	"parley/gui/i18n"
	"parley/middleware"
)

// The pictures of the local network: what people on it do.
const (
	PictureLAN       Picture = "lan"
	PictureAvailable Picture = "available"
	PictureAway      Picture = "away"
	PictureBusy      Picture = "busy"
	PictureUnknown   Picture = "unknown"
	PictureWarning   Picture = "warning"
)

// A Neighbour is a row of the local network.
type Neighbour struct {
	ID       string
	Title    string
	Name     string // without that of the machine
	Picture  Picture
	Tone     Tone
	Line     string // below the title: how sure a call is, state and note, or why there can be none
	LineTone Tone
	Lock     Picture // before Line; empty where there can be no call
	LockTone Tone
	Target   string
	Callable bool
	// Distrust: calls are refused because of the key. The person can trust anew.
	Distrust bool
}

// NewNeighbour returns the row of n.
func NewNeighbour(n middleware.Neighbour) Neighbour {
	v := Neighbour{ID: n.ID, Title: titleOf(n), Name: nameOf(n), Target: n.Target, Callable: n.Callable(), LineTone: Neutral}
	if !v.Callable {
		v.Picture, v.Line = PictureWarning, ExplainNeighbour(n)
		if v.Distrust = Distrusted(n); v.Distrust {
			v.Tone, v.LineTone = Bad, Bad
		}
		return v
	}
	v.Picture, v.Tone = statePicture(n.State)
	sure := TrustWord(n.Trust)
	v.Lock, v.LockTone = trustPicture(n.Trust)
	if namesake(n) {
		sure = joined(i18n.T("Not the %s you know", v.Name), sure)
		v.LineTone = Notice
		if n.Trust != middleware.TrustNone {
			v.LockTone = Notice
		}
	}
	v.Line = joined(sure, NeighbourStateWord(n.State), n.Note)
	return v
}

// namesake reports whether a neighbour may be taken for another one. Whoever is
// known by key has been spoken to, and is no stranger.
func namesake(n middleware.Neighbour) bool { return n.Namesake && n.Trust != middleware.TrustKnown }

// joined puts the texts that are not empty on one line.
func joined(texts ...string) string {
	var list []string
	for _, text := range texts {
		if text != "" {
			list = append(list, text)
		}
	}
	return strings.Join(list, " · ")
}

func titleOf(n middleware.Neighbour) string {
	if title := n.Title(); title != "" {
		return title
	}
	return i18n.T("Somebody without a name")
}

// nameOf is what to call a neighbour in a sentence.
func nameOf(n middleware.Neighbour) string {
	if n.Name != "" {
		return n.Name
	}
	return titleOf(n)
}

// Distrusted reports whether calls are refused because of a neighbour's key.
func Distrusted(n middleware.Neighbour) bool {
	return n.Problem == middleware.ProblemKeyChanged || n.Problem == middleware.ProblemNotSecure
}

// ExplainNeighbour says why a neighbour cannot be called, if that is so.
func ExplainNeighbour(n middleware.Neighbour) string {
	switch n.Problem {
	case "":
		return ""
	case middleware.ProblemNoAddress:
		return i18n.T("Tells no address at which it can be called")
	case middleware.ProblemLinkLocal:
		return i18n.T("Cannot be called: it has a link-local address only")
	case middleware.ProblemKeyChanged:
		if n.Key == "" {
			return i18n.T("Only claims to be %s. Calls are refused.", nameOf(n))
		}
		return i18n.T("Someone else answers for %s. Calls are refused.", nameOf(n))
	case middleware.ProblemNotSecure:
		return i18n.T("Not encrypted any more. Calls are refused.")
	}
	return i18n.T("Cannot be called")
}

// sentence ends a text as a sentence does.
func sentence(text string) string { return strings.TrimSuffix(text, ".") + "." }

// NeighbourStateWord names what a neighbour does.
func NeighbourStateWord(s middleware.NeighbourState) string {
	switch s {
	case middleware.NeighbourAvailable:
		return i18n.T("Available")
	case middleware.NeighbourAway:
		return i18n.T("Away")
	case middleware.NeighbourBusy:
		return i18n.T("Busy")
	}
	return string(s)
}

func statePicture(s middleware.NeighbourState) (Picture, Tone) {
	switch s {
	case middleware.NeighbourAvailable:
		return PictureAvailable, Good
	case middleware.NeighbourAway:
		return PictureAway, Notice
	case middleware.NeighbourBusy:
		return PictureBusy, Bad
	}
	return PictureUnknown, Neutral
}

// TrustWord says what a call will be, never more than is true.
func TrustWord(t middleware.NeighbourTrust) string {
	switch t {
	case middleware.TrustKnown:
		return i18n.T("Encrypted")
	case middleware.TrustNew:
		return i18n.T("Encrypted, first call")
	case middleware.TrustBroken:
		return i18n.T("Refused")
	}
	return i18n.T("Not encrypted")
}

func trustPicture(t middleware.NeighbourTrust) (Picture, Tone) {
	switch t {
	case middleware.TrustKnown:
		return PictureLocked, Good
	case middleware.TrustNew:
		return PictureLocked, Accent
	case middleware.TrustBroken:
		return PictureWarning, Bad
	}
	return PictureUnlocked, Neutral
}

// FindNeighbours returns those whose names, or parts of them, begin with the
// words of a text; all for no text.
func FindNeighbours(text string, list []middleware.Neighbour) []middleware.Neighbour {
	words := wordsOf(text)
	if len(words) == 0 {
		return list
	}
	var found []middleware.Neighbour
	for _, n := range list {
		if holds(wordsOf(n.Name+" "+n.Host+" "+n.Note), words) {
			found = append(found, n)
		}
	}
	return found
}

// wordsOf takes a text apart at all that is no letter and no digit.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isWord(r) })
}

// holds reports whether every wanted word begins one of the words.
func holds(words, wanted []string) bool {
	for _, want := range wanted {
		found := false
		for _, word := range words {
			found = found || strings.HasPrefix(word, want)
		}
		if !found {
			return false
		}
	}
	return true
}
