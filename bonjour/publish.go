package bonjour

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// The life of records (RFC 6762 section 10).
const (
	hostTTL  = 120 * time.Second // of what has the name of the host in it
	otherTTL = 4500 * time.Second
)

// How often the text of a service may change: ten times a minute (RFC 6762 section 8.4),
// also one soon after the other.
const (
	updateInterval = 250 * time.Millisecond
	updatePause    = 6 * time.Second
	updateBurst    = 10
)

// A Publication is a service that an [Engine] publishes.
type Publication struct {
	engine  *Engine
	service Service // Name is clean
	on      func(PublicationEvent)

	// What follows belongs to the engine's loop.
	subject subject
	number  int // of the name in use; 0 and 1 are the name that is wanted
	told    PublicationEvent
	ever    bool // anything was told

	changed  bool      // the text may be new
	updateAt time.Time // when it may be looked at, at the earliest
	spent    time.Time // when all updates so far are made up for by pauses
}

// Publish makes a service known on every link. Its name is cut to 63 bytes and cleaned
// of control characters. On is told, from the engine's goroutine, how far that has
// come and under which name; it must not block and may be nil. The error tells what is
// wrong with the name or the type, or is [ErrClosed].
func (e *Engine) Publish(s Service, on func(PublicationEvent)) (*Publication, error) {
	name, err := instanceLabel(s.Name)
	if err != nil {
		return nil, err
	}
	if err := checkType(s.Type); err != nil {
		return nil, err
	}
	s.Name = name
	p := &Publication{engine: e, service: s, on: on}
	if !e.post(func(now time.Time) { e.publish(now, p) }) {
		return nil, ErrClosed
	}
	return p, nil
}

// Update tells that the text of the service changed: Service.Text is asked again, and
// what is new is announced, at once or a quarter of a second after the last time. Texts
// that change more than ten times a minute are looked at every six seconds.
func (p *Publication) Update() {
	p.engine.post(func(time.Time) { p.changed = true })
}

// update takes the new text, if there is one and its time has come. It returns when that
// will be: zero if there is none.
func (p *Publication) update(now time.Time) time.Time {
	switch {
	case !p.changed:
		return time.Time{}
	case p.updateAt.After(now):
		return p.updateAt
	}
	if p.spent.Before(now) {
		p.spent = now
	}
	p.spent = p.spent.Add(updatePause)
	p.changed, p.updateAt = false, now.Add(updateInterval)
	if next := p.spent.Add(-(updateBurst - 1) * updatePause); next.After(p.updateAt) {
		p.updateAt = next
	}
	p.engine.set(now, &p.subject)
	return time.Time{}
}

// Withdraw takes the service back. It returns at once; no event comes once the goodbye
// is said.
func (p *Publication) Withdraw() {
	e := p.engine
	e.post(func(now time.Time) {
		e.publications = slices.DeleteFunc(e.publications, func(o *Publication) bool { return o == p })
		for _, a := range e.working() {
			a.responder.drop(now, &p.subject, true)
			if len(e.publications) == 0 { // nobody needs the name of the host
				a.responder.drop(now, &e.host.subject, true)
			}
		}
	})
}

// publish begins to publish.
func (e *Engine) publish(now time.Time, p *Publication) {
	p.subject.label = e.freeName(p)
	e.publications = append(e.publications, p)
	if len(e.publications) == 1 {
		e.set(now, &e.host.subject)
	}
	e.set(now, &p.subject)
}

// freeName returns the name for a publication that no other of ours has, and that was
// not taken before.
func (e *Engine) freeName(p *Publication) string {
	for {
		name := numbered(p.service.Name, p.number)
		if !slices.ContainsFunc(e.publications, func(o *Publication) bool {
			return o != p && fold(o.service.Type) == fold(p.service.Type) && fold(o.subject.label) == fold(name)
		}) {
			return name
		}
		p.number = max(p.number, 1) + 1
	}
}

// working returns the links that can be spoken on.
func (e *Engine) working() []*attachment {
	var list []*attachment
	for _, a := range e.attachments {
		if a.conn != nil {
			list = append(list, a)
		}
	}
	return list
}

