package dsp

import (
	"math"
	"sync/atomic"
)

// rampStep is the change of gain in one sample that cannot be heard as a click:
// from silence to full in 5 ms at 48 kHz.
const rampStep = 1.0 / 240

// A Gain scales frames by a factor that any goroutine may set, and that moves
// to its new value within milliseconds instead of jumping. Apply belongs to one
// goroutine.
type Gain struct {
	target atomic.Uint32 // bits of a float32
	now    float32
}

// NewGain returns a gain that stands at factor.
func NewGain(factor float32) *Gain {
	g := &Gain{now: factor}
	g.Set(factor)
	return g
}

// Set makes factor the gain to move to: 1 leaves samples as they are, 0 is
// silence.
func (g *Gain) Set(factor float32) { g.target.Store(math.Float32bits(factor)) }

// Target returns the gain last set.
func (g *Gain) Target() float32 { return math.Float32frombits(g.target.Load()) }

// Apply scales frame in place.
func (g *Gain) Apply(frame []float32) {
	target := g.Target()
	i := 0
	for ; i < len(frame) && g.now != target; i++ {
		if g.now < target {
			g.now = min(g.now+rampStep, target)
		} else {
			g.now = max(g.now-rampStep, target)
		}
		frame[i] *= g.now
	}
	rest := frame[i:]
	switch g.now {
	case 1:
	case 0:
		clear(rest)
	default:
		for i := range rest {
			rest[i] *= g.now
		}
	}
}
