package mediatest

import (
	"math"
	"slices"
	"time"
)

// How [Compare] looks at sound.
const (
	compareRate  = 16000                   // everything is brought to it
	window       = compareRate / 5         // 200 ms
	alignWithin  = compareRate * 60 / 1000 // to either side of the whole signal's delay
	gapFrame     = compareRate / 200       // 5 ms
	gapRun       = 3                       // frames; a shorter silence may be that of another alignment
	silenceBelow = 0.02                    // of the signal's RMS: 34 dB below it
	activeAbove  = 0.25                    // of the signal's RMS
)

// A Report tells how well sound came through.
type Report struct {
	MedianCorrelation float64 // over all windows that hold sound; 1 is perfect
	WorstCorrelation  float64
	Windows           int // how many were looked at

	Delay              time.Duration // of got against ref, median over the windows
	MinDelay, MaxDelay time.Duration // over windows that correlate well

	Gaps       int // times got is silent where ref is not, 15 ms and longer
	LongestGap time.Duration
	Gain       float64 // RMS of got over that of ref, where both overlap
}

// Compare looks for ref in got, which may begin earlier or later and hold more.
// Both are mono at rate samples a second. They are limited to 300 to 3400 Hz;
// each 200 ms of ref is then aligned on its own within 60 ms of the delay of the
// whole, and correlated.
func Compare(ref, got []float32, rate int) Report {
	r, g := narrow(ref, rate), narrow(got, rate)
	if len(r) == 0 || len(g) == 0 {
		return Report{}
	}
	whole := delayOf(r, g)
	level := RMS(r)
	var correlations, delays, good []float64
	lags := make([]int, len(r)/window+1) // of each window that correlates well
	for at := 0; at+window <= len(r); at += window {
		w := r[at : at+window]
		if RMS(w) < activeAbove*level || at+whole < 0 || at+whole+window > len(g) {
			continue
		}
		best, lag := align(w, g, at+whole)
		lag -= at
		correlations = append(correlations, best)
		delays = append(delays, float64(lag))
		if best > 0.8 {
			good = append(good, float64(lag))
			lags[at/window] = lag
		}
	}
	report := Report{Windows: len(correlations)}
	if report.Windows == 0 {
		return report
	}
	report.MedianCorrelation, report.WorstCorrelation = median(correlations), slices.Min(correlations)
	report.Delay = toTime(median(delays))
	if len(good) > 0 {
		report.MinDelay, report.MaxDelay = toTime(slices.Min(good)), toTime(slices.Max(good))
	}
	for i := range lags {
		if lags[i] == 0 {
			lags[i] = int(median(delays))
		}
	}
	report.findGaps(r, g, lags, level)
	return report
}

func toTime(samples float64) time.Duration {
	return time.Duration(samples / compareRate * float64(time.Second))
}

// findGaps counts where got is silent and ref is not, each window of which is
// earlier by its lag.
func (p *Report) findGaps(ref, got []float32, lags []int, level float64) {
	var refSum, gotSum float64
	run := 0
	end := func() {
		if run >= gapRun {
			p.Gaps++
			p.LongestGap = max(p.LongestGap, toTime(float64(run*gapFrame)))
		}
		run = 0
	}
	for at := 0; at+gapFrame <= len(ref); at += gapFrame {
		from := at + lags[at/window]
		if from < 0 || from+gapFrame > len(got) {
			continue
		}
		a, b := RMS(ref[at:at+gapFrame]), RMS(got[from:from+gapFrame])
		refSum += a * a
		gotSum += b * b
		if a > activeAbove*level && b < silenceBelow*level {
			run++
			continue
		}
		end()
	}
	end()
	if refSum > 0 {
		p.Gain = math.Sqrt(gotSum / refSum)
	}
}

