package dsp

import (
	"fmt"
	"math"
	"testing"
)

var rates = []int{8000, 16000, 24000, 32000, 44100, 48000}

func sine(hz float64, rate, n int) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = float32(math.Sin(2 * math.Pi * hz * float64(i) / float64(rate)))
	}
	return pcm
}

// fit takes the sine of hz out of pcm by least squares. It returns its
// amplitude, its delay against a sine that starts at pcm[0] in seconds (modulo a
// period), and the effective value of what is left.
func fit(pcm []float32, hz float64, rate int) (amplitude, delay, rest float64) {
	var ss, sc, cc, xs, xc float64
	w := 2 * math.Pi * hz / float64(rate)
	for i, x := range pcm {
		s, c := math.Sincos(w * float64(i))
		ss, sc, cc = ss+s*s, sc+s*c, cc+c*c
		xs, xc = xs+float64(x)*s, xc+float64(x)*c
	}
	det := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/det, (xc*ss-xs*sc)/det
	var sum float64
	for i, x := range pcm {
		s, c := math.Sincos(w * float64(i))
		d := float64(x) - a*s - b*c
		sum += d * d
	}
	phase := math.Mod(-math.Atan2(b, a)+2*math.Pi, 2*math.Pi)
	return math.Hypot(a, b), phase / (2 * math.Pi * hz), math.Sqrt(sum / float64(len(pcm)))
}

func dB(x float64) float64 { return 20 * math.Log10(x) }

// process runs pcm through r in frames of n samples.
func process(r *Resampler, pcm []float32, n int) []float32 {
	var out []float32
	for len(pcm) > 0 {
		n := min(n, len(pcm))
		out = r.Process(out, pcm[:n])
		pcm = pcm[n:]
	}
	return out
}

// A tone of the pass band comes out with its level, its delay, and nothing else.
func TestResamplerPassesTones(t *testing.T) {
	for _, in := range rates {
		for _, out := range rates {
			t.Run(fmt.Sprintf("%d to %d", in, out), func(t *testing.T) {
				nyquist := float64(min(in, out)) / 2
				for _, share := range []float64{0.05, 0.25, 0.5, 0.7, 0.88} {
					hz := share * nyquist
					r := NewResampler(in, out)
					pcm := process(r, sine(hz, in, in/5), in/100)
					if got, want := len(pcm), out/5; got != want {
						t.Fatalf("samples = %d, want %d", got, want)
					}
					skip := out / 20
					amplitude, _, rest := fit(pcm[skip:], hz, out)
					if got := dB(amplitude); math.Abs(got) > 0.1 {
						t.Errorf("gain at %.0f Hz = %.2f dB, want 0 ± 0.1", hz, got)
					}
					if got := dB(math.Sqrt2 * rest); got > -70 {
						t.Errorf("distortion at %.0f Hz = %.1f dB, want below -70", hz, got)
					}
				}
			})
		}
	}
}

// A tone that the lower rate cannot carry is not heard as another one.
func TestResamplerStopsAliases(t *testing.T) {
	for _, in := range rates {
		for _, out := range rates {
			if in <= out {
				continue
			}
			for _, share := range []float64{1.1, 1.3, 1.7} {
				hz := share * float64(out) / 2
				if hz > float64(in)/2 {
					continue
				}
				pcm := process(NewResampler(in, out), sine(hz, in, in/5), in/100)
				var m Meter
				m.Update(pcm[out/20:])
				if got := dB(math.Sqrt2 * float64(m.RMS())); got > -70 {
					t.Errorf("%d to %d: %.0f Hz leaves %.1f dB, want below -70", in, out, hz, got)
				}
			}
		}
	}
}

func TestResamplerDelay(t *testing.T) {
	tests := []struct {
		in, out int
		most    float64 // ms
	}{
		{8000, 48000, 3.5},
		{48000, 8000, 3.5},
		{16000, 48000, 1.8},
		{48000, 16000, 1.8},
		{44100, 48000, 0.7},
		{48000, 44100, 0.7},
		{48000, 48000, 0},
	}
	for _, tt := range tests {
		r := NewResampler(tt.in, tt.out)
		const hz = 97 // a period is longer than the delay
		pcm := process(r, sine(hz, tt.in, tt.in), tt.in/100)
		_, delay, _ := fit(pcm[tt.out/97*10:], hz, tt.out)
		skipped := float64(tt.out/97*10) / float64(tt.out)
		got := math.Mod(delay+skipped, 1.0/hz) * 1000
		want := r.Delay() / float64(tt.in) * 1000
		if math.Abs(got-want) > 0.01 && math.Abs(got-want) < 1000/hz-0.01 {
			t.Errorf("%d to %d: measured delay = %.3f ms, Delay says %.3f", tt.in, tt.out, got, want)
		}
		if want > tt.most {
			t.Errorf("%d to %d: delay = %.3f ms, want at most %.3f", tt.in, tt.out, want, tt.most)
		}
	}
}

