package media

import (
	"sync"
	"time"

	"parley/media/virtual"
)

// An EchoDriver has one device, a [virtual.Echo]. Opening both its directions
// gives two ends of the same echo; once either is closed the next opening begins
// a new one with its greeting, and the end that is left must be opened anew too.
type EchoDriver struct {
	delay    time.Duration
	greeting []float32

	mu   sync.Mutex // guards what follows
	echo *virtual.Echo
}

var _ Driver = (*EchoDriver)(nil)

// NewEchoDriver returns a driver whose echoes are those of [virtual.NewEcho].
func NewEchoDriver(delay time.Duration, greeting []float32) *EchoDriver {
	return &EchoDriver{delay: delay, greeting: greeting}
}

// Devices lists the one device.
func (d *EchoDriver) Devices() ([]DeviceInfo, error) {
	return []DeviceInfo{{ID: "echo", Name: "Echo", Input: true, Output: true, Default: true}}, nil
}

// OpenCapture opens the end that is heard.
func (d *EchoDriver) OpenCapture(string) (Capture, error) { return d.end(), nil }

// OpenPlayback opens the end that is spoken to.
func (d *EchoDriver) OpenPlayback(string) (Playback, error) { return d.end(), nil }

// Close does nothing: the ends are closed one by one.
func (d *EchoDriver) Close() error { return nil }

func (d *EchoDriver) end() *echoEnd {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.echo == nil {
		d.echo = virtual.NewEcho(d.delay, d.greeting)
	}
	return &echoEnd{Echo: d.echo, driver: d}
}

// echoEnd is one direction of an echo that two have open.
type echoEnd struct {
	*virtual.Echo
	driver *EchoDriver
	once   sync.Once
}

// Close ends both directions: neither is any use without the other.
func (e *echoEnd) Close() error {
	e.once.Do(func() {
		e.driver.mu.Lock()
		defer e.driver.mu.Unlock()
		if e.driver.echo == e.Echo {
			e.driver.echo = nil
		}
	})
	return e.Echo.Close()
}
