package jitter

// A stray is a packet that does not fit the stream. A second one that follows
// it proves a new stream.
type stray struct {
	set       bool
	ssrc      uint32
	sequence  uint16
	timestamp uint32
}

// Insert takes a packet that has come. Packets may come in any order, twice, or
// be of any content; what cannot be used is counted. Insert keeps no reference
// to p.Payload.
func (b *Buffer) Insert(p Packet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Received++
	b.insert(&p)
}

func (b *Buffer) insert(p *Packet) {
	d := b.decoders[p.PayloadType]
	if d == nil {
		b.skip(p)
		return
	}
	dur := d.duration(p.Payload)
	if dur <= 0 || len(p.Payload) > maxPayload {
		b.stats.Discarded++
		return
	}
	if !b.line.started {
		b.restart(p, d, dur)
	}
	arrival := samples(p.Arrival)
	seq := b.line.sequence(p.Sequence)
	pos := b.line.place(seq, p.Timestamp, d.format.ClockRate, dur)
	if !b.fits(p, seq, pos, arrival-int64(dur)) {
		if !b.newStream(p) {
			return
		}
		b.restart(p, d, dur)
		seq, pos = int64(p.Sequence), 0
	}
	b.strayed.set = false
	if !b.line.note(seq) {
		b.stats.Duplicates++
		return
	}
	b.line.refer(seq, pos, p.Timestamp, d.format.ClockRate, dur)
	late := b.delay.add(arrival-pos-int64(dur), arrival, dur)
	b.target = min(max(b.delay.need(), b.least()), b.maxDelay)
	if b.queue(p, seq, pos, dur) {
		b.see(pos, late)
	}
}

// duration is the length of a payload in samples at 48 kHz, 0 if it is not
// valid or too long.
func (d *decoder) duration(payload []byte) int {
	n := d.codec.Samples(payload)
	if n <= 0 || n > d.format.SampleRate {
		return 0
	}
	if n = n * rate / d.format.SampleRate; n > maxPacket {
		return 0
	}
	return n
}

// skip notes a packet without audio, so that its number does not count as lost.
func (b *Buffer) skip(p *Packet) {
	b.stats.Discarded++
	if !b.line.started || p.SSRC != b.line.ssrc {
		return
	}
	seq := b.line.sequence(p.Sequence)
	if ahead := seq - b.line.maxSeq; ahead < -maxSeqJump || ahead > maxSeqJump {
		return
	}
	b.line.note(seq)
}

// fits reports whether a packet can belong to the stream that was sent, were there
// no way, at begun.
func (b *Buffer) fits(p *Packet, seq, pos, begun int64) bool {
	if p.SSRC != b.line.ssrc {
		return false
	}
	if ahead := seq - b.line.maxSeq; ahead < -maxSeqJump || ahead > maxSeqJump {
		return false
	}
	if seq > b.line.refSeq && pos < b.line.refPos {
		return false // time runs backwards
	}
	late := b.delay.relative(begun - pos)
	return late >= -maxEarly && late <= maxTardy
}

// newStream reports whether p, which does not fit, is to begin a new stream:
// when the present one has fallen silent, or p follows on the stray before it.
// That one is then lost, but for its number. Otherwise p is kept in mind.
func (b *Buffer) newStream(p *Packet) bool {
	if b.packets.first() == nil && b.gap >= fadeTo {
		return true
	}
	s := &b.strayed
	step := p.Sequence - s.sequence
	if s.set && s.ssrc == p.SSRC && step > 0 && step <= maxStray && int32(p.Timestamp-s.timestamp) >= 0 {
		return true
	}
	b.stats.Discarded++
	*s = stray{set: true, ssrc: p.SSRC, sequence: p.Sequence, timestamp: p.Timestamp}
	return false
}

// restart begins a stream with p at position 0. What is decoded is still
// played, what is not is dropped.
func (b *Buffer) restart(p *Packet, d *decoder, dur int) {
	changed := p.SSRC != b.line.ssrc
	if b.cur != nil {
		b.stats.Resets++
		b.joint = true
		b.fresh = b.fresh || changed
	}
	b.stats.Lost += b.line.lost()
	b.stats.Discarded += uint64(b.packets.clear())
	b.line = newLine(p, d.format.ClockRate, dur)
	if changed {
		b.delay = delayTracker{}
		b.target = b.least()
	}
	b.delay.rebase()
	b.begin(0, int64(p.Sequence), 0)
}

// begin makes pos, of packet seq, what is played next, after as much time as
// makes the delay right for a packet that came late by late.
func (b *Buffer) begin(pos, seq, late int64) {
	b.next, b.lastSeq = pos, seq-1
	b.gap = 0
	b.hold = int(max(0, b.target-late-int64(b.pending())))
	b.level = float64(late + int64(b.pending()) + int64(b.hold))
}

// pending is the number of samples that are not played yet.
func (b *Buffer) pending() int { return len(b.sound) - b.play }

// queue puts a packet in its place. It is false for one that comes too late.
func (b *Buffer) queue(p *Packet, seq, pos int64, dur int) bool {
	if seq <= b.lastSeq || pos+int64(dur) <= b.next {
		b.stats.Late++
		return false
	}
	for b.packets.first() != nil && (len(b.packets.free) == 0 || b.packets.span() > maxSpan) {
		b.packets.pop()
		b.stats.Discarded++
		if f := b.packets.first(); f != nil {
			b.begin(f.pos, f.seq, b.target)
		} else {
			b.begin(pos, seq, b.target)
		}
		b.joint = true
	}
	q := b.packets.add(seq)
	if q == nil {
		b.stats.Discarded++
		return false
	}
	q.pos, q.dur, q.pt, q.marker = pos, dur, p.PayloadType, p.Marker
	q.payload = append(q.payload[:0], p.Payload...)
	return true
}

// outlier is how far a measured delay may be off by the rhythm of Get alone,
// and more.
const outlier = 15 * ms

// see learns the delay that is held from a packet in the queue: the time until
// it is played, and how much longer it would have been for the fastest packet.
func (b *Buffer) see(pos, late int64) {
	until := pos - b.next
	if first := b.packets.first(); first.pos > b.next {
		until -= min(int64(b.gap), first.pos-b.next)
	}
	until += int64(b.pending()) + int64(b.hold)
	b.odd = until % b.quantum // Get takes that much; a part of it is no time
	until -= b.odd
	now := float64(until + late)
	if off := now - b.level; b.measure && (off > outlier || off < -outlier) {
		b.level = now
	} else {
		b.level += off / 8
	}
	b.measure = false
}
