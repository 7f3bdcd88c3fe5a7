package virtual

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// SampleRate is the rate of all devices of this package in samples a second.
const SampleRate = 48000

// MaxLateness is how far a reader or writer may lag behind and still catch up.
// What is missed beyond it is skipped.
const MaxLateness = 100 * time.Millisecond

// maxLead is how many samples a playback device holds at most before they are due,
// as the ring of a real one does: 10 ms. It holds less where it is written to in
// smaller pieces.
const maxLead = SampleRate / 100

// A lead is how many samples a playback device holds before they are due. Its zero
// value is that of a device that nobody has written to.
type lead struct{ samples atomic.Int64 }

// write notes a frame of n samples and returns what is held after it.
func (l *lead) write(n int) int64 {
	ahead := int64(min(n, maxLead))
	l.samples.Store(ahead)
	return ahead
}

// Latency is what lies in the future when a Write returns. It may be called from
// any goroutine.
func (l *lead) Latency() time.Duration { return timeOf(l.samples.Load()) }

var maxLate = samplesIn(MaxLateness)

// samplesIn returns how many whole samples fit in d.
func samplesIn(d time.Duration) int64 {
	// Seconds apart, for d times the rate leaves 64 bits after two days.
	return int64(d/time.Second)*SampleRate + int64(d%time.Second)*SampleRate/int64(time.Second)
}

// timeOf returns how long n samples last.
func timeOf(n int64) time.Duration {
	return time.Duration(n/SampleRate)*time.Second +
		time.Duration(n%SampleRate)*time.Second/SampleRate
}

// A line is a place on a timeline that is counted in samples. It belongs to one
// goroutine at a time.
type line struct {
	start time.Time
	at    int64 // samples since start that are accounted for
}

// begin sets the beginning of the timeline, once.
func (l *line) begin(now time.Time) {
	if l.start.IsZero() {
		l.start = now
	}
}

// behind returns by how many samples the line lags, negative if it is ahead.
func (l *line) behind(now time.Time) int64 { return samplesIn(now.Sub(l.start)) - l.at }

// skipLate moves the line forward by the whole frames of n samples that are too
// late to be made up, and returns how many frames that was.
func (l *line) skipLate(now time.Time, n int) int64 {
	late := l.behind(now)
	if late <= maxLate || n == 0 {
		return 0
	}
	frames := late / int64(n)
	l.at += frames * int64(n)
	return frames
}

// due returns the moment ahead samples before the line's place.
func (l *line) due(ahead int64) time.Time { return l.start.Add(timeOf(l.at - ahead)) }

// A waiter lets one goroutine sleep until a moment, and others end that.
type waiter struct {
	once   sync.Once
	closed chan struct{}
	timer  *time.Timer // the sleeping goroutine's
}

func newWaiter() waiter { return waiter{closed: make(chan struct{})} }

// until blocks until t. It returns [io.ErrClosedPipe] if the waiter is closed.
func (w *waiter) until(t time.Time) error {
	select {
	case <-w.closed:
		return io.ErrClosedPipe
	default:
	}
	d := time.Until(t)
	if d <= 0 {
		return nil
	}
	if w.timer == nil {
		w.timer = time.NewTimer(d)
	} else {
		w.timer.Reset(d)
	}
	select {
	case <-w.timer.C:
		return nil
	case <-w.closed:
		w.timer.Stop()
		return io.ErrClosedPipe
	}
}

// close ends every wait, now and later. It reports whether it was the first.
func (w *waiter) close() (first bool) {
	w.once.Do(func() {
		close(w.closed)
		first = true
	})
	return first
}

// counter counts the frames that were given up.
type counter struct{ frames atomic.Uint64 }

// Skipped returns how many frames were given up because the device's user came
// more than [MaxLateness] late. It may be called from any goroutine.
func (c *counter) Skipped() uint64 { return c.frames.Load() }
