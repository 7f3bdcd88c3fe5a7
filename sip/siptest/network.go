// Package siptest provides what tests of signalling need: a network in memory
// that loses, delays and records on request, and peers that speak raw text.
//
// Everything is made of channels and package time, so it works inside
// testing/synctest bubbles, where a call of thirty seconds takes no time.
package siptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Packet is a datagram, or one write to a stream, on its way.
type Packet struct {
	Time      time.Time
	Transport string // "udp" or "tcp"
	From, To  netip.AddrPort
	Data      []byte
	Dropped   bool
}

// Summary is the method of a request or code and method of a response, such as
// "INVITE" or "200 BYE", and "" for anything else.
func (p Packet) Summary() string { return Summary(p.Data) }

// A Hook decides about each datagram: it is lost if drop is true, else delivered
// after delay. It runs on the sender's goroutine and must not send.
type Hook func(p Packet) (delay time.Duration, drop bool)

// A Network carries datagrams and streams between its hosts. It may be used from
// any goroutine. The zero value is ready.
type Network struct {
	mu        sync.Mutex
	hook      Hook
	packets   []Packet
	sockets   map[netip.AddrPort]*packetConn
	listeners map[netip.AddrPort]*listener
	conns     map[*conn]struct{}
	down      map[netip.Addr]bool
	port      uint16
}

// SetHook replaces the hook; nil delivers everything at once.
func (n *Network) SetHook(h Hook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = h
}

// Packets returns everything sent so far, oldest first.
func (n *Network) Packets() []Packet {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Packet(nil), n.packets...)
}

// Host returns the host with the given address. It satisfies sip.Network.
func (n *Network) Host(addr string) *Host {
	return &Host{n: n, addrs: []netip.Addr{netip.MustParseAddr(addr)}}
}

// BreakStreams closes every open connection, as a restart of a server does.
func (n *Network) BreakStreams() {
	n.mu.Lock()
	open := make([]*conn, 0, len(n.conns))
	for c := range n.conns {
		open = append(open, c)
	}
	n.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// SetLink cuts an address off, or brings it back. Nothing reaches an address that
// is cut off, or comes from there; sockets stay open and do not notice, and what
// was written to a stream meanwhile is lost. Nobody can listen there.
func (n *Network) SetLink(addr string, up bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down == nil {
		n.down = map[netip.Addr]bool{}
	}
	n.down[netip.MustParseAddr(addr)] = !up
}

// cut reports whether either address is cut off. The caller holds the lock.
func (n *Network) cut(a, b netip.AddrPort) bool { return n.down[a.Addr()] || n.down[b.Addr()] }

// StallStreams makes every open connection go silent for ever without being
// closed, as a router does that forgets them.
func (n *Network) StallStreams() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.stalled.Store(true)
		c.other.stalled.Store(true)
	}
}

func (n *Network) freePort() uint16 {
	if n.port < 40000 {
		n.port = 40000
	}
	n.port++
	return n.port
}

// record notes a packet and asks the hook.
func (n *Network) record(p Packet) (delay time.Duration, drop bool) {
	n.mu.Lock()
	h := n.hook
	drop = n.cut(p.From, p.To)
	n.mu.Unlock()
	if h != nil && p.Transport == "udp" && !drop {
		delay, drop = h(p)
	}
	p.Dropped = drop
	n.mu.Lock()
	defer n.mu.Unlock()
	n.packets = append(n.packets, p)
	return delay, drop
}

// A Host is one address on a [Network], or several.
type Host struct {
	n     *Network
	addrs []netip.Addr // guarded by the network's lock
}

// SetAddrs gives the host other addresses, or none. Sockets on an address that it
// has no more stay open, cut off from the network.
func (h *Host) SetAddrs(addrs ...string) {
	for _, a := range h.Addrs() {
		h.n.SetLink(a.String(), false)
	}
	list := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		list[i] = netip.MustParseAddr(a)
		h.n.SetLink(a, true)
	}
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.addrs = list
}

