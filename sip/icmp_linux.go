package sip

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// An errorQueue holds the ICMP messages about what a socket has sent (ip(7),
// IP_RECVERR). Each makes one read or write on the socket fail, whomever that
// was for. A nil queue is of no effect.
type errorQueue struct{ raw syscall.RawConn }

const (
	// maxQueued bounds the messages taken at once.
	maxQueued = 64
	// quotedSize is enough for a Via header field, in which requests differ.
	quotedSize = 512

	icmpUnreachable   = 3 // RFC 792
	icmpv6Unreachable = 1 // RFC 4443 section 3.1
)

// openErrorQueue asks the system to keep ICMP messages for pc. It returns nil
// where pc is no socket of the system.
func openErrorQueue(pc net.PacketConn) *errorQueue {
	sc, ok := pc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	level, option := unix.IPPROTO_IP, unix.IP_RECVERR
	if !addrPort(pc.LocalAddr()).Addr().Is4() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), level, option, 1) })
	if err != nil || failed != nil {
		return nil
	}
	return &errorQueue{raw}
}

// swallow reports whether err, of a read or a write, tells of an ICMP message
// and not of the socket. If so the operation can be tried again. Before, it
// empties the queue and passes every address on that was found unreachable.
func (q *errorQueue) swallow(err error, tell func(remote netip.AddrPort, quoted []byte, err error)) bool {
	var errno syscall.Errno
	if q == nil || !errors.As(err, &errno) {
		return false
	}
	switch errno { // what the system makes of ICMP messages
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENONET, unix.ENOPROTOOPT,
		unix.EOPNOTSUPP, unix.EPROTO, unix.EACCES, unix.EMSGSIZE:
	default:
		return false
	}
	for range maxQueued {
		remote, quoted, reason, more := q.next()
		if !more {
			break
		}
		if reason != nil {
			tell(remote, quoted, reason)
		}
	}
	return true
}

// next takes a message out of the queue. reason is nil if it is about something
// else than a destination that cannot be reached.
func (q *errorQueue) next() (remote netip.AddrPort, quoted []byte, reason error, more bool) {
	data, control := make([]byte, quotedSize), make([]byte, 256)
	var n, cn int
	var from unix.Sockaddr
	var failed error
	err := q.raw.Control(func(fd uintptr) {
		n, cn, _, from, failed = unix.Recvmsg(int(fd), data, control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	})
	if err != nil || failed != nil {
		return remote, nil, nil, false
	}
	switch a := from.(type) { // where the datagram was meant to go
	case *unix.SockaddrInet4:
		remote = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		remote = netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	messages, err := unix.ParseSocketControlMessage(control[:cn])
	if err != nil {
		return remote, nil, nil, true
	}
	for _, m := range messages {
		if errno, ok := unreachableError(m); ok {
			return remote, data[:n], errno, true
		}
	}
	return remote, nil, nil, true
}

// unreachableError reads the struct sock_extended_err of a control message. RFC
// 3261 section 18.4 wants the unreachable errors noticed and others ignored, such
// as the time exceeded on the way.
func unreachableError(m unix.SocketControlMessage) (syscall.Errno, bool) {
	v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
	v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
	if !v4 && !v6 || len(m.Data) < 8 {
		return 0, false
	}
	errno, origin, kind := syscall.Errno(binary.NativeEndian.Uint32(m.Data)), m.Data[4], m.Data[5]
	switch {
	case origin == unix.SO_EE_ORIGIN_ICMP && kind == icmpUnreachable && errno != unix.EMSGSIZE: // a router's size limit
		return errno, true
	case origin == unix.SO_EE_ORIGIN_ICMP6 && kind == icmpv6Unreachable:
		return errno, true
	}
	return 0, false
}
