package sip

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// A connection whose far end is gone is noticed by the system within half a
// minute: at rest by these probes, else by unanswered data (see [limitUnanswered]).
var tcpProbes = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// systemNetwork is the machine's own [Network].
type systemNetwork struct{}

var _ Network = systemNetwork{}

func (systemNetwork) ListenPacket(ctx context.Context, local netip.AddrPort) (net.PacketConn, error) {
	var lc net.ListenConfig
	return lc.ListenPacket(ctx, "udp", local.String())
}

func (systemNetwork) Listen(ctx context.Context, local netip.AddrPort) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: tcpProbes, Control: limitUnanswered}
	return lc.Listen(ctx, "tcp", local.String())
}

// Dial connects; TCP_NODELAY is on, as it is for every connection of package net.
func (systemNetwork) Dial(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: tcpProbes, Control: limitUnanswered}
	if local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d.DialContext(ctx, "tcp", remote.String())
}

// Source asks the system's routing table by connecting a datagram socket, which
// sends nothing.
func (systemNetwork) Source(remote netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, 9)))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return addrPort(c.LocalAddr()).Addr()
}

// addrPort reads an address of package net, or of one that prints like it.
func addrPort(a net.Addr) netip.AddrPort {
	var p netip.AddrPort
	switch a := a.(type) {
	case nil:
		return p
	case *net.UDPAddr:
		p = a.AddrPort()
	case *net.TCPAddr:
		p = a.AddrPort()
	default:
		p, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
