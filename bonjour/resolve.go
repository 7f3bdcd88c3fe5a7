package bonjour

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// patience is how long an instance whose service is known is not told of as long as
// its text or all addresses are missing.
const patience = 1500 * time.Millisecond

// A machine is a host that instances are on.
type machine struct {
	name      string // folded
	v4, v6    *set
	instances map[*instance]struct{}
	addrs     []netip.Addr // replaced, never changed
	unsettled bool
}

// unsettle lets an instance be looked at by settle.
func (q *querier) unsettle(i *instance) {
	if !i.unsettled {
		i.unsettled = true
		q.unsettled = append(q.unsettled, i)
	}
}

// follow goes from each unsettled instance to the host that its service is on.
func (q *querier) follow(now time.Time) {
	for _, i := range q.unsettled {
		if q.instances[i.name] == i {
			_, target := i.service.inForce()
			q.moveTo(now, i, target)
		}
	}
}

// settle tells of what changed.
func (q *querier) settle(now time.Time) {
	q.follow(now)
	for _, h := range q.moved {
		h.unsettled = false
		addrs := q.addrsOf(h)
		if slices.Equal(addrs, h.addrs) {
			continue
		}
		h.addrs = addrs
		byName := func(a, b *instance) int { return strings.Compare(a.name, b.name) }
		for _, i := range slices.SortedFunc(maps.Keys(h.instances), byName) {
			q.unsettle(i)
		}
	}
	q.moved = q.moved[:0]
	for _, i := range q.unsettled {
		i.unsettled = false
		if q.instances[i.name] == i {
			q.tell(now, i)
		}
	}
	clear(q.unsettled)
	q.unsettled = q.unsettled[:0]
}

// moveTo notes which host an instance is on; the empty name is none.
func (q *querier) moveTo(now time.Time, i *instance, name string) {
	old := i.machine
	if old != nil && old.name == name || old == nil && name == "" {
		return
	}
	i.machine = nil
	if name != "" {
		i.machine = q.machines[name]
		if i.machine == nil {
			i.machine = q.addMachine(now, name, i.source.addr)
		}
		i.machine.instances[i] = struct{}{}
	}
	if old != nil {
		delete(old.instances, i)
		if len(old.instances) == 0 {
			q.cache.drop(old.v4)
			q.cache.drop(old.v6)
			delete(q.machines, old.name)
		}
	}
}

func (q *querier) addMachine(now time.Time, name string, from netip.Addr) *machine {
	h := &machine{name: name, instances: make(map[*instance]struct{})}
	changed := func(now time.Time, e *entry) {
		q.want(now, e.set)
		if !h.unsettled {
			h.unsettled = true
			q.moved = append(q.moved, h)
		}
	}
	h.v4 = q.open(now, key{name, dns.TypeA}, maxAddrs, from, changed)
	h.v6 = q.open(now, key{name, dns.TypeAAAA}, maxAddrs, from, changed)
	q.machines[name] = h
	return h
}

// hearAbsence takes the word of a host that it has addresses of one family only
// (RFC 6762 section 6.1), if it has some of that: nobody can hide a host so.
func (q *querier) hearAbsence(now time.Time, r record) {
	h := q.machines[r.name]
	nsec, ok := r.rr.(*dns.NSEC)
	if h == nil || !ok {
		return
	}
	v4 := slices.Contains(nsec.TypeBitMap, dns.TypeA)
	v6 := slices.Contains(nsec.TypeBitMap, dns.TypeAAAA)
	switch {
	case v4 && !v6 && h.v4.holds():
		q.absent(now, h.v6, r.ttl)
	case v6 && !v4 && h.v6.holds():
		q.absent(now, h.v4, r.ttl)
	}
}

// addrsOf returns the addresses of a host in the order that they are to be tried in.
// Those that others took the place of count for another second: a host with two links
// to one network tells of each alone (RFC 6762 section 10.2).
func (q *querier) addrsOf(h *machine) []netip.Addr {
	var addrs []netip.Addr
	for _, s := range []*set{h.v4, h.v6} {
		alive := s.holds() // else those that die are better than none
		for _, e := range s.entries {
			addr, ok := addrOf(e.value, q.link.Name)
			if ok && (!e.dying || e.displaced || !alive) {
				addrs = append(addrs, addr)
			}
		}
	}
	sortAddrs(addrs)
	return addrs
}

// inForce returns port and host of a service; the host is empty if the service is not
// to be had.
func (s *set) inForce() (port uint16, target string) {
	e := s.current()
	if e == nil {
		return 0, ""
	}
	port = binary.BigEndian.Uint16([]byte(e.value[4:]))
	target = e.value[6:]
	if port == 0 || target == "." {
		return 0, ""
	}
	return port, target
}

// saidGoodbye tells whether an instance took back both its pointer and its service:
// nobody else who offers the same is likely to bring it back. Where a stranger did so
// its owner has the time to object (RFC 6762 sections 6.6 and 10.1).
func (i *instance) saidGoodbye() bool {
	return i.browse.pointers.entries[i.name].bye && i.service.current().bye
}

// tell tells of an instance what is new.
func (q *querier) tell(now time.Time, i *instance) {
	port, target := i.service.inForce()
	if target == "" || i.saidGoodbye() {
		i.known = time.Time{}
		q.cache.timers.stop(&i.patience)
		if i.told != nil {
			lost := *i.told
			q.setVague(now, i)
			q.emit(Event{Lost, lost})
		}
		return
	}
	seen := Instance{
		Name: i.label, Type: i.browse.serviceType, Link: q.link.Index,
		Host: plainName(target), Port: port, Addrs: i.machine.addrs,
	}
	if e := i.text.current(); e != nil {
		seen.Text = textOf(e.value)
	} else if i.told != nil {
		seen.Text = i.told.Text
	}
	if i.told == nil {
		q.tellFirst(now, i, seen)
		return
	}
	if i.told.differs(seen) {
		i.told = &seen
		q.emit(Event{Changed, seen})
	}
}

// tellFirst tells of an instance that is found, when enough of it is known.
func (q *querier) tellFirst(now time.Time, i *instance, seen Instance) {
	if i.known.IsZero() {
		i.known = now
	}
	if over := i.known.Add(patience); now.Before(over) && (len(seen.Addrs) == 0 || len(i.text.entries) == 0) {
		q.cache.timers.set(&i.patience, over)
		return
	}
	q.cache.timers.stop(&i.patience)
	i.told = &seen
	q.vague.Remove(i.vague)
	i.vague = nil
	q.emit(Event{Found, seen})
}

// differs tells whether anything of an instance changed that can.
func (i *Instance) differs(o Instance) bool {
	return i.Host != o.Host || i.Port != o.Port || !slices.Equal(i.Addrs, o.Addrs) || !slices.Equal(i.Text, o.Text)
}
