// Package dialplan holds the two small languages in which people say how
// numbers are dialed, and whose calls are meant.
//
// A [Rule] is written MATCH=REPLACEMENT. In MATCH
//
//	0-9 * # +   stand for themselves, "+" at the beginning only
//	x           stands for any one digit
//	[25-7]      stands for one of those digits
//	.           at the end stands for all that follows, if anything
//
// and MATCH must fit the whole number. In REPLACEMENT characters stand for
// themselves, each x for the digit that the next x or bracket of MATCH has taken,
// and "." for what "." has taken. So "00.=+." writes international numbers in
// full, and "[2-9]xxx.=0xxxx." puts a 0 before numbers of four digits and more.
//
// A [Pattern] names callers: an address, a number, "*@" and a domain for
// everybody there, the beginning of a number and "*", or "bonjour:" and the id of
// somebody on the local network.
package dialplan

import (
	"fmt"
	"strings"
)

// Bounds on what people write.
const (
	maxRule   = 128 // bytes of a rule or pattern
	maxRules  = 100
	maxNumber = 128 // bytes of a number
)

// A SyntaxError says what is wrong with a rule or pattern, and where.
type SyntaxError struct {
	Number   int // of the rule in its list, from 1; 0 if it stands alone
	Position int // of the character, from 1; 0 if it is not about one
	Text     string
	Problem  string
}

func (e *SyntaxError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", cut(e.Text))
	if e.Number > 0 {
		fmt.Fprintf(&b, ", number %d of the list", e.Number)
	}
	if e.Position > 0 {
		fmt.Fprintf(&b, ", character %d", e.Position)
	}
	return b.String() + ": " + e.Problem
}

// cut shortens a text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// fail makes an error about the byte i of s.
func fail(s string, i int, format string, args ...any) error {
	return &SyntaxError{Text: s, Position: len([]rune(s[:i])) + 1, Problem: fmt.Sprintf(format, args...)}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
