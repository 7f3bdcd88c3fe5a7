package middleware

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/bonjour"
	"parley/sip"
)

const (
	// maxString is the longest string of a TXT record, in bytes.
	maxString = 255
	// maxLabel is the longest name of a service instance, in bytes (RFC 6763 section
	// 4.1.1), and of a host.
	maxLabel = 63
)

// An offer is a way to call us that is published as one service.
type offer struct {
	service, name string
	transport     string
	port          uint16
}

// A publication is an offer that the engine was given.
type publication struct {
	*bonjour.Publication
	name      string // as it is on the network
	announced bool
	failed    string // why it is not
}

// An advert is what neighbours are told of us. It never changes.
type advert struct {
	user, id, key     string
	name, state, note string
	host              string
	locals            []sip.Local
}

// same reports whether two adverts say the same.
func (a *advert) same(o *advert) bool {
	return a.user == o.user && a.id == o.id && a.key == o.key && a.name == o.name && a.state == o.state && a.note == o.note &&
		a.host == o.host && slices.Equal(a.locals, o.locals)
}

// newAdvert returns what there is to tell now.
func (l *lan) newAdvert() *advert {
	app := l.b.app
	a := &advert{
		user: app.local.user, id: l.id, name: l.b.displayName(), note: app.settings.Get().Bonjour.Note,
		host: machineOf(app.config.HostName), locals: app.local.Addrs(),
	}
	if id, err := app.config.Profile.Identity(); err == nil && id.Leaf != nil {
		a.key = keyOf(id.Leaf)
	}
	switch app.UserStatus() {
	case Online:
		a.state = string(NeighbourAvailable)
	case Away:
		a.state = string(NeighbourAway)
	case DoNotDisturb:
		a.state = string(NeighbourBusy)
	}
	return a
}

// offers lists the services to publish: none while the person is offline.
func (a *advert) offers() []offer {
	if a.state == "" {
		return nil
	}
	var list []offer
	add := func(service, name, transport string) {
		for _, l := range a.locals {
			if l.Transport == transport {
				list = append(list, offer{service, name, transport, l.Addr.Port()})
				return
			}
		}
	}
	shown := cut(Neighbour{Name: a.name, Host: a.host}.Title(), maxLabel)
	if shown == "" {
		shown = a.user
	}
	add(serviceTCP, a.user+"-tls", "tls")
	add(serviceTCP, a.user+"-tcp", "tcp")
	add(serviceUDP, a.user+"-udp", "udp")
	add(phoneTCP, shown, "tcp")
	add(phoneUDP, shown, "udp")
	return list
}

// text returns the strings of the TXT record of o on a link. Where we have no
// address it tells no contact.
func (a *advert) text(o offer, link bonjour.Link) []string {
	list := []string{"txtvers=1", "name=" + a.name}
	if addr, ok := a.addrOn(o, link); ok {
		c := contact{transport: o.transport, addr: netip.AddrPortFrom(addr, o.port), user: a.user}
		list = append(list, "contact=<"+c.uri().String()+">")
	}
	list = append(list, "instance_id="+a.id, "state="+a.state)
	if a.note != "" {
		list = append(list, "note="+a.note)
	}
	if a.key != "" {
		list = append(list, "key="+a.key)
	}
	for i := range list {
		list[i] = cut(list[i], maxString)
	}
	return list
}

// addrOn returns the address on a link where o is served: IPv4, or else IPv6 that
// is not link-local.
func (a *advert) addrOn(o offer, link bonjour.Link) (netip.Addr, bool) {
	var found netip.Addr
	for _, p := range link.Addrs {
		addr := p.Addr()
		served := slices.Contains(a.locals, sip.Local{Transport: o.transport, Addr: netip.AddrPortFrom(addr, o.port)})
		if !served || addr.Is6() && addr.IsLinkLocalUnicast() {
			continue
		}
		if addr.Is4() {
			return addr, true
		}
		if !found.IsValid() {
			found = addr
		}
	}
	return found, found.IsValid()
}

// cut returns s in at most most bytes, and whole characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// hostLabel makes a host name of our own from that of the machine.
func hostLabel(machine string) string {
	machine, _, _ = strings.Cut(machine, ".")
	label := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return -1
	}, machine)
	const room = 5 // for the engine to number it
	label = strings.Trim(cut(label, maxLabel-len(hostSuffix)-room), "-")
	return strings.TrimPrefix(label+hostSuffix, "-")
}

// publish tells the network what is to be told by now.
func (l *lan) publish() {
	old, now := l.advert.Load(), l.newAdvert()
	if old != nil && old.same(now) {
		return
	}
	l.advert.Store(now)
	want := now.offers()
	for _, o := range l.offered() {
		if !slices.Contains(want, o) {
			l.withdraw(o)
		} else {
			l.offers[o].Update()
		}
	}
	told := false
	for _, o := range want {
		if l.offers[o] != nil {
			continue
		}
		if !told {
			told = true
			l.b.app.bus.Publish(BonjourAccountWillRegister{})
		}
		l.offer(o)
	}
}

func (l *lan) offer(o offer) {
	p := &publication{name: o.name}
	service := bonjour.Service{Name: o.name, Type: o.service, Port: o.port, Text: func(link bonjour.Link) []string {
		if a := l.advert.Load(); a != nil {
			return a.text(o, link)
		}
		return nil
	}}
	var err error
	p.Publication, err = l.engine.Publish(service, func(ev bonjour.PublicationEvent) {
		l.queue.Put(func() { l.gotPublication(o, p, ev) })
	})
	if err != nil {
		l.log.Error("Service cannot be announced", "type", o.service, "err", err)
		l.b.app.bus.Publish(BonjourAccountRegistrationDidFail{Reason: sip.CleanText(err.Error(), 200), Transport: o.transport})
		return
	}
	l.offers[o] = p
}

// gotPublication takes in how a service is getting on. Once it is announced it stays
// so while further links are asked whether its name is free.
func (l *lan) gotPublication(o offer, p *publication, ev bonjour.PublicationEvent) {
	if l.offers[o] != p {
		return
	}
	switch {
	case ev.Err != nil:
		l.gotStatus(l.engine.Status()) // what it cannot do from the start it does not tell otherwise
		p.announced = false
		if reason := sip.CleanText(ev.Err.Error(), 200); p.failed != reason {
			p.failed = reason
			l.b.app.bus.Publish(BonjourAccountRegistrationDidFail{Reason: reason, Transport: o.transport})
		}
	case ev.State == bonjour.Announced && (!p.announced || p.name != ev.Name):
		if p.announced { // renamed
			l.b.app.bus.Publish(BonjourAccountRegistrationDidEnd{Name: p.name, Transport: o.transport})
		}
		p.name, p.announced, p.failed = ev.Name, true, ""
		l.b.app.bus.Publish(BonjourAccountRegistrationDidSucceed{Name: p.name, Transport: o.transport})
	}
	l.tell()
}

// offered lists what is published, in a fixed order.
func (l *lan) offered() []offer {
	return slices.SortedFunc(maps.Keys(l.offers), func(a, b offer) int {
		return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.transport, b.transport), strings.Compare(a.name, b.name))
	})
}

func (l *lan) withdraw(o offer) {
	p := l.offers[o]
	delete(l.offers, o)
	p.Withdraw()
	if p.announced {
		l.b.app.bus.Publish(BonjourAccountRegistrationDidEnd{Name: p.name, Transport: o.transport})
	}
}
