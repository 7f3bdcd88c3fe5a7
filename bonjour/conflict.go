package bonjour

import (
	"cmp"
	"slices"
	"time"
)

const (
	// Fifteen conflicts within ten seconds are a storm; then there is a pause before
	// each try (RFC 6762 section 8.1).
	stormConflicts = 15
	stormTime      = 10 * time.Second
	stormPause     = 5 * time.Second
	// A storm that goes on makes the pauses long: somebody takes every name.
	heavyConflicts = 2 * stormConflicts
	heavyPause     = time.Minute
	// calm is how long there must be no conflict until all is well again.
	calm = 2 * time.Minute
	// maxConflicts is how many are looked at at a time; what is left comes again.
	maxConflicts = 1000
	// Numbers of names go up one by one as long as they are small. Where all of those are
	// taken there are many of the name, and a leap by chance of up to maxLeap soon finds
	// one that is free. After maxNumber it begins anew.
	smallNumber = 10
	maxLeap     = 99
	maxNumber   = 999
)

// A hostName is the name of this machine.
type hostName struct {
	subject subject
	wanted  string
	number  int
}

// want says what the first label of the name is to be.
func (h *hostName) want(label string) {
	h.wanted = cmp.Or(hostLabel(label), "host")
	h.subject.label = h.wanted
}

// name returns the name of the machine.
func (h *hostName) name() string { return escapeLabel(h.subject.label) + "." + domain }

// A storm counts conflicts.
type storm struct {
	recent []time.Time // the last of them, at most stormConflicts
	last   time.Time
	count  int // since it was calm
	raging bool
}

// hit counts a conflict and returns how long to wait before the next try.
func (s *storm) hit(now time.Time) time.Duration {
	if now.Sub(s.last) > calm {
		*s = storm{}
	}
	s.last = now
	s.count++
	s.recent = append(s.recent, now)
	if extra := len(s.recent) - stormConflicts; extra > 0 {
		s.recent = s.recent[extra:]
	}
	if len(s.recent) == stormConflicts && now.Sub(s.recent[0]) <= stormTime {
		s.raging = true
	}
	switch {
	case !s.raging:
		return 0
	case s.heavy():
		return heavyPause
	}
	return stormPause
}

// heavy reports whether somebody seems to take every name.
func (s *storm) heavy() bool { return s.raging && s.count >= heavyConflicts }

// dispute notes a conflict for resolve.
func (e *Engine) dispute(c conflict) {
	if len(e.conflicts) < maxConflicts {
		e.conflicts = append(e.conflicts, c)
	}
}

// resolve deals with the conflicts that were seen since it was called last. A name that
// was ours already is probed for anew: the other side may give way. One that was not
// yet is given up for another (RFC 6762 section 9).
func (e *Engine) resolve(now time.Time) {
	if len(e.conflicts) == 0 {
		return
	}
	e.look(now) // another program of ours may have seen a new address sooner
	conflicts := slices.DeleteFunc(e.conflicts, func(c conflict) bool { return e.says(c.theirs) })
	e.conflicts = nil
	if len(conflicts) == 0 {
		return
	}
	at := now.Add(e.storm.hit(now))
	renamed := map[*subject]bool{}
	for _, c := range conflicts {
		if c.probing && !renamed[c.subject] && slices.Contains(e.subjects(), c.subject) {
			renamed[c.subject] = true
			e.rename(now, c, at)
		}
	}
	for _, c := range conflicts {
		if !renamed[c.subject] {
			c.link.reprobe(c.subject, at)
		}
	}
}

// rename gives a subject another name, on every link. Where the conflict is there is
// no goodbye: the records of the old name are those of somebody else now.
func (e *Engine) rename(now time.Time, c conflict, at time.Time) {
	old := c.subject.label
	if c.subject == &e.host.subject {
		e.host.number = e.nextNumber(e.host.number)
		e.host.subject.label = numberedHost(e.host.wanted, e.host.number)
	} else {
		i := slices.IndexFunc(e.publications, func(p *Publication) bool { return &p.subject == c.subject })
		p := e.publications[i]
		p.number = e.nextNumber(p.number)
		p.subject.label = e.freeName(p)
	}
	e.log.Info("Bonjour name is taken by somebody else", "name", old, "instead", c.subject.label)
	for _, a := range e.working() {
		for _, s := range e.subjects() { // services have the name of the host in them
			if s == c.subject || c.subject == &e.host.subject {
				a.responder.set(now, s, e.spec(s, a.link), start{at, probeDelay}, a.responder != c.link)
			}
		}
	}
}

// nextNumber returns the number to try after one.
func (e *Engine) nextNumber(n int) int {
	switch {
	case n < smallNumber:
		return max(n, 1) + 1
	case n >= maxNumber:
		return 2
	}
	return n + 1 + int(e.random()*maxLeap)
}

// says reports whether a record is one of this machine's, on any link.
func (e *Engine) says(rec record) bool {
	return slices.ContainsFunc(e.working(), func(a *attachment) bool { return a.responder.says(rec) })
}
