package opus

import (
	"strconv"
	"strings"

	"github.com/hraban/opus"

	"parley/media/codec"
)

// settings are those of an encoder.
type settings struct {
	bitrate   int
	bandwidth opus.Bandwidth
	fec       bool
	loss      int // percent
	constant  bool
}

// settingsFor turns what the far end says that it wants to receive (RFC 7587
// section 6.1) into settings. Mono is within what any receiver takes, so that
// stereo needs no heed. Values that make no sense are passed over.
func settingsFor(p codec.EncoderParams) settings {
	s := settings{bitrate: DefaultBitrate, bandwidth: opus.Fullband}
	if p.LowDelay {
		s.bitrate = lowDelayBitrate
	}
	if p.Bitrate > 0 {
		s.bitrate = p.Bitrate
	}
	for param := range strings.SplitSeq(p.Fmtp, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "maxaveragebitrate":
			if n > 0 {
				s.bitrate = min(s.bitrate, n)
			}
		case "maxplaybackrate":
			s.bandwidth = bandwidthFor(n)
		case "useinbandfec":
			s.fec = n == 1
		case "cbr":
			s.constant = n == 1
		}
	}
	s.bitrate = max(minBitrate, min(maxBitrate, s.bitrate))
	if s.fec || p.LowDelay { // which has no redundancy, but may lean less on what came before
		s.loss = expectedLoss
	}
	return s
}

// bandwidthFor is the widest band that a receiver playing at rate can use (RFC
// 7587 section 3.1.1).
func bandwidthFor(rate int) opus.Bandwidth {
	switch {
	case rate <= 8000:
		return opus.Narrowband
	case rate <= 12000:
		return opus.Mediumband
	case rate <= 16000:
		return opus.Wideband
	case rate <= 24000:
		return opus.SuperWideband
	default:
		return opus.Fullband
	}
}
