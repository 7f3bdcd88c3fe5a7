package device

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"io"
	"os"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gen2brain/malgo"

	"parley/media"
	"parley/media/ring"
)

const (
	// periodSamples is what a device is asked to deliver or take at a time.
	periodSamples = media.SampleRate / 200

	// playbackPeriods is how many periods a playback device may hold. A
	// capture device may hold more, since that costs no delay: it delivers
	// each period at once, and the rest is a reserve for a late thread.
	playbackPeriods = 2
	capturePeriods  = 4

	// ringSamples is the size of a ring, far above what it ever holds: 170 ms.
	ringSamples = 8192

	// watch is how often a sleeping Read or Write looks whether its device
	// still lives.
	watch = 100 * time.Millisecond

	// goneAfter is how long a running device may be silent, startAfter how long
	// one that was just opened. Wireless headsets take their time.
	goneAfter  = 800 * time.Millisecond
	startAfter = 3 * time.Second

	// closeAfter is how long Close waits for the system. What hangs longer is
	// left to its goroutine.
	closeAfter = time.Second
)

// ErrLayout means that the miniaudio linked in is not the one this package
// knows. No device can be opened then.
var ErrLayout = errors.New("device: unknown layout of miniaudio's device")

// ErrTimeout means that the system's sound service did not answer in time.
var ErrTimeout = errors.New("device: the sound service does not answer")

// Counters tell how a device fares. They only grow.
type Counters struct {
	Callbacks     int // periods delivered or asked for
	PeriodSamples int // samples of the largest one
	Gaps          int // callbacks that found too few samples, or no room for theirs
	Lost          int // samples that were missing or dropped for that reason
	Skipped       int // frames dropped because the reader came too late
}

// stream is what Capture and Playback share. Read and Write hold mu while they
// run, so that the device is not freed under them; nobody else waits for it. The
// C half lives until the stream is closed and garbage, for its counters are read
// without.
type stream struct {
	name    string
	periods int
	c       *C.parley_stream
	ring    *ring.Ring
	dev     *malgo.Device
	skipped atomic.Uint64
	bell    *os.File // rung by c when a sleep is over; nil: c itself sleeps
	rung    [8]byte
	release func() // gives the context back
	primed  int    // callbacks before the device ran

	closing atomic.Bool
	once    sync.Once
	mu      sync.Mutex
	gone    bool          // guarded by mu
	done    chan struct{} // closed when the device is uninitialized
}

// newStream opens and starts a device. It blocks for as long as the system takes
// and must run on the driver's own goroutine.
func newStream(ctx malgo.Context, kind malgo.DeviceType, id *malgo.DeviceID, name string) (*stream, error) {
	capture := C.int(0)
	config := malgo.DefaultDeviceConfig(kind)
	side := &config.Playback
	config.Periods = playbackPeriods
	if kind == malgo.Capture {
		capture = 1
		side = &config.Capture
		config.Periods = capturePeriods
	}
	c := C.parley_stream_new(capture, ringSamples)
	if c == nil {
		return nil, malgo.ErrOutOfMemory
	}
	config.SampleRate = media.SampleRate
	config.PeriodSizeInFrames = periodSamples
	config.PerformanceProfile = malgo.LowLatency
	config.NoPreSilencedOutputBuffer = 1
	config.NoFixedSizedCallback = 1 // the ring takes any size; a fixed one costs a period of delay
	config.NotificationCallback = (*[0]byte)(C.parley_notify_address())
	config.PUserData = (*byte)(unsafe.Pointer(c))
	config.Pulse.StreamNameCapture = "Microphone"
	config.Pulse.StreamNamePlayback = "Voice"
	side.Format = malgo.FormatF32
	side.Channels = 1
	if id != nil {
		cid := C.CBytes(id[:]) // miniaudio copies it
		defer C.free(cid)
		side.DeviceID = cid
	}
	dev, err := malgo.InitDevice(ctx, config, malgo.DeviceCallbacks{})
	if err != nil {
		C.parley_stream_free(c)
		return nil, err
	}
	s := &stream{
		name:    name,
		periods: int(config.Periods),
		c:       c,
		dev:     dev,
		done:    make(chan struct{}),
		ring: ring.Over((*ring.Indexes)(C.parley_stream_indexes(c)),
			unsafe.Slice((*float32)(C.parley_stream_samples(c)), ringSamples)),
	}
	if fd := C.parley_stream_bell(c); fd >= 0 {
		s.bell = os.NewFile(uintptr(fd), "bell") // non-blocking: Go waits for it without a thread
	}
	if err = s.attach(rawDevice(dev), kind); err == nil {
		err = dev.Start()
	}
	if err != nil {
		dev.Uninit()
		s.closeBell()
		C.parley_stream_free(c)
		return nil, err
	}
	s.primed = s.Counters().Callbacks
	return s, nil
}

