package bonjour

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// The times of RFC 6762 for those who answer.
const (
	probeDelay    = 250 * time.Millisecond // the longest before the first probe (section 8.1)
	startDelay    = 20 * time.Millisecond  // the same where nothing makes many begin at once
	probeInterval = 250 * time.Millisecond
	probeCount    = 3
	deferProbe    = time.Second // of whoever loses a tie-break (section 8.2)

	announceCount    = 3 // section 8.3 wants two at least
	announceInterval = time.Second

	minDelay = 20 * time.Millisecond // before shared records (section 6)
	maxDelay = 120 * time.Millisecond
	minHold  = 400 * time.Millisecond // before a truncated question is answered (section 7.2)
	maxHold  = 500 * time.Millisecond

	flushGrace  = time.Second            // how old a record is that the flush bit concerns (section 10.2)
	repeatAfter = time.Second            // a record is multicast no sooner again (section 6)
	defendAfter = 250 * time.Millisecond // the same, to answer a probe
)

// A subject is what has a name of its own, the same on every link: the host, or a
// service.
type subject struct {
	label string // raw, in use or tried now
}

// A spec is what a subject is on one link.
type spec struct {
	name   string   // in presentation form
	unique []record // all of that name
	shared []record
	meta   []record // of the type of service: others say the same, so nobody takes it back
	host   bool
}

// An own is a record that a responder answers with.
type own struct {
	record
	announce   int       // announcements left
	announceAt time.Time // the next of them
	interval   time.Duration
	answerAt   time.Time // when it is to be multicast because somebody asked; zero for never
	sentAt     time.Time // when it was multicast last
}

// A claim is a subject on one link: on its way to a name, or with one.
type claim struct {
	subject *subject
	host    bool
	name    string // folded
	unique  []*own
	shared  []*own
	meta    []*own
	nsec    *own // tells which types the name does not have (RFC 6762 section 6.1)

	established bool      // the name is ours
	disputed    bool      // it was, and somebody else uses it
	probes      int       // sent so far
	at          time.Time // of the next probe, or when the last has gone unanswered
	lost        int       // tie-breaks lost in a row
}

// A conflict is the claim of somebody else on a name.
type conflict struct {
	subject *subject
	link    *responder
	probing bool   // the name was not ours yet
	theirs  record // what the other side says, unless it is a probe
}

// A responder is this machine's voice on one link: it probes for names, announces,
// answers, defends and says goodbye (RFC 6762 sections 6 to 10). It has no goroutine
// and reads no clock: the engine's loop calls it and hands over the time. After
// every call the loop asks due for the next deadline.
type responder struct {
	random    func() float64 // [0,1)
	multicast func(message)
	unicast   func(message, netip.AddrPort)
	ours      func(record) bool // whether a record is one of this machine's, on any link
	report    func(conflict)    // must not call back

	claims []*claim
	byName map[string]*claim // by the unique name
	byKey  map[key][]*own    // of established claims
	byes   []record          // to be said with the next answers
	held   map[netip.AddrPort]*held

	second   time.Time // of unicasts
	unicasts int       // in that second
}

func newResponder(random func() float64, multicast func(message), unicast func(message, netip.AddrPort), ours func(record) bool, report func(conflict)) *responder {
	return &responder{
		random: random, multicast: multicast, unicast: unicast, ours: ours, report: report,
		byName: map[string]*claim{}, byKey: map[key][]*own{}, held: map[netip.AddrPort]*held{},
	}
}

// between returns a time between two by chance.
func (r *responder) between(least, most time.Duration) time.Duration {
	return least + time.Duration(r.random()*float64(most-least))
}

// find returns the claim of a subject.
func (r *responder) find(s *subject) *claim {
	i := slices.IndexFunc(r.claims, func(c *claim) bool { return c.subject == s })
	if i < 0 {
		return nil
	}
	return r.claims[i]
}

// A start says when to begin to probe: at a time by chance, so that those whom one
// event makes begin, as a switch that is turned on, do not all do so at once.
type start struct {
	earliest time.Time
	spread   time.Duration
}

// set makes a subject what the spec says. With another name than before it begins to
// probe; the old name is given up, with a goodbye unless somebody else has it now.
func (r *responder) set(now time.Time, s *subject, to spec, begin start, goodbye bool) {
	c := r.find(s)
	if c != nil && c.name == fold(to.name) {
		r.change(now, c, to)
		return
	}
	if c != nil {
		r.drop(now, s, goodbye)
	}
	c = &claim{subject: s, host: to.host, name: fold(to.name)}
	r.claims = append(r.claims, c)
	r.change(now, c, to)
	r.probeFrom(c, begin)
}

