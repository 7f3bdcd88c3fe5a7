package storage

import (
	"strings"
	"unicode"
	"unicode/utf8"
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
	var quoted []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !isWordRune(r) }) {
		if !strings.ContainsFunc(w, isLetterOrNumber) {
			continue // a lone mark is no word to the index
		}
		if len(quoted) == maxSearchWords {
			break
		}
		quoted = append(quoted, `"`+w+`"*`)
	}
	expression = strings.Join(quoted, " ")
	if digits := phoneDigits(text); digits != "" && len(quoted) > 1 {
		expression = `(` + expression + `) OR peer_number : "` + digits + `"*`
	}
	return expression, true
}

// isWordRune reports whether r is part of a word to the index, whose tokenizer
// is unicode61. Marks belong to the letter before them.
func isWordRune(r rune) bool { return isLetterOrNumber(r) || unicode.In(r, unicode.Mn, unicode.Mc) }

func isLetterOrNumber(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

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
