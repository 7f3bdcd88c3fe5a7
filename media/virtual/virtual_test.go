package virtual

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// device is what all devices of this package have in common: one step of reading
// or writing a frame.
type device struct {
	name  string
	step  func([]float32) error
	close func() error
	lead  time.Duration // by how much its steps return ahead of time
}

// devices returns one of each, made in the current bubble.
func devices(t *testing.T) []device {
	t.Helper()
	in, out, echo, echo2 := NewNullCapture(), NewNullPlayback(), NewEcho(time.Second, nil), NewEcho(time.Second, nil)
	file, err := OpenFileCapture(writeWAV(t, SampleRate, 1, ramp(1000)))
	if err != nil {
		t.Fatal(err)
	}
	record, err := CreateFilePlayback(t.TempDir() + "/out.wav")
	if err != nil {
		t.Fatal(err)
	}
	const ahead = 10 * time.Millisecond
	return []device{
		{"null capture", in.Read, in.Close, 0},
		{"null playback", out.Write, out.Close, ahead},
		{"file capture", file.Read, file.Close, 0},
		{"file playback", record.Write, record.Close, ahead},
		{"echo read", echo.Read, echo.Close, 0},
		{"echo write", echo2.Write, echo2.Close, ahead},
	}
}

// Three minutes of frames must take three minutes to the nanosecond, though the user
// of the device dawdles between any two of them.
func TestKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range devices(t) {
			frame := make([]float32, 480)
			start := time.Now()
			const frames = 18_000
			for i := range frames {
				time.Sleep(time.Duration(i%9) * time.Millisecond)
				if err := d.step(frame); err != nil {
					t.Fatalf("%s: %v", d.name, err)
				}
			}
			if got, want := time.Since(start), frames*10*time.Millisecond-d.lead; got != want {
				t.Errorf("%s: %d frames took %v, want %v", d.name, frames, got, want)
			}
			if err := d.close(); err != nil {
				t.Errorf("%s: Close() = %v", d.name, err)
			}
		}
	})
}

// Who writes less at a time has less waiting to be heard.
func TestHalfFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range devices(t) {
			half := make([]float32, 240)
			start := time.Now()
			const halves = 1000
			for range halves {
				if err := d.step(half); err != nil {
					t.Fatalf("%s: %v", d.name, err)
				}
			}
			if got, want := time.Since(start), halves*5*time.Millisecond-d.lead/2; got != want {
				t.Errorf("%s: %d half frames took %v, want %v", d.name, halves, got, want)
			}
			d.close()
		}
		p := NewNullPlayback()
		defer p.Close()
		for _, n := range []int{480, 240} {
			if err := p.Write(make([]float32, n)); err != nil || p.Latency() != timeOf(int64(n)) {
				t.Errorf("after a Write of %d, %v: Latency = %v, want %v", n, err, p.Latency(), timeOf(int64(n)))
			}
		}
	})
}

// A user that is late by less than the limit catches up; one that is later does
// not get the missed time as a backlog.
func TestLateUser(t *testing.T) {
	tests := []struct {
		name     string
		pause    time.Duration
		atOnce   int // frames that follow without waiting
		skipping bool
	}{
		{"catches up", 90 * time.Millisecond, 9, false},
		{"misses time", 10 * time.Second, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, d := range devices(t) {
					frame := make([]float32, 480)
					for range 5 {
						if err := d.step(frame); err != nil {
							t.Fatalf("%s: %v", d.name, err)
						}
					}
					time.Sleep(tt.pause)
					start, n := time.Now(), -1
					for ; time.Since(start) == 0; n++ {
						if err := d.step(frame); err != nil {
							t.Fatalf("%s: %v", d.name, err)
						}
					}
					if n > tt.atOnce || !tt.skipping && n != tt.atOnce {
						t.Errorf("%s: after %v %d frames came at once, want %d", d.name, tt.pause, n, tt.atOnce)
					}
					d.close()
				}
			})
		})
	}
}

func TestSkippedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewNullCapture()
		frame := make([]float32, 480)
		c.Read(frame)
		time.Sleep(time.Second)
		c.Read(frame)
		if got, want := c.Skipped(), uint64(100); got != want {
			t.Errorf("Skipped() after a second's pause = %d, want %d", got, want)
		}
	})
}

func TestCloseEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range devices(t) {
			result := make(chan error, 1)
			go func() {
				frame := make([]float32, 48000)
				var err error
				for err == nil {
					err = d.step(frame)
				}
				result <- err
			}()
			time.Sleep(2500 * time.Millisecond)
			before := time.Now()
			if err := d.close(); err != nil {
				t.Errorf("%s: Close() = %v", d.name, err)
			}
			if err := <-result; !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: after Close = %v, want %v", d.name, err, io.ErrClosedPipe)
			}
			if got := time.Since(before); got != 0 {
				t.Errorf("%s: Close took %v to end the wait", d.name, got)
			}
			if err := d.close(); err != nil {
				t.Errorf("%s: second Close() = %v", d.name, err)
			}
			if err := d.step(make([]float32, 480)); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: step after Close = %v, want %v", d.name, err, io.ErrClosedPipe)
			}
		}
	})
}

func TestSamplesIn(t *testing.T) {
	tests := []struct {
		d    time.Duration
		want int64
	}{
		{0, 0},
		{10 * time.Millisecond, 480},
		{time.Second - 1, 47999},
		{1000 * time.Hour, 1000 * 3600 * 48000}, // beyond 64 bits if multiplied at once
	}
	for _, tt := range tests {
		if got := samplesIn(tt.d); got != tt.want {
			t.Errorf("samplesIn(%v) = %d, want %d", tt.d, got, tt.want)
		}
	}
	for _, n := range []int64{0, 1, 480, 47999, 1000 * 3600 * 48000} {
		if got := samplesIn(timeOf(n) + time.Nanosecond); got != n {
			t.Errorf("samplesIn(timeOf(%d)) = %d", n, got)
		}
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range devices(t) {
			frame := make([]float32, 480)
			d.step(frame)
			got := testing.AllocsPerRun(50, func() { d.step(frame) })
			if got != 0 {
				t.Errorf("%s: allocations per frame = %v, want 0", d.name, got)
			}
			d.close()
		}
	})
}
