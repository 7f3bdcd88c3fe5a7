package rtp

import (
	"net"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// MaxPayload bounds the payload of one packet in bytes, sent and received.
const MaxPayload = 1440

// maxPacket is the largest datagram taken from the network.
const maxPacket = 1600

// sender is the outgoing half of a session.
type sender struct {
	mu        sync.Mutex
	params    Params
	ready     bool // configured
	closed    bool
	dest      net.Addr
	keys      keyring
	sequence  uint16
	timestamp uint32 // of the next packet
	quiet     bool   // nothing was sent just before: the next packet begins a talkspurt
	event     *event // the digit that is being sent
	rest      int    // samples of voice to go before the next digit may begin

	lastTimestamp uint32 // of the last packet, and when it left, for sender reports
	lastSent      time.Duration
	sentSinceTwo  int // reports since a packet was sent, for SR or RR

	header        rtp.Header // of the packet being written
	plain, secret []byte
	turn          chan struct{} // held by the SendDigit whose turn it is
}

// configure takes new parameters. The lock must be held.
func (t *sender) configure(p Params) {
	if !t.ready {
		t.quiet = true
	}
	t.params, t.ready = p, true
	if t.event != nil && !p.HasEvents {
		t.event.finish(ErrNoTelephoneEvent)
		t.event = nil
	}
}

// Send sends one packet of voice that lasts samples at the clock rate that was
// configured, and moves the line of timestamps on. While a digit is being sent
// its packets go out instead. Without a destination nothing is sent. A failure
// of the network is counted and not returned, for the next packet may fare
// better.
func (s *Session) Send(payload []byte, samples int) error {
	t := &s.tx
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	if s.sendEvent(samples) {
		return nil
	}
	if len(payload) > 0 && len(payload) <= MaxPayload {
		s.write(rtp.Header{
			Marker: t.quiet, PayloadType: t.params.PayloadType, Timestamp: t.timestamp,
		}, payload)
		t.quiet = false
	}
	t.timestamp += uint32(samples)
	return nil
}

// Skip lets the time of samples pass with no voice in it. A digit in progress is
// sent all the same.
func (s *Session) Skip(samples int) {
	t := &s.tx
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.usable() != nil {
		return
	}
	t.quiet = true
	if !s.sendEvent(samples) {
		t.timestamp += uint32(samples)
	}
}

// usable tells why nothing can be sent. The lock must be held.
func (t *sender) usable() error {
	switch {
	case t.closed:
		return ErrClosed
	case !t.ready:
		return ErrNotConfigured
	}
	return nil
}

// write numbers, protects and sends a packet. The lock must be held.
func (s *Session) write(h rtp.Header, payload []byte) {
	t := &s.tx
	if t.dest == nil {
		return
	}
	h.Version, h.SSRC, h.SequenceNumber = 2, s.ssrc.Load(), t.sequence
	t.sequence++
	if cap(t.plain) < maxPacket {
		t.plain, t.secret = make([]byte, maxPacket), make([]byte, maxPacket)
	}
	t.header = h
	n, err := t.header.MarshalTo(t.plain[:maxPacket])
	if err != nil {
		s.counters.sendFailures.Add(1)
		return
	}
	packet := append(t.plain[:n], payload...)
	if t.keys.rtp != nil {
		if packet, err = t.keys.rtp.EncryptRTP(t.secret[:0], packet, &t.header); err != nil {
			s.counters.sendFailures.Add(1)
			return
		}
	}
	if _, err := s.sockets.voice.WriteTo(packet, t.dest); err != nil {
		s.counters.sendFailures.Add(1)
		return
	}
	s.counters.packetsSent.Add(1)
	s.counters.octetsSent.Add(uint64(len(payload)))
	t.lastTimestamp, t.lastSent, t.sentSinceTwo = h.Timestamp, s.now(), 2
}
