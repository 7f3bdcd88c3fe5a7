package sip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseURI reads a sip, sips, tel or callto URI of at most 1024 bytes. It
// refuses blanks, control characters, bytes that are not UTF-8, unknown
// schemes, malformed escapes and a second "@". It accepts the "//" that some
// browsers put after the scheme, and letters outside ASCII in the user.
//
// A tel number, and a callto that is one, loses its visual separators (RFC
// 3966 section 5.1.1).
func ParseURI(s string) (URI, error) {
	u, err := uriParse(s)
	if err != nil {
		return URI{}, fmt.Errorf("sip: URI %q: %w", CleanText(s, 80), err)
	}
	return u, nil
}

func uriParse(s string) (URI, error) {
	if len(s) > maxURI {
		return URI{}, fmt.Errorf("%d bytes long, at most %d are allowed", len(s), maxURI)
	}
	if !utf8.ValidString(s) {
		return URI{}, errors.New("not UTF-8")
	}
	for _, r := range s {
		if r <= ' ' || r == '<' || r == '>' || textHidden(r) || textBreaks(r) {
			return URI{}, fmt.Errorf("character %U is not allowed", r)
		}
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok {
		return URI{}, errors.New("no scheme")
	}
	u := URI{Scheme: strings.ToLower(scheme)}
	var err error
	switch u.Scheme {
	case "sip", "sips":
		err = u.parseSIP(strings.TrimPrefix(rest, "//"))
	case "tel":
		err = u.parseTel(rest)
	case "callto":
		err = u.parseCallto(strings.TrimPrefix(rest, "//"))
	default:
		err = fmt.Errorf("unknown scheme %q", CleanText(scheme, 20))
	}
	return u, err
}

// parseSIP reads what follows "sip:". The user may hold ";" and "?" unescaped,
// so the "@" is looked for first.
func (u *URI) parseSIP(s string) error {
	if user, rest, ok := strings.Cut(s, "@"); ok {
		if strings.Contains(rest, "@") {
			return errors.New("more than one @")
		}
		if err := u.parseUser(user); err != nil {
			return err
		}
		s = rest
	}
	s, err := u.parseTail(s)
	if err != nil {
		return err
	}
	return u.parseHost(s)
}

func (u *URI) parseUser(s string) (err error) {
	if s == "" {
		return errors.New("empty user")
	}
	user, password, _ := strings.Cut(s, ":")
	if u.User, err = uriUnescape(user); err != nil {
		return err
	}
	if u.User == "" {
		return errors.New("empty user")
	}
	if wire := uriEscapeRest(user, uriUserBytes); wire != uriEscape(u.User, uriUserBytes) {
		u.wireUser = wire
	}
	u.Password, err = uriUnescape(password)
	return err
}

// parseTail reads headers and parameters off the end of s and returns what is
// before them.
func (u *URI) parseTail(s string) (rest string, err error) {
	s, headers, _ := strings.Cut(s, "?")
	if u.Headers, err = uriParseParams(headers, '&', uriHeaderBytes); err != nil {
		return "", err
	}
	s, params, _ := strings.Cut(s, ";")
	u.Params, err = uriParseParams(params, ';', uriParamBytes)
	return s, err
}

func (u *URI) parseHost(s string) (err error) {
	host, port := s, ""
	colon := strings.LastIndexByte(s, ':')
	if colon > strings.LastIndexByte(s, ']') {
		host, port = s[:colon], s[colon+1:]
		u.Port, err = strconv.Atoi(port)
		if err != nil || u.Port < 1 || u.Port > 65535 || port[0] == '+' {
			return fmt.Errorf("port %q", port)
		}
	}
	u.Host, err = uriHost(host)
	return err
}

func (u *URI) parseTel(s string) error {
	s, err := u.parseTail(s)
	if err != nil {
		return err
	}
	number, ok := uriNumber(s)
	if !ok {
		return errors.New("not a telephone number")
	}
	u.User = number
	return nil
}

func (u *URI) parseCallto(s string) error {
	if strings.Contains(s, "@") {
		return u.parseSIP(s)
	}
	s, err := u.parseTail(s)
	if err != nil {
		return err
	}
	if number, ok := uriNumber(s); ok {
		u.User = number
		return nil
	}
	return u.parseUser(s)
}

// uriNumber returns s without visual separators, and whether it is a telephone
// number: an optional plus sign, then digits, "*", "#" and the letters A to D.
func uriNumber(s string) (string, bool) {
	s, err := uriUnescape(s)
	if err != nil {
		return "", false
	}
	number := make([]byte, 0, len(s))
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
			number = append(number, c)
		case c == '*', c == '#', c >= 'A' && c <= 'D', c == '+' && len(number) == 0:
			number = append(number, c)
		case c >= 'a' && c <= 'd':
			number = append(number, c-'a'+'A')
		case strings.IndexByte("-.() ", c) >= 0:
		default:
			return "", false
		}
	}
	if digits == 0 && strings.ContainsAny(string(number), "ABCD+") {
		return "", false
	}
	return string(number), len(number) > 0
}

