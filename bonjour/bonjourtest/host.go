package bonjourtest

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"parley/bonjour"
)

// A Host is one machine on a [Network]: the [bonjour.Network] of one engine.
type Host struct {
	n    *Network
	name string

	// All that follows is guarded by the network's lock.
	links   []*link
	index   int // of the link added last
	dead    bool
	unicast bool
	noLinks error
	noOpen  error
	noSend  error
}

// A link is an interface of a host.
type link struct {
	index         int
	name, segment string
	pulled        bool
	addrs         []netip.Prefix
}

// Name is the host's name, as [Packet.Host] has it.
func (h *Host) Name() string { return h.name }

// AddLink adds an interface on a segment.
func (h *Host) AddLink(name, segment string, addrs ...string) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.index = max(h.index, 1) + 1 // 1 is the loopback interface
	h.links = append(h.links, &link{index: h.index, name: name, segment: segment, addrs: prefixes(addrs)})
}

// RemoveLink takes an interface out of the machine.
func (h *Host) RemoveLink(name string) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.links = slices.DeleteFunc(h.links, func(l *link) bool { return l.name == name })
}

// SetAddrs gives a link other addresses, or none.
func (h *Host) SetAddrs(name string, addrs ...string) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.link(name).addrs = prefixes(addrs)
}

// Pull takes the cable out of a link: it is listed no more, nothing comes in, and
// sending fails. Conns stay open.
func (h *Host) Pull(name string) { h.setPulled(name, true) }

// Plug puts the cable back.
func (h *Host) Plug(name string) { h.setPulled(name, false) }

func (h *Host) setPulled(name string, pulled bool) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.link(name).pulled = pulled
}

// Kill takes the host off the network as the end of power does: nothing that it
// sends from now on gets anywhere, though no send fails, and nothing reaches it.
func (h *Host) Kill() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.dead = true
}

// TakeUnicast says whether packets sent to port 5353 of the host alone reach it.
// They do not at first: as on a machine with a responder of its own, which gets
// them.
func (h *Host) TakeUnicast(take bool) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.unicast = take
}

// FailLinks makes Links fail with an error, until it is nil.
func (h *Host) FailLinks(err error) { h.fail(&h.noLinks, err) }

// FailOpen makes Open fail with an error, until it is nil.
func (h *Host) FailOpen(err error) { h.fail(&h.noOpen, err) }

// FailSend makes Multicast and Unicast fail with an error, until it is nil.
func (h *Host) FailSend(err error) { h.fail(&h.noSend, err) }

func (h *Host) fail(what *error, err error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	*what = err
}

// OpenConns returns how many Conns of the host are not closed.
func (h *Host) OpenConns() int {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	count := 0
	for _, c := range h.n.conns {
		if c.host == h {
			count++
		}
	}
	return count
}

// Links lists the links that have a cable and an address.
func (h *Host) Links() ([]bonjour.Link, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if h.noLinks != nil {
		return nil, h.noLinks
	}
	var up []bonjour.Link
	for _, l := range h.links {
		if !l.pulled && len(l.addrs) > 0 {
			up = append(up, bonjour.Link{Index: l.index, Name: l.name, Addrs: slices.Clone(l.addrs)})
		}
	}
	return up, nil
}

// Open joins the groups of those families that the link has addresses of now.
func (h *Host) Open(on bonjour.Link) (bonjour.Conn, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if h.noOpen != nil {
		return nil, h.noOpen
	}
	for _, l := range h.links {
		if l.index == on.Index && !l.pulled {
			h.n.port++
			c := &conn{host: h, link: l, port: h.n.port, ready: make(chan struct{}, 1), closed: make(chan struct{})}
			c.v4, c.v6 = l.source(false).IsValid(), l.source(true).IsValid()
			h.n.conns = append(h.n.conns, c)
			return c, nil
		}
	}
	return nil, fmt.Errorf("bonjourtest: %s of %s: %w", on.Name, h.name, syscall.ENODEV)
}

// link returns a link by name; a test that names one that is not there is wrong.
// The caller holds the lock.
func (h *Host) link(name string) *link {
	for _, l := range h.links {
		if l.name == name {
			return l
		}
	}
	panic("bonjourtest: " + h.name + " has no link " + name)
}

// source is the address that multicast of a family is sent from, invalid without
// one. The caller holds the lock.
func (l *link) source(v6 bool) netip.Addr {
	var source netip.Addr
	for _, p := range l.addrs {
		a := p.Addr()
		if a.Is6() != v6 {
			continue
		}
		if a.IsLinkLocalUnicast() && v6 {
			return a
		}
		if !source.IsValid() {
			source = a
		}
	}
	return source
}

// has reports whether an address is one of the link's. The caller holds the lock.
func (l *link) has(a netip.Addr) bool {
	return slices.ContainsFunc(l.addrs, func(p netip.Prefix) bool { return p.Addr() == a.WithZone("") })
}

func prefixes(texts []string) []netip.Prefix {
	var list []netip.Prefix
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}
