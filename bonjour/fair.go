package bonjour

import (
	"container/heap"
	"container/list"
	"net/netip"
)

// sources are the hosts that instances were heard of from, so that one that offers
// thousands loses its own, and keeps nobody else out.
type sources struct {
	by   map[netip.Addr]*source
	heap sourceHeap
}

// A source is where instances were heard of from first.
type source struct {
	addr      netip.Addr
	instances list.List // of *instance, the newest at the back
	place     int       // in the heap
}

// add notes that an instance came from a host.
func (s *sources) add(addr netip.Addr, i *instance) {
	from := s.by[addr]
	if from == nil {
		from = &source{addr: addr}
		if s.by == nil {
			s.by = make(map[netip.Addr]*source)
		}
		s.by[addr] = from
		heap.Push(&s.heap, from)
	}
	i.source, i.place = from, from.instances.PushBack(i)
	heap.Fix(&s.heap, from.place)
}

// remove forgets an instance.
func (s *sources) remove(i *instance) {
	from := i.source
	from.instances.Remove(i.place)
	if from.instances.Len() > 0 {
		heap.Fix(&s.heap, from.place)
		return
	}
	heap.Remove(&s.heap, from.place)
	delete(s.by, from.addr)
}

// richer returns the newest instance of the host that has the most, if those are more
// than another host has with one more; else nil.
func (s *sources) richer(than netip.Addr) *instance {
	have := 1
	if from := s.by[than]; from != nil {
		have += from.instances.Len()
	}
	if len(s.heap) == 0 || s.heap[0].instances.Len() <= have {
		return nil
	}
	return s.heap[0].instances.Back().Value.(*instance)
}

// A sourceHeap implements [heap.Interface]: the source with the most instances comes
// first.
type sourceHeap []*source

func (h sourceHeap) Len() int           { return len(h) }
func (h sourceHeap) Less(i, j int) bool { return h[i].instances.Len() > h[j].instances.Len() }

func (h sourceHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *sourceHeap) Push(x any) {
	s := x.(*source)
	s.place = len(*h)
	*h = append(*h, s)
}

func (h *sourceHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return s
}
