package jitter

import "math"

// Pitch periods are sought between these, in samples at 48 kHz. The coarse
// search runs at a sixth of the rate.
const (
	minPeriod  = 5 * ms / 2
	maxPeriod  = 15 * ms
	decimation = 6
)

// pitch finds the lag, minPeriod to longest, at which x[at:at+window] is most
// like the signal that lies a lag before it, and how alike the two are: the
// normalized correlation, 1 for a periodic signal. It needs longest samples
// before at. Of lags that are about as good the shortest is taken.
func pitch(x []float32, at, window, longest int) (lag int, alike float64) {
	var low [(maxPeriod + 20*ms) / decimation]float32
	lead, n := longest/decimation, window/decimation
	base := at - lead*decimation
	for i := range lead + n {
		var sum float32
		for _, v := range x[base+i*decimation : base+(i+1)*decimation] {
			sum += v
		}
		low[i] = sum
	}
	var score [maxPeriod/decimation + 1]float64
	best := 0.0
	for l := minPeriod / decimation; l <= lead; l++ {
		score[l] = alikeness(low[lead:lead+n], low[lead-l:lead-l+n])
		best = max(best, score[l])
	}
	coarse := 0
	for l := minPeriod / decimation; l <= lead; l++ {
		if score[l] >= 0.95*best && (l == lead || score[l] >= score[l+1]) {
			coarse = l
			break
		}
	}
	if coarse == 0 || best == 0 {
		return min(10*ms, longest), 0
	}
	alike = -1
	from, to := max((coarse-1)*decimation, minPeriod), min((coarse+1)*decimation, longest)
	for l := from; l <= to; l++ {
		if a := alikeness(x[at:at+window], x[at-l:at-l+window]); a > alike {
			lag, alike = l, a
		}
	}
	return lag, alike
}

// alikeness is the normalized correlation of a and b, 0 where one is silent. The
// race detector is spared it, for it is most of what tests do; who else touches the
// samples is seen where they are put and taken.
//
//go:norace
func alikeness(a, b []float32) float64 {
	b = b[:len(a)]
	var ab, aa, bb float32
	for i, x := range a {
		y := b[i]
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa < 1e-12 || bb < 1e-12 {
		return 0
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}

// level is the effective value of x.
func level(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	var sum float32
	for _, v := range x {
		sum += v * v
	}
	return float32(math.Sqrt(float64(sum) / float64(len(x))))
}
