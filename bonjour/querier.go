package bonjour

import (
	"container/list"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A querier finds services on one link: it asks, remembers what it hears and tells
// of instances. It has no goroutine and reads no clock: the engine's loop calls it
// and hands over the time. After every call the loop asks due for the next deadline.
//
// A type that is browsed leads to pointers, these to instances, each of those to its
// SRV and TXT records and to a host, and that to its addresses. Only what something
// leads to is remembered; all else that is heard on the link is not for us.
type querier struct {
	link   Link
	random func() float64 // [0,1)
	send   func(message)
	emit   func(Event)
	// sendAlone sends a message, which fits into one packet, such that the answers come
	// to nobody but us ([Conn.Ask]).
	sendAlone func(message)

	cache     *cache
	browses   map[string]*browse // by the name of the type, folded
	instances map[string]*instance
	machines  map[string]*machine
	sources   sources
	vague     list.List // of *instance, those that are not told of

	messages uint64 // with answers, that were heard

	line   []*set    // what is asked next
	quiet  time.Time // until when nothing is asked
	gather time.Time // of the first questions of series
	lonely bool      // something is to be asked alone

	unsettled []*instance
	moved     []*machine
}

// aloneTTL is what conforming responders tell as the longest life of records in an
// answer to us alone (RFC 6762 section 6.7): such are of no use to us.
const aloneTTL = 10 * time.Second

// newQuerier returns a querier that asks by send and sendAlone and tells of instances
// by emit; none may call back.
func newQuerier(link Link, random func() float64, send, sendAlone func(message), emit func(Event)) *querier {
	q := &querier{link: link, random: random, send: send, sendAlone: sendAlone, emit: emit}
	q.reset()
	return q
}

func (q *querier) reset() {
	q.cache = newCache(q.stale)
	q.browses = make(map[string]*browse)
	q.instances = make(map[string]*instance)
	q.machines = make(map[string]*machine)
	q.sources = sources{}
	q.vague.Init()
	q.line, q.unsettled, q.moved = nil, nil, nil
	q.lonely = false
}

// handle takes a message from the link: answers, and the questions of others. The
// engine has parsed it and knows that it comes from the link; what it sent itself may
// come too.
func (q *querier) handle(now time.Time, m *message, from Meta) {
	if !m.response {
		q.overhear(now, m, from)
		return
	}
	if from.From.Port() != Port {
		return // RFC 6762 section 6
	}
	q.messages++
	h := hearing{now: now, order: q.messages, from: from.From.Addr().WithZone(""), jitter: q.random() * refreshSpread, alone: from.Asked}
	each := func(take func(r record), types ...uint16) {
		for _, records := range [...][]record{m.answers, m.additionals} {
			for _, r := range records {
				if h.alone {
					r.flush = false
				}
				if slices.Contains(types, r.rtype) && (!h.alone || r.ttl > aloneTTL) {
					take(r)
				}
			}
		}
	}
	each(func(r record) { q.hearPointer(h, r) }, dns.TypePTR)
	put := func(r record) {
		if s := q.cache.sets[r.key]; s != nil {
			if value, ok := valueOf(r.rr); ok {
				q.cache.put(h, s, r, value)
			}
		}
	}
	each(put, dns.TypeSRV, dns.TypeTXT)
	q.follow(now)
	each(put, dns.TypeA, dns.TypeAAAA)
	each(func(r record) { q.hearAbsence(now, r) }, dns.TypeNSEC)
	q.settle(now)
}

// browse begins to look for instances of a type, as "_sipuri._udp". For a type that
// is looked for already it does nothing.
func (q *querier) browse(now time.Time, serviceType string) {
	name := fold(typeName(serviceType))
	if q.browses[name] != nil {
		return
	}
	b := &browse{serviceType: serviceType}
	b.pointers = q.cache.open(key{name, dns.TypePTR}, maxInstances, func(_ time.Time, e *entry) {
		i := q.instances[e.value]
		if b.pointers.entries[e.value] == e {
			q.unsettle(i)
			return
		}
		q.part(i)
		if i.told != nil {
			q.emit(Event{Lost, *i.told})
		}
	})
	q.browses[name] = b
	q.start(now, b.pointers)
}

// unbrowse forgets a type and all that was found of it, without events.
func (q *querier) unbrowse(serviceType string) {
	name := fold(typeName(serviceType))
	b := q.browses[name]
	if b == nil {
		return
	}
	for name := range b.pointers.entries {
		q.part(q.instances[name])
	}
	q.cache.drop(b.pointers)
	delete(q.browses, name)
}

// found returns the instances of a type that Found was told of, for whoever begins to
// browse for the type later than others.
func (q *querier) found(serviceType string) []Instance {
	b := q.browses[fold(typeName(serviceType))]
	if b == nil {
		return nil
	}
	return q.told(b)
}

func (q *querier) told(b *browse) []Instance {
	var found []Instance
	for _, e := range b.pointers.sorted() {
		if i := q.instances[e.value]; i.told != nil {
			found = append(found, *i.told)
		}
	}
	return found
}

// due does what is to be done by now and returns when to call again: zero for not
// before something else happens.
func (q *querier) due(now time.Time) time.Time {
	q.cache.timers.run(now)
	q.settle(now)
	q.ask(now)
	next := q.cache.timers.next()
	if (q.lonely || len(q.line) > 0) && (next.IsZero() || q.quiet.Before(next)) {
		next = q.quiet
	}
	return next
}

// relink tells that the addresses of the link changed: it asks anew, and soon. Where
// all networks are others than before, nothing that was found need be there any more.
func (q *querier) relink(now time.Time, link Link) {
	moved := movedAway(q.link, link)
	q.link = link
	if moved {
		q.doubt(now)
	} else {
		q.restart(now)
	}
}

// restart asks anew, and soon, for everything that is browsed.
func (q *querier) restart(now time.Time) {
	for _, s := range q.cache.sets {
		if s.series {
			q.start(now, s)
		}
	}
}

// doubt is restart where what was found may be gone: it is, unless it answers.
func (q *querier) doubt(now time.Time) {
	q.restart(now)
	jitter := q.random() * refreshSpread
	for _, s := range q.cache.sets {
		q.doubtAll(now, s, jitter)
	}
}

func (q *querier) doubtAll(now time.Time, s *set, jitter float64) {
	for _, e := range s.entries {
		q.cache.doubt(now, e, jitter)
	}
}

// reconfirm doubts all that led to an instance.
func (q *querier) reconfirm(now time.Time, seen Instance) {
	i := q.instances[fold(instanceName(seen.Name, seen.Type))]
	if i == nil {
		return
	}
	jitter := q.random() * refreshSpread
	q.cache.doubt(now, i.browse.pointers.entries[i.name], jitter)
	q.doubtAll(now, i.service, jitter)
	q.doubtAll(now, i.text, jitter)
	if i.machine != nil {
		q.doubtAll(now, i.machine.v4, jitter)
		q.doubtAll(now, i.machine.v6, jitter)
	}
}

// movedAway tells whether a link had networks and has none of them any more. The one of
// link-local addresses is on every link.
func movedAway(before, after Link) bool {
	had := false
	for _, p := range before.Addrs {
		if p.Addr().IsLinkLocalUnicast() {
			continue
		}
		had = true
		if slices.ContainsFunc(after.Addrs, func(o netip.Prefix) bool { return o.Masked() == p.Masked() }) {
			return false
		}
	}
	return had
}

// close gives the link up: all that was found is lost.
func (q *querier) close() {
	var lost []Instance
	for _, b := range q.browses {
		lost = append(lost, q.told(b)...)
	}
	q.reset()
	slices.SortFunc(lost, func(a, b Instance) int { return strings.Compare(a.Name+"."+a.Type, b.Name+"."+b.Type) })
	for _, i := range lost {
		q.emit(Event{Lost, i})
	}
}
