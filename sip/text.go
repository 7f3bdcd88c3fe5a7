package sip

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxHeaderName and maxHeaderValue bound what CheckHeader lets through, in
	// bytes. An SDP body or a certificate never travels in a header of ours.
	maxHeaderName  = 64
	maxHeaderValue = 8192

	// maxTextMarks is how many combining marks may follow one another. Living
	// scripts need three; stacks of them are used to paint over other text.
	maxTextMarks = 4

	ellipsis = '…'
)

// A Header is one header field of a message, without the end of its line.
type Header struct{ Name, Value string }

// CheckHeader reports why a header field must not be written into a message:
// a name that is no token, a value with a line break, a NUL or another control
// character but tab, or one that is too long. Everything that comes from a
// person, a script or another message goes through it, since the SIP library
// writes header values as they are (RFC 3261 section 25.1).
func CheckHeader(name, value string) error {
	if name == "" || len(name) > maxHeaderName {
		return fmt.Errorf("sip: header name of %d bytes", len(name))
	}
	for i := range len(name) {
		if !isTokenByte(name[i]) {
			return fmt.Errorf("sip: header name %q is not a token", name)
		}
	}
	if len(value) > maxHeaderValue {
		return fmt.Errorf("sip: header %s has a value of %d bytes, at most %d go out", name, len(value), maxHeaderValue)
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("sip: header %s has the control character 0x%02x in its value", name, c)
		}
	}
	return nil
}

// CleanText returns s as it may be shown to a person, on one line and in at
// most max runes, the last of which is an ellipsis when something was cut off.
//
// Line ends, tabs and line separators become blanks; other control characters,
// marks that change the direction of writing, byte order marks and zero width
// spaces are dropped; bytes that are not UTF-8 become U+FFFD; long stacks of
// combining marks are cut. Blanks at either end are trimmed. The time spent
// grows with max for ordinary text and never with more than the length of s. A
// max below 1 gives the empty string.
func CleanText(s string, max int) string {
	if max < 1 {
		return ""
	}
	out := make([]rune, 0, min(len(s), max+1))
	marks := 0
	for _, r := range s {
		switch {
		case textBreaks(r):
			r = ' '
		case textHidden(r):
			continue
		}
		if unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks > maxTextMarks {
				continue
			}
		} else {
			marks = 0
		}
		if len(out) == 0 && unicode.IsSpace(r) {
			continue
		}
		out = append(out, r)
		if len(out) > max && !unicode.IsSpace(r) {
			out = append(trimRunes(out[:max-1]), ellipsis)
			break
		}
		// Trailing blanks beyond the cap do not count until something follows.
		if len(out) > max+1 {
			out = out[:max+1]
		}
	}
	out = trimRunes(out)
	return string(out[:min(len(out), max)])
}

// trimRunes cuts blanks off the end of r, in place.
func trimRunes(r []rune) []rune {
	for len(r) > 0 && unicode.IsSpace(r[len(r)-1]) {
		r = r[:len(r)-1]
	}
	return r
}

// textBreaks reports whether r ends a line or a word when shown.
func textBreaks(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// textHidden reports whether r is not shown but acts on its surroundings.
func textHidden(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // bidi embeddings, overrides, isolates
		return true
	case r == 0x200e, r == 0x200f, r == 0x061c: // bidi marks
		return true
	case r == 0x200b, r == 0xfeff, r >= 0xfff9 && r <= 0xfffb: // zero width space, byte order mark, interlinear
		return true
	}
	return false
}

// textOneLine makes s fit to be written into a message: valid UTF-8 without
// control characters.
func textOneLine(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// isTokenByte reports whether c may occur in a token (RFC 3261 section 25.1).
func isTokenByte(c byte) bool {
	return isAlnumByte(c) || strings.IndexByte("-.!%*_+`'~", c) >= 0
}

func isAlnumByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
