package media

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/media/jitter"
	"parley/media/rtp"
)

// ErrRecording means that the stream is being recorded already.
var ErrRecording = errors.New("media: already recording")

// StreamConfig is what a stream needs for life.
type StreamConfig struct {
	Local netip.Addr // concrete address of this machine
	Ports [2]int     // lowest and highest RTP port; 0, 0 is the engine's choice

	// OnEvent is called on a goroutine of the engine, one call at a time, and
	// must not call Close of the engine.
	OnEvent func(StreamEvent)
}

// A Stream is the voice of one call. Its methods may be called from any
// goroutine.
type Stream struct {
	engine  *Engine
	conf    StreamConfig
	session *rtp.Session
	buffer  *jitter.Buffer

	receiving atomic.Bool          // what comes is to be played
	heard     atomic.Bool          // something valid has come
	secure    atomic.Bool          // SRTP is on
	quick     atomic.Bool          // little is to be held and played at a time
	halves    atomic.Bool          // packets are shorter than a frame
	sending   atomic.Bool          // as in send.on, for the playback loop
	arrived   atomic.Bool          // something has come since the last frame
	seat      atomic.Pointer[seat] // in the conference; nil: never a member
	recording atomic.Pointer[recorder]
	where     atomic.Pointer[[2]netip.AddrPort] // of the sockets for RTP and RTCP

	configuring sync.Mutex // held over a whole Configure, Close, and recording's start and stop
	params      Params
	rewound     bool

	dry     int  // samples since something came; of the playback loop
	stopped bool // AudioStopped was told; of the playback loop

	mu     sync.Mutex // guards what follows; held shortly by the capture loop
	closed bool
	held   bool
	send   sender
}

