package sdp

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Errors of a [Negotiation]. Each but ErrNoOffer means that an offer gets a 488
// (RFC 3261 section 13.3.1.3), or that a call so answered must be hung up.
var (
	ErrNoCommonCodec    = errors.New("sdp: no codec in common")
	ErrNoAudio          = errors.New("sdp: no usable audio line")
	ErrSecurityRequired = errors.New("sdp: encryption is required but was not agreed on")
	ErrNoOffer          = errors.New("sdp: there is no offer to be answered")
)

var errNoRandom = errors.New("sdp: no source of randomness for keys")

// Bounds and default of the packet time. ShortPacketTime is agreed on only where our
// side wishes just that.
const (
	ShortPacketTime   = 5 * time.Millisecond
	MinPacketTime     = 10 * time.Millisecond
	MaxPacketTime     = 60 * time.Millisecond
	DefaultPacketTime = 20 * time.Millisecond
)

// Local is what our side offers or answers with.
type Local struct {
	Addr     netip.Addr // where we receive: c=, and at first o=
	Port     int        // RTP port: m=
	RTCPPort int        // 0: Port + 1; any other is announced by a=rtcp (RFC 3605)
	RTCPMux  bool       // offer RTCP on the RTP port (RFC 5761); it is accepted in any case

	// Codecs in order of preference, telephone-event included, best at 8000 and
	// 48000 Hz. Nothing else is ever agreed on.
	Codecs []Codec
	// OwnOrder makes an answer list the codecs in our order. RFC 3264 section 6.1
	// recommends that of the offer, which is what happens without it.
	OwnOrder bool

	PacketTime    time.Duration // that we wish; 0: DefaultPacketTime
	MaxPacketTime time.Duration // the longest that we take; 0: any
	Direction     Direction     // SendRecv, or SendOnly or Inactive for our hold

	Security Security
	Suites   []string // in order of preference; empty: DefaultSuites

	// NoAudio says that we want no audio now: an offer disables its line or has
	// none, an answer rejects it. A session begins with audio or not at all: a
	// first offer of the far end cannot be answered so.
	NoAudio bool
}

// Agreed is the result of a completed offer/answer exchange. It does not change
// once it was handed out; nobody may write to it.
type Agreed struct {
	// Remote is where to send RTP, RemoteRTCP where to send RTCP. They are not
	// valid where the far end gave a host name, and 0.0.0.0 or :: where it holds
	// the call in the old way; nothing can be sent there (RFC 3264 section 8.4).
	Remote, RemoteRTCP netip.AddrPort
	RTCPMux            bool // RTP and RTCP share one port on both sides

	Codec   Codec   // to send with: our name, the far end's payload type and Fmtp
	Receive []Codec // what may arrive, telephone-event included: payload types and our Fmtp

	HasEvents bool  // whether telephone-event may be sent (RFC 4733)
	EventPT   uint8 // its payload type
	EventRate int   // its clock rate in Hz; that of Codec if the far end has it

	PacketTime time.Duration // to send with

	CanSend, CanReceive bool // which way media may flow now, seen from us
	RemoteHold          bool // the far end has put us on hold

	LocalKey, RemoteKey *Key // to send and to receive with; both nil for plain RTP

	Rejected bool // there is no audio stream now; all other fields are zero
}

// A Negotiation is the offer/answer state of one dialog (RFC 3264). It keeps what
// must not change from one exchange to the next: the origin, the order of the
// media lines, the payload types and our keys. Make one with [New].
//
// An exchange is either [Negotiation.Offer] and [Negotiation.GotAnswer], or
// [Negotiation.GotOffer] and [Negotiation.Answer]; which message carries which
// body makes no difference, so a late offer needs nothing more. A Negotiation
// belongs to the one goroutine that owns the dialog.
type Negotiation struct {
	id     uint64
	origin Connection // of o=; kept when the address changes
	local  Local
	book   payloadBook
	keys   keyring
	order  []Codec // as in our last answer; nil: that of local.Codecs

	version uint64 // of o=, in the last body
	printed string // the last body with version 0

	now    *agreement   // nil before the first exchange is complete
	offer  *offer       // ours, the last one; nil after an offer of the far end
	remote *Description // their last offer, once accepted by GotOffer
}

// agreement is the state after a completed exchange. It is not changed.
type agreement struct {
	media  []Media // of the last description of ours, without attributes
	audio  int     // index of the audio line in media, in use or not; -1: there is none
	timing string
	agreed *Agreed
}

// New returns the negotiation of a new dialog. id is the session id of its o=
// lines; a small number is best, since some peers cannot read 64 bits. rand is
// where keys come from, usually crypto/rand.Reader; it is not used, and may be
// nil, with SecurityOff. Without it no keys are made.
func New(id uint64, rand io.Reader, l Local) *Negotiation {
	n := &Negotiation{id: id, keys: keyring{rand: rand, keys: map[string]Key{}}}
	n.SetLocal(l)
	n.origin = connectionOf(l.Addr)
	return n
}

