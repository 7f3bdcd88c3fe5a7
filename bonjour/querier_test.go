package bonjour

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// An ear is a querier on a link, and what it said and told, with times since the
// start.
type ear struct {
	*querier
	t     testing.TB
	begin time.Time
	now   time.Time
	log   []string
	sent  []message
}

var testLink = Link{Index: 3, Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}

// listen returns a querier for which chance is always the same.
func listen(t testing.TB, chance float64) *ear {
	e := &ear{t: t, begin: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	e.now = e.begin
	e.querier = newQuerier(testLink, func() float64 { return chance },
		func(m message) {
			e.sent = append(e.sent, m)
			e.note(asked(m))
		},
		func(m message) { e.note("alone " + asked(m)) },
		func(v Event) { e.note(told(v)) })
	return e
}

func (e *ear) note(what string) {
	e.log = append(e.log, fmt.Sprintf("%v %s", e.now.Sub(e.begin), what))
}

func asked(m message) string {
	var b strings.Builder
	b.WriteString("asks")
	for _, q := range m.questions {
		fmt.Fprintf(&b, " %s %s", dns.TypeToString[q.rtype], q.name)
	}
	if len(m.answers) > 0 {
		b.WriteString(" knowing")
	}
	for _, r := range m.answers {
		fmt.Fprintf(&b, " %s for %v", r.rr.(*dns.PTR).Ptr, r.ttl)
	}
	return b.String()
}

func told(v Event) string {
	kind := [...]string{"found", "changed", "lost"}[v.Kind]
	i := v.Instance
	return fmt.Sprintf("%s %q at %s:%d %v %q", kind, i.Name, i.Host, i.Port, i.Addrs, i.Text)
}

var fromPeer = Meta{From: netip.MustParseAddrPort("10.0.0.2:5353"), Multicast: true}

// hear takes an answer with the records of the lines; those that begin with "!" have
// the cache-flush bit.
func (e *ear) hear(lines ...string) { e.hearFrom(fromPeer, lines...) }

func (e *ear) hearFrom(from Meta, lines ...string) {
	e.t.Helper()
	e.handle(e.now, answers(e.t, lines...), from)
}

func answers(t testing.TB, lines ...string) *message {
	t.Helper()
	m := &message{response: true}
	for _, line := range lines {
		text, flush := strings.CutPrefix(line, "!")
		m.answers = append(m.answers, rec(t, text, flush))
	}
	return m
}

// run lets time pass, and stops wherever something is due.
func (e *ear) run(d time.Duration) {
	end := e.now.Add(d)
	for steps := 0; ; steps++ {
		next := e.due(e.now)
		if next.IsZero() || next.After(end) {
			break
		}
		if steps > 1_000_000 {
			e.t.Fatal("something is due for ever")
		}
		e.now = later(next, e.now)
	}
	e.now = end
	e.due(e.now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wants compares what was said and told since it was asked last.
func (e *ear) wants(want ...string) {
	e.t.Helper()
	if diff := cmp.Diff(want, e.log); diff != "" {
		e.t.Errorf("after %v (-want +got):\n%s", e.now.Sub(e.begin), diff)
	}
	e.log = nil
}

const (
	ptrAnna  = `_sipuri._udp.local. 4500 IN PTR Anna\ B._sipuri._udp.local.`
	srvAnna  = `!Anna\ B._sipuri._udp.local. 120 IN SRV 0 0 5060 annas.local.`
	txtAnna  = `!Anna\ B._sipuri._udp.local. 4500 IN TXT "txtvers=1" "name=Anna"`
	aAnna    = `!annas.local. 120 IN A 10.0.0.2`
	aaaaAnna = `!annas.local. 120 IN AAAA fe80::2`
)

func TestFoundInOnePacket(t *testing.T) {
	e := listen(t, 0.5)
	e.browse(e.now, "_sipuri._udp")
	e.run(100 * time.Millisecond)
	e.hear(ptrAnna, srvAnna, txtAnna, aAnna, aaaaAnna)
	e.run(10 * time.Second)
	e.hear(`!annas.local. 120 IN A 10.0.0.3`)
	e.hear(`!Anna\ B._sipuri._udp.local. 4500 IN TXT "txtvers=1" "name=Anna B"`)
	e.run(time.Second)
	e.hear(`_sipuri._udp.local. 0 IN PTR anna\ b._sipuri._udp.local.`)
	e.run(time.Second)
	e.wants(
		`70ms asks PTR _sipuri._udp.local.`,
		`100ms found "Anna B" at annas.local:5060 [10.0.0.2 fe80::2%eth0] ["txtvers=1" "name=Anna"]`,
		`1.07s asks PTR _sipuri._udp.local. knowing Anna\ B._sipuri._udp.local. for 1h14m59.03s`,
		`1.07s alone asks PTR _sipuri._udp.local. knowing Anna\ B._sipuri._udp.local. for 1h14m59.03s`,
		`3.07s asks PTR _sipuri._udp.local. knowing Anna\ B._sipuri._udp.local. for 1h14m57.03s`,
		`7.07s asks PTR _sipuri._udp.local. knowing Anna\ B._sipuri._udp.local. for 1h14m53.03s`,
		`10.1s changed "Anna B" at annas.local:5060 [10.0.0.2 10.0.0.3 fe80::2%eth0] ["txtvers=1" "name=Anna"]`,
		`10.1s changed "Anna B" at annas.local:5060 [10.0.0.2 10.0.0.3 fe80::2%eth0] ["txtvers=1" "name=Anna B"]`,
		`11.1s changed "Anna B" at annas.local:5060 [10.0.0.3 fe80::2%eth0] ["txtvers=1" "name=Anna B"]`,
		`12s lost "Anna B" at annas.local:5060 [10.0.0.3 fe80::2%eth0] ["txtvers=1" "name=Anna B"]`,
	)
}

// check looks whether the parts of a querier agree with each other, and whether each
// is within its bounds.
func (e *ear) check() {
	e.t.Helper()
	q := e.querier
	sets := make(map[*set]bool)
	timers := 0
	is := func(ok bool, what string, args ...any) {
		e.t.Helper()
		if !ok {
			e.t.Fatalf("after %v: "+what, append([]any{e.now.Sub(e.begin)}, args...)...)
		}
	}
	has := func(s *set) {
		is(q.cache.sets[s.key] == s, "set %v is not in the cache", s.key)
		is(len(s.entries) <= s.limit, "set %v has %d records", s.key, len(s.entries))
		sets[s] = true
		for value, v := range s.entries {
			is(v.set == s && v.value == value, "record of %v in the wrong place", s.key)
			is(v.timer.place > 0, "record of %v has no end", s.key)
			timers++
		}
		if s.next.place > 0 {
			timers++
		}
		is(s.series == (s.next.place > 0 || s.series && s.waiting), "set %v: series %v", s.key, s.series)
		is(!s.waiting || s.inLine, "set %v waits nowhere", s.key)
	}
	for name, b := range q.browses {
		has(b.pointers)
		is(b.pointers.name == name && b.pointers.series, "type %s is not browsed", name)
		for value := range b.pointers.entries {
			is(q.instances[value] != nil && q.instances[value].browse == b, "pointer to nowhere %s", value)
		}
	}
	vague, machines := 0, make(map[*machine]int)
	for name, i := range q.instances {
		is(i.browse.pointers.entries[name] != nil, "instance %s without a pointer", name)
		has(i.service)
		has(i.text)
		is(i.service.series == (len(i.service.entries) == 0), "instance %s: service is asked for: %v", name, i.service.series)
		is((i.told == nil) == (i.vague != nil), "instance %s is vague: %v", name, i.vague != nil)
		is(i.place.Value == i && i.source == q.sources.by[i.source.addr], "instance %s of nobody", name)
		if i.told == nil {
			vague++
		}
		if i.patience.place > 0 {
			timers++
		}
		if i.machine != nil {
			is(q.machines[i.machine.name] == i.machine, "instance %s on an unknown host", name)
			machines[i.machine]++
		}
	}
	is(vague == q.vague.Len(), "%d vague instances, list of %d", vague, q.vague.Len())
	for name, h := range q.machines {
		is(machines[h] == len(h.instances) && len(h.instances) > 0, "host %s has %d instances of %d", name, len(h.instances), machines[h])
		has(h.v4)
		has(h.v6)
	}
	sum := 0
	for _, s := range q.sources.heap {
		sum += s.instances.Len()
		is(s.instances.Len() <= q.sources.heap[0].instances.Len(), "the richest is not on top")
	}
	is(sum == len(q.instances) && sum <= maxInstances, "%d instances, sources have %d", len(q.instances), sum)
	is(len(sets) == len(q.cache.sets), "%d sets, %d are wanted", len(q.cache.sets), len(sets))
	is(timers == len(q.cache.timers.heap), "%d timers, %d are known", len(q.cache.timers.heap), timers)
	is(len(q.unsettled) == 0 && len(q.moved) == 0, "something is not settled")
}
