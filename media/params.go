package media

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"parley/media/codec"
	"parley/media/rtp"
)

// telephoneEvent is the encoding name of RFC 4733.
const telephoneEvent = "telephone-event"

// A CodecError says that a codec was agreed on which the engine does not have.
type CodecError struct{ Name string }

// Error implements error.
func (e *CodecError) Error() string { return fmt.Sprintf("media: no codec %q", e.Name) }

// Params is what signalling agreed on for a stream.
type Params struct {
	Codec      codec.Format           // to send with: Name, PayloadType, and the far end's Fmtp
	Formats    map[uint8]codec.Format // that may come, telephone-event among them: Name and ClockRate
	PacketTime time.Duration          // the far end's wish; 0 is 20 ms

	// LowDelay is for a clean link of enough bandwidth, a LAN: the encoder looks
	// less far ahead and cannot repair losses, and what comes is held and played
	// in smaller pieces. The far end need not do the same.
	LowDelay bool

	HasEvents bool // telephone-events may be sent
	EventPT   uint8
	EventRate int // 0 is the codec's clock rate

	Remote     netip.AddrPort // invalid or unspecified: nowhere
	Another    bool           // Remote is another party: what the one before still sends is not heard
	RemoteRTCP netip.AddrPort // invalid: the port after Remote's
	RTCPMux    bool

	Send, Receive bool // whether voice may go either way

	// SRTP with these keys; an empty Suite is plain RTP.
	Suite                 string
	LocalKey, LocalSalt   []byte
	RemoteKey, RemoteSalt []byte
}

// LogValue keeps keys out of logs.
func (p Params) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("codec", p.Codec.Name), slog.String("remote", p.Remote.String()),
		slog.Bool("send", p.Send), slog.Bool("receive", p.Receive), slog.String("suite", p.Suite),
	)
}

// String is LogValue for package fmt.
func (p Params) String() string { return p.LogValue().String() }

// codecNamed finds one of the engine's codecs.
func (e *Engine) codecNamed(name string) (codec.Codec, error) {
	i := slices.IndexFunc(e.conf.Codecs, func(c codec.Codec) bool {
		return strings.EqualFold(c.Format().Name, name)
	})
	if i < 0 {
		return nil, &CodecError{Name: name}
	}
	return e.conf.Codecs[i], nil
}

// decoders returns the codecs of the payload types that may come. Formats that
// the engine does not know, such as comfort noise, are left out.
func (e *Engine) decoders(p *Params) map[uint8]codec.Codec {
	all := map[uint8]codec.Codec{}
	for pt, f := range p.Formats {
		if c, err := e.codecNamed(f.Name); err == nil {
			all[pt] = c
		}
	}
	return all
}

// transport is the part of p that concerns RTP. clock is the rate of what is
// sent.
func (p *Params) transport(clock int) rtp.Params {
	t := rtp.Params{
		Remote: p.Remote, Another: p.Another, RemoteRTCP: p.RemoteRTCP, RTCPMux: p.RTCPMux,
		PayloadType: p.Codec.PayloadType, ClockRate: clock,
		Receive: map[uint8]int{}, Events: map[uint8]int{},
		HasEvents: p.HasEvents, EventPT: p.EventPT, EventRate: p.EventRate,
	}
	if t.EventRate == 0 {
		t.EventRate = clock
	}
	for pt, f := range p.Formats {
		rate := f.ClockRate
		if rate <= 0 {
			rate = clock
		}
		if strings.EqualFold(f.Name, telephoneEvent) {
			t.Events[pt] = rate
		} else {
			t.Receive[pt] = rate
		}
	}
	if p.Suite != "" {
		t.Crypto = &rtp.Crypto{
			Suite: p.Suite, LocalKey: p.LocalKey, LocalSalt: p.LocalSalt,
			RemoteKey: p.RemoteKey, RemoteSalt: p.RemoteSalt,
		}
	}
	return t
}

// clone makes p independent of its caller's maps and slices.
func (p Params) clone() Params {
	p.Formats = maps.Clone(p.Formats)
	p.LocalKey, p.LocalSalt = slices.Clone(p.LocalKey), slices.Clone(p.LocalSalt)
	p.RemoteKey, p.RemoteSalt = slices.Clone(p.RemoteKey), slices.Clone(p.RemoteSalt)
	return p
}
