package sip

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// maxAddress is the longest header value that ParseAddress reads, in bytes.
	maxAddress = 32 << 10

	// maxSafeName is how many runes of a display name are shown.
	maxSafeName = 64
)

// An Address is what From, To and Contact hold: a URI, perhaps with a display
// name and with parameters of the header field (RFC 3261 section 20.10).
type Address struct {
	Name   string // without quotes and escapes; never a control character when parsed
	URI    URI
	Params Params // after the ">", such as tag; values as on the wire, quotes included
}

// ParseAddress reads one address in any of the forms "Name" <uri>, Name <uri>,
// <uri> and uri, each with header parameters after it. In the last form every
// parameter belongs to the header. It reads no lists and no "*".
func ParseAddress(s string) (Address, error) {
	a, err := addressParse(s)
	if err != nil {
		return Address{}, fmt.Errorf("sip: address: %w", err)
	}
	return a, nil
}

func addressParse(s string) (a Address, err error) {
	if len(s) > maxAddress {
		return a, fmt.Errorf("%d bytes long, at most %d are read", len(s), maxAddress)
	}
	s = addressTrim(s)
	if strings.HasPrefix(s, `"`) {
		if a.Name, s, err = addressUnquote(s); err != nil {
			return a, err
		}
		if s = addressTrim(s); !strings.HasPrefix(s, "<") {
			return a, errors.New("no < after the display name")
		}
	}
	open := strings.IndexByte(s, '<')
	if open < 0 {
		uri, params, _ := strings.Cut(s, ";")
		if a.URI, err = ParseURI(addressTrim(uri)); err != nil {
			return a, err
		}
		a.Params, err = addressParams(params)
		return a, err
	}
	if open > 0 {
		a.Name = s[:open]
	}
	// The name was made of one line before the quotes were looked at.
	a.Name = addressTrim(textOneLine(a.Name))
	uri, rest, ok := strings.Cut(s[open+1:], ">")
	if !ok {
		return a, errors.New("no > after the URI")
	}
	if a.URI, err = ParseURI(addressTrim(uri)); err != nil {
		return a, err
	}
	rest = addressTrim(rest)
	if rest != "" && rest[0] != ';' {
		return a, fmt.Errorf("%q after the URI", CleanText(rest, 20))
	}
	a.Params, err = addressParams(strings.TrimPrefix(rest, ";"))
	return a, err
}

func addressTrim(s string) string { return strings.Trim(s, " \t") }

// addressUnquote reads the quoted string that s begins with and returns what
// follows it.
func addressUnquote(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			i++
			if i == len(s) {
				return "", "", errors.New("quoted string without an end")
			}
			fallthrough
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New("quoted string without an end")
}

// addressParams reads ;name=value lists where a value may be a quoted string.
func addressParams(s string) (Params, error) {
	var p Params
	for {
		s = strings.TrimLeft(s, "; \t")
		if s == "" {
			return p, nil
		}
		end := strings.IndexAny(s, "=;")
		if end < 0 {
			end = len(s)
		}
		one := Param{Name: addressTrim(s[:end])}
		if !addressToken(one.Name) {
			return nil, fmt.Errorf("parameter name %q", CleanText(one.Name, 20))
		}
		s = s[end:]
		if strings.HasPrefix(s, "=") {
			s = addressTrim(s[1:])
			if strings.HasPrefix(s, `"`) {
				text, rest, err := addressUnquote(s)
				if err != nil {
					return nil, err
				}
				if rest = addressTrim(rest); rest != "" && rest[0] != ';' {
					return nil, fmt.Errorf("%q after a quoted string", CleanText(rest, 20))
				}
				one.Value, s = quoteString(text), rest
			} else {
				value, rest, _ := strings.Cut(s, ";")
				one.Value, s = addressValue(addressTrim(value)), rest
			}
		}
		p = append(p, one)
	}
}

// addressValue returns a parameter value as it may go on the wire: a token, a
// host, a quoted string, or else itself in quotes.
func addressValue(s string) string {
	if s == "" || addressToken(strings.NewReplacer("[", "", "]", "", ":", "").Replace(s)) {
		return s
	}
	if strings.HasPrefix(s, `"`) {
		if text, rest, err := addressUnquote(s); err == nil && rest == "" {
			return quoteString(text)
		}
	}
	return quoteString(s)
}

func addressToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// quoteString writes s as a quoted string on one line (RFC 3261 section 25.1).
func quoteString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(textOneLine(s)) + `"`
}

// String returns the address as it goes into a header, always with angle
// brackets. The display name is quoted and escaped, control characters in it
// become blanks.
func (a Address) String() string {
	var b strings.Builder
	if name := addressTrim(a.Name); name != "" {
		b.WriteString(quoteString(name))
		b.WriteByte(' ')
	}
	b.WriteByte('<')
	b.WriteString(a.URI.String())
	b.WriteByte('>')
	for _, p := range a.Params {
		if !addressToken(p.Name) {
			continue
		}
		b.WriteByte(';')
		b.WriteString(p.Name)
		if p.Value != "" {
			b.WriteByte('=')
			b.WriteString(addressValue(p.Value))
		}
	}
	return b.String()
}

// SafeName returns the display name as it may be shown: cleaned by [CleanText]
// and cut to 64 runes. It is empty when there is none.
func (a Address) SafeName() string { return CleanText(a.Name, maxSafeName) }
