package storage

import (
	"slices"
	"time"
)

// Version is the version of the settings file that this package writes.
const Version = 1

// Words for settings that take one of a few values.
const (
	ThemeSystem = "system"
	ThemeLight  = "light"
	ThemeDark   = "dark"

	TransportAuto = "auto" // as the server's DNS records say (RFC 3263)
	TransportUDP  = "udp"
	TransportTCP  = "tcp"
	TransportTLS  = "tls"

	SRTPPrefer  = "prefer"  // offer keys, fall back on plain RTP (RFC 8643)
	SRTPRequire = "require" // RTP/SAVP, no call without it
	SRTPOff     = "off"

	TransfersAllow = "allow" // call whom the other side names
	TransfersAsk   = "ask"   // after the person has agreed
	TransfersDeny  = "deny"

	ReliableOff       = "off"
	ReliableSupported = "supported" // with servers that can
	ReliableRequired  = "required"  // no call without it

	DTMFAuto    = "auto" // RFC 4733 where agreed, else INFO
	DTMFRFC4733 = "rfc4733"
	DTMFInfo    = "info"

	DeviceDefault = "default" // the audio device that the system prefers

	LanguageSystem = "system" // the language of the person's session

	CallsFromEveryone   = "everyone"   // whoever is on the local network
	CallsFromNeighbours = "neighbours" // who is seen there
	CallsFromKnown      = "known"      // whose key is remembered
)

// Settings is everything a person can set, but for passwords. It is a plain
// value: changing a copy from [SettingsStore.Get] changes nothing else.
type Settings struct {
	General General
	Audio   Audio
	Calls   Calls
	Bonjour Bonjour
	Network Network
	API     API

	Accounts       []Account // in the order shown
	DefaultAccount string    // ID of the account for outgoing calls; "" is the first enabled one
}

// General holds what concerns the program as a whole.
type General struct {
	UserName     string // the person's name, for calls without an account; "" is the system's
	Language     string // LanguageSystem or a tag such as "de" or "pt-BR"
	Theme        string // ThemeSystem, ThemeLight or ThemeDark
	FirstRunDone bool   // the first-run guide was finished or skipped
	WindowWidth  int    // of the main window in Fyne's units; 0 is the program's choice
	WindowHeight int    // likewise
}

// Audio holds devices and codecs.
type Audio struct {
	Input      string        // microphone: DeviceDefault, "null", "file:PATH", or a device's name or ID
	Output     string        // speaker, likewise
	Alert      string        // where calls ring, likewise
	Codecs     []string      // enabled codecs, preferred ones first
	PacketTime time.Duration // length of a sent packet: 10, 20, 30, 40 or 60 ms
}

// Calls holds how calls are taken and kept.
type Calls struct {
	RingTimeout  time.Duration // how long an incoming call rings, in whole seconds
	CallWaiting  bool          // during a call others may ring; if not they get busy
	DirectCalls  bool          // accept calls to sip:anyone@this-computer
	RecordingDir string        // absolute folder for recordings; "" is the profile's
	HistoryDays  int           // how long calls are remembered, but for those with a recording; 0 is for ever
	Ringtone     string        // absolute path of a WAV file; "" is the built-in tone

	DoNotDisturb    bool     // callers get busy; the person's status sets and clears it
	Reject          []string // patterns of callers that are turned away; see package dialplan
	RejectAnonymous bool     // turn away callers that hide who they are
	ContactsOnly    bool     // turn away callers that are not in the contacts

	Forwarding        bool          // forward every call
	ForwardTo         string        // to this number or address
	ForwardBusyTo     string        // where callers go that would get busy; "" is nowhere
	ForwardNoAnswerTo string        // where calls go that are not answered; "" is nowhere
	ForwardAfter      time.Duration // how long they ring before, in whole seconds; less than RingTimeout

	AutoAnswer        bool          // answer calls without being asked
	AutoAnswerAfter   time.Duration // how long they ring before, in whole seconds
	AutoAnswerFrom    []string      // patterns of whose calls; empty is everybody
	AnswerAfterHeader bool          // follow Call-Info and Alert-Info with answer-after

	Transfers       string // TransfersAllow, TransfersAsk or TransfersDeny
	FollowRedirects bool   // call the other address that somebody called has (3xx)
}

// Bonjour holds how the person appears on the local network, and who may call
// from there.
type Bonjour struct {
	Enabled     bool
	DisplayName string        // "" is General.UserName, or else the system's name of the person
	Note        string        // a line that neighbours see beside the name
	CallsFrom   string        // CallsFromEveryone, CallsFromNeighbours or CallsFromKnown
	PacketTime  time.Duration // length of a packet sent to another Parley there: 5, 10 or 20 ms
}

// Network holds addresses and ports. The command line may overrule each.
type Network struct {
	Listen     string // address or address:port for signalling and media; "" is every usable address
	Port       int    // signalling port for calls without an account; 0 is not chosen yet
	RTPPortMin int    // lowest port for audio; 0, with RTPPortMax, is any
	RTPPortMax int    // highest port for audio
	DNSServer  string // host or host:port of the resolver to ask; "" is the system's
	TLSCA      string // absolute path of a PEM file with further trusted certificates

	KeepAlive time.Duration // the longest time between two signs of life to a server, in whole seconds
}

