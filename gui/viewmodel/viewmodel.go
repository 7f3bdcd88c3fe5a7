// Package viewmodel turns middleware snapshots into what panels show. It imports
// no window toolkit and reads no clock: its tests need no application, no thread
// and no waiting.
//
// It is also the one place where failures become sentences: see [Explain].
package viewmodel

// A Tone says how something stands. Panels show it as a color, always together
// with an icon or a word.
type Tone uint8

// The tones.
const (
	Neutral Tone = iota
	Good
	Notice // wants attention: ringing, on hold, on the way
	Bad
	Accent
)

// A Picture names the symbol that a panel draws; the names are those of package
// icons.
type Picture string

// The pictures.
const (
	PictureCall     Picture = "call"
	PictureHold     Picture = "hold"
	PictureIncoming Picture = "incoming"
	PictureOutgoing Picture = "outgoing"
	PictureMissed   Picture = "missed"
	PictureEcho     Picture = "echo"
	PictureLocked   Picture = "lock-closed"
	PictureUnlocked Picture = "lock-open"
	PictureRecent   Picture = "recent"
	PictureHangUp   Picture = "hangup"
)

// A Banner is one line about something that a person should know now.
type Banner struct {
	Tone Tone
	Text string
}

// A Pair is a labeled value.
type Pair struct{ Name, Value string }
