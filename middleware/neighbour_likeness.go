package middleware

import (
	"cmp"
	"strings"
	"unicode"
)

// likeness returns what of a name is seen at a glance: whoever has the same may be
// taken for its bearer. Case, blanks, punctuation and what leaves no ink do not
// count, so "Anna (laptop)" as a name is like the title of Anna on laptop.
func likeness(name string) string {
	plain := strings.Map(func(r rune) rune {
		if leavesNoInk(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	return cmp.Or(plain, strings.ToLower(name))
}

func leavesNoInk(r rune) bool {
	const brailleBlank = 0x2800
	seen := unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So, unicode.Sm, unicode.Sc)
	return !seen || r == brailleBlank || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// likenesses are those of a neighbour's name and of its title.
func likenesses(name, host string) []string {
	if name == "" {
		return nil
	}
	return []string{likeness(name), likeness(Neighbour{Name: name, Host: host}.Title())}
}