// API holds who may drive Parley through the desktop API.
type API struct {
	Enabled bool
	Apps    []AppGrant // answers that the person gave
}

// An AppGrant is the person's answer for one program. A program that has none
// is asked about.
type AppGrant struct {
	Name       string // as the program called itself
	Executable string // path of its executable as the system told; "" is unknown
	Allowed    bool
}

// An Account is a SIP account. Its password is in [Secrets] under its ID.
type Account struct {
	ID          string // its address, user@domain; unique
	Enabled     bool
	DisplayName string        // shown to the people called
	AuthUser    string        // user name for authentication; "" is the user part of ID
	Proxy       string        // outbound proxy: a SIP URI, host or host:port; "" is none
	Transport   string        // TransportAuto, TransportUDP, TransportTCP or TransportTLS
	Expires     time.Duration // registration time asked for, in whole seconds
	Outbound    bool          // ask the server to use the connection we keep open (RFC 5626)

	SRTP        string        // SRTPPrefer, SRTPRequire or SRTPOff
	SRTPInClear bool          // send SRTP keys over signalling that is not encrypted
	Codecs      []string      // overrules Audio.Codecs unless empty
	PacketTime  time.Duration // overrules Audio.PacketTime unless 0
	DTMF        string        // DTMFAuto, DTMFRFC4733 or DTMFInfo

	Reliable     string        // ReliableOff, ReliableSupported or ReliableRequired (RFC 3262)
	SessionTimer time.Duration // what is asked for (RFC 4028), in whole seconds; 0 is none

	Registration   bool // register, so that calls arrive
	Presence       bool // publish and watch presence
	DialogEvent    bool // watch the account's own dialogs
	MessageSummary bool // watch for waiting messages
	LocalPort      int  // signalling port on this computer; 0 is not chosen yet

	DialRules  []string // how numbers are changed before they are dialed; see package dialplan
	PickupCode string   // dialed before an extension to take its call; "" is none
	ParkCode   string   // a call is transferred to it, and the slot, to park it; "" is none
	UnparkCode string   // dialed before the slot to take a parked call; "" is none
}

// DefaultSettings returns the settings of a new profile.
func DefaultSettings() Settings {
	return Settings{
		General: General{Language: LanguageSystem, Theme: ThemeSystem},
		Audio: Audio{
			Input: DeviceDefault, Output: DeviceDefault, Alert: DeviceDefault,
			Codecs:     []string{"opus", "G722", "PCMA", "PCMU"},
			PacketTime: 20 * time.Millisecond,
		},
		Calls: Calls{
			RingTimeout: 180 * time.Second, CallWaiting: true, Transfers: TransfersAllow, FollowRedirects: true,
			ForwardAfter: 20 * time.Second, AutoAnswerAfter: 5 * time.Second,
		},
		Bonjour: Bonjour{Enabled: true, CallsFrom: CallsFromEveryone, PacketTime: 10 * time.Millisecond},
		Network: Network{KeepAlive: 29 * time.Second},
		API:     API{Enabled: true},
	}
}

// NewAccount returns an enabled account with the address id, user@domain, and
// defaults for all else. It does not check id; [SettingsStore.Update] does.
func NewAccount(id string) Account {
	return Account{
		ID:             id,
		Enabled:        true,
		Transport:      TransportAuto,
		Expires:        600 * time.Second,
		Outbound:       true,
		SRTP:           SRTPPrefer,
		DTMF:           DTMFAuto,
		Reliable:       ReliableSupported,
		SessionTimer:   30 * time.Minute,
		Registration:   true,
		Presence:       true,
		DialogEvent:    true,
		MessageSummary: true,
		PickupCode:     "**",
	}
}

// Clone returns a deep copy.
func (s Settings) Clone() Settings {
	s.Audio.Codecs = slices.Clone(s.Audio.Codecs)
	s.Calls.Reject = slices.Clone(s.Calls.Reject)
	s.Calls.AutoAnswerFrom = slices.Clone(s.Calls.AutoAnswerFrom)
	s.API.Apps = slices.Clone(s.API.Apps)
	s.Accounts = slices.Clone(s.Accounts)
	for i := range s.Accounts {
		s.Accounts[i].Codecs = slices.Clone(s.Accounts[i].Codecs)
		s.Accounts[i].DialRules = slices.Clone(s.Accounts[i].DialRules)
	}
	return s
}

// Account returns a pointer to the account with that ID inside s, or nil.
func (s *Settings) Account(id string) *Account {
	i := slices.IndexFunc(s.Accounts, func(a Account) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Accounts[i]
}

// RemoveAccount removes the account with that ID and reports whether there was
// one. If it was the default account, there is no default account any more.
func (s *Settings) RemoveAccount(id string) bool {
	n := len(s.Accounts)
	s.Accounts = slices.DeleteFunc(s.Accounts, func(a Account) bool { return a.ID == id })
	if s.DefaultAccount == id {
		s.DefaultAccount = ""
	}
	return len(s.Accounts) < n
}

// Grant returns a pointer to the answer for the program of that name and
// executable inside a, or nil.
func (a *API) Grant(name, executable string) *AppGrant {
	i := slices.IndexFunc(a.Apps, func(g AppGrant) bool {
		return g.Name == name && g.Executable == executable
	})
	if i < 0 {
		return nil
	}
	return &a.Apps[i]
}
