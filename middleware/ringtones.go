package middleware

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"sync"

	"parley/sip"
)

// NoRingtone keeps silent where it stands in place of a file.
const NoRingtone = "none"

// maxRingtones bounds how many addresses may have a ringtone of their own.
const maxRingtones = 10000

// RingtoneConfiguration says what rings. A ringtone is the absolute path of a
// WAV file, [NoRingtone], or empty for what rings otherwise: the ringtone of the
// settings for a call in, the tone of the country for a call out. The zero value
// is ready to use; its methods may be used from any goroutine and do not block.
//
// A session copies the configuration of the SessionManager when it is made.
type RingtoneConfiguration struct {
	mu       sync.Mutex // guards what follows
	inbound  string
	outbound string
	byURI    map[string]string // by address, as addressKey writes it
}

// DefaultInboundRingtone returns what rings for callers without a ringtone of
// their own.
func (c *RingtoneConfiguration) DefaultInboundRingtone() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inbound
}

// SetDefaultInboundRingtone chooses what rings for callers without a ringtone of
// their own. The error says why it cannot be one.
func (c *RingtoneConfiguration) SetDefaultInboundRingtone(ringtone string) error {
	if err := checkRingtone(ringtone); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inbound = ringtone
	return nil
}

// OutboundRingtone returns what is heard while the far end rings: empty for the
// tone of the country, or [NoRingtone].
func (c *RingtoneConfiguration) OutboundRingtone() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outbound
}

// SetOutboundRingtone chooses what is heard while the far end rings. The error
// says why it cannot be that.
func (c *RingtoneConfiguration) SetOutboundRingtone(ringtone string) error {
	if err := checkRingtone(ringtone); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outbound = ringtone
	return nil
}

// AddRingtoneForSIPURI makes ringtone ring when that address calls, in place of
// one that it had. Parameters and port of the address do not matter.
func (c *RingtoneConfiguration) AddRingtoneForSIPURI(uri, ringtone string) error {
	key, err := addressKey(uri)
	if err != nil {
		return err
	}
	if err := checkRingtone(ringtone); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.byURI[key]; !has && len(c.byURI) >= maxRingtones {
		return fmt.Errorf("middleware: %d addresses have a ringtone already", len(c.byURI))
	}
	if c.byURI == nil {
		c.byURI = map[string]string{}
	}
	c.byURI[key] = ringtone
	return nil
}

// RemoveSIPURI takes the ringtone of an address away. It reports whether there
// was one.
func (c *RingtoneConfiguration) RemoveSIPURI(uri string) bool {
	key, err := addressKey(uri)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, has := c.byURI[key]
	delete(c.byURI, key)
	return has
}

// RingtoneForSIPURI returns the ringtone of an address, or the default one.
func (c *RingtoneConfiguration) RingtoneForSIPURI(uri string) string {
	key, err := addressKey(uri)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ringtone, has := c.byURI[key]; has && err == nil {
		return ringtone
	}
	return c.inbound
}

// forSession chooses what rings for a new session: of a caller first what was
// registered for its address, then what its contact has.
func (c *RingtoneConfiguration) forSession(s *SessionSnapshot) string {
	if s.Direction == Outgoing {
		return c.OutboundRingtone()
	}
	key, err := addressKey(s.RemoteURI)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ringtone, has := c.byURI[key]; has && err == nil {
		return ringtone
	}
	return cmp.Or(s.Peer.Ringtone, c.inbound)
}

// copy returns a configuration that later changes of c do not reach.
func (c *RingtoneConfiguration) copy() *RingtoneConfiguration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &RingtoneConfiguration{inbound: c.inbound, outbound: c.outbound, byURI: maps.Clone(c.byURI)}
}

// addressKey writes user and domain so that the same address is always written
// the same way.
func addressKey(uri string) (string, error) {
	u, err := parseProxy(uri)
	if err != nil {
		return "", err
	}
	if u.Host == "" {
		return "", fmt.Errorf("%w: %q", ErrAddress, sip.CleanText(uri, 120))
	}
	return CanonicalID(u.User + "@" + u.Host), nil
}

func checkRingtone(ringtone string) error {
	if ringtone == "" || ringtone == NoRingtone || filepath.IsAbs(ringtone) {
		return nil
	}
	return fmt.Errorf("middleware: ringtone %q is not the absolute path of a file", sip.CleanText(ringtone, 120))
}
