package rtp

import (
	"time"

	"github.com/pion/rtp"
)

// keepEvery is after how long without a packet one is sent to keep the way back
// through address translators open (RFC 6263 section 6).
const keepEvery = 15 * time.Second

// keepAlive sends a packet without payload, of a payload type that means nothing
// to the far end, if there was nothing to send for a while, as on hold (RFC 6263
// section 4.6). Where RTCP takes the same way the reports do as well.
func (s *Session) keepAlive() {
	t := &s.tx
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.usable() != nil || t.params.RTCPMux || s.now()-t.lastSent < keepEvery {
		return
	}
	voice := t.sentSinceTwo // it is no sender who only keeps the way open
	s.write(rtp.Header{PayloadType: t.unused(), Timestamp: t.timestamp}, nil)
	t.sentSinceTwo = voice
}

// unused is a dynamic payload type that was not agreed on.
func (t *sender) unused() uint8 {
	for pt := uint8(127); pt > 96; pt-- {
		_, voice := t.params.Receive[pt]
		_, event := t.params.Events[pt]
		if !voice && !event && pt != t.params.PayloadType && pt != t.params.EventPT {
			return pt
		}
	}
	return 96
}
