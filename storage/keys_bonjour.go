package storage

import "time"

// maxNote is the longest note, in bytes: it has to fit into one string of a DNS
// record, with its name.
const maxNote = 200

// bonjourKeys is every setting about the local network, in the order of the file.
var bonjourKeys = []Key[Settings]{
	{
		Name: "bonjour.enabled", Doc: "Be seen on the local network, and see others who can be called there.",
		ref: func(s *Settings) any { return &s.Bonjour.Enabled },
	},
	{
		Name: "bonjour.display_name", Doc: "The name they see. Empty: user_name, or else the system's.",
		ref: func(s *Settings) any { return &s.Bonjour.DisplayName },
	},
	{
		Name: "bonjour.note", Doc: "A line that they see beside it.",
		rule: rule{want: "text without control characters, at most 200 bytes", ok: func(s string) bool { return len(s) <= maxNote }},
		ref:  func(s *Settings) any { return &s.Bonjour.Note },
	},
	{
		Name: "bonjour.calls_from", Doc: "Who may call from there: everyone, those who are seen, or those whose key is remembered from an earlier call.",
		rule: words(CallsFromEveryone, CallsFromNeighbours, CallsFromKnown),
		ref:  func(s *Settings) any { return &s.Bonjour.CallsFrom },
	},
	{
		Name: "bonjour.ptime", Doc: "Length of a packet sent to another Parley there, in milliseconds.", rule: oneOf(5, 10, 20).in(time.Millisecond),
		ref: func(s *Settings) any { return &s.Bonjour.PacketTime },
	},
}
