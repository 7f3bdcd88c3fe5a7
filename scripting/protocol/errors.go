package protocol

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

var (
	// ErrNotRunning is matched by the error of a client that finds nobody at
	// the socket.
	ErrNotRunning = errors.New("no Parley is running there")
	// ErrDenied is matched by error 68: the person has not allowed the program.
	ErrDenied = errors.New("access denied")
)

// A Number names an error to clients. Those below 1000, and 9901, are Skype's;
// the others are ours.
type Number int

// The errors that occur.
const (
	SyntaxError       Number = 1
	UnknownCommand    Number = 2
	UnknownSearch     Number = 3
	BadCallTarget     Number = 5
	MissedWithTarget  Number = 6
	UnknownGet        Number = 7
	BadUserHandle     Number = 8
	UnknownUser       Number = 9
	BadUserProperty   Number = 10
	BadCallID         Number = 11
	UnknownCall       Number = 12
	BadCallProperty   Number = 13
	UnknownSet        Number = 18
	SetBadCallID      Number = 19
	SetUnknownCall    Number = 20
	SetBadProperty    Number = 21
	CannotHold        Number = 22
	CannotResume      Number = 23
	CannotHangUp      Number = 24
	UnknownSetCall    Number = 25
	BadVersion        Number = 27
	BadUserStatus     Number = 28
	SearchWithTarget  Number = 29
	BadMute           Number = 33
	BadHandle         Number = 34
	NotOnline         Number = 36
	CallNotActive     Number = 41
	BadDTMF           Number = 42
	CannotSetDevice   Number = 50
	AccessDenied      Number = 68
	BadOpen           Number = 69
	NoConference      Number = 72
	HoldFailed        Number = 103
	ResumeFailed      Number = 104
	ClearWithout      Number = 520
	BadClear          Number = 521
	ClearCallsWithout Number = 524
	BadClearCalls     Number = 525
	AlterWithout      Number = 526
	BadAlter          Number = 527
	CreateWithout     Number = 536
	BadCreate         Number = 537
	DeleteWithout     Number = 538
	BadDelete         Number = 539
	AlterBadCallID    Number = 555
	AlterUnknownCall  Number = 556
	AlterWithoutVerb  Number = 557
	AlterBadArguments Number = 558
	AlterFailed       Number = 559
	AlterUnknownVerb  Number = 560
	BadGroupTarget    Number = 561
	BadGroupID        Number = 562
	BadGroupProperty  Number = 564

	LineTooLong        Number = 1000
	TooManyClients     Number = 1001
	UnknownAccount     Number = 1010
	AccountExists      Number = 1011
	BadAccountProperty Number = 1012
	BadValue           Number = 1013
	AccountFailed      Number = 1014
	UnknownSetting     Number = 1020
	SettingFailed      Number = 1021
	HistoryFailed      Number = 1030
	UnknownContact     Number = 1040
	BadContactProperty Number = 1041
	ContactFailed      Number = 1042

	UnknownNeighbour     Number = 1050
	BadNeighbourProperty Number = 1051
	NeighbourFailed      Number = 1052

	InternalError Number = 9901
)

