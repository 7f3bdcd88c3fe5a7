package bonjour

import (
	"container/list"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// How much is remembered of a link.
const (
	maxInstances = 4096
	maxServices  = 2 // SRV records of an instance; one is usual, two while it changes
	maxTexts     = 2 // TXT records of an instance, likewise
	maxAddrs     = 8 // A records of a host, and AAAA records as well
)

// An instance that nothing but a pointer is known of makes way for others after this
// time.
const vainly = 5 * time.Second

// A browse is a type of services that somebody looks for.
type browse struct {
	serviceType string // as it was asked for
	pointers    *set
}

// An instance is a service that a pointer leads to.
type instance struct {
	browse  *browse
	name    string // folded, of the whole
	label   string // unescaped
	source  *source
	place   *list.Element // among those of the source
	vague   *list.Element // among those that are not told of
	vagueAt time.Time     // since when it is

	service, text *set
	machine       *machine  // that the service is on; nil as long as that is not known
	known         time.Time // since when the service is; zero if it is not
	patience      timer     // set from then until it is told of
	told          *Instance // as told last; nil: was not found yet, or is lost
	unsettled     bool
}

// hearPointer takes what somebody says of an instance of a type.
func (q *querier) hearPointer(h hearing, r record) {
	b := q.browses[r.name]
	pointer, ok := r.rr.(*dns.PTR)
	if b == nil || !ok {
		return
	}
	name := fold(pointer.Ptr)
	if label, rest := splitName(name); label == "" || rest != r.name {
		return
	}
	if q.instances[name] == nil {
		if r.ttl <= 0 || !q.admit(h.now, h.from) {
			return
		}
		label, _ := splitName(pointer.Ptr)
		q.meet(h, b, name, unescape(label))
	}
	q.cache.put(h, b.pointers, r, name)
}

// admit tells whether there is room for an instance from a host, and makes it if that
// is fair.
func (q *querier) admit(now time.Time, from netip.Addr) bool {
	if len(q.instances) < maxInstances {
		return true
	}
	i := q.sources.richer(from)
	if i == nil {
		front := q.vague.Front()
		if front == nil || now.Sub(front.Value.(*instance).vagueAt) < vainly {
			return false
		}
		i = front.Value.(*instance)
	}
	pointers := i.browse.pointers
	q.cache.remove(now, pointers.entries[i.name])
	return true
}

// meet begins to find out about an instance.
func (q *querier) meet(h hearing, b *browse, name, label string) {
	i := &instance{browse: b, name: name, label: label}
	i.patience.fire = func(time.Time) { q.unsettle(i) }
	q.instances[name] = i
	q.sources.add(h.from, i)
	q.setVague(h.now, i)
	changed := func(now time.Time, e *entry) {
		q.want(now, e.set)
		q.unsettle(i)
	}
	i.service = q.open(h.now, key{name, dns.TypeSRV}, maxServices, h.from, changed)
	i.text = q.open(h.now, key{name, dns.TypeTXT}, maxTexts, h.from, changed)
}

// part forgets an instance whose pointer is gone.
func (q *querier) part(i *instance) {
	q.cache.timers.stop(&i.patience)
	q.cache.drop(i.service)
	q.cache.drop(i.text)
	q.moveTo(time.Time{}, i, "")
	q.sources.remove(i)
	if i.vague != nil {
		q.vague.Remove(i.vague)
	}
	delete(q.instances, i.name)
}

// setVague notes that an instance is not told of.
func (q *querier) setVague(now time.Time, i *instance) {
	i.told, i.vague, i.vagueAt = nil, q.vague.PushBack(i), now
}

// open begins to want a set to be known, for whom a host tells of.
func (q *querier) open(now time.Time, k key, limit int, from netip.Addr, changed func(now time.Time, e *entry)) *set {
	s := q.cache.open(k, limit, changed)
	s.source = from
	q.start(now, s)
	return s
}

// want asks for a set as long as nothing of it is known.
func (q *querier) want(now time.Time, s *set) {
	switch {
	case len(s.entries) > 0:
		q.rest(s)
	case !s.series:
		q.start(now, s)
	}
}
