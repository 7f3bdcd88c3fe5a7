package rtp

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// counters are written on the session's goroutines and read by anybody.
type counters struct {
	packetsSent, octetsSent         atomic.Uint64
	packetsReceived, octetsReceived atomic.Uint64
	malformed, unwanted, foreign    atomic.Uint64
	unauthentic, sendFailures       atomic.Uint64

	lost        atomic.Int64
	jitter, rtt atomic.Int64 // nanoseconds
	remoteLost  atomic.Int64
	remoteLoss  atomic.Uint32 // of 256
	remoteJit   atomic.Int64
	source      atomic.Pointer[netip.AddrPort]
}

// Stats are the counts of a session so far.
type Stats struct {
	PacketsSent, OctetsSent         uint64 // octets of payload
	PacketsReceived, OctetsReceived uint64
	Lost                            int64 // received packets missing by their numbers
	Jitter                          time.Duration
	RTT                             time.Duration // 0 until known

	// What the far end reports about what it receives from us.
	RemoteLost     int64
	RemoteFraction float64 // of packets, in its last interval
	RemoteJitter   time.Duration

	Malformed   uint64 // not RTP or RTCP
	Unwanted    uint64 // of a payload type that was not agreed on
	Foreign     uint64 // from elsewhere than the latched source
	Unauthentic uint64 // SRTP that fails authentication or is replayed

	SendFailures uint64

	RemoteSeen netip.AddrPort // where valid packets come from; invalid until then
}

// Stats returns the present counts. It never blocks.
func (s *Session) Stats() Stats {
	c := &s.counters
	st := Stats{
		PacketsSent: c.packetsSent.Load(), OctetsSent: c.octetsSent.Load(),
		PacketsReceived: c.packetsReceived.Load(), OctetsReceived: c.octetsReceived.Load(),
		Lost:           c.lost.Load(),
		Jitter:         time.Duration(c.jitter.Load()),
		RTT:            time.Duration(c.rtt.Load()),
		RemoteLost:     c.remoteLost.Load(),
		RemoteFraction: float64(c.remoteLoss.Load()) / 256,
		RemoteJitter:   time.Duration(c.remoteJit.Load()),
		Malformed:      c.malformed.Load(),
		Unwanted:       c.unwanted.Load(),
		Foreign:        c.foreign.Load(),
		Unauthentic:    c.unauthentic.Load(),
		SendFailures:   c.sendFailures.Load(),
	}
	if from := c.source.Load(); from != nil {
		st.RemoteSeen = *from
	}
	return st
}
