package viewmodel

import (
	"parley/gui/i18n"
	"parley/middleware"
)

// A Toggle is something that is on or off for all calls to come.
type Toggle struct {
	On   bool
	Word string // on the button
	Note string // what it means now, in a sentence; empty while it is off
}

// Toggles are the three of the status bar.
type Toggles struct{ DoNotDisturb, Forward, AutoAnswer Toggle }

// NewToggles returns the toggles for the person's status and the settings. name is what
// people call whom calls go to.
func NewToggles(status middleware.UserStatus, set middleware.Settings, name func(target string) string) Toggles {
	c := set.Calls
	t := Toggles{
		DoNotDisturb: Toggle{On: status == middleware.DoNotDisturb, Word: i18n.T("DND")},
		Forward:      Toggle{On: c.Forwarding, Word: i18n.T("Fwd")},
		AutoAnswer:   Toggle{On: c.AutoAnswer, Word: i18n.T("Auto")},
	}
	if t.DoNotDisturb.On {
		t.DoNotDisturb.Word, t.DoNotDisturb.Note = i18n.T("DND on"), i18n.T("Do not disturb: callers hear that the line is busy.")
		if c.ForwardBusyTo != "" {
			t.DoNotDisturb.Note = i18n.T("Do not disturb: calls go to %s.", name(c.ForwardBusyTo))
		}
	}
	if t.Forward.On {
		t.Forward.Word, t.Forward.Note = i18n.T("Fwd on"), i18n.T("Every call is forwarded to %s.", name(c.ForwardTo))
	}
	if t.AutoAnswer.On {
		t.AutoAnswer.Word, t.AutoAnswer.Note = i18n.T("Auto on"), autoAnswerNote(set)
	}
	return t
}

func autoAnswerNote(set middleware.Settings) string {
	after := int(set.Calls.AutoAnswerAfter.Seconds())
	switch some := len(set.Calls.AutoAnswerFrom) > 0; {
	case some && after == 0:
		return i18n.T("Calls from some people are answered at once.")
	case some:
		return i18n.N("Calls from some people are answered after 1 second.", "Calls from some people are answered after %d seconds.", after, many(after)...)
	case after == 0:
		return i18n.T("Calls are answered at once.")
	}
	return i18n.N("Calls are answered after 1 second.", "Calls are answered after %d seconds.", after, many(after)...)
}
