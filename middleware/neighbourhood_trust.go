package middleware

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"maps"
	"net/netip"
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
	id    string         // instance id; "": nothing but to stay the same
	addr  netip.AddrPort // where it answers
	seen  string         // fingerprint of the key that was shown first
	wrong bool           // another one than the neighbour's was shown
}

// pin returns a name for the server at an address that is to be the neighbour with
// that instance id, good until unpin. With a key it has to be that one.
func (n *neighbourhood) pin(id, key string, addr netip.AddrPort) string {
	name := newPinName() + pinDomain
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pins[name] = &pin{id: id, addr: addr, seen: key}
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
		p.wrong = true
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

// marks are the contacts of a neighbour at which somebody else answered.
type marks map[netip.AddrPort]bool

// maxMarks bounds the marks of one neighbour.
const maxMarks = 100

// mark notes where somebody else answered, of what was asked under these names. A
// contact with a mark is not called until its neighbour is forgotten, has proved its
// key there, or left and came back.
func (n *neighbourhood) mark(names []string) {
	n.mu.Lock()
	fresh := false
	for _, name := range names {
		p := n.pins[name]
		if p == nil || !p.wrong || p.id == "" || n.wrong[p.id][p.addr] || len(n.wrong[p.id]) >= maxMarks {
			continue
		}
		if n.wrong[p.id] == nil {
			n.wrong[p.id] = marks{}
		}
		n.wrong[p.id][p.addr], fresh = true, true
	}
	n.mu.Unlock()
	if fresh {
		n.flush()
	}
}

// heal takes the marks off where the neighbour has proved its key: off a contact, or
// off all on a machine if there is no port.
func (n *neighbourhood) heal(id string, at netip.AddrPort) {
	n.mu.Lock()
	before := len(n.wrong[id])
	maps.DeleteFunc(n.wrong[id], func(addr netip.AddrPort, _ bool) bool {
		return addr.Addr() == at.Addr() && (at.Port() == 0 || addr.Port() == at.Port())
	})
	healed := len(n.wrong[id]) < before
	n.mu.Unlock()
	if healed {
		n.flush()
	}
}

// shout tells that somebody answered for a neighbour with another key.
func (n *neighbourhood) shout(id, presented string) {
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
	wrong := len(n.wrong[id]) > 0
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
	delete(n.wrong, id)
	n.mu.Unlock()
	n.learnNames()
	n.flush()
	return nil
}

// learnNames takes in what the names look like, and the keys of those who are remembered.
func (n *neighbourhood) learnNames() {
	names, holders := map[string][]string{}, map[string]string{}
	for _, k := range n.keys.List() {
		holders[k.Key] = k.ID
		for _, name := range likenesses(k.Name, k.Host) {
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
