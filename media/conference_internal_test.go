package media

import (
	"runtime"
	"sync"
	"testing"
)

// A member who comes and goes is not touched by two loops at once. The race
// detector tells.
func TestSeatOfAMemberWhoComesAndGoes(t *testing.T) {
	c, s := newConference(), &Stream{}
	done := make(chan struct{})
	var capture sync.WaitGroup
	capture.Go(func() {
		frame := make([]float32, FrameSamples)
		for {
			select {
			case <-done:
				return
			default:
				c.take()
				c.mixed(s, frame)
			}
		}
	})
	for range 200 {
		c.join(s)
		c.part(s)
		for c.busy.Load() {
			runtime.Gosched()
		}
	}
	close(done)
	capture.Wait()
}

// The recording goes on in silence when the last member leaves in the middle of a
// frame.
func TestRecordingOfAConferenceThatEndsWithinAFrame(t *testing.T) {
	c, s, r := newConference(), &Stream{}, newRecorder(nil)
	c.recording.Store(r)
	c.join(s)
	frame := make([]float32, FrameSamples)
	for i := range frame {
		frame[i] = 0.5
	}
	c.begin(FrameSamples)
	c.said(s, frame)
	c.busy.Store(false)
	c.heard(FrameSamples)
	c.begin(FrameSamples)
	c.heard(FrameSamples)
	if first := <-r.queue; first.pcm[0] == 0 {
		t.Error("what was said is not recorded")
	}
	if second := <-r.queue; second.pcm != [FrameSamples]float32{} {
		t.Error("what was said last is recorded again and again")
	}
}
