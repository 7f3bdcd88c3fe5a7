package viewmodel

import (
	"parley/gui/i18n"
	"parley/middleware"
)

// A DialResult explains what would be called.
type DialResult struct {
	Text  string // the outcome in one sentence
	Tone  Tone
	Steps []string // how it came about; may be empty
}

// NewDialResult returns the view of a test of dial rules.
func NewDialResult(t middleware.DialTest) DialResult {
	var r DialResult
	for _, s := range t.Steps {
		if text := dialStep(s); text != "" {
			r.Steps = append(r.Steps, text)
		}
	}
	if t.Err != nil {
		r.Text, r.Tone = ExplainError(t.Err), Bad
		return r
	}
	r.Text, r.Tone = i18n.T("%s would be called.", ShortURI(t.Address)), Good
	return r
}

// dialStep says what was done to a number; it is empty for what is no news.
func dialStep(s middleware.DialStep) string {
	switch s.Kind {
	case middleware.DialSeparators:
		return i18n.T("Without separators: %s", s.To)
	case middleware.DialLetters:
		return i18n.T("Letters on the keys: %s", s.To)
	case middleware.DialContext:
		return i18n.T("Where the number is valid (%s) is not heeded.", s.From)
	case middleware.DialExtension:
		return i18n.T("The extension %s is not dialed.", s.From)
	case middleware.DialHeader:
		return i18n.T("What the address asks for besides (%s) is left out.", s.From)
	case middleware.DialEmergency:
		return i18n.T("%s is an emergency number: rules with wildcards leave it alone.", s.From)
	case middleware.DialRule:
		return i18n.T("Rule %d, %s, makes %s of %s.", s.Rule, s.Text, s.To, s.From)
	case middleware.DialNoRule:
		return i18n.T("No rule fits %s.", s.From)
	case middleware.DialNeighbour:
		return i18n.T("%s is on this network and is called there.", s.To)
	case middleware.DialEcho:
		return i18n.T("The Echo Test is called.")
	}
	return ""
}
