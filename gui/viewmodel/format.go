package viewmodel

import (
	"fmt"
	"strings"
	"time"

	"parley/gui/i18n"
)

// Duration writes d as people do on phones: 0:07, 3:07, 1:03:07.
func Duration(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// When writes a time of the past as short as it can be understood at now, in the
// place of now: 14:02, Yesterday, Mon, 3 May, 2025-05-03.
func When(t, now time.Time) string {
	t = t.In(now.Location())
	switch days := daysBetween(t, now); {
	case days <= 0:
		return t.Format("15:04")
	case days == 1:
		return i18n.T("Yesterday")
	case days < 7:
		return weekday(t.Weekday())
	case t.Year() == now.Year():
		return i18n.T("%d %s", t.Day(), month(t.Month()))
	}
	return t.Format("2006-01-02")
}

// Exactly writes a time in full.
func Exactly(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

// daysBetween counts midnights from t to now.
func daysBetween(t, now time.Time) int {
	noon := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, time.UTC)
	}
	return int(noon(now).Sub(noon(t)) / (24 * time.Hour))
}

func weekday(d time.Weekday) string {
	return [...]string{
		i18n.T("Sun"), i18n.T("Mon"), i18n.T("Tue"), i18n.T("Wed"), i18n.T("Thu"), i18n.T("Fri"), i18n.T("Sat"),
	}[d]
}

func month(m time.Month) string {
	return [...]string{
		i18n.T("Jan"), i18n.T("Feb"), i18n.T("Mar"), i18n.T("Apr"), i18n.T("May"), i18n.T("Jun"),
		i18n.T("Jul"), i18n.T("Aug"), i18n.T("Sep"), i18n.T("Oct"), i18n.T("Nov"), i18n.T("Dec"),
	}[m-1]
}

// ShortURI takes from a SIP URI what a person would type: no scheme, no
// parameters. Other text stays as it is.
func ShortURI(uri string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(uri) > len(scheme) && strings.EqualFold(uri[:len(scheme)], scheme) {
			rest := uri[len(scheme):]
			if i := strings.IndexAny(rest, ";?"); i >= 0 {
				rest = rest[:i]
			}
			return rest
		}
	}
	return uri
}

// isNumber reports whether text is a telephone number as people write it.
func isNumber(text string) bool {
	digits := 0
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '*', r == '#', r == '+' && i == 0, strings.ContainsRune(" -./()", r):
		default:
			return false
		}
	}
	return digits > 0
}

// PersonOf is what to call somebody: the name, else the user part of an address
// that is a number, else the address.
func PersonOf(name, address string) string {
	if name != "" {
		return name
	}
	if user := userOf(address); user != address && isNumber(user) {
		return user
	}
	switch {
	case address == "":
		return i18n.T("Unknown")
	case IsNeighbour(address):
		return i18n.T("Somebody on this network")
	}
	return address
}

// userOf is the part of an address before the @.
func userOf(address string) string {
	user, _, _ := strings.Cut(address, "@")
	return user
}
