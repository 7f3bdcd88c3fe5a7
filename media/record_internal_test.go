package media

import (
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"parley/media/wav"
)

// frameOf is a frame of one channel that was heard at a moment.
func frameOf(channel int, at time.Duration, v float32) *recorded {
	f := &recorded{channel: channel, at: at}
	for i := range f.pcm {
		f.pcm[i] = v
	}
	return f
}

// record gives frames to a recorder and returns, for each 10 ms of the file, what
// the two channels hold.
func record(t *testing.T, frames []*recorded) [][2]float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.wav")
	w, err := wav.Create(path, SampleRate, channels)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(w)
	for _, f := range frames {
		if err := r.take(f); err != nil {
			t.Fatal(err)
		}
	}
	go r.run()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	in, err := wav.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var got [][2]float32
	buf := make([]float32, FrameSamples*channels)
	for {
		n, err := in.Read(buf)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil || n != len(buf) {
			t.Fatalf("Read = %d, %v", n, err)
		}
		got = append(got, [2]float32{buf[n-2], buf[n-1]})
	}
}

func TestRecorderAlignsByTime(t *testing.T) {
	const ms = time.Millisecond
	both := func(frames []*recorded, from, to int, v float32) []*recorded {
		for i := from; i < to; i++ {
			at := time.Duration(i) * 10 * ms
			frames = append(frames, frameOf(usChannel, at, v), frameOf(themChannel, at+3*ms, -v))
		}
		return frames
	}
	is := func(got, want float32) bool { return got-want < 0.01 && want-got < 0.01 }
	t.Run("steady", func(t *testing.T) {
		got := record(t, both(nil, 0, 100, 0.5))
		if len(got) != 100 || !is(got[0][0], 0.5) || !is(got[99][1], -0.5) {
			t.Errorf("%d frames, from %v to %v", len(got), got[0], got[len(got)-1])
		}
	})
	t.Run("one channel begins late", func(t *testing.T) {
		frames := []*recorded{}
		for i := range 30 {
			frames = append(frames, frameOf(usChannel, time.Duration(i)*10*ms, 0.5))
		}
		got := record(t, both(frames, 30, 60, 0.5))
		if len(got) != 60 || !is(got[29][1], 0) || !is(got[30][1], -0.5) {
			t.Errorf("%d frames, around the begin %v %v", len(got), got[29], got[30])
		}
	})
	t.Run("one channel never comes", func(t *testing.T) {
		frames := []*recorded{}
		for i := range 200 {
			frames = append(frames, frameOf(themChannel, time.Duration(i)*10*ms, 0.5))
		}
		got := record(t, frames)
		if len(got) != 200 || !is(got[100][0], 0) || !is(got[100][1], 0.5) {
			t.Errorf("%d frames, in the middle %v", len(got), got[100])
		}
	})
	t.Run("both stall for a minute", func(t *testing.T) {
		got := record(t, both(both(nil, 0, 50, 0.5), 6050, 6100, 0.25))
		if len(got) != 6100 || !is(got[3000][0], 0) || !is(got[6099][0], 0.25) || !is(got[6050][1], -0.25) {
			t.Errorf("%d frames, at the end %v", len(got), got[len(got)-1])
		}
	})
	t.Run("a device that runs fast", func(t *testing.T) {
		var frames []*recorded
		for i := range 1000 { // us: 2 % too fast
			at := time.Duration(i) * 10 * ms
			frames = append(frames, frameOf(themChannel, at, -0.5), frameOf(usChannel, at, 0.5))
			if i%50 == 0 {
				frames = append(frames, frameOf(usChannel, at, 0.5))
			}
		}
		if got := record(t, frames); len(got) < 1000 || len(got) > 1000+recordSlack+1 {
			t.Errorf("%d frames of 1000, want them bounded by time", len(got))
		}
	})
}

// fullDisk takes so many bytes.
type fullDisk struct{ left int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}
func (d *fullDisk) Seek(int64, int) (int64, error) { return 0, nil }

func TestRecorderTellsOfAFullDisk(t *testing.T) {
	w, err := wav.NewWriter(&fullDisk{left: 10_000}, SampleRate, channels)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(w)
	told := make(chan error, 1)
	r.failed = func(err error) { told <- err }
	go r.run()
	for range 10 {
		r.add(usChannel, make([]float32, FrameSamples))
		r.pause(themChannel, FrameSamples)
	}
	if err := <-told; !errors.Is(err, errFull) {
		t.Errorf("failed with %v, want %v", err, errFull)
	}
	for range 2 * recordQueue { // nobody takes them any more: it must not block
		r.pause(usChannel, FrameSamples)
	}
	if err := r.stop(); !errors.Is(err, errFull) || r.dropped.Load() == 0 {
		t.Errorf("stop = %v with %d dropped, want %v", err, r.dropped.Load(), errFull)
	}
}
