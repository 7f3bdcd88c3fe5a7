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
	return &Host{n: n, addr: netip.MustParseAddr(addr)}
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
	n.mu.Unlock()
	if h != nil && p.Transport == "udp" {
		delay, drop = h(p)
	}
	p.Dropped = drop
	n.mu.Lock()
	defer n.mu.Unlock()
	n.packets = append(n.packets, p)
	return delay, drop
}

// A Host is one address on a [Network].
type Host struct {
	n    *Network
	addr netip.Addr
}

// Addr returns the host's address.
func (h *Host) Addr() netip.Addr { return h.addr }

// Source returns the host's address: there is no other.
func (h *Host) Source(netip.Addr) netip.Addr { return h.addr }

func (h *Host) own(local netip.AddrPort) (netip.AddrPort, error) {
	if local.Addr() != h.addr {
		return local, fmt.Errorf("siptest: %v is not an address of %v", local, h.addr)
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

// ErrRefused is the error of [Host.Dial] where nobody listens.
var ErrRefused = errors.New("siptest: connection refused")

// Dial opens a stream. It fails at once with [ErrRefused] where nobody listens.
func (h *Host) Dial(_ context.Context, _ netip.Addr, remote netip.AddrPort) (net.Conn, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	l := h.n.listeners[remote]
	if l == nil {
		return nil, ErrRefused
	}
	local := netip.AddrPortFrom(h.addr, h.n.freePort())
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
