package media

import (
	"slices"
	"sync"
	"sync/atomic"

	"parley/media/mix"
)

// seatRing is how many samples a seat holds; a power of two.
const seatRing = 4096

// A conference joins streams: each member hears the microphone and the voices of
// all other members.
//
// The playback loop writes the frame of each member that it has just mixed for the
// speaker, whole or half, into that member's ring, and the capture loop takes whole
// ones from there, adds up and encodes. A [crossing] keeps the two loops together, each of which has the
// clock of its own device.
type conference struct {
	busy      atomic.Bool // there are seats
	recording atomic.Pointer[recorder]

	mu      sync.Mutex // guards what follows; held shortly by both loops
	seats   []*seat
	written int64 // samples, by the playback loop

	// Of the capture loop.
	cross crossing
	total [FrameSamples]float32 // of all members
	old   [FrameSamples]float32 // of one member, where a jump begins

	sum *mix.Mixer // of the playback loop, for a recording
}

// A seat is a stream's place in the conference.
type seat struct {
	// Guarded by the conference's mutex.
	ring    [seatRing]float32
	filled  int64 // the ring holds what was written before this position
	leaving bool

	// Of the capture loop.
	ready    bool    // own is of this frame
	from, to float32 // how loud, at the ends of this frame
	own      [FrameSamples]float32
	out      *mix.Mixer
}

func newConference() *conference {
	return &conference{sum: mix.New(FrameSamples), written: seatRing}
}

// SetConference makes exactly the given streams the members of the engine's
// conference. Each member hears the microphone and all other members but never
// itself; the person hears everybody. Who was a member and still is does not
// notice. With no members there is no conference.
//
// A stream on hold ([Stream.SetHeld]) neither hears nor is heard. One that we may
// not send to, for the far end has put us on hold, is heard by the person alone:
// its music is not for the others. Muting the microphone mutes nobody else. Codecs
// and packet times of members may differ. A stream that is closed leaves by
// itself; streams of another engine are ignored.
func (e *Engine) SetConference(members ...*Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.all {
		if slices.Contains(members, s) {
			e.conference.join(s)
		} else {
			e.conference.part(s)
		}
	}
}

// StartConferenceRecording records the conference to a new WAV file at path:
// stereo, left us and right the sum of all members, whoever they are from time to
// time. The file is like that of [Stream.StartRecording]. It must not exist yet.
// [ConferenceRecordingFailed] tells of later failures. It fails with
// [ErrRecording] while another such recording goes on.
func (e *Engine) StartConferenceRecording(path string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.conference
	switch {
	case e.closed:
		return ErrClosed
	case c.recording.Load() != nil:
		return ErrRecording
	}
	r, err := createRecorder(path)
	if err != nil {
		return err
	}
	r.failed = func(err error) {
		c.recording.CompareAndSwap(r, nil)
		e.tell(ConferenceRecordingFailed{Path: path, Err: err})
	}
	go r.run()
	c.recording.Store(r)
	return nil
}

// StopConferenceRecording ends the recording and returns when the file is
// complete. It does nothing when there is none. [Engine.Close] does it too.
func (e *Engine) StopConferenceRecording() error {
	if r := e.conference.recording.Swap(nil); r != nil {
		return r.stop()
	}
	return nil
}

// join gives s a seat. The engine's lock must be held, as for part.
func (c *conference) join(s *Stream) {
	st := s.seat.Load()
	if st == nil {
		st = &seat{out: mix.New(FrameSamples)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	st.leaving = false
	if !slices.Contains(c.seats, st) {
		clear(st.ring[:])
		st.filled = c.written // from and to are 0: it has faded out, if it ever was there
		c.seats = append(c.seats, st)
	}
	s.seat.Store(st)
	c.busy.Store(true)
}

// part lets s fade out of the conference within a frame.
func (c *conference) part(s *Stream) {
	if st := s.seat.Load(); st != nil {
		c.mu.Lock()
		st.leaving = true
		c.mu.Unlock()
	}
}

// begin begins a frame of n samples of the playback loop.
func (c *conference) begin(n int) { c.sum.BeginPart(n) }

// said takes what s has just said. It is called by the playback loop, as heard is.
func (c *conference) said(s *Stream, frame []float32) {
	st := s.seat.Load()
	if st == nil || !c.busy.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.leaving {
		return
	}
	if c.recording.Load() != nil {
		c.sum.Add(frame, 1)
	}
	if s.sending.Load() {
		st.put(c.written, frame)
	}
}

// put writes a frame at a position.
func (st *seat) put(at int64, frame []float32) {
	i := int(at % seatRing)
	n := copy(st.ring[i:], frame)
	copy(st.ring[:], frame[n:])
	st.filled = at + int64(len(frame))
}

// silence is what a member says of whom nothing came.
var silence [FrameSamples]float32

// heard ends a frame of n samples of the playback loop: who said nothing was
// silent.
func (c *conference) heard(n int) {
	r := c.recording.Load()
	if r != nil {
		r.add(themChannel, c.sum.End())
	}
	if !c.busy.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.seats {
		if st.filled == c.written {
			st.put(c.written, silence[:n])
		}
	}
	c.written += int64(n)
}

// take works out what all members say together in the next frame of the capture
// loop, and what each says by itself.
func (c *conference) take() {
	if !c.busy.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	step := c.cross.next(c.written)
	clear(c.total[:])
	for _, st := range c.seats {
		st.ready = true
		st.from, st.to = st.to, 1
		if st.leaving {
			st.to = 0
		}
		step.read(&st.ring, st.own[:], c.old[:])
		ramp(st.own[:], st.from*step.from, st.to*step.to)
		for i, v := range st.own {
			c.total[i] += v
		}
	}
	c.seats = slices.DeleteFunc(c.seats, func(st *seat) bool { return st.leaving && st.from == 0 })
	c.busy.Store(len(c.seats) > 0)
}

// mixed returns what s is to be sent while the microphone says frame: both and all
// other members if it is one itself. The result is valid until the next call for s.
// It is called by the capture loop after take.
func (c *conference) mixed(s *Stream, frame []float32) []float32 {
	st := s.seat.Load()
	if st == nil || !st.ready {
		return frame
	}
	st.ready = false
	st.out.Begin()
	st.out.Add(frame, 1)
	sum := st.out.Sum()
	gain, step := st.from, (st.to-st.from)/FrameSamples
	for i, v := range c.total {
		sum[i] += gain * (v - st.own[i])
		gain += step
	}
	return st.out.End()
}

// ramp turns pcm from one loudness to another.
func ramp(pcm []float32, from, to float32) {
	if from == 1 && to == 1 {
		return
	}
	step := (to - from) / float32(len(pcm))
	for i := range pcm {
		pcm[i] *= from
		from += step
	}
}
