package device

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gen2brain/malgo"

	"parley/media"
)

// probeEvery is how often a better backend is looked for than the one in use,
// which may have been the only one while another sound service was down.
const probeEvery = 2 * time.Second

// hexID begins the ID of a device whose own is not text.
const hexID = "hex:"

// service is the connection to the system's sound service. It belongs to one
// goroutine.
type service struct {
	backends []malgo.Backend
	log      *slog.Logger
	conn     *connection // nil: not connected
	probed   time.Time
}

// connection is a miniaudio context, which must outlive its devices. It is freed
// when the service and every device have let go of it.
type connection struct {
	malgo   *malgo.AllocatedContext
	backend int // index in service.backends
	users   atomic.Int32
}

func (c *connection) retain() { c.users.Add(1) }

func (c *connection) release() {
	if c.users.Add(-1) == 0 {
		c.malgo.Uninit()
		c.malgo.Free()
	}
}

// alive reports whether the sound service still answers.
func (c *connection) alive() bool {
	_, err := c.malgo.Devices(malgo.Capture)
	return err == nil
}

// found is a device and what miniaudio calls it.
type found struct {
	info media.DeviceInfo
	kind malgo.DeviceType
	id   malgo.DeviceID
}

// drop disconnects.
func (s *service) drop() {
	if s.conn != nil {
		s.conn.release()
		s.conn = nil
	}
}

// connect makes s.conn the best backend that works.
func (s *service) connect() error {
	best := len(s.backends)
	if s.conn != nil {
		best = s.conn.backend
		if best == 0 || time.Since(s.probed) < probeEvery {
			return nil
		}
	}
	s.probed = time.Now()
	for i, b := range s.backends[:best] {
		if !usable(b) {
			continue
		}
		m, err := malgo.InitContext([]malgo.Backend{b}, malgo.ContextConfig{
			// The callback takes microseconds. Where the system does not
			// allow this, miniaudio goes on with an ordinary thread.
			ThreadPriority: malgo.ThreadPriorityRealtime,
		}, nil)
		if err != nil {
			continue
		}
		s.drop()
		s.conn = &connection{malgo: m, backend: i}
		s.conn.retain()
		s.log.Info("Sound service connected", "sub", "device", "backend", backendName(b))
		return nil
	}
	if s.conn == nil {
		return media.ErrNoDevice
	}
	return nil
}

// each calls f with a working connection. That one has died is found out only
// when f fails; f is then tried once more with a new one.
func (s *service) each(f func(*connection) error) error {
	if err := s.connect(); err != nil {
		return err
	}
	err := f(s.conn)
	if err == nil || s.conn.alive() {
		return err
	}
	s.drop()
	if connectErr := s.connect(); connectErr != nil {
		return connectErr
	}
	return f(s.conn)
}

// list returns all devices, capture first.
func (s *service) list() ([]found, error) {
	var all []found
	err := s.each(func(c *connection) error {
		all = nil
		for _, kind := range []malgo.DeviceType{malgo.Capture, malgo.Playback} {
			infos, err := c.malgo.Devices(kind)
			if err != nil {
				return err
			}
			for i := range infos {
				all = append(all, newFound(kind, &infos[i]))
			}
		}
		return nil
	})
	return all, err
}

func newFound(kind malgo.DeviceType, i *malgo.DeviceInfo) found {
	return found{
		kind: kind,
		id:   i.ID,
		info: media.DeviceInfo{
			ID:      idText(i.ID[:]),
			Name:    strings.ToValidUTF8(i.Name(), "?"),
			Input:   kind == malgo.Capture,
			Output:  kind == malgo.Playback,
			Default: i.IsDefault != 0,
		},
	}
}

// idText renders miniaudio's ID: as text where it is text, which most systems'
// are, else as hexadecimal digits.
func idText(id []byte) string {
	text := strings.TrimRight(string(id), "\x00")
	printable := utf8.ValidString(text) && text != "" && !strings.HasPrefix(text, hexID)
	for _, r := range text {
		printable = printable && r >= ' ' && r != 0x7f
	}
	if printable {
		return text
	}
	return hexID + hex.EncodeToString([]byte(text))
}

// open starts a device; an empty id is the default one.
func (s *service) open(kind malgo.DeviceType, id string) (*stream, error) {
	var opened *stream
	err := s.each(func(c *connection) error {
		var mid *malgo.DeviceID
		name, err := "", error(nil)
		if id != "" {
			if mid, name, err = c.find(kind, id); err != nil {
				return err
			}
		}
		opened, err = newStream(c.malgo.Context, kind, mid, name)
		if err != nil {
			return err
		}
		c.retain()
		opened.release = c.release
		return nil
	})
	if err != nil && !errors.Is(err, media.ErrNoDevice) && !errors.Is(err, ErrLayout) && s.has(kind) == 0 {
		err = fmt.Errorf("%w: %w", media.ErrNoDevice, err)
	}
	return opened, err
}

// has counts the devices of a kind.
func (s *service) has(kind malgo.DeviceType) int {
	all, err := s.list()
	if err != nil {
		return 0
	}
	n := 0
	for _, f := range all {
		if f.kind == kind {
			n++
		}
	}
	return n
}

// find looks a device up by its ID, or else by its name.
func (c *connection) find(kind malgo.DeviceType, id string) (*malgo.DeviceID, string, error) {
	infos, err := c.malgo.Devices(kind)
	if err != nil {
		return nil, "", err
	}
	var named *found
	for i := range infos {
		f := newFound(kind, &infos[i])
		if f.info.ID == id {
			return &f.id, f.info.Name, nil
		}
		if named == nil && strings.EqualFold(f.info.Name, id) {
			named = &f
		}
	}
	if named == nil {
		return nil, "", media.ErrNoDevice
	}
	return &named.id, named.info.Name, nil
}

// backendName returns the name of a backend for the log.
func backendName(b malgo.Backend) string {
	switch b {
	case malgo.BackendPulseaudio:
		return "PulseAudio"
	case malgo.BackendAlsa:
		return "ALSA"
	case malgo.BackendWasapi:
		return "WASAPI"
	case malgo.BackendCoreaudio:
		return "Core Audio"
	default:
		return fmt.Sprintf("miniaudio %d", b)
	}
}
