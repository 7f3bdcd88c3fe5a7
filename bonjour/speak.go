package bonjour

import (
	"iter"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// all goes through the records of names that are ours.
func (r *responder) all() iter.Seq[*own] {
	return func(yield func(*own) bool) {
		for _, c := range r.claims {
			if !c.established {
				continue
			}
			for _, list := range [][]*own{c.shared, c.unique, c.meta, {c.nsec}} {
				for _, o := range list {
					if !yield(o) {
						return
					}
				}
			}
		}
	}
}

// due does what is to be done by now and returns when to call again: zero for not
// before something else happens.
func (r *responder) due(now time.Time) time.Time {
	r.probe(now)
	for from, h := range r.held {
		if !h.at.After(now) {
			delete(r.held, from)
			for _, o := range h.answers {
				o.answer(now, repeatAfter)
			}
		}
	}
	r.speak(now)
	return r.next()
}

// speak multicasts goodbyes, announcements and answers.
func (r *responder) speak(now time.Time) {
	var said, asked []*own
	for o := range r.all() {
		announce := o.announce > 0 && !o.announceAt.After(now) && r.announces(now, o)
		answer := !o.answerAt.IsZero() && !o.answerAt.After(now)
		if announce || answer {
			said = append(said, o)
		}
		if answer {
			asked = append(asked, o)
		}
	}
	if len(said) == 0 && len(r.byes) == 0 {
		return
	}
	said = r.whole(said)
	m := message{response: true, answers: r.byes}
	r.byes = nil
	for _, o := range said {
		o.sentAt, o.answerAt = now, time.Time{}
		m.answers = append(m.answers, o.record)
	}
	more := slices.DeleteFunc(r.additional(asked), func(o *own) bool { return slices.Contains(said, o) })
	if slices.ContainsFunc(more, func(o *own) bool { return o.sentAt.IsZero() || now.Sub(o.sentAt) >= repeatAfter }) {
		for _, o := range more {
			o.sentAt, o.answerAt = now, time.Time{}
			m.additionals = append(m.additionals, o.record)
		}
	}
	r.multicast(m)
}

// announces reports whether a record is to be announced now, and sets the next time
// (RFC 6762 section 8.3). What was just sent anyway waits.
func (r *responder) announces(now time.Time, o *own) bool {
	if len(r.byKey[o.key]) > 0 && !slices.Contains(r.byKey[o.key], o) {
		o.announce = 0 // another claim says the same
		return false
	}
	if again := o.sentAt.Add(repeatAfter); !o.sentAt.IsZero() && again.After(now) {
		o.announceAt = again
		return false
	}
	o.announce--
	o.announceAt = now.Add(o.interval)
	o.interval *= 2
	return true
}

// whole adds to records of ours alone what is missing of their sets: the flush bit
// would take it away.
func (r *responder) whole(list []*own) []*own {
	sets := map[key]bool{}
	in := map[*own]bool{}
	for _, o := range list {
		in[o] = true
		if o.flush {
			sets[o.key] = true
		}
	}
	for o := range r.all() {
		if sets[o.key] && !in[o] {
			list = append(list, o)
		}
	}
	return list
}

// additional returns what those who asked for the answers will ask for next (RFC 6763
// section 12).
func (r *responder) additional(answers []*own) []*own {
	var list []*own
	seen := map[*own]bool{}
	for _, o := range answers {
		seen[o] = true
	}
	add := func(owns ...*own) {
		for _, o := range owns {
			if !seen[o] {
				seen[o] = true
				list = append(list, o)
			}
		}
	}
	host := false
	for _, o := range answers {
		switch rr := o.rr.(type) {
		case *dns.PTR:
			if c := r.byName[fold(rr.Ptr)]; c != nil && c.established {
				add(c.unique...)
				host = true
			}
		case *dns.SRV, *dns.A, *dns.AAAA:
			host = true
		}
	}
	for _, c := range r.claims {
		if host && c.host && c.established {
			add(c.unique...)
			if len(c.nsec.rr.(*dns.NSEC).TypeBitMap) < 2 { // one family is missing
				add(c.nsec)
			}
		}
	}
	return list
}

// next returns the earliest deadline.
func (r *responder) next() time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, c := range r.claims {
		if !c.established && (c.probes < probeCount || r.settled(c)) {
			sooner(c.at)
		}
	}
	for o := range r.all() {
		if o.announce > 0 {
			sooner(o.announceAt)
		}
		if !o.answerAt.IsZero() {
			sooner(o.answerAt)
		}
	}
	for _, h := range r.held {
		sooner(h.at)
	}
	return next
}
