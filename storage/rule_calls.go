package storage

import (
	"errors"
	"slices"
	"strings"

	"parley/internal/dialplan"
)

// Rules of the settings about calls.
var (
	dialRule = rule{
		want: "a list of dial rules of the form MATCH=REPLACEMENT",
		each: func(list []string) error {
			_, err := dialplan.ParseRules(list)
			return err
		},
	}
	patternRule = rule{
		want: "a list of different addresses, numbers, *@domain, or beginnings of numbers with *",
		each: func(list []string) error {
			for i, s := range list {
				if slices.Contains(list[:i], s) {
					return errors.New("one is there twice")
				}
			}
			_, err := dialplan.ParsePatterns(list)
			return err
		},
	}
	targetRule = optional(rule{want: "a number or an address", ok: func(s string) bool { return strings.TrimSpace(s) == s && s != "" }})
	codeRule   = optional(rule{want: "digits, * and #", ok: func(s string) bool {
		return len(s) <= maxCode && strings.Trim(s, "0123456789*#") == ""
	}})
)

const (
	maxCode = 32  // bytes of a feature code
	maxList = 500 // members of a list
)
