package interop

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/media/mediatest"
	"parley/media/wav"
)

// sampleRate is that of all signals and of what Parley writes.
const sampleRate = 48000

// A signal is what one phone says: speech-like, never repeated within its
// length, and different for each user.
type signal struct {
	file    string
	samples []float32
}

// signalLength is longer than any call whose sound is compared.
const signalLength = 20 * time.Second

// signalOf makes the signal of a user.
func signalOf(t testing.TB, user string) signal {
	t.Helper()
	h := fnv.New64a()
	h.Write([]byte(user))
	s := signal{
		file:    filepath.Join(t.TempDir(), user+".wav"),
		samples: mediatest.Speech(h.Sum64(), int(signalLength.Seconds()*sampleRate), sampleRate),
	}
	w, err := wav.Create(s.file, sampleRate, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(s.samples), w.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

// A recording is what was heard, one slice for each channel.
type recording struct {
	name     string
	rate     int
	channels [][]float32
}

// load reads a WAV file.
func load(t testing.TB, path string) recording {
	t.Helper()
	r, err := wav.Open(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer r.Close()
	n := r.Format().Channels
	rec := recording{name: filepath.Base(path), rate: r.Format().Rate, channels: make([][]float32, n)}
	buf := make([]float32, 4096*n)
	for {
		got, err := r.Read(buf)
		for i, v := range buf[:got] {
			rec.channels[i%n] = append(rec.channels[i%n], v)
		}
		if errors.Is(err, io.EOF) {
			return rec
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}

// length of the recording.
func (r recording) length() time.Duration {
	return time.Duration(float64(len(r.channels[0])) / float64(r.rate) * float64(time.Second))
}

// from cuts off what came before.
func (r recording) from(at time.Duration) recording {
	n := min(int(at.Seconds()*float64(r.rate)), len(r.channels[0]))
	cut := recording{name: r.name, rate: r.rate}
	for _, c := range r.channels {
		cut.channels = append(cut.channels, c[n:])
	}
	return cut
}

// at brings samples at 48 kHz to another rate that divides it, and is used on
// signals only, so that no filter is needed: they end below 3400 Hz.
func at(samples []float32, rate int) []float32 {
	if rate == sampleRate {
		return samples
	}
	step := float64(sampleRate) / float64(rate)
	out := make([]float32, 0, int(float64(len(samples))/step))
	for i := 0; ; i++ {
		pos := float64(i) * step
		k := int(pos)
		if k+1 >= len(samples) {
			return out
		}
		f := float32(pos - float64(k))
		out = append(out, samples[k]*(1-f)+samples[k+1]*f)
	}
}

// minWindows of 200 ms must have been heard for a comparison to count.
const minWindows = 15

// mustHear fails the test unless one channel of the recording holds the signal
// well.
func mustHear(t testing.TB, who string, said signal, rec recording, channel int) mediatest.Report {
	t.Helper()
	r, err := hear(t, who, said, rec, channel)
	if err != nil {
		t.Error(err)
	}
	return r
}

// hear returns an error unless one channel of the recording holds the signal
// well. It tells of gaps, and of the place of the signal in the recording, whose
// changes are those of the delay.
func hear(t testing.TB, who string, said signal, rec recording, channel int) (mediatest.Report, error) {
	t.Helper()
	r := mediatest.Compare(at(said.samples, rec.rate), rec.channels[channel], rec.rate)
	t.Logf("%s: correlation %.3f (worst %.3f) over %d windows, gain %.2f, %d gaps (longest %v), place %v (%v to %v)",
		who, r.MedianCorrelation, r.WorstCorrelation, r.Windows, r.Gain, r.Gaps, r.LongestGap.Round(time.Millisecond),
		r.Delay.Round(time.Millisecond), r.MinDelay.Round(time.Millisecond), r.MaxDelay.Round(time.Millisecond))
	if r.Windows >= minWindows && r.MedianCorrelation >= 0.9 {
		return r, nil
	}
	keep(t, rec)
	keep(t, recording{"said-" + rec.name, sampleRate, [][]float32{said.samples}})
	return r, fmt.Errorf("%s: %s of %v holds the signal with a median correlation of %.3f over %d windows, want 0.9 over %d",
		who, rec.name, rec.length().Round(time.Millisecond), r.MedianCorrelation, r.Windows, minWindows)
}

// mustNotHear fails the test if one channel of the recording holds the signal.
func mustNotHear(t testing.TB, who string, said signal, rec recording, channel int) {
	t.Helper()
	r := mediatest.Compare(at(said.samples, rec.rate), rec.channels[channel], rec.rate)
	if r.MedianCorrelation > 0.7 {
		t.Errorf("%s: %s holds the signal with a median correlation of %.3f", who, rec.name, r.MedianCorrelation)
	}
}

// keep leaves a recording for people to listen to, where PARLEY_KEEP says.
func keep(t testing.TB, rec recording) {
	dir := os.Getenv("PARLEY_KEEP")
	if dir == "" {
		return
	}
	w, err := wav.Create(filepath.Join(dir, filepath.Base(t.Name())+"-"+rec.name), rec.rate, 1)
	if err == nil {
		err = errors.Join(w.Write(rec.channels[0]), w.Close())
	}
	if err != nil {
		t.Log(err)
	}
}

// mustBeSilent fails the test if one channel of the recording is not silent.
func mustBeSilent(t testing.TB, who string, rec recording, channel int) {
	t.Helper()
	if level := 20 * math.Log10(mediatest.RMS(rec.channels[channel])+1e-9); level > -50 {
		t.Errorf("%s: %s has a level of %.1f dB, want silence", who, rec.name, level)
	}
}
