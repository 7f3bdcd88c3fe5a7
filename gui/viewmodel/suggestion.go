package viewmodel

import (
	"parley/gui/i18n"
	"parley/middleware"
)

// A Suggestion is somebody whom a typed name may mean.
type Suggestion struct{ Text, Target string }

// Suggestions returns at most limit people of what was found, best first.
func Suggestions(found []middleware.Match, limit int) []Suggestion {
	var list []Suggestion
	for _, m := range found {
		if m.Kind == middleware.MatchText || m.Target == middleware.EchoTarget || len(list) == limit {
			continue
		}
		s := Suggestion{Text: AddressText(m.Target), Target: m.Target}
		if m.Name != "" {
			s.Text = i18n.T("%s · %s", Short(m.Name), labeled(m.Target, m.Label))
		}
		list = append(list, s)
	}
	return list
}
