package bonjour

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// hops is the time to live of all that is sent (RFC 6762 section 11).
const hops = 255

// A socket is one of one family, on one interface. Exactly one of p4 and p6 is set.
type socket struct {
	v6, asks bool
	index    int    // of the interface
	name     string // of the interface
	p4       *ipv4.PacketConn
	p6       *ipv6.PacketConn
}

// joinGroup opens a socket that hears what is sent to the group on an interface.
func joinGroup(i *net.Interface, v6 bool) (*socket, error) {
	conn, err := listenGroup(groupOf(v6), i.Index)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(conn, i, v6)
	if err != nil {
		return nil, err
	}
	group := &net.UDPAddr{IP: groupOf(v6).Addr().AsSlice()}
	if v6 {
		err = s.p6.JoinGroup(i, group)
	} else {
		err = s.p4.JoinGroup(i, group)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// openAsker opens a socket on a port that nobody else has.
func openAsker(i *net.Interface, v6 bool) (*socket, error) {
	network := "udp4"
	if v6 {
		network = "udp6"
	}
	conn, err := net.ListenPacket(network, ":0")
	if err != nil {
		return nil, err
	}
	s, err := newSocket(conn, i, v6)
	if err != nil {
		return nil, err
	}
	s.asks = true
	return s, nil
}

// newSocket sets what the two kinds have in common. It closes conn if it fails.
func newSocket(conn net.PacketConn, i *net.Interface, v6 bool) (*socket, error) {
	s := &socket{v6: v6, index: i.Index, name: i.Name}
	var steps []func() error
	if v6 {
		p := ipv6.NewPacketConn(conn)
		s.p6 = p
		steps = []func() error{
			func() error { return p.SetMulticastInterface(i) },
			func() error { return p.SetMulticastHopLimit(hops) },
			func() error { return p.SetHopLimit(hops) },
			func() error { return p.SetMulticastLoopback(true) },
			func() error { return p.SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true) },
		}
	} else {
		p := ipv4.NewPacketConn(conn)
		s.p4 = p
		steps = []func() error{
			func() error { return p.SetMulticastInterface(i) },
			func() error { return p.SetMulticastTTL(hops) },
			func() error { return p.SetTTL(hops) },
			func() error { return p.SetMulticastLoopback(true) },
			func() error { return p.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true) },
		}
	}
	if !tellsInterface {
		steps = steps[:len(steps)-1]
	}
	for _, step := range steps {
		if err := step(); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return s, nil
}

// read returns the next packet; ok is false for one of another interface. Where the
// system does not say what a packet was sent to, it counts as sent to the group.
func (s *socket) read(buf []byte) (n int, meta Meta, ok bool, err error) {
	var from net.Addr
	var to net.IP
	index := s.index
	if s.v6 {
		var cm *ipv6.ControlMessage
		if n, cm, from, err = s.p6.ReadFrom(buf); cm != nil {
			index, to = cm.IfIndex, cm.Dst
		}
	} else {
		var cm *ipv4.ControlMessage
		if n, cm, from, err = s.p4.ReadFrom(buf); cm != nil {
			index, to = cm.IfIndex, cm.Dst
		}
	}
	if err != nil {
		return 0, Meta{}, false, err
	}
	udp, isUDP := from.(*net.UDPAddr)
	if !isUDP {
		return 0, Meta{}, false, nil
	}
	addr := udp.AddrPort().Addr().Unmap()
	if tellsInterface && addr.Zone() != "" {
		addr = addr.WithZone(s.name)
	}
	meta = Meta{
		From: netip.AddrPortFrom(addr, udp.AddrPort().Port()),
		V6:   s.v6, Asked: s.asks, Multicast: !s.asks && (to == nil || to.IsMulticast()),
	}
	return n, meta, index == s.index, nil
}

// write sends a packet out of the interface.
func (s *socket) write(packet []byte, to netip.AddrPort) error {
	if zone := to.Addr().Zone(); zone != "" && zone != s.name {
		return fmt.Errorf("%v is on another link", to)
	}
	dst := net.UDPAddrFromAddrPort(to)
	if tellsInterface {
		dst.Zone = "" // the control message says it
	}
	var err error
	if s.v6 {
		_, err = s.p6.WriteTo(packet, &ipv6.ControlMessage{IfIndex: s.index}, dst)
	} else {
		_, err = s.p4.WriteTo(packet, &ipv4.ControlMessage{IfIndex: s.index}, dst)
	}
	return err
}

func (s *socket) close() error {
	if s.v6 {
		return s.p6.Close()
	}
	return s.p4.Close()
}
