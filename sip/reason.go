package sip

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// reasons are what a message says about why it was sent (RFC 3326).
type reasons struct {
	sip  int // the cause of protocol SIP, a status code; 0 if none
	q850 int // the cause of protocol Q.850, which telephone networks give; 0 if none
	text string
}

// maxReasons bounds the values of Reason that are read.
const maxReasons = 8

// reasonsOf reads the Reason header field of a message. Of two texts that of
// protocol SIP is taken.
func reasonsOf(m sip.Message) reasons {
	var r reasons
	own := false // text is that of protocol SIP
	for _, v := range elements(m, "Reason", maxReasons) {
		protocol, rest, _ := strings.Cut(v, ";")
		cause, text := reasonParams(rest)
		switch strings.ToUpper(strings.TrimSpace(protocol)) {
		case "SIP":
			if r.sip == 0 {
				r.sip = cause
			}
			if text != "" && !own {
				r.text, own = text, true
			}
		case "Q.850":
			if r.q850 == 0 {
				r.q850 = cause
			}
			if r.text == "" {
				r.text = text
			}
		}
	}
	return r
}

// canceled is the event of a CANCEL with these reasons.
func (r reasons) canceled() Canceled {
	return Canceled{Reason: r.text, Cause: r.sip, Q850: r.q850, Elsewhere: r.sip == sip.StatusOK}
}

// reasonParams reads cause and text.
func reasonParams(s string) (cause int, text string) {
	for s != "" {
		var param string
		param, s = cutParam(s)
		name, value, _ := strings.Cut(param, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "cause":
			if n, err := strconv.Atoi(value); err == nil && n > 0 && n < 1000 {
				cause = n
			}
		case "text":
			text = CleanText(unquote(value), 200)
		}
	}
	return cause, text
}

// elements returns at most limit elements of a header field that is a list, over
// all its lines. Commas in quotes and in angle brackets do not separate.
func elements(m sip.Message, name string, limit int) []string {
	var out []string
	for _, line := range headerValues(m, name) {
		out = splitList(out, line, limit)
	}
	return out
}

// splitList appends the elements of a comma-separated list to out, up to limit
// altogether.
func splitList(out []string, s string, limit int) []string {
	quoted, angle, start := false, false, 0
	add := func(one string) {
		if one = strings.TrimSpace(one); one != "" && len(out) < limit {
			out = append(out, one)
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			add(s[start:i])
			start = i + 1
		}
	}
	add(s[start:])
	return out
}

// cutParam cuts at the first semicolon outside quotes.
func cutParam(s string) (first, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			quoted = !quoted
		case ';':
			if !quoted {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// reasonHeader makes the Reason header field of RFC 3326, or none.
func reasonHeader(cause int, text string) []Header {
	if text == "" {
		return nil
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(CleanText(text, 200))
	return []Header{{"Reason", fmt.Sprintf("SIP;cause=%d;text=\"%s\"", cause, quoted)}}
}
