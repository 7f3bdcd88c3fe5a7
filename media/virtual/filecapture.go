package virtual

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"parley/media/dsp"
	"parley/media/wav"
)

// readBlock is how many frames of a file are read from disk at a time.
const readBlock = 2048

// ErrEmptyFile means that a file holds no sound, so it cannot be looped.
var ErrEmptyFile = errors.New("virtual: file holds no sound")

// A FileCapture is a microphone that hears a WAV file, over and over.
type FileCapture struct {
	counter
	path   string
	wait   waiter
	line   line
	rewind atomic.Bool

	mu      sync.Mutex // guards what follows; held by Read while it decodes
	file    *wav.Reader
	resam   *dsp.Resampler // nil if the file is at SampleRate already
	raw     []float32      // interleaved, as read
	mono    []float32
	scratch []float32 // what the resampler makes
	pending []float32 // part of mono or scratch that is not yet read
}

// OpenFileCapture opens the WAV file at path as a microphone. Any PCM layout,
// rate and number of channels that package wav reads will do; channels are
// averaged. The file is streamed, so its length does not matter. It fails with
// package wav's errors and with [ErrEmptyFile].
func OpenFileCapture(path string) (*FileCapture, error) {
	file, err := wav.Open(path)
	if err != nil {
		return nil, fmt.Errorf("virtual: %w", err)
	}
	f := file.Format()
	c := &FileCapture{
		path: path,
		wait: newWaiter(),
		file: file,
		raw:  make([]float32, readBlock*f.Channels),
		mono: make([]float32, readBlock),
	}
	c.restart()
	if err := c.load(); err != nil {
		file.Close()
		return nil, err
	}
	return c, nil
}

// Read fills frame with the next sound of the file and returns when a microphone
// would have heard it all. A reader that comes too late misses time, but none of
// the file. After Close it returns [io.ErrClosedPipe].
func (c *FileCapture) Read(frame []float32) error {
	if err := c.fill(frame); err != nil {
		return err
	}
	now := time.Now()
	c.line.begin(now)
	c.frames.Add(uint64(c.line.skipLate(now, len(frame))))
	c.line.at += int64(len(frame))
	return c.wait.until(c.line.due(0))
}

// Rewind makes the next Read begin at the head of the file. It does not block
// and may be called from any goroutine.
func (c *FileCapture) Rewind() { c.rewind.Store(true) }

// Latency is zero: a sample is as old as the Read that returns it.
func (c *FileCapture) Latency() time.Duration { return 0 }

// Close closes the file and ends a Read that waits, and all later ones.
func (c *FileCapture) Close() error {
	if !c.wait.close() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file.Close()
}

// fill copies the next samples of the file to frame.
func (c *FileCapture) fill(frame []float32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.wait.closed:
		return io.ErrClosedPipe
	default:
	}
	if c.rewind.Swap(false) {
		if err := c.file.Rewind(); err != nil {
			return fmt.Errorf("virtual: rewind %s: %w", c.path, err)
		}
		c.restart()
	}
	for len(frame) > 0 {
		if len(c.pending) == 0 {
			if err := c.load(); err != nil {
				return err
			}
		}
		n := copy(frame, c.pending)
		c.pending, frame = c.pending[n:], frame[n:]
	}
	return nil
}

// restart forgets the past of the file, for its head comes next.
func (c *FileCapture) restart() {
	c.pending = nil
	if rate := c.file.Format().Rate; rate != SampleRate {
		c.resam = dsp.NewResampler(rate, SampleRate)
	}
}

// load reads one block, from the head again after the end, and leaves it mono
// and at SampleRate in c.pending. It tries a few times, for the resampler may
// keep a short block back.
func (c *FileCapture) load() error {
	for range 64 {
		n, err := c.file.Read(c.raw)
		if errors.Is(err, io.EOF) {
			if err = c.file.Rewind(); err == nil {
				n, err = c.file.Read(c.raw)
			}
			if errors.Is(err, io.EOF) {
				return fmt.Errorf("%w: %s", ErrEmptyFile, c.path)
			}
		}
		if err != nil {
			return fmt.Errorf("virtual: read %s: %w", c.path, err)
		}
		c.pending = downmix(c.mono, c.raw[:n], c.file.Format().Channels)
		if c.resam != nil {
			c.scratch = c.resam.Process(c.scratch[:0], c.pending)
			c.pending = c.scratch
		}
		if len(c.pending) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", ErrEmptyFile, c.path)
}

// downmix averages the channels of interleaved samples into dst and returns the
// part of it that was filled.
func downmix(dst, interleaved []float32, channels int) []float32 {
	dst = dst[:len(interleaved)/channels]
	for i := range dst {
		sum := float32(0)
		for _, v := range interleaved[i*channels : (i+1)*channels] {
			sum += v
		}
		dst[i] = sum / float32(channels)
	}
	return dst
}
