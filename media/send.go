package media

import (
	"strings"
	"time"

	"parley/media/codec"
	"parley/media/dsp"
	"parley/media/rtp"
)

// sender turns frames of the microphone into packets. It belongs to the stream's
// mutex.
type sender struct {
	on   bool
	line line
}

// line is the way from 48 kHz to payloads of one codec. The zero value sends
// nothing.
type line struct {
	format     codec.Format
	packetTime time.Duration // asked for
	lowDelay   bool
	encoder    codec.Encoder
	resampler  *dsp.Resampler // nil at the engine's own rate
	pcm        []float32      // waiting for the packet to be full
	packet     int            // samples of a packet at the codec's rate
	clock      int            // units of its timestamps in a packet
	length     int            // samples of a packet at the engine's rate
	waiting    int            // of those, taken from the microphone but not sent
	payload    []byte
}

// newLine makes what p asks for.
func newLine(c codec.Codec, p *Params) (line, error) {
	f := c.Format()
	length := c.PacketTime(p.PacketTime)
	enc, err := c.NewEncoder(codec.EncoderParams{PacketTime: length, Fmtp: p.Codec.Fmtp, LowDelay: p.LowDelay})
	if err != nil {
		return line{}, err
	}
	l := line{
		format: p.Codec, packetTime: p.PacketTime, lowDelay: p.LowDelay, encoder: enc,
		packet:  int(int64(length) * int64(f.SampleRate) / int64(time.Second)),
		clock:   int(int64(length) * int64(f.ClockRate) / int64(time.Second)),
		length:  int(int64(length) * SampleRate / int64(time.Second)),
		payload: make([]byte, 0, rtp.MaxPayload),
	}
	if f.SampleRate != SampleRate {
		l.resampler = dsp.NewResampler(SampleRate, f.SampleRate)
	}
	l.pcm = make([]float32, 0, l.packet+FrameSamples)
	return l, nil
}

func (l *line) close() {
	if l.encoder != nil {
		l.encoder.Close()
		l.encoder = nil
	}
}

// differs reports whether p needs another line.
func (s *sender) differs(p *Params) bool {
	l := &s.line
	return l.encoder == nil || !strings.EqualFold(l.format.Name, p.Codec.Name) ||
		l.format.Fmtp != p.Codec.Fmtp || l.packetTime != p.PacketTime || l.lowDelay != p.LowDelay
}

// ticks is how far the timestamps move in n samples of the engine.
func (l *line) ticks(n int) int { return n * l.clock / l.length }

// flush drops what waits for a packet and lets its time pass.
func (s *sender) flush(session *rtp.Session) {
	l := &s.line
	if l.waiting > 0 {
		session.Skip(l.ticks(l.waiting))
	}
	l.waiting, l.pcm = 0, l.pcm[:0]
}

// capture takes one frame of the microphone, whole or half, which it must not
// change; odd, if it is the second half of one. It is called by the capture loop.
func (s *Stream) capture(frame []float32, odd bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.send.line
	if s.closed || l.encoder == nil {
		return
	}
	r := s.recording.Load()
	if !s.send.on || odd && l.waiting == 0 && l.length%FrameSamples == 0 { // packets begin with whole frames
		s.send.flush(s.session)
		s.session.Skip(l.ticks(len(frame)))
		if r != nil {
			r.pause(usChannel, len(frame))
		}
		return
	}
	if r != nil {
		r.add(usChannel, frame)
	}
	if l.resampler != nil {
		l.pcm = l.resampler.Process(l.pcm, frame)
	} else {
		l.pcm = append(l.pcm, frame...)
	}
	l.waiting += len(frame)
	for len(l.pcm) >= l.packet {
		payload, err := l.encoder.Encode(l.payload[:0], l.pcm[:l.packet])
		if err != nil {
			payload = nil // the packet's time passes all the same
		}
		// The session fails only before its first configuration and once closed.
		_ = s.session.Send(payload, l.clock)
		l.pcm = l.pcm[:copy(l.pcm, l.pcm[l.packet:])]
		l.waiting -= l.length
	}
}
