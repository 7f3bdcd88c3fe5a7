package sip

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// What is used of STUN (RFC 8489): a binding request without attributes and its
// answer, to keep a flow by UDP open (RFC 5626 section 3.5.2).
const (
	stunMagic     = 0x2112A442
	stunHeader    = 20
	stunRequest   = 0x0001
	stunSuccess   = 0x0101
	stunFailure   = 0x0111
	stunMapped    = 0x0001
	stunXORMapped = 0x0020
	stunIPv4      = 1
	stunIPv6      = 2

	stunFirstWait = 500 * time.Millisecond // doubled after each request
	stunTries     = 5                      // 15.5 s in all
)

type stunID [12]byte

// A stunWait is a binding request that is out.
type stunWait struct {
	local, remote netip.AddrPort
	seen          chan netip.AddrPort
}

// stunBinding asks the server at the end of f at which address it sees us. It
// blocks until the answer, for at most 15.5 s.
func (e *Endpoint) stunBinding(ctx context.Context, f flow) (netip.AddrPort, error) {
	var id stunID
	_, _ = rand.Read(id[:]) // never fails
	w := stunWait{f.local, f.route.Addr, make(chan netip.AddrPort, 1)}
	e.mu.Lock()
	e.stun[id] = w
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.stun, id)
	}()
	wait := stunFirstWait
	for range stunTries {
		e.writeDatagram(net.UDPAddrFromAddrPort(f.local), net.UDPAddrFromAddrPort(f.route.Addr), stunQuestion(id))
		late := time.NewTimer(wait)
		wait *= 2
		select {
		case seen := <-w.seen:
			late.Stop()
			return seen, nil
		case <-f.over():
			late.Stop()
			return netip.AddrPort{}, errAddressGone
		case <-ctx.Done():
			late.Stop()
			return netip.AddrPort{}, ctx.Err()
		case <-late.C:
		}
	}
	return netip.AddrPort{}, fmt.Errorf("%w: %w", errNoPong, ErrTimeout)
}

func stunQuestion(id stunID) []byte {
	b := make([]byte, stunHeader)
	binary.BigEndian.PutUint16(b, stunRequest)
	binary.BigEndian.PutUint32(b[4:], stunMagic)
	copy(b[8:], id[:])
	return b
}

// gotSTUN takes in a datagram if it is an answer to a binding request: SIP never
// begins with such bytes. Answers that nobody waits for are dropped.
func (e *Endpoint) gotSTUN(local, remote net.Addr, b []byte) bool {
	kind, id, seen, ok := parseSTUN(b)
	if !ok {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	w, known := e.stun[id]
	if known && w.local == addrPort(local) && w.remote == addrPort(remote) && (kind == stunFailure || seen.IsValid()) {
		select {
		case w.seen <- seen: // of a failure: alive, but no address
		default:
		}
	}
	return true
}

// parseSTUN reads a STUN message. seen is the mapped address, if there is one.
// ok is false for anything that is no answer to a binding request.
func parseSTUN(b []byte) (kind uint16, id stunID, seen netip.AddrPort, ok bool) {
	if len(b) < stunHeader || binary.BigEndian.Uint32(b[4:]) != stunMagic {
		return 0, id, seen, false
	}
	kind = binary.BigEndian.Uint16(b)
	if kind != stunSuccess && kind != stunFailure {
		return 0, id, seen, false
	}
	copy(id[:], b[8:])
	body := b[stunHeader:]
	if n := int(binary.BigEndian.Uint16(b[2:])); n < len(body) {
		body = body[:n]
	}
	for len(body) >= 4 {
		name, size := binary.BigEndian.Uint16(body), int(binary.BigEndian.Uint16(body[2:]))
		if size > len(body)-4 {
			break
		}
		value := body[4 : 4+size]
		switch name {
		case stunXORMapped:
			if a, ok := stunAddress(value, b[4:stunHeader]); ok {
				return kind, id, a, true
			}
		case stunMapped:
			if a, ok := stunAddress(value, make([]byte, 16)); ok {
				seen = a
			}
		}
		body = body[min(4+(size+3)&^3, len(body)):]
	}
	return kind, id, seen, true
}

// stunAddress reads a MAPPED-ADDRESS, or with the message's magic and id for key
// an XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).
func stunAddress(v, key []byte) (netip.AddrPort, bool) {
	size := map[int]int{8: 4, 20: 16}[len(v)]
	if size == 0 || v[1] != stunIPv4 && v[1] != stunIPv6 || (v[1] == stunIPv4) != (size == 4) {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(v[2:]) ^ binary.BigEndian.Uint16(key)
	ip := make([]byte, size)
	for i := range ip {
		ip[i] = v[4+i] ^ key[i]
	}
	a, ok := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), port), ok
}
