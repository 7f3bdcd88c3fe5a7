package mix_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/media/mediatest"
	"parley/media/mix"
)

const frame = 480

func TestSum(t *testing.T) {
	m := mix.New(4)
	m.Begin()
	m.Add([]float32{0.25, 0.25, 0.25, 0.25}, 1)
	m.Add([]float32{0.5, -0.25}, 0.5)
	if diff := cmp.Diff([]float32{0.5, 0.125, 0.25, 0.25}, m.End()); diff != "" {
		t.Errorf("End() (-want +got):\n%s", diff)
	}
	m.Begin()
	if diff := cmp.Diff([]float32{0, 0, 0, 0}, m.End()); diff != "" {
		t.Errorf("End() of nothing (-want +got):\n%s", diff)
	}
}

func TestMinus(t *testing.T) {
	m := mix.New(2)
	a, b, c := []float32{0.25, 0}, []float32{0, 0.5}, []float32{0.125, 0.125}
	m.Begin()
	for _, f := range [][]float32{a, b, c} {
		m.Add(f, 1)
	}
	got := make([]float32, 2)
	m.Minus(got, a, 1)
	if diff := cmp.Diff([]float32{0.125, 0.625}, got); diff != "" {
		t.Errorf("Minus(a) (-want +got):\n%s", diff)
	}
}

func TestLimiterKeepsLoudSumsUndistorted(t *testing.T) {
	m := mix.New(frame)
	voice := mediatest.Tone(1000, 0.8, 50*frame, 48000)
	var out []float32
	for at := 0; at < len(voice); at += frame {
		m.Begin()
		for range 3 {
			m.Add(voice[at:at+frame], 1)
		}
		out = append(out, m.End()...)
	}
	settled := out[2*frame:]
	for i, v := range settled {
		if math.Abs(float64(v)) > 0.9 {
			t.Fatalf("sample %d = %v, want below the ceiling", i, v)
		}
	}
	fundamental := mediatest.Power(settled, 1000, 48000)
	overtones := mediatest.Power(settled, 3000, 48000) + mediatest.Power(settled, 5000, 48000)
	if fundamental < 0.8 || overtones > 0.01*fundamental {
		t.Errorf("fundamental %v, overtones %v: distorted", fundamental, overtones)
	}
	if m.Limited() == 0 {
		t.Error("Limited() = 0")
	}
	for range 500 { // quiet again: the gain comes back
		m.Begin()
		m.Add(voice[:frame], 0.5)
		out = m.End()
	}
	if got := mediatest.RMS(out); math.Abs(got-0.4/math.Sqrt2) > 0.01 {
		t.Errorf("RMS after the loud part = %v, want that of the source", got)
	}
}

// In halves the sum is that of whole frames, and the limiter comes back as fast.
func TestPartsOfFrames(t *testing.T) {
	whole, parts := mix.New(frame), mix.New(frame)
	in := mediatest.Tone(1000, 1.5, 60*frame, 48000)
	for at := 0; at < len(in); at += frame {
		gain := float32(1)
		if at >= 10*frame {
			gain = 0.2
		}
		whole.Begin()
		whole.Add(in[at:at+frame], gain)
		want := whole.End()
		var got []float32
		for half := at; half < at+frame; half += frame / 2 {
			parts.BeginPart(frame / 2)
			parts.Add(in[half:min(half+frame, len(in))], gain) // more than there is room for
			if n := len(parts.Sum()); n != frame/2 {
				t.Fatalf("the sum is of %d samples, want %d", n, frame/2)
			}
			got = append(got, parts.End()...)
		}
		if a, b := mediatest.RMS(want), mediatest.RMS(got); math.Abs(a-b) > 0.03*a {
			t.Fatalf("at %d: RMS %v, in whole frames %v", at, b, a)
		}
	}
}

func BenchmarkMix(b *testing.B) {
	m := mix.New(frame)
	in := mediatest.Speech(1, frame, 48000)
	b.ReportAllocs()
	for b.Loop() {
		m.Begin()
		for range 4 {
			m.Add(in, 1)
		}
		m.End()
	}
}
