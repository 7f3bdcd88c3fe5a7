package bonjour

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxHeld is how many truncated questions wait for the rest of their known answers.
	maxHeld = 64
	// holdLimit is how long one of them may be put off.
	holdLimit = 2 * time.Second
	// maxUnicasts is how many answers go to single addresses in a second: nobody may
	// use us to flood a third.
	maxUnicasts = 100
	// legacyTTL is the longest that a plain DNS client may keep an answer (RFC 6762
	// section 6.7).
	legacyTTL = 10 * time.Second
)

// A held is a question whose known answers are still coming (RFC 6762 section 7.2).
type held struct {
	at, until time.Time
	answers   []*own
}

// query answers a question of somebody else. Near tells that its source is on the
// link, and may get an answer of its own.
func (r *responder) query(now time.Time, m *message, from Meta, near bool) {
	if from.From.Port() != Port {
		if near {
			r.legacy(now, m, from.From)
		}
		return
	}
	defend := len(m.authorities) > 0
	if defend {
		r.tieBreak(now, m)
	}
	r.hold(now, m, from.From)
	answers, prompt := r.match(m)
	if len(answers) == 0 {
		return
	}
	if m.truncated && len(r.held) < maxHeld {
		h := r.held[from.From]
		if h == nil {
			h = &held{at: now.Add(r.between(minHold, maxHold)), until: now.Add(holdLimit)}
			r.held[from.From] = h
		}
		h.answers = append(h.answers, slices.DeleteFunc(answers, func(o *own) bool { return slices.Contains(h.answers, o) })...)
		return
	}
	if near && !defend {
		answers = r.direct(now, m, from, answers)
	}
	// A question comes by both families, and whoever asks has listened for longer.
	answers = slices.DeleteFunc(answers, func(o *own) bool { return !o.sentAt.IsZero() && now.Sub(o.sentAt) < minDelay })
	at, pause := now, repeatAfter
	switch {
	case defend:
		pause = defendAfter
	case !prompt:
		at = r.together(now)
	}
	for _, o := range answers {
		o.answer(at, pause)
	}
}

// answer makes a record be multicast, not before a time and not too soon after it
// was last.
func (o *own) answer(at time.Time, pause time.Duration) {
	if !o.sentAt.IsZero() && o.sentAt.Add(pause).After(at) {
		at = o.sentAt.Add(pause)
	}
	if o.answerAt.IsZero() || at.Before(o.answerAt) {
		o.answerAt = at
	}
}

// together is when an answer that others may have as well is due: with one that
// waits already, if that is soon enough, or after a delay by chance (RFC 6762 sections
// 6 and 6.4).
func (r *responder) together(now time.Time) time.Time {
	for o := range r.all() {
		if wait := o.answerAt.Sub(now); !o.answerAt.IsZero() && wait >= minDelay && wait <= maxDelay {
			return o.answerAt
		}
	}
	return now.Add(r.between(minDelay, maxDelay))
}

// hold takes a packet for the rest of the known answers to a question that waits. It
// waits longer if that says that more is coming, though not for ever.
func (r *responder) hold(now time.Time, m *message, from netip.AddrPort) {
	h := r.held[from]
	if h == nil {
		return
	}
	h.answers = r.unknown(h.answers, m.answers)
	if m.truncated {
		h.at = now.Add(r.between(minHold, maxHold))
		if h.at.After(h.until) {
			h.at = h.until
		}
	}
}

// match returns what answers the questions and is not known to the asker, and whether
// nobody else can have an answer to any of them.
func (r *responder) match(m *message) (answers []*own, prompt bool) {
	prompt = true
	seen := map[*own]bool{}
	for _, q := range m.questions {
		found := r.lookup(q.key)
		prompt = prompt && len(found) > 0
		for _, o := range found {
			prompt = prompt && o.flush
			if !seen[o] {
				seen[o] = true
				answers = append(answers, o)
			}
		}
	}
	return r.unknown(answers, m.answers), prompt
}

// lookup returns what answers one question. For a type that a name of ours does not
// have, that is the record that says so.
func (r *responder) lookup(k key) []*own {
	c := r.byName[k.name]
	if c != nil && !c.established {
		c = nil
	}
	if k.rtype == dns.TypeANY {
		found := r.byKey[key{k.name, dns.TypePTR}]
		if c != nil {
			found = slices.Concat(c.unique, found)
		}
		return found
	}
	found := r.byKey[k]
	if len(found) == 0 && c != nil {
		return []*own{c.nsec}
	}
	return found
}

// unknown leaves out what the asker knows already and for long enough (RFC 6762
// section 7.1). A set of records of ours alone is known as a whole or not at all: its
// flush bit would take away what is left out.
func (r *responder) unknown(answers []*own, known []record) []*own {
	if len(known) == 0 {
		return answers
	}
	missing := map[*own]bool{}
	sets := map[key]bool{}
	for _, o := range answers {
		if !slices.ContainsFunc(known, func(k record) bool { return k.same(o.record) && 2*k.ttl >= o.ttl }) {
			missing[o] = true
			sets[o.key] = sets[o.key] || o.flush
		}
	}
	return slices.DeleteFunc(answers, func(o *own) bool { return !missing[o] && !sets[o.key] })
}

// direct answers those who would rather have it by unicast, unless everybody should
// hear of the record again, and returns what is left (RFC 6762 section 5.4).
func (r *responder) direct(now time.Time, m *message, from Meta, answers []*own) []*own {
	wanted := map[*own]bool{}
	for _, q := range m.questions {
		if q.unicast || !from.Multicast {
			for _, o := range r.lookup(q.key) {
				wanted[o] = !o.sentAt.IsZero() && now.Sub(o.sentAt) <= o.ttl/4
			}
		}
	}
	var alone, rest []*own
	for _, o := range answers {
		if wanted[o] {
			alone = append(alone, o)
		} else {
			rest = append(rest, o)
		}
	}
	switch {
	case len(alone) == 0:
		return rest
	case !r.mayUnicast(now): // somebody spent them: let all hear it
		return answers
	}
	reply := message{response: true}
	for _, o := range alone {
		reply.answers = append(reply.answers, o.record)
	}
	for _, o := range r.additional(alone) {
		reply.additionals = append(reply.additionals, o.record)
	}
	r.unicast(reply, from.From)
	return rest
}

// legacy answers a plain DNS client, as one would (RFC 6762 section 6.7).
func (r *responder) legacy(now time.Time, m *message, to netip.AddrPort) {
	answers, _ := r.match(m)
	if len(answers) == 0 || !r.mayUnicast(now) {
		return
	}
	plain := func(o *own) record {
		rec := o.record
		rec.flush, rec.ttl = false, min(rec.ttl, legacyTTL)
		return rec
	}
	reply := message{id: m.id, response: true, questions: m.questions}
	for _, o := range answers {
		reply.answers = append(reply.answers, plain(o))
	}
	for _, o := range r.additional(answers) {
		reply.additionals = append(reply.additionals, plain(o))
	}
	r.unicast(reply, to)
}

func (r *responder) mayUnicast(now time.Time) bool {
	if now.Sub(r.second) >= time.Second {
		r.second, r.unicasts = now, 0
	}
	r.unicasts++
	return r.unicasts <= maxUnicasts
}
