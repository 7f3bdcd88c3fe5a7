//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package bonjour

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// tellsInterface: the system says which interface a packet came by.
const tellsInterface = true

// listenGroup opens a socket for port 5353 that others may have too. It is bound to
// the address of the group, if the system allows it, and takes no other packets.
// Package net would bind it to all addresses.
func listenGroup(group netip.AddrPort, index int) (net.PacketConn, error) {
	family, port := unix.AF_INET, int(group.Port())
	var here, everywhere unix.Sockaddr
	if group.Addr().Is6() {
		family = unix.AF_INET6
		here = &unix.SockaddrInet6{Port: port, Addr: group.Addr().As16(), ZoneId: uint32(index)}
		everywhere = &unix.SockaddrInet6{Port: port}
	} else {
		here = &unix.SockaddrInet4{Port: port, Addr: group.Addr().As4()}
		everywhere = &unix.SockaddrInet4{Port: port}
	}
	f, err := sharedSocket(family)
	if err != nil {
		return nil, err
	}
	defer f.Close() // FilePacketConn has a copy
	if unix.Bind(int(f.Fd()), here) != nil {
		if err := unix.Bind(int(f.Fd()), everywhere); err != nil {
			return nil, os.NewSyscallError("bind", err)
		}
	}
	return net.FilePacketConn(f)
}

// sharedSocket opens a socket whose port others may have too.
func sharedSocket(family int) (*os.File, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, unix.IPPROTO_UDP)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "multicast")
	if err := share(fd, family); err != nil {
		f.Close()
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return f, nil
}
