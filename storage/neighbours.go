package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds on what is remembered of neighbours.
const (
	maxNeighbours    = 10_000
	maxNeighbourID   = 255 // bytes
	maxNeighbourText = 128 // bytes of a name; what is longer is cut
	neighbourKeySize = 64  // hexadecimal digits of a SHA-256
)

// A NeighbourKey is the key by which somebody on a local network is known again.
type NeighbourKey struct {
	ID   string // the instance id of the neighbour's program, in one fixed spelling
	Key  string // SHA-256 of the SubjectPublicKeyInfo, 64 lower-case hexadecimal digits
	Name string // as the neighbour called itself last; may be empty
	Host string // name of its machine; may be empty

	First, Last time.Time // when the key was shown for the first and the last time, in whole seconds
}

// NeighbourKeys is a profile's list of neighbours and their keys. It is written to
// the disk before it counts. Its mutex owns it; all methods may be called from any
// goroutine.
type NeighbourKeys struct {
	keptFile // owned by mu, but for path and log

	mu     sync.Mutex
	known  map[string]NeighbourKey
	closed bool
}

// openNeighbours reads the file at path. Mistakes in it are no error, and neither
// is its absence.
func openNeighbours(path string, log *slog.Logger) (*NeighbourKeys, error) {
	n := &NeighbourKeys{keptFile: keptFile{path: path, log: log}}
	removeTemps(path)
	data, modified, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		n.known = map[string]NeighbourKey{}
		return n, nil
	}
	if err != nil {
		// Going on without would trust anybody who takes a neighbour's place.
		return nil, &ProfileError{Op: "read", Path: path, Err: err, Fix: "Check that you may read the file; without it neighbours are trusted anew"}
	}
	l := loadNeighbours(data)
	n.known, n.problems, n.onDisk = l.known, l.problems, data
	if l.lossy {
		if err := n.keep(data, modified, n.problems); err != nil {
			return nil, err
		}
	}
	for i := range n.problems {
		n.problems[i].File = path
	}
	return n, nil
}

// Get returns what is remembered of the neighbour with that instance id. It does
// not block on the disk.
func (n *NeighbourKeys) Get(id string) (NeighbourKey, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.known[id]
	return k, ok
}

// List returns everybody who is remembered, in the order of names.
func (n *NeighbourKeys) List() []NeighbourKey {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sorted()
}

// Problems returns what was found wrong with the file, in its order.
func (n *NeighbourKeys) Problems() []Problem {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.problems)
}

// Remember takes down that the neighbour with that instance id showed a key at a
// time. Of one who is remembered with the same key, the time and a name or host
// that is not empty become the newer ones.
//
// It never replaces a key: [ErrOtherKey] is returned and nothing changes. A bad id or
// key gives a *ValueError, the 10,001st neighbour [ErrTooManyNeighbours], and a file
// that cannot be written a *ProfileError; nothing changes then either. It waits for
// the disk.
func (n *NeighbourKeys) Remember(id, key, name, host string, at time.Time) error {
	key = strings.ToLower(key)
	if !isNeighbourID(id) {
		return &ValueError{Key: "id", Value: id, Want: neighbourIDWant}
	}
	if !isNeighbourKey(key) {
		return &ValueError{Key: "key", Value: key, Want: neighbourKeyWant}
	}
	at = at.UTC().Truncate(time.Second)
	name, host = neighbourText(name), neighbourText(host)
	n.mu.Lock()
	defer n.mu.Unlock()
	k, old := n.known[id]
	switch {
	case n.closed:
		return ErrClosed
	case !old && len(n.known) >= maxNeighbours:
		return ErrTooManyNeighbours
	case old && k.Key != key:
		return ErrOtherKey
	case !old:
		k = NeighbourKey{ID: id, Key: key, First: at, Last: at}
	}
	if name != "" {
		k.Name = name
	}
	if host != "" {
		k.Host = host
	}
	if at.After(k.Last) {
		k.Last = at
	}
	return n.change(id, &k)
}

// Forget removes a neighbour, whose key is then trusted anew. It returns
// [ErrNoNeighbour] if there is none with that instance id, and waits for the disk.
func (n *NeighbourKeys) Forget(id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return ErrClosed
	}
	if _, ok := n.known[id]; !ok {
		return ErrNoNeighbour
	}
	return n.change(id, nil)
}

// change writes the list with k, or with nobody, under id. If that fails the list
// stays as it was.
func (n *NeighbourKeys) change(id string, k *NeighbourKey) error {
	before, was := n.known[id]
	if k != nil {
		if was && before == *k {
			return nil
		}
		n.known[id] = *k
	} else {
		delete(n.known, id)
	}
	err := n.replace(renderNeighbours(n.sorted()))
	switch {
	case err == nil:
	case was:
		n.known[id] = before
	default:
		delete(n.known, id)
	}
	return err
}

// sorted returns the list in the order of names. The mutex is held.
func (n *NeighbourKeys) sorted() []NeighbourKey {
	list := make([]NeighbourKey, 0, len(n.known))
	for _, k := range n.known {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b NeighbourKey) int {
		if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func (n *NeighbourKeys) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
}

const neighboursComment = `# By which keys Parley knows the people again whom it met on local networks.
#
# A key is remembered at the first encrypted call. Whoever shows another one
# later, under the same id, is refused. To trust a neighbour anew, let Parley
# forget it, or remove its block here while Parley does not run.

`

// renderNeighbours returns the whole content of the file.
func renderNeighbours(list []NeighbourKey) []byte {
	var b strings.Builder
	b.WriteString(neighboursComment)
	b.WriteString("version = 1\n")
	for _, k := range list {
		fmt.Fprintf(&b, "\n[[%s]]\n", neighboursTable)
		for _, line := range []struct{ name, text string }{
			{"id", k.ID},
			{"key", k.Key},
			{"name", k.Name},
			{"host", k.Host},
			{"first", k.First.Format(time.RFC3339)},
			{"last", k.Last.Format(time.RFC3339)},
		} {
			fmt.Fprintf(&b, "%s = %s\n", line.name, quote(line.text))
		}
	}
	return []byte(b.String())
}
