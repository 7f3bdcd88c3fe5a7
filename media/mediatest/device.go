package mediatest

import (
	"io"
	"slices"
	"sync"
	"time"

	"parley/media"
)

// Driver is a [media.Driver] whose devices hear and play what a test says. It is
// safe for use by several goroutines.
type Driver struct {
	mu      sync.Mutex
	devices []*Device
	opened  int
	closed  bool
}

// NewDriver returns a driver with the given devices; the first that can do it is
// the default.
func NewDriver(devices ...*Device) *Driver { return &Driver{devices: devices} }

// Device is a sound device that plays Sound, in a loop, to who captures from it and
// records who plays to it. It keeps the time of the time package, or the test's:
// see [Device.Manual].
type Device struct {
	ID, Name      string
	Input, Output bool
	Sound         []float32 // at media.SampleRate; none is silence. Once open, see [Device.Say]

	mu      sync.Mutex
	gone    bool
	manual  chan struct{}
	open    []*handle
	at      int
	rewinds int
	played  []float32
	begun   time.Time // of the first frame played
}

// NewDevice returns a device for both directions.
func NewDevice(name string, sound []float32) *Device {
	return &Device{ID: "id-" + name, Name: name, Input: true, Output: true, Sound: sound}
}

// Manual makes the device stand still but for [Device.Tick]. Call it before the
// device is opened.
func (d *Device) Manual() *Device {
	d.manual = make(chan struct{})
	return d
}

// Tick lets one frame, whole or half, pass on a manual device and returns when it
// was taken.
func (d *Device) Tick() { d.manual <- struct{}{} }

// Say gives the device another Sound, at any time.
func (d *Device) Say(sound []float32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Sound = sound
}

// Played returns all that was played so far.
func (d *Device) Played() []float32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.played)
}

// Begun returns when the first frame was played.
func (d *Device) Begun() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begun
}

// Rewinds returns how often its sound was started anew.
func (d *Device) Rewinds() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rewinds
}

// Unplug takes the device away; what has it open fails.
func (d *Device) Unplug() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	for _, h := range d.open {
		h.end(media.ErrDeviceGone)
	}
	d.open = nil
}

// Plug brings it back.
func (d *Device) Plug() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = false
}

// Open returns how many devices are open.
func (v *Driver) Open() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, d := range v.devices {
		d.mu.Lock()
		n += len(d.open)
		d.mu.Unlock()
	}
	return n
}

// Opened returns how often a device was opened.
func (v *Driver) Opened() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.opened
}

// Devices implements [media.Driver].
func (v *Driver) Devices() ([]media.DeviceInfo, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []media.DeviceInfo
	for _, d := range v.devices {
		d.mu.Lock()
		if !d.gone {
			list = append(list, media.DeviceInfo{
				ID: d.ID, Name: d.Name, Input: d.Input, Output: d.Output, Default: len(list) == 0,
			})
		}
		d.mu.Unlock()
	}
	return list, nil
}

// OpenCapture implements [media.Driver].
func (v *Driver) OpenCapture(id string) (media.Capture, error) {
	h, err := v.start(id, func(d *Device) bool { return d.Input })
	if err != nil {
		return nil, err
	}
	return &capture{h}, nil
}

// OpenPlayback implements [media.Driver].
func (v *Driver) OpenPlayback(id string) (media.Playback, error) {
	h, err := v.start(id, func(d *Device) bool { return d.Output })
	if err != nil {
		return nil, err
	}
	return &playback{h}, nil
}

func (v *Driver) start(id string, fits func(*Device) bool) (*handle, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, d := range v.devices {
		d.mu.Lock()
		if !d.gone && fits(d) && (id == "" || id == d.ID) {
			h := &handle{device: d, done: make(chan struct{}), next: time.Now()}
			d.open = append(d.open, h)
			d.mu.Unlock()
			v.opened++
			return h, nil
		}
		d.mu.Unlock()
	}
	return nil, &media.DeviceError{Op: "open", Name: id, Err: media.ErrNoDevice}
}

// Close implements [media.Driver].
func (v *Driver) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	return nil
}

// Closed reports whether Close was called.
func (v *Driver) Closed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.closed
}

// handle is one opening of a device.
type handle struct {
	device *Device
	done   chan struct{}
	once   sync.Once
	err    error
	next   time.Time
}

func (h *handle) end(err error) {
	h.once.Do(func() {
		h.err = err
		close(h.done)
	})
}

// wait blocks for the time of n samples, or until the next Tick.
func (h *handle) wait(n int) error {
	if h.device.manual != nil {
		select {
		case <-h.done:
			return h.err
		case <-h.device.manual:
			return nil
		}
	}
	h.next = h.next.Add(time.Duration(n) * time.Second / media.SampleRate)
	timer := time.NewTimer(time.Until(h.next))
	defer timer.Stop()
	select {
	case <-h.done:
		return h.err
	case <-timer.C:
		return nil
	}
}

// Close implements the Close of both directions.
func (h *handle) Close() error {
	h.end(io.ErrClosedPipe)
	h.device.mu.Lock()
	defer h.device.mu.Unlock()
	h.device.open = slices.DeleteFunc(h.device.open, func(o *handle) bool { return o == h })
	return nil
}

// Latency implements the Latency of both directions.
func (h *handle) Latency() time.Duration { return 0 }

type capture struct{ *handle }

// Read implements [media.Capture].
func (c *capture) Read(frame []float32) error {
	if err := c.wait(len(frame)); err != nil {
		return err
	}
	d := c.device
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range frame {
		frame[i] = 0
		if len(d.Sound) > 0 {
			frame[i] = d.Sound[d.at%len(d.Sound)]
			d.at++
		}
	}
	return nil
}

// Rewind implements [media.Rewinder].
func (c *capture) Rewind() {
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	c.device.at = 0
	c.device.rewinds++
}

type playback struct{ *handle }

// Write implements [media.Playback]. The first frame finds room at once.
func (p *playback) Write(frame []float32) error {
	p.device.mu.Lock()
	first := p.device.begun.IsZero()
	if first {
		p.device.begun = time.Now()
	}
	p.device.mu.Unlock()
	if err := p.wait(len(frame)); err != nil {
		return err
	}
	p.device.mu.Lock()
	defer p.device.mu.Unlock()
	p.device.played = append(p.device.played, frame...)
	return nil
}

var (
	_ media.Driver   = (*Driver)(nil)
	_ media.Rewinder = (*capture)(nil)
	_ media.Playback = (*playback)(nil)
)
