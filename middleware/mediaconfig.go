package middleware

import (
	"fmt"
	"net/netip"
	"sync"

	"parley/sip/sdp"
)

// An RTPConfiguration says how the audio of new sessions is transported.
type RTPConfiguration struct {
	// LocalRTPAddress is where audio is received; if it is not valid, where the
	// signalling of the call leaves this machine. A call that has to move because
	// the machine's addresses changed follows its signalling in any case.
	LocalRTPAddress netip.Addr

	// UseSRTP false takes encryption from the calls of accounts that only prefer
	// it, SRTPForced demands it of them. Accounts that demand or forbid it are as
	// they are.
	UseSRTP    bool
	SRTPForced bool

	UseICE         bool       // not supported in this version
	ICESTUNAddress netip.Addr // of the STUN server for ICE; not valid: none
	ICESTUNPort    int        // its port
}

// NewRTPConfiguration returns the configuration that sessions begin with: the
// address of the signalling, encryption where the other side has it, no ICE.
func NewRTPConfiguration() RTPConfiguration {
	return RTPConfiguration{UseSRTP: true, ICESTUNPort: 3478}
}

// security is what becomes of an account's wish.
func (c RTPConfiguration) security(wish sdp.Security) sdp.Security {
	switch {
	case wish != sdp.SecurityPrefer:
		return wish
	case !c.UseSRTP:
		return sdp.SecurityOff
	case c.SRTPForced:
		return sdp.SecurityRequire
	}
	return wish
}

// local is where a session receives audio whose signalling uses addr.
func (c RTPConfiguration) local(addr netip.Addr) netip.Addr {
	if c.LocalRTPAddress.IsValid() {
		return c.LocalRTPAddress
	}
	return addr
}

// An MSRPConfiguration says how chat over MSRP (RFC 4975) is transported. Chat
// is not supported in this version, so nothing follows it yet.
type MSRPConfiguration struct {
	LocalIP          netip.Addr // in our MSRP URI; not valid: found by itself
	LocalPort        int        // 0: any
	LocalUseTLS      bool
	UseRelayIncoming bool
	UseRelayOutgoing bool
	RelayHost        string // empty: found by the account's domain
	RelayPort        int    // 0: that of the protocol
	RelayUseTLS      bool
}

// NewMSRPConfiguration returns the configuration that sessions begin with: TLS,
// and a relay for sessions that come in.
func NewMSRPConfiguration() MSRPConfiguration {
	return MSRPConfiguration{LocalUseTLS: true, UseRelayIncoming: true}
}

// transports is what the SessionManager hands to new sessions. The zero value is
// ready to use.
type transports struct {
	ringtones RingtoneConfiguration

	mu   sync.Mutex        // guards what follows
	rtp  *RTPConfiguration // nil: NewRTPConfiguration
	msrp *MSRPConfiguration
}

// RingtoneConfig returns what rings in sessions to come. It may be changed at any
// time.
func (m *SessionManager) RingtoneConfig() *RingtoneConfiguration { return &m.transports.ringtones }

// RTPConfig returns how audio is transported in sessions to come.
func (m *SessionManager) RTPConfig() RTPConfiguration {
	t := &m.transports
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rtp == nil {
		return NewRTPConfiguration()
	}
	return *t.rtp
}

// SetRTPConfig changes how audio is transported in sessions to come. With UseICE
// it returns [ErrNotSupported] and changes nothing.
func (m *SessionManager) SetRTPConfig(c RTPConfiguration) error {
	switch {
	case c.UseICE:
		return fmt.Errorf("%w: ICE", ErrNotSupported)
	case c.LocalRTPAddress.IsValid() && (c.LocalRTPAddress.IsUnspecified() || c.LocalRTPAddress.IsMulticast()):
		return fmt.Errorf("middleware: %v is not the address of a machine", c.LocalRTPAddress)
	case c.ICESTUNPort < 0 || c.ICESTUNPort > 65535:
		return fmt.Errorf("middleware: %d is no port", c.ICESTUNPort)
	}
	t := &m.transports
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rtp = &c
	return nil
}

// MSRPConfig returns how chat would be transported in sessions to come.
func (m *SessionManager) MSRPConfig() MSRPConfiguration {
	t := &m.transports
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.msrp == nil {
		return NewMSRPConfiguration()
	}
	return *t.msrp
}

// SetMSRPConfig changes how chat would be transported in sessions to come.
func (m *SessionManager) SetMSRPConfig(c MSRPConfiguration) error {
	for _, port := range []int{c.LocalPort, c.RelayPort} {
		if port < 0 || port > 65535 {
			return fmt.Errorf("middleware: %d is no port", port)
		}
	}
	t := &m.transports
	t.mu.Lock()
	defer t.mu.Unlock()
	t.msrp = &c
	return nil
}

// copyTransports gives a new session its own copies.
func (m *SessionManager) copyTransports(c *sessionConfig) {
	c.ringtones, c.rtp, c.msrp = m.transports.ringtones.copy(), m.RTPConfig(), m.MSRPConfig()
	c.security = c.rtp.security(c.security)
}
