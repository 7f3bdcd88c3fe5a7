package storage

import (
	"slices"
	"time"
)

// settingKeys is every setting but those of accounts and programs. A name is the
// section and the key within it; within a section the order is that of the file.
var settingKeys = keysOf(DefaultSettings(), slices.Concat(programKeys, callKeys, bonjourKeys))

// programKeys is every setting that is not about calls.
var programKeys = []Key[Settings]{
	{
		Name: "general.user_name", Doc: "Your name, for calls without an account. Empty: the system's.",
		ref: func(s *Settings) any { return &s.General.UserName },
	},
	{
		Name: "general.language", Doc: "Language of the window.", rule: languageRule,
		ref: func(s *Settings) any { return &s.General.Language },
	},
	{
		Name: "general.theme", Doc: "Colors of the window.", rule: words(ThemeSystem, ThemeLight, ThemeDark),
		ref: func(s *Settings) any { return &s.General.Theme },
	},
	{
		Name: "general.first_run_done", Doc: "The first-run guide was finished or skipped.",
		ref: func(s *Settings) any { return &s.General.FirstRunDone },
	},
	{
		Name: "general.window_width", Doc: "Size of the main window. 0: the program's choice.", rule: between(0, 20000),
		ref: func(s *Settings) any { return &s.General.WindowWidth },
	},
	{
		Name: "general.window_height", rule: between(0, 20000),
		ref: func(s *Settings) any { return &s.General.WindowHeight },
	},
	{
		Name: "general.default_account", Doc: "Address of the account for outgoing calls. Empty: the first enabled one.", rule: optional(addressRule),
		ref: func(s *Settings) any { return &s.DefaultAccount },
	},

	{
		Name: "audio.input", Doc: `Microphone: "default", "null", "file:PATH" or a device's name.`, rule: deviceRule,
		ref: func(s *Settings) any { return &s.Audio.Input },
	},
	{
		Name: "audio.output", Doc: "Speaker, likewise.", rule: deviceRule,
		ref: func(s *Settings) any { return &s.Audio.Output },
	},
	{
		Name: "audio.alert", Doc: "Where calls ring, likewise.", rule: deviceRule,
		ref: func(s *Settings) any { return &s.Audio.Alert },
	},
	{
		Name: "audio.codecs", Doc: "Enabled codecs, preferred ones first.", rule: codecRule(1),
		ref: func(s *Settings) any { return &s.Audio.Codecs },
	},
	{
		Name: "audio.ptime", Doc: "Length of a sent packet in milliseconds.", rule: oneOf(10, 20, 30, 40, 60).in(time.Millisecond),
		ref: func(s *Settings) any { return &s.Audio.PacketTime },
	},

	{
		Name: "network.listen", Doc: "Address, or address:port, for signaling and media. Empty: every usable address.", rule: listenRule,
		ref: func(s *Settings) any { return &s.Network.Listen },
	},
	{
		Name: "network.port", Doc: "Signaling port for calls without an account. 0: chosen at the next start.", rule: portRule,
		ref: func(s *Settings) any { return &s.Network.Port },
	},
	{
		Name: "network.rtp_port_min", Doc: "Ports for audio. 0 and 0: any.", rule: portRule,
		ref: func(s *Settings) any { return &s.Network.RTPPortMin },
	},
	{
		Name: "network.rtp_port_max", rule: portRule,
		ref: func(s *Settings) any { return &s.Network.RTPPortMax },
	},
	{
		Name: "network.dns_server", Doc: "Host or host:port of the resolver to ask. Empty: the system's.", rule: hostPortRule,
		ref: func(s *Settings) any { return &s.Network.DNSServer },
	},
	{
		Name: "network.tls_ca", Doc: "A PEM file with further trusted certificates.", rule: pathRule,
		ref: func(s *Settings) any { return &s.Network.TLSCA },
	},
	{
		Name: "network.keep_alive", Doc: "The longest time between two signs of life to a server, in seconds. Routers may forget us after 30.", rule: between(5, 3600).in(time.Second),
		ref: func(s *Settings) any { return &s.Network.KeepAlive },
	},

	{
		Name: "api.enabled", Doc: "Let programs on this computer drive Parley, each after a question.",
		ref: func(s *Settings) any { return &s.API.Enabled },
	},
}

