package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// listenAddrs turns the --sip-listen flag, or the setting of that name, into
// the addresses to listen on, and the port asked for, 0 for any.
func listenAddrs(text string) ([]netip.AddrPort, netip.AddrPort, error) {
	if text == "" {
		addrs, err := usableAddrs()
		return addrs, netip.AddrPort{}, err
	}
	addr, port := text, 0
	if host, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil, netip.AddrPort{}, fmt.Errorf("listening address %q: %q is no port", text, p)
		}
		addr, port = host, int(n)
	}
	a, err := netip.ParseAddr(addr)
	if err != nil || a.IsUnspecified() {
		return nil, netip.AddrPort{}, fmt.Errorf("listening address %q must be an address of this machine, such as 192.0.2.7 or 127.0.0.1:5060", text)
	}
	ap := netip.AddrPortFrom(a, uint16(port))
	return []netip.AddrPort{ap}, ap, nil
}

// usableAddrs lists the addresses of the interfaces that are up, the loopback
// one last. Link-local IPv6 addresses are left out: they mean nothing without a
// zone, which SIP cannot carry.
func usableAddrs() ([]netip.AddrPort, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("network interfaces: %w", err)
	}
	var addrs, loopback []netip.AddrPort
	for _, ifc := range ifaces {
		if ifc.Flags&net.FlagUp == 0 {
			continue
		}
		list, err := ifc.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range list {
			ip, err := netip.ParsePrefix(a.String())
			if err != nil || ip.Addr().IsLinkLocalUnicast() && ip.Addr().Is6() {
				continue
			}
			ap := netip.AddrPortFrom(ip.Addr(), 0)
			if ip.Addr().IsLoopback() {
				if ip.Addr().Is4() {
					loopback = append(loopback, ap)
				}
				continue
			}
			addrs = append(addrs, ap)
		}
	}
	return append(addrs, loopback...), nil
}
