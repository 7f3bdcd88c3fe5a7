package viewmodel

import (
	"strings"
	"time"
	"unicode"

	"parley/gui/i18n"
	"parley/middleware"
)

// neighbourScheme begins targets that are neighbours.
const neighbourScheme = "bonjour:"

// isWord reports whether a character belongs to a word.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

// IsNeighbour reports whether a target is called on the local network.
func IsNeighbour(target string) bool {
	return len(target) > len(neighbourScheme) && strings.EqualFold(target[:len(neighbourScheme)], neighbourScheme)
}

// A Network is what stands in place of an empty list of neighbours.
type Network struct {
	Title  string
	Text   string // what to do; may be empty
	Said   string // by the system; may be empty
	TurnOn bool   // offer to turn it on
	Tone   Tone
}

// NoNeighbours says why nobody is listed. people is how many there are, search
// what was looked for among them.
func NoNeighbours(s middleware.BonjourSnapshot, people int, search string) Network {
	switch s.State {
	case middleware.BonjourStarting:
		return Network{
			Title: i18n.T("Looking around…"), Tone: Neutral,
			Text: i18n.T("Parley asks this network who can be called."),
		}
	case middleware.BonjourOn:
		return nobodyFound(s, people, search)
	case middleware.BonjourNoNetwork:
		return Network{
			Title: i18n.T("No network"), Tone: Notice,
			Text: i18n.T("This computer is in no network in which others could be found. As soon as it is, they appear here."),
		}
	case middleware.BonjourBlocked:
		return Network{
			Title: i18n.T("The system does not let Parley look around"), Tone: Bad, Said: s.Err,
			Text: i18n.T("Mostly that is a firewall: allow Parley to use UDP port 5353 (multicast DNS). Parley goes on trying."),
		}
	}
	return Network{
		Title: i18n.T("Calls on this network are off"), TurnOn: true, Tone: Neutral,
		Text: i18n.T("When they are on, everybody on this network who can be called stands here, and others see you. That needs no server and no account."),
	}
}

func nobodyFound(s middleware.BonjourSnapshot, people int, search string) Network {
	if people > 0 && search != "" {
		return Network{Title: i18n.T("Nobody here matches “%s”.", search)}
	}
	n := Network{
		Title: i18n.T("Nobody else is here yet"), Tone: Neutral,
		Text: i18n.T("Parley on another computer of this network appears here by itself."),
	}
	if s.Title != "" {
		n.Said = i18n.T("Others see you as “%s”.", s.Title)
	}
	return n
}

// NewNetworkAccount returns the view of calls on the local network as an account.
func NewNetworkAccount(s middleware.BonjourSnapshot, enabled bool) Account {
	v := Account{ID: middleware.BonjourID, Label: NetworkLabel(), Enabled: enabled, Network: true}
	if !enabled {
		v.Word = i18n.T("Off")
		return v
	}
	switch s.State {
	case middleware.BonjourOn:
		v.Word, v.Tone = i18n.T("Ready"), Good
		v.Reason = NeighbourCount(s.Neighbours)
		if s.Title != "" {
			v.Reason = i18n.T("%s Others see you as “%s”.", v.Reason, s.Title)
		}
	case middleware.BonjourStarting:
		v.Word, v.Tone = i18n.T("Connecting…"), Notice
	case middleware.BonjourNoNetwork:
		v.Word = i18n.T("No network")
		v.Reason = NoNeighbours(s, 0, "").Text
	case middleware.BonjourBlocked:
		v.Word, v.Tone = i18n.T("Not connected"), Bad
		n := NoNeighbours(s, 0, "")
		v.Reason = n.Title + ". " + n.Text
		v.Facts = s.Err
	default:
		v.Word = i18n.T("Offline")
	}
	return v
}

// NetworkLabel is what the account of the local network is called.
func NetworkLabel() string { return i18n.T("This network") }

// AccountLabel is what the account with that id is called.
func AccountLabel(id string) string {
	if id == middleware.BonjourID {
		return NetworkLabel()
	}
	return id
}

// NeighbourCount says how many neighbours there are.
func NeighbourCount(n int) string {
	if n == 0 {
		return i18n.T("Nobody else is here yet.")
	}
	return i18n.N("1 other is here.", "%d others are here.", n, many(n)...)
}

// explainNeighbourEnd says why there was no call to a neighbour, where no server
// stands between.
func explainNeighbourEnd(s middleware.SessionSnapshot) string {
	if s.Neighbour == "" || s.Direction != middleware.Outgoing {
		return ""
	}
	switch s.End.Kind {
	case middleware.Forbidden:
		return i18n.T("%s does not take calls from you.", s.Peer.Address)
	case middleware.Unreachable, middleware.ServerTimeout, middleware.HostNotFound:
		return i18n.T("%s cannot be reached on this network any more.", s.Peer.Address)
	}
	return ""
}

