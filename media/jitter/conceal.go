package jitter

import "math"

// How invented sound fades: it stands for fadeFrom and is gone at fadeTo.
const (
	fadeFrom = 20 * ms
	fadeTo   = 140 * ms
)

// history is how much of the sound before a gap is looked at.
const history = 60 * ms

// A concealer invents sound to fill a gap: it repeats the last pitch periods of
// a voiced sound, makes noise of the same color for an unvoiced one, and fades
// both to the background noise.
type concealer struct {
	past   [history]float32
	n      int // valid samples at the end of past
	period int
	voiced float32 // share of the periodic part, 0 to 1
	at     int     // next sample of past to repeat
	cycles int     // periods that are repeated as one
	step   float32 // jump at the beginning, to be spread out
	done   int     // samples made

	hiss grains // of the sound before the gap
	room background
}

// begin prepares to go on after tail, the last sound before the gap.
func (c *concealer) begin(tail []float32) {
	tail = tail[max(0, len(tail)-history):]
	c.n = copy(c.past[history-len(tail):], tail)
	clear(c.past[:history-c.n])
	c.done, c.cycles = 0, 1
	const window = 20 * ms
	period, alike := pitch(c.past[:], history-window, window, maxPeriod)
	c.period = period
	c.voiced = float32(min(max((alike-0.35)/0.4, 0), 1))
	c.at = history - period
	c.step = c.past[history-1] - c.past[history-period-1]
	c.hiss.reset(c.past[history-30*ms:])
}

// next invents len(dst) samples.
func (c *concealer) next(dst []float32) {
	noisy := float32(math.Sqrt(float64(1 - c.voiced*c.voiced)))
	ramp := max(c.period/4, 1)
	for i := range dst {
		gain := float32(1)
		if c.done > fadeFrom {
			gain = max(0, float32(fadeTo-c.done)/(fadeTo-fadeFrom))
		}
		var v float32
		if gain > 0 {
			v = c.voiced*c.repeat(ramp) + noisy*c.hiss.next()
			if c.done < ramp {
				// The hiss comes in while the step goes out.
				v = c.repeatOnly(v, ramp)
			}
		}
		dst[i] = gain*v + (1-gain)*c.room.next()
		c.done++
	}
}

// repeatOnly keeps the first samples continuous with the sound before the gap.
func (c *concealer) repeatOnly(v float32, ramp int) float32 {
	w := float32(c.done) / float32(ramp)
	plain := c.past[min(history-c.period+c.done, history-1)] + c.step
	return plain*(1-w) + v*w
}

// repeat returns the next sample of the repeated periods. Towards the end of
// them it moves over to what came before their beginning.
func (c *concealer) repeat(ramp int) float32 {
	length := c.cycles * c.period
	v := c.past[c.at]
	if left := history - c.at; left <= ramp && c.at-length >= 0 {
		w := 1 - float32(left)/float32(ramp+1)
		v = v*(1-w) + c.past[c.at-length]*w
	}
	if c.at++; c.at == history {
		// Longer stretches sound less like a machine, but are older.
		c.cycles = min(1+c.done/(10*ms), max(1, (history-ramp)/c.period-1), 3)
		c.at = history - c.cycles*c.period
	}
	return v
}

// grainSize is the hop of the grains that noise is made of.
const grainSize = 5 * ms

// grains makes endless noise of a short piece of sound, by joining pieces from
// random places of it. The zero value is silent.
type grains struct {
	src       [80 * ms]float32
	n         int
	seed      uint32
	cur, last int // offsets of the grain coming and the one going
	at        int
}

// reset makes src, at most 80 ms, the sound to take grains of.
func (g *grains) reset(src []float32) {
	g.n = copy(g.src[:], src)
	g.at = 0
	g.cur, g.last = g.pick(), g.pick()
}

func (g *grains) pick() int {
	g.seed = g.seed*1664525 + 1013904223
	if room := g.n - 2*grainSize; room > 0 {
		return int(uint64(g.seed) * uint64(room) >> 32)
	}
	return 0
}

func (g *grains) next() float32 {
	if g.n < 2*grainSize {
		return 0
	}
	if g.at == grainSize {
		g.at, g.last, g.cur = 0, g.cur, g.pick()
	}
	// Grains from different places are unlike, so it is their powers that add.
	w := float32(g.at) / grainSize
	in := float32(math.Sqrt(float64(w)))
	out := float32(math.Sqrt(float64(1 - w)))
	v := out*g.src[g.last+grainSize+g.at] + in*g.src[g.cur+g.at]
	g.at++
	return v
}

// maxRoom is the loudest sound that is taken for background noise: -46 dBFS.
const maxRoom = 0.005

// A background keeps the quietest sound of late, to be played when there is
// none. The zero value is silent.
type background struct {
	noise grains
	ring  [80 * ms]float32
	at    int
	floor float32
	ready bool
}

// learn looks at one frame of decoded sound.
func (b *background) learn(frame []float32) {
	l := level(frame)
	switch {
	case b.floor == 0 && !b.ready, l < b.floor:
		b.floor = l
	default:
		b.floor *= 1.002 // 1.7 dB in a second
	}
	b.floor = max(b.floor, 1e-5)
	if l > maxRoom || l > 2*b.floor {
		return
	}
	b.at += copy(b.ring[b.at:], frame)
	if b.at == len(b.ring) {
		b.at, b.ready = 0, true
		b.noise.reset(b.ring[:])
	}
}

func (b *background) next() float32 {
	if !b.ready {
		return 0
	}
	return b.noise.next()
}
