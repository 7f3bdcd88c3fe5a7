package jitter

// Bounds of what is kept, whatever the network sends.
const (
	maxPackets = 256
	maxPayload = 4096
	maxSpan    = rate // of the packets waiting, in samples
)

// A packet waits to be decoded.
type packet struct {
	seq     int64 // sequence number, unwrapped
	pos     int64 // of its first sample on the media timeline, at 48 kHz
	dur     int   // samples at 48 kHz
	pt      uint8
	marker  bool
	payload []byte
}

// A queue holds packets in order of sequence. It owns maxPackets packets and
// hands them round, so that a payload's memory is allocated once.
type queue struct {
	wait []*packet
	free []*packet
}

func newQueue() queue {
	q := queue{wait: make([]*packet, 0, maxPackets), free: make([]*packet, maxPackets)}
	pool := make([]packet, maxPackets)
	for i := range pool {
		q.free[i] = &pool[i]
	}
	return q
}

// first returns the packet that is next in order, nil if there is none.
func (q *queue) first() *packet {
	if len(q.wait) == 0 {
		return nil
	}
	return q.wait[0]
}

// span is the number of samples from the first packet to the end of the last.
func (q *queue) span() int64 {
	if len(q.wait) == 0 {
		return 0
	}
	last := q.wait[len(q.wait)-1]
	return last.pos + int64(last.dur) - q.wait[0].pos
}

// add puts a packet in its place and returns it to be filled in; nil if the
// queue is full.
func (q *queue) add(seq int64) *packet {
	n := len(q.free)
	if n == 0 {
		return nil
	}
	p := q.free[n-1]
	q.free = q.free[:n-1]
	p.seq = seq
	q.wait = append(q.wait, p)
	for i := len(q.wait) - 1; i > 0 && q.wait[i-1].seq > seq; i-- {
		q.wait[i], q.wait[i-1] = q.wait[i-1], q.wait[i]
	}
	return p
}

// pop takes the first packet out. It stays valid until the next add.
func (q *queue) pop() *packet {
	p := q.wait[0]
	copy(q.wait, q.wait[1:])
	q.wait = q.wait[:len(q.wait)-1]
	q.free = append(q.free, p)
	return p
}

// clear drops all packets and returns how many there were.
func (q *queue) clear() int {
	n := len(q.wait)
	q.free = append(q.free, q.wait...)
	q.wait = q.wait[:0]
	return n
}
