package lookup

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// letters are what has no decomposition in Unicode but is typed otherwise.
var letters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h",
}

// Fold returns text as it is compared: its words in lower case and without
// accents, one blank between them. A word is a run of letters and numbers.
func Fold(text string) string {
	if out, ok := foldASCII(text); ok {
		return out
	}
	var b strings.Builder
	b.Grow(len(text))
	gap := false
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(text, " ")) {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Mc, r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		r = unicode.ToLower(r)
		if s, ok := letters[r]; ok {
			b.WriteString(s)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// foldASCII is Fold for what most texts consist of.
func foldASCII(text string) (string, bool) {
	b := make([]byte, 0, len(text))
	gap := false
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 0x80:
			return "", false
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			gap = len(b) > 0
			continue
		}
		if gap {
			b = append(b, ' ')
			gap = false
		}
		b = append(b, c)
	}
	return string(b), true
}

// Bounds on what is typed; what is beyond them is left out.
const (
	maxText  = 256 // bytes
	maxWords = 16
)

// Words returns the folded words of what was typed, at most 16 of its first 256
// bytes.
func Words(text string) []string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	words := strings.Fields(Fold(text))
	return words[:min(len(words), maxWords)]
}
