package bridge_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/gui/bridge"
	"parley/middleware/bus"
)

type numbered struct {
	bus.Note
	N int
}

// A thread stands for the window's: functions wait until it is told to run them.
type thread chan func()

func (th thread) post(f func()) { th <- f }

func (th thread) runAll() {
	for {
		select {
		case f := <-th:
			f()
		default:
			return
		}
	}
}

func TestRunHandsOverOneBatchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := make(thread, 100)
		d := bridge.New(th.post)
		var b bus.Bus
		c := bus.NewClient("test")
		var got []int
		batches := 0
		bus.On(c, func(n numbered) { got = append(got, n.N) })
		b.Attach(c)
		d.Run(c, func() { batches++ })
		b.Publish(numbered{N: 1})
		synctest.Wait()
		for n := 2; n <= 50; n++ {
			b.Publish(numbered{N: n})
		}
		synctest.Wait()
		if len(th) != 1 {
			t.Errorf("%d functions were posted while the thread was busy, want 1", len(th))
		}
		for range 2 {
			th.runAll()
			synctest.Wait()
		}
		want := make([]int, 50)
		for i := range want {
			want[i] = i + 1
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
		if batches != 2 {
			t.Errorf("there were %d batches, want 2", batches)
		}
		d.Close()
		d.Wait()
	})
}

func TestEverySkipsTicksOfABusyThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := make(thread, 100)
		d := bridge.New(th.post)
		ticks := 0
		stop := d.Every(time.Second, func() { ticks++ })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		th.runAll()
		if ticks != 1 {
			t.Errorf("%d ticks ran after a long pause, want 1", ticks)
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		stop()
		th.runAll()
		if ticks != 1 {
			t.Errorf("%d ticks after stop, want 1", ticks)
		}
		d.Close()
		d.Wait()
	})
}

func TestAfterCanBeStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := make(thread, 100)
		d := bridge.New(th.post)
		var ran []string
		d.After(time.Second, func() { ran = append(ran, "kept") })
		stop := d.After(time.Second, func() { ran = append(ran, "stopped") })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		stop() // posted already, not run yet
		th.runAll()
		if diff := cmp.Diff([]string{"kept"}, ran); diff != "" {
			t.Errorf("functions run (-want +got):\n%s", diff)
		}
		d.Close()
		d.Wait()
	})
}

func TestDoAndCloseEndTheirWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := make(thread, 100)
		d := bridge.New(th.post)
		ran := 0
		d.Do(func(context.Context) func() { return func() { ran++ } })
		d.Do(func(context.Context) func() { return nil })
		synctest.Wait()
		th.runAll()
		if ran != 1 {
			t.Errorf("what the work returned ran %d times, want 1", ran)
		}
		d.Do(func(ctx context.Context) func() {
			<-ctx.Done()
			return func() { ran++ }
		})
		d.Post(func() { ran++ })
		d.Close()
		d.Wait()
		th.runAll()
		if ran != 1 {
			t.Errorf("%d functions ran, want none after Close", ran-1)
		}
	})
}

func TestDoInOrderKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := make(thread, 100)
		d := bridge.New(th.post)
		var began, done []int
		for n := range 5 {
			d.DoInOrder(func(context.Context) func() {
				time.Sleep(time.Duration(5-n) * time.Second) // the first takes the longest
				began = append(began, n)
				return func() { done = append(done, n) }
			})
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		th.runAll()
		want := []int{0, 1, 2, 3, 4}
		if diff := cmp.Diff(want, began); diff != "" {
			t.Errorf("order of the work (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("order of what followed (-want +got):\n%s", diff)
		}
		d.Close()
		d.Wait()
	})
}
