package viewmodel

import (
	"parley/gui/i18n"
	"parley/middleware"
)

// A Suggestion is somebody whom a typed name may mean.
type Suggestion struct {
	Text   string
	Target string
	// Doubtful: may be taken for somebody else, so only a click takes it.
	Doubtful bool
	Lock     Picture // what a call on the local network will be; empty for others
	LockTone Tone
}

// Suggestions returns at most limit people whom a text may mean, best first: of
// what was found, and of who is on the local network. Whoever cannot be called is
// not among them.
func Suggestions(text string, found []middleware.Match, around []middleware.Neighbour, limit int) []Suggestion {
	here := map[string]middleware.Neighbour{}
	for _, n := range around {
		here[n.Target] = n
	}
	var list, doubtful []Suggestion
	shown := map[string]bool{}
	for _, m := range found {
		n, isHere := here[m.Target]
		if m.Kind == middleware.MatchText || m.Target == middleware.EchoTarget || isHere && !n.Callable() {
			continue
		}
		s := Suggestion{Text: AddressText(m.Target), Target: m.Target}
		if m.Name != "" {
			s.Text = i18n.T("%s · %s", Short(m.Name), labeled(m.Target, m.Label))
		}
		if isHere {
			as := neighbourSuggestion(n)
			s.Lock, s.LockTone, s.Doubtful = as.Lock, as.LockTone, as.Doubtful
			if m.Kind == middleware.MatchHistory {
				s = as
			}
		}
		list, shown[m.Target] = append(list, s), true
	}
	for _, n := range matchingNeighbours(text, around, shown) {
		switch s := neighbourSuggestion(n); {
		case !n.Callable():
		case s.Doubtful:
			doubtful = append(doubtful, s)
		default:
			list = append(list, s)
		}
	}
	list = append(list, doubtful...)
	return list[:min(limit, len(list))]
}

// neighbourSuggestion suggests a neighbour.
func neighbourSuggestion(n middleware.Neighbour) Suggestion {
	v := NewNeighbour(n)
	return Suggestion{
		Text: shortened(v.Title, maxTitle), Target: v.Target, Doubtful: namesake(n), Lock: v.Lock, LockTone: v.LockTone,
	}
}
