// Package scripting is the desktop API: a front end without a window, through
// which any program of the same user can drive Parley by lines of text, as
// Skype once allowed. It is an equal of package gui: both know nothing but the
// middleware.
//
// docs/API.md is its reference.
//
// # How it works
//
// A [Server] listens on a unix socket. Each connection has three goroutines:
// one reads lines, one carries out the commands one after the other, one writes
// what is queued. One more follows the middleware's bus and turns notifications
// into lines for all clients that were let in; while calls are up, another
// counts their seconds.
//
// What is known of calls and accounts is kept in a [hub] behind one mutex, so
// that all clients see changes in one order. Lines to a client are queued and
// never waited for: who does not read is disconnected. A command's reply comes
// before the notifications that it causes.
//
// # Adding a command
//
// Add a row to the table in commands.go, a function, a row to the tests and a
// line to docs/API.md.
package scripting