var texts = map[Number]string{
	SyntaxError:       "General syntax error",
	UnknownCommand:    "Unknown command",
	UnknownSearch:     "Search: unknown WHAT",
	BadCallTarget:     "Search CALLS: invalid target",
	MissedWithTarget:  "SEARCH MISSEDCALLS: target not allowed",
	UnknownGet:        "GET: invalid WHAT",
	BadUserHandle:     "Invalid user handle",
	UnknownUser:       "Unknown user",
	BadUserProperty:   "USER: Invalid PROP",
	BadCallID:         "Invalid call id",
	UnknownCall:       "Unknown call",
	BadCallProperty:   "Invalid PROP",
	UnknownSet:        "SET: invalid WHAT",
	SetBadCallID:      "Invalid call id",
	SetUnknownCall:    "Unknown call",
	SetBadProperty:    "Unknown/disallowed call prop",
	CannotHold:        "Cannot hold this call at the moment",
	CannotResume:      "Cannot resume this call at the moment",
	CannotHangUp:      "Cannot hangup inactive call",
	UnknownSetCall:    "Unknown WHAT",
	BadVersion:        "Invalid version number",
	BadUserStatus:     "Unknown userstatus",
	SearchWithTarget:  "SEARCH: target not allowed",
	BadMute:           "Invalid parameter",
	BadHandle:         "Invalid user handle",
	NotOnline:         "Not online",
	CallNotActive:     "Call not active",
	BadDTMF:           "Invalid DTMF code",
	CannotSetDevice:   "Cannot set device",
	AccessDenied:      "Access denied",
	BadOpen:           "Invalid open what",
	NoConference:      "Cannot create conference",
	HoldFailed:        "Cannot hold",
	ResumeFailed:      "Cannot resume",
	ClearWithout:      "CLEAR needs a target",
	BadClear:          "Invalid/unknown CLEAR target",
	ClearCallsWithout: "CLEAR CALLHISTORY: missing target argument",
	BadClearCalls:     "CLEAR CALLHISTORY: only ALL can be cleared",
	AlterWithout:      "ALTER: no object type given",
	BadAlter:          "ALTER: unknown object type given",
	CreateWithout:     "CREATE: no object type given",
	BadCreate:         "CREATE: Unknown object type given",
	DeleteWithout:     "DELETE: no object type given",
	BadDelete:         "DELETE: unknown object type given",
	AlterBadCallID:    "CALL: No proper call ID given",
	AlterUnknownCall:  "CALL: Invalid call ID given",
	AlterWithoutVerb:  "CALL: No action given",
	AlterBadArguments: "CALL: Missing or invalid arguments",
	AlterFailed:       "CALL: Action failed",
	AlterUnknownVerb:  "CALL: Unknown action",
	BadGroupTarget:    "GROUP: Invalid target",
	BadGroupID:        "GROUP: Invalid group id",
	BadGroupProperty:  "GROUP: Invalid property",

	LineTooLong:        "Line too long",
	TooManyClients:     "Too many programs are connected",
	UnknownAccount:     "Unknown account",
	AccountExists:      "Account exists",
	BadAccountProperty: "ACCOUNT: Unknown property",
	BadValue:           "Invalid value",
	AccountFailed:      "ACCOUNT: Action failed",
	UnknownSetting:     "Unknown setting",
	SettingFailed:      "SETTING: Action failed",
	HistoryFailed:      "History cannot be used",
	UnknownContact:     "Unknown contact",
	BadContactProperty: "CONTACT: Unknown property",
	ContactFailed:      "CONTACT: Action failed",

	UnknownNeighbour:     "Unknown neighbour",
	BadNeighbourProperty: "NEIGHBOUR: Unknown property",
	NeighbourFailed:      "NEIGHBOUR: Action failed",

	InternalError: "Internal error",
}

// Text returns the error's fixed text.
func (n Number) Text() string { return texts[n] }

// An Error is what a command is refused with.
type Error struct {
	Number Number
	Text   string
}

// Errorf returns the error with that number; format, if not empty, adds what is
// special about this one to its fixed text.
func Errorf(n Number, format string, args ...any) *Error {
	text := n.Text()
	if format != "" {
		text += ": " + clip(fmt.Sprintf(format, args...), 400)
	}
	return &Error{Number: n, Text: text}
}

// Error returns the error as it is sent: "ERROR 2 Unknown command".
func (e *Error) Error() string { return "ERROR " + strconv.Itoa(int(e.Number)) + " " + e.Text }

// Is makes [ErrDenied] match error 68.
func (e *Error) Is(target error) bool { return target == ErrDenied && e.Number == AccessDenied }

// ParseError reads the text of a reply; nil if it is no error.
func ParseError(text string) *Error {
	rest, ok := strings.CutPrefix(text, "ERROR ")
	if !ok {
		return nil
	}
	number, words, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil
	}
	return &Error{Number: Number(n), Text: words}
}

// Numbers lists the errors there are, in order.
func Numbers() []Number { return slices.Sorted(maps.Keys(texts)) }
