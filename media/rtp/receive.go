package rtp

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// relatchAfter is how long the latched source must be silent before packets from
// another one are believed.
const relatchAfter = time.Second

// staleSource is how long the present SSRC must be silent before another one is
// taken at once; until then it needs two packets in a row.
const staleSource = 200 * time.Millisecond

// receiver is the incoming half of a session.
type receiver struct {
	mu      sync.Mutex
	params  Params
	ready   bool
	keys    keyring
	oldKeys keyring // still good until a packet fits keys

	latched   netip.AddrPort
	lastHeard time.Duration
	left      []party // those before the present one
	src       source
	rival     heldPacket // first packet of another SSRC
	mirror    netip.AddrPort
	events    eventReceiver

	telling sync.Mutex // keeps digits in order; never held with mu

	// Of the goroutine that reads, without the lock.
	early  early
	packet rtp.Packet
	secret []byte
	out    Packet
}

// A party is one of several that were to be heard, one after the other.
type party struct{ remote, source netip.AddrPort }

// maxLeft bounds the parties that are remembered.
const maxLeft = 64

// heldPacket is a packet that waits for a second one of its SSRC.
type heldPacket struct {
	valid bool
	ssrc  uint32
	Packet
	clock int // 0: not voice
	buf   [MaxPayload]byte
}

// configure takes new parameters. A new Remote is where packets are expected
// from now on; the first of them latch again. The lock must be held.
func (r *receiver) configure(p Params) {
	if p.Remote != r.params.Remote {
		if p.Another && r.ready && len(r.left) < maxLeft {
			r.left = append(r.left, party{r.params.Remote, r.latched})
		}
		r.left = slices.DeleteFunc(r.left, func(o party) bool { return o.remote == p.Remote || o.source == p.Remote })
		r.latched = netip.AddrPort{}
	}
	r.params, r.ready = p, true
}

