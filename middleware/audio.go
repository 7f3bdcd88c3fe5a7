package middleware

import (
	"sync"

	"parley/media"
	"parley/middleware/bus"
	"parley/storage"
)

// A Device is a sound device as the system names it.
type Device = media.DeviceInfo

// AudioSnapshot is the state of the sound devices.
type AudioSnapshot struct {
	Input, Output, Alert string // as chosen: "default", "null", "file:PATH" or a name
	Muted                bool
	Trouble              map[string]string // "input", "output", "alert": the name of the device that is missing
}

// AudioManager chooses the sound devices and mutes the microphone. Its methods
// may be used from any goroutine.
type AudioManager struct {
	bus    *bus.Bus
	engine *media.Engine
	app    *SIPApplication

	mu       sync.Mutex // guards what follows
	choice   media.DeviceChoice
	override media.DeviceChoice // from the command line; empty fields follow the settings
	trouble  map[string]string
}

// Devices lists the sound devices as they are now. It may block for as long as
// the system takes to name them.
func (m *AudioManager) Devices() ([]Device, error) { return m.engine.Devices() }

// Snapshot returns what is chosen and what is missing.
func (m *AudioManager) Snapshot() AudioSnapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.snapshotLocked()
}

func (m *AudioManager) snapshotLocked() AudioSnapshot {
	trouble := make(map[string]string, len(m.trouble))
	for k, v := range m.trouble {
		trouble[k] = v
	}
	return AudioSnapshot{
		Input: m.choice.Input, Output: m.choice.Output, Alert: m.choice.Alert,
		Muted: m.engine.Muted(), Trouble: trouble,
	}
}

// SetMuted mutes the microphone for all calls, or unmutes it.
func (m *AudioManager) SetMuted(on bool) {
	if m.engine.Muted() == on {
		return
	}
	m.engine.SetMuted(on)
	m.bus.Publish(AudioMuteDidChange{Muted: on})
}

// Muted reports whether the microphone is muted.
func (m *AudioManager) Muted() bool { return m.engine.Muted() }

// SetMonitor opens the microphone without a call, so that its level can be shown
// while a person chooses it.
func (m *AudioManager) SetMonitor(on bool) { m.engine.SetMonitor(on) }

// Levels returns how loud microphone and speaker are now, 0 to 1. It is cheap:
// poll it as often as something is drawn.
func (m *AudioManager) Levels() (in, out float32) { return m.engine.Levels() }

// SetDevices chooses devices and saves the choice; empty strings leave one as
// it is. Calls go on with the new devices. If the choice cannot be saved all
// stays as it was.
func (m *AudioManager) SetDevices(input, output, alert string) error {
	err := m.app.change(func(s *storage.Settings) error {
		set := func(field *string, value string) {
			if value != "" {
				*field = value
			}
		}
		set(&s.Audio.Input, input)
		set(&s.Audio.Output, output)
		set(&s.Audio.Alert, alert)
		return nil
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.override = media.DeviceChoice{
		Input: keep(m.override.Input, input), Output: keep(m.override.Output, output), Alert: keep(m.override.Alert, alert),
	}
	m.mu.Unlock()
	m.apply() // the settings may be what they were
	return nil
}

// keep drops what the command line said once a person chose something else.
func keep(override, chosen string) string {
	if chosen != "" {
		return ""
	}
	return override
}

// apply makes the engine follow the newest settings and tells when that changed
// a device. All is done under one lock, so that of two changes at once the newer
// one stays.
func (m *AudioManager) apply() {
	m.mu.Lock()
	defer m.mu.Unlock()
	set := m.app.settings.Get().Audio
	old := m.choice
	m.choice = media.DeviceChoice{
		Input:  pick(m.override.Input, set.Input),
		Output: pick(m.override.Output, set.Output),
		Alert:  pick(m.override.Alert, set.Alert),
	}
	if m.choice == old {
		return
	}
	// The engine opens only what is new, and so would not tell of other trouble
	// again.
	for which, changed := range map[media.Which]bool{
		media.Input: m.choice.Input != old.Input, media.Output: m.choice.Output != old.Output, media.Alert: m.choice.Alert != old.Alert,
	} {
		if changed {
			delete(m.trouble, which.String())
		}
	}
	m.engine.SetDevices(m.choice)
	m.bus.Publish(AudioDevicesDidChange{Now: m.snapshotLocked()})
}

// pick returns what the command line said, else what was chosen.
func pick(override, chosen string) string {
	if override != "" {
		return override
	}
	return chosen
}

func (m *AudioManager) choiceNow() media.DeviceChoice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.choice
}

// gotEvent tells what the engine noticed. It runs on a goroutine of the engine.
func (m *AudioManager) gotEvent(ev media.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch ev := ev.(type) {
	case media.DeviceLost:
		m.failedLocked(ev.Which, ev.Name, ev.Err)
	case media.DeviceFailed:
		m.failedLocked(ev.Which, ev.Name, ev.Err)
	case media.DeviceRestored:
		delete(m.trouble, ev.Which.String())
		m.bus.Publish(AudioDeviceDidRecover{Which: ev.Which.String(), Name: ev.Name, Now: m.snapshotLocked()})
	case media.ConferenceRecordingFailed:
		m.app.sessions.conferenceRecordingFailed(ev.Path, ev.Err)
	}
}

func (m *AudioManager) failedLocked(which media.Which, name string, err error) {
	m.trouble[which.String()] = name
	m.bus.Publish(AudioDeviceDidFail{Which: which.String(), Name: name, Err: err, Now: m.snapshotLocked()})
}
