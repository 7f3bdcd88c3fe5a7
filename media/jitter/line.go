package jitter

// How far a packet of the present stream may be off, in sequence numbers and in
// samples: further ones belong to a new stream, or are astray.
const (
	maxSeqJump = 2000
	maxEarly   = rate / 2
	maxTardy   = rate
	maxStray   = 5 // sequence numbers between two packets that prove a new stream

	window = 64 // sequence numbers in which duplicates are known
)

// A line maps the sequence numbers and timestamps of one stream to numbers that
// do not wrap. Its zero value has no stream yet.
type line struct {
	started bool
	ssrc    uint32
	base    int64 // first sequence number
	maxSeq  int64
	seen    uint64 // bit n: maxSeq-n has come
	unique  uint64 // sequence numbers that have come

	// The newest audio packet, which others are placed by.
	refSeq   int64
	refPos   int64
	refTime  uint32
	refClock int
	refDur   int
}

func newLine(p *Packet, clock, dur int) line {
	seq := int64(p.Sequence)
	return line{
		started: true, ssrc: p.SSRC, base: seq, maxSeq: seq - 1,
		refSeq: seq, refTime: p.Timestamp, refClock: clock, refDur: dur,
	}
}

// sequence unwraps seq.
func (l *line) sequence(seq uint16) int64 {
	return l.maxSeq + int64(int16(seq-uint16(l.maxSeq)))
}

// note records that seq has come. It is false for one that had come before.
func (l *line) note(seq int64) bool {
	switch ahead := seq - l.maxSeq; {
	case ahead > 0:
		l.seen = l.seen<<ahead | 1
		l.maxSeq = seq
	case -ahead >= window:
		return true // too old to know; it is late in any case
	case l.seen>>-ahead&1 != 0:
		return false
	default:
		l.seen |= 1 << -ahead
	}
	l.unique++
	return true
}

// lost is the number of sequence numbers that have not come.
func (l *line) lost() uint64 {
	if !l.started {
		return 0
	}
	expected := uint64(max(0, l.maxSeq-l.base+1))
	return expected - min(expected, l.unique)
}

// place returns the position of a packet on the media timeline. Where the clock
// rate changes with the codec, timestamps say nothing, and sequence numbers
// count instead.
func (l *line) place(seq int64, timestamp uint32, clock, dur int) int64 {
	switch {
	case clock == l.refClock:
		return l.refPos + int64(int32(timestamp-l.refTime))*int64(rate/clock)
	case seq > l.refSeq:
		return l.refPos + int64(l.refDur)*(seq-l.refSeq)
	default:
		return l.refPos - int64(dur)*(l.refSeq-seq)
	}
}

// refer makes a packet the one to place others by, if it is the newest.
func (l *line) refer(seq, pos int64, timestamp uint32, clock, dur int) {
	if seq < l.refSeq {
		return
	}
	l.refSeq, l.refPos, l.refTime, l.refClock, l.refDur = seq, pos, timestamp, clock, dur
}
