package bonjour

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// A plainCache says of a cache of one set what is to be in it, in the words of the
// RFC and without any haste: all that was ever heard is looked at every time.
type plainCache struct {
	limit     int
	newest    bool // counts, so that the oldest makes way
	all       []plainRecord
	hearCount int
}

type plainRecord struct {
	value       string
	ttl         time.Duration
	heard, ends time.Duration // since the beginning
	number      int           // of what was heard
	dying, gone bool
	refreshes   []time.Duration // when
}

func (p *plainCache) at(now time.Duration) {
	for i := range p.all {
		if r := &p.all[i]; !r.gone && r.ends <= now {
			r.gone = true
		}
	}
}

func (p *plainCache) find(value string) *plainRecord {
	for i := range p.all {
		if !p.all[i].gone && p.all[i].value == value {
			return &p.all[i]
		}
	}
	return nil
}

func (p *plainCache) die(r *plainRecord, at time.Duration) {
	r.ends = min(r.ends, at)
	r.dying = true
}

func (p *plainCache) hear(now, ttl time.Duration, value string, flush bool, jitter float64) {
	p.hearCount++
	r := p.find(value)
	if ttl == 0 {
		if r != nil {
			p.die(r, now+900*time.Millisecond)
		}
		return
	}
	alive := 0
	for i := range p.all {
		o := &p.all[i]
		if o.gone {
			continue
		}
		alive++
		if flush && now-o.heard > time.Second {
			p.die(o, now+time.Second)
		}
	}
	if r == nil {
		if alive == p.limit && !p.evict() {
			return
		}
		p.all = append(p.all, plainRecord{value: value})
		r = &p.all[len(p.all)-1]
	}
	ttl = min(ttl, 75*time.Minute)
	*r = plainRecord{value: value, ttl: ttl, heard: now, ends: now + ttl, number: p.hearCount}
	for _, percent := range []float64{80, 85, 90, 95} {
		r.refreshes = append(r.refreshes, now+time.Duration((percent/100+jitter)*float64(ttl)))
	}
}

// evict takes the one that was not heard of for longest, of those that die if there
// are any.
func (p *plainCache) evict() bool {
	for _, dying := range []bool{true, false} {
		var first *plainRecord
		for i := range p.all {
			r := &p.all[i]
			if !r.gone && r.dying == dying && (first == nil || r.number < first.number) {
				first = r
			}
		}
		if first != nil && (dying || p.newest) {
			first.gone = true
			return true
		}
	}
	return false
}

// state writes what is there at a time, and what was refreshed until then.
func (p *plainCache) state(now time.Duration) string {
	var lines []string
	for i := range p.all {
		r := &p.all[i]
		if r.gone {
			continue
		}
		count := 0
		for _, at := range r.refreshes {
			if at <= now {
				count++
			}
		}
		if r.dying {
			count = -1
		}
		lines = append(lines, fmt.Sprintf("%s until %v, %d refreshes", r.value, r.ends, count))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (c *cache) state(s *set, begin time.Time) string {
	var lines []string
	for _, e := range s.entries {
		refreshes := e.refreshes
		if e.dying {
			refreshes = -1
		}
		lines = append(lines, fmt.Sprintf("%s until %v, %d refreshes", e.value, e.ends.Sub(begin), refreshes))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// A heardRecord is a step of a test: time that passes, and then what is heard.
type heardRecord struct {
	after  time.Duration
	value  string
	ttl    time.Duration
	flush  bool
	jitter float64
}

func (h heardRecord) String() string {
	return fmt.Sprintf("after %v: %q for %v, flush %v, jitter %v", h.after, h.value, h.ttl, h.flush, h.jitter)
}

func randomSteps(r *rand.Rand) []heardRecord {
	waits := []time.Duration{0, 0, 0, 1, time.Millisecond, 500 * time.Millisecond, time.Second, time.Second + 1, 10 * time.Second, 100 * time.Second, 20 * time.Minute, time.Hour}
	ttls := []time.Duration{0, 0, time.Second, 10 * time.Second, 120 * time.Second, 120 * time.Second, 75 * time.Minute, 1<<31*time.Second - 1}
	steps := make([]heardRecord, 1+r.IntN(40))
	for i := range steps {
		steps[i] = heardRecord{
			after: waits[r.IntN(len(waits))], value: string(rune('a' + r.IntN(5))),
			ttl: ttls[r.IntN(len(ttls))], flush: r.IntN(3) == 0, jitter: 0.02 * r.Float64(),
		}
	}
	return steps
}

// playSteps puts steps into a cache and into the plain one and returns where they
// differ; empty if they do not.
func playSteps(steps []heardRecord, rtype uint16) string {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newCache(func(time.Time, *entry) {})
	present := make(map[string]bool) // what the calls of changed say
	var s *set
	s = c.open(key{"h.local.", rtype}, 3, func(_ time.Time, e *entry) { present[e.value] = s.entries[e.value] == e })
	p := &plainCache{limit: 3, newest: rtype == dns.TypeTXT}
	now := begin
	for i, step := range steps {
		now = now.Add(step.after)
		c.timers.run(now)
		p.at(now.Sub(begin))
		compare := func(when string) string {
			if diff := cmp.Diff(p.state(now.Sub(begin)), c.state(s, begin)); diff != "" {
				return fmt.Sprintf("step %d, %s (-want +got):\n%s", i, when, diff)
			}
			for value, is := range present {
				if is != (s.entries[value] != nil) {
					return fmt.Sprintf("step %d, %s: told that %s is there: %v", i, when, value, is)
				}
			}
			return ""
		}
		if diff := compare("waited"); diff != "" {
			return diff
		}
		c.put(hearing{now: now, order: uint64(i + 1), jitter: step.jitter}, s, record{key: s.key, ttl: step.ttl, flush: step.flush}, step.value)
		p.hear(now.Sub(begin), step.ttl, step.value, step.flush, step.jitter)
		if diff := compare("heard"); diff != "" {
			return diff
		}
		if next := c.timers.next(); !next.IsZero() && !next.After(now) {
			return fmt.Sprintf("step %d: a timer is overdue", i)
		}
	}
	return ""
}

func TestCacheIsAsPlain(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 500
	}
	for seed := range uint64(n) {
		steps := randomSteps(rand.New(rand.NewPCG(seed, 1)))
		rtype := []uint16{dns.TypeA, dns.TypeTXT}[seed%2]
		if playSteps(steps, rtype) == "" {
			continue
		}
		for shrunk := true; shrunk; { // leave out all that does not matter
			shrunk = false
			for i := range steps {
				if fewer := slices.Delete(slices.Clone(steps), i, i+1); playSteps(fewer, rtype) != "" {
					steps, shrunk = fewer, true
					break
				}
			}
		}
		t.Fatalf("seed %d: steps %v: %s", seed, steps, playSteps(steps, rtype))
	}
}
