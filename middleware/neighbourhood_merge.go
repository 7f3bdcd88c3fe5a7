package middleware

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/sip"
	"parley/storage"
)

// neighbourScheme begins what a neighbour is called by.
const neighbourScheme = "bonjour"

// maxContacts bounds the ways to one neighbour that are kept.
const maxContacts = 16

// A found neighbour is a [Neighbour] with what is needed to call it.
type found struct {
	Neighbour

	base     string // instance id that it claims, which others may claim too; "" for none
	hint     string // fingerprint of its key, as it tells; "" if it does not
	contacts []contact
	refused  bool // somebody else answered at a contact, which is not among them
}

// A contact is one way to a neighbour.
type contact struct {
	transport string
	addr      netip.AddrPort
	user      string
	params    sip.Params
}

// leadsTo reports whether a contact is one of the service.
func (s *sighting) leadsTo(c contact) bool {
	return c.transport == s.transport && c.user == s.user && c.addr.Port() == s.port && slices.Contains(s.addrs, c.addr.Addr())
}

// uri is what is called that way.
func (c contact) uri() sip.URI {
	u := sip.URI{Scheme: "sip", User: c.user, Host: c.addr.Addr().String(), Port: int(c.addr.Port()), Params: c.params.Clone()}
	if c.transport != "udp" {
		u.Params.Set("transport", c.transport)
	}
	return u
}

// parley reports whether the neighbour has a key: it is another Parley, which its id
// tells even where others keep its key from us, or was spoken to with one.
func (f *found) parley() bool {
	follows, _ := madeOf(f.base, f.hint)
	return follows || f.hint != "" || f.Key != ""
}

