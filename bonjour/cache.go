package bonjour

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// How long records live.
const (
	maxTTL = 75 * time.Minute // longer ones are asked for anew all the same (RFC 6762 section 10)

	// A record that another takes the place of is kept for a second, for those who
	// share it and did not say so in one packet (RFC 6762 section 10.2).
	flushDelay = time.Second
	// After a goodbye it is a second too, for those who share it and stay (section
	// 10.1), less the time that it takes to show that somebody is gone: that is to be
	// seen within one.
	goodbyeDelay = 900 * time.Millisecond

	// A record that is in doubt goes on as the last part of a life like this, of 6 s.
	doubtfulTTL = 30 * time.Second
)

// Records that are in use are asked for when these parts of their life are over, and
// up to a 50th of it later, lest everybody on the link asks at once (RFC 6762 section
// 5.2).
var refreshParts = [...]float64{0.80, 0.85, 0.90, 0.95}

const refreshSpread = 0.02

// A cache holds the records of the sets that somebody wants to know, for as long as
// they live. It is as large as its sets may be, however much is put into it.
type cache struct {
	timers timers
	sets   map[key]*set
	stale  func(now time.Time, e *entry) // e wants to be heard of again
}

// hearing is how something was heard.
type hearing struct {
	now    time.Time
	order  uint64     // of messages
	from   netip.Addr // who said it
	jitter float64    // what came together is asked for together
	alone  bool       // it was told to us alone, by unicast: others may know better
}

// An entry is a record in the cache.
type entry struct {
	set       *set
	rr        dns.RR // of a pointer; nil for others: all that matters is in value
	value     string // as valueOf returns it
	ttl       time.Duration
	heard     time.Time // last
	order     uint64    // of the message it was heard in
	ends      time.Time
	from      [2]netip.Addr // who told it last, by IPv4 and by IPv6
	dying     bool          // it ends soon: somebody took it back, or another took its place
	displaced bool          // only the latter
	bye       bool          // it was taken back by who told it, and not by a stranger
	alone     bool          // it was told to us alone

	refreshes int     // how often it was asked for since it was heard
	jitter    float64 // part of its life by which it is asked for later
	timer     timer
}

func newCache(stale func(now time.Time, e *entry)) *cache {
	return &cache{sets: make(map[key]*set), stale: stale}
}

// open makes a set, which must not be there yet.
func (c *cache) open(k key, limit int, changed func(now time.Time, e *entry)) *set {
	s := &set{key: k, limit: limit, entries: make(map[string]*entry), changed: changed}
	c.sets[k] = s
	return s
}

// drop takes a set out with all that it holds; nobody is told.
func (c *cache) drop(s *set) {
	for _, e := range s.entries {
		c.timers.stop(&e.timer)
	}
	c.timers.stop(&s.next)
	s.series, s.waiting = false, false
	delete(c.sets, s.key)
}

// put takes what was heard of a set.
func (c *cache) put(h hearing, s *set, r record, value string) {
	e := s.entries[value]
	if h.alone && (e != nil && !e.alone || s.rtype != dns.TypePTR && s.publicly()) {
		return
	}
	if r.ttl <= 0 {
		if e != nil {
			e.displaced = false
			c.kill(h.now, e, goodbyeDelay, h.from == *e.teller(h.from))
			if !e.bye && s.rtype == dns.TypePTR { // its owner may not have heard it, and tells all the rest too
				c.stale(h.now, e)
			}
		}
		return
	}
	if r.flush && s.rtype != dns.TypePTR { // pointers are shared by all who offer a service
		c.flush(h.now, s)
	}
	if e == nil {
		if !c.makeRoom(h.now, s) {
			return
		}
		e = &entry{set: s, value: value}
		e.timer.fire = func(now time.Time) { c.tick(now, e) }
		s.entries[value] = e
	}
	news := e.heard.IsZero() || e.dying || len(s.entries) > 1 // which of them counts may change
	if s.rtype == dns.TypePTR {
		e.rr = r.rr
	}
	e.ttl = min(r.ttl, maxTTL)
	e.heard, e.order, *e.teller(h.from) = h.now, h.order, h.from
	e.ends, e.dying, e.displaced, e.bye = h.now.Add(e.ttl), false, false, false
	e.refreshes, e.jitter, e.alone = 0, h.jitter, h.alone
	c.schedule(e)
	if news {
		s.changed(h.now, e)
	}
}

// teller is where it is kept who told a record by the family of an address.
func (e *entry) teller(addr netip.Addr) *netip.Addr {
	if addr.Is6() {
		return &e.from[1]
	}
	return &e.from[0]
}

// flush lets the records of a set die that were not heard of within a second.
func (c *cache) flush(now time.Time, s *set) {
	for _, e := range s.entries {
		if now.Sub(e.heard) > flushDelay {
			e.displaced = e.displaced || !e.dying
			c.kill(now, e, flushDelay, false)
		}
	}
}

// kill lets a record die soon, or when it would anyway.
func (c *cache) kill(now time.Time, e *entry, delay time.Duration, bye bool) {
	if end := now.Add(delay); end.Before(e.ends) {
		e.ends = end
	}
	news := !e.dying || bye && !e.bye
	e.dying, e.bye = true, e.bye || bye
	c.schedule(e)
	if news {
		e.set.changed(now, e)
	}
}

// doubt lets a record end soon if nobody tells it again, and be asked for until then.
func (c *cache) doubt(now time.Time, e *entry, jitter float64) {
	heard := now.Add(-time.Duration(refreshParts[0] * float64(doubtfulTTL)))
	if ends := heard.Add(doubtfulTTL); !e.dying && ends.Before(e.ends) {
		e.ttl, e.heard, e.ends = doubtfulTTL, heard, ends
		e.refreshes, e.jitter = 0, jitter
		c.schedule(e)
	}
}

// makeRoom tells whether a set can take one more record. Dying ones make way, and old
// ones where only the newest counts.
func (c *cache) makeRoom(now time.Time, s *set) bool {
	if len(s.entries) < s.limit {
		return true
	}
	var first *entry
	for _, e := range s.entries {
		if first == nil || newer(e, first) < 0 {
			first = e
		}
	}
	if !first.dying && s.rtype != dns.TypeSRV && s.rtype != dns.TypeTXT {
		return false
	}
	c.remove(now, first)
	return true
}

// remove ends the life of a record.
func (c *cache) remove(now time.Time, e *entry) {
	c.timers.stop(&e.timer)
	delete(e.set.entries, e.value)
	e.set.changed(now, e)
}

// schedule sets the timer of a record for its next refresh or its end.
func (c *cache) schedule(e *entry) {
	at := e.ends
	if !e.dying && e.refreshes < len(refreshParts) {
		part := refreshParts[e.refreshes] + e.jitter
		at = e.heard.Add(time.Duration(part * float64(e.ttl)))
	}
	c.timers.set(&e.timer, at)
}

// tick is called when the timer of a record fires.
func (c *cache) tick(now time.Time, e *entry) {
	if !now.Before(e.ends) {
		c.remove(now, e)
		return
	}
	e.refreshes++
	c.schedule(e)
	c.stale(now, e)
}

// fresh tells whether a record has more than half of its life before it: then those
// who have it need not tell it again (RFC 6762 section 7.1).
func (e *entry) fresh(now time.Time) bool {
	return !e.dying && 2*e.ends.Sub(now) >= e.ttl
}
