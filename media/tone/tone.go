package tone

import (
	"math"
	"time"
)

// Rate is the sample rate of everything here, in Hz.
const Rate = 48000

// ramp is the length of the slope at both ends of a tone, in samples.
const ramp = Rate * 5 / 1000

// samplesIn is how many samples last d.
func samplesIn(d time.Duration) int { return int(int64(d) * Rate / int64(time.Second)) }

// A Burst is some frequencies at once for a while, then silence.
type Burst struct {
	Hz      []float64 // empty is silence
	On, Off time.Duration
}

// A Cadence is a row of bursts, at one level, once or for ever.
type Cadence struct {
	Bursts []Burst
	Level  float64 // peak of the sum of all frequencies, of 1
	Once   bool
}

// A Player plays a [Cadence]. It belongs to one goroutine.
type Player struct {
	bursts []playable
	level  float64
	once   bool
	index  int // of the burst
	at     int // samples into it
	ended  bool

	stopping int // samples left of the final ramp; 0: not stopping
	stopped  bool
}

// playable is a burst in samples.
type playable struct {
	step    []float64 // radians a sample
	on, all int
}

// NewPlayer returns a player at the beginning of c.
func NewPlayer(c Cadence) *Player {
	p := &Player{level: c.Level, once: c.Once, ended: true}
	for _, b := range c.Bursts {
		q := playable{on: samplesIn(b.On), all: samplesIn(b.On + b.Off)}
		for _, hz := range b.Hz {
			q.step = append(q.step, 2*math.Pi*hz/Rate)
		}
		if q.all > 0 {
			p.bursts = append(p.bursts, q)
			p.ended = false
		}
	}
	return p
}

// Restart goes back to the beginning.
func (p *Player) Restart() {
	p.index, p.at, p.stopping = 0, 0, 0
	p.stopped, p.ended = false, len(p.bursts) == 0
}

// Stop ends the tone within 5 ms of what [Player.Add] yields from now on.
func (p *Player) Stop() {
	if p.stopping == 0 && !p.stopped {
		p.stopping = ramp
	}
}

// Done reports whether nothing more will come.
func (p *Player) Done() bool { return p.ended || p.stopped }

// Add adds the next len(dst) samples to dst.
func (p *Player) Add(dst []float32) {
	for i := range dst {
		if p.Done() {
			return
		}
		v := p.sample()
		if p.stopping > 0 {
			v *= float64(p.stopping) / ramp
			if p.stopping--; p.stopping == 0 {
				p.stopped = true
			}
		}
		dst[i] += float32(v)
	}
}

// sample yields the next sample.
func (p *Player) sample() float64 {
	b := &p.bursts[p.index]
	v := 0.0
	if p.at < b.on && len(b.step) > 0 {
		for _, step := range b.step {
			v += math.Sin(step * float64(p.at))
		}
		v *= p.level / float64(len(b.step)) * slope(p.at, b.on)
	}
	if p.at++; p.at == b.all {
		p.at = 0
		if p.index++; p.index == len(p.bursts) {
			p.index, p.ended = 0, p.once
		}
	}
	return v
}

// slope is the envelope of a tone of length samples.
func slope(at, length int) float64 {
	edge := min(at, length-1-at)
	if edge >= ramp {
		return 1
	}
	return 0.5 - 0.5*math.Cos(math.Pi*float64(edge)/ramp)
}
