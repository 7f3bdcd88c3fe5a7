package storage

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// neighboursTable is the name of the blocks in the file.
const neighboursTable = "neighbours"

const (
	neighbourIDWant   = "text without control characters, of 1 to 255 bytes"
	neighbourKeyWant  = "64 hexadecimal digits"
	neighbourTimeWant = "a time such as 2026-05-31T12:00:00Z"
)

// loadedNeighbours is what was made of the file.
type loadedNeighbours struct {
	known    map[string]NeighbourKey
	problems []Problem // without File and Kept
	lossy    bool      // writing the list back would lose something
}

// loadNeighbours reads the file. It never fails: what it cannot use is reported
// and left out.
func loadNeighbours(data []byte) loadedNeighbours {
	doc, flaws := parse(data)
	l := &neighbourLoader{loader: loader{doc: doc}, known: map[string]NeighbourKey{}}
	for _, f := range flaws {
		l.problem(f.offset, "", true, "syntax error: %s", f.text)
	}
	l.migrate(nil)
	for _, t := range l.doc.tables {
		l.table(t)
	}
	return loadedNeighbours{l.known, l.problems, l.lossy}
}

type neighbourLoader struct {
	loader
	known map[string]NeighbourKey
}

func (l *neighbourLoader) table(t table) {
	switch name := t.name(); {
	case t.path == nil:
		for _, s := range t.statements {
			l.root(s)
		}
	case name == neighboursTable:
		l.neighbour(t.statements, t.offset)
	default:
		l.problem(t.offset, name, true, "there is no section %s; it is left out", show(name))
	}
}

// root reads a statement outside any block.
func (l *neighbourLoader) root(s statement) {
	switch {
	case s.name() == "version":
	case s.name() == neighboursTable && s.value.kind == kindList:
		for _, v := range s.value.list {
			l.neighbour(v.table, v.offset)
		}
	default:
		l.problem(s.offset, s.name(), true, "%s is not known; it is left out", show(s.name()))
	}
}

// neighbour reads one block.
func (l *neighbourLoader) neighbour(statements []statement, offset int) {
	texts := map[string]statement{}
	for _, s := range statements {
		switch name := s.name(); name {
		case "id", "key", "name", "host", "first", "last":
			if _, again := texts[name]; again {
				l.problem(s.offset, name, true, "%s is there twice; the first one counts", name)
				continue
			}
			texts[name] = s
		default:
			l.problem(s.offset, name, true, "%s is not known; it is left out", show(name))
		}
	}
	id, okID := l.must(texts, offset, "id", neighbourIDWant, isNeighbourID)
	key, okKey := l.must(texts, offset, "key", neighbourKeyWant, func(s string) bool { return isNeighbourKey(strings.ToLower(s)) })
	if !okID || !okKey {
		return
	}
	k := NeighbourKey{ID: id, Key: strings.ToLower(key), Name: l.name(texts, "name"), Host: l.name(texts, "host")}
	k.First, k.Last = l.time(texts, "first"), l.time(texts, "last")
	if k.Last.Before(k.First) {
		k.Last = k.First
	}
	switch old, again := l.known[id]; {
	case again && old.Key != k.Key:
		l.problem(offset, "id", true, "neighbour %s is there with another key already; this one is left out", show(id))
	case again:
		l.problem(offset, "id", true, "neighbour %s is there twice; the first one counts", show(id))
	case len(l.known) >= maxNeighbours:
		l.problem(offset, "", true, "there are more than %d neighbours; this one is left out", maxNeighbours)
	default:
		l.known[id] = k
	}
}

// must returns a text without which a block is of no use.
func (l *neighbourLoader) must(texts map[string]statement, offset int, name, want string, allowed func(string) bool) (string, bool) {
	s, ok := texts[name]
	switch {
	case !ok:
		l.problem(offset, name, true, "a neighbour without %s is left out, and trusted anew at the next call", name)
	case s.value.kind != kindText || !allowed(s.value.text):
		l.problem(at(s), name, true, "%s must be %s, not %s; the neighbour is left out, and trusted anew at the next call", name, want, s.value.show())
	default:
		return s.value.text, true
	}
	return "", false
}

// name returns a text that may be missing.
func (l *neighbourLoader) name(texts map[string]statement, name string) string {
	s, ok := texts[name]
	if !ok {
		return ""
	}
	if s.value.kind != kindText || neighbourText(s.value.text) != s.value.text {
		l.problem(at(s), name, true, "%s must be text without control characters, at most %d bytes, not %s; it is left out", name, maxNeighbourText, s.value.show())
		return ""
	}
	return s.value.text
}

// time returns a time that may be missing.
func (l *neighbourLoader) time(texts map[string]statement, name string) time.Time {
	s, ok := texts[name]
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s.value.text)
	if err != nil || s.value.kind != kindText || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		l.problem(at(s), name, true, "%s must be %s, not %s; it is left out", name, neighbourTimeWant, s.value.show())
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

func isNeighbourID(s string) bool {
	return s != "" && len(s) <= maxNeighbourID && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func isNeighbourKey(s string) bool {
	return len(s) == neighbourKeySize && strings.Trim(s, "0123456789abcdef") == ""
}

// neighbourText returns s as it can be kept: cleaned and cut to its bound.
func neighbourText(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > maxNeighbourText {
		_, last := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-last]
	}
	return s
}
