//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package bonjour

import (
	"net"
	"net/netip"
)

// tellsInterface: the system does not say which interface a packet came by.
const tellsInterface = false

// listenGroup opens a socket for port 5353 that others may have too. Given a group,
// package net binds it to all addresses.
func listenGroup(group netip.AddrPort, _ int) (net.PacketConn, error) {
	if group.Addr().Is6() {
		return net.ListenPacket("udp6", group.String())
	}
	return net.ListenPacket("udp4", group.String())
}