// delayOf finds by how many samples g is later than r: the peak of their cross
// correlation.
func delayOf(r, g []float32) int {
	size := 1
	for size < len(r)+len(g) {
		size *= 2
	}
	a, b := make([]complex128, size), make([]complex128, size)
	for i, v := range r {
		a[i] = complex(float64(v), 0)
	}
	for i, v := range g {
		b[i] = complex(float64(v), 0)
	}
	fft(a, false)
	fft(b, false)
	for i := range a {
		b[i] *= complex(real(a[i]), -imag(a[i]))
	}
	fft(b, true)
	best := 0
	for i := range b {
		if real(b[i]) > real(b[best]) {
			best = i
		}
	}
	if best >= len(g) {
		best -= size
	}
	return best
}

// fft transforms a, whose length is a power of two, in place; the inverse is not
// scaled.
func fft(a []complex128, inverse bool) {
	n := len(a)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			a[i], a[j] = a[j], a[i]
		}
	}
	sign := -2.0
	if inverse {
		sign = 2
	}
	for size := 2; size <= n; size *= 2 {
		sin, cos := math.Sincos(sign * math.Pi / float64(size))
		step := complex(cos, sin)
		for from := 0; from < n; from += size {
			w := complex(1, 0)
			for k := from; k < from+size/2; k++ {
				u, v := a[k], a[k+size/2]*w
				a[k], a[k+size/2] = u+v, u-v
				w *= step
			}
		}
	}
}

// align finds where near from w fits into g best, and the normalized correlation
// there.
func align(w, g []float32, from int) (best float64, place int) {
	low, high := max(0, from-alignWithin), min(len(g), from+alignWithin+len(w))
	if high < low+len(w) {
		return 0, from
	}
	energy := make([]float64, high-low+1) // of g from low on
	for i, v := range g[low:high] {
		energy[i+1] = energy[i] + float64(v)*float64(v)
	}
	own := 0.0
	for _, v := range w {
		own += float64(v) * float64(v)
	}
	best, place = -1, from
	try := func(at int) {
		if at < low || at+len(w) > high {
			return
		}
		var sum float32
		for i, v := range g[at : at+len(w)] {
			sum += v * w[i]
		}
		norm := math.Sqrt(own * (energy[at-low+len(w)] - energy[at-low]))
		if c := float64(sum) / norm; norm > 0 && c > best {
			best, place = c, at
		}
	}
	for at := from - alignWithin; at <= from+alignWithin; at += 2 {
		try(at)
	}
	near := place
	try(near - 1)
	try(near + 1)
	return max(best, 0), place
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// narrow limits pcm to 300 to 3400 Hz and brings it to compareRate.
func narrow(pcm []float32, rate int) []float32 {
	x := make([]float64, len(pcm))
	for i, v := range pcm {
		x[i] = float64(v)
	}
	// Quality factors of a Butterworth filter of fourth order.
	for _, q := range []float64{0.5412, 1.3066} {
		biquad(x, rate, 300, q, true)
		biquad(x, rate, min(3400, 0.45*float64(rate)), q, false)
	}
	out := make([]float32, 0, len(x)*compareRate/rate+1)
	for i := 0; ; i++ {
		pos := float64(i) * float64(rate) / compareRate
		k := int(pos)
		if k+1 >= len(x) {
			return out
		}
		f := pos - float64(k)
		out = append(out, float32(x[k]*(1-f)+x[k+1]*f))
	}
}

// biquad filters x in place, high-pass or low-pass (the well-known "cookbook"
// formulas of R. Bristow-Johnson).
func biquad(x []float64, rate int, hz, q float64, high bool) {
	sin, cos := math.Sincos(2 * math.Pi * hz / float64(rate))
	alpha := sin / (2 * q)
	b0, b1 := (1-cos)/2, 1-cos
	if high {
		b0, b1 = (1+cos)/2, -(1 + cos)
	}
	a0, a1, a2 := 1+alpha, -2*cos, 1-alpha
	var x1, x2, y1, y2 float64
	for i, v := range x {
		y := (b0*v + b1*x1 + b0*x2 - a1*y1 - a2*y2) / a0
		x2, x1 = x1, v
		y2, y1 = y1, y
		x[i] = y
	}
}