// ways returns the contacts that may be used. Whoever has a key is never called in
// clear, and nobody is who takes encrypted calls.
func (f *found) ways() []contact {
	transports := ranking
	if f.parley() {
		transports = transports[:1]
	}
	for _, t := range transports {
		var list []contact
		for _, c := range f.contacts {
			if c.transport == t {
				list = append(list, c)
			}
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// A memory is what a merge has to know of the past.
type memory struct {
	known func(id string) (storage.NeighbourKey, bool)
	names map[string][]string // ids of those remembered, by likeness
	wrong map[string]marks    // by id
}

// mergeSightings makes neighbours of sightings. Everybody is there once, however many
// services it has and links it was seen on.
func mergeSightings(seen []*sighting, m memory) []*found {
	slices.SortFunc(seen, compareSightings)
	var list []*found
	groups, phones := groupByID(seen)
	phones = joinPhones(groups, phones)
	for _, g := range groups {
		for i, c := range g.inOrder(m) {
			f := c.found(m, g.id, i == 0 && g.hasFirst)
			list = append(list, f)
		}
	}
	for _, c := range clusterPhones(phones) {
		list = append(list, c.found(m, "", false))
	}
	taken := map[string]bool{}
	for _, f := range list {
		id := f.ID
		for n := 2; taken[f.ID]; n++ {
			f.ID = id + "#" + strconv.Itoa(n)
		}
		taken[f.ID] = true
		f.Target = neighbourScheme + ":" + url.PathEscape(f.ID)
	}
	return list
}

// compareSightings orders the best first: TLS before TCP before UDP, the services
// of this family before those for others, then by link and name. The newest is
// before what may be left of a program that was started again.
func compareSightings(a, b *sighting) int {
	return cmp.Or(
		slices.Index(ranking, a.transport)-slices.Index(ranking, b.transport),
		-strings.Compare(a.service, b.service), // "_sipuri" first
		a.link-b.link, b.since.Compare(a.since), strings.Compare(a.name, b.name),
	)
}

// ranking is the transports, the best first.
var ranking = []string{"tls", "tcp", "udp"}

// A cluster is what seems to be one program.
type cluster struct {
	seen []*sighting
	in   *cluster // the one that it turned out to be a part of; nil for a whole one
}

func (c *cluster) add(s *sighting) { c.seen = append(c.seen, s) }

func (c *cluster) hint() string {
	for _, s := range c.seen {
		if s.hint != "" {
			return s.hint
		}
	}
	return ""
}

func (c *cluster) since() time.Time {
	return slices.MinFunc(c.seen, func(a, b *sighting) int { return a.since.Compare(b.since) }).since
}

// An idGroup is all that claims one instance id: clusters that differ in key, or
// where none is told in their machine.
type idGroup struct {
	id       string
	clusters []*cluster
	hasFirst bool // the first cluster is the one that the id stands for
}

func groupByID(seen []*sighting) (groups []*idGroup, phones []*sighting) {
	byID := map[string]*idGroup{}
	for _, s := range seen {
		if s.id == "" {
			phones = append(phones, s)
			continue
		}
		g := byID[s.id]
		if g == nil {
			g = &idGroup{id: s.id}
			byID[s.id] = g
			groups = append(groups, g)
		}
		g.add(s)
	}
	for _, g := range groups {
		g.fold()
	}
	return groups, phones
}

func (g *idGroup) add(s *sighting) {
	for _, c := range g.clusters {
		o := c.seen[0]
		if s.hint == o.hint && (s.hint != "" || s.machine == o.machine) {
			c.add(s)
			return
		}
	}
	g.clusters = append(g.clusters, &cluster{seen: []*sighting{s}})
}

// fold adds what tells no key to the one cluster with a key that is on the same
// machine: older records of it, which are about to change.
func (g *idGroup) fold() {
	g.clusters = slices.DeleteFunc(g.clusters, func(c *cluster) bool {
		if c.hint() != "" {
			return false
		}
		for _, o := range g.clusters {
			if o.hint() != "" && slices.ContainsFunc(o.seen, func(s *sighting) bool { return s.machine == c.seen[0].machine }) {
				o.seen = append(o.seen, c.seen...)
				return true
			}
		}
		return false
	})
}

// joinPhones adds what tells no id to the cluster that is the same phone, by host
// and port, and returns the rest.
func joinPhones(groups []*idGroup, phones []*sighting) []*sighting {
	places := map[string]*cluster{}
	for _, g := range groups {
		for _, c := range g.clusters {
			for _, s := range c.seen {
				places[s.place()] = cmp.Or(places[s.place()], c)
			}
		}
	}
	return slices.DeleteFunc(phones, func(s *sighting) bool {
		c := places[s.place()]
		if c != nil {
			c.add(s)
		}
		return c != nil
	})
}

// place is where the service is: a host and a port.
func (s *sighting) place() string { return s.machine + "\x00" + strconv.Itoa(int(s.port)) }

// inOrder returns the clusters, in front the one that the id stands for if there
// is one. A clash never takes the place of who is remembered: then only who tells
// that key, or tells none, can be it. An id that follows from a key can be that of
// no other key.
func (g *idGroup) inOrder(m memory) []*cluster {
	key, remembered := m.known(g.id)
	rank := func(c *cluster) int {
		hint := c.hint()
		follows, fits := madeOf(g.id, hint)
		switch {
		case hint != "" && (follows && !fits || remembered && hint != key.Key):
			return 3
		case hint != "":
			return 0
		case remembered && !strings.EqualFold(c.seen[0].host, key.Host):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(g.clusters, func(a, b *cluster) int {
		return cmp.Or(rank(a)-rank(b), a.since().Compare(b.since()), strings.Compare(a.seen[0].machine, b.seen[0].machine))
	})
	g.hasFirst = rank(g.clusters[0]) < 3
	return g.clusters
}

// clusterPhones finds out which sightings without an id are one phone: they have
// the same host and port, or the same host and name.
func clusterPhones(phones []*sighting) []*cluster {
	known := map[string]*cluster{}
	var list []*cluster
	for _, s := range phones {
		place, named := s.place(), s.machine+"\x00\x00"+s.name
		c, other := known[place].whole(), known[named].whole()
		switch {
		case c == nil && other == nil:
			c = &cluster{}
			list = append(list, c)
		case c == nil:
			c = other
		case other != nil && other != c:
			if len(c.seen) < len(other.seen) {
				c, other = other, c
			}
			c.seen = append(c.seen, other.seen...)
			other.in = c
		}
		c.add(s)
		known[place], known[named] = c, c
	}
	list = slices.DeleteFunc(list, func(c *cluster) bool { return c.in != nil })
	for _, c := range list {
		slices.SortFunc(c.seen, compareSightings)
	}
	return list
}

func (c *cluster) whole() *cluster {
	for c != nil && c.in != nil {
		c = c.in
	}
	return c
}

// found describes a cluster that claims an id, or none. Only the first of those
// that claim the same one has it.
func (c *cluster) found(m memory, id string, first bool) *found {
	f := &found{base: id, hint: c.hint()}
	f.ID, f.Host, f.Since = id, c.seen[0].host, c.since()
	key, remembered := m.known(id)
	if remembered { // on its own machine it is called first
		slices.SortStableFunc(c.seen, func(a, b *sighting) int { return other(a.host, key.Host) - other(b.host, key.Host) })
		f.Host = c.seen[0].host
	}
	for _, s := range c.seen {
		f.Name = cmp.Or(f.Name, s.called)
		if remembered && s.called == key.Name { // others may claim to be it under another name
			f.Name = s.called
		}
		if !remembered || other(s.host, key.Host) == other(f.Host, key.Host) { // nor speak for it
			f.State, f.Note = cmp.Or(f.State, s.state), cmp.Or(f.Note, s.note)
		}
		f.addContacts(s, m.wrong[id])
	}
	if id == "" {
		f.ID = sip.CleanText(c.seen[0].name, maxNeighbourName) + "#" + f.Host
	} else if !first {
		f.ID = id + "#" + f.Host
	}
	c.judge(f, m, first)
	return f
}

func other(host, known string) int {
	if host == known {
		return 0
	}
	return 1
}

func (f *found) addContacts(s *sighting, wrong marks) {
	if s.port == 0 {
		return
	}
	for _, a := range s.addrs {
		c := contact{transport: s.transport, addr: netip.AddrPortFrom(a, s.port), user: s.user, params: s.params}
		if c.transport == "tls" && wrong[c.addr] { // it takes no room from the others
			f.refused = true
			continue
		}
		same := func(o contact) bool { return o.transport == c.transport && o.addr == c.addr && o.user == c.user }
		if len(f.contacts) < maxContacts && !slices.ContainsFunc(f.contacts, same) {
			f.contacts = append(f.contacts, c)
		}
	}
}

// judge finds out how far f can be trusted, and whether it can be called.
func (c *cluster) judge(f *found, m memory, first bool) {
	key, remembered := m.known(f.base)
	follows, fits := madeOf(f.base, f.hint)
	if remembered && first {
		f.Key = key.Key
	}
	impostor := f.hint != "" && follows && !fits || remembered && !first
	encrypted := slices.ContainsFunc(f.contacts, func(c contact) bool { return c.transport == "tls" })
	switch {
	case !encrypted && f.refused, impostor && f.base != "":
		f.Trust = TrustBroken
	case f.Key != "":
		f.Trust = TrustKnown
	case encrypted:
		f.Trust = TrustNew
	default:
		f.Trust = TrustNone
	}
	ways := f.ways()
	switch {
	case f.Trust == TrustBroken:
		f.Problem = ProblemKeyChanged
	case len(ways) > 0:
		f.Transport, f.URI = ways[0].transport, ways[0].uri().String()
	case len(f.contacts) > 0:
		f.Problem = ProblemNotSecure
	case slices.ContainsFunc(c.seen, func(s *sighting) bool { return s.linkLocal }):
		f.Problem = ProblemLinkLocal
	default:
		f.Problem = ProblemNoAddress
	}
	f.Namesake = slices.ContainsFunc(likenesses(f.Name, f.Host), func(like string) bool {
		return slices.ContainsFunc(m.names[like], func(id string) bool { return id != f.base || !first })
	})
}
