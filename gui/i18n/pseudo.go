package i18n

import "strings"

// accents replace letters by ones that are as readable.
var accents = strings.NewReplacer(
	"a", "å", "e", "é", "i", "î", "o", "ö", "u", "û", "c", "ç", "n", "ñ", "y", "ý",
	"A", "Å", "E", "É", "I", "Î", "O", "Ö", "U", "Û", "C", "Ç", "N", "Ñ", "S", "Š",
)

// pseudo makes text longer by about 40 percent and marks both of its ends, so
// that what was not translated, or is cut off, can be seen at once.
func pseudo(text string) string {
	var b strings.Builder
	b.WriteByte('[')
	letters := 0
	for rest := text; rest != ""; {
		verb := verbLength(rest)
		if verb > 0 {
			b.WriteString(rest[:verb])
			rest = rest[verb:]
			continue
		}
		next := strings.IndexByte(rest[1:], '%') + 1
		if next <= 0 {
			next = len(rest)
		}
		b.WriteString(accents.Replace(rest[:next]))
		letters += next
		rest = rest[next:]
	}
	b.WriteString(strings.Repeat("~", (letters*2+4)/5))
	b.WriteByte(']')
	return b.String()
}

// verbLength returns the length of the format verb at the start of text, or 0.
func verbLength(text string) int {
	if text[0] != '%' || len(text) < 2 {
		return 0
	}
	for i := 1; i < len(text); i++ {
		c := text[i]
		if c == '%' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return i + 1
		}
	}
	return 0
}
