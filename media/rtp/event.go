package rtp

import "time"

// eventReceiver makes digits of the packets of telephone-events. Its owner is
// the receiver, under its lock. A digit is told once, when it ends: with its end
// packet, or, those lost, with the next digit, or after a silence of eventLost.
type eventReceiver struct {
	open      bool // a digit has begun and was not told
	seen      bool // timestamp is that of a digit, told or not
	code      byte
	timestamp uint32
	duration  time.Duration // of the present segment
	before    time.Duration // of earlier segments of a long digit
	segment   uint32        // duration field of the present segment
	last      time.Duration // session time of the last packet
	timer     *time.Timer
	told      []toldDigit // ended, to be handed over once the lock is free
}

type toldDigit struct {
	digit rune
	held  time.Duration
}

// packet takes the payload of one event packet that arrived at the session time
// now, and reports whether it was sound.
func (r *eventReceiver) packet(timestamp uint32, marker bool, rate int, payload []byte, now time.Duration) bool {
	if len(payload) < 4 || rate <= 0 {
		return false
	}
	code, end := payload[0], payload[1]&endBit != 0
	if int(code) >= len(digits) {
		return true // flash and other signals: not for us
	}
	if !r.seen || timestamp != r.timestamp {
		if r.seen && int32(timestamp-r.timestamp) < 0 {
			return true // late packet of an earlier digit
		}
		r.next(timestamp, marker, code)
	}
	if !r.open {
		return true // a copy of the end
	}
	r.last = now
	r.segment = max(r.segment, uint32(payload[2])<<8|uint32(payload[3]))
	r.duration = time.Duration(r.segment) * time.Second / time.Duration(rate)
	if end {
		r.tell()
	}
	return true
}

// next begins a digit, or the next segment of a long one (RFC 4733 section
// 2.5.1.3).
func (r *eventReceiver) next(timestamp uint32, marker bool, code byte) {
	goesOn := r.open && !marker && code == r.code &&
		r.segment == maxEvent && timestamp-r.timestamp == maxEvent
	if goesOn {
		r.before += r.duration
	} else {
		r.tell()
	}
	r.open, r.seen, r.code, r.timestamp = true, true, code, timestamp
	r.segment, r.duration = 0, 0
}

// expire ends a digit whose last packet is long ago.
func (r *eventReceiver) expire(now time.Duration) {
	if r.open && now-r.last >= eventLost {
		r.tell()
	}
}

// tell queues the open digit, if there is one.
func (r *eventReceiver) tell() {
	if r.open {
		r.told = append(r.told, toldDigit{rune(digits[r.code]), r.before + r.duration})
	}
	r.open, r.before = false, 0
}

// arm starts or stops the wait for the end of the open digit.
func (r *eventReceiver) arm(expire func()) {
	switch {
	case !r.open:
		r.stop()
	case r.timer == nil:
		r.timer = time.AfterFunc(eventLost, expire)
	default:
		r.timer.Reset(eventLost)
	}
}

func (r *eventReceiver) stop() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}
