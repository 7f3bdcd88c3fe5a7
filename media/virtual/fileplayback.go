package virtual

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"parley/media/wav"
)

// A FilePlayback is a speaker that writes all it plays to a WAV file: mono, 16
// bits, at [SampleRate]. The file grows in real time from the moment the device
// is made, with silence where nobody wrote, so that a place in it is a moment.
type FilePlayback struct {
	lead
	path string
	wait waiter
	done chan struct{} // closed when the silence goroutine has ended

	mu      sync.Mutex // guards what follows
	line    line
	written int64 // where on the line the last Write ended
	file    *wav.Writer
	err     error // the first failure of the file
	silence [SampleRate / 10]float32
}

// CreateFilePlayback makes or truncates the file at path and starts to fill it.
// The file is a valid one at every moment, as package wav promises.
func CreateFilePlayback(path string) (*FilePlayback, error) {
	file, err := wav.Create(path, SampleRate, 1)
	if err != nil {
		return nil, fmt.Errorf("virtual: %w", err)
	}
	p := &FilePlayback{
		path: path,
		wait: newWaiter(),
		done: make(chan struct{}),
		file: file,
		line: line{start: time.Now()},
	}
	go p.fillSilence()
	return p, nil
}

// Write appends frame and returns when no more of the file lies in the future than
// frame is long, and no more than 10 ms. It fails when the file cannot be written, and with [io.ErrClosedPipe]
// after Close. A file that is full, after half a day, keeps time but grows no
// more.
func (p *FilePlayback) Write(frame []float32) error {
	due, err := p.append(frame)
	if err != nil {
		return err
	}
	return p.wait.until(due)
}

// Close fills the file up to now, closes it and ends a Write that waits, and all
// later ones.
func (p *FilePlayback) Close() error {
	if !p.wait.close() {
		return nil
	}
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pad(p.line.behind(time.Now()))
	return p.file.Close()
}

// append puts frame at its place and returns when Write is to return.
func (p *FilePlayback) append(frame []float32) (due time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.wait.closed:
		return due, io.ErrClosedPipe
	default:
	}
	now := time.Now()
	if samplesIn(now.Sub(p.line.start))-p.written > maxLate {
		p.pad(p.line.behind(now)) // the writer is not late but was away
	}
	p.store(frame)
	p.written = p.line.at
	return p.line.due(p.lead.write(len(frame))), p.err
}

// pad appends n samples of silence. The caller holds p.mu.
func (p *FilePlayback) pad(n int64) {
	for n > 0 && p.err == nil {
		part := min(n, int64(len(p.silence)))
		p.store(p.silence[:part])
		n -= part
	}
}

// store appends samples and moves the time. The caller holds p.mu.
func (p *FilePlayback) store(samples []float32) {
	p.line.at += int64(len(samples))
	if p.err != nil {
		return
	}
	if err := p.file.Write(samples); err != nil && !errors.Is(err, wav.ErrTooLong) {
		p.err = fmt.Errorf("virtual: write %s: %w", p.path, err)
	}
}

// fillSilence keeps the file true to time while nobody writes. It runs on its
// own goroutine until the device is closed.
func (p *FilePlayback) fillSilence() {
	defer close(p.done)
	ticker := time.NewTicker(MaxLateness / 2)
	defer ticker.Stop()
	for {
		select {
		case <-p.wait.closed:
			return
		case now := <-ticker.C:
			p.mu.Lock()
			if late := p.line.behind(now); late > maxLate {
				p.pad(late)
			}
			p.mu.Unlock()
		}
	}
}
