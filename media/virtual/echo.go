package virtual

import (
	"sync"
	"time"
)

// An Echo is the microphone and the speaker of Echo Test in one: what is played
// to it is heard from it again some time later. It first says a greeting; what
// is played meanwhile is not echoed, lest the greeting come back from the
// caller's room.
//
// One goroutine may read while another one writes.
type Echo struct {
	counter
	greeting []float32
	delay    int64 // samples

	in, out           line // of the reader and of the writer
	ahead             lead // of the writer
	readWait, outWait waiter

	mu      sync.Mutex // guards the starts of both lines and what follows
	history []float32  // the last samples written, sample i at i modulo its length
	end     int64      // samples written since the start, silence included
}

// NewEcho returns an echo with the given delay that begins with greeting, which
// may be empty and is not copied. Its time begins with the first Read or Write.
func NewEcho(delay time.Duration, greeting []float32) *Echo {
	n := samplesIn(max(delay, 0))
	return &Echo{
		greeting: greeting,
		delay:    n,
		readWait: newWaiter(),
		outWait:  newWaiter(),
		history:  make([]float32, n+2*maxLate+2*maxLead),
	}
}

// Read fills frame with the greeting or the echo and returns when a microphone
// would have heard it all. After Close it returns [io.ErrClosedPipe].
func (e *Echo) Read(frame []float32) error {
	now := e.begin()
	e.frames.Add(uint64(e.in.skipLate(now, len(frame))))
	from := e.in.at
	e.in.at += int64(len(frame))
	if err := e.readWait.until(e.in.due(0)); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range frame {
		frame[i] = e.sample(from + int64(i))
	}
	return nil
}

// Write keeps frame for its echo and returns when no more than 10 ms of sound
// are still to be played. After Close it returns [io.ErrClosedPipe].
func (e *Echo) Write(frame []float32) error {
	now := e.begin()
	e.frames.Add(uint64(e.out.skipLate(now, len(frame))))
	e.keep(e.out.at, frame)
	e.out.at += int64(len(frame))
	return e.outWait.until(e.out.due(e.ahead.write(len(frame))))
}

// Latency is zero: the delay is what the echo is for.
func (e *Echo) Latency() time.Duration { return 0 }

// Close ends a Read and a Write that wait, and all later ones.
func (e *Echo) Close() error {
	e.readWait.close()
	e.outWait.close()
	return nil
}

// begin starts the common time of both directions and returns the time.
func (e *Echo) begin() time.Time {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.in.begin(now)
	e.out.begin(now)
	return now
}

// sample returns what is heard at a place of the timeline. The caller holds e.mu.
func (e *Echo) sample(at int64) float32 {
	greeted := int64(len(e.greeting))
	if at < greeted {
		return e.greeting[at]
	}
	size := int64(len(e.history))
	at -= e.delay
	if at < greeted || at >= e.end || at < e.end-size {
		return 0
	}
	return e.history[at%size]
}

// keep stores frame at its place of the timeline, after silence if the writer
// has skipped some time.
func (e *Echo) keep(at int64, frame []float32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	size := int64(len(e.history))
	for e.end = max(e.end, at-size); e.end < at; e.end++ {
		e.history[e.end%size] = 0
	}
	for _, v := range frame {
		e.history[e.end%size] = v
		e.end++
	}
}
