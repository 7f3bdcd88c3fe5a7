package tone_test

import (
	"math"
	"testing"
	"time"

	"parley/media/mediatest"
	"parley/media/tone"
)

const rate = tone.Rate

// play takes that much of a cadence in frames of 10 ms.
func play(p interface{ Add([]float32) }, d time.Duration) []float32 {
	pcm := make([]float32, int(d*rate/time.Second))
	for at := 0; at < len(pcm); at += rate / 100 {
		p.Add(pcm[at:min(at+rate/100, len(pcm))])
	}
	return pcm
}

func at(pcm []float32, from, to time.Duration) []float32 {
	return pcm[from*rate/time.Second : to*rate/time.Second]
}

// steepest is the largest step between two samples.
func steepest(pcm []float32) (step float64) {
	before := float32(0)
	for _, v := range pcm {
		step = max(step, math.Abs(float64(v-before)))
		before = v
	}
	return step
}

func TestRingBackOfRegions(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		country string
		hz      []float64
		on, off time.Duration
	}{
		{"", []float64{425}, 1000 * ms, 4000 * ms},
		{"de", []float64{425}, 1000 * ms, 4000 * ms},
		{"us", []float64{440, 480}, 2000 * ms, 4000 * ms},
		{"gb", []float64{400, 450}, 400 * ms, 200 * ms},
		{"fr", []float64{440}, 1500 * ms, 3500 * ms},
	}
	for _, tt := range tests {
		pcm := play(tone.NewPlayer(tone.RegionOf(tt.country).RingBack), tt.on+tt.off+200*ms)
		sound := at(pcm, 20*ms, tt.on-20*ms)
		for _, hz := range tt.hz {
			if got := mediatest.Power(sound, hz, rate); got < 0.04 {
				t.Errorf("%q: power at %v Hz = %v, want a tone", tt.country, hz, got)
			}
		}
		if got := mediatest.RMS(at(pcm, tt.on, tt.on+tt.off)); got != 0 {
			t.Errorf("%q: RMS of the pause = %v, want 0", tt.country, got)
		}
		if got := mediatest.RMS(at(pcm, tt.on+tt.off+20*ms, tt.on+tt.off+180*ms)); got < 0.02 {
			t.Errorf("%q: the tone does not come again", tt.country)
		}
		if got := steepest(pcm); got > 0.02 {
			t.Errorf("%q: a step of %v between two samples clicks", tt.country, got)
		}
	}
}

func TestDigit(t *testing.T) {
	pairs := map[rune][2]float64{
		'1': {697, 1209}, '2': {697, 1336}, '5': {770, 1336}, '9': {852, 1477},
		'*': {941, 1209}, '0': {941, 1336}, '#': {941, 1477}, 'D': {941, 1633}, 'A': {697, 1633},
	}
	for digit, pair := range pairs {
		c, ok := tone.Digit(digit, 100*time.Millisecond)
		if !ok {
			t.Errorf("Digit(%q) is refused", digit)
			continue
		}
		p := tone.NewPlayer(c)
		pcm := play(p, 200*time.Millisecond)
		for _, hz := range pair {
			if got := mediatest.Power(at(pcm, 10*time.Millisecond, 90*time.Millisecond), hz, rate); got < 0.05 {
				t.Errorf("Digit(%q): power at %v Hz = %v, want 0.06", digit, hz, got)
			}
		}
		if got := mediatest.RMS(at(pcm, 100*time.Millisecond, 200*time.Millisecond)); got != 0 || !p.Done() {
			t.Errorf("Digit(%q) sounds on: RMS %v, Done %v", digit, got, p.Done())
		}
	}
	if _, ok := tone.Digit('x', time.Second); ok {
		t.Error("Digit('x') is accepted")
	}
}

func TestStopDoesNotClick(t *testing.T) {
	p := tone.NewPlayer(tone.RegionOf("").RingBack)
	l := tone.NewLoop(tone.Ring())
	type player interface {
		Add([]float32)
		Stop()
		Done() bool
	}
	for _, p := range []player{p, l} {
		pcm := play(p, 333*time.Millisecond)
		p.Stop()
		p.Stop()
		pcm = append(pcm, play(p, 100*time.Millisecond)...)
		if got := steepest(pcm); got > 0.06 {
			t.Errorf("%T: a step of %v between two samples clicks", p, got)
		}
		if got := mediatest.RMS(pcm[len(pcm)-rate*9/100:]); got != 0 || !p.Done() {
			t.Errorf("%T: sounds %v after Stop, Done %v", p, got, p.Done())
		}
	}
	p.Restart()
	if mediatest.RMS(play(p, 100*time.Millisecond)) == 0 {
		t.Error("Restart: silence, want the tone again")
	}
}

func TestMelodies(t *testing.T) {
	for name, pcm := range map[string][]float32{"ring": tone.Ring(), "greeting": tone.Greeting()} {
		if got := mediatest.RMS(pcm); got < 0.03 {
			t.Errorf("%s: RMS %v, want a sound", name, got)
		}
		for _, v := range pcm {
			if math.Abs(float64(v)) > 0.95 {
				t.Fatalf("%s: peak %v, want below 0.95", name, v)
			}
		}
		if first, last := pcm[0], pcm[len(pcm)-1]; math.Abs(float64(first)) > 0.001 || math.Abs(float64(last)) > 0.001 {
			t.Errorf("%s begins with %v and ends with %v, want silence, for it is repeated", name, first, last)
		}
	}
}

func TestLoopRepeats(t *testing.T) {
	pcm := []float32{0.1, 0.2, 0.3}
	got := make([]float32, 9+rate/100)
	tone.NewLoop(pcm).Add(got)
	if a, b := got[rate/100:rate/100+3], got[rate/100+3:rate/100+6]; a[0] != b[0] || a[0] == 0 {
		t.Errorf("Loop = %v then %v, want the same", a, b)
	}
	empty := tone.NewLoop(nil)
	empty.Add(got)
	if !empty.Done() {
		t.Error("Loop of nothing is not Done")
	}
}

func BenchmarkPlayer(b *testing.B) {
	p := tone.NewPlayer(tone.RegionOf("us").RingBack)
	frame := make([]float32, rate/100)
	b.ReportAllocs()
	for b.Loop() {
		p.Add(frame)
	}
}
