package rtp

import (
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
)

// reportEvery is the mean time between two reports. Each is chosen between half
// of it and one and a half (RFC 3550 section 6.2); the first comes in half that.
const reportEvery = 5 * time.Second

// control is the RTCP part of a session.
type control struct {
	mu      sync.Mutex
	params  Params
	dest    net.Addr
	latched netip.AddrPort // where RTCP comes from
	in, out *srtp.Context
	buf     []byte
}

// destination is where reports go while voice goes to voice. The lock must be
// held.
func (c *control) destination(voice netip.AddrPort) net.Addr {
	switch {
	case c.params.RTCPMux:
		return net.UDPAddrFromAddrPort(voice)
	case c.latched.IsValid() && c.latched.Addr() == voice.Addr():
		return net.UDPAddrFromAddrPort(c.latched)
	case sendable(c.params.RemoteRTCP) && voice == c.params.Remote:
		return net.UDPAddrFromAddrPort(c.params.RemoteRTCP)
	case voice.Port() == math.MaxUint16:
		return nil
	default:
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(voice.Addr(), voice.Port()+1))
	}
}

// reportLoop sends reports until the session is closed.
func (s *Session) reportLoop() {
	timer := time.NewTimer(s.reportDelay() / 2)
	defer timer.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-timer.C:
			s.report(false)
			s.keepAlive()
			timer.Reset(s.reportDelay())
		}
	}
}

// reportDelay chooses the time until the next report.
func (s *Session) reportDelay() time.Duration {
	var b [4]byte
	if _, err := s.conf.Rand.Read(b[:]); err != nil {
		return reportEvery
	}
	return reportEvery/2 + time.Duration(float64(be32(b[:]))/math.MaxUint32*float64(reportEvery))
}

// report sends a compound packet: a report, our CNAME, and BYE if the session
// ends (RFC 3550 section 6.1).
func (s *Session) report(bye bool) {
	s.ctl.mu.Lock()
	defer s.ctl.mu.Unlock()
	if s.ctl.dest == nil {
		return
	}
	ssrc := s.ssrc.Load()
	parts := []rtcp.Packet{s.ownReport(ssrc), rtcp.NewCNAMESourceDescription(ssrc, s.cname)}
	if bye {
		parts = append(parts, &rtcp.Goodbye{Sources: []uint32{ssrc}})
	}
	b, err := rtcp.Marshal(parts)
	if err == nil && s.ctl.out != nil {
		b, err = s.ctl.out.EncryptRTCP(nil, b, nil)
	}
	if err != nil {
		s.counters.sendFailures.Add(1)
		return
	}
	conn := s.sockets.control
	if s.ctl.params.RTCPMux {
		conn = s.sockets.voice
	}
	if _, err := conn.WriteTo(b, s.ctl.dest); err != nil {
		s.counters.sendFailures.Add(1)
	}
}

// ownReport is a sender report if we sent of late, else a receiver report.
func (s *Session) ownReport(ssrc uint32) rtcp.Packet {
	now := s.now()
	reports := s.reception(now)
	t := &s.tx
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sentSinceTwo == 0 {
		return &rtcp.ReceiverReport{SSRC: ssrc, Reports: reports}
	}
	t.sentSinceTwo--
	since := (now - t.lastSent).Seconds() * float64(t.params.ClockRate)
	return &rtcp.SenderReport{
		SSRC:        ssrc,
		NTPTime:     ntpTime(s.began.Add(now)),
		RTPTime:     t.lastTimestamp + uint32(since),
		PacketCount: uint32(s.counters.packetsSent.Load()),
		OctetCount:  uint32(s.counters.octetsSent.Load()),
		Reports:     reports,
	}
}

// reception is the report block about the far end, if it was heard.
func (s *Session) reception(now time.Duration) []rtcp.ReceptionReport {
	r := &s.rx
	r.mu.Lock()
	defer r.mu.Unlock()
	src := &r.src
	if !src.known {
		return nil
	}
	block := rtcp.ReceptionReport{
		SSRC:               src.ssrc,
		FractionLost:       src.fraction(),
		TotalLost:          uint32(max(-0x800000, min(src.lost(), 0x7fffff))) & 0xffffff,
		LastSequenceNumber: src.extended(),
		Jitter:             uint32(src.jitter),
		LastSenderReport:   src.lastReport,
	}
	if src.lastReport != 0 {
		block.Delay = uint32((now - src.lastReportAt).Seconds() * (1 << 16))
	}
	return []rtcp.ReceptionReport{block}
}

