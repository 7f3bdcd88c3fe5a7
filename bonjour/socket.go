package bonjour

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// The groups of multicast DNS (RFC 6762 section 3).
var (
	group4 = netip.AddrPortFrom(netip.AddrFrom4([4]byte{224, 0, 0, 251}), Port)
	group6 = netip.AddrPortFrom(netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0xfb}), Port)
)

// SystemNetwork is the network that the machine is attached to.
//
// Its sockets listen to the groups alone where the system lets them (Linux, macOS
// and the BSDs), so that a responder of the system keeps the unicast packets for
// port 5353. On Windows they take those too, and tell the links apart by the
// networks that packets come from.
func SystemNetwork() Network { return systemNetwork{} }

type systemNetwork struct{}

// Links lists the interfaces that are up, have a cable and an address, and can do
// multicast. Loopback is never among them, even if there is nothing else, nor are
// links to a single other machine, as those of a VPN: nobody is near there.
func (systemNetwork) Links() ([]Link, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("bonjour: list the interfaces: %w", err)
	}
	var links []Link
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		if l, ok := linkOf(i, addrs); ok {
			links = append(links, l)
		}
	}
	return links, nil
}

// linkOf makes a link of an interface, and reports whether it is one to speak on.
func linkOf(i net.Interface, addrs []net.Addr) (Link, bool) {
	const need, never = net.FlagUp | net.FlagRunning | net.FlagMulticast, net.FlagLoopback | net.FlagPointToPoint
	l := Link{Index: i.Index, Name: i.Name}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(n.IP)
		bits, size := n.Mask.Size()
		addr = addr.Unmap()
		if !ok || size != addr.BitLen() || addr.IsUnspecified() || addr.IsMulticast() {
			continue
		}
		l.Addrs = append(l.Addrs, netip.PrefixFrom(addr, bits))
	}
	return l, i.Flags&need == need && i.Flags&never == 0 && len(l.Addrs) > 0
}

// Open joins the groups of those families that the link has addresses of. It fails
// if none can be joined.
func (systemNetwork) Open(link Link) (Conn, error) {
	i, err := net.InterfaceByIndex(link.Index)
	if err != nil {
		return nil, fmt.Errorf("bonjour: open %s: %w", link.Name, err)
	}
	c := newSocketConn(link, i)
	var failures []error
	for v, has := range link.families() {
		v6 := v == 1
		if !has {
			continue
		}
		s, err := joinGroup(i, v6)
		if err != nil {
			failures = append(failures, fmt.Errorf("bonjour: join %v on %s: %w", groupOf(v6).Addr(), link.Name, err))
			continue
		}
		c.groups = append(c.groups, s)
	}
	if len(c.groups) == 0 {
		return nil, errors.Join(append(failures, c.Close())...)
	}
	for _, s := range c.groups {
		c.receive(s)
	}
	return c, nil
}

func groupOf(v6 bool) netip.AddrPort {
	if v6 {
		return group6
	}
	return group4
}