// SetLocal replaces what we want. It takes effect with the next Offer or Answer.
func (n *Negotiation) SetLocal(l Local) {
	l.Codecs = slices.Clone(l.Codecs)
	l.Suites = slices.Clone(l.Suites)
	if !slices.Equal(l.Codecs, n.local.Codecs) {
		n.order = nil
	}
	n.local = l
}

// Agreed returns the result of the last completed exchange, nil before the first.
func (n *Negotiation) Agreed() *Agreed {
	if n.now == nil {
		return nil
	}
	return n.now.agreed
}

// hasAudio reports whether audio is agreed on now.
func (n *Negotiation) hasAudio() bool { return n.now != nil && !n.now.agreed.Rejected }

// renewKeys forgets our keys if the audio was gone: a stream that is added again
// is a new one, and no two streams share a key (RFC 3711 section 9.1).
func (n *Negotiation) renewKeys() {
	if n.now != nil && !n.hasAudio() {
		clear(n.keys.keys)
	}
}

// Rollback drops an offer of either side that has not been answered, because it
// was refused or cancelled: what was agreed before goes on (RFC 3261 section
// 14.1). An answered offer is not undone.
func (n *Negotiation) Rollback() {
	if n.offer != nil && !n.offer.answered {
		n.offer = nil
	}
	n.remote = nil
}

// profile is the transport protocol of an RTP line.
type profile struct{ secure, feedback bool }

// parseProfile reads "RTP/SAVPF"; ok is false for all but the four RTP profiles.
func parseProfile(protocol string) (p profile, ok bool) {
	for _, p := range []profile{{}, {feedback: true}, {secure: true}, {true, true}} {
		if strings.EqualFold(protocol, p.String()) {
			return p, true
		}
	}
	return profile{}, false
}

func (p profile) String() string {
	s := "RTP/AVP"
	if p.secure {
		s = "RTP/SAVP"
	}
	if p.feedback {
		s += "F"
	}
	return s
}

// suites returns the suites that we allow, in our order.
func (l *Local) suites() []suite {
	names := l.Suites
	if len(names) == 0 {
		names = DefaultSuites()
	}
	var list []suite
	for _, name := range names {
		if s, ok := suiteOf(name); ok && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// packetTime returns the packet time that we wish, within the bounds.
func (l *Local) packetTime() time.Duration {
	if l.PacketTime == 0 {
		return DefaultPacketTime
	}
	return boundPacketTime(l.PacketTime, l.PacketTime)
}

// boundPacketTime rounds t down to whole frames of 10 ms within the bounds, where
// ours is the packet time that we wish.
func boundPacketTime(t, ours time.Duration) time.Duration {
	least := MinPacketTime
	if ours == ShortPacketTime {
		least = ShortPacketTime
	}
	return max(least, min(MaxPacketTime, t.Truncate(10*time.Millisecond)))
}

// transport adds to m what both offers and answers end with.
func (l *Local) transport(m *Media, ptime time.Duration, crypto []Attribute, mux bool, d Direction) {
	add := func(name, value string) { m.Attributes = append(m.Attributes, Attribute{name, value}) }
	if l.MaxPacketTime > 0 {
		ptime = min(ptime, boundPacketTime(l.MaxPacketTime, l.PacketTime))
	}
	add("ptime", strconv.FormatInt(ptime.Milliseconds(), 10))
	if l.MaxPacketTime > 0 {
		add("maxptime", strconv.FormatInt(l.MaxPacketTime.Milliseconds(), 10))
	}
	m.Attributes = append(m.Attributes, crypto...)
	if l.RTCPPort != 0 && l.RTCPPort != l.Port+1 {
		add("rtcp", strconv.Itoa(l.RTCPPort))
	}
	if mux {
		add("rtcp-mux", "")
	}
	add(d.String(), "")
}

// print returns the body with our origin. The version goes up if anything else
// changed since the last body (RFC 3264 section 8).
func (n *Negotiation) print(media []Media, timing string) []byte {
	d := Description{
		Origin:     Origin{ID: strconv.FormatUint(n.id, 10), Version: "0", Address: n.origin},
		Connection: connectionOf(n.local.Addr),
		Timing:     timing,
		Media:      media,
	}
	if text := string(d.Bytes()); text != n.printed {
		n.printed = text
		n.version++
	}
	d.Origin.Version = strconv.FormatUint(n.version, 10)
	return d.Bytes()
}

// refused returns media as it stands in a description that uses none of it: the
// same lines with port 0 and no attributes.
func refused(media []Media) []Media {
	list := make([]Media, len(media))
	for i, m := range media {
		list[i] = Media{Kind: m.Kind, Protocol: m.Protocol, Formats: slices.Clone(m.Formats)}
	}
	return list
}
