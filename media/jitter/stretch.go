package jitter

// What a change of tempo looks at.
const (
	shortenWind  = 15 * ms // that is compared, if as much is there
	lengthenWind = 10 * ms // the same
	shortPeriod  = 4 * ms  // the least that is worth looking for a period in
)

// quiet is a level at which a cut is not heard wherever it is: -56 dBFS.
const quiet = 0.0016

// shorten takes one pitch period of at most longest samples out of x, which must
// hold twice as many. It returns the rest, in the same memory, and how many samples
// are gone: none, if no period repeats well enough for alike.
func shorten(x []float32, longest int, alike float64) ([]float32, int) {
	longest -= longest % decimation
	lag, got := pitch(x, longest, min(shortenWind, len(x)-longest), longest)
	if got < alike && level(x[:2*longest]) > quiet {
		return x, 0
	}
	// The signal a lag before the window's start is x[longest-lag:].
	a := x[longest-lag : longest]
	b := x[longest : longest+lag]
	for i := range b {
		w := (float32(i) + 0.5) / float32(lag)
		b[i] = a[i]*(1-w) + b[i]*w
	}
	n := copy(x[longest-lag:], x[longest:])
	return x[:longest-lag+n], lag
}

// lengthen puts a pitch period in before x[at:], of which shortPeriod samples
// must be there and maxPeriod before. It returns the longer x and how many
// samples it has gained: none, if no period repeats well enough for alike. The
// capacity of x must have room.
func lengthen(x []float32, at int, alike float64) ([]float32, int) {
	window := min(lengthenWind, len(x)-at)
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
