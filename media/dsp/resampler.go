package dsp

import "math"

// The prototype low-pass: flat to passband, stopAtten dB down from stopband on,
// both as fractions of the Nyquist frequency of the lower of the two rates.
const (
	passband  = 0.9
	stopband  = 1.1
	stopAtten = 84
)

// MaxDrift is the largest correction in ppm that SetRatio takes.
const MaxDrift = 5000

// fracBits is the resolution between two phases of the filter.
const fracBits = 32

// A Resampler converts between two sample rates with a polyphase FIR filter
// that is linear in phase. The ratio may be moved a little while it runs, to
// follow a clock that drifts. It belongs to one goroutine.
type Resampler struct {
	taps   int       // of one phase
	phases int       // between two input samples; a multiple of the exact step's
	table  []float32 // phases+1 rows of taps coefficients

	exact uint64 // output step without correction
	step  uint64 // in input samples × phases << fracBits
	pos   uint64 // of the next output sample from the window at the head of buf
	buf   []float32
	pass  bool // equal rates and never corrected: samples go through unchanged
}

// NewResampler returns a resampler from in to out samples per second. Any two
// rates from 8000 to 48000 will do; it panics if one is not positive.
func NewResampler(in, out int) *Resampler {
	if in <= 0 || out <= 0 {
		panic("dsp: sample rate must be positive")
	}
	g := gcd(in, out)
	up, down := out/g, in/g
	scale := math.Min(1, float64(out)/float64(in)) // of the cut-off
	half := int(math.Ceil(kaiserHalf() / scale))
	// Between phases the filter is interpolated, for which this many are enough
	// to stay below the stop band; for the exact ratio no interpolation is done.
	phases := up * int(math.Ceil(256*scale/float64(up)))
	r := &Resampler{
		taps:   2 * half,
		phases: phases,
		exact:  uint64(phases/up*down) << fracBits,
		pass:   in == out,
	}
	r.step = r.exact
	r.design(half, scale)
	r.buf = make([]float32, r.taps-1, r.taps+4096)
	return r
}

// Delay returns how much later a sample comes out than it went in, in input
// samples.
func (r *Resampler) Delay() float64 {
	if r.pass {
		return 0
	}
	return float64(r.taps) / 2
}

// SetRatio makes the resampler give ppm parts per million more samples than its
// rates say (fewer, if negative), at most MaxDrift. Between equal rates samples
// are passed through without delay until the first correction; who means to
// correct should call SetRatio(0) before the first sample.
func (r *Resampler) SetRatio(ppm float64) {
	if math.IsNaN(ppm) {
		return
	}
	ppm = math.Max(-MaxDrift, math.Min(MaxDrift, ppm))
	r.pass = false
	r.step = r.exact
	if ppm != 0 {
		r.step = uint64(float64(r.exact) / (1 + ppm*1e-6))
	}
}

// Reset forgets all samples, as if the resampler were new. The ratio stays.
func (r *Resampler) Reset() {
	r.buf = r.buf[:r.taps-1]
	clear(r.buf)
	r.pos = 0
}

// Process appends the samples that src gives to dst, and returns the longer
// slice. Rates whose 10 ms are whole numbers of samples give exactly 10 ms for
// each 10 ms, from the first on. It allocates only when dst has no room, or
// when src is longer than any before.
func (r *Resampler) Process(dst, src []float32) []float32 {
	if r.pass {
		r.remember(src)
		return append(dst, src...)
	}
	r.buf = append(r.buf, src...)
	window := uint64(r.phases) << fracBits
	at := 0
	for {
		at += int(r.pos / window)
		r.pos %= window
		if at+r.taps > len(r.buf) {
			break
		}
		dst = append(dst, r.sample(r.buf[at:at+r.taps]))
		r.pos += r.step
	}
	// What lies beyond the buffer is kept in pos.
	if over := at - len(r.buf); over > 0 {
		r.pos += uint64(over) * window
		at = len(r.buf)
	}
	n := copy(r.buf, r.buf[at:])
	r.buf = r.buf[:n]
	return dst
}

// remember keeps the last samples, so that the filter can start among them.
func (r *Resampler) remember(src []float32) {
	if n := len(src) - len(r.buf); n >= 0 {
		copy(r.buf, src[n:])
		return
	}
	copy(r.buf, r.buf[len(src):])
	copy(r.buf[len(r.buf)-len(src):], src)
}

// sample filters one output sample from x, taps samples long, at pos.
func (r *Resampler) sample(x []float32) float32 {
	row := int(r.pos>>fracBits) * r.taps
	a := dot(x, r.table[row:row+r.taps])
	frac := r.pos & (1<<fracBits - 1)
	if frac == 0 {
		return a
	}
	b := dot(x, r.table[row+r.taps:row+2*r.taps])
	return a + (b-a)*float32(frac)/(1<<fracBits)
}

// dot needs len(h) samples of x, a multiple of 2. The race detector looks at every
// sample in [Resampler.Process], where they come and go; here it would look at each
// a hundred times, and spend most of the time of every test in which a call lasts.
//
//go:norace
func dot(x, h []float32) float32 {
	x = x[:len(h)]
	var s0, s1 float32
	for i := 0; i+1 < len(h); i += 2 {
		s0 += x[i] * h[i]
		s1 += x[i+1] * h[i+1]
	}
	return s0 + s1
}

// design fills the table. Row p is the filter for an output sample that lies
// p/phases after the input sample at half-1.
func (r *Resampler) design(half int, scale float64) {
	r.table = make([]float32, (r.phases+1)*r.taps)
	beta := kaiserBeta()
	norm := bessel0(beta)
	row := make([]float64, r.taps)
	for p := range r.phases + 1 {
		var sum float64
		for k := range row {
			t := float64(k-(half-1)) - float64(p)/float64(r.phases)
			u := t / float64(half)
			row[k] = sinc(t*scale) * bessel0(beta*math.Sqrt(math.Max(0, 1-u*u))) / norm
			sum += row[k]
		}
		for k, v := range row {
			r.table[p*r.taps+k] = float32(v / sum) // every phase has gain 1 at 0 Hz
		}
	}
}

// kaiserBeta and kaiserHalf are Kaiser's rules for the window and its half
// length in samples of the lower rate.
func kaiserBeta() float64 { return 0.1102 * (stopAtten - 8.7) }

func kaiserHalf() float64 {
	return (stopAtten - 7.95) / (2.285 * math.Pi * (stopband - passband)) / 2
}

func sinc(x float64) float64 {
	if math.Abs(x) < 1e-9 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of the first kind and order 0.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
