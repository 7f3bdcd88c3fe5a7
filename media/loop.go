package media

import (
	"time"

	"parley/media/virtual"
)

// startGrace is how long a microphone may take for its first frame before silence
// takes its place.
const startGrace = 50 * time.Millisecond

// captureLoop reads the microphone until stop and hands each frame to the
// streams. Without a device, and until the first frame of one, silence comes at
// the pace of one: some need seconds to begin, and the far end waits for packets.
func (e *Engine) captureLoop(r *role) {
	buf := make([]float32, FrameSamples)
	var null *virtual.NullCapture
	var used *device
	var first *firstFrame // that used has yet to give; nil: it has
	odd := false          // half a frame was taken and the other was not
	for !r.stopping.Load() {
		d := r.current.Load()
		if d != used {
			if used = d; d != nil {
				first = readFirst(d, e.captureSamples(odd))
			}
		}
		var err error
		frame := buf[:e.captureSamples(odd)]
		switch {
		case d != nil && first == nil:
			null = nil
			err = d.capture.Read(frame)
		case d != nil && first.arrived():
			frame = buf[:len(first.pcm)]
			err = first.take(frame)
			first = nil
		default:
			if null == nil {
				null = virtual.NewNullCapture()
			}
			_ = null.Read(frame) // it fails only once closed
			if d != nil && first.arrived() {
				continue // with that in its place
			}
		}
		if err != nil {
			r.fail(d, err)
			continue
		}
		e.captured(frame, odd)
		odd = odd != (len(frame) < FrameSamples)
	}
	if used != nil && first != nil {
		<-first.done // the device is closed
	}
	e.inLevel.Reset()
}

// A firstFrame is read while the capture loop goes on without.
type firstFrame struct {
	pcm  []float32
	err  error
	done chan struct{}
}

// readFirst begins to read n samples, and waits a moment for them.
func readFirst(d *device, n int) *firstFrame {
	f := &firstFrame{pcm: make([]float32, n), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.err = d.capture.Read(f.pcm)
	}()
	timer := time.NewTimer(startGrace)
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
	}
	return f
}

// arrived reports whether take may be called.
func (f *firstFrame) arrived() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// take copies the frame, or returns why there is none.
func (f *firstFrame) take(frame []float32) error {
	copy(frame, f.pcm)
	return f.err
}

// captured takes one frame, whole or half, on its way to the network; odd, if it is
// the second half of one.
func (e *Engine) captured(frame []float32, odd bool) {
	e.mic.Apply(frame)
	e.inLevel.Update(frame)
	if r := e.conference.recording.Load(); r != nil {
		r.add(usChannel, frame)
	}
	if len(frame) == FrameSamples { // else the conference begins with the next one
		e.conference.take()
	}
	for _, s := range *e.streams.Load() {
		s.capture(e.conference.mixed(s, frame), odd)
	}
}

// playbackLoop plays voices and tones until stop.
func (e *Engine) playbackLoop(r *role) {
	var null *virtual.NullPlayback
	for !r.stopping.Load() {
		out := e.nextFrame()
		d := r.current.Load()
		if d != nil {
			null = nil
			err := d.playback.Write(out)
			if err == nil {
				continue
			}
			r.fail(d, err)
		}
		if null == nil {
			null = virtual.NewNullPlayback()
		}
		_ = null.Write(out) // it fails only once closed
	}
	e.outLevel.Reset()
}

// nextFrame mixes what is heard next, a frame or a half. The result is valid until
// the next call.
func (e *Engine) nextFrame() []float32 {
	n := e.playbackSamples()
	p := e.plan.Load()
	e.board.follow(p, &e.tones)
	if p.shared {
		e.board.followRing(p.ring)
	} else {
		e.board.followRing(nil)
	}
	if e.board.digit == nil {
		select {
		case digit := <-e.digits:
			e.board.press(digit)
		default:
		}
	}
	e.voices.BeginPart(n)
	e.conference.begin(n)
	voice := e.voice[:n]
	for _, s := range *e.streams.Load() {
		s.play(voice)
		e.voices.Add(voice, 1)
		e.conference.said(s, voice)
	}
	e.conference.heard(n)
	sum := e.voices.Sum()
	e.board.addRing(sum)
	if e.board.add(sum) && e.feeding.Add(-1) == 0 {
		e.output.recheck()
	}
	out := e.voices.End()
	e.outLevel.Update(out)
	return out
}

// alertLoop plays the ring until stop.
func (e *Engine) alertLoop(r *role) {
	var null *virtual.NullPlayback
	for !r.stopping.Load() {
		p := e.plan.Load()
		if p.shared {
			e.bells.followRing(nil)
		} else {
			e.bells.followRing(p.ring)
		}
		e.alerts.Begin()
		e.bells.addRing(e.alerts.Sum())
		out := e.alerts.End()
		d := r.current.Load()
		if d != nil {
			null = nil
			err := d.playback.Write(out)
			if err == nil {
				continue
			}
			r.fail(d, err)
		}
		if null == nil {
			null = virtual.NewNullPlayback()
		}
		_ = null.Write(out) // it fails only once closed
	}
}
