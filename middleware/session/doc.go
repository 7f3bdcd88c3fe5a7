// Package session is the rule book of a call: the states a session can be in,
// the inputs each state accepts, and what must be done on the way.
//
// The package is pure. It starts no goroutine, reads no clock, opens nothing
// and logs nothing; the same place and input always give the same answer. The
// middleware package runs one goroutine per session, feeds inputs to [Next] and
// carries out the effects that come back.
//
// # States and exchanges
//
// The nine states are those of the SIP SIMPLE middleware API. An outgoing call
// goes Null, Calling, Established; an incoming one Null, Incoming, Accepting,
// Established. Nothing leaves Terminated.
//
// Beside the state stands the [Exchange]: which offer/answer exchange (RFC 3264)
// is open. A hold in flight is an Established session with a local offer, so a
// hold, an answer and a hang-up that cross each other are never confused. Only
// one exchange is open at a time; the peer's offer meanwhile is turned away as
// RFC 3261 section 14.2 says.
//
// Ringing, early media, hold and recording are not states. They can be true in
// several states at once, so they are fields of the middleware's snapshot.
//
// docs/STATES.md is printed from the table in rules.go.
//
// # Adding a move
//
// Add a line to the table, a row to TestNext, and run go generate. If that is
// not enough, an effect is missing: add the effect first.
package session
