// Package protocol is the line protocol of the desktop API: how a command is
// read, what errors there are, and how text becomes one line. Server and client
// share it. It is pure: no goroutine, no clock, no I/O.
//
// # Lines
//
// A line is UTF-8, ends in a line feed, with or without a carriage return
// before it, and has at most [MaxLine] bytes.
//
//	command      = [ "#" id " " ] text
//	reply        = [ "#" id " " ] ( text | "ERROR " number " " text )
//	notification = text
//
// # Quotes
//
// Words are separated by blanks. The last argument of a command is the rest of
// its line, taken as it is: it may hold blanks and quotes and needs no quotes
// around it. Only lists of KEY=VALUE have quoted values: "like this", a quote
// inside doubled.
package protocol
