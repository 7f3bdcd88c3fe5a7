package dsp

import (
	"math"
	"testing"
)

func TestMeter(t *testing.T) {
	var m Meter
	m.Update(sine(1000, 48000, 480))
	if got := m.Peak(); math.Abs(float64(got)-1) > 1e-3 {
		t.Errorf("Peak of a full sine = %v, want 1", got)
	}
	if got := m.RMS(); math.Abs(float64(got)-math.Sqrt2/2) > 1e-3 {
		t.Errorf("RMS of a full sine = %v, want 0.707", got)
	}
	m.Update(nil)
	if m.Peak() == 0 {
		t.Error("an empty frame changed the peak")
	}
	silence := make([]float32, 480)
	for range 100 {
		m.Update(silence)
	}
	if got := dB(float64(m.Peak())); got > -18 || got < -22 {
		t.Errorf("Peak after a second of silence = %.1f dB, want about -20", got)
	}
	m.Update(sine(1000, 48000, 480))
	for range 200 {
		m.Update(silence[:240])
	}
	if got := dB(float64(m.Peak())); got > -18 || got < -22 {
		t.Errorf("Peak after a second of silence in halves = %.1f dB, want about -20", got)
	}
	if got := m.RMS(); got != 0 {
		t.Errorf("RMS of silence = %v, want 0", got)
	}
	m.Reset()
	if got := m.Peak(); got != 0 {
		t.Errorf("Peak after Reset = %v, want 0", got)
	}
}

func TestGainMovesWithoutSteps(t *testing.T) {
	ones := func() []float32 {
		f := make([]float32, 480)
		for i := range f {
			f[i] = 1
		}
		return f
	}
	g := NewGain(1)
	last := float32(1)
	for _, target := range []float32{1, 0, 0.5, 2, 1} {
		g.Set(target)
		var f []float32
		for range 3 {
			f = ones()
			g.Apply(f)
			for i, x := range f {
				if step := x - last; step > 1.01*rampStep || step < -1.01*rampStep {
					t.Fatalf("step towards %v at sample %d = %v, want at most %v", target, i, step, rampStep)
				}
				last = x
			}
		}
		if got := f[len(f)-1]; got != target {
			t.Errorf("gain after 30 ms = %v, want %v", got, target)
		}
		if got := g.Target(); got != target {
			t.Errorf("Target() = %v, want %v", got, target)
		}
	}
}
