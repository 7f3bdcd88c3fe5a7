package device

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/gen2brain/malgo"

	"parley/media"
)

// askAfter is how long the system's sound service may take to list or open
// devices.
const askAfter = 5 * time.Second

// A Driver lists and opens the sound devices of this machine. Its methods may be
// called from any goroutine; the system is asked by one goroutine of the
// driver's, one question at a time.
type Driver struct {
	log     *slog.Logger
	service service // owned by the goroutine of run
	asks    chan ask
	once    sync.Once
	closed  chan struct{}
	done    chan struct{}
}

var _ media.Driver = (*Driver)(nil)

// ask is a question to the system. Exactly one of answers and given up is used.
type ask struct {
	do      func(*service) (any, error)
	drop    func(any) // frees an answer that nobody wants any more
	answer  chan answer
	givenUp <-chan struct{}
}

type answer struct {
	value any
	err   error
}

// New returns a driver for the system's own sound service: PulseAudio (PipeWire
// too) or else ALSA on Linux, WASAPI on Windows, Core Audio on macOS. Nothing is
// asked of it before the first call.
func New(log *slog.Logger) *Driver { return newDriver(log, systemBackends()) }

func newDriver(log *slog.Logger, backends []malgo.Backend) *Driver {
	d := &Driver{
		log:     log,
		service: service{backends: backends, log: log},
		asks:    make(chan ask),
		closed:  make(chan struct{}),
		done:    make(chan struct{}),
	}
	go d.run()
	return d
}

// systemBackends returns miniaudio's backends for this system, best first. Its
// null backend is never among them: silence is the engine's business.
func systemBackends() []malgo.Backend {
	switch runtime.GOOS {
	case "windows":
		return []malgo.Backend{malgo.BackendWasapi, malgo.BackendDsound, malgo.BackendWinmm}
	case "darwin", "ios":
		return []malgo.Backend{malgo.BackendCoreaudio}
	case "android":
		return []malgo.Backend{malgo.BackendAaudio, malgo.BackendOpensl}
	default:
		return []malgo.Backend{
			malgo.BackendPulseaudio, malgo.BackendAlsa, malgo.BackendSndio,
			malgo.BackendAudio4, malgo.BackendOss,
		}
	}
}

// Devices lists what is plugged in now, microphones first. A device that can do
// both is listed twice. A machine without sound has an empty list. It fails with
// a [*media.DeviceError], at the latest after 5 s.
func (d *Driver) Devices() ([]media.DeviceInfo, error) {
	v, err := d.ask(func(s *service) (any, error) { return s.list() }, func(any) {})
	if errors.Is(err, media.ErrNoDevice) {
		return nil, nil
	}
	if err != nil {
		return nil, deviceError("list", "", err)
	}
	var infos []media.DeviceInfo
	for _, f := range v.([]found) {
		infos = append(infos, f.info)
	}
	return infos, nil
}

// OpenCapture starts the microphone with that ID or, failing that, that name; an
// empty id is the system's default. It fails with a [*media.DeviceError], with
// [media.ErrNoDevice] if there is none, at the latest after 5 s.
func (d *Driver) OpenCapture(id string) (media.Capture, error) {
	s, err := d.open(malgo.Capture, id)
	if err != nil {
		return nil, err
	}
	return &Capture{stream: s}, nil
}

// OpenPlayback starts the speaker with that ID or name, as OpenCapture does.
func (d *Driver) OpenPlayback(id string) (media.Playback, error) {
	s, err := d.open(malgo.Playback, id)
	if err != nil {
		return nil, err
	}
	return &Playback{stream: s}, nil
}

// Close ends the driver. Devices still open keep working until they are closed.
// It waits for a question under way, for at most a second.
func (d *Driver) Close() error {
	d.once.Do(func() { close(d.closed) })
	patience := time.NewTimer(closeAfter)
	defer patience.Stop()
	select {
	case <-d.done:
		return nil
	case <-patience.C:
		return deviceError("close", "", ErrTimeout)
	}
}

func (d *Driver) open(kind malgo.DeviceType, id string) (*stream, error) {
	v, err := d.ask(
		func(s *service) (any, error) { return s.open(kind, id) },
		func(v any) { v.(*stream).Close() },
	)
	if err != nil {
		return nil, deviceError("open", id, err)
	}
	return v.(*stream), nil
}

// ask has the driver's goroutine do something and waits for it until askAfter.
func (d *Driver) ask(do func(*service) (any, error), drop func(any)) (any, error) {
	givenUp := make(chan struct{})
	a := ask{do: do, drop: drop, answer: make(chan answer), givenUp: givenUp}
	patience := time.NewTimer(askAfter)
	defer patience.Stop()
	select {
	case d.asks <- a:
	case <-d.closed:
		return nil, media.ErrNoDevice
	case <-patience.C:
		return nil, ErrTimeout
	}
	select {
	case r := <-a.answer:
		return r.value, r.err
	case <-patience.C:
		close(givenUp)
		return nil, ErrTimeout
	}
}

// run asks the system, one question after the other, on a thread of its own: on
// Windows the sound service belongs to the thread that has opened it.
func (d *Driver) run() {
	runtime.LockOSThread()
	defer close(d.done)
	defer func() { d.service.drop() }()
	for {
		select {
		case <-d.closed:
			return
		case a := <-d.asks:
			value, err := a.do(&d.service)
			select {
			case a.answer <- answer{value, err}:
			case <-a.givenUp:
				if err == nil {
					a.drop(value)
				}
			}
		}
	}
}

func deviceError(op, name string, err error) error {
	return &media.DeviceError{Op: op, Name: name, Err: err}
}
