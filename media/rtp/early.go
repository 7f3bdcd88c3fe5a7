package rtp

import (
	"net/netip"
	"time"
)

// Who offers must be ready for media at once (RFC 3264 section 5.1), but learns
// only from the answer what it is. What comes between the two is kept: at most
// earlyPackets, the newest, and none older than earlyTime.
const (
	earlyPackets = 8
	earlyTime    = 150 * time.Millisecond
)

// early holds packets that came before the session was configured. It belongs to
// the goroutine that reads.
type early struct {
	kept [earlyPackets]struct {
		from netip.AddrPort
		at   time.Duration
		data []byte
	}
	next int
	any  bool
}

// keep copies a packet, in place of the oldest where there is no room.
func (e *early) keep(b []byte, from netip.AddrPort, now time.Duration) {
	k := &e.kept[e.next%earlyPackets]
	k.from, k.at, k.data = from, now, append(k.data[:0], b...)
	e.next++
	e.any = true
}

// each hands out what was kept from remote, oldest first, and forgets all.
func (e *early) each(remote netip.AddrPort, now time.Duration, use func(b []byte, at time.Duration)) {
	for i := range e.kept {
		k := &e.kept[(e.next+i)%earlyPackets]
		if k.data != nil && k.from == remote && now-k.at <= earlyTime {
			use(k.data, k.at)
		}
	}
	*e = early{}
}