// change gives a claim its records: what stays is left alone, what is new is
// announced, and what is gone says goodbye.
func (r *responder) change(now time.Time, c *claim, to spec) {
	old := slices.Concat(c.unique, c.shared, c.meta)
	c.unique, c.shared, c.meta = r.adopt(c.unique, to.unique), r.adopt(c.shared, to.shared), r.adopt(c.meta, to.meta)
	nsec := r.adopt([]*own{c.nsec}, []record{nsecRecord(to)})
	c.nsec = nsec[0]
	kept := slices.Concat(c.unique, c.shared, c.meta)
	changed := map[key]bool{}
	for _, o := range kept {
		if !slices.Contains(old, o) {
			changed[o.key] = true
		}
	}
	for _, o := range old {
		if !slices.Contains(kept, o) {
			r.bye(now, c, o)
			changed[o.key] = true
		}
	}
	for _, o := range kept { // the flush bit wants the whole set in one packet
		if c.established && changed[o.key] {
			o.announceFrom(now)
		}
	}
	r.index()
}

// adopt makes own records of records, and keeps those that there are already.
func (r *responder) adopt(old []*own, records []record) []*own {
	var list []*own
	for _, rec := range records {
		i := slices.IndexFunc(old, func(o *own) bool { return o != nil && o.same(rec) && o.rr.Header().Name == rec.rr.Header().Name })
		if i >= 0 {
			list = append(list, old[i])
		} else {
			list = append(list, &own{record: rec})
		}
	}
	return list
}

// bye takes one record of a claim back, if anybody was told of it. One that a new
// record of its set replaces needs no goodbye, unless it is an address, or so new that
// the flush bit does not concern it (RFC 6762 section 10.2).
func (r *responder) bye(now time.Time, c *claim, o *own) {
	if o.sentAt.IsZero() || c.disputed {
		return
	}
	replaced := slices.ContainsFunc(c.unique, func(n *own) bool { return n.key == o.key })
	if !replaced || o.rtype == dns.TypeA || o.rtype == dns.TypeAAAA || now.Sub(o.sentAt) <= flushGrace {
		gone := o.record
		gone.ttl = 0
		r.byes = append(r.byes, gone)
	}
}

// drop gives a subject up, with a goodbye if it has been announced.
func (r *responder) drop(now time.Time, s *subject, goodbye bool) {
	c := r.find(s)
	if c == nil {
		return
	}
	r.claims = slices.DeleteFunc(r.claims, func(o *claim) bool { return o == c })
	if goodbye {
		all := slices.Concat(c.shared, c.unique)
		c.unique = nil // nothing replaces them
		for _, o := range all {
			r.bye(now, c, o)
		}
	}
	r.index()
}

// restart probes for everything anew: the link may be another network now.
func (r *responder) restart(now time.Time) {
	for _, c := range r.claims {
		c.unsettle()
		c.at = now.Add(-time.Nanosecond) // joins no other
	}
	for _, c := range r.claims {
		r.probeFrom(c, start{now, probeDelay})
	}
	r.index()
}

// announced reports whether everybody on the link was told of a subject.
func (r *responder) announced(s *subject) bool {
	c := r.find(s)
	return c != nil && c.established
}

// index builds the maps anew.
func (r *responder) index() {
	clear(r.byName)
	clear(r.byKey)
	for _, c := range r.claims {
		r.byName[c.name] = c
		if !c.established {
			continue
		}
		for _, o := range slices.Concat(c.unique, c.shared, c.meta) {
			if !slices.ContainsFunc(r.byKey[o.key], func(other *own) bool { return other.same(o.record) }) {
				r.byKey[o.key] = append(r.byKey[o.key], o)
			}
		}
	}
}

// announceFrom begins the announcements of a record.
func (o *own) announceFrom(now time.Time) {
	o.announce, o.announceAt, o.interval = announceCount, now, announceInterval
}

// nsecRecord tells which types a name has.
func nsecRecord(s spec) record {
	nsec := &dns.NSEC{NextDomain: s.name}
	var ttl time.Duration
	for _, r := range s.unique {
		if !slices.Contains(nsec.TypeBitMap, r.rtype) {
			nsec.TypeBitMap = append(nsec.TypeBitMap, r.rtype)
		}
		ttl = max(ttl, r.ttl)
	}
	slices.Sort(nsec.TypeBitMap)
	return newRecord(s.name, dns.TypeNSEC, ttl, true, nsec)
}
