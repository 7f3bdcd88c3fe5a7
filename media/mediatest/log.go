package mediatest

import (
	"slices"
	"sync"
)

// A Log collects what goroutines note, such as a [Hook]. The zero value is ready.
type Log[T any] struct {
	mu  sync.Mutex
	all []T
}

// Add notes v.
func (l *Log[T]) Add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, v)
}

// All returns what was noted so far, in order.
func (l *Log[T]) All() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}
