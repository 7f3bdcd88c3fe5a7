package bus_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"parley/middleware/bus"
)

type numbered struct {
	bus.Note

	By, N int
}

type other struct{ bus.Note }

func TestClientsSeeOneOrder(t *testing.T) {
	var b bus.Bus
	one, two := bus.NewClient("one"), bus.NewClient("two")
	var gotOne, gotTwo []numbered
	bus.On(one, func(n numbered) { gotOne = append(gotOne, n) })
	bus.On(two, func(n numbered) { gotTwo = append(gotTwo, n) })
	b.Attach(one)
	b.Attach(two)

	const publishers, each = 8, 200
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for n := range each {
				b.Publish(numbered{By: p, N: n})
			}
		})
	}
	wg.Wait()
	for _, c := range []*bus.Client{one, two} {
		batch, err := c.Take(t.Context())
		if err != nil {
			t.Fatalf("Take of %s: %v", c.Name(), err)
		}
		c.Dispatch(batch)
	}

	if len(gotOne) != publishers*each {
		t.Fatalf("client one got %d notifications, want %d", len(gotOne), publishers*each)
	}
	if diff := cmp.Diff(gotOne, gotTwo); diff != "" {
		t.Errorf("clients saw different orders (-one +two):\n%s", diff)
	}
	for p := range publishers {
		var ns []int
		for _, n := range gotOne {
			if n.By == p {
				ns = append(ns, n.N)
			}
		}
		if !slices.IsSorted(ns) {
			t.Errorf("notifications of publisher %d arrived out of order", p)
		}
	}
}

func TestHandlerMayPublishAndDetach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bus.Bus
		c := bus.NewClient("c")
		var got []int
		bus.On(c, func(n numbered) {
			got = append(got, n.N)
			if n.N == 1 {
				b.Publish(numbered{N: 2})
				return
			}
			b.Detach(c)
			b.Publish(numbered{N: 3})
		})
		b.Attach(c)
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Run(t.Context())
		}()
		b.Publish(numbered{N: 1})
		<-done
		if diff := cmp.Diff([]int{1, 2}, got); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
	})
}

func TestDetachDropsWhatIsQueued(t *testing.T) {
	var b bus.Bus
	self, other := bus.NewClient("self"), bus.NewClient("other")
	counts := map[string]int{}
	bus.On(self, func(numbered) { counts["typed"]++; b.Detach(self) })
	bus.OnAny(self, func(bus.Notification) { counts["any"]++ })
	bus.OnAny(other, func(bus.Notification) { counts["other"]++ })
	b.Attach(self)
	b.Attach(other)
	for range 3 {
		b.Publish(numbered{})
	}
	b.Detach(other)
	self.Run(t.Context())
	other.Run(t.Context())
	if diff := cmp.Diff(map[string]int{"typed": 1}, counts); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

func TestStuckHandlerDoesNotStopPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bus.Bus
		stuck, free := bus.NewClient("stuck"), bus.NewClient("free")
		release := make(chan struct{})
		bus.On(stuck, func(numbered) { <-release })
		got := 0
		bus.On(free, func(numbered) { got++ })
		b.Attach(stuck)
		b.Attach(free)
		ctx, cancel := context.WithCancel(t.Context())
		go stuck.Run(ctx)
		go free.Run(ctx)
		b.Publish(numbered{}) // the one that sticks
		synctest.Wait()
		for n := range 999 {
			b.Publish(numbered{N: n})
		}
		synctest.Wait()
		if got != 1000 {
			t.Errorf("free client got %d notifications, want 1000", got)
		}
		if got := stuck.Backlog(); got != 999 {
			t.Errorf("Backlog of the stuck client = %d, want 999", got)
		}
		cancel()
		close(release)
	})
}

func TestOnAnySeesEveryTypeAfterItsOwnHandlers(t *testing.T) {
	var b bus.Bus
	c := bus.NewClient("c")
	var got []string
	bus.OnAny(c, func(n bus.Notification) { got = append(got, "any "+bus.Name(n)) })
	bus.On(c, func(numbered) { got = append(got, "numbered") })
	b.Attach(c)
	b.Publish(numbered{})
	b.Publish(other{})
	batch, err := c.Take(t.Context())
	if err != nil {
		t.Fatalf("Take: %v", err)
	}
	c.Dispatch(batch)
	if diff := cmp.Diff([]string{"numbered", "any numbered", "any other"}, got); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}