// rawDevice returns the ma_device inside d, or nil if malgo keeps it differently.
func rawDevice(d *malgo.Device) unsafe.Pointer {
	t := reflect.TypeFor[malgo.Device]()
	if t.NumField() != 1 || t.Field(0).Type != reflect.TypeFor[*unsafe.Pointer]() {
		return nil
	}
	return **(**unsafe.Pointer)(unsafe.Pointer(d))
}

// attach makes a ma_device that is not yet started call our C code.
func (s *stream) attach(device unsafe.Pointer, kind malgo.DeviceType) error {
	if C.parley_stream_attach(s.c, device, C.int(kind), media.SampleRate) != 0 {
		return ErrLayout
	}
	return nil
}

// wait blocks until the ring has need samples (capture) or room for need below
// limit (playback). The caller holds s.mu.
func (s *stream) wait(op string, need, limit int) error {
	if s.gone {
		return s.goneError(op)
	}
	before := s.Counters().Callbacks
	for silent := time.Duration(0); ; {
		if s.closing.Load() {
			return io.ErrClosedPipe
		}
		if s.sleep(C.uint32_t(need), C.uint32_t(limit)) {
			return nil
		}
		now := s.Counters().Callbacks
		patience := goneAfter
		if now == s.primed {
			patience = startAfter
		}
		if silent += watch; now != before {
			silent, before = 0, now
		}
		if silent >= patience || !s.dev.IsStarted() {
			s.gone = true
		}
		if s.gone && !s.closing.Load() {
			return s.goneError(op)
		}
	}
}

// sleep blocks until the ring is ready, the stream is interrupted or watch has
// passed, and reports whether the ring is ready. Where there is a bell it takes
// no thread: while one waits in C, Go's scheduler wakes up many thousand times a
// second to look after it, which cost more than everything else in a call.
func (s *stream) sleep(need, limit C.uint32_t) bool {
	if s.bell == nil {
		return C.parley_stream_wait(s.c, need, limit, C.uint32_t(watch.Milliseconds())) != 0
	}
	if C.parley_stream_arm(s.c, need, limit) == 0 {
		// What the read returns does not matter: the ring tells.
		_ = s.bell.SetReadDeadline(time.Now().Add(watch))
		_, _ = s.bell.Read(s.rung[:])
	}
	return C.parley_stream_disarm(s.c, need, limit) != 0
}

// goneError says that the device has vanished.
func (s *stream) goneError(op string) error {
	return &media.DeviceError{Op: op, Name: s.name, Err: media.ErrDeviceGone}
}

// Close stops the device and ends a Read or Write that waits. It waits for the
// system for at most a second and returns [ErrTimeout] if that was not enough;
// the rest then happens when the system comes back.
func (s *stream) Close() error {
	s.once.Do(func() {
		s.closing.Store(true)
		C.parley_stream_interrupt(s.c)
		go s.teardown()
	})
	patience := time.NewTimer(closeAfter)
	defer patience.Stop()
	select {
	case <-s.done:
		return nil
	case <-patience.C:
		return &media.DeviceError{Op: "close", Name: s.name, Err: ErrTimeout}
	}
}

// teardown frees the device. Stopping comes first, for miniaudio's uninit alone
// does not wake a PulseAudio loop that hears nothing from its server.
func (s *stream) teardown() {
	s.mu.Lock() // until no Read or Write is inside; later ones see closing
	s.gone = true
	s.mu.Unlock()
	s.dev.Stop()
	s.dev.Uninit()
	s.closeBell()
	runtime.AddCleanup(s, func(c *C.parley_stream) { C.parley_stream_free(c) }, s.c)
	s.release()
	close(s.done)
}

func (s *stream) closeBell() {
	if s.bell != nil {
		_ = s.bell.Close() // nothing was written to it
	}
}

// Counters returns how the device has fared so far. It may be called from any
// goroutine, after Close too.
func (s *stream) Counters() Counters {
	var n C.parley_counters
	C.parley_stream_count(s.c, &n)
	return Counters{
		Callbacks:     int(n.callbacks),
		PeriodSamples: int(n.largest),
		Gaps:          int(n.gaps),
		Lost:          int(n.lost),
		Skipped:       int(s.skipped.Load()),
	}
}

// samplesTime returns how long n samples last.
func samplesTime(n int) time.Duration {
	return time.Duration(n) * time.Second / media.SampleRate
}
