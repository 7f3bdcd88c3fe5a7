package media

import (
	"net/netip"
	"time"
)

// Stats are a stream's counts so far and its present state.
type Stats struct {
	Codec  string // that is sent
	Secure bool   // SRTP both ways

	PacketsSent, PacketsReceived uint64
	BytesSent, BytesReceived     uint64        // of payload
	Lost                         int64         // of those that should have come
	Jitter                       time.Duration // of what comes (RFC 3550)
	RTT                          time.Duration // 0 until known

	// What the far end reports about what it gets from us.
	RemoteLost     int64
	RemoteFraction float64 // of packets, in its last interval
	RemoteJitter   time.Duration

	BufferDelay  time.Duration // that the receive buffer holds
	BufferTarget time.Duration // that the network's jitter needs
	Concealed    time.Duration // of sound that was invented
	Recovered    time.Duration // of sound from redundancy
	Late         uint64        // packets that came too late

	Refused    uint64         // malformed, foreign, unauthentic or not agreed on
	RemoteSeen netip.AddrPort // where valid packets come from
	FirstAudio bool           // something valid has come
	Recording  bool
}

// Stats returns the present numbers. It is meant to be polled.
func (s *Stream) Stats() Stats {
	r, b := s.session.Stats(), s.buffer.Stats()
	s.mu.Lock()
	name := s.send.line.format.Name
	s.mu.Unlock()
	return Stats{
		Codec: name, Secure: s.secure.Load(),
		PacketsSent: r.PacketsSent, PacketsReceived: r.PacketsReceived,
		BytesSent: r.OctetsSent, BytesReceived: r.OctetsReceived,
		Lost: r.Lost, Jitter: r.Jitter, RTT: r.RTT,
		RemoteLost: r.RemoteLost, RemoteFraction: r.RemoteFraction, RemoteJitter: r.RemoteJitter,
		BufferDelay: b.Delay, BufferTarget: b.Target,
		Concealed: soundTime(b.Concealed), Recovered: soundTime(b.Recovered), Late: b.Late,
		Refused:    r.Malformed + r.Unwanted + r.Foreign + r.Unauthentic,
		RemoteSeen: r.RemoteSeen, FirstAudio: s.heard.Load(),
		Recording: s.recording.Load() != nil,
	}
}

// soundTime is how long samples at the engine's rate last.
func soundTime(samples uint64) time.Duration {
	return time.Duration(samples) * time.Second / SampleRate
}
