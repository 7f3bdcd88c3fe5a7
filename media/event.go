package media

import (
	"net/netip"
	"time"
)

// Which names what a device is used for.
type Which uint8

// The uses of a device.
const (
	Input Which = iota + 1
	Output
	Alert
)

// String names w in lower case.
func (w Which) String() string {
	switch w {
	case Input:
		return "input"
	case Output:
		return "output"
	case Alert:
		return "alert"
	}
	return "unknown"
}

// An Event is what an [Engine] tells: [DeviceLost], [DeviceRestored],
// [DeviceFailed], [RingFileFailed] or [ConferenceRecordingFailed].
type Event interface{ event() }

// DeviceLost says that an open device vanished. Silence has taken its place, or
// the system's default device if there is one.
type DeviceLost struct {
	Which Which
	Name  string
	Err   error
}

// DeviceFailed says that a chosen device could not be opened. It is told once;
// the engine goes on trying.
type DeviceFailed struct {
	Which Which
	Name  string
	Err   error
}

// DeviceRestored says that a device is in use after it was lost or had failed.
type DeviceRestored struct {
	Which Which
	Name  string
}

// RingFileFailed says that a ringtone could not be read; the built-in one rings.
type RingFileFailed struct {
	Path string
	Err  error
}

// ConferenceRecordingFailed says that the recording of the conference ended early.
// What it holds is sound.
type ConferenceRecordingFailed struct {
	Path string
	Err  error
}

func (DeviceLost) event()                {}
func (DeviceFailed) event()              {}
func (DeviceRestored) event()            {}
func (RingFileFailed) event()            {}
func (ConferenceRecordingFailed) event() {}

// A StreamEvent is what a [Stream] tells: [FirstPacket], [AudioStopped],
// [AudioResumed], [DigitReceived] or [RecordingFailed].
type StreamEvent interface{ streamEvent() }

// FirstPacket says that valid packets have begun to come. It is told once.
type FirstPacket struct{ From netip.AddrPort }

// AudioStopped says that packets came and then none for 5 s, while the stream is
// not on hold and something was to be expected.
type AudioStopped struct{}

// AudioResumed says that packets come again after [AudioStopped].
type AudioResumed struct{}

// DigitReceived is a DTMF digit of the far end, told when it ends.
type DigitReceived struct {
	Digit    rune
	Duration time.Duration
}

// RecordingFailed says that a recording ended early. What it holds is sound.
type RecordingFailed struct {
	Path string
	Err  error
}

func (FirstPacket) streamEvent()     {}
func (AudioStopped) streamEvent()    {}
func (AudioResumed) streamEvent()    {}
func (DigitReceived) streamEvent()   {}
func (RecordingFailed) streamEvent() {}
