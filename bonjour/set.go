package bonjour

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// A set is the records of one key.
type set struct {
	key
	limit   int // records that it holds at most
	entries map[string]*entry
	// changed is called when an entry came, was heard of again with something new,
	// began to die, or is gone: then entries does not hold it any more.
	changed func(now time.Time, e *entry)

	asking // when it is asked for
}

// publicly tells whether everybody on the link heard what the set holds.
func (s *set) publicly() bool {
	for _, e := range s.entries {
		if !e.alone {
			return true
		}
	}
	return false
}

// holds tells whether a set has a record that is not about to die.
func (s *set) holds() bool {
	for _, e := range s.entries {
		if !e.dying {
			return true
		}
	}
	return false
}

// sorted returns the records of a set in an order that does not depend on chance.
func (s *set) sorted() []*entry {
	return slices.SortedFunc(maps.Values(s.entries), func(a, b *entry) int { return strings.Compare(a.value, b.value) })
}

// current returns the record of a set that counts where there should be one only: the
// newest that does not die.
func (s *set) current() *entry {
	var best *entry
	for _, e := range s.entries {
		if best == nil || newer(e, best) > 0 {
			best = e
		}
	}
	return best
}

// newer orders records by how much they count: those that die less than others, and
// then by the message they were heard in last. Of those from one message the lowest
// priority of SRV counts most, with which the value begins.
func newer(a, b *entry) int {
	if a.dying != b.dying {
		if b.dying {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(b.value, a.value))
}
