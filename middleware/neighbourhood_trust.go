package middleware

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"parley/storage"
)

// keyOf returns the fingerprint of a certificate's key.
func keyOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// A keyError reports that somebody answered for a neighbour with another key than
// the neighbour's own.
type keyError struct{ presented string }

func (e *keyError) Error() string {
	return "middleware: the neighbour's key is another one than before: " + e.presented
}

// accepts reports whether whoever shows a key may be the neighbour with that
// instance id: the one that is remembered, or, at the first time, one that the id
// does not rule out.
func (n *neighbourhood) accepts(id, key string) bool {
	if k, ok := n.keys.Get(id); ok {
		return k.Key == key
	}
	follows, fits := madeOf(id, key)
	return !follows || fits
}

// pinDomain ends the names that servers have to prove who answer for neighbours.
const pinDomain = ".neighbour.invalid"

// A pin says what whoever answers for a neighbour has to prove during one call.
type pin struct {
	id   string // instance id; "": nothing but to stay the same
	seen string // fingerprint of the key that was shown first
}

// pin returns a name for the server that is to be the neighbour with that instance
// id, good until unpin. With a key it has to be that one.
func (n *neighbourhood) pin(id, key string) string {
	name := newPinName() + pinDomain
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pins[name] = &pin{id: id, seen: key}
	return name
}

func newPinName() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (n *neighbourhood) unpin(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.pins, name)
}

// verify judges what a server shows that has to prove a name; see
// [sip.Config].VerifyServer.
func (n *neighbourhood) verify(name string, chain []*x509.Certificate) (decided bool, err error) {
	if !strings.HasSuffix(name, pinDomain) {
		return false, nil
	}
	key := keyOf(chain[0])
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.pins[name]
	switch {
	case p == nil:
		return true, errPinGone
	case p.seen != "" && p.seen != key, p.id != "" && !n.accepts(p.id, key):
		return true, &keyError{key}
	}
	p.seen = key
	return true, nil
}

// errPinGone is why a server is not trusted after the call that it was asked for.
var errPinGone = errors.New("middleware: the call to the neighbour is over")

// remember takes down the key of a neighbour who was spoken to. It waits for the
// disk. The error is a *keyError if the neighbour has another key.
func (n *neighbourhood) remember(id, key, name, host string) error {
	if !n.accepts(id, key) {
		return &keyError{key}
	}
	err := n.keys.Remember(id, key, name, host, time.Now())
	if errors.Is(err, storage.ErrOtherKey) {
		return &keyError{key}
	}
	n.learnNames()
	n.flush()
	return err
}

// wrongKey notes that somebody answered for a neighbour with another key, tells
// so, and has calls refused from now on.
func (n *neighbourhood) wrongKey(id, presented string) {
	n.mu.Lock()
	_, told := n.broken[id]
	n.broken[id] = presented
	n.mu.Unlock()
	n.flush()
	if told {
		return
	}
	n.log.Warn("Somebody answered for a neighbour with another key", "neighbour", id, "presented", presented)
	about := AboutNeighbour{Neighbour: id}
	if f := n.get(id); f != nil {
		about.Now = f.Neighbour
	} else if k, ok := n.keys.Get(id); ok {
		about.Now = Neighbour{ID: id, Name: k.Name, Host: k.Host, Key: k.Key, Trust: TrustBroken, Problem: ProblemKeyChanged}
	}
	n.bus.Publish(BonjourAccountNeighbourKeyDidChange{AboutNeighbour: about, Presented: presented})
}

// forget drops what is remembered of a neighbour, who is trusted anew at the next
// call. It waits for the disk.
func (n *neighbourhood) forget(id string) error {
	f := n.get(id)
	if f != nil && f.base != "" {
		id = f.base
	}
	n.mu.Lock()
	_, wrong := n.broken[id]
	n.mu.Unlock()
	err := n.keys.Forget(id)
	if errors.Is(err, storage.ErrNoNeighbour) {
		if err = nil; f == nil && !wrong {
			err = ErrNoNeighbour
		}
	}
	if err != nil {
		return err
	}
	n.mu.Lock()
	delete(n.broken, id)
	n.mu.Unlock()
	n.learnNames()
	n.flush()
	return nil
}

// learnNames takes in the names and keys of those who are remembered.
func (n *neighbourhood) learnNames() {
	names, holders := map[string][]string{}, map[string]string{}
	for _, k := range n.keys.List() {
		holders[k.Key] = k.ID
		if k.Name != "" {
			name := strings.ToLower(k.Name)
			names[name] = append(names[name], k.ID)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names, n.holders = names, holders
}

// A caller of the local network, as far as it can be told.
type neighbourCaller struct {
	id       string // instance id; "" for somebody unknown
	key      string // that it proved to have; "" without
	verified bool   // it is the key that is remembered
	found    *found // nil if it is not on the list
}

// whoHas returns whose key a certificate proves. With a key of its own every Parley
// has an id of its own; the ids of others are known from before.
func (n *neighbourhood) whoHas(cert *x509.Certificate) neighbourCaller {
	c := neighbourCaller{key: keyOf(cert)}
	c.id = storage.InstanceOf(cert)
	k, ok := n.keys.Get(c.id)
	if !ok {
		n.mu.Lock()
		holder := n.holders[c.key]
		n.mu.Unlock()
		if k, ok = n.keys.Get(holder); ok {
			c.id = holder
		}
	}
	c.verified = ok && k.Key == c.key
	c.found = n.get(c.id)
	return c
}
