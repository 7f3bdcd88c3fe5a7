package virtual

import (
	"errors"
	"io"
	"math"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/media/wav"
)

// ramp returns n samples that all differ and survive 16 bits unchanged.
func ramp(n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(i%30000+1) / 32768
	}
	return s
}

// sine returns n samples of a tone.
func sine(rate, n int, hz float64) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(0.5 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return s
}

func writeWAV(t *testing.T, rate, channels int, interleaved []float32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.wav")
	w, err := wav.Create(path, rate, channels)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(interleaved); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// readWAV returns all samples of a mono file.
func readWAV(t *testing.T, path string) []float32 {
	t.Helper()
	r, err := wav.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if diff := cmp.Diff(wav.Format{Rate: SampleRate, Channels: 1}, r.Format()); diff != "" {
		t.Fatalf("format of %s (-want +got):\n%s", path, diff)
	}
	var all []float32
	buf := make([]float32, 4096)
	for {
		n, err := r.Read(buf)
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readFrames reads n frames of 480 samples.
func readFrames(t *testing.T, read func([]float32) error, n int) []float32 {
	t.Helper()
	all := make([]float32, n*480)
	for i := range n {
		if err := read(all[i*480 : (i+1)*480]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestFileCaptureLoopsAndRewinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := ramp(5000) // more than two blocks, not a whole number of frames
		c, err := OpenFileCapture(writeWAV(t, SampleRate, 1, want))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := readFrames(t, c.Read, 25)
		for i, v := range got {
			if v != want[i%len(want)] {
				t.Fatalf("sample %d = %v, want %v", i, v, want[i%len(want)])
			}
		}
		c.Rewind()
		if diff := cmp.Diff(want[:480], readFrames(t, c.Read, 1)); diff != "" {
			t.Errorf("first frame after Rewind (-want +got):\n%s", diff)
		}
	})
}

// Whatever the file's rate and channels, a tone keeps its pitch and its level.
func TestFileCaptureConverts(t *testing.T) {
	const hz = 1000
	tests := []struct{ rate, channels int }{
		{8000, 1}, {16000, 2}, {22050, 1}, {44100, 2}, {48000, 2}, {48000, 6}, {96000, 1}, {192000, 2},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			tone := sine(tt.rate, tt.rate, hz)
			interleaved := make([]float32, 0, len(tone)*tt.channels)
			for _, v := range tone {
				for range tt.channels {
					interleaved = append(interleaved, v)
				}
			}
			c, err := OpenFileCapture(writeWAV(t, tt.rate, tt.channels, interleaved))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			got := readFrames(t, c.Read, 90)[4800:] // past the filter's beginning
			level, match := 0.0, 0.0
			var re, im float64
			for i, v := range got {
				level += float64(v) * float64(v)
				sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / SampleRate)
				re += float64(v) * cos
				im += float64(v) * sin
			}
			level = math.Sqrt(level / float64(len(got)) * 2)
			match = 2 * math.Hypot(re, im) / float64(len(got))
			if math.Abs(level-0.5) > 0.01 || math.Abs(match-0.5) > 0.01 {
				t.Errorf("%d Hz, %d channels: level %.3f, at %d Hz %.3f, want 0.5 and 0.5",
					tt.rate, tt.channels, level, hz, match)
			}
		})
	}
}

func TestOpenFileCaptureFails(t *testing.T) {
	if _, err := OpenFileCapture(writeWAV(t, SampleRate, 1, nil)); !errors.Is(err, ErrEmptyFile) {
		t.Errorf("OpenFileCapture of an empty file = %v, want %v", err, ErrEmptyFile)
	}
	if _, err := OpenFileCapture(filepath.Join(t.TempDir(), "none.wav")); err == nil {
		t.Error("OpenFileCapture of a missing file succeeded")
	}
}

// The file grows in real time, with what was written at its place and silence
// elsewhere, and can be read while it grows.
func TestFilePlaybackIsTrueToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "out.wav")
		p, err := CreateFilePlayback(path)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := len(readWAV(t, path)); got < 2.7*SampleRate || got > 3*SampleRate {
			t.Errorf("after 3 s of nothing the file holds %d samples, want about %d", got, 3*SampleRate)
		}
		sound := ramp(9600)
		for i := 0; i < len(sound); i += 480 {
			if err := p.Write(sound[i : i+480]); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2*time.Second - 190*time.Millisecond)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		got := readWAV(t, path)
		if len(got) != 5*SampleRate {
			t.Errorf("after 5 s the file holds %d samples, want %d", len(got), 5*SampleRate)
		}
		at := 0
		for got[at] == 0 {
			at++
		}
		if at < 2.9*SampleRate || at > 3*SampleRate {
			t.Errorf("sound written after 3 s begins at sample %d, want %d or up to 100 ms before", at, 3*SampleRate)
		}
		if diff := cmp.Diff(sound, got[at:at+len(sound)]); diff != "" {
			t.Errorf("sound (-want +got):\n%s", diff)
		}
		for i, v := range got[at+len(sound):] {
			if v != 0 {
				t.Fatalf("sample %d after the sound = %v, want silence", i, v)
			}
		}
	})
}

func TestEcho(t *testing.T) {
	const delay = 500 * time.Millisecond
	const delayed = SampleRate / 2
	greeting := ramp(4800)
	synctest.Test(t, func(t *testing.T) {
		e := NewEcho(delay, greeting)
		go func() {
			sound := make([]float32, 480)
			for i := 0; ; i++ {
				for j := range sound {
					sound[j] = -float32(i*480+j) / (1 << 20) // exact in a float32
				}
				if e.Write(sound) != nil {
					return
				}
			}
		}()
		got := readFrames(t, e.Read, 200)
		e.Close()
		if diff := cmp.Diff(greeting, got[:len(greeting)]); diff != "" {
			t.Fatalf("greeting (-want +got):\n%s", diff)
		}
		for i := len(greeting); i < len(got); i++ {
			want := float32(0) // nothing said during the greeting is echoed
			if said := i - delayed; said >= len(greeting) {
				want = -float32(said) / (1 << 20)
			}
			if got[i] != want {
				t.Fatalf("sample %d = %v, want %v", i, got[i], want)
			}
		}
	})
}

// What was never written is silence in the echo, also where the history once
// held something else.
func TestEchoOfAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := NewEcho(200*time.Millisecond, nil)
		defer e.Close()
		sound := ramp(480)
		e.Write(sound)
		readFrames(t, e.Read, 200)
		e.Write(sound) // two seconds later
		heard := 0
		for _, v := range readFrames(t, e.Read, 100) {
			if v != 0 {
				heard++
			}
		}
		if heard != len(sound) {
			t.Errorf("samples echoed after a pause = %d, want %d", heard, len(sound))
		}
	})
}
