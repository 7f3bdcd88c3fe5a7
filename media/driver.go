package media

import (
	"errors"
	"fmt"
	"time"
)

// SampleRate is the engine's rate in samples a second.
const SampleRate = 48000

// FrameSamples is the length of one frame: 10 ms at [SampleRate].
const FrameSamples = 480

// FrameDuration is the time one frame takes.
const FrameDuration = 10 * time.Millisecond

// A DeviceInfo describes one sound device of a [Driver].
type DeviceInfo struct {
	ID   string // stable as far as the system keeps it stable; opaque
	Name string // for people

	Input, Output bool // what it can do
	Default       bool // the system's choice for what it can do
}

// A Driver gives access to the sound devices of the machine. Its methods may be
// called from any goroutine and may block for as long as the system takes.
type Driver interface {
	// Devices lists what is plugged in now.
	Devices() ([]DeviceInfo, error)

	// OpenCapture and OpenPlayback start the device with the given
	// [DeviceInfo.ID], or the system's default if id is empty. They fail with
	// a [*DeviceError].
	OpenCapture(id string) (Capture, error)
	OpenPlayback(id string) (Playback, error)

	// Close frees the driver. Devices must be closed before.
	Close() error
}

// A Capture is an open source of sound. One goroutine reads; Close may be called
// from another.
type Capture interface {
	// Read fills frame, which holds [FrameSamples] or half of them, and blocks
	// until it is full. It fails with [ErrDeviceGone] when the device was unplugged and
	// with [io.ErrClosedPipe] after Close.
	Read(frame []float32) error

	// Latency is the age of the newest sample that Read returns.
	Latency() time.Duration

	// Close stops the device and ends a Read that waits.
	Close() error
}

// A Playback is an open sink of sound. One goroutine writes; Close may be called
// from another.
type Playback interface {
	// Write takes frame, which holds [FrameSamples] or half of them, and blocks
	// until there is room for it. It keeps about as much ready to be heard as
	// frame is long. It fails as [Capture.Read] does.
	Write(frame []float32) error

	// Latency is the time a sample written now takes to be heard.
	Latency() time.Duration

	// Close stops the device and ends a Write that waits.
	Close() error
}

// A Rewinder is a [Capture] that has a beginning to go back to. The engine calls
// Rewind when a call's audio starts.
type Rewinder interface{ Rewind() }

// ErrDeviceGone means that a device was unplugged or taken away while open.
var ErrDeviceGone = errors.New("media: device gone")

// ErrNoDevice means that no device fits what was asked for.
var ErrNoDevice = errors.New("media: no such device")

// A DeviceError tells which operation on which device failed.
type DeviceError struct {
	Op   string // "open", "list", "read", "write"
	Name string // the name or id asked for; empty for the default device
	Err  error
}

// Error implements error.
func (e *DeviceError) Error() string {
	name := e.Name
	if name == "" {
		name = "default"
	}
	return fmt.Sprintf("media: %s device %q: %v", e.Op, name, e.Err)
}

// Unwrap returns what the system said.
func (e *DeviceError) Unwrap() error { return e.Err }
