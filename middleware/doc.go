// Package middleware is the program without its window: accounts, calls, audio,
// history and settings, behind the API that every front end uses. Its names are
// those of the SIP SIMPLE middleware API: [SIPApplication], [AccountManager],
// [Account], [SessionManager], [Session].
//
// # How it works
//
// Everything that changes has one owner. A [Session] is a goroutine around the
// rules of package session; an [Account] is a goroutine around those of package
// registration. Others send them commands and read their immutable snapshots.
//
// What happens is told on a bus (package bus) by typed notifications, whose Go
// type names are the API's notification names. What is merely measured, such as
// sound levels and packet counts, is polled.
//
// A front end attaches a client to the bus, reads the snapshots once, and then
// follows the notifications; a snapshot's Rev tells which of two is newer.
//
// No method blocks on the network or on a device unless it takes a context.
package middleware
