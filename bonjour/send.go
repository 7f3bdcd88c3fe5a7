package bonjour

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// multicast sends a message to everybody on a link.
func (e *Engine) multicast(now time.Time, a *attachment, m message) {
	for _, p := range e.pack(a, m) {
		e.echoes.sent(now, a, p)
		e.sent(a, a.conn.Multicast(p))
	}
}

// ask sends a query to everybody on a link such that the answers come to us alone. It
// has to fit into one packet.
func (e *Engine) ask(now time.Time, a *attachment, m message) {
	if packets := e.pack(a, m); len(packets) == 1 {
		a.askedAt = now
		e.echoes.sent(now, a, packets[0])
		e.sent(a, a.conn.Ask(packets[0]))
	}
}

// unicast sends a message to one address on a link. That it may not get there is no
// matter of the link.
func (e *Engine) unicast(a *attachment, m message, to netip.AddrPort) {
	for _, p := range e.pack(a, m) {
		if err := a.conn.Unicast(p, to); err != nil {
			e.log.Debug("Bonjour answer could not be sent", "link", a.link.Name, "error", err)
		}
	}
}

func (e *Engine) pack(a *attachment, m message) [][]byte {
	packets, err := m.pack(packetSize)
	if err != nil {
		e.log.Warn("Bonjour message could not be sent whole", "link", a.link.Name, "error", err)
	}
	return packets
}

// sent notes whether a packet could be sent.
func (e *Engine) sent(a *attachment, err error) {
	if err == nil {
		a.fails, a.pause, a.err = 0, 0, nil
		return
	}
	a.fails++
	if a.fails >= maxFails {
		a.err = err
	}
}

const (
	// echoTime is how long a packet of ours may take to come back.
	echoTime = 2 * time.Second
	// maxEchoes is how many are waited for.
	maxEchoes = 1024
)

// Echoes knows the packets that were just sent to everybody: they come back, once for
// each family, and by other links that are joined to theirs. The address they come
// from does not tell: another program of this machine sends from it too, and it may
// have changed since the links were looked at. If somebody else says the very same at
// the same time, one of the two is taken for ours, and it does not matter which.
type echoes struct {
	seed    maphash.Seed
	expect  map[echo]*echoCount
	inOrder []echo
}

// An echo is a packet on a link.
type echo struct {
	hash uint64
	link *attachment
	v6   bool
}

type echoCount struct {
	until time.Time
	left  int
}

func newEchoes() echoes { return echoes{seed: maphash.MakeSeed(), expect: map[echo]*echoCount{}} }

// sent notes a packet that goes out on a link.
func (s *echoes) sent(now time.Time, a *attachment, packet []byte) {
	for len(s.inOrder) > 0 && (len(s.inOrder) >= maxEchoes || now.After(s.expect[s.inOrder[0]].until)) {
		delete(s.expect, s.inOrder[0])
		s.inOrder = s.inOrder[1:]
	}
	hash := maphash.Bytes(s.seed, packet)
	for _, v6 := range []bool{false, true} {
		k := echo{hash, a, v6}
		c := s.expect[k]
		if c == nil {
			c = &echoCount{}
			s.expect[k] = c
			s.inOrder = append(s.inOrder, k)
		}
		c.until = now.Add(echoTime)
		c.left++
	}
}

// heard reports whether a packet is one of ours that came back.
func (s *echoes) heard(now time.Time, a *attachment, packet []byte, from Meta, mine func(netip.Addr) bool) bool {
	if !from.Multicast {
		return false
	}
	hash := maphash.Bytes(s.seed, packet)
	if c := s.expect[echo{hash, a, from.V6}]; c != nil && c.left > 0 && !now.After(c.until) {
		c.left--
		return true
	}
	if !mine(from.From.Addr()) {
		return false
	}
	for k, c := range s.expect { // by another link
		if k.hash == hash && k.link != a && k.v6 == from.V6 && !now.After(c.until) {
			return true
		}
	}
	return false
}
