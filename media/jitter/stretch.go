package jitter

// What a stretch of sound must have at hand.
const (
	shortenNeeds = 2 * maxPeriod // samples that are not played yet
	lengthenWind = 10 * ms       // the same, to compare with what was played
)

// quiet is a level at which a cut is not heard wherever it is: -56 dBFS.
const quiet = 0.0016

// shorten takes one pitch period out of x, which must hold shortenNeeds samples.
// It returns the rest, in the same memory, and how many samples are gone: none,
// if no period repeats well enough for alike.
func shorten(x []float32, alike float64) ([]float32, int) {
	const window = 15 * ms
	lag, got := pitch(x, maxPeriod, window, maxPeriod)
	if got < alike && level(x[:shortenNeeds]) > quiet {
		return x, 0
	}
	// The signal a lag before the window's start is x[maxPeriod-lag:].
	a := x[maxPeriod-lag : maxPeriod]
	b := x[maxPeriod : maxPeriod+lag]
	for i := range b {
		w := (float32(i) + 0.5) / float32(lag)
		b[i] = a[i]*(1-w) + b[i]*w
	}
	n := copy(x[maxPeriod-lag:], x[maxPeriod:])
	return x[:maxPeriod-lag+n], lag
}

// lengthen puts a pitch period in before x[at:], of which lengthenWind samples
// must be there and maxPeriod before. It returns the longer x and how many
// samples it has gained: none, if no period repeats well enough for alike. The
// capacity of x must have room.
func lengthen(x []float32, at int, alike float64) ([]float32, int) {
	window := lengthenWind
	longest := min(maxPeriod, len(x)-at)
	longest -= longest % decimation
	lag, got := pitch(x, at, window, longest)
	if got < alike && level(x[at-window:at+window]) > quiet {
		return x, 0
	}
	n := len(x)
	x = x[:n+lag]
	copy(x[at+lag:], x[at:n])
	// From how the signal goes on to how it went before what comes next.
	for i := range lag {
		w := (float32(i) + 0.5) / float32(lag)
		x[at+i] = x[at+lag+i]*(1-w) + x[at-lag+i]*w
	}
	return x, lag
}