// accountKeys is every setting of an account but its address.
var accountKeys = keysOf(NewAccount(""), []Key[Account]{
	{
		Name: "enabled", Doc: "Use the account.",
		ref: func(a *Account) any { return &a.Enabled },
	},
	{
		Name: "display_name", Doc: "Name shown to the people called.",
		ref: func(a *Account) any { return &a.DisplayName },
	},
	{
		Name: "auth_user", Doc: "User name for authentication. Empty: the address's.",
		ref: func(a *Account) any { return &a.AuthUser },
	},
	{
		Name: "proxy", Doc: "Outbound proxy: a SIP URI, host or host:port. Empty: none.", rule: proxyRule,
		ref: func(a *Account) any { return &a.Proxy },
	},
	{
		Name: "transport", Doc: "How the server is reached.", rule: words(TransportAuto, TransportUDP, TransportTCP, TransportTLS),
		ref: func(a *Account) any { return &a.Transport },
	},
	{
		Name: "expires", Doc: "Registration time to ask for, in seconds.", rule: between(30, 86400).in(time.Second),
		ref: func(a *Account) any { return &a.Expires },
	},
	{
		Name: "outbound", Doc: "Ask the server to send calls over the connection that is kept open (RFC 5626).",
		ref: func(a *Account) any { return &a.Outbound },
	},
	{
		Name: "srtp", Doc: "Encryption of audio: offered, insisted on, or not used.", rule: words(SRTPPrefer, SRTPRequire, SRTPOff),
		ref: func(a *Account) any { return &a.SRTP },
	},
	{
		Name: "srtp_in_clear", Doc: "Send keys for audio even over signaling that is not encrypted.",
		ref: func(a *Account) any { return &a.SRTPInClear },
	},
	{
		Name: "codecs", Doc: "Enabled codecs, preferred ones first. Empty: those of the audio section.", rule: codecRule(0),
		ref: func(a *Account) any { return &a.Codecs },
	},
	{
		Name: "ptime", Doc: "Length of a sent packet in milliseconds. 0: that of the audio section.", rule: oneOf(0, 10, 20, 30, 40, 60).in(time.Millisecond),
		ref: func(a *Account) any { return &a.PacketTime },
	},
	{
		Name: "dtmf", Doc: "How digits are sent.", rule: words(DTMFAuto, DTMFRFC4733, DTMFInfo),
		ref: func(a *Account) any { return &a.DTMF },
	},
	{
		Name: "reliable_provisional", Doc: "Acknowledge ringing and early media (RFC 3262): not at all, with servers that can, or always.", rule: words(ReliableOff, ReliableSupported, ReliableRequired),
		ref: func(a *Account) any { return &a.Reliable },
	},
	{
		Name: "session_timer", Doc: "After how many seconds a call counts as lost unless both sides say that it goes on (RFC 4028). 0: never.", rule: between(90, 86400).orZero().in(time.Second),
		ref: func(a *Account) any { return &a.SessionTimer },
	},
	{
		Name: "registration", Doc: "Register with the server, so that calls arrive.",
		ref: func(a *Account) any { return &a.Registration },
	},
	{
		Name: "presence", Doc: "Publish and watch presence.",
		ref: func(a *Account) any { return &a.Presence },
	},
	{
		Name: "dialog_event", Doc: "Watch the account's calls on other phones.",
		ref: func(a *Account) any { return &a.DialogEvent },
	},
	{
		Name: "message_summary", Doc: "Watch for waiting messages.",
		ref: func(a *Account) any { return &a.MessageSummary },
	},
	{
		Name: "local_port", Doc: "Signaling port on this computer. 0: chosen at the next start.", rule: portRule,
		ref: func(a *Account) any { return &a.LocalPort },
	},
	{
		Name: "dial_rules", Doc: `How numbers are changed before they are dialed, as MATCH=REPLACEMENT; the first rule that fits counts. "00.=+." makes +49 of 0049.`, rule: dialRule,
		ref: func(a *Account) any { return &a.DialRules },
	},
	{
		Name: "pickup_code", Doc: "What the server wants dialed before an extension to pick up its call. Empty: it has no such code.", rule: codeRule,
		ref: func(a *Account) any { return &a.PickupCode },
	},
	{
		Name: "park_code", Doc: "What a call is transferred to to park it, before the slot. Empty: the server has no such code.", rule: codeRule,
		ref: func(a *Account) any { return &a.ParkCode },
	},
	{
		Name: "unpark_code", Doc: "What is dialed before the slot to take a parked call. Empty: the server has no such code.", rule: codeRule,
		ref: func(a *Account) any { return &a.UnparkCode },
	},
})

// appKeys is every field of an answer given to a program.
var appKeys = keysOf(AppGrant{}, []Key[AppGrant]{
	{Name: "name", ref: func(g *AppGrant) any { return &g.Name }, rule: nameRule},
	{Name: "executable", ref: func(g *AppGrant) any { return &g.Executable }},
	{Name: "allowed", ref: func(g *AppGrant) any { return &g.Allowed }},
})

// idKey is the address of an account. It stands apart from accountKeys because
// it cannot be edited: another address is another account.
var idKey = keysOf(Account{}, []Key[Account]{
	{Name: "id", rule: addressRule, ref: func(a *Account) any { return &a.ID }},
})[0]
