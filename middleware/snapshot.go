package middleware

import (
	"net/netip"
	"time"

	"parley/middleware/registration"
	"parley/middleware/session"
)

// A SessionID names a session for as long as the program runs. IDs start at 1
// and are never used again.
type SessionID int64

// A Direction says who called. The zero value is a session that was not
// connected yet.
type Direction uint8

// The directions.
const (
	Outgoing Direction = iota + 1
	Incoming
)

func (d Direction) String() string {
	switch d {
	case Outgoing:
		return "outgoing"
	case Incoming:
		return "incoming"
	}
	return ""
}

// An Originator says which side caused something.
type Originator string

// The originators.
const (
	Local  Originator = "local"
	Remote Originator = "remote"
)

// A Peer is the other side of a call.
type Peer struct {
	Name    string // display name, safe to show; may be empty
	Address string // user@host or number, safe to show
	URI     string // to call it back

	Contact  int64  // whose address it is, and then Name is the contact's; 0 is nobody's
	Ringtone string // the contact's own; empty is the usual one
	Via      string // who diverted the call to us, safe to show; empty is nobody
}

// Encryption says how well the sound of a call is protected: what was
// negotiated, never what was wished.
type Encryption uint8

// The degrees of protection.
const (
	NotEncrypted Encryption = iota
	KeyInClear              // SRTP, but its key crossed the network in clear text
	Encrypted               // SRTP, its key protected by TLS to the next hop
)

func (e Encryption) String() string {
	return [...]string{"none", "key-in-clear", "encrypted"}[e]
}

// A SessionSnapshot is all that is known of a session at one moment. It never
// changes; a newer one has a larger Rev.
type SessionSnapshot struct {
	ID        SessionID
	Rev       uint64
	Place     session.Place // Place.State is the API's state
	Direction Direction
	Account   string // id of the account; BonjourID with neighbours; empty for other direct calls and Echo Test
	Echo      bool   // a call to the built-in Echo Test

	Neighbour string // id of the neighbour; empty for others
	Verified  bool   // the neighbour has proved to have the key that was remembered before

	Peer            Peer
	Identity        *Identity // what the peer's messages say beside; nil: nothing. Never changed
	LocalURI        string
	RemoteURI       string
	RedirectedTo    Peer   // where the call was redirected to last; zero if it was not
	RemoteUserAgent string // empty until the peer says
	CallID          string
	Route           string // "tls 192.0.2.1:5061": where requests go; empty on incoming calls

	Ringtone     string    // what rings, here or in our ear; empty: what rings otherwise; or NoRingtone
	Silenced     bool      // it rings no more here, though it waits for an answer
	AutoAnswerAt time.Time // when the ringing call will be answered by itself; zero if it will not

	Created  time.Time
	Started  time.Time // zero until established
	Stopped  time.Time // zero until terminated
	Progress Progress

	OnHoldByLocal  bool
	OnHoldByRemote bool
	HoldPending    bool // a hold or resume is on its way
	HoldFailed     bool // the peer refused the last one

	Proposal     Proposal // open now; zero without one
	Reconnecting bool     // our address changed and the peer has yet to agree to the new one
	Conference   bool     // one of the calls that are joined

	Transfer        Transfer  // zero while nobody wants the call moved
	TransferredFrom SessionID // the session whose peer asked for this call; 0 for others
	ReferredBy      string    // who asked for this call, safe to show; empty for others
	Replaced        SessionID // the session whose place this one took; 0 for others
	ReplacedBy      SessionID // the session that took this one's place; 0 while there is none

	Audio Audio
	Sent  string // DTMF digits sent so far, for the display
	End   EndReason
}

// OnHold reports whether either side holds the call.
func (s SessionSnapshot) OnHold() bool { return s.OnHoldByLocal || s.OnHoldByRemote }

// State returns the state with the API's name.
func (s SessionSnapshot) State() session.State { return s.Place.State }

// Accepts reports whether the session takes the command now.
func (s SessionSnapshot) Accepts(in session.Input) bool { return s.Place.Accepts(in) }

// Caller and Callee return the URIs by role, as the API's caller_uri and
// callee_uri do.
func (s SessionSnapshot) Caller() string {
	if s.Direction == Incoming {
		return s.RemoteURI
	}
	return s.LocalURI
}

// Callee returns the URI of the called party; see [SessionSnapshot.Caller].
func (s SessionSnapshot) Callee() string {
	if s.Direction == Incoming {
		return s.LocalURI
	}
	return s.RemoteURI
}

// Progress says how far an unanswered outgoing call has come.
type Progress struct {
	Inviting   bool // the INVITE is out
	Ringing    bool // the far end rings
	EarlyMedia bool // the far end, or a network, speaks before the answer
	Code       int  // the newest provisional response
	Reason     string
}

// Audio describes the audio stream of a session. The zero value is a session
// without one.
type Audio struct {
	Active     bool
	Codec      string
	SampleRate int // of the codec, in Hz
	PacketTime time.Duration
	Encryption Encryption
	Suite      string // SRTP suite, empty without SRTP

	LocalRTP       netip.AddrPort
	RemoteRTP      netip.AddrPort // from the session description
	RemoteReceived netip.AddrPort // where packets really come from
	WasReceived    bool
	NoAudio        bool   // nothing has come for 5 s, and neither side holds the call
	RecordingFile  string // empty when not recording
}

// A Proposal is a wish to add streams to a running session.
type Proposal struct {
	By          Originator // empty: there is none
	Audio, Chat bool
}

// Streams names what is proposed.
func (p Proposal) Streams() []string {
	list := []string{}
	if p.Audio {
		list = append(list, "audio")
	}
	if p.Chat {
		list = append(list, "chat")
	}
	return list
}

// An EndReason says why a session ended, or failed to begin.
type EndReason struct {
	By Originator
	Failure
}

// An AccountSnapshot is all that is known of an account at one moment.
type AccountSnapshot struct {
	ID          string // user@domain
	Rev         uint64
	DisplayName string
	Enabled     bool
	Active      bool // enabled and the application runs
	Default     bool
	Transport   string // "auto", "udp", "tcp" or "tls", as configured

	Registration registration.State
	Registered   time.Time // when the newest REGISTER succeeded
	Expires      time.Time // when the registrar will forget us
	Contact      string    // our own contact as registered
	Route        string    // "udp 192.0.2.1:5060"
	NextTry      time.Time // zero when nothing is planned
	Failure      Failure   // why, when Registration is Failed

	ForwardError error // why the newest call to be forwarded was not; nil if it was
}
