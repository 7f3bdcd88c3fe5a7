package storage

import "time"

// Direction says who called whom.
type Direction string

// The directions of a call.
const (
	Incoming Direction = "in"
	Outgoing Direction = "out"
)

// Outcome says how a call ended. It is empty while the call is under way.
type Outcome string

// The outcomes of a call.
const (
	Answered  Outcome = "answered"  // people talked
	Missed    Outcome = "missed"    // incoming, nobody here answered
	Declined  Outcome = "declined"  // refused, by us or by them
	Busy      Outcome = "busy"      // the callee was busy
	Failed    Outcome = "failed"    // for a technical reason; Code and Reason say which
	Cancelled Outcome = "cancelled" // outgoing, given up before an answer
	Elsewhere Outcome = "elsewhere" // incoming, answered on another phone of ours
	Forwarded Outcome = "forwarded" // incoming, sent on to another address; Note says where
	Blocked   Outcome = "blocked"   // incoming, refused by a rule of ours without ringing
)

// A Call is one row of the history. Times are UTC with a resolution of one
// millisecond; the zero time stands for "did not happen".
type Call struct {
	ID        int64  // given by History.Add
	SessionID string // the session's, unique in the program's life
	Account   string // ID of the account
	Direction Direction
	PeerName  string // display name, already made safe to show
	PeerURI   string
	Start     time.Time // when it began to ring or was dialed
	Answered  time.Time
	End       time.Time
	Outcome   Outcome
	Code      int    // SIP status that ended it; 0 if none did
	Reason    string // the status' words or another short technical text
	Codec     string // the last one used for audio
	Secure    string // how audio was encrypted; "" is not at all
	Recording string // absolute path of the recording; "" is none
	Seen      bool   // a missed call that the person has looked at
	Via       string // who diverted the call to us, already made safe to show
	Note      string // "→ address": the call was handed over, or the caller sent, there; "← address": that one had us call
}

// Duration returns how long people talked; for a call under way, until now.
func (c Call) Duration(now time.Time) time.Duration {
	switch {
	case c.Answered.IsZero():
		return 0
	case c.End.IsZero():
		return max(now.Sub(c.Answered), 0)
	default:
		return max(c.End.Sub(c.Answered), 0)
	}
}

// Cursor returns the place of c in the history, for [Query.Before].
func (c Call) Cursor() Cursor { return Cursor{Start: c.Start, ID: c.ID} }

// A Cursor is a place in the history. The zero Cursor is the newest end.
type Cursor struct {
	Start time.Time
	ID    int64
}

// A Query asks for a page of calls, newest first. Its conditions all apply.
type Query struct {
	Text      string    // as typed; each word must begin a word of name, address, account, Via or Note; any input is safe
	Missed    bool      // only missed calls
	Recorded  bool      // only calls with a recording
	Direction Direction // "" is both
	Outcome   Outcome   // only calls that ended so; "" is all
	Account   string    // only calls of this account; "" is all
	From, To  time.Time // only calls that began at From or later, and before To; zero is no bound
	Before    Cursor    // only calls older than this place
	Limit     int       // page size, at most MaxPage; 0 is DefaultPage
}

// Page sizes of [Query] and [ContactQuery].
const (
	DefaultPage = 100
	MaxPage     = 1000
)
