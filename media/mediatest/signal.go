package mediatest

import (
	"math"
	"math/rand/v2"
)

// Speech returns samples of a signal that behaves like speech and never repeats:
// syllables of gliding harmonics and of noise, with short pauses, between 300 and
// 3400 Hz. The same seed gives the same signal, so that a delay can be told
// without doubt. Its peak is about 0.5.
func Speech(seed uint64, samples, rate int) []float32 {
	rng := rand.New(rand.NewPCG(seed, 0x5eed))
	out := make([]float32, samples)
	at := 0
	for at < samples {
		length := int((0.08 + 0.22*rng.Float64()) * float64(rate))
		syllable(rng, out[at:min(at+length, samples)], length, rate)
		at += length + int((0.02+0.05*rng.Float64())*float64(rate))
	}
	return out
}

// syllable adds one syllable of the given length to out, which may be shorter.
func syllable(rng *rand.Rand, out []float32, length, rate int) {
	from, to := 310+400*rng.Float64(), 310+400*rng.Float64()
	var weights [4]float64
	for i := range weights {
		weights[i] = 0.1 + rng.Float64()
	}
	noise := 0.05 * rng.Float64()
	phase := 2 * math.Pi * rng.Float64()
	sum := weights[0] + weights[1] + weights[2] + weights[3] + noise
	for i := range out {
		x := float64(i) / float64(length)
		phase += 2 * math.Pi * (from + (to-from)*x) / float64(rate)
		v := noise * (2*rng.Float64() - 1)
		for h, w := range weights {
			v += w * math.Sin(float64(h+1)*phase)
		}
		envelope := math.Pow(math.Sin(math.Pi*x), 0.5)
		out[i] += float32(0.7 * envelope * v / sum)
	}
}

// Tone returns samples of a sine of the given frequency and peak.
func Tone(hz, peak float64, samples, rate int) []float32 {
	out := make([]float32, samples)
	for i := range out {
		out[i] = float32(peak * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return out
}

// RMS is the root of the mean square of pcm.
func RMS(pcm []float32) float64 {
	if len(pcm) == 0 {
		return 0
	}
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// Power is how strong the frequency hz is in pcm: the peak of its sine (Goertzel).
func Power(pcm []float32, hz float64, rate int) float64 {
	var re, im float64
	for i, v := range pcm {
		a := 2 * math.Pi * hz * float64(i) / float64(rate)
		re += float64(v) * math.Cos(a)
		im += float64(v) * math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(max(len(pcm), 1))
}
