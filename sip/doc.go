// Package sip is the program's only door to the SIP stack: listening sockets,
// calls, registrations and what travels between them.
//
// An [Endpoint] owns sockets and everything that happens on them. A [Call] is
// one INVITE and the dialog it makes, in either direction. [Endpoint.Register]
// runs one complete REGISTER. Addresses are a [URI] or an [Address], the ways to
// a server are [Route] values from a [Resolver], and passwords stay inside an
// [Authorizer].
//
// The package builds on sipgo's parser, message types, transports and
// transactions. Dialogs, forking, retransmission of 2xx responses, glare, route
// sets and failover are written here, from RFC 3261, RFC 6026, RFC 3311 and
// RFC 3581; so are transfer, reliable provisional responses (RFC 3262) and session
// timers (RFC 4028), which a call makes use of as its [Extensions] say; and the flows
// that are kept open and move to other addresses (RFC 5626).
//
// Who is at the other end of a TLS connection is known by its certificate's key, in
// both directions, and a call can be pinned to that key: see [Config].VerifyServer
// and [Call.Pin].
//
// # Goroutines
//
// Each Call has one goroutine that owns its state and delivers its events, one
// at a time and in order. Methods of a Call post to that goroutine and return;
// they may be used from event handlers. Handlers must not block. No lock of the
// package or of the stack below is held while a handler runs.
//
// # How a call ends
//
// Every call delivers exactly one last event: [Failed], [Canceled], [Hungup] or
// [Ended].
package sip