// NewStream opens a stream's sockets at conf.Local, on an even port and the next.
// Nothing is sent or taken before [Stream.Configure].
func (e *Engine) NewStream(conf StreamConfig) (*Stream, error) {
	voice, control, err := rtp.Listen(e.conf.Network, conf.Local, conf.Ports[0], conf.Ports[1], rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	s := &Stream{engine: e, conf: conf, buffer: jitter.New(jitter.Config{})}
	s.where.Store(&[2]netip.AddrPort{addrPort(voice), addrPort(control)})
	s.session, err = rtp.New(rtp.Config{
		Conn: voice, Control: control, Rand: rand.Reader,
		OnPacket: s.insert,
		OnDigit: func(digit rune, held time.Duration) {
			s.tell(DigitReceived{Digit: digit, Duration: held})
		},
		OnSource: func(from netip.AddrPort) {
			if !s.heard.Swap(true) {
				s.tell(FirstPacket{From: from})
			}
		},
	})
	if err != nil {
		voice.Close()
		control.Close()
		return nil, fmt.Errorf("media: %w", err)
	}
	e.mu.Lock()
	closed := e.closed
	if !closed {
		e.all = append(e.all, s)
	}
	e.mu.Unlock()
	if closed {
		s.Close()
		return nil, ErrClosed
	}
	return s, nil
}

// Configure applies what was agreed on. The first call starts the stream; later
// ones change it in place, on the same SSRC and line of timestamps, with the same
// SRTP contexts as far as keys are the same. On error, a [*CodecError] among
// others, nothing has changed.
func (s *Stream) Configure(p Params) error {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	p = p.clone()
	c, err := s.engine.codecNamed(p.Codec.Name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	closed, change := s.closed, s.send.differs(&p)
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	var next line
	if change {
		if next, err = newLine(c, &p); err != nil {
			return fmt.Errorf("media: %w", err)
		}
	}
	if err := s.buffer.SetDecoders(s.engine.decoders(&p)); err != nil {
		next.close()
		return fmt.Errorf("media: %w", err)
	}
	s.mu.Lock()
	if change {
		s.send.flush(s.session) // on the old clock
	}
	err = s.session.Configure(p.transport(c.Format().ClockRate))
	if err == nil && change {
		s.send.line.close()
		s.send.line = next
	}
	s.mu.Unlock()
	if err != nil {
		next.close()
		return fmt.Errorf("media: %w", err)
	}
	s.params = p
	s.secure.Store(p.Suite != "")
	s.setPace(&p, c)
	s.direct()
	s.engine.enlist(s)
	return nil
}

// direct works out what may flow now. The configuring lock must be held.
func (s *Stream) direct() {
	s.mu.Lock()
	held := s.held
	s.send.on = s.params.Send && !held
	first := s.send.on && !s.rewound
	s.rewound = s.rewound || first
	s.sending.Store(s.send.on)
	s.mu.Unlock()
	if first {
		s.engine.input.rewind()
	}
	receiving := s.params.Receive && !held
	if s.receiving.Swap(receiving) && !receiving {
		s.buffer.Reset()
	}
}

// SetHeld stops the microphone from being sent and the far end from being heard,
// or lets both go on. Signalling tells the far end.
func (s *Stream) SetHeld(held bool) {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	s.held = held
	s.mu.Unlock()
	s.direct()
}

// SendDigit sends a DTMF digit as RFC 4733 telephone-events, held for that long.
// It blocks until the digit has been sent; see [rtp.Session.SendDigit] for its
// bounds and errors.
func (s *Stream) SendDigit(ctx context.Context, digit rune, held time.Duration) error {
	return s.session.SendDigit(ctx, digit, held)
}

// insert takes a packet from the network.
func (s *Stream) insert(p *rtp.Packet) {
	if !s.receiving.Load() {
		return
	}
	s.arrived.Store(true)
	s.buffer.Insert(jitter.Packet{
		PayloadType: p.PayloadType, Sequence: p.Sequence, Timestamp: p.Timestamp,
		SSRC: p.SSRC, Payload: p.Payload, Arrival: p.Arrival, Marker: p.Marker,
	})
}

// play fills frame, whole or half, with what is heard next. It is called by the
// playback loop.
func (s *Stream) play(frame []float32) {
	s.buffer.Get(frame)
	receiving := s.receiving.Load()
	if !receiving {
		clear(frame)
	}
	s.listen(receiving, len(frame))
	if r := s.recording.Load(); r != nil {
		r.add(themChannel, frame)
	}
}

// stopAfter is how many samples without a packet it takes for the sound to have
// stopped: 5 s.
const stopAfter = 5 * SampleRate

// listen notices when the far end's packets stop and when they come again. It is
// called by the playback loop for each frame, of n samples.
func (s *Stream) listen(receiving bool, n int) {
	switch {
	case !receiving || !s.heard.Load():
		s.dry = 0
	case s.arrived.Swap(false):
		s.dry = 0
		if s.stopped {
			s.stopped = false
			s.tell(AudioResumed{})
		}
	case s.dry < stopAfter:
		if s.dry += n; s.dry >= stopAfter && !s.stopped {
			s.stopped = true
			s.tell(AudioStopped{})
		}
	}
}

// tell queues an event for OnEvent.
func (s *Stream) tell(ev StreamEvent) {
	if s.conf.OnEvent != nil {
		s.engine.events.Put(func() { s.conf.OnEvent(ev) })
	}
}

// Close stops the stream: it says BYE over RTCP, ends a recording and frees the
// sockets. It is idempotent and waits for all of that.
func (s *Stream) Close() error {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	was := s.closed
	s.closed, s.send.on = true, false
	s.mu.Unlock()
	if was {
		return nil
	}
	s.engine.dismiss(s)
	err := s.session.Close()
	if r := s.recording.Swap(nil); r != nil {
		err = errors.Join(err, r.stop())
	}
	s.mu.Lock()
	s.send.line.close()
	s.send.line = line{}
	s.mu.Unlock()
	s.buffer.Close()
	return err
}

// enlist gives the stream to the loops.
func (e *Engine) enlist(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := *e.streams.Load()
	if slices.Contains(old, s) {
		return
	}
	next := append(slices.Clone(old), s)
	e.streams.Store(&next)
	e.updateLocked()
}

// dismiss takes the stream from the loops.
func (e *Engine) dismiss(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = slices.DeleteFunc(e.all, func(o *Stream) bool { return o == s })
	e.conference.part(s)
	next := slices.DeleteFunc(slices.Clone(*e.streams.Load()), func(o *Stream) bool { return o == s })
	e.streams.Store(&next)
	e.updateLocked()
}
