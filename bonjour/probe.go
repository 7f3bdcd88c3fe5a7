package bonjour

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// maxLost is how many tie-breaks in a row are lost before the name is given up:
// whoever wins so often and does not take it only wants to disturb.
const maxLost = 10

// probeFrom begins to probe for a claim's name after a delay by chance, together
// with others that have not begun yet (RFC 6762 section 8.1).
func (r *responder) probeFrom(c *claim, begin start) {
	c.established, c.probes = false, 0
	for _, o := range r.claims {
		if o != c && !o.established && o.probes == 0 && !o.at.Before(begin.earliest) && o.at.Sub(begin.earliest) <= probeDelay {
			c.at = o.at
			return
		}
	}
	c.at = begin.earliest.Add(r.between(0, begin.spread))
}

// unsettle takes a claim's name out of use.
func (c *claim) unsettle() {
	c.established, c.probes = false, 0
	for _, o := range slices.Concat(c.unique, c.shared, c.meta, []*own{c.nsec}) {
		o.announce, o.answerAt = 0, time.Time{}
	}
}

// reprobe makes a claim prove its name anew, from a time on (RFC 6762 section 9).
func (r *responder) reprobe(s *subject, at time.Time) {
	if c := r.find(s); c != nil {
		c.unsettle()
		c.at, c.disputed = at, true
		r.index()
	}
}

// settled reports whether a claim waits for nothing but the name of the host, which
// its records need.
func (r *responder) settled(c *claim) bool {
	return c.host || !slices.ContainsFunc(r.claims, func(o *claim) bool { return o.host && !o.established })
}

// probe sends the probes that are due, and takes what nobody objected to.
func (r *responder) probe(now time.Time) {
	var m message
	changed := false
	for _, host := range []bool{true, false} { // services wait for the host
		for _, c := range r.claims {
			if c.host != host || c.established || c.at.After(now) {
				continue
			}
			if c.probes < probeCount {
				c.probes++
				c.at = now.Add(probeInterval)
				m.questions = append(m.questions, question{key: key{c.name, dns.TypeANY}, written: c.nsec.rr.Header().Name})
				for _, o := range c.unique {
					rec := o.record
					rec.flush = false
					m.authorities = append(m.authorities, rec)
				}
				continue
			}
			if r.settled(c) {
				c.established, c.disputed, c.lost, changed = true, false, 0, true
				for _, o := range slices.Concat(c.shared, c.unique, c.meta) {
					o.announceFrom(now)
				}
			}
		}
	}
	if changed {
		r.index()
	}
	if len(m.questions) > 0 {
		r.multicast(m)
	}
}

// tieBreak looks at the probe of somebody else for a name that we probe for at the
// same time. Who has the lexicographically later records wins (RFC 6762 section
// 8.2). Before our first probe there is nothing to compare: nobody can make a pause
// shorter, or us lose more often than we probe.
func (r *responder) tieBreak(now time.Time, m *message) {
	for _, q := range m.questions {
		c := r.byName[q.name]
		if c == nil || c.established || c.probes == 0 {
			continue
		}
		var theirs, mine []record
		for _, rec := range m.authorities {
			if rec.name == c.name {
				theirs = append(theirs, rec)
			}
		}
		if len(theirs) == 0 {
			continue
		}
		for _, o := range c.unique {
			mine = append(mine, o.record)
		}
		if compareRecords(mine, theirs) >= 0 {
			continue
		}
		c.unsettle()
		c.at = now.Add(deferProbe)
		if c.lost++; c.lost > maxLost {
			c.lost = 0
			r.report(conflict{subject: c.subject, link: r, probing: true})
		}
	}
}

// compareRecords orders two sets of records of one name: by type, then by data, and
// what ends first is earlier.
func compareRecords(a, b []record) int {
	type item struct {
		rtype uint16
		data  []byte
	}
	order := func(x, y item) int {
		return cmp.Or(cmp.Compare(x.rtype, y.rtype), bytes.Compare(x.data, y.data))
	}
	sorted := func(records []record) []item {
		var list []item
		for _, r := range records {
			list = append(list, item{r.rtype, dataOf(r.rr)})
		}
		slices.SortFunc(list, order)
		return list
	}
	return slices.CompareFunc(sorted(a), sorted(b), order)
}
