package viewmodel

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"parley/gui/i18n"
	"parley/middleware"
)

// ImportRate says how far an import has come after a time.
func ImportRate(p middleware.ImportProgress, after time.Duration) string {
	if after < time.Second {
		return i18n.T("%d contacts read", p.Contacts)
	}
	return i18n.T("%d contacts read, %d in a second", p.Contacts, int(float64(p.Contacts)/after.Seconds()))
}

// ImportResult says what an import has done.
func ImportResult(r middleware.ImportReport, err error, canceled bool) Banner {
	parts := []string{i18n.N("1 contact added", "%d contacts added", r.Added, count(r.Added)...)}
	if r.Merged > 0 {
		parts = append(parts, i18n.N("1 merged with one that was there", "%d merged with those that were there", r.Merged, count(r.Merged)...))
	}
	if r.Same > 0 {
		parts = append(parts, i18n.N("1 was there already", "%d were there already", r.Same, count(r.Same)...))
	}
	b := Banner{Tone: Good, Text: i18n.T("%s.", strings.Join(parts, ", "))}
	switch {
	case canceled:
		b.Tone, b.Text = Notice, i18n.T("Canceled. %s What was taken in stays.", b.Text)
	case err != nil && r.Added+r.Merged+r.Same == 0:
		b.Tone, b.Text = Bad, ExplainError(err)
	case err != nil:
		b.Tone, b.Text = Bad, i18n.T("%s %s", ExplainError(err), b.Text)
	case len(r.Bad) > 0:
		b.Tone = Notice
	}
	return b
}

// count is the argument of a text about n things.
func count(n int) []any {
	if n == 1 {
		return nil
	}
	return []any{n}
}

// ImportBad introduces what was not taken.
func ImportBad(r middleware.ImportReport) string {
	n := len(r.Bad) + r.More
	return i18n.N("1 entry of the file was not taken, or not as a whole:", "%d entries of the file were not taken, or not as a whole:", n, count(n)...)
}

// ImportProblem says where in the file something was not taken, and why.
func ImportProblem(p middleware.ImportProblem) (where, why string) {
	if p.Name == "" {
		return i18n.T("Line %d", p.Line), p.Text
	}
	return i18n.T("Line %d: %s", p.Line, p.Name), p.Text
}

// ImportProblems returns the whole list as text.
func ImportProblems(r middleware.ImportReport) string {
	var b strings.Builder
	for _, p := range r.Bad {
		where, why := ImportProblem(p)
		fmt.Fprintf(&b, "%s\t%s\n", where, why)
	}
	if r.More > 0 {
		fmt.Fprintln(&b, i18n.T("and %d more", r.More))
	}
	return b.String()
}

// ExportResult says how many contacts were written.
func ExportResult(n int, path string) string {
	name := filepath.Base(path)
	if n == 1 {
		return i18n.T("1 contact was written into %s.", name)
	}
	return i18n.T("%d contacts were written into %s.", n, name)
}

// ExportCallsResult says how many calls were written.
func ExportCallsResult(n int, path string) string {
	name := filepath.Base(path)
	if n == 1 {
		return i18n.T("1 call was written into %s.", name)
	}
	return i18n.T("%d calls were written into %s.", n, name)
}

// FileName makes the name of a file of a text, or takes another where nothing is
// left of it.
func FileName(text, otherwise string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '-'
		}
		return r
	}, strings.Trim(text, " ."))
	if name == "" {
		return otherwise
	}
	return name
}

// ExplainField says what is wrong with a contact, and which of its fields that is;
// the key is empty for none in particular, and the text for nil.
func ExplainField(err error) (key, text string) {
	var value *middleware.ValueError
	if errors.As(err, &value) {
		if text := explainContactValue(value); text != "" {
			key = value.Key
			switch key {
			case "label", "addresses":
				key = "address"
			}
			return key, text
		}
	}
	return "", ExplainError(err)
}

// explainContacts says what an error of the address book means; it is empty for
// other errors.
func explainContacts(err error) string {
	var value *middleware.ValueError
	switch {
	case errors.As(err, &value):
		return explainContactValue(value)
	case errors.Is(err, middleware.ErrNoContact):
		return i18n.T("This contact no longer exists.")
	case errors.Is(err, middleware.ErrNoGroup):
		return i18n.T("This group no longer exists.")
	case errors.Is(err, middleware.ErrGroupExists):
		return i18n.T("There is a group of this name already.")
	case errors.Is(err, middleware.ErrContactExists):
		return i18n.T("There is a contact with this ID already.")
	}
	return ""
}

// explainContactValue says what is wrong with a field of a contact; it is empty for
// values of other things.
func explainContactValue(e *middleware.ValueError) string {
	switch e.Key {
	case "name":
		if e.Value == "" {
			return i18n.T("Name: give one, or at least an address.")
		}
		return i18n.T("Name: one line of at most 1000 letters, please.")
	case "organization":
		return i18n.T("Organization: one line of at most 1000 letters, please.")
	case "address":
		return i18n.T("Address: “%s” is neither a number nor an address.", e.Value)
	case "addresses":
		return i18n.T("Addresses: at most 100, please.")
	case "label":
		return i18n.T("Label: “%s” is too long.", e.Value)
	case "groups":
		return i18n.T("Groups: at most 100, please.")
	case "ringtone":
		return i18n.T("Ringtone: this file cannot be used.")
	case "note":
		return i18n.T("Note: at most 16000 letters, please.")
	case "photo":
		return i18n.T("Photo: a PNG or JPEG file of at most 1 MB and 4096 pixels across, please (%s).", e.Value)
	}
	return ""
}
