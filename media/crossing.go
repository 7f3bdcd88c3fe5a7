package media

import "slices"

// How the capture loop follows the playback loop. Lengths are in samples.
const (
	crossKeep  = FrameSamples / 2 // that shall be left over when a frame was taken: 5 ms
	crossMost  = 4 * FrameSamples // that may be left over
	crossSlack = FrameSamples / 5 // off crossKeep that is not worth a correction
	crossFade  = FrameSamples / 2 // of a jump
	crossReach = 3                // that interpolation looks at besides its own
	crossBend  = 0.003            // of the speed at most, to make up for the clocks: 5 cents
	lookEvery  = 100              // frames between two looks at what was left over
	lookBack   = 8                // looks that must agree before less is kept
	stallAfter = 4                // frames with nothing new before the writer has stalled
)

// A crossing is the place where the capture loop takes what the playback loop has
// left for it. The two keep to the clocks of their devices and are woken when the
// system likes. The place follows the writer at a slightly bent speed, so that
// about crossKeep samples are left over at the worst moments: clocks that drift
// are made up for without a trace. When the writer was late or in a hurry all the
// same, the place jumps, with a cross-fade. When the writer stalls, as it does
// while a device is changed, sound fades out and in.
//
// What was written is heard crossKeep and the two loops' distance in time later, 5
// to 15 ms.
type crossing struct {
	at   int64   // of the next sample
	frac float64 // of a sample, after at
	bend float64 // how much faster than 1 it goes

	written int64 // as of the last frame
	dry     int   // frames since then
	running bool

	least int64 // left over since the last look
	count int   // frames since then
	looks [lookBack]int64
	look  int
}

// A stride is one frame of a crossing: where it is read, and how loud.
type stride struct {
	at    int64
	frac  float64
	bend  float64
	jump  bool  // a cross-fade from old, where fade samples are good
	old   int64 // with the same frac
	fade  int
	from  float32
	to    float32
	quiet bool // nothing is read
}

// next moves on by a frame while so many samples have been written.
func (c *crossing) next(written int64) stride {
	if c.dry++; written != c.written {
		c.written, c.dry = written, 0
	}
	switch {
	case !c.running && c.dry > 0:
		return stride{quiet: true}
	case !c.running:
		c.begin(written)
		return c.stride(stride{from: 0, to: 1})
	}
	s := stride{from: 1, to: 1}
	if c.dry >= stallAfter {
		c.running, s.to = false, 0
	}
	left := written - c.at - FrameSamples - crossReach
	switch {
	case left < 0:
		s.jump, s.old, s.fade = true, c.at, int(max(0, min(left+FrameSamples, crossFade)))
		c.at -= FrameSamples
		c.forget()
		if left+FrameSamples < 0 {
			c.at = place(written)
		}
	case left > crossMost:
		s.jump, s.old, s.fade = true, c.at, crossFade
		c.at = place(written)
		c.forget()
	default:
		c.watch(left)
	}
	return c.stride(s)
}

// place is where the crossing should be.
func place(written int64) int64 { return written - FrameSamples - crossReach - crossKeep }

// begin puts the crossing there.
func (c *crossing) begin(written int64) {
	c.at = place(written)
	c.frac, c.bend, c.running = 0, 0, true
	c.forget()
}

// forget drops what was seen before a jump.
func (c *crossing) forget() {
	c.least, c.count, c.bend = seatRing, 0, 0
	for i := range c.looks {
		c.looks[i] = crossKeep
	}
}

// watch notes what is left over and sets the speed.
func (c *crossing) watch(left int64) {
	c.least = min(c.least, left)
	if c.count++; c.count < lookEvery {
		return
	}
	c.looks[c.look%lookBack] = c.least
	c.look++
	c.count, c.bend = 0, 0
	off := c.least - crossKeep // too little shows at once, too much needs patience
	if off > 0 {
		off = slices.Min(c.looks[:]) - crossKeep
	}
	c.least = seatRing
	if off < -crossSlack || off > crossSlack {
		c.bend = max(-crossBend, min(float64(off)/(lookEvery*FrameSamples), crossBend))
	}
}

// stride completes s and moves on.
func (c *crossing) stride(s stride) stride {
	s.at, s.frac, s.bend = c.at, c.frac, c.bend
	end := c.frac + FrameSamples*(1+c.bend)
	whole := int64(end)
	c.at += whole
	c.frac = end - float64(whole)
	return s
}

// read fills frame with what ring holds there. old is room for as much.
func (s *stride) read(ring *[seatRing]float32, frame, old []float32) {
	if s.quiet {
		clear(frame)
		return
	}
	fetch(ring, frame, s.at, s.frac, s.bend)
	if !s.jump || s.fade == 0 {
		return
	}
	fetch(ring, old[:s.fade], s.old, s.frac, s.bend)
	step := 1 / float32(s.fade)
	var gain float32
	for i, v := range old[:s.fade] {
		frame[i] = v + gain*(frame[i]-v)
		gain += step
	}
}

// fetch reads from a place between two samples on, at a bent speed: cubic
// interpolation (Catmull-Rom).
func fetch(ring *[seatRing]float32, frame []float32, at int64, frac, bend float64) {
	if frac == 0 && bend == 0 {
		for i := range frame {
			frame[i] = ring[(at+int64(i))%seatRing]
		}
		return
	}
	for i := range frame {
		pos := frac + float64(i)*(1+bend)
		whole := int64(pos)
		x := float32(pos - float64(whole))
		k := at + whole + seatRing
		a, b, c, d := ring[(k-1)%seatRing], ring[k%seatRing], ring[(k+1)%seatRing], ring[(k+2)%seatRing]
		frame[i] = b + 0.5*x*(c-a+x*(2*a-5*b+4*c-d+x*(3*(b-c)+d-a)))
	}
}
