package lookup

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// minTail is how many digits at the end two numbers must share at least to be
// taken for one, where one is written with its country or area code and the
// other without.
const minTail = 7

// Digits returns the digits of text if it looks like a telephone number,
// written with any of the usual marks, and "" if not.
func Digits(text string) string {
	digits := make([]byte, 0, len(text))
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case !strings.ContainsRune("+-./() \u00a0\u2011", r):
			return ""
		}
	}
	return string(digits)
}

// An Address is who an address or a number names, in a form that compares.
type Address struct {
	Key    string // user@host in lower case, a user alone, or a number; "" is nobody
	User   string // Key without the host
	Number string // digits, after a plus if the country is among them; "" for no number
}

// Parse reads a URI, an address without a scheme, or a number. It never fails:
// what it does not understand is compared as it is.
func Parse(text string) Address {
	text = strings.TrimSpace(text)
	rest := text
	if scheme, after, ok := strings.Cut(text, ":"); ok {
		switch strings.ToLower(scheme) {
		case "sip", "sips", "tel", "callto", "xmpp", "mailto", "im":
			rest = after
		}
	}
	rest = strings.TrimPrefix(rest, "//")
	user, host, hasHost := strings.Cut(rest, "@")
	user, _, _ = strings.Cut(user, ";")
	user, _, _ = strings.Cut(user, "?")
	if hasHost {
		user, _, _ = strings.Cut(user, ":") // no password
	}
	if n := strings.IndexAny(host, ";?>"); n >= 0 {
		host = host[:n]
	}
	// An escape is another way to write the same (RFC 3261 section 19.1.4).
	if plain, err := url.PathUnescape(user); err == nil && utf8.ValidString(plain) {
		user = plain
	}
	a := Address{Number: number(user)}
	a.User = strings.ToLower(strings.TrimSpace(user))
	if a.Number != "" {
		a.User = a.Number
	}
	a.Key = a.User
	if host = strings.ToLower(hostOnly(host)); host != "" && len(a.Number) <= minTail {
		a.Key += "@" + host
	}
	return a
}

// hostOnly cuts a port off.
func hostOnly(host string) string {
	if strings.HasPrefix(host, "[") {
		before, _, _ := strings.Cut(host, "]")
		return before + "]"
	}
	before, _, _ := strings.Cut(host, ":")
	return strings.TrimSuffix(before, ".")
}

// number returns the digits of a user that is a telephone number, after a plus
// if it begins with a country.
func number(user string) string {
	user = strings.TrimSpace(user)
	digits := Digits(user)
	switch {
	case digits == "":
		return ""
	case strings.HasPrefix(user, "+"):
		return "+" + digits
	case strings.HasPrefix(digits, "00") && len(digits) > minTail+2:
		return "+" + digits[2:]
	}
	return digits
}

// Tail returns the end of the number by which an index finds those that may be
// the same, and "" for a short number, which equals only itself.
func (a Address) Tail() string {
	digits := significant(a.Number)
	if len(digits) < minTail {
		return ""
	}
	return digits[len(digits)-minTail:]
}

// significant returns the digits of a number without the zeros that stand for
// "another town" or "another country".
func significant(n string) string { return strings.TrimLeft(n, "+0") }

// Match says how well two addresses fit: 0 if they name different parties, and
// else more for the better match, most for equal ones. A number without its
// country or area code fits one with it.
func Match(a, b Address) int {
	const (
		bare  = 1
		equal = 1000
	)
	switch {
	case a.Key == "" || b.Key == "":
		return 0
	case a.Key == b.Key:
		return equal
	case a.User == b.User && (a.Key == a.User || b.Key == b.User):
		return bare + len(a.User)
	case a.Number == "" || b.Number == "":
		return 0
	case a.Number[0] == '+' && b.Number[0] == '+':
		return 0 // both are complete
	}
	short, long := significant(a.Number), significant(b.Number)
	if len(short) > len(long) {
		short, long = long, short
	}
	if len(short) < minTail || !strings.HasSuffix(long, short) {
		return 0
	}
	return bare + len(short)
}
