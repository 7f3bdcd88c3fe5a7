package viewmodel

import (
	"slices"
	"strings"
	"time"

	"parley/gui/i18n"
	"parley/middleware"
	"parley/middleware/registration"
)

// An Account is a row of the account list.
type Account struct {
	ID       string
	Label    string
	Word     string // its state in one or two words
	Reason   string // a sentence or a time; may be empty
	Tone     Tone
	Enabled  bool
	Default  bool
	Login    bool // the password is wrong: ask for it in place
	Facts    string
	CanRetry bool
	Network  bool // is the local network, which is no account at a server
}

// NewAccount returns the view of a at the time now.
func NewAccount(a middleware.AccountSnapshot, now time.Time) Account {
	v := Account{ID: a.ID, Label: a.ID, Enabled: a.Enabled, Default: a.Default}
	switch {
	case !a.Enabled:
		v.Word = i18n.T("Off")
	case !a.Active && a.Registration != registration.Failed:
		v.Word = i18n.T("Offline")
	default:
		v.fill(a, now)
	}
	if a.ForwardError != nil {
		v.Reason = strings.TrimSpace(i18n.T("%s The newest call was not forwarded. %s", v.Reason, ExplainError(a.ForwardError)))
	}
	return v
}

func (v *Account) fill(a middleware.AccountSnapshot, now time.Time) {
	switch a.Registration {
	case registration.Registered:
		v.Word, v.Tone = i18n.T("Ready"), Good
		v.Reason = i18n.T("Registered until %s.", a.Expires.In(now.Location()).Format("15:04"))
	case registration.Registering:
		v.Word, v.Tone = i18n.T("Connecting…"), Notice
	case registration.Unregistering:
		v.Word, v.Tone = i18n.T("Signing off…"), Notice
	case registration.Failed:
		v.Word, v.Tone = i18n.T("Not connected"), Bad
		v.Reason, v.Facts = Explain(a.Failure), Facts(a.Failure)
		v.Login = a.Failure.Kind == middleware.BadPassword
		v.CanRetry = true
		if d := a.NextTry.Sub(now); !a.NextTry.IsZero() && d > 0 {
			v.Reason = i18n.T("%s Next try at %s.", v.Reason, a.NextTry.In(now.Location()).Format("15:04:05"))
		}
	default:
		v.Word = i18n.T("Outgoing calls only")
		v.Tone = Good
	}
}

// A Chip is the one account shown at the top of the main window.
type Chip struct {
	Label string
	Word  string
	Tone  Tone
}

// NewChip sums up all accounts: the default one, or the trouble of another. The
// local network stands for them while there is none.
func NewChip(all []Account) Chip {
	list := slices.DeleteFunc(slices.Clone(all), func(a Account) bool { return a.Network })
	if len(list) == 0 {
		for _, a := range all {
			if a.Tone != Neutral {
				return Chip{Label: a.Label, Word: a.Word, Tone: a.Tone}
			}
		}
		return Chip{Label: i18n.T("No account"), Word: i18n.T("Add one to call anybody")}
	}
	shown := list[0]
	for _, a := range list {
		if a.Default {
			shown = a
		}
	}
	chip := Chip{Label: shown.Label, Word: shown.Word, Tone: shown.Tone}
	if shown.Tone == Bad {
		return chip
	}
	failed := 0
	for _, a := range list {
		if a.Tone == Bad {
			failed++
		}
	}
	if failed > 0 {
		chip.Tone = Notice
		chip.Word = i18n.N("1 other account is not connected", "%d other accounts are not connected", failed, many(failed)...)
	}
	return chip
}

// many is the argument of the plural form of i18n.N.
func many(n int) []any {
	if n == 1 {
		return nil
	}
	return []any{n}
}

// StatusWord names a person's own status.
func StatusWord(s middleware.UserStatus) string {
	switch s {
	case middleware.Away:
		return i18n.T("Away")
	case middleware.DoNotDisturb:
		return i18n.T("Do not disturb")
	case middleware.Offline:
		return i18n.T("Offline")
	}
	return i18n.T("Available")
}

// StatusTone is the color of a person's own status.
func StatusTone(s middleware.UserStatus) Tone {
	switch s {
	case middleware.Away:
		return Notice
	case middleware.DoNotDisturb:
		return Bad
	case middleware.Offline:
		return Neutral
	}
	return Good
}
