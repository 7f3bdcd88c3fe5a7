package bonjour

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// When questions are asked (RFC 6762 section 5.2).
const (
	minFirst = 20 * time.Millisecond // before the first question of a series ...
	maxFirst = 120 * time.Millisecond
	minWait  = time.Second // ... then a second, two, four ...
	maxWait  = time.Hour

	absentWait = 2 * time.Minute // at least, where somebody said that there is nothing to hear
)

// asking is when a set is asked for: in a series that goes on as long as something is
// missing, and beside it when records grow old.
type asking struct {
	series  bool
	next    timer         // of the series
	wait    time.Duration // from the question at next to the one after it; 0 if none was asked yet
	asked   time.Time     // by us, last
	heard   time.Time     // when somebody else asked for us, last
	spared  bool          // we did not ask when it was time because somebody else did
	waiting bool          // to be asked in one of the next packets
	inLine  bool          // has a place in the line for them, which it may not need any more
	alone   bool          // to be asked so that the answer comes to us alone
	source  netip.Addr    // who made us ask; none for what we browse
}

// start begins a series of questions, or begins it anew.
func (q *querier) start(now time.Time, s *set) {
	if !q.gather.After(now) { // else it goes along with others
		spread := time.Duration(q.random() * float64(maxFirst-minFirst))
		q.gather = now.Add(minFirst + spread)
	}
	s.series, s.wait = true, 0
	s.next.fire = func(time.Time) { q.enqueue(s) }
	q.cache.timers.set(&s.next, q.gather)
}

// rest ends the series of a set.
func (q *querier) rest(s *set) {
	if s.series {
		s.series, s.waiting = false, false
		q.cache.timers.stop(&s.next)
	}
}

// enqueue lets a set be asked for in the next packet.
func (q *querier) enqueue(s *set) {
	s.waiting = true
	if !s.inLine {
		s.inLine = true
		q.line = append(q.line, s)
	}
}

// stale asks anew for a record that is in use and grows old, or that a stranger took
// back, unless that was asked just now.
func (q *querier) stale(now time.Time, e *entry) {
	just := minWait
	if !e.dying {
		just = max(just, e.ttl/40)
	}
	switch {
	case e.alone:
		for _, b := range q.browses { // who told it tells everything at once
			q.wantAlone(b.pointers)
		}
	case now.Sub(e.set.asked) < just:
	case now.Sub(e.set.heard) < just && !e.set.spared:
		e.set.spared = true
	default:
		q.enqueue(e.set)
	}
}

// soon tells whether the series is about to ask.
func (s *set) soon(now time.Time) bool {
	return s.series && (s.next.place == 0 || s.wait == 0 || s.next.at.Sub(now) <= s.wait/2)
}

// unanswered tells whether a set was asked for and nothing has come.
func (s *set) unanswered() bool { return s.series && s.wait > 0 }

// count takes a question as asked now: also what the series would ask soon. The
// second question for a type, and all that come rarely, are asked alone as well: there
// are responders that know no other way to answer, whoever else asks. The others stay
// silent, for we know their answers or everybody is about to hear them.
func (q *querier) count(now time.Time, s *set) {
	s.waiting = false
	if !s.soon(now) {
		return
	}
	s.wait = min(max(2*s.wait, minWait), maxWait)
	q.cache.timers.set(&s.next, now.Add(s.wait))
	if s.rtype == dns.TypePTR && (s.wait == 2*minWait || s.wait >= time.Minute) {
		q.wantAlone(s)
	}
}

// wantAlone lets a type be asked for so that the answers come to us alone.
func (q *querier) wantAlone(s *set) { s.alone, q.lonely = true, true }

// absent puts off the questions for what somebody said does not exist.
func (q *querier) absent(now time.Time, s *set, ttl time.Duration) {
	if s.series {
		s.waiting = false
		s.wait = min(max(s.wait, ttl, absentWait), maxWait)
		q.cache.timers.set(&s.next, now.Add(s.wait))
	}
}

// overhear lets the question of somebody else count as ours if its answers are what we
// want to hear (RFC 6762 section 7.3). After that we ask ourselves once, lest somebody
// keeps us quiet for ever.
func (q *querier) overhear(now time.Time, m *message, from Meta) {
	if !from.Multicast || from.From.Port() != Port || m.truncated {
		return
	}
	other := make(map[*set]bool) // knows answers that we do not know
	for _, r := range m.answers {
		if s := q.cache.sets[r.key]; s != nil && !other[s] {
			value, _ := valueOf(r.rr)
			e := s.entries[value]
			other[s] = e == nil || !e.fresh(now)
		}
	}
	for _, asked := range m.questions {
		s := q.cache.sets[asked.key]
		if s == nil || asked.unicast || other[s] || now.Sub(s.asked) < maxFirst {
			continue // the last: it may be our own that comes back
		}
		s.heard = now
		if !s.spared && (s.waiting || s.soon(now)) {
			s.spared = true
			q.count(now, s)
		}
	}
}
