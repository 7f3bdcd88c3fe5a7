// Package mailbox provides the unbounded queue through which one goroutine
// hands values to another without ever waiting for it.
//
// A bounded queue between two actors either blocks the sender, which deadlocks
// as soon as the receiver waits for the sender, or drops values, which loses
// calls. Facts therefore travel through a [Queue]; what is only sampled, such as
// sound levels, does not, and is polled instead.
package mailbox

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is returned by [Queue.Take] once the queue is closed and empty.
var ErrClosed = errors.New("mailbox: queue is closed")

// A Queue is an unbounded first-in, first-out queue. All its methods may be
// called from any goroutine at the same time. Make one with [New].
type Queue[T any] struct {
	ready chan struct{} // capacity 1: something may be queued
	done  chan struct{} // closed by Close

	mu     sync.Mutex
	items  []T
	closed bool
}

// New returns an empty, open queue.
func New[T any]() *Queue[T] {
	return &Queue[T]{
		ready: make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
}

// Put adds v at the end of q. It never blocks. After [Queue.Close] it drops v and
// reports false.
func (q *Queue[T]) Put(v T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.items = append(q.items, v)
	select {
	case q.ready <- struct{}{}:
	default: // a taker has been told already
	}
	return true
}

// Take removes and returns all that is queued, oldest first. It blocks until
// there is something, and returns ctx's error if that ends first, or [ErrClosed]
// if q is closed and nothing is left in it. Values that are queued come before
// either error. The caller owns the slice.
func (q *Queue[T]) Take(ctx context.Context) ([]T, error) {
	for {
		if items := q.TryTake(); len(items) > 0 {
			return items, nil
		}
		select {
		case <-q.ready:
		case <-q.done:
			// A value may have been put between TryTake and Close.
			if items := q.TryTake(); len(items) > 0 {
				return items, nil
			}
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// TryTake removes and returns all that is queued, oldest first, or nil if there
// is nothing. It does not block. The caller owns the slice.
func (q *Queue[T]) TryTake() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}

// Close makes q drop what is put from now on, and ends the waiting of every
// [Queue.Take]. What is queued already can still be taken. Close may be called
// more than once.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	close(q.done)
}

// Len returns how many values are queued now.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}
