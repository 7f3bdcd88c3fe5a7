package dialplan

import (
	"errors"
	"slices"
	"strings"
)

// A Rule replaces numbers that it fits. See the package for how it is written.
type Rule struct {
	text   string
	match  []element
	rest   bool   // a "." at the end of the match
	result string // the replacement as written, with x in lower case
}

// An element fits one character of a number.
type element struct {
	literal byte     // 0: any of digits
	digits  [10]bool // those that fit
}

func (e element) fits(c byte) bool {
	if e.literal != 0 {
		return c == e.literal
	}
	return isDigit(c) && e.digits[c-'0']
}

// String returns the rule as it was written.
func (r Rule) String() string { return r.text }

// ParseRule reads one rule. Its error is a *SyntaxError.
func ParseRule(s string) (Rule, error) {
	r := Rule{text: s}
	if len(s) > maxRule {
		return Rule{}, fail(s, maxRule, "a rule has at most %d characters", maxRule)
	}
	split := strings.IndexByte(s, '=')
	if split < 0 {
		return Rule{}, &SyntaxError{Text: s, Problem: "a rule has the form MATCH=REPLACEMENT, such as 00.=+."}
	}
	if split == 0 {
		return Rule{}, fail(s, 0, "there is nothing to match before the =")
	}
	if err := r.readMatch(split); err != nil {
		return Rule{}, err
	}
	if err := r.readResult(split + 1); err != nil {
		return Rule{}, err
	}
	return r, nil
}

// readMatch reads what is before the "=" at split.
func (r *Rule) readMatch(split int) error {
	s := r.text
	for i := 0; i < split; i++ {
		switch c := s[i]; {
		case isDigit(c), c == '*', c == '#':
			r.match = append(r.match, element{literal: c})
		case c == '+':
			if i > 0 {
				return fail(s, i, "a + can only be the first character of a number")
			}
			r.match = append(r.match, element{literal: c})
		case c == 'x' || c == 'X':
			r.match = append(r.match, element{digits: [10]bool{true, true, true, true, true, true, true, true, true, true}})
		case c == '[':
			end := strings.IndexByte(s[i:split], ']')
			if end < 0 {
				return fail(s, i, "the [ has no ]")
			}
			e, err := digitSet(s, i+1, i+end)
			if err != nil {
				return err
			}
			r.match = append(r.match, e)
			i += end
		case c == '.':
			if i != split-1 {
				return fail(s, i, "a . can only be the last character before the =")
			}
			r.rest = true
		default:
			return fail(s, i, "only digits, * # + x [ ] and . can be matched")
		}
	}
	return nil
}

// digitSet reads what is between brackets, s[from:to].
func digitSet(s string, from, to int) (element, error) {
	var e element
	if from == to {
		return e, fail(s, from, "there are no digits between [ and ]")
	}
	for i := from; i < to; i++ {
		if !isDigit(s[i]) {
			return e, fail(s, i, "between [ and ] there are only digits, or two with a - between them")
		}
		last := s[i]
		if i+1 < to && s[i+1] == '-' {
			if i+2 >= to || !isDigit(s[i+2]) || s[i+2] < s[i] {
				return e, fail(s, i+1, "after the - there must be a digit that is not smaller")
			}
			last = s[i+2]
		}
		for d := s[i]; d <= last; d++ {
			e.digits[d-'0'] = true
		}
		if last != s[i] || i+1 < to && s[i+1] == '-' {
			i += 2
		}
	}
	return e, nil
}

// readResult reads what is from start on, behind the "=".
func (r *Rule) readResult(start int) error {
	s := r.text
	if start == len(s) {
		return fail(s, start, "there is nothing to dial behind the =")
	}
	free := r.wildcards()
	rest := r.rest
	for i := start; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c), c == '*', c == '#':
		case c == '+':
			if i > start {
				return fail(s, i, "a + can only be the first character of a number")
			}
		case c == 'x' || c == 'X':
			if free--; free < 0 {
				return fail(s, i, "there are more x than x and [ ] before the =")
			}
		case c == '.' && !r.rest:
			return fail(s, i, "there is no . before the = whose digits this could be")
		case c == '.' && !rest:
			return fail(s, i, "the . can be used once")
		case c == '.':
			rest = false
		default:
			return fail(s, i, "only digits, * # + x and . can be dialed")
		}
	}
	r.result = strings.ToLower(s[start:])
	return nil
}

// wildcards counts what takes one digit.
func (r Rule) wildcards() int {
	n := 0
	for _, e := range r.match {
		if e.literal == 0 {
			n++
		}
	}
	return n
}

// literal reports whether the rule fits one number only.
func (r Rule) literal() bool { return !r.rest && r.wildcards() == 0 }

// Apply returns what number becomes, and whether the rule fits it.
func (r Rule) Apply(number string) (string, bool) {
	if len(number) < len(r.match) || len(number) > len(r.match) && !r.rest {
		return "", false
	}
	var taken []byte
	for i, e := range r.match {
		if !e.fits(number[i]) {
			return "", false
		}
		if e.literal == 0 {
			taken = append(taken, number[i])
		}
	}
	rest := number[len(r.match):]
	if strings.Contains(rest, "+") {
		return "", false // only where it is at the very beginning: no rest of anything
	}
	var b strings.Builder
	for i := range len(r.result) {
		switch c := r.result[i]; c {
		case 'x':
			b.WriteByte(taken[0])
			taken = taken[1:]
		case '.':
			b.WriteString(rest)
		default:
			b.WriteByte(c)
		}
	}
	result := b.String()
	return result, result != "" && result != "+"
}

// Rules is an ordered list of rules. The first that fits counts, and no other.
type Rules []Rule

// ParseRules reads a list of rules. Its error is a *SyntaxError that names the
// rule by its number.
func ParseRules(texts []string) (Rules, error) {
	if len(texts) > maxRules {
		return nil, &SyntaxError{Number: maxRules + 1, Text: texts[maxRules], Problem: "there are too many rules"}
	}
	rules := make(Rules, len(texts))
	for i, s := range texts {
		var err error
		if rules[i], err = ParseRule(s); err != nil {
			return nil, numbered(err, i+1)
		}
	}
	return rules, nil
}

// numbered adds the place in a list to an error.
func numbered(err error, n int) error {
	var e *SyntaxError
	if errors.As(err, &e) {
		e.Number = n
	}
	return err
}

// Apply returns what number becomes and the number of the rule that fits, from
// 1; or number itself and 0. An emergency number is left as it is by every rule
// but one that names just that number.
func (rs Rules) Apply(number string) (result string, rule int) {
	emergency := Emergency(number)
	for i, r := range rs {
		if emergency && !r.literal() {
			continue
		}
		if result, ok := r.Apply(number); ok {
			return result, i + 1
		}
	}
	return number, 0
}

// emergency holds the numbers for emergencies that are widely in use.
var emergency = []string{"000", "110", "111", "112", "113", "115", "117", "118", "119", "122", "133", "144", "911", "999"}

// Emergency reports whether number is one for emergencies somewhere.
func Emergency(number string) bool { return slices.Contains(emergency, number) }
