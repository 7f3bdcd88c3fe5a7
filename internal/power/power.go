// Package power tells when this machine goes to sleep and when it is awake again.
package power

// An Event is one of the two.
type Event uint8

// The events.
const (
	WillSleep Event = iota
	Awake
)
