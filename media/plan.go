package media

import (
	"fmt"
	"time"

	"parley/media/dsp"
	"parley/media/tone"
	"parley/media/wav"
)

const (
	feedback   = 120 * time.Millisecond // a key's sound in the ear
	maxRing    = 60 * time.Second       // of a ringtone that is kept
	ringVolume = 0.8
)

// A plan is what is to be heard apart from voices. It never changes once it is
// stored.
type plan struct {
	tones    Tones
	ring     []float32 // nil: no ring
	ringBack []float32 // in place of the tone; nil: the tone
	shared   bool      // rings on the output device
}

func (p *plan) same(o *plan) bool {
	return p.tones == o.tones && p.shared == o.shared && samePiece(p.ring, o.ring) && samePiece(p.ringBack, o.ringBack)
}

func samePiece(a, b []float32) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// A ringtone is a file that was read.
type ringtone struct {
	path string
	pcm  []float32
}

// A sound is a tone that can be ended.
type sound interface {
	Add([]float32)
	Stop()
	Done() bool
}

// A board plays the tones of a plan. It belongs to one loop.
type board struct {
	now   *plan
	ring  sound
	piece []float32 // what ring plays
	tones [4]sound  // as listed in follow
	digit sound
}

// follow starts and stops tones as p says.
func (b *board) follow(p *plan, region *tone.Region) {
	if b.now == p {
		return
	}
	b.now = p
	wanted := [len(b.tones)]bool{p.tones.RingBack, p.tones.CallWaiting, p.tones.Busy, p.tones.HoldBeep}
	for i, on := range wanted {
		switch {
		case on && b.tones[i] == nil && i == 0 && p.ringBack != nil:
			b.tones[i] = tone.NewLoop(p.ringBack)
		case on && b.tones[i] == nil:
			c := [len(b.tones)]tone.Cadence{region.RingBack, region.CallWaiting, region.Busy, tone.HoldBeep()}[i]
			b.tones[i] = tone.NewPlayer(c)
		case !on && b.tones[i] != nil:
			b.tones[i].Stop()
		}
	}
}

// followRing starts and stops the ring; nil is none.
func (b *board) followRing(pcm []float32) {
	switch {
	case samePiece(pcm, b.piece):
	case pcm == nil && b.ring != nil:
		b.ring.Stop()
	case pcm == nil:
	default:
		b.ring = tone.NewLoop(pcm)
	}
	b.piece = pcm
}

// press starts the sound of a key.
func (b *board) press(digit rune) {
	if c, ok := tone.Digit(digit, feedback); ok {
		b.digit = tone.NewPlayer(c)
	}
}

// add adds all that sounds to dst. It reports whether a key's sound has ended.
func (b *board) add(dst []float32) (released bool) {
	for i, t := range b.tones {
		if t != nil {
			t.Add(dst)
			if t.Done() {
				b.tones[i] = nil
				b.now = nil // it may be wanted again already
			}
		}
	}
	if b.digit != nil {
		b.digit.Add(dst)
		if b.digit.Done() {
			b.digit, released = nil, true
		}
	}
	return released
}

// addRing adds the ring to dst.
func (b *board) addRing(dst []float32) {
	if b.ring != nil {
		b.ring.Add(dst)
		if b.ring.Done() {
			b.ring = nil
		}
	}
}

// loadRing reads a ringtone: a WAV file of any rate and channels, of which the
// first minute is kept.
func loadRing(path string) ([]float32, error) {
	r, err := wav.Open(path)
	if err != nil {
		return nil, fmt.Errorf("media: ringtone: %w", err)
	}
	defer r.Close()
	f := r.Format()
	if f.Rate > 4*SampleRate || f.Rate < 8000 {
		return nil, fmt.Errorf("media: ringtone %s: %d samples a second", path, f.Rate)
	}
	resampler := dsp.NewResampler(f.Rate, SampleRate)
	buf := make([]float32, 1024*f.Channels)
	mono := make([]float32, 1024)
	var pcm []float32
	for len(pcm) < int(maxRing.Seconds())*SampleRate {
		n, err := r.Read(buf)
		if n == 0 || err != nil {
			break // the end, or what could be read
		}
		frames := n / f.Channels
		for i := range frames {
			var sum float32
			for _, v := range buf[i*f.Channels : (i+1)*f.Channels] {
				sum += v
			}
			mono[i] = ringVolume * sum / float32(f.Channels)
		}
		pcm = resampler.Process(pcm, mono[:frames])
	}
	if len(pcm) == 0 {
		return nil, fmt.Errorf("media: ringtone %s: empty", path)
	}
	return pcm, nil
}
