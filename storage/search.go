package storage

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds on a search; what is beyond them is left out.
const (
	maxSearchText  = 256 // bytes
	maxSearchWords = 16
)

// matchExpression returns the FTS5 expression that finds rows in which each
// word of text begins a word. Every word is quoted, so nothing that a person
// types has a special meaning. A text that looks like a telephone number finds
// that number too, however it was written there.
//
// any is false if text is blank; an expression that is empty nevertheless finds
// nothing.
func matchExpression(text string) (expression string, any bool) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, " "))
	if text == "" {
		return "", false
	}
	for len(text) > maxSearchText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	quoted := quotedWords(text, "*")
	if len(quoted) == 0 {
		return "", true
	}
	const columns = "{peer_name peer_uri peer_number account via note} : "
	expression = columns + "(" + strings.Join(quoted, " AND ") + ")"
	if digits := phoneDigits(text); digits != "" && len(quoted) > 1 {
		expression = "(" + expression + `) OR peer_number : "` + digits + `"*`
	}
	return expression, true
}

// quotedWords returns the words of text for an FTS5 expression, each with suffix.
func quotedWords(text, suffix string) []string {
	var quoted []string
	// The index leaves accents out of its words; other marks end a word to it.
	for _, w := range strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool { return !isLetterOrNumber(r) }) {
		if len(quoted) == maxSearchWords {
			break
		}
		quoted = append(quoted, `"`+w+`"`+suffix)
	}
	return quoted
}

// isLetterOrNumber reports whether r is part of a word to the index, whose
// tokenizer is unicode61.
func isLetterOrNumber(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r)) && !unicode.Is(laterLetters, r)
}

// laterLetters became letters after the version of Unicode that SQLite knows.
var laterLetters = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x19b0, Hi: 0x19c0, Stride: 1},
	{Lo: 0x19c8, Hi: 0x19c9, Stride: 1},
	{Lo: 0x1cf2, Hi: 0x1cf3, Stride: 1},
}}

// phoneDigits returns the digits of text if it looks like a telephone number,
// and "" if not.
func phoneDigits(text string) string {
	var digits []rune
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, r)
		case !strings.ContainsRune("+-./() ", r):
			return ""
		}
	}
	return string(digits)
}

// peerNumber returns the digits of the number that a URI calls, or "".
func peerNumber(uri string) string {
	_, rest, ok := strings.Cut(uri, ":")
	if !ok {
		rest = uri
	}
	user, _, _ := strings.Cut(rest, "@")
	user, _, _ = strings.Cut(user, ";")
	return phoneDigits(user)
}
