// Package bonjourtest provides a network in memory for tests of multicast DNS: it
// has hosts with links that come and go, loses, delays and doubles packets on
// request, takes packets from addresses that nobody has, and records everything.
//
// Everything is made of channels and package time, so it works inside
// testing/synctest bubbles. A packet takes no time unless the hook says so.
package bonjourtest

import (
	"slices"
	"sync"
	"time"

	"parley/bonjour"
)

// LAN is the segment that the first link of every host is on.
const LAN = "lan"

// A Verdict says what becomes of a packet on its way to one receiver. The zero
// value delivers it at once.
type Verdict struct {
	Lost   bool
	Delay  time.Duration
	Copies int // how many come beside the first
}

// A Hook decides about a packet for each receiver of it, named as in
// [Network.Host]; the sender is one of them where the packet is for the group. It
// runs on the sender's goroutine and must not send.
type Hook func(p Packet, to string) Verdict

// A Network joins hosts. Its segments, as "lan", are separate: nothing passes from
// one to another. It may be used from any goroutine.
type Network struct {
	mu      sync.Mutex // guards everything, also of hosts, links and conns
	hook    Hook
	packets []Packet
	conns   []*conn
	port    uint16 // that was given to a Conn last, to ask from
}

// NewNetwork returns a network without hosts.
func NewNetwork() *Network { return &Network{port: 50000} }

// SetHook replaces the hook; nil delivers everything at once.
func (n *Network) SetHook(h Hook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = h
}

// Packets returns everything sent so far, oldest first, each packet once however
// many got it.
func (n *Network) Packets() []Packet {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.packets)
}

// Sent returns what a host has sent so far, oldest first.
func (n *Network) Sent(host string) []Packet {
	return slices.DeleteFunc(n.Packets(), func(p Packet) bool { return p.Host != host })
}

// Forget empties the record of packets.
func (n *Network) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.packets = nil
}

// Host adds a host with one link, "eth0" on [LAN], that has these addresses, as
// "10.0.0.1/24". A host that was killed can be added again under its name.
func (n *Network) Host(name string, addrs ...string) *Host {
	h := &Host{n: n, name: name}
	h.AddLink("eth0", LAN, addrs...)
	return h
}

// Inject sends a packet to the group on a segment, from an address and port that
// nobody needs to have, as "10.0.0.9:5353" or "[fe80::9]:5353". Every link on the
// segment that has joined the group of that family gets it.
func (n *Network) Inject(segment, from string, data []byte) {
	n.send(packetFrom(segment, from, "", data))
}

// InjectUnicast sends a packet to one address on a segment. It reaches the host
// with that address even at port 5353, as it does on systems that hand such
// packets to every socket.
func (n *Network) InjectUnicast(segment, from, to string, data []byte) {
	n.send(packetFrom(segment, from, to, data))
}

// send records a packet and hands it to those who get it.
func (n *Network) send(p Packet) {
	n.mu.Lock()
	n.packets = append(n.packets, p)
	hook := n.hook
	var receivers []*conn
	for _, c := range n.conns {
		if c.gets(p) {
			receivers = append(receivers, c)
		}
	}
	n.mu.Unlock()
	for _, c := range receivers {
		var v Verdict
		if hook != nil {
			v = hook(p, c.host.name)
		}
		if v.Lost {
			continue
		}
		for range 1 + v.Copies {
			if v.Delay > 0 {
				time.AfterFunc(v.Delay, func() { c.put(p) })
			} else {
				c.put(p)
			}
		}
	}
}

var _ bonjour.Network = (*Host)(nil)
