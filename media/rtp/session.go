package rtp

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned after [Session.Close].
var ErrClosed = errors.New("rtp: session closed")

// ErrNotConfigured is returned by what needs a [Session.Configure] first.
var ErrNotConfigured = errors.New("rtp: session not configured")

// A Packet is a received packet of voice or of telephone-events; the latter are
// handed over too, for they have their place in the sequence. Payload is valid only during the call
// that hands it over.
type Packet struct {
	PayloadType uint8
	Marker      bool
	Event       bool // a telephone-event
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
	Payload     []byte
	Arrival     time.Duration // since the session was made; monotonic
}

// Config is what a session needs for life. The callbacks are optional; they run
// on the session's goroutines, one at a time each, and must not block nor call
// back into the session.
type Config struct {
	// Conn and Control are the sockets for RTP and RTCP. The session owns and
	// closes them; [Session.Rebind] puts others in their place.
	Conn, Control net.PacketConn

	// Rand yields the SSRC, first sequence number, first timestamp, CNAME and
	// the jitter of report times.
	Rand io.Reader

	OnPacket func(*Packet)
	OnDigit  func(digit rune, held time.Duration) // when it ends
	OnSource func(from netip.AddrPort)            // first valid packet from there
}

// Params is what signalling agreed on. It may change at any time.
type Params struct {
	Remote     netip.AddrPort // where to send; invalid or unspecified: nowhere yet
	Another    bool           // Remote is another party, as when a call was forked: what the one before still sends does not count
	RemoteRTCP netip.AddrPort // invalid: the port after Remote's
	RTCPMux    bool           // RTCP goes to Remote (RFC 5761)

	PayloadType uint8         // of voice we send
	ClockRate   int           // of its timestamps, in Hz
	Receive     map[uint8]int // payload types of voice to take, and their clock rates
	Events      map[uint8]int // the same for telephone-event

	HasEvents bool // we may send telephone-events
	EventPT   uint8
	EventRate int

	Crypto *Crypto // nil: plain RTP
}

// Session is one RTP session with one peer. All methods may be called from any
// goroutine; [Session.Send] and [Session.Skip] are meant for one.
type Session struct {
	conf  Config
	began time.Time
	cname string
	ssrc  atomic.Uint32 // ours

	tx  sender
	rx  receiver
	ctl control

	moving  sync.Mutex // held over a whole Rebind and Close
	sockets *sockets   // written with the locks of tx and ctl, read with either

	counters counters
	closing  chan struct{}
	once     sync.Once
	running  sync.WaitGroup
}

// New starts a session on its sockets. Of what it receives before
// [Session.Configure] it keeps the newest packets, for the case that they are
// the beginning of what is agreed on.
func New(conf Config) (*Session, error) {
	var seed [24]byte
	if _, err := io.ReadFull(conf.Rand, seed[:]); err != nil {
		return nil, fmt.Errorf("rtp: random numbers: %w", err)
	}
	s := &Session{conf: conf, began: time.Now(), closing: make(chan struct{})}
	s.ssrc.Store(be32(seed[0:]))
	s.tx.sequence = uint16(be32(seed[4:]) >> 17) // low half: no early rollover (RFC 3711 section 3.3.1)
	s.tx.timestamp = be32(seed[8:])
	s.cname = hex.EncodeToString(seed[12:])
	s.tx.turn = make(chan struct{}, 1)
	s.sockets = &sockets{voice: conf.Conn, control: conf.Control}
	s.read(s.sockets)
	s.running.Go(s.reportLoop)
	return s, nil
}

// Configure applies what was agreed on, at once. SSRC, sequence numbers and
// timestamps go on; SRTP contexts with the same key are kept; the source that
// was latched stays unless Remote has changed. On error nothing has changed.
func (s *Session) Configure(p Params) error {
	p.Receive, p.Events = maps.Clone(p.Receive), maps.Clone(p.Events)
	if p.ClockRate <= 0 {
		return fmt.Errorf("rtp: clock rate %d", p.ClockRate)
	}
	if p.HasEvents && p.EventRate <= 0 {
		return fmt.Errorf("rtp: telephone-event clock rate %d", p.EventRate)
	}
	s.ctl.mu.Lock()
	defer s.ctl.mu.Unlock()
	s.rx.mu.Lock()
	defer s.rx.mu.Unlock()
	s.tx.mu.Lock()
	defer s.tx.mu.Unlock()
	if s.tx.closed {
		return ErrClosed
	}
	if err := s.setCrypto(p.Crypto); err != nil {
		return err
	}
	s.rx.configure(p)
	s.tx.configure(p)
	s.ctl.params = p
	s.aim()
	return nil
}

// aim points what we send at the right place. All three locks must be held.
func (s *Session) aim() {
	to := s.rx.latched
	if !to.IsValid() {
		to = s.rx.params.Remote
	}
	if !sendable(to) {
		s.tx.dest = nil
		s.ctl.dest = nil
		return
	}
	s.tx.dest = net.UDPAddrFromAddrPort(to)
	s.ctl.dest = s.ctl.destination(to)
}

// sendable reports whether packets can be sent to a.
func sendable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified()
}

// SSRC returns the SSRC we send with now.
func (s *Session) SSRC() uint32 { return s.ssrc.Load() }

// Close says BYE, closes both sockets and waits for the session's goroutines.
// It is idempotent. It must not be called from a callback.
func (s *Session) Close() error {
	s.once.Do(func() {
		s.moving.Lock()
		defer s.moving.Unlock()
		s.tx.mu.Lock()
		s.tx.closed = true
		s.tx.mu.Unlock()
		close(s.closing)
		s.report(true)
		s.sockets.close()
		s.rx.mu.Lock()
		s.rx.events.stop()
		s.rx.mu.Unlock()
	})
	s.running.Wait()
	return nil
}

// now is the session's clock.
func (s *Session) now() time.Duration { return time.Since(s.began) }

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
