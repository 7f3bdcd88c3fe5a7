package rtp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Ports that are tried when no range is asked for.
const (
	defaultMinPort = 16384
	defaultMaxPort = 32767
)

// ErrNoPort means that every pair of ports in the range is taken.
var ErrNoPort = errors.New("rtp: no free pair of ports")

// A Network opens sockets. A test hands in one that lives in memory.
type Network interface {
	ListenPacket(netip.AddrPort) (net.PacketConn, error)
}

// System is the real network. Its sockets ask for expedited forwarding (RFC 3246)
// where the system allows that.
type System struct{}

// ListenPacket opens a UDP socket.
func (System) ListenPacket(at netip.AddrPort) (net.PacketConn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	const expedited = 46 << 2 // DSCP EF in the TOS byte
	// Refused on some systems; the call works without.
	if at.Addr().Is4() {
		_ = ipv4.NewConn(conn).SetTOS(expedited)
	} else {
		_ = ipv6.NewConn(conn).SetTrafficClass(expedited)
	}
	return conn, nil
}

// Listen opens a pair of sockets at addr: an even port for RTP and the next one
// for RTCP (RFC 3550 section 11), between the ports low and high, both included;
// low 0 means a range of Listen's own. It begins at a random pair and tries them
// all before it fails with [ErrNoPort].
func Listen(network Network, addr netip.Addr, low, high int, rand io.Reader) (voice, control net.PacketConn, err error) {
	if low == 0 {
		low, high = defaultMinPort, defaultMaxPort
	}
	low += low % 2
	pairs := (high - low + 1) / 2
	if pairs < 1 || low < 0 || high > 65535 {
		return nil, nil, fmt.Errorf("rtp: no pair of ports between %d and %d", low, high)
	}
	var b [4]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, nil, fmt.Errorf("rtp: random numbers: %w", err)
	}
	first := int(be32(b[:]) % uint32(pairs))
	var last error
	for i := range pairs {
		port := uint16(low + 2*((first+i)%pairs))
		if voice, err = network.ListenPacket(netip.AddrPortFrom(addr, port)); err != nil {
			last = err
			continue
		}
		if control, err = network.ListenPacket(netip.AddrPortFrom(addr, port+1)); err == nil {
			return voice, control, nil
		}
		voice.Close()
		last = err
	}
	return nil, nil, fmt.Errorf("%w at %v: %w", ErrNoPort, addr, last)
}
