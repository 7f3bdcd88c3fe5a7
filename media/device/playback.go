package device

import (
	"io"
	"time"

	"parley/media"
)

// maxTargetSamples bounds how far the target grows on a machine that is too busy
// for it: 40 ms.
const maxTargetSamples = media.SampleRate / 25

// A Playback is an open speaker. One goroutine may write while others ask for
// its latency or close it.
//
// Write keeps one frame of sound ahead of the device, 10 or 5 ms. Each time the
// device finds nothing to play nevertheless, that grows by 5 ms, to 40 ms at most,
// until the device is closed: a busy machine is heard as delay rather than as gaps.
// A device that takes longer periods than it was asked to gets one of them ahead.
type Playback struct {
	*stream
	spare int // above a frame; guarded by mu
	gaps  int // the device's count that spare answers to; guarded by mu
}

var _ media.Playback = (*Playback)(nil)

// Write takes frame, blocking until the device has made room for all of it. It
// is woken by the device. It returns a [*media.DeviceError] with
// [media.ErrDeviceGone] within a second after the device has vanished and
// [io.ErrClosedPipe] after Close.
func (p *Playback) Write(frame []float32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing.Load() {
		return io.ErrClosedPipe
	}
	n := p.Counters()
	if n.Gaps != p.gaps {
		p.gaps = n.Gaps
		p.spare = min(p.spare+periodSamples, maxTargetSamples)
	}
	target := min(ahead(len(frame), p.spare, n.PeriodSamples), p.ring.Cap())
	for len(frame) > 0 {
		room := min(target-p.ring.Len(), len(frame))
		if room <= 0 {
			// One period is enough to go on with; the rest is written when
			// the device has taken more.
			if err := p.wait("write", min(len(frame), periodSamples), target); err != nil {
				return err
			}
			continue
		}
		p.ring.Write(frame[:room])
		frame = frame[room:]
	}
	return nil
}

// ahead is how full the ring is kept that is written to in frames of that length,
// of a device that takes so many samples at a time.
func ahead(frame, spare, period int) int { return max(min(frame+spare, maxTargetSamples), period) }

// Latency is what lies in the ring and in the device before a sample that is
// written now.
func (p *Playback) Latency() time.Duration {
	return samplesTime(p.ring.Len() + p.periods*periodSamples)
}
