// Package virtual holds sound devices that are not hardware: silence, WAV files
// and the echo of Echo Test.
//
// They look like real devices to the engine: a read or write blocks until the
// moment it is due. That moment is counted in samples from the device's start,
// never from the call before, so no device drifts, however late its user was.
// A user that comes late catches up at once, up to [MaxLateness]; beyond that
// the missed time is given up and counted, so that delay never piles up.
//
// Sound is mono float32 in [-1, 1] at [SampleRate]. One goroutine may read or
// write a device, and others may close it meanwhile. Only package time and
// channels are waited for, so the devices work inside testing/synctest bubbles
// if they are made there.
package virtual