// Addrs returns the host's addresses.
func (h *Host) Addrs() []netip.Addr {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return slices.Clone(h.addrs)
}

// Addr returns the host's first address, or an invalid one if it has none.
func (h *Host) Addr() netip.Addr {
	if addrs := h.Addrs(); len(addrs) > 0 {
		return addrs[0]
	}
	return netip.Addr{}
}

// Source returns the host's first address.
func (h *Host) Source(netip.Addr) netip.Addr { return h.Addr() }

func (h *Host) own(local netip.AddrPort) (netip.AddrPort, error) {
	if !slices.Contains(h.Addrs(), local.Addr()) {
		return local, fmt.Errorf("siptest: listen on %v: %w", local, ErrNotHere)
	}
	return local, nil
}

// ListenPacket opens a datagram socket.
func (h *Host) ListenPacket(_ context.Context, local netip.AddrPort) (net.PacketConn, error) {
	local, err := h.own(local)
	if err != nil {
		return nil, err
	}
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if local.Port() == 0 {
		local = netip.AddrPortFrom(local.Addr(), h.n.freePort())
	}
	if h.n.sockets[local] != nil {
		return nil, errors.New("siptest: address in use")
	}
	c := &packetConn{n: h.n, local: local, in: make(chan datagram, 4096), done: make(chan struct{})}
	if h.n.sockets == nil {
		h.n.sockets = map[netip.AddrPort]*packetConn{}
	}
	h.n.sockets[local] = c
	return c, nil
}

// Listen opens a stream listener.
func (h *Host) Listen(_ context.Context, local netip.AddrPort) (net.Listener, error) {
	local, err := h.own(local)
	if err != nil {
		return nil, err
	}
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if local.Port() == 0 {
		local = netip.AddrPortFrom(local.Addr(), h.n.freePort())
	}
	if h.n.listeners[local] != nil {
		return nil, errors.New("siptest: address in use")
	}
	l := &listener{n: h.n, local: local, in: make(chan net.Conn, 64), done: make(chan struct{})}
	if h.n.listeners == nil {
		h.n.listeners = map[netip.AddrPort]*listener{}
	}
	h.n.listeners[local] = l
	return l, nil
}

var (
	// ErrRefused is the error of [Host.Dial] where nobody listens.
	ErrRefused = errors.New("siptest: connection refused")
	// ErrNotHere is the error for an address that the host does not have.
	ErrNotHere = errors.New("siptest: not an address of this host")
)

// Dial opens a stream from the given address, or from the host's first one if
// that is invalid. It fails at once with [ErrRefused] where nobody listens, and when
// ctx ends where nothing gets through.
func (h *Host) Dial(ctx context.Context, from netip.Addr, remote netip.AddrPort) (net.Conn, error) {
	if !from.IsValid() {
		from = h.Addr()
	}
	if _, err := h.own(netip.AddrPortFrom(from, 0)); err != nil {
		return nil, err
	}
	return h.DialFrom(ctx, netip.AddrPortFrom(from, 0), remote)
}

// DialFrom is [Host.Dial] from a port of the caller's choice, whoever has it
// already and whatever address the host has; 0 is any free one.
func (h *Host) DialFrom(ctx context.Context, local, remote netip.AddrPort) (net.Conn, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if local.Port() == 0 {
		local = netip.AddrPortFrom(local.Addr(), h.n.freePort())
	}
	if h.n.cut(local, remote) {
		h.n.mu.Unlock()
		<-ctx.Done()
		h.n.mu.Lock()
		return nil, ctx.Err()
	}
	l := h.n.listeners[remote]
	if l == nil {
		return nil, ErrRefused
	}
	here, there := newPipe(h.n, local, remote)
	select {
	case l.in <- there:
	default:
		return nil, ErrRefused
	}
	if h.n.conns == nil {
		h.n.conns = map[*conn]struct{}{}
	}
	h.n.conns[here] = struct{}{}
	return here, nil
}
