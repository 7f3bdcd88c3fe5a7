package storage

import (
	"slices"
	"strings"

	"parley/storage/lookup"
)

// Named reports whether every word of what was typed begins a word of one of the
// texts, without regard to case and accents.
func Named(typed string, texts ...string) bool {
	known := lookup.Words(strings.Join(texts, " "))
	return !slices.ContainsFunc(lookup.Words(typed), func(word string) bool {
		return !slices.ContainsFunc(known, func(other string) bool { return strings.HasPrefix(other, word) })
	})
}
