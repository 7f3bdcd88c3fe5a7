// Package device opens the sound devices of the machine, through miniaudio.
//
// Sound is mono float32 at 48 kHz; miniaudio converts to what the hardware
// wants. Devices are asked for periods of 5 ms.
//
// # Two threads and a ring
//
// A sound card's callback must return within its period, always. A Go function
// called from C cannot promise that: it must first get one of the GOMAXPROCS
// slots, and with all of them busy that takes tens of milliseconds. So the
// callback is C (shim.c): it copies between the device and a ring, and wakes
// whoever sleeps on the ring. Go reads and writes the other end of the ring,
// from [Capture.Read] and [Playback.Write]. See
// docs/decisions/0004-audio-callback.md for the measurements.
//
// malgo brings miniaudio and hides its data callback, so ours is put into the
// first fields of an initialized ma_device. They are compared with what is known
// of them before anything is changed: with a miniaudio that is laid out
// differently, opening fails with [ErrLayout], and a test fails with it.
//
// # Devices that vanish
//
// Not every system says so when a device is unplugged. A device that calls back
// no more within [goneAfter] is gone, as is one that miniaudio has stopped: Read
// and Write return media.ErrDeviceGone then. Systems also hang, so everything
// that asks them something happens on a goroutine of its own and is given up
// after a time.
package device
