package media

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

const (
	pollEvery = time.Second // for a device that is missing
	never     = 10_000 * time.Hour
	linger    = 250 * time.Millisecond // a device stays open, for what comes next
)

// A role is one use of a device: it opens and closes the device as it is wanted,
// runs the loop that uses it, and looks for it when it is lost. One goroutine,
// that of run, does all of that, so that a slow device holds nobody up but
// itself: the loop runs on silence meanwhile.
type role struct {
	which  Which
	engine *Engine
	loop   func(*role)

	mu     sync.Mutex // guards wanted
	wanted wish

	wake     chan struct{}
	current  atomic.Pointer[device] // what the loop uses; nil: the null device
	lost     atomic.Pointer[loss]
	stopping atomic.Bool
	dirty    atomic.Bool // the engine's needs must be looked at again

	// Of run's goroutine.
	dev     *device // nil: none open
	spec    string  // what dev or its absence is about
	broken  bool    // a failure was told and not yet its end
	retry   time.Time
	idle    time.Time // since when nobody needs the loop; zero: needed
	looping bool
	ended   chan struct{} // closed by the loop
}

// A wish is what the engine wants of a role.
type wish struct {
	needed bool
	spec   string
}

// A loss is how a loop's device ended.
type loss struct {
	dev *device
	err error
}

func newRole(e *Engine, which Which, loop func(*role)) *role {
	return &role{which: which, engine: e, loop: loop, wake: make(chan struct{}, 1)}
}

// want says whether the loop shall run, and on which device. It does not block.
func (r *role) want(needed bool, spec string) {
	spec = cmp.Or(spec, specDefault)
	r.mu.Lock()
	changed := r.wanted != wish{needed, spec}
	r.wanted = wish{needed, spec}
	r.mu.Unlock()
	if changed {
		r.poke()
	}
}

// poke wakes run.
func (r *role) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// fail is called by the loop when its device d failed. The loop goes on with the
// null device, unless another device is in place already.
func (r *role) fail(d *device, err error) {
	if r.current.CompareAndSwap(d, nil) {
		r.lost.Store(&loss{d, err})
		r.poke()
	}
}

// recheck makes run look at the engine's needs. It is for the loop, which must
// not wait for the engine's lock.
func (r *role) recheck() {
	r.dirty.Store(true)
	r.poke()
}

// run does the role's work until the engine closes.
func (r *role) run() {
	defer r.shutdown()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.engine.closing:
			return
		case <-r.wake:
		case <-timer.C:
		}
		if r.dirty.Swap(false) {
			r.engine.update()
		}
		timer.Stop()
		if wait := r.step(); wait > 0 {
			timer.Reset(wait)
		}
	}
}

// step brings the role nearer to what is wanted. It returns when to be called
// again at the latest, 0 for not before something happens.
func (r *role) step() time.Duration {
	r.mu.Lock()
	want := r.wanted
	r.mu.Unlock()
	if l := r.lost.Swap(nil); l != nil && l.dev == r.dev {
		r.drop(l.err)
	}
	wait := r.turnLoop(want.needed)
	_, file := isFile(want.spec)
	use := r.looping || file && r.which != Input
	if !use || want.spec == specNull || want.spec == specDefault && r.engine.conf.Hardware == nil {
		r.replace(nil)
		r.spec, r.broken, r.retry = want.spec, false, time.Time{}
		return wait
	}
	if r.spec != want.spec {
		r.spec, r.broken, r.retry = want.spec, false, time.Time{}
		r.open()
	} else if r.dev == nil || r.dev.substitute {
		r.open()
	}
	if r.dev == nil || r.dev.substitute {
		wait = sooner(wait, max(time.Until(r.retry), time.Millisecond))
	}
	return wait
}

// turnLoop starts the loop when it is needed, and ends it when it has not been
// for a while. It returns how long that while still is.
func (r *role) turnLoop(needed bool) time.Duration {
	switch {
	case needed:
		r.idle = time.Time{}
		if !r.looping {
			r.looping, r.ended = true, make(chan struct{})
			r.stopping.Store(false)
			go func() {
				defer close(r.ended)
				r.loop(r)
			}()
		}
	case r.looping && r.idle.IsZero():
		r.idle = time.Now()
		return linger
	case r.looping:
		if left := linger - time.Since(r.idle); left > 0 {
			return left
		}
		r.stopLoop()
	}
	return 0
}

// stopLoop ends the loop. A device that only the loop needs is closed first, so
// that the loop does not wait for it.
func (r *role) stopLoop() {
	r.stopping.Store(true)
	if r.dev != nil {
		if _, file := isFile(r.dev.spec); !file {
			r.replace(nil)
		}
	}
	<-r.ended
	r.looping, r.idle = false, time.Time{}
}

// open tries to open the wanted device, unless it has just failed.
func (r *role) open() {
	e := r.engine
	if time.Now().Before(r.retry) {
		return
	}
	r.retry = time.Now().Add(pollEvery)
	if r.broken && !e.present(r.which, r.spec) && r.dev != nil {
		return // on a substitute already
	}
	if r.broken && r.dev == nil && !e.present(r.which, r.spec) && !e.present(r.which, specDefault) {
		return
	}
	d, err := e.openDevice(r.which, r.spec)
	if d != nil && d.substitute && r.dev != nil && r.dev.substitute && r.dev.spec == d.spec {
		d.close() // no better than what we have
		return
	}
	r.replace(d)
	switch {
	case err != nil && !r.broken:
		r.broken = true
		e.log.Warn("Audio device failed", "which", r.which.String(), "name", r.spec, "err", err)
		e.tell(DeviceFailed{Which: r.which, Name: r.spec, Err: err})
	case err == nil && r.broken:
		r.broken = false
		e.log.Info("Audio device restored", "which", r.which.String(), "name", d.name)
		e.tell(DeviceRestored{Which: r.which, Name: d.name})
	}
}

// drop forgets a device that failed.
func (r *role) drop(err error) {
	name := r.dev.name
	r.dev.close()
	r.dev = nil
	r.broken, r.retry = true, time.Time{}
	if _, file := isFile(r.spec); file && r.which != Input {
		r.retry = time.Now().Add(never) // opening it again would empty it
	}
	r.engine.log.Warn("Audio device lost", "which", r.which.String(), "name", name, "err", err)
	r.engine.tell(DeviceLost{Which: r.which, Name: name, Err: err})
}

// replace puts d, which may be nil, in the place of the open device.
func (r *role) replace(d *device) {
	old := r.dev
	r.dev = d
	r.current.Store(d)
	if old != nil && old != d {
		old.close()
	}
}

// shutdown ends the loop and closes the device.
func (r *role) shutdown() {
	if r.looping {
		r.stopLoop()
	}
	r.replace(nil)
}

// rewind makes a source that has a beginning start there.
func (r *role) rewind() {
	if d := r.current.Load(); d != nil {
		if w, ok := d.capture.(Rewinder); ok {
			w.Rewind()
		}
	}
}

// sooner is the smaller of two waits, of which 0 is for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