// uriParseParams reads a list of parameters or headers. What may not stand
// unescaped in it is escaped, so that printing gives the same list again.
func uriParseParams(s string, sep byte, allowed string) (Params, error) {
	var p Params
	for s != "" {
		var one string
		one, s, _ = strings.Cut(s, string(sep))
		if one == "" {
			continue
		}
		name, value, _ := strings.Cut(one, "=")
		if name == "" {
			return nil, fmt.Errorf("parameter %q without a name", CleanText(one, 20))
		}
		if _, err := uriUnescape(one); err != nil {
			return nil, err
		}
		p = append(p, Param{uriEscapeRest(name, allowed), uriEscapeRest(value, allowed)})
	}
	return p, nil
}

func uriWriteParam(b *strings.Builder, p Param, allowed string) {
	b.WriteString(uriEscapeRest(p.Name, allowed))
	if p.Value != "" {
		b.WriteByte('=')
		b.WriteString(uriEscapeRest(p.Value, allowed))
	}
}

// What may stand unescaped beside letters and digits in the parts of a URI
// (RFC 3261 section 25.1, RFC 3966 section 3).
const (
	uriMarkBytes     = "-_.!~*'()"
	uriUserBytes     = uriMarkBytes + "&=+$,;?/"
	uriPasswordBytes = uriMarkBytes + "&=+$,"
	uriParamBytes    = uriMarkBytes + "[]/:&+$"
	uriHeaderBytes   = uriMarkBytes + "[]/?:+$"
	uriTelBytes      = "+*"
)

// uriEscape escapes every byte of s that is not a letter, a digit or in
// allowed.
func uriEscape(s, allowed string) string {
	return uriEscapeFunc(s, func(i int) bool {
		return isAlnumByte(s[i]) || strings.IndexByte(allowed, s[i]) >= 0
	})
}

// uriEscapeRest is uriEscape for a string that may hold escapes already.
func uriEscapeRest(s, allowed string) string {
	return uriEscapeFunc(s, func(i int) bool {
		if s[i] == '%' {
			return i+2 < len(s) && isHexByte(s[i+1]) && isHexByte(s[i+2])
		}
		return isAlnumByte(s[i]) || strings.IndexByte(allowed, s[i]) >= 0
	})
}

func uriEscapeFunc(s string, keep func(i int) bool) string {
	var b strings.Builder
	for i := range len(s) {
		if keep(i) {
			b.WriteByte(s[i])
			continue
		}
		const digits = "0123456789ABCDEF"
		b.Write([]byte{'%', digits[s[i]>>4], digits[s[i]&15]})
	}
	return b.String()
}

// uriUnescape decodes %XX and refuses a "%" that is not followed by two
// hexadecimal digits.
func uriUnescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) || !isHexByte(s[i+1]) || !isHexByte(s[i+2]) {
			return "", errors.New("malformed escape")
		}
		v, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
		b = append(b, byte(v))
		i += 2
	}
	return string(b), nil
}

func isHexByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
