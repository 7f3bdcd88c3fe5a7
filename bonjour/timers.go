package bonjour

import (
	"container/heap"
	"time"
)

// A timer is something to do at a time. Its fire is called with the time now, and
// may set the timer again.
type timer struct {
	at    time.Time
	fire  func(now time.Time)
	place int // in the heap, from 1; 0: not set
}

// timers are those that are set. They need no goroutine: somebody runs them.
type timers struct{ heap timerHeap }

// set lets a timer fire at a time, and at no other.
func (t *timers) set(x *timer, at time.Time) {
	x.at = at
	if x.place > 0 {
		heap.Fix(&t.heap, x.place-1)
		return
	}
	heap.Push(&t.heap, x)
}

// stop lets a timer not fire.
func (t *timers) stop(x *timer) {
	if x.place > 0 {
		heap.Remove(&t.heap, x.place-1)
	}
}

// run fires what is due by now, in order.
func (t *timers) run(now time.Time) {
	for len(t.heap) > 0 && !t.heap[0].at.After(now) {
		x := heap.Pop(&t.heap).(*timer)
		x.fire(now)
	}
}

// next returns when the first timer is due; zero if none is set.
func (t *timers) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

// A timerHeap implements [heap.Interface].
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.place = len(*h)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.place = 0
	return t
}
