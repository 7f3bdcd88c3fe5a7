package middleware

import (
	"strings"
	"time"

	"parley/media"
	"parley/media/codec"
	"parley/sip"
	"parley/sip/sdp"
	"parley/storage"
)

// sessionConfig is what a session takes from the settings when it is made.
// Later changes of the settings are for later sessions.
type sessionConfig struct {
	codecs       []sdp.Codec
	packetTime   time.Duration
	lowDelay     bool // see [media.Params]
	security     sdp.Security
	keysInClear  bool
	rtpPorts     [2]int
	ringTimeout  time.Duration
	recordingDir string
	extensions   sip.Extensions
	dtmfInfo     bool // INFO only
	dtmfAuto     bool // INFO where telephone-event was not agreed

	ringtones *RingtoneConfiguration
	rtp       RTPConfiguration
	msrp      MSRPConfiguration
}

// configFor copies what a session of account needs; nil is a direct call, whose
// signalling is in clear, so SRTP is not offered.
func (m *SessionManager) configFor(account *Account) sessionConfig {
	set := m.settings.Get()
	c := sessionConfig{
		packetTime:   set.Audio.PacketTime,
		security:     sdp.SecurityPrefer,
		rtpPorts:     [2]int{set.Network.RTPPortMin, set.Network.RTPPortMax},
		ringTimeout:  set.Calls.RingTimeout,
		recordingDir: set.Calls.RecordingDir,
		dtmfAuto:     true,
		extensions:   extensionsOf(storage.NewAccount("")),
	}
	if c.recordingDir == "" {
		c.recordingDir = m.dir
	}
	names := set.Audio.Codecs
	if account != nil {
		if a := set.Account(account.id); a != nil {
			names = c.apply(a, names)
		}
	}
	c.codecs = codecsOf(names, m.formats)
	m.copyTransports(&c)
	return c
}

// apply lays the account's settings over the general ones.
func (c *sessionConfig) apply(a *storage.Account, names []string) []string {
	if a.PacketTime != 0 {
		c.packetTime = a.PacketTime
	}
	switch a.SRTP {
	case storage.SRTPOff:
		c.security = sdp.SecurityOff
	case storage.SRTPRequire:
		c.security = sdp.SecurityRequire
	}
	c.keysInClear = a.SRTPInClear
	c.extensions = extensionsOf(*a)
	c.dtmfInfo = a.DTMF == storage.DTMFInfo
	c.dtmfAuto = a.DTMF == storage.DTMFAuto
	if len(a.Codecs) > 0 {
		return a.Codecs
	}
	return names
}

// onLink makes c that of a call between two Parleys on one link, with packets of
// that length: little delay is worth more there than bits and repair.
func (c *sessionConfig) onLink(packetTime time.Duration) {
	c.packetTime = packetTime
	c.lowDelay = packetTime <= sdp.MinPacketTime
	if packetTime >= sdp.MinPacketTime {
		return
	}
	for i, k := range c.codecs {
		c.codecs[i].Fmtp = strings.Replace(k.Fmtp, "minptime=10", "minptime=5", 1)
	}
}

// formatsOf lists the formats of the engine's codecs.
func formatsOf(c media.Config) []codec.Format {
	list := make([]codec.Format, len(c.Codecs))
	for i, k := range c.Codecs {
		list[i] = k.Format()
	}
	return list
}
