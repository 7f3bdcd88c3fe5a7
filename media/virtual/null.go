package virtual

import "time"

// A NullCapture is a microphone that hears nothing.
type NullCapture struct {
	counter
	wait waiter
	line line
}

// NewNullCapture returns a source of silence. Its time begins with the first
// Read.
func NewNullCapture() *NullCapture { return &NullCapture{wait: newWaiter()} }

// Read fills frame with silence and returns when a microphone would have heard
// it all. After Close it returns [io.ErrClosedPipe].
func (c *NullCapture) Read(frame []float32) error {
	clear(frame)
	now := time.Now()
	c.line.begin(now)
	c.frames.Add(uint64(c.line.skipLate(now, len(frame))))
	c.line.at += int64(len(frame))
	return c.wait.until(c.line.due(0))
}

// Latency is zero: the silence is fresh.
func (c *NullCapture) Latency() time.Duration { return 0 }

// Close ends a Read that waits, and all later ones.
func (c *NullCapture) Close() error {
	c.wait.close()
	return nil
}

// A NullPlayback is a speaker that nobody hears.
type NullPlayback struct {
	counter
	lead
	wait waiter
	line line
}

// NewNullPlayback returns a sink that takes sound in real time and drops it. Its
// time begins with the first Write.
func NewNullPlayback() *NullPlayback { return &NullPlayback{wait: newWaiter()} }

// Write drops frame and returns when no more sound is still to be played than frame
// is long, and no more than 10 ms. After Close it returns [io.ErrClosedPipe].
func (p *NullPlayback) Write(frame []float32) error {
	now := time.Now()
	p.line.begin(now)
	p.frames.Add(uint64(p.line.skipLate(now, len(frame))))
	p.line.at += int64(len(frame))
	return p.wait.until(p.line.due(p.lead.write(len(frame))))
}

// Close ends a Write that waits, and all later ones.
func (p *NullPlayback) Close() error {
	p.wait.close()
	return nil
}
