package media

import (
	"cmp"
	"strings"

	"parley/media/virtual"
)

// The forms of a device choice.
const (
	specDefault = "default"
	specNull    = "null"
	specFile    = "file:"
)

func outputSpec(c DeviceChoice) string { return cmp.Or(c.Output, specDefault) }

func alertSpec(c DeviceChoice) string { return cmp.Or(c.Alert, outputSpec(c)) }

// A device is an open device of either direction.
type device struct {
	spec       string // what was asked for
	name       string
	substitute bool // the system's default instead of what was asked for
	capture    Capture
	playback   Playback
}

// close closes the device.
func (d *device) close() error {
	if d.capture != nil {
		return d.capture.Close()
	}
	return d.playback.Close()
}

// isFile reports whether spec is a file, and which.
func isFile(spec string) (path string, ok bool) { return strings.CutPrefix(spec, specFile) }

// openDevice opens what spec says for that use. It may block. A device that is
// not there is replaced by the system's default, if there is one; err then tells
// what was wrong and the device is marked as a substitute.
func (e *Engine) openDevice(which Which, spec string) (*device, error) {
	if path, ok := isFile(spec); ok {
		return openFile(which, spec, path)
	}
	if spec == specDefault {
		d, err := e.openHardware(which, "")
		if err != nil {
			return nil, err
		}
		d.spec, d.name = spec, specDefault
		return d, nil
	}
	id, name, err := e.find(which, spec)
	if err == nil {
		var d *device
		if d, err = e.openHardware(which, id); err == nil {
			d.spec, d.name = spec, name
			return d, nil
		}
	}
	if d, defErr := e.openHardware(which, ""); defErr == nil {
		d.spec, d.name, d.substitute = spec, specDefault, true
		return d, err
	}
	return nil, err
}

// openHardware opens the device of the driver with that id.
func (e *Engine) openHardware(which Which, id string) (*device, error) {
	if e.conf.Hardware == nil {
		return nil, &DeviceError{Op: "open", Name: id, Err: ErrNoDevice}
	}
	if which == Input {
		c, err := e.conf.Hardware.OpenCapture(id)
		if err != nil {
			return nil, err
		}
		return &device{capture: c}, nil
	}
	p, err := e.conf.Hardware.OpenPlayback(id)
	if err != nil {
		return nil, err
	}
	return &device{playback: p}, nil
}

// find looks a device up by id, else by name.
func (e *Engine) find(which Which, spec string) (id, name string, err error) {
	if e.conf.Hardware == nil {
		return "", "", &DeviceError{Op: "open", Name: spec, Err: ErrNoDevice}
	}
	list, err := e.conf.Hardware.Devices()
	if err != nil {
		return "", "", err
	}
	for _, same := range []func(DeviceInfo) bool{
		func(d DeviceInfo) bool { return d.ID == spec },
		func(d DeviceInfo) bool { return d.Name == spec },
		func(d DeviceInfo) bool { return strings.EqualFold(d.Name, spec) },
	} {
		for _, d := range list {
			if same(d) && (which == Input && d.Input || which != Input && d.Output) {
				return d.ID, d.Name, nil
			}
		}
	}
	return "", "", &DeviceError{Op: "open", Name: spec, Err: ErrNoDevice}
}

// present reports whether opening spec may succeed now.
func (e *Engine) present(which Which, spec string) bool {
	if _, ok := isFile(spec); ok || e.conf.Hardware == nil {
		return ok
	}
	if spec == specDefault {
		list, err := e.conf.Hardware.Devices()
		for _, d := range list {
			if which == Input && d.Input || which != Input && d.Output {
				return true
			}
		}
		return err != nil // a system that cannot list may still open
	}
	_, _, err := e.find(which, spec)
	return err == nil
}

// openFile opens a file as a device.
func openFile(which Which, spec, path string) (*device, error) {
	d := &device{spec: spec, name: spec}
	var err error
	if which == Input {
		d.capture, err = openCaptureFile(path)
	} else {
		d.playback, err = openPlaybackFile(path)
	}
	if err != nil {
		return nil, &DeviceError{Op: "open", Name: spec, Err: err}
	}
	return d, nil
}

func openCaptureFile(path string) (Capture, error) {
	c, err := virtual.OpenFileCapture(path)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func openPlaybackFile(path string) (Playback, error) {
	p, err := virtual.CreateFilePlayback(path)
	if err != nil {
		return nil, err
	}
	return p, nil
}
