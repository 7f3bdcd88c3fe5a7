// Package ring is a wait-free queue of samples between two threads: the one
// door between a sound card's callback and the rest of the program.
//
// A [Ring] has a fixed size, one producer and one consumer. Neither ever waits
// for the other: a write that finds too little room and a read that finds too
// little data move what they can and say how much that was. Nothing here
// allocates, locks or makes a system call.
//
// One of the two sides may be written in C. [Over] builds a ring on memory that
// C allocated; [Indexes] is the layout both sides agree on.
package ring

import (
	"math/bits"
	"sync/atomic"
)

// cacheLine keeps the two indexes from sharing a line of the processor's cache.
const cacheLine = 64

// MaxCapacity is the largest number of samples a ring may hold. The indexes are
// 32 bits wide and run free, so a full ring must stay far from their wrap.
const MaxCapacity = 1 << 24

// Indexes are the shared counters of a ring: how many samples were ever written
// and ever read, modulo 2^32. The producer alone stores Written, the consumer
// alone stores Read; both are stored with release and loaded with acquire order
// (Go's atomics are stronger than that). The zero value is an empty ring.
//
// In C it is struct { _Alignas(64) uint32_t written; _Alignas(64) uint32_t read; }.
type Indexes struct {
	Written atomic.Uint32
	_       [cacheLine - 4]byte
	Read    atomic.Uint32
	_       [cacheLine - 4]byte
}

// A Ring is a queue of float32 samples for exactly one producer and one
// consumer, which may be different threads. Write, Free belong to the producer,
// Read, Skip to the consumer; Len and Cap may be called by anyone.
type Ring struct {
	ix   *Indexes
	buf  []float32
	mask uint32
}

// New returns an empty ring for at least capacity samples, rounded up to a
// power of two. It panics if capacity is not between 1 and [MaxCapacity].
func New(capacity int) *Ring {
	if capacity < 1 || capacity > MaxCapacity {
		panic("ring: capacity out of range")
	}
	return Over(new(Indexes), make([]float32, 1<<bits.Len(uint(capacity-1))))
}

// Over returns a ring on memory the caller owns and keeps alive, with whatever
// ix says it holds. It panics if the length of buf is not a power of two or is
// above [MaxCapacity].
func Over(ix *Indexes, buf []float32) *Ring {
	n := len(buf)
	if n == 0 || n > MaxCapacity || n&(n-1) != 0 {
		panic("ring: length is not a power of two in range")
	}
	return &Ring{ix: ix, buf: buf, mask: uint32(n - 1)}
}

// Write appends as much of src as there is room for and returns how many
// samples that was. Only the producer may call it.
func (r *Ring) Write(src []float32) int {
	at := r.ix.Written.Load()
	n := min(len(src), len(r.buf)-int(at-r.ix.Read.Load()))
	start := int(at & r.mask)
	first := copy(r.buf[start:], src[:n])
	copy(r.buf, src[first:n])
	r.ix.Written.Store(at + uint32(n))
	return n
}

// Read moves the oldest samples into dst and returns how many there were, at
// most len(dst). The rest of dst is left alone. Only the consumer may call it.
func (r *Ring) Read(dst []float32) int {
	at := r.ix.Read.Load()
	n := min(len(dst), int(r.ix.Written.Load()-at))
	start := int(at & r.mask)
	first := copy(dst[:n], r.buf[start:])
	copy(dst[first:n], r.buf)
	r.ix.Read.Store(at + uint32(n))
	return n
}

// Skip drops up to n of the oldest samples and returns how many it dropped.
// Only the consumer may call it.
func (r *Ring) Skip(n int) int {
	at := r.ix.Read.Load()
	n = min(max(n, 0), int(r.ix.Written.Load()-at))
	r.ix.Read.Store(at + uint32(n))
	return n
}

// Len returns how many samples wait to be read. Seen from the producer it can
// only be too high by the time it is used, from the consumer only too low.
func (r *Ring) Len() int {
	// The order matters: read first, written second never gives a negative
	// length, and min keeps a stale pair from exceeding the capacity.
	read := r.ix.Read.Load()
	return min(int(r.ix.Written.Load()-read), len(r.buf))
}

// Free returns how many samples can be written at once.
func (r *Ring) Free() int { return len(r.buf) - r.Len() }

// Cap returns how many samples the ring can hold.
func (r *Ring) Cap() int { return len(r.buf) }
