package middleware

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/bonjour"
	"parley/middleware/bus"
	"parley/sip"
	"parley/storage"
)

var (
	// ErrNoNeighbour is returned for a neighbour who is neither on the network nor,
	// where that is enough, remembered.
	ErrNoNeighbour = errors.New("middleware: no such neighbour")
	// ErrManyNeighbours is returned for a name that several neighbours have.
	ErrManyNeighbours = errors.New("middleware: several neighbours are called so")
)

const (
	// maxSightings and maxSightingsOfID bound what is kept of a network that is full
	// of services, or of somebody who invents them. Those who are remembered are let
	// in even then.
	maxSightings     = 4000
	maxSightingsOfID = 24
	// maxFound is how many neighbours are shown.
	maxFound = 1000
	// collectTime is for how long changes are collected before they are told, and
	// collectFirst if there were none for so long before: services come together.
	collectTime  = 100 * time.Millisecond
	collectFirst = 20 * time.Millisecond
	// restFactor is for how many times the time that a list took to make none is made,
	// however much goes on on the network.
	restFactor = 20
)

// A neighbourhood knows who is on the local network, and who can be trusted. Its
// methods may be used from any goroutine; none waits for the network.
type neighbourhood struct {
	log  *slog.Logger
	bus  *bus.Bus
	keys *storage.NeighbourKeys
	own  string // our instance id

	now     atomic.Pointer[neighbours]
	changed func() // that the count of neighbours may be another one; called without a lock

	mu      sync.Mutex // guards what follows, and the order in which changes are told
	seen    map[instanceName]*sighting
	byID    map[string]int      // how many of them claim an id
	left    bool                // some were not let in since seen was last small
	names   map[string][]string // ids of those remembered, by likeness
	holders map[string]string   // and by the fingerprint of their key
	wrong   map[string]marks    // by instance id
	pins    map[string]*pin     // by the name that a server has to prove
	rev     uint64
	collect *time.Timer   // nil while nothing changed
	told    time.Time     // when changes were told last
	rest    time.Duration // how long to collect after that
	closed  bool
}

// neighbours is who was there at one moment. It never changes.
type neighbours struct {
	list []*found // in the order shown
	byID map[string]*found
}

func newNeighbourhood(log *slog.Logger, b *bus.Bus, keys *storage.NeighbourKeys, own string) *neighbourhood {
	n := &neighbourhood{
		log: log, bus: b, keys: keys, own: own, changed: func() {},
		seen: map[instanceName]*sighting{}, byID: map[string]int{}, wrong: map[string]marks{}, pins: map[string]*pin{},
	}
	n.now.Store(&neighbours{})
	n.learnNames()
	return n
}

// lanAddr is where a URI leads that names a machine by its address; the zero value
// for others.
func lanAddr(u sip.URI) netip.AddrPort {
	addr, err := netip.ParseAddr(u.Host)
	if err != nil {
		return netip.AddrPort{}
	}
	port := u.Port
	if transport, _ := u.Params.Get("transport"); port == 0 && (u.Secure() || strings.EqualFold(transport, "tls")) {
		port = 5061
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(cmp.Or(port, 5060)))
}

// got takes in what the network tells. It is called on the engine's goroutine.
func (n *neighbourhood) got(ev bonjour.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ev.Kind == bonjour.Lost {
		gone := n.seen[nameOf(ev.Instance)]
		n.loseLocked(nameOf(ev.Instance))
		if gone != nil && n.byID[gone.id] == 0 { // nobody claims to be it any more
			delete(n.wrong, gone.id)
		}
		return
	}
	s := sight(ev.Instance, time.Now())
	old := n.seen[s.instanceName]
	if old != nil {
		s.since = old.since
		if s.same(old) {
			return
		}
	}
	n.loseLocked(s.instanceName)
	if s.id == n.own || !n.letInLocked(&s) {
		return
	}
	n.seen[s.instanceName] = &s
	n.byID[s.id]++
	n.touchLocked()
}

func (n *neighbourhood) letInLocked(s *sighting) bool {
	k, remembered := n.keys.Get(s.id)
	most := maxSightingsOfID
	if remembered && s.hint == k.Key && s.host == k.Host { // whoever claims its id must not keep it out
		most *= 2
	}
	if s.id != "" && n.byID[s.id] >= most || len(n.seen) >= maxSightings && !remembered {
		if !n.left {
			n.left = true
			n.log.Warn("There are too many services on the network; not all of them are listed", "listed", len(n.seen))
		}
		return false
	}
	return true
}

func (n *neighbourhood) loseLocked(name instanceName) {
	s := n.seen[name]
	if s == nil {
		return
	}
	delete(n.seen, name)
	if n.byID[s.id]--; n.byID[s.id] == 0 {
		delete(n.byID, s.id)
	}
	n.touchLocked()
}

// loseAll forgets everybody who is there, and tells so.
func (n *neighbourhood) loseAll() {
	n.mu.Lock()
	clear(n.seen)
	clear(n.byID)
	clear(n.wrong)
	n.left = false
	n.mu.Unlock()
	n.flush()
}

// crowded reports whether services were not let in for whom there is room now.
// They have to be looked for again.
func (n *neighbourhood) crowded() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.left || len(n.seen) > maxSightings/2 {
		return false
	}
	n.left = false
	return true
}

// touchLocked has what changed told soon.
func (n *neighbourhood) touchLocked() {
	if n.collect == nil && !n.closed {
		n.collect = time.AfterFunc(max(collectFirst, n.rest-time.Since(n.told)), n.flush)
	}
}

// close tells nothing more.
func (n *neighbourhood) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.collect != nil {
		n.collect.Stop()
	}
}

