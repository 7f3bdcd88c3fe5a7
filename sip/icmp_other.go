//go:build !linux

package sip

import (
	"net"
	"net/netip"
)

// An errorQueue holds the ICMP messages about what a socket has sent. Only Linux
// has it; elsewhere an unreachable address is known by its silence.
type errorQueue struct{}

func openErrorQueue(net.PacketConn) *errorQueue { return nil }

func (*errorQueue) swallow(error, func(remote netip.AddrPort, quoted []byte, err error)) bool {
	return false
}