// subjects returns what has a name, the host first.
func (e *Engine) subjects() []*subject {
	if len(e.publications) == 0 {
		return nil
	}
	list := []*subject{&e.host.subject}
	for _, p := range e.publications {
		list = append(list, &p.subject)
	}
	return list
}

// set makes a subject what it is to be now on every link. It is the will of the program,
// or of somebody who started it, and no event on the network: no long delay is needed.
func (e *Engine) set(now time.Time, s *subject) {
	for _, a := range e.working() {
		a.responder.set(now, s, e.spec(s, a.link), start{now, startDelay}, true)
	}
}

// publishOn makes everything what it is to be now on one link.
func (e *Engine) publishOn(now time.Time, a *attachment) {
	begin := start{now, probeDelay}
	if !e.looked { // the program was just started
		begin.spread = startDelay
	}
	for _, s := range e.subjects() {
		a.responder.set(now, s, e.spec(s, a.link), begin, true)
	}
}

// spec says what a subject is on a link.
func (e *Engine) spec(s *subject, l Link) spec {
	if s == &e.host.subject {
		return hostSpec(e.host.name(), l)
	}
	i := slices.IndexFunc(e.publications, func(p *Publication) bool { return &p.subject == s })
	return e.publications[i].spec(e.host.name(), l)
}

// hostSpec says what the host is on a link: a name with addresses. There is no name of
// the addresses: they have that of the system's own responder.
func hostSpec(name string, l Link) spec {
	s := spec{name: name, host: true}
	for _, p := range sortedAddrs(l) {
		if a := p.Addr().Unmap(); a.Is4() {
			s.unique = append(s.unique, newRecord(name, dns.TypeA, hostTTL, true, &dns.A{A: a.AsSlice()}))
		} else {
			s.unique = append(s.unique, newRecord(name, dns.TypeAAAA, hostTTL, true, &dns.AAAA{AAAA: a.AsSlice()}))
		}
	}
	return s
}

// spec says what the service is on a link (RFC 6763 sections 4 to 6 and 9).
func (p *Publication) spec(host string, l Link) spec {
	typed := typeName(p.service.Type)
	name := instanceName(p.subject.label, p.service.Type)
	return spec{
		name: name,
		unique: []record{
			newRecord(name, dns.TypeSRV, hostTTL, true, &dns.SRV{Port: p.service.Port, Target: host}),
			newRecord(name, dns.TypeTXT, otherTTL, true, &dns.TXT{Txt: p.text(l)}),
		},
		shared: []record{newRecord(typed, dns.TypePTR, otherTTL, false, &dns.PTR{Ptr: name})},
		meta:   []record{newRecord(metaName, dns.TypePTR, otherTTL, false, &dns.PTR{Ptr: typed})},
	}
}

// text returns the strings of the TXT record in presentation form. What does not fit is
// left out.
func (p *Publication) text(l Link) []string {
	if p.service.Text == nil {
		return nil
	}
	l.Addrs = append([]netip.Prefix(nil), l.Addrs...)
	var list []string
	length := 0
	for _, s := range p.service.Text(l) {
		if length+1+len(s) > maxText || len(s) > 255 {
			p.engine.log.Warn("Bonjour text of a service is too long", "service", p.service.Type, "bytes", len(s))
			continue
		}
		length += 1 + len(s)
		list = append(list, escapeText(s))
	}
	return list
}

// report tells the owner of a publication of a change.
func (e *Engine) report(p *Publication, status Status) {
	v := PublicationEvent{State: Announced, Name: p.subject.label, Err: status.Err}
	if v.Err == nil && e.storm.heavy() {
		v.Err = ErrConflict
	}
	if status.Err != nil {
		v.State = Probing
	}
	for _, a := range e.attachments {
		if a.works() && !a.responder.announced(&p.subject) {
			v.State = Probing
		}
	}
	if v.State == Announced {
		v.Err = nil
	}
	if p.ever && v.State == p.told.State && v.Name == p.told.Name && errorText(v.Err) == errorText(p.told.Err) {
		return
	}
	p.ever, p.told = true, v
	if p.on != nil {
		p.on(v)
	}
}
