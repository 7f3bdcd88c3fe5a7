// Package mix adds sounds up without letting the sum distort.
//
// A [Mixer] is stepped by its owner, one frame at a time, and knows no time.
package mix

import "sync/atomic"

// How the limiter works.
const (
	ceiling = 0.89 // 1 dB below full scale: no sample leaves louder
	release = 0.02 // of the way back to no limiting, in each whole frame
)

// A Mixer sums frames of any number of sources. Its methods belong to one
// goroutine, [Mixer.Limited] excepted.
type Mixer struct {
	whole   int // samples of a frame
	sum     []float32
	gain    float32 // of the limiter
	out     []float32
	limited atomic.Uint64
}

// New returns a mixer for frames of the given length in samples.
func New(frame int) *Mixer {
	return &Mixer{whole: frame, sum: make([]float32, frame), out: make([]float32, frame), gain: 1}
}

// Begin starts a new frame.
func (m *Mixer) Begin() { m.BeginPart(m.whole) }

// BeginPart starts a frame of n samples, at most those of a whole one.
func (m *Mixer) BeginPart(n int) {
	m.sum, m.out = m.sum[:n], m.out[:n]
	clear(m.sum)
}

// Add adds a source's frame, scaled by gain. Samples beyond the mixer's frame
// are left out.
func (m *Mixer) Add(frame []float32, gain float32) {
	n := min(len(frame), len(m.sum))
	sum := m.sum[:n]
	for i, v := range frame[:n] {
		sum[i] += v * gain
	}
}

// Sum returns the sum so far, not limited. Further sounds may be added to it in
// place. It is valid until the next Begin.
func (m *Mixer) Sum() []float32 { return m.sum }

// Minus writes to dst what one member of a conference hears: the sum without the
// frame that it added with gain.
func (m *Mixer) Minus(dst, frame []float32, gain float32) {
	n := min(len(dst), len(frame), len(m.sum))
	for i := range n {
		dst[i] = clip(m.sum[i] - frame[i]*gain)
	}
}

// End returns the limited sum, valid until the next call. Where it would be too
// loud, the whole frame is turned down, and back up slowly afterwards; the gain
// glides through the frame.
func (m *Mixer) End() []float32 {
	var peak float32
	for _, v := range m.sum {
		peak = max(peak, v, -v)
	}
	target := min(1, m.gain+(1-m.gain)*release*float32(len(m.sum))/float32(m.whole))
	if m.gain > 0.999 {
		target = 1
	}
	if peak*target > ceiling {
		target = ceiling / peak
		m.limited.Add(1)
	}
	step := (target - m.gain) / float32(len(m.sum))
	if target < m.gain {
		step *= 8 // down within an eighth of the frame
	}
	g := m.gain
	for i, v := range m.sum {
		if g += step; step < 0 && g < target {
			g = target
		}
		m.out[i] = clip(v * g)
	}
	m.gain = target
	return m.out
}

// Limited returns how many frames had to be turned down.
func (m *Mixer) Limited() uint64 { return m.limited.Load() }

// clip bounds what the glide of the limiter was too slow for.
func clip(v float32) float32 { return max(-1, min(1, v)) }