// readLoop reads one socket, that for voice or that for RTCP, until it is closed.
func (s *Session) readLoop(conn net.PacketConn, voice bool) {
	buf := make([]byte, maxPacket)
	read := reader(conn)
	for {
		n, from, err := read(buf)
		switch {
		case err == nil:
			s.datagram(buf[:n], from, voice)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// Systems report here that an earlier packet was refused. Should
			// it be worse, this keeps the loop from spinning.
			select {
			case <-s.closing:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

// reader returns a way to read conn, without allocation where there is one.
func reader(conn net.PacketConn) func([]byte) (int, netip.AddrPort, error) {
	type addrPortReader interface {
		ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	}
	if c, ok := conn.(addrPortReader); ok {
		return func(b []byte) (int, netip.AddrPort, error) {
			n, from, err := c.ReadFromUDPAddrPort(b)
			return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
		}
	}
	return func(b []byte) (int, netip.AddrPort, error) {
		n, addr, err := conn.ReadFrom(b)
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		udp, ok := addr.(*net.UDPAddr)
		if !ok {
			return n, netip.AddrPort{}, nil
		}
		from := udp.AddrPort()
		return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), nil
	}
}

// datagram tells RTP from RTCP (RFC 5761 section 4) and handles it.
func (s *Session) datagram(b []byte, from netip.AddrPort, voice bool) {
	switch {
	case len(b) < 8 || len(b) == maxPacket || b[0]>>6 != 2:
		s.counters.malformed.Add(1)
	case b[1] >= 192 && b[1] <= 223:
		s.handleControl(b, from)
	case !voice:
		s.counters.unwanted.Add(1)
	default:
		s.handleVoice(b, from)
	}
}

// handleVoice takes one RTP packet, and before it those that came too early. It
// runs on one goroutine only.
func (s *Session) handleVoice(b []byte, from netip.AddrPort) {
	now := s.now()
	r := &s.rx
	r.mu.Lock()
	ready, remote := r.ready, r.params.Remote
	r.mu.Unlock()
	if !ready {
		r.early.keep(b, from, now)
		return
	}
	if r.early.any {
		r.early.each(remote, now, func(b []byte, at time.Duration) { s.takeVoice(b, remote, at) })
	}
	s.takeVoice(b, from, now)
}

// takeVoice takes one RTP packet that came at that time.
func (s *Session) takeVoice(b []byte, from netip.AddrPort, now time.Duration) {
	r := &s.rx
	r.mu.Lock()
	held, ok := s.admit(b, from, now)
	fresh := ok && r.latched != from
	if ok {
		r.latched, r.lastHeard = from, now
	}
	told := r.events.told
	r.events.told = nil
	r.mu.Unlock()

	if fresh {
		s.latch(from)
	}
	if len(told) > 0 {
		s.tellDigits(told)
	}
	if held && s.conf.OnPacket != nil {
		s.conf.OnPacket(&r.rival.Packet)
	}
	if ok && s.conf.OnPacket != nil {
		s.conf.OnPacket(&r.out)
	}
}

// admit decides whether a packet counts, and puts voice that does into r.out. It
// also reports whether the packet that was held back goes before it. The lock
// must be held.
func (s *Session) admit(b []byte, from netip.AddrPort, now time.Duration) (held, ok bool) {
	r, c := &s.rx, &s.counters
	if !r.ready {
		return false, false
	}
	if slices.ContainsFunc(r.left, func(o party) bool { return from == o.remote || from == o.source }) {
		c.foreign.Add(1)
		return false, false
	}
	if r.latched.IsValid() && from != r.latched && from != r.params.Remote && now-r.lastHeard < relatchAfter {
		c.foreign.Add(1)
		return false, false
	}
	b, ok = s.open(b)
	if !ok {
		return false, false
	}
	p := &r.packet
	if err := p.Unmarshal(b); err != nil || len(p.Payload) > MaxPayload {
		c.malformed.Add(1)
		return false, false
	}
	voiceClock, isVoice := r.params.Receive[p.PayloadType]
	eventClock, isEvent := r.params.Events[p.PayloadType]
	if !isVoice && !isEvent {
		if len(p.Payload) > 0 {
			c.unwanted.Add(1)
		} else if r.src.known && p.SSRC == r.src.ssrc {
			r.src.packet(p.SequenceNumber, p.Timestamp, 0, now) // it keeps the way open, and is not missing
		}
		return false, false
	}
	if p.SSRC == s.ssrc.Load() && r.mirror != from {
		s.collide(from)
		return false, false
	}
	r.fill(p, now)
	held, ok = r.count(voiceClock, now)
	if !ok {
		return false, false
	}
	c.packetsReceived.Add(1)
	c.octetsReceived.Add(uint64(len(p.Payload)))
	c.lost.Store(r.src.lost())
	c.jitter.Store(int64(r.src.jitterTime()))
	if isEvent && !isVoice {
		if !r.events.packet(p.Timestamp, p.Marker, eventClock, p.Payload, now) {
			c.malformed.Add(1)
		}
		r.events.arm(s.expireDigit)
		r.out.Event = true
	}
	return held, true
}

// open takes SRTP's protection off. The lock must be held.
func (s *Session) open(b []byte) ([]byte, bool) {
	r := &s.rx
	if r.keys.rtp == nil {
		return b, true
	}
	if cap(r.secret) < maxPacket {
		r.secret = make([]byte, maxPacket)
	}
	plain, err := r.keys.rtp.DecryptRTP(r.secret[:0], b, nil)
	if err == nil {
		r.oldKeys = keyring{}
		return plain, true
	}
	if r.oldKeys.rtp != nil {
		if plain, err = r.oldKeys.rtp.DecryptRTP(r.secret[:0], b, nil); err == nil {
			return plain, true
		}
	}
	s.counters.unauthentic.Add(1)
	return nil, false
}

// fill makes the packet that is handed out.
func (r *receiver) fill(p *rtp.Packet, now time.Duration) {
	r.out = Packet{
		PayloadType: p.PayloadType, Marker: p.Marker,
		Sequence: p.SequenceNumber, Timestamp: p.Timestamp, SSRC: p.SSRC,
		Payload: p.Payload, Arrival: now,
	}
}

// count puts r.out into the books, with the clock rate of voice or 0 for events,
// and reports whether it is to be believed. A new
// SSRC needs two packets in a row while the old one still sends; the first of
// them is held back and goes before the second.
func (r *receiver) count(clock int, now time.Duration) (held, ok bool) {
	p := &r.out
	if r.src.known && p.SSRC == r.src.ssrc {
		r.rival.valid = false
		return false, r.src.packet(p.Sequence, p.Timestamp, clock, now)
	}
	confirmed := r.rival.valid && r.rival.ssrc == p.SSRC
	if r.src.known && !confirmed && now-r.lastHeard < staleSource {
		r.rival.hold(p, clock)
		return false, false
	}
	first := p.Sequence
	if confirmed {
		first = r.rival.Sequence
	}
	r.src.begin(p.SSRC, first)
	r.events.seen = false
	if confirmed {
		held = r.src.packet(r.rival.Sequence, r.rival.Timestamp, r.rival.clock, r.rival.Arrival)
		r.rival.Event = r.rival.clock == 0
		r.rival.valid = false
	}
	return held, r.src.packet(p.Sequence, p.Timestamp, clock, now)
}

// hold copies p.
func (h *heldPacket) hold(p *Packet, clock int) {
	h.valid, h.ssrc, h.clock, h.Packet = true, p.SSRC, clock, *p
	h.Payload = h.buf[:copy(h.buf[:], p.Payload)]
}

// collide answers a packet that carries our own SSRC. The first time it is
// somebody who chose the same, and we change ours (RFC 3550 section 8.2). When it
// follows the change it is our own voice sent back, and welcome. The receiver's
// lock must be held.
func (s *Session) collide(from netip.AddrPort) {
	s.rx.mirror = from
	s.ssrc.Add(0x9e3779b9)
}

// latch aims at the source from, which sent a valid packet.
func (s *Session) latch(from netip.AddrPort) {
	s.ctl.mu.Lock()
	s.rx.mu.Lock()
	s.tx.mu.Lock()
	s.aim()
	s.tx.mu.Unlock()
	s.rx.mu.Unlock()
	s.ctl.mu.Unlock()
	s.counters.source.Store(&from)
	if s.conf.OnSource != nil {
		s.conf.OnSource(from)
	}
}

// expireDigit ends a digit whose end packets were lost.
func (s *Session) expireDigit() {
	s.rx.mu.Lock()
	s.rx.events.expire(s.now())
	told := s.rx.events.told
	s.rx.events.told = nil
	s.rx.mu.Unlock()
	s.tellDigits(told)
}

func (s *Session) tellDigits(told []toldDigit) {
	if s.conf.OnDigit == nil {
		return
	}
	s.rx.telling.Lock()
	defer s.rx.telling.Unlock()
	for _, d := range told {
		s.conf.OnDigit(d.digit, d.held)
	}
}
