package dialplan

import "strings"

// separators are the marks with which people write numbers.
const separators = " -./()\u00a0\u2007\u2009\u2010\u2011\u202f"

// A Reading is a number as it was made of a text.
type Reading struct {
	Number    string // digits, "*", "#" and perhaps "+" in front
	Separated bool   // separators were taken out
	Lettered  bool   // letters were made the digits of their keys
}

// ReadNumber reads text as a number: it takes separators out, and makes letters
// digits as on the keys of a telephone where the text cannot be a name:
// "1-800-FLOWERS". It reports whether text is a number.
func ReadNumber(text string) (Reading, bool) {
	if len(text) > maxNumber {
		return Reading{}, false
	}
	var r Reading
	var b strings.Builder
	digits, letters := 0, 0
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
			b.WriteRune(c)
		case c == '*' || c == '#' || c == '+' && i == 0:
			b.WriteRune(c)
		case strings.ContainsRune(separators, c):
			r.Separated = true
		case key(c) != 0:
			if letters == 0 && (digits < 3 || !r.Separated) {
				return Reading{}, false // a name, perhaps one with digits
			}
			letters++
			b.WriteByte(key(c))
		default:
			return Reading{}, false
		}
	}
	r.Number, r.Lettered = b.String(), letters > 0
	if r.Lettered && digits+letters < 7 {
		return Reading{}, false
	}
	return r, r.Number != "" && r.Number != "+"
}

// key returns the digit on whose key a letter is (ITU-T E.161), or 0.
func key(c rune) byte {
	if c >= 'a' && c <= 'z' {
		c += 'A' - 'a'
	}
	if c < 'A' || c > 'Z' {
		return 0
	}
	return "22233344455566677778889999"[c-'A']
}
