// Package icons holds Parley's pictures: the program's own mark, and one family
// of small symbols.
//
// The symbols are drawn on a field of 24 by 24 in a single color, as filled
// outlines without strokes or rounded rectangles, because that is what the window
// toolkit can color anew for the light and the dark theme.
package icons

import (
	"embed"
	"fmt"
)

//go:embed *.svg app.png
var files embed.FS

// A Name names a symbol. Its picture is the file of that name with ".svg".
type Name string

// The symbols.
const (
	Call       Name = "call"
	HangUp     Name = "hangup"
	Mic        Name = "mic"
	Mute       Name = "mute"
	Hold       Name = "hold"
	Keypad     Name = "keypad"
	Record     Name = "record"
	Transfer   Name = "transfer"
	Settings   Name = "settings"
	Contacts   Name = "contacts"
	Recent     Name = "recent"
	Dot        Name = "dot" // the state of an account
	LockClosed Name = "lock-closed"
	LockOpen   Name = "lock-open"
	Echo       Name = "echo"
	Incoming   Name = "incoming"
	Outgoing   Name = "outgoing"
	Missed     Name = "missed"
	Moon       Name = "moon" // do not disturb
	Forward    Name = "forward"
	AutoAnswer Name = "auto-answer"
	Merge      Name = "merge" // calls into a conference
	Star       Name = "star"  // favorites
	LAN        Name = "lan"   // the local network
	Available  Name = "available"
	Away       Name = "away"
	Busy       Name = "busy"
	Unknown    Name = "unknown" // somebody who does not say what they do
	Warning    Name = "warning"
	Info       Name = "info"
	Tray       Name = "tray" // the mark in one color
)

// All returns the names of all symbols.
func All() []Name {
	return []Name{
		Call, HangUp, Mic, Mute, Hold, Keypad, Record, Transfer, Settings, Contacts, Recent, Dot,
		LockClosed, LockOpen, Echo, Incoming, Outgoing, Missed,
		Moon, Forward, AutoAnswer, Merge, Star, LAN, Available, Away, Busy, Unknown, Warning, Info, Tray,
	}
}

// File returns the name of the symbol's file.
func (n Name) File() string { return string(n) + ".svg" }

// SVG returns the symbol's picture, which the caller must not change. It panics
// for a name that is none of the constants.
func (n Name) SVG() []byte { return read(n.File()) }

// App returns the program's mark, in its own colors, as SVG.
func App() []byte { return read("app.svg") }

// AppPNG returns the program's mark as a PNG of 512 by 512 pixels, for window
// managers and packages that take no SVG.
func AppPNG() []byte { return read("app.png") }

func read(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("icons: %v", err))
	}
	return content
}
