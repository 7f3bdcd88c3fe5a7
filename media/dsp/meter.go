package dsp

import (
	"math"
	"sync/atomic"
)

// peakFall is what a peak loses in fallTime samples, 10 ms: about 20 dB in a
// second.
const (
	peakFall = 0.023
	fallTime = 480
)

// A Meter measures the level of frames. One goroutine updates it; any may read.
// The zero value is ready and shows silence.
type Meter struct {
	peak, rms atomic.Uint32 // bits of a float32
}

// Update measures one frame of 10 ms or less. An empty frame changes nothing.
func (m *Meter) Update(frame []float32) {
	if len(frame) == 0 {
		return
	}
	var peak, sum float32
	for _, x := range frame {
		peak = max(peak, x, -x)
		sum += x * x
	}
	held := math.Float32frombits(m.peak.Load()) * (1 - peakFall*float32(len(frame))/fallTime)
	m.peak.Store(math.Float32bits(max(peak, held)))
	m.rms.Store(math.Float32bits(float32(math.Sqrt(float64(sum) / float64(len(frame))))))
}

// Peak returns the highest magnitude of late, falling slowly: 0 to 1, or more
// where the signal is over full scale.
func (m *Meter) Peak() float32 { return math.Float32frombits(m.peak.Load()) }

// RMS returns the effective value of the last frame. A full-scale sine has 0.71.
func (m *Meter) RMS() float32 { return math.Float32frombits(m.rms.Load()) }

// Reset shows silence again.
func (m *Meter) Reset() {
	m.peak.Store(0)
	m.rms.Store(0)
}
