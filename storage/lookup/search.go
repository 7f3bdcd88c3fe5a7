package lookup

import (
	"math"
	"slices"
	"sort"
	"strings"
)

// A Hit is an entry that was found.
type Hit struct {
	ID    int64
	Class Class
}

// A Class says how an entry was found; better ones come first.
type Class uint8

// The classes of hits.
const (
	InName  Class = iota // each word begins one of the name; of favorites, and those spoken to, any word
	InWords              // each word begins one of the entry's
	Inside               // each word stands somewhere
	classes
	none
)

// Search returns the entries that fit what was typed, best first, at most limit
// of them: within a class favorites, then those spoken to last, then by name.
// Every word must be found; what looks like a telephone number finds those that
// hold its digits, however they were written. Blank text finds nothing.
func (x *Index) Search(text string, limit int) []Hit {
	q := newQuery(text)
	if q.blank() || limit < 1 {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	f := finding{query: q, limit: limit}
	for _, b := range x.blocks {
		if f.matters() == none {
			break
		}
		f.look(b)
	}
	hits := slices.Concat(f.found[:]...)
	return hits[:min(len(hits), limit)]
}

// A query is what was typed, ready to be compared.
type query struct {
	words   []string
	longest string // of words
	number  string // significant digits; "" if this is no number
}

func newQuery(text string) query {
	q := query{words: Words(text)}
	for i, w := range q.words {
		if len(w) > len(q.longest) {
			q.longest = w
		}
		q.words[i] = " " + w
	}
	const sure = 3 // digits that are no chance hit
	if d := Digits(strings.TrimSpace(text)); len(d) >= sure && len(text) <= maxText {
		if s := significant(d); len(s) >= sure {
			d = s
		}
		q.number = " " + d
	}
	return q
}

func (q query) blank() bool { return len(q.words) == 0 }

// class says how an item fits.
func (q query) class(it *item) Class {
	worst := InName
	for _, w := range q.words {
		if worst = max(worst, fit(it, w)); worst == none {
			break
		}
	}
	if q.number != "" && worst >= Inside {
		worst = min(worst, fit(it, q.number))
	}
	return worst
}

// fit says how one word, after a blank, fits.
func fit(it *item, word string) Class {
	switch {
	case strings.Contains(it.name, word):
		return InName
	case strings.Contains(it.other, word):
		if it.special() {
			return InName
		}
		return InWords
	case strings.Contains(it.name, word[1:]) || strings.Contains(it.other, word[1:]):
		return Inside
	}
	return none
}

// A finding is a search under way.
type finding struct {
	query
	limit int
	found [classes][]Hit
}

// matters returns the worst class of which a further hit would still be shown,
// and none if there can be no better hits.
func (f *finding) matters() Class {
	n := 0
	for c := range classes {
		if n += len(f.found[c]); n >= f.limit {
			if c == InName {
				return none
			}
			return c - 1
		}
	}
	return Inside
}

// look goes through a block.
func (f *finding) look(b *block) {
	if !f.mayHold(b) {
		return
	}
	var s *scan
	for at := 0; at < len(b.items); at++ {
		worst := f.matters()
		if worst == none {
			return
		}
		if s == nil || s.worst != worst {
			s = f.newScan(b, worst)
		}
		if at = s.next(at); at == len(b.items) {
			return
		}
		it := &b.items[at]
		if c := f.class(it); c <= worst {
			f.found[c] = append(f.found[c], Hit{it.id, c})
		}
	}
}

// mayHold reports whether a block holds all words, each in some item: where one
// is rare it need not be looked for beside each place of the others.
func (f *finding) mayHold(b *block) bool {
	if f.number != "" || len(f.words) == 1 {
		return true
	}
	for _, w := range f.words {
		if w[1:] != f.longest && !strings.Contains(b.names, w[1:]) && !strings.Contains(b.others, w[1:]) {
			return false
		}
	}
	return true
}

// A scan looks for one word in the texts of many items at a time, to find those
// that can be hits of class worst or better.
type scan struct {
	worst Class
	size  int // items in the block
	parts []part
}

// A part is one of the texts of a block and a word that is looked for in it.
type part struct {
	text   string
	begins []int
	word   string
	owner  int // of the word's next place; what lies before was gone through
}

func (f *finding) newScan(b *block, worst Class) *scan {
	s := &scan{worst: worst, size: len(b.items)}
	words := []string{" " + f.longest}
	if f.number != "" {
		words = append(words, f.number)
	}
	if worst == Inside {
		for i, w := range words {
			words[i] = w[1:]
		}
		if n := len(words) - 1; n > 0 && strings.Contains(words[0], words[n]) {
			words = words[n:] // who has the word has the number
		}
	}
	for _, w := range words {
		s.parts = append(s.parts, part{b.names, b.nameAt, w, -1})
		if worst > InName || b.special {
			s.parts = append(s.parts, part{b.others, b.otherAt, w, -1})
		}
	}
	return s
}

// next returns the first such item from at on, or the number of items.
func (s *scan) next(at int) int {
	next := s.size
	for i := range s.parts {
		p := &s.parts[i]
		if p.owner < at {
			p.owner = p.find(at)
		}
		next = min(next, p.owner)
	}
	return next
}

// find returns the first item from at on whose text holds the word.
func (p *part) find(at int) int {
	n := strings.Index(p.text[p.begins[at]:], p.word)
	if n < 0 {
		return math.MaxInt
	}
	n += p.begins[at]
	rest := p.begins[at:]
	return at + sort.Search(len(rest), func(i int) bool { return rest[i] > n }) - 1
}