// A correction changes the number of samples by just that, and keeps the sine
// clean while it moves.
func TestResamplerFollowsDrift(t *testing.T) {
	for _, ppm := range []float64{-200, 200, 1000} {
		for _, in := range []int{44100, 48000, 8000} {
			const out, seconds = 48000, 6
			r := NewResampler(in, out)
			r.SetRatio(ppm)
			pcm := process(r, sine(1000, in, seconds*in), in/100)
			want := float64(out*seconds) * (1 + ppm*1e-6)
			if got := float64(len(pcm)); math.Abs(got-want) > 2 {
				t.Errorf("%d to %d at %v ppm: samples = %.0f, want %.1f", in, out, ppm, got, want)
			}
			hz := 1000 / (1 + ppm*1e-6)
			if _, _, rest := fit(pcm[out/10:], hz, out); dB(math.Sqrt2*rest) > -70 {
				t.Errorf("%d to %d at %v ppm: distortion = %.1f dB, want below -70", in, out, ppm, dB(math.Sqrt2*rest))
			}
		}
	}
}

func TestResamplerSurvivesChangingRatio(t *testing.T) {
	r := NewResampler(48000, 48000)
	in := sine(440, 48000, 48000*2)
	var out []float32
	for i := 0; i < len(in); i += 480 {
		r.SetRatio(float64(i%4800) - 2400)
		out = r.Process(out, in[i:i+480])
	}
	for i := 200; i < len(out); i++ {
		if step := math.Abs(float64(out[i] - out[i-1])); step > 0.06 { // 440 Hz moves 0.058
			t.Fatalf("step at sample %d = %.3f, want a smooth sine", i, step)
		}
	}
}

func TestResamplerBypassesEqualRates(t *testing.T) {
	in := sine(1000, 48000, 960)
	out := process(NewResampler(48000, 48000), in, 480)
	for i := range in {
		if in[i] != out[i] {
			t.Fatalf("sample %d = %v, want %v", i, out[i], in[i])
		}
	}
}

func TestResamplerIgnoresFrameSizes(t *testing.T) {
	in := sine(700, 44100, 4410)
	want := process(NewResampler(44100, 8000), in, 4410)
	for _, n := range []int{1, 7, 441} {
		got := process(NewResampler(44100, 8000), in, n)
		if len(got) != len(want) {
			t.Fatalf("frames of %d give %d samples, want %d", n, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("frames of %d: sample %d = %v, want %v", n, i, got[i], want[i])
			}
		}
	}
}

func TestResamplerReset(t *testing.T) {
	r := NewResampler(48000, 8000)
	in := sine(700, 48000, 4799)
	want := process(NewResampler(48000, 8000), in, 480)
	r.Process(nil, in)
	r.Reset()
	got := process(r, in, 480)
	if len(got) != len(want) || got[len(got)-1] != want[len(want)-1] {
		t.Errorf("after Reset %d samples come out, want the %d of a new resampler", len(got), len(want))
	}
}

func TestResamplerAllocatesNothing(t *testing.T) {
	for _, in := range rates {
		r := NewResampler(in, 48000)
		r.SetRatio(150)
		src, dst := make([]float32, in/100), make([]float32, 0, 1000)
		if got := testing.AllocsPerRun(100, func() { dst = r.Process(dst[:0], src) }); got != 0 {
			t.Errorf("%d to 48000: allocations = %v, want none", in, got)
		}
	}
}

func BenchmarkResampler(b *testing.B) {
	for _, tt := range []struct {
		in, out int
		ppm     float64
	}{{8000, 48000, 0}, {48000, 8000, 0}, {44100, 48000, 0}, {48000, 48000, 50}} {
		b.Run(fmt.Sprintf("%d-%d@%v", tt.in, tt.out, tt.ppm), func(b *testing.B) {
			r := NewResampler(tt.in, tt.out)
			if tt.ppm != 0 {
				r.SetRatio(tt.ppm)
			}
			src, dst := make([]float32, tt.in/100), make([]float32, 0, 1000)
			for b.Loop() {
				dst = r.Process(dst[:0], src)
			}
		})
	}
}
