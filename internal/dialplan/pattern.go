package dialplan

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// A Pattern names callers. See the package for how it is written.
type Pattern struct {
	text   string
	user   string // "" with a domain: everybody there
	domain string // "" for numbers, at whatever domain
	prefix bool   // user is how the number begins
	local  bool   // user is the id of somebody on the local network
}

// localScheme begins patterns of those on the local network.
const localScheme = "bonjour:"

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// ParsePattern reads one pattern. "sip:" in front, parameters and a port may be
// there and do not matter. Its error is a *SyntaxError.
func ParsePattern(s string) (Pattern, error) {
	if len(s) > maxRule {
		return Pattern{}, fail(s, 0, "a pattern has at most %d bytes", maxRule)
	}
	if !utf8.ValidString(s) {
		return Pattern{}, &SyntaxError{Text: s, Problem: "it is not UTF-8"}
	}
	for i, c := range s {
		if c < ' ' || c == 0x7f || c == ',' || c == '<' || c == '>' || c == '"' {
			return Pattern{}, fail(s, i, "this character cannot be part of an address")
		}
	}
	p := Pattern{text: s}
	s = strings.TrimSpace(s)
	if len(s) > len(localScheme) && strings.EqualFold(s[:len(localScheme)], localScheme) {
		p.local, p.user = true, unescaped(s[len(localScheme):])
		return p, nil
	}
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
			break
		}
	}
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		return p.address(s[:at], s[at+1:])
	}
	s, _, _ = strings.Cut(s, ";")
	s, p.prefix = strings.CutSuffix(s, "*")
	r, ok := ReadNumber(s)
	switch {
	case p.prefix && s == "":
		return Pattern{}, &SyntaxError{Text: p.text, Problem: "a lone * would be everybody"}
	case !ok && p.prefix && s == "+":
		r.Number = "+"
	case !ok || r.Lettered:
		return Pattern{}, &SyntaxError{
			Text:    p.text,
			Problem: "it must be an address, a number, *@ and a domain, or the beginning of a number and *",
		}
	}
	p.user = r.Number
	return p, nil
}

// address completes a pattern with a domain.
func (p Pattern) address(user, domain string) (Pattern, error) {
	domain, _, _ = strings.Cut(domain, ";")
	domain, _, _ = strings.Cut(domain, "?")
	p.domain = hostOf(domain)
	if p.domain == "" || strings.ContainsAny(p.domain, "*%/ ") || strings.ContainsFunc(p.domain, func(c rune) bool { return c > 0x7f }) {
		return Pattern{}, &SyntaxError{Text: p.text, Problem: "what is behind the @ is no domain (one with other letters is written xn--…)"}
	}
	if user == "*" {
		return p, nil
	}
	if user == "" || strings.ContainsAny(user, "@ ") {
		return Pattern{}, &SyntaxError{Text: p.text, Problem: "what is before the @ is no name"}
	}
	p.user = unescaped(user)
	return p, nil
}

func unescaped(user string) string {
	if plain, err := url.PathUnescape(user); err == nil {
		return plain
	}
	return user
}

// hostOf returns a host without port and final dot.
func hostOf(s string) string {
	if end := strings.LastIndexByte(s, ']'); end >= 0 {
		s = strings.TrimPrefix(s[:end], "[")
	} else if strings.Count(s, ":") == 1 {
		s, _, _ = strings.Cut(s, ":")
	}
	return strings.TrimSuffix(s, ".")
}

// Matches reports whether the caller user@host is meant; somebody on the local
// network has no host. The user is not escaped; case does not matter.
func (p Pattern) Matches(user, host string) bool {
	if p.local {
		return host == "" && strings.EqualFold(p.user, user)
	}
	if p.domain != "" {
		return strings.EqualFold(p.domain, hostOf(host)) && (p.user == "" || strings.EqualFold(p.user, user))
	}
	user, _, _ = strings.Cut(user, ";")
	r, ok := ReadNumber(user)
	if !ok || r.Lettered {
		return false
	}
	if p.prefix {
		return strings.HasPrefix(r.Number, p.user)
	}
	return r.Number == p.user
}

// Patterns is a list of patterns.
type Patterns []Pattern

// ParsePatterns reads a list. Its error is a *SyntaxError that names the pattern
// by its number.
func ParsePatterns(texts []string) (Patterns, error) {
	list := make(Patterns, len(texts))
	for i, s := range texts {
		var err error
		if list[i], err = ParsePattern(s); err != nil {
			return nil, numbered(err, i+1)
		}
	}
	return list, nil
}

// Matches reports whether any of the patterns means the caller.
func (ps Patterns) Matches(user, host string) bool {
	for _, p := range ps {
		if p.Matches(user, host) {
			return true
		}
	}
	return false
}
