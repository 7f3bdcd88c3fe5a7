package bonjour

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// pace is between two packets. It matters on a link with thousands of services
	// only, or where somebody makes us ask.
	pace = 50 * time.Millisecond
	// maxAsked is about how long the questions of a packet are together, in bytes.
	maxAsked = 1200
	// maxKnown is how many known answers go with the questions of a packet. If there are
	// more, some will be told in vain.
	maxKnown = 1024
)

// ask sends the next packet of questions, if it is time for one.
func (q *querier) ask(now time.Time) {
	if now.Before(q.quiet) {
		return
	}
	var m message
	size := 0
	for _, s := range q.takeFromLine() {
		m.questions = append(m.questions, question{key: s.key})
		for _, r := range q.known(now, s) {
			if len(m.answers) < maxKnown {
				m.answers = append(m.answers, r)
				size += knownSize(r)
			}
		}
		q.count(now, s)
		s.asked, s.spared = now, false
	}
	if len(m.questions) > 0 {
		q.quiet = now.Add(pace * time.Duration(1+size/maxAsked))
		q.send(m)
	}
	if q.lonely {
		q.askAlone(now)
	}
}

// askAlone asks for types so that the answers come to us alone.
func (q *querier) askAlone(now time.Time) {
	q.lonely = false
	var m message
	size := 0
	for _, name := range slices.Sorted(maps.Keys(q.browses)) {
		s := q.browses[name].pointers
		if !s.alone {
			continue
		}
		s.alone = false
		m.questions = append(m.questions, question{key: s.key})
		for _, r := range q.known(now, s) {
			if size += knownSize(r); size > maxAsked {
				break // no second packet: those who answer so would take neither
			}
			m.answers = append(m.answers, r)
		}
	}
	if len(m.questions) > 0 {
		if !q.quiet.After(now) {
			q.quiet = now.Add(pace)
		}
		q.sendAlone(m)
	}
}

// known returns what those who have it need not tell. An instance whose records were
// asked for in vain is not known: who is told so tells them along with the pointer.
// Avahi 0.8 understands no question for a name of more than 256 characters as it
// escapes them, which 28 umlauts are, and answers for such a name only in that way.
func (q *querier) known(now time.Time, s *set) []record {
	var list []record
	for _, e := range s.sorted() {
		if e.rr != nil && e.fresh(now) && !q.instances[e.value].inVain() {
			list = append(list, record{key: s.key, rr: e.rr, ttl: e.ends.Sub(now)})
		}
	}
	return list
}

// inVain tells whether a record of an instance was asked for and has not come.
func (i *instance) inVain() bool {
	return i.service.unanswered() || i.text.unanswered()
}

// knownSize is about how long a pointer is in a packet, in bytes.
func knownSize(r record) int {
	label, _ := splitName(r.rr.(*dns.PTR).Ptr)
	return len(unescape(label)) + 5 + recordBaseLen // with the length of the label and two pointers to names
}

// takeFromLine returns what fits into a packet, one for each source in turn: who
// makes us ask much waits for himself.
func (q *querier) takeFromLine() []*set {
	var sources []netip.Addr
	lines := make(map[netip.Addr][]*set)
	for _, s := range q.line {
		s.inLine = false
		if !s.waiting {
			continue
		}
		if lines[s.source] == nil {
			sources = append(sources, s.source)
		}
		lines[s.source] = append(lines[s.source], s)
	}
	q.line = q.line[:0]
	var taken []*set
	size := 0
	for turn := 0; len(sources) > 0; turn++ {
		left := sources[:0]
		for _, source := range sources {
			line := lines[source]
			if turn == len(line) {
				continue
			}
			left = append(left, source)
			if s := line[turn]; size < maxAsked {
				size += len(s.name) + 6
				taken = append(taken, s)
			} else {
				s.inLine = true
				q.line = append(q.line, s)
			}
		}
		sources = left
	}
	slices.SortFunc(taken, func(a, b *set) int { return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.rtype, b.rtype)) })
	return taken
}
