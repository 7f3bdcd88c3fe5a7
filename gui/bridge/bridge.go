// Package bridge is the one door between the middleware and the window's thread.
//
// Everything in gui runs on the thread of the window toolkit. What comes from
// elsewhere goes through [Door.Run], which hands notifications over in batches,
// or [Door.Post]. What would block the thread leaves it through [Door.Do]. No
// other package in gui starts a goroutine.
package bridge

import (
	"context"
	"sync"
	"time"

	"parley/middleware/bus"
)

// A Door leads to the window's thread. Its methods may be used from any
// goroutine.
type Door struct {
	post   func(func())
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	last   chan struct{} // closed when the newest work of DoInOrder is done; belongs to the window's thread
}

// New returns a door that runs functions on the window's thread by post, which
// must not wait for them.
func New(post func(func())) *Door {
	ctx, cancel := context.WithCancel(context.Background())
	return &Door{post: post, ctx: ctx, cancel: cancel}
}

// Close ends all that the door has under way and waits for it, but for work that
// does not heed its context. Nothing is posted afterwards. It must not be called
// while the thread waits for the door.
func (d *Door) Close() { d.cancel() }

// Wait returns when every goroutine of a closed door has ended.
func (d *Door) Wait() { d.wg.Wait() }

// Post runs f on the window's thread, unless the door is closed.
func (d *Door) Post(f func()) {
	if d.ctx.Err() == nil {
		d.post(func() {
			if d.ctx.Err() == nil {
				f()
			}
		})
	}
}

// Run dispatches client's notifications on the window's thread, and calls after
// once for each batch. At most one batch is on its way at a time: a busy window
// makes batches longer, not the queue. Run returns at once; it ends when the door
// is closed or the client is detached.
func (d *Door) Run(client *bus.Client, after func()) {
	d.wg.Go(func() {
		for {
			batch, err := client.Take(d.ctx)
			if err != nil {
				return
			}
			done := make(chan struct{})
			d.post(func() {
				defer close(done)
				if d.ctx.Err() == nil {
					client.Dispatch(batch)
					after()
				}
			})
			select {
			case <-done:
			case <-d.ctx.Done():
				return
			}
		}
	})
}

// Do runs work away from the window's thread, then what it returned on the
// thread. The work's context ends with the door.
func (d *Door) Do(work func(ctx context.Context) (then func())) {
	d.wg.Go(func() {
		if then := work(d.ctx); then != nil {
			d.Post(then)
		}
	})
}

// DoInOrder is [Door.Do] for work that must not overtake what was handed in
// before. It is called on the window's thread.
func (d *Door) DoInOrder(work func(ctx context.Context) (then func())) {
	before, done := d.last, make(chan struct{})
	d.last = done
	d.wg.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		if then := work(d.ctx); then != nil {
			d.Post(then)
		}
	})
}

// After runs f on the window's thread after t, unless stop is called first, on
// that thread.
func (d *Door) After(t time.Duration, f func()) (stop func()) {
	stopped := false // belongs to the window's thread
	timer := time.AfterFunc(t, func() {
		d.Post(func() {
			if !stopped {
				f()
			}
		})
	})
	return func() {
		stopped = true
		timer.Stop()
	}
}

// Every runs f on the window's thread every t until stop is called, on that
// thread. A tick is left out while the one before has not run.
func (d *Door) Every(t time.Duration, f func()) (stop func()) {
	ctx, cancel := context.WithCancel(d.ctx)
	d.wg.Go(func() {
		ticker := time.NewTicker(t)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
			done := make(chan struct{})
			d.post(func() {
				defer close(done)
				if ctx.Err() == nil {
					f()
				}
			})
			select {
			case <-done:
			case <-ctx.Done():
				return
			}
		}
	})
	return cancel
}
