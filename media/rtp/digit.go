package rtp

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pion/rtp"
)

// Bounds of how long a digit may be held. MaxDigit at 8 kHz fits the 16 bits of
// the duration field, so an event is never split (RFC 4733 section 2.5.1.3).
const (
	MinDigit = 40 * time.Millisecond
	MaxDigit = 8 * time.Second
)

// ErrNoTelephoneEvent means that the far end did not agree on telephone-event.
var ErrNoTelephoneEvent = errors.New("rtp: telephone-event was not agreed on")

// ErrDigit means a digit that is none or a duration out of bounds.
var ErrDigit = errors.New("rtp: no such digit")

// digits are the DTMF events in the order of their codes (RFC 4733 section 3.2).
const digits = "0123456789*#ABCD"

const (
	digitVolume = 10                     // dBm0 below zero
	digitGap    = 50                     // ms of pause between two digits
	digitEnds   = 3                      // the last packet's copies
	endBit      = 1 << 7                 // in the second byte of an event
	maxEvent    = 0xffff                 // of the duration field
	eventLost   = 150 * time.Millisecond // without a packet a digit has ended
)

// event is a digit on its way out. All but canceled and done belong to the
// sender, under its lock.
type event struct {
	code      byte
	held      time.Duration
	started   bool
	timestamp uint32
	duration  int // in units of the event's clock
	ends      int // end packets sent
	canceled  chan struct{}
	done      chan error
}

func (e *event) finish(err error) {
	select {
	case e.done <- err:
	default:
	}
}

// SendDigit sends one DTMF digit to the far end as RFC 4733 telephone-events.
//
// digit is one of 0-9, *, # and A-D. held is how long the key is pressed; it is
// rounded up to whole packets and must lie between [MinDigit] and [MaxDigit].
// The time is that of the voice: the packets go out in the place of those given
// to [Session.Send], so somebody must be sending.
//
// All packets of a digit carry the timestamp of its start, the last one is sent
// three times (sections 2.5.1.2 and 2.5.1.4), and a pause of voice follows before
// the next digit.
//
// SendDigit blocks for about held and returns when the last packet has gone out.
// It returns [ErrNoTelephoneEvent], [ErrDigit], [ErrClosed], [ErrNotConfigured],
// or ctx's error when canceled; a canceled digit is still ended properly.
// Concurrent calls are sent one after the other.
func (s *Session) SendDigit(ctx context.Context, digit rune, held time.Duration) error {
	code := strings.IndexRune(digits, digit)
	if code < 0 || held < MinDigit || held > MaxDigit {
		return ErrDigit
	}
	select {
	case s.tx.turn <- struct{}{}:
		defer func() { <-s.tx.turn }()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return ErrClosed
	}
	e := &event{
		code: byte(code), held: held,
		canceled: make(chan struct{}), done: make(chan error, 1),
	}
	if err := s.begin(ctx, e); err != nil {
		return err
	}
	select {
	case err := <-e.done:
		return err
	case <-s.closing:
		return ErrClosed
	case <-ctx.Done():
		close(e.canceled)
		return ctx.Err()
	}
}

// begin makes e the digit to send once the one before, if it was canceled, has
// run out.
func (s *Session) begin(ctx context.Context, e *event) error {
	for {
		s.tx.mu.Lock()
		err := s.tx.usable()
		if err == nil && !s.tx.params.HasEvents {
			err = ErrNoTelephoneEvent
		}
		before := s.tx.event
		if err == nil && before == nil {
			s.tx.event = e
		}
		s.tx.mu.Unlock()
		if err != nil || before == nil {
			return err
		}
		select {
		case <-before.done:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return ErrClosed
		}
	}
}

// sendEvent sends the next packet of the digit in progress in the place of
// samples of voice, and reports whether there was one. The sender's lock must be
// held.
func (s *Session) sendEvent(samples int) bool {
	t := &s.tx
	e := t.event
	if e == nil || t.rest > 0 {
		t.rest = max(0, t.rest-samples)
		return false
	}
	first := !e.started
	if first && e.isCanceled() {
		t.event = nil
		e.finish(nil)
		return false
	}
	if first {
		e.started, e.timestamp = true, t.timestamp
	}
	t.timestamp += uint32(samples)
	if e.ends == 0 {
		e.duration = min(e.duration+samples*t.params.EventRate/t.params.ClockRate, maxEvent)
		if e.over(t.params.EventRate) {
			e.ends++
		}
	} else {
		e.ends++
	}
	s.write(rtp.Header{
		Marker: first, PayloadType: t.params.EventPT, Timestamp: e.timestamp,
	}, e.payload())
	if e.ends == digitEnds {
		t.event, t.quiet = nil, true
		t.rest = max(0, digitGap*t.params.ClockRate/1000-(digitEnds-1)*samples)
		e.finish(nil)
	}
	return true
}

// over reports whether the key has been held long enough.
func (e *event) over(rate int) bool {
	return e.isCanceled() || e.duration == maxEvent ||
		time.Duration(e.duration)*time.Second/time.Duration(rate) >= e.held
}

func (e *event) isCanceled() bool {
	select {
	case <-e.canceled:
		return true
	default:
		return false
	}
}

// payload is the event as RFC 4733 section 2.3 lays it out.
func (e *event) payload() []byte {
	flags := byte(digitVolume)
	if e.ends > 0 {
		flags |= endBit
	}
	return []byte{e.code, flags, byte(e.duration >> 8), byte(e.duration)}
}