// callTitle is what to call the other side of a call.
func callTitle(s middleware.SessionSnapshot) string {
	if s.Neighbour != "" && s.Peer.Contact == 0 && s.Peer.Address != "" {
		return s.Peer.Address // it names the machine too
	}
	return PersonOf(s.Peer.Name, s.Peer.Address)
}

// neighbourLock says what protects the sound of a call to a neighbour, and how
// sure it is who that is.
func neighbourLock(s middleware.SessionSnapshot) (string, Tone, Picture) {
	text, tone, symbol := lock(s.Audio.Encryption)
	if s.Neighbour == "" || s.Audio.Encryption != middleware.Encrypted {
		return text, tone, symbol
	}
	if s.Verified {
		return i18n.T("Encrypted, verified"), Good, symbol
	}
	return i18n.T("Encrypted, first call"), Accent, symbol
}

// neighbourLine says of a call that rings how sure it is who calls.
func neighbourLine(s middleware.SessionSnapshot) string {
	switch {
	case s.Direction != middleware.Incoming, s.Neighbour == "" && s.Account != middleware.BonjourID:
		return ""
	case s.Verified:
		return i18n.T("Verified: has the key of an earlier call")
	}
	return i18n.T("Not verified: anybody can use this name")
}

// NeighbourDetails lists what is known of a neighbour.
func NeighbourDetails(n middleware.Neighbour, now time.Time) []Pair {
	list := []Pair{{i18n.T("Computer"), n.Host}, {i18n.T("State"), NeighbourStateWord(n.State)}, {i18n.T("Note"), n.Note}}
	list = append(list,
		Pair{i18n.T("Calls"), TrustWord(n.Trust)},
		Pair{i18n.T("Transport"), strings.ToUpper(n.Transport)},
		Pair{i18n.T("Address now"), n.URI},
		Pair{i18n.T("Key"), Fingerprint(n.Key)},
	)
	if !n.Since.IsZero() {
		list = append(list, Pair{i18n.T("Here since"), When(n.Since, now)})
	}
	list = append(list, Pair{i18n.T("Identity"), n.ID})
	shown := list[:0]
	for _, p := range list {
		if p.Value != "" {
			shown = append(shown, p)
		}
	}
	return shown
}

// Lines writes labeled values for the clipboard.
func Lines(list []Pair) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(p.Name + ": " + p.Value + "\n")
	}
	return b.String()
}

// Fingerprint writes a key's fingerprint so that two people can compare it: in
// groups of four digits.
func Fingerprint(key string) string {
	var b strings.Builder
	for i, r := range strings.ToLower(key) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// TrustStory explains what a call to a neighbour is protected by, or why it is
// refused.
func TrustStory(n middleware.Neighbour) string {
	name := nameOf(n)
	switch {
	case n.Problem == middleware.ProblemKeyChanged && n.Key == "":
		return i18n.T("Takes the identity of %s, but has not the key that belongs to it. Calls to %s go elsewhere, and none goes here.", name, name)
	case n.Problem == middleware.ProblemKeyChanged:
		return i18n.T("Calls to %s were protected by a key that Parley remembers. Somebody has answered with another one. That is normal after Parley or the whole computer was set up anew, and it is what an attack looks like: somebody who answers for %s and listens.", name, name)
	case n.Problem == middleware.ProblemNotSecure:
		return i18n.T("%s took encrypted calls before and offers none now. Either it was replaced by another phone, or somebody wants to listen.", name)
	case n.Problem != "":
		return sentence(ExplainNeighbour(n))
	case namesake(n):
		return i18n.T("Parley remembers the key of somebody else with this name. This is not the %s that you have spoken to, unless Parley was set up anew there: listen who answers.", name)
	case n.Trust == middleware.TrustKnown:
		return i18n.T("Calls are encrypted and go through only to the %s whose key Parley remembers.", name)
	case n.Trust == middleware.TrustNew:
		return i18n.T("Calls are encrypted. Parley remembers the key it sees in the first call; from then on nobody else can answer for %s.", name)
	}
	return i18n.T("This phone takes no encrypted calls: others on this network may listen.")
}

// KeyBanner says that somebody has shown another key than the one remembered for
// a neighbour.
func KeyBanner(n middleware.Neighbour) Banner {
	return Banner{Tone: Bad, Text: i18n.T("Somebody took the place of %s with another key than the one remembered, and was refused.", titleOf(n))}
}

// TrustQuestion asks whether another key than the remembered one may be used.
func TrustQuestion(n middleware.Neighbour) (title, text string) {
	name := nameOf(n)
	if Distrusted(n) {
		return i18n.T("Trust the new key?"), i18n.T("The key remembered for %s is forgotten, and whoever answers the next call is taken for %s from then on. If it is somebody else, they hear every word. Ask %s first, in person or by telephone.", name, name, name)
	}
	return i18n.T("Forget the key?"), i18n.T("The next call to %s takes whatever key it is shown and remembers that. If somebody else answers then, Parley cannot tell.", name)
}