// flush makes the list anew and tells what is different.
func (n *neighbourhood) flush() {
	n.mu.Lock()
	if n.collect != nil {
		n.collect.Stop()
		n.collect = nil
	}
	if n.closed {
		n.mu.Unlock()
		return
	}
	begun := time.Now()
	n.tellLocked(n.now.Load(), n.mergeLocked())
	n.told = time.Now()
	n.rest = max(collectTime, restFactor*n.told.Sub(begun))
	n.mu.Unlock()
	n.changed()
}

func (n *neighbourhood) mergeLocked() *neighbours {
	now := &neighbours{byID: map[string]*found{}}
	now.list = mergeSightings(slices.Collect(maps.Values(n.seen)), memory{known: n.keys.Get, names: n.names, wrong: n.wrong})
	slices.SortFunc(now.list, compareFound)
	if len(now.list) > maxFound {
		kept := 0
		now.list = slices.DeleteFunc(now.list, func(f *found) bool {
			if _, remembered := n.keys.Get(f.ID); !remembered && kept >= maxFound {
				return true
			}
			kept++
			return false
		})
	}
	for _, f := range now.list {
		now.byID[f.ID] = f
	}
	return now
}

func compareFound(a, b *found) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Title()), strings.ToLower(b.Title())), strings.Compare(a.ID, b.ID))
}

// tellLocked makes now the list that others see, and tells what is different from
// old.
func (n *neighbourhood) tellLocked(old, now *neighbours) {
	var notes []bus.Notification
	for _, was := range old.list {
		if now.byID[was.ID] == nil {
			n.rev++
			gone := was.Neighbour
			gone.Rev = n.rev
			notes = append(notes, BonjourAccountDidRemoveNeighbour{AboutNeighbour{Neighbour: gone.ID, Now: gone}})
		}
	}
	for _, is := range now.list {
		was := old.byID[is.ID]
		if was != nil {
			is.Rev, is.Since = was.Rev, was.Since
			if is.Neighbour == was.Neighbour {
				continue
			}
		}
		n.rev++
		is.Rev = n.rev
		about := AboutNeighbour{Neighbour: is.ID, Now: is.Neighbour}
		if was == nil {
			notes = append(notes, BonjourAccountDidAddNeighbour{about})
		} else {
			notes = append(notes, BonjourAccountDidUpdateNeighbour{about})
		}
	}
	n.now.Store(now)
	for _, note := range notes {
		n.bus.Publish(note)
	}
}

// get returns the neighbour with that id, or nil.
func (n *neighbourhood) get(id string) *found { return n.now.Load().byID[id] }

// find returns whom a text means: an id, a target, a title or a name. Anybody can
// take what means somebody else for a name or an id, so a target and a UUID mean
// nobody but their holder, and where several others fit none is preferred.
func (n *neighbourhood) find(text string) (*found, error) {
	text = strings.TrimSpace(text)
	now := n.now.Load()
	none := fmt.Errorf("%w: %s", ErrNoNeighbour, sip.CleanText(text, 80))
	id := idOfTarget(text)
	if id == "" && isUUID(text) {
		id = strings.ToLower(text)
	}
	if f := now.byID[id]; f != nil {
		return f, nil
	}
	if id != "" || text == "" {
		return nil, none
	}
	var fit []*found
	for _, f := range now.list {
		if f.ID == text || strings.EqualFold(f.Title(), text) || strings.EqualFold(f.Name, text) {
			fit = append(fit, f)
		}
	}
	switch len(fit) {
	case 0:
		return nil, none
	case 1:
		return fit[0], nil
	}
	return nil, manyError(text, fit)
}

func manyError(text string, fit []*found) error {
	const most = 5
	var titles []string
	for _, f := range fit[:min(len(fit), most)] {
		titles = append(titles, f.Title()+" "+f.Target)
	}
	if len(fit) > most {
		titles = append(titles, "…")
	}
	return fmt.Errorf("%w: %s: %s", ErrManyNeighbours, sip.CleanText(text, 80), strings.Join(titles, ", "))
}

// idOfTarget returns the id in a target of a neighbour, "" if it is none.
func idOfTarget(text string) string {
	scheme, id, found := strings.Cut(text, ":")
	if !found || !strings.EqualFold(scheme, neighbourScheme) {
		return ""
	}
	if plain, err := url.PathUnescape(id); err == nil {
		return plain
	}
	return id
}

// instances returns the services by which a neighbour is called.
func (n *neighbourhood) instances(f *found) []bonjour.Instance {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []bonjour.Instance
	for _, s := range n.seen {
		if slices.ContainsFunc(f.contacts, s.leadsTo) {
			list = append(list, bonjour.Instance{Name: s.name, Type: s.service, Link: s.link})
		}
	}
	return list
}

// at returns who is called at an address, with the ways to that machine, or nil.
// Anybody can claim to be called there, so only those count who have to prove who
// they are.
func (n *neighbourhood) at(addr netip.AddrPort, user string) *found {
	for _, f := range n.now.Load().list {
		follows, _ := madeOf(f.base, f.hint)
		there := slices.ContainsFunc(f.contacts, func(c contact) bool { return c.addr == addr && c.user == user })
		if !there || f.Key == "" && !follows {
			continue
		}
		only := *f
		only.contacts = slices.DeleteFunc(slices.Clone(f.contacts), func(c contact) bool { return c.addr.Addr() != addr.Addr() })
		return &only
	}
	return nil
}

// from returns who has that machine's address and contact user, or nil.
func (n *neighbourhood) from(addr netip.Addr, user string) *found {
	if user == "" {
		return nil
	}
	for _, f := range n.now.Load().list {
		if slices.ContainsFunc(f.contacts, func(c contact) bool { return c.user == user && c.addr.Addr() == addr }) {
			return f
		}
	}
	return nil
}
