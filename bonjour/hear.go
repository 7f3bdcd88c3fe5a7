package bonjour

import (
	"slices"
	"time"
)

// hear takes an answer of somebody else: it may be in conflict with ours, say the same
// so that we need not, or take away what is ours too.
func (r *responder) hear(now time.Time, m *message) {
	for _, rec := range slices.Concat(m.answers, m.additionals) {
		if c := r.byName[rec.name]; c != nil {
			r.hearName(c, rec)
		}
		for _, o := range r.byKey[rec.key] {
			switch {
			case !sameData(o.rr, rec.rr):
				if rec.flush && !o.flush { // nobody may do that to what is shared
					o.answer(now, repeatAfter)
				}
			case 2*rec.ttl < o.ttl: // goodbyes, too
				o.answer(now, repeatAfter) // RFC 6762 section 6.6
			case rec.ttl >= o.ttl:
				o.answerAt = time.Time{} // section 7.4
			}
		}
	}
}

// hearName looks for conflicts about a name of ours, or one that is to be (RFC 6762
// sections 8.1 and 9). What this machine itself says, on this link or another that is
// joined to it, is none. What comes before the first probe does not count: whoever has
// the name says so once more when it is asked for, and who has not cannot make us take
// name after name. While we probe, a record of any type shows that the name is taken;
// once it is ours, only records of the types that we have contradict them.
func (r *responder) hearName(c *claim, rec record) {
	if rec.ttl == 0 || !c.established && c.probes == 0 || r.ours(rec) {
		return
	}
	if c.established && !slices.ContainsFunc(c.unique, func(o *own) bool { return o.rtype == rec.rtype }) {
		return
	}
	r.report(conflict{subject: c.subject, link: r, probing: !c.established, theirs: rec})
}

// says reports whether a record is among those of the responder's names.
func (r *responder) says(rec record) bool {
	c := r.byName[rec.name]
	return c != nil && slices.ContainsFunc(append([]*own{c.nsec}, c.unique...), func(o *own) bool { return o.same(rec) })
}
