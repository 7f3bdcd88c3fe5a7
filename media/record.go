package media

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"parley/media/wav"
)

// Channels of a recording.
const (
	usChannel = iota
	themChannel
	channels
)

const (
	recordQueue = 512 // frames of both channels: over two seconds of a slow disk
	recordSlack = 5   // frames a channel may be off its time before it is put right
	recordHold  = 50  // frames one channel is waited for
)

// StartRecording records the call to a new WAV file at path: stereo, left us and
// right them, aligned in time, from now on. What is on hold is recorded as
// silence, so that the file's time is the call's. The file can be played at any
// moment, and stays whole if the program is killed. It must not exist yet.
// [RecordingFailed] tells of later failures.
func (s *Stream) StartRecording(path string) error {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if s.recording.Load() != nil {
		return ErrRecording
	}
	r, err := createRecorder(path)
	if err != nil {
		return err
	}
	r.failed = func(err error) {
		s.recording.CompareAndSwap(r, nil)
		s.tell(RecordingFailed{Path: path, Err: err})
	}
	go r.run()
	s.recording.Store(r)
	return nil
}

// StopRecording ends the recording and returns when the file is complete. It does
// nothing when there is none.
func (s *Stream) StopRecording() error {
	s.configuring.Lock()
	defer s.configuring.Unlock()
	if r := s.recording.Swap(nil); r != nil {
		return r.stop()
	}
	return nil
}

// A recorder writes two channels of frames to a file. The loops add frames and
// never wait; a goroutine of its own writes. Each frame carries the time it was
// added at, by which the channels are aligned: they come from devices of their
// own, which start, stall and drift as they like.
type recorder struct {
	file    *wav.Writer
	failed  func(error)
	began   time.Time
	queue   chan recorded
	dropped atomic.Uint64
	once    sync.Once
	halt    chan struct{}
	done    chan struct{}
	err     error // of the file; read after done

	parts [channels]part // each of the loop that adds to that channel

	// Of run's goroutine.
	first  int64 // frame that pending begins with
	ends   [channels]int64
	stereo []float32 // interleaved, from first on
}

// recorded is one frame of one channel.
type recorded struct {
	channel int
	at      time.Duration
	pcm     [FrameSamples]float32
}

// A part is the beginning of a frame.
type part struct {
	recorded
	n int // samples that are there
}

func newRecorder(file *wav.Writer) *recorder {
	return &recorder{
		file: file, began: time.Now(), queue: make(chan recorded, recordQueue),
		halt: make(chan struct{}), done: make(chan struct{}),
	}
}

// createRecorder makes the file and its recorder, which does not run yet.
func createRecorder(path string) (*recorder, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("media: recording: %s: %w", path, os.ErrExist)
	}
	w, err := wav.Create(path, SampleRate, channels)
	if err != nil {
		return nil, fmt.Errorf("media: recording: %w", err)
	}
	return newRecorder(w), nil
}

// add records sound of a channel, a frame or a part of one. It never blocks: what
// a disk cannot take in time is left out, as silence.
func (r *recorder) add(channel int, sound []float32) {
	for len(sound) > 0 {
		p := &r.parts[channel]
		n := copy(p.pcm[p.n:], sound)
		sound = sound[n:]
		r.added(channel, n)
	}
}

// pause records as much silence as n samples take.
func (r *recorder) pause(channel, n int) {
	for n > 0 {
		p := &r.parts[channel]
		rest := p.pcm[p.n:min(p.n+n, FrameSamples)]
		clear(rest)
		n -= len(rest)
		r.added(channel, len(rest))
	}
}

// added counts n samples more, and queues the frame when it is whole.
func (r *recorder) added(channel, n int) {
	p := &r.parts[channel]
	if p.n += n; p.n < FrameSamples {
		return
	}
	p.n, p.channel, p.at = 0, channel, time.Since(r.began)
	select {
	case r.queue <- p.recorded:
	default:
		r.dropped.Add(1)
	}
}

// stop ends the recording and returns what went wrong with the file.
func (r *recorder) stop() error {
	r.once.Do(func() { close(r.halt) })
	<-r.done
	return r.err
}

// run writes until stop or until the file fails.
func (r *recorder) run() {
	defer close(r.done)
	var err error
	for err == nil {
		select {
		case f := <-r.queue:
			err = r.take(&f)
			continue
		case <-r.halt:
		}
		break
	}
	for err == nil && len(r.queue) > 0 {
		f := <-r.queue
		err = r.take(&f)
	}
	if err == nil {
		err = r.write(max(r.ends[usChannel], r.ends[themChannel]))
	}
	if closeErr := r.file.Close(); err == nil {
		err = closeErr
	}
	r.err = err
	if err != nil && r.failed != nil {
		r.failed(err)
	}
}

// take puts a frame in its place and writes what is complete.
func (r *recorder) take(f *recorded) error {
	place := r.ends[f.channel]
	now := int64(f.at / FrameDuration)
	switch off := now - place; {
	case off > recordSlack, place == 0 && off > 0:
		place = now // it was silent, or the loop had stalled
	case off < -recordSlack:
		return nil // a loop that runs too fast
	}
	place = max(place, r.first) // else later than the other channel waited for it
	if err := r.write(place - recordHold); err != nil {
		return err
	}
	r.ends[f.channel] = place + 1
	at := int(place-r.first) * FrameSamples * channels
	for len(r.stereo) < at+FrameSamples*channels {
		r.stereo = append(r.stereo, 0)
	}
	for i, v := range f.pcm {
		r.stereo[at+i*channels+f.channel] = v
	}
	return r.write(min(r.ends[usChannel], r.ends[themChannel]))
}

// write writes all frames before the one numbered end, with silence where there
// is nothing.
func (r *recorder) write(end int64) error {
	for r.first < end {
		step := min(end-r.first, recordHold)
		n := int(step) * FrameSamples * channels
		for len(r.stereo) < n {
			r.stereo = append(r.stereo, 0)
		}
		if err := r.file.Write(r.stereo[:n]); err != nil {
			return err
		}
		r.stereo = r.stereo[:copy(r.stereo, r.stereo[n:])]
		r.first += step
	}
	return nil
}
