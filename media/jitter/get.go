package jitter

// piece is the least that a decoder can invent, 2.5 ms.
const piece = 5 * ms / 2

// Get fills out with the next sound at 48 kHz, 10 ms as a rule, 5 ms for less
// delay. It decodes, conceals and stretches as the moment asks, and always fills
// all of out. It waits for nothing and, in steady state, allocates nothing.
func (b *Buffer) Get(out []float32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(out) > 0 {
		n := min(len(out), frame)
		b.quantum = int64(n)
		b.get(out[:n])
		out = out[n:]
	}
}

func (b *Buffer) get(out []float32) {
	b.compact()
	for b.pending() < len(out) {
		b.fill(len(out) - b.pending())
	}
	b.adapt()
	for b.pending() < len(out) { // a cut may have left too little
		b.fill(len(out) - b.pending())
	}
	copy(out, b.sound[b.play:])
	if !b.inventing && b.gap == 0 && b.cur != nil {
		b.conceal.room.learn(out)
	}
	b.play += len(out)
}

// compact makes room behind the sound, keeping what a look back needs.
func (b *Buffer) compact() {
	if drop := b.play - history; drop > 0 {
		n := copy(b.sound, b.sound[drop:])
		b.sound = b.sound[:n]
		b.play = history
	}
}

// fill appends to the sound what comes next, need samples if it must invent
// them, or takes a packet off the queue.
func (b *Buffer) fill(need int) {
	p := b.packets.first()
	switch {
	case b.hold > 0:
		n := min(b.hold, frame)
		b.hold -= n
		b.invent(n)
		if b.hold == 0 {
			b.joint = b.joint || b.inventing
		}
	case p == nil:
		// No more than it takes: the packet may come before the next frame.
		n := (need + piece - 1) / piece * piece
		b.invent(n)
		b.gap += n
		b.measure = true
	default:
		b.advance(p)
	}
}

// advance goes on towards p, the first packet of the queue.
func (b *Buffer) advance(p *packet) {
	missing := p.pos - b.next - int64(b.gap)
	d := b.decoders[p.pt]
	switch {
	case missing <= 0:
		b.decode(b.packets.pop())
	case b.gap >= fadeTo || missing > maxSpan || p.marker && b.gap >= 2*frame:
		// A pause, or a gap too long to fill. After it the delay can be set anew
		// without anybody hearing it.
		b.settle(p, missing)
	case d == nil || d != b.cur || d.fec == nil:
		b.bridge(int(min(missing, frame)))
	case missing > int64(p.dur):
		b.bridge(int(min(missing-int64(p.dur), frame)))
	case d.fec.HasFEC(p.payload):
		b.recover(p, int(missing))
	default:
		b.bridge(int(min(missing, frame)))
	}
}

// settle chooses when p is played, after a silence.
func (b *Buffer) settle(p *packet, missing int64) {
	level := int64(b.level)
	wait := max(0, missing+b.target-level)
	b.begin(p.pos, p.seq, 0)
	b.hold = int(wait)
	b.level = float64(level - missing + wait)
	b.joint = true
	if wait == 0 {
		b.decode(b.packets.pop())
	}
}

// bridge fills n samples of a gap in the sequence.
func (b *Buffer) bridge(n int) {
	b.invent(n)
	b.gap += n
}

// decode appends the sound of p.
func (b *Buffer) decode(p *packet) {
	skip := int(min(max(0, b.next-p.pos), int64(p.dur)))
	b.next = p.pos + int64(p.dur)
	b.lastSeq, b.gap = p.seq, 0
	d := b.ready(p.pt)
	if d == nil {
		b.stats.Discarded++
		b.invent(p.dur - skip)
		return
	}
	n, err := d.dec.Decode(b.pcm, p.payload)
	if err != nil || n <= 0 || n > len(b.pcm) {
		b.stats.Discarded++
		b.invent(p.dur - skip)
		return
	}
	b.work = d.resampler.Process(b.work[:0], b.pcm[:n])
	b.append(b.work[min(skip, len(b.work)):])
}

// ready makes the decoder of a payload type the current one. It is nil if there
// is none any more.
func (b *Buffer) ready(pt uint8) *decoder {
	if b.fresh {
		b.fresh = false
		for _, d := range b.decoders {
			if d.open() != nil {
				b.fresh = true // the old state will do until it can be had
			}
			d.resampler.Reset()
		}
	}
	d := b.decoders[pt]
	if d != nil && d != b.cur {
		if b.cur != nil {
			b.joint = true
			d.resampler.Reset()
		}
		b.cur = d
	}
	return d
}

// recover fills the end of a gap, missing samples, from the copy that p carries.
func (b *Buffer) recover(p *packet, missing int) {
	d := b.cur
	n := p.dur * d.format.SampleRate / rate
	if got, err := d.fec.DecodeFEC(b.pcm[:n:n], p.payload); err != nil || got != n {
		b.bridge(missing)
		return
	}
	b.work = d.resampler.Process(b.work[:0], b.pcm[:n])
	part := b.work[max(0, len(b.work)-missing):]
	b.joint = b.joint || b.gap > 0
	b.append(part)
	b.gap += missing
	b.stats.Recovered += uint64(len(part))
}

// invent appends n samples of sound that nobody sent.
func (b *Buffer) invent(n int) {
	if b.cur == nil {
		b.extend(n)
		return
	}
	if b.gap < fadeTo {
		b.stats.Concealed += uint64(n)
	}
	if d := b.cur; d.fec != nil && !b.joint && !b.fresh && n%piece == 0 {
		m := n * d.format.SampleRate / rate
		if got, err := d.fec.Conceal(b.pcm[:m:m]); err == nil && got == m {
			b.work = d.resampler.Process(b.work[:0], b.pcm[:m])
			b.sound = append(b.sound, b.work...)
			return
		}
	}
	if !b.inventing {
		b.conceal.begin(b.sound)
		b.inventing = true
	}
	b.conceal.next(b.extend(n))
}

// extend appends n silent samples to the sound and returns them.
func (b *Buffer) extend(n int) []float32 {
	b.sound = b.sound[:len(b.sound)+n]
	added := b.sound[len(b.sound)-n:]
	clear(added)
	return added
}

// Cross-fades between invented and real sound take this long.
const (
	shortFade = 5 * ms
	longFade  = 10 * ms
)

// append appends decoded sound. After invented or other sound it is faded in
// over what that would have gone on to.
func (b *Buffer) append(x []float32) {
	if (b.inventing || b.joint) && len(x) > 0 {
		fade := shortFade
		if b.inventing && b.conceal.done > 2*frame {
			fade = longFade
		}
		if !b.inventing {
			b.conceal.begin(b.sound)
		}
		fade = min(fade, len(x))
		var over [longFade]float32
		b.conceal.next(over[:fade])
		for i, v := range over[:fade] {
			w := (float32(i) + 0.5) / float32(fade)
			x[i] = v*(1-w) + x[i]*w
		}
		b.inventing, b.joint = false, false
	}
	b.sound = append(b.sound, x...)
}
