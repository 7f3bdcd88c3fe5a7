package device

import (
	"io"
	"time"

	"parley/media"
)

// lateSamples is how much sound may wait for a late reader, who then gets it all
// at once. More than that would stay as delay, so it is dropped.
const lateSamples = media.SampleRate / 10

// A Capture is an open microphone. One goroutine may read while others ask for
// its latency or close it.
type Capture struct{ *stream }

var _ media.Capture = (*Capture)(nil)

// Read fills frame, blocking until the microphone has heard it all. It returns a
// [*media.DeviceError] with [media.ErrDeviceGone] within a second after the
// device has vanished and [io.ErrClosedPipe] after Close.
func (c *Capture) Read(frame []float32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing.Load() {
		return io.ErrClosedPipe
	}
	if waiting := c.ring.Len(); waiting > lateSamples {
		late := (waiting - len(frame)) / len(frame)
		c.skipped.Add(uint64(late))
		c.ring.Skip(late * len(frame))
	}
	if err := c.wait("read", len(frame), 0); err != nil {
		return err
	}
	c.ring.Read(frame)
	return nil
}

// Latency is how old the newest sample is when Read returns it: the period it
// was gathered in, and what waits in the ring.
func (c *Capture) Latency() time.Duration {
	return samplesTime(c.ring.Len() + periodSamples)
}