// handleControl takes one datagram of RTCP. Without SRTP it must come from the
// host that voice comes from or goes to.
func (s *Session) handleControl(b []byte, from netip.AddrPort) {
	s.rx.mu.Lock()
	voice, remote := s.rx.latched, s.rx.params.Remote
	s.rx.mu.Unlock()
	s.ctl.mu.Lock()
	defer s.ctl.mu.Unlock()
	if s.ctl.in == nil && from.Addr() != voice.Addr() && from.Addr() != remote.Addr() {
		s.counters.foreign.Add(1)
		return
	}
	if s.ctl.in != nil {
		plain, err := s.ctl.in.DecryptRTCP(s.ctl.buf[:0], b, nil)
		if err != nil {
			s.counters.unauthentic.Add(1)
			return
		}
		s.ctl.buf, b = plain, plain
	}
	if s.handleCompound(b, s.now()) && !s.ctl.params.RTCPMux && s.ctl.latched != from {
		s.ctl.latched = from
		if voice.IsValid() {
			s.ctl.dest = s.ctl.destination(voice)
		}
	}
}

// handleCompound goes through the parts of a compound packet one by one, so that
// an odd one spoils nothing. It reports whether any was understood.
func (s *Session) handleCompound(b []byte, now time.Duration) (understood bool) {
	for len(b) > 0 {
		var h rtcp.Header
		if err := h.Unmarshal(b); err != nil {
			s.counters.malformed.Add(1)
			return understood
		}
		size := (int(h.Length) + 1) * 4
		if size > len(b) {
			s.counters.malformed.Add(1)
			return understood
		}
		if s.handlePart(h.Type, b[:size], now) {
			understood = true
		}
		b = b[size:]
	}
	return understood
}

// handlePart takes a report apart; other kinds are understood and not needed.
func (s *Session) handlePart(kind rtcp.PacketType, b []byte, now time.Duration) bool {
	switch kind {
	case rtcp.TypeSenderReport:
		var sr rtcp.SenderReport
		if err := sr.Unmarshal(b); err != nil {
			s.counters.malformed.Add(1)
			return false
		}
		s.noteSender(sr.SSRC, sr.NTPTime, now)
		s.noteReports(sr.Reports, now)
	case rtcp.TypeReceiverReport:
		var rr rtcp.ReceiverReport
		if err := rr.Unmarshal(b); err != nil {
			s.counters.malformed.Add(1)
			return false
		}
		s.noteReports(rr.Reports, now)
	}
	return true
}

// noteSender remembers when a sender report came, for our next report.
func (s *Session) noteSender(ssrc uint32, ntp uint64, now time.Duration) {
	s.rx.mu.Lock()
	defer s.rx.mu.Unlock()
	if s.rx.src.known && s.rx.src.ssrc == ssrc {
		s.rx.src.lastReport, s.rx.src.lastReportAt = uint32(ntp>>16), now
	}
}

// noteReports takes in what the far end says about our stream, and from it the
// round-trip time (RFC 3550 section 6.4.1).
func (s *Session) noteReports(reports []rtcp.ReceptionReport, now time.Duration) {
	for _, r := range reports {
		if r.SSRC != s.ssrc.Load() {
			continue
		}
		c := &s.counters
		c.remoteLoss.Store(uint32(r.FractionLost))
		c.remoteLost.Store(int64(int32(r.TotalLost<<8) >> 8))
		s.tx.mu.Lock()
		clock := s.tx.params.ClockRate
		s.tx.mu.Unlock()
		if clock > 0 {
			c.remoteJit.Store(int64(time.Duration(r.Jitter) * time.Second / time.Duration(clock)))
		}
		if r.LastSenderReport == 0 {
			continue
		}
		arrived := uint32(ntpTime(s.began.Add(now)) >> 16)
		rtt := int32(arrived - r.LastSenderReport - r.Delay)
		if rtt >= 0 && rtt < 60<<16 {
			c.rtt.Store(int64(time.Duration(rtt) * time.Second >> 16))
		}
	}
}

// ntpTime is t as RFC 3550 section 4 wants it: seconds since 1900, 32.32 bits.
func ntpTime(t time.Time) uint64 {
	const from1900 = 2208988800
	seconds := uint64(t.Unix()+from1900) & math.MaxUint32
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return seconds<<32 | fraction
}
