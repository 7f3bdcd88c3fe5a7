package lookup

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// An Entry is somebody to be found.
type Entry struct {
	ID      int64
	Place   int    // among the favorites, from 1; 0 for others
	Called  int64  // when last spoken to, in any unit; 0 for never
	Name    string // any text; it is folded
	Other   string // further text: organization, addresses
	Numbers []string
}

// item is an entry ready to be compared. Its texts hold folded words, each after
// a blank; numbers are words of digits.
type item struct {
	id          int64
	place       int
	called      int64
	name, other string
}

// special items come first whatever word of theirs was typed.
func (it *item) special() bool { return it.place > 0 || it.called > 0 }

// compare orders items as they are shown: favorites, then those spoken to last,
// then by name.
func compare(a, b item) int {
	if a.place != b.place {
		switch {
		case a.place == 0:
			return 1
		case b.place == 0:
			return -1
		}
		return cmp.Compare(a.place, b.place)
	}
	return cmp.Or(cmp.Compare(b.called, a.called), strings.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
}

func newItem(e Entry) item {
	it := item{id: e.ID, place: e.Place, called: e.Called}
	if name := Fold(e.Name); name != "" {
		it.name = " " + name
	}
	var b strings.Builder
	put := func(words string) {
		if words != "" {
			b.WriteByte(' ')
			b.WriteString(words)
		}
	}
	put(Fold(e.Other))
	for _, number := range e.Numbers {
		put(Digits(number))
	}
	it.other = b.String()
	return it
}

// blockSize is how many items share a block when it is made; it is split at
// twice that.
const blockSize = 512

// A block holds neighbors in the order, their texts in one piece: memory is
// gone through from front to back, which is many times faster than from item
// to item. It never changes.
type block struct {
	items           []item
	names, others   string // all texts one after the other
	nameAt, otherAt []int  // where each item's begin
	special         bool   // holds special items
}

func newBlock(items []item) *block {
	b := &block{items: slices.Clone(items)}
	var names, others strings.Builder
	for _, it := range items {
		b.nameAt, b.otherAt = append(b.nameAt, names.Len()), append(b.otherAt, others.Len())
		names.WriteString(it.name)
		others.WriteString(it.other)
		b.special = b.special || it.special()
	}
	b.names, b.others = names.String(), others.String()
	for i := range b.items { // one copy of each text is enough
		it := &b.items[i]
		it.name = b.names[b.nameAt[i]:][:len(it.name)]
		it.other = b.others[b.otherAt[i]:][:len(it.other)]
	}
	return b
}

// An Index holds entries in the order in which they are shown. The zero value
// is empty. Its methods may be used from any goroutine.
type Index struct {
	mu     sync.RWMutex
	blocks []*block // none empty
	ids    map[int64]bool
}

// Put adds entries, or replaces those with the same IDs. Many at once are much
// cheaper than one by one.
func (x *Index) Put(entries ...Entry) {
	made := make([]item, len(entries))
	for i, e := range entries {
		made[i] = newItem(e)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ids == nil {
		x.ids = map[int64]bool{}
	}
	// A few are put into their places one by one; for more all is made anew.
	if len(made) <= len(x.ids)/8+1 {
		for _, it := range made {
			x.remove(it.id)
			x.insert(it)
		}
		return
	}
	all := map[int64]item{}
	for _, b := range x.blocks {
		for _, it := range b.items {
			all[it.id] = it
		}
	}
	for _, it := range made {
		all[it.id] = it
		x.ids[it.id] = true
	}
	sorted := make([]item, 0, len(all))
	for _, it := range all {
		sorted = append(sorted, it)
	}
	slices.SortFunc(sorted, compare)
	x.blocks = nil
	for part := range slices.Chunk(sorted, blockSize) {
		x.blocks = append(x.blocks, newBlock(part))
	}
}

// insert is called with mu held.
func (x *Index) insert(it item) {
	x.ids[it.id] = true
	if len(x.blocks) == 0 {
		x.blocks = []*block{newBlock([]item{it})}
		return
	}
	// The last block that begins before it.
	n, _ := slices.BinarySearchFunc(x.blocks, it, func(b *block, it item) int { return compare(b.items[0], it) })
	n = max(n-1, 0)
	items := x.blocks[n].items
	at, _ := slices.BinarySearchFunc(items, it, compare)
	items = slices.Insert(slices.Clone(items), at, it)
	if len(items) < 2*blockSize {
		x.blocks[n] = newBlock(items)
		return
	}
	x.blocks[n] = newBlock(items[:blockSize])
	x.blocks = slices.Insert(x.blocks, n+1, newBlock(items[blockSize:]))
}

// Remove takes entries out. IDs that are not there are no error.
func (x *Index) Remove(ids ...int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		x.remove(id)
	}
}

// remove is called with mu held.
func (x *Index) remove(id int64) {
	if !x.ids[id] {
		return
	}
	delete(x.ids, id)
	for n, b := range x.blocks {
		at := slices.IndexFunc(b.items, func(it item) bool { return it.id == id })
		if at < 0 {
			continue
		}
		if len(b.items) == 1 {
			x.blocks = slices.Delete(x.blocks, n, n+1)
		} else {
			x.blocks[n] = newBlock(slices.Delete(slices.Clone(b.items), at, at+1))
		}
		return
	}
}

// Len returns how many entries there are.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.ids)
}
