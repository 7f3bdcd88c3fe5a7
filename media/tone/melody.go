package tone

import (
	"math"
	"time"
)

// note is a struck bar: it sounds at once and fades.
type note struct {
	hz      float64
	at, len time.Duration
}

// strike adds n to dst, whose first sample is the melody's first.
func strike(dst []float32, n note, level float64) {
	from, length := samplesIn(n.at), samplesIn(n.len)
	for i := range length {
		if from+i >= len(dst) {
			return
		}
		t := float64(i) / Rate
		fade := math.Exp(-5 * float64(i) / float64(length))
		// The first overtone of a wooden bar is two octaves up and short.
		v := math.Sin(2*math.Pi*n.hz*t) + 0.25*math.Exp(-30*t)*math.Sin(8*math.Pi*n.hz*t)
		dst[from+i] += float32(level * fade * slope(i, length) * v)
	}
}

// compose plays notes into a piece of the given length.
func compose(length time.Duration, level float64, notes []note) []float32 {
	pcm := make([]float32, samplesIn(length))
	for _, n := range notes {
		strike(pcm, n, level)
	}
	return pcm
}

// Ring returns one turn of the ring of an incoming call, to be repeated: two
// notes in alternation, then a pause.
func Ring() []float32 {
	var notes []note
	for i := range 6 {
		hz := 659.26 // E5
		if i%2 == 1 {
			hz = 830.61 // G sharp 5
		}
		notes = append(notes, note{hz, time.Duration(i) * 220 * time.Millisecond, 500 * time.Millisecond})
	}
	return compose(3500*time.Millisecond, 0.3, notes)
}

// Greeting returns the short melody that Echo Test begins with.
func Greeting() []float32 {
	const beat = 180 * time.Millisecond
	return compose(1400*time.Millisecond, 0.25, []note{
		{523.25, 0, 500 * time.Millisecond},
		{659.26, beat, 500 * time.Millisecond},
		{783.99, 2 * beat, 500 * time.Millisecond},
		{1046.5, 3 * beat, 800 * time.Millisecond},
	})
}

// A Loop plays a piece over and over. It belongs to one goroutine.
type Loop struct {
	pcm      []float32
	at       int
	rise     int // samples of the first ramp that are behind
	stopping int
	stopped  bool
}

// NewLoop returns a loop over pcm, which it does not copy.
func NewLoop(pcm []float32) *Loop { return &Loop{pcm: pcm, stopped: len(pcm) == 0} }

// Stop ends the sound within 5 ms.
func (l *Loop) Stop() {
	if l.stopping == 0 && !l.stopped {
		l.stopping = ramp
	}
}

// Done reports whether nothing more will come.
func (l *Loop) Done() bool { return l.stopped }

// Add adds the next len(dst) samples to dst.
func (l *Loop) Add(dst []float32) {
	for i := range dst {
		if l.stopped {
			return
		}
		v := l.pcm[l.at]
		if l.at++; l.at == len(l.pcm) {
			l.at = 0
		}
		if l.rise < ramp {
			v *= float32(l.rise) / ramp
			l.rise++
		}
		if l.stopping > 0 {
			v *= float32(l.stopping) / ramp
			if l.stopping--; l.stopping == 0 {
				l.stopped = true
			}
		}
		dst[i] += v
	}
}
