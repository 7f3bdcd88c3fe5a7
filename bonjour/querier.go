package bonjour

import (
	"time"
)

// A querier finds services on one link: it asks, remembers what it hears and tells
// of instances. It has no goroutine and reads no clock: the engine's loop calls it
// and hands over the time. After every call the loop asks due for the next deadline.
type querier struct {
	link   Link
	random func() float64 // [0,1)
	send   func(message)
	emit   func(Event) // called within any method but browse, unbrowse and found
}

// newQuerier returns a querier that asks by send, which must not call back, and
// tells of instances by emit.
func newQuerier(link Link, random func() float64, send func(message), emit func(Event)) *querier {
	return &querier{link: link, random: random, send: send, emit: emit}
}

// handle takes a message from the link: answers, and the questions of others.
// The engine has parsed it; what it sent itself may come too.
func (q *querier) handle(now time.Time, m *message, from Meta) {}

// browse begins to look for instances of a type, as "_sipuri._udp". For a type that
// is looked for already it does nothing.
func (q *querier) browse(now time.Time, serviceType string) {}

// unbrowse forgets a type and all that was found of it, without events.
func (q *querier) unbrowse(serviceType string) {}

// found returns the instances of a type that Found was told of, for whoever begins to
// browse for the type later than others.
func (q *querier) found(serviceType string) []Instance { return nil }

// due does what is to be done by now and returns when to call again: zero for not
// before something else happens.
func (q *querier) due(now time.Time) (next time.Time) { return time.Time{} }

// relink tells that the addresses of the link changed: it asks anew, and soon.
func (q *querier) relink(now time.Time, link Link) { q.link = link }

// close gives the link up: all that was found is lost.
func (q *querier) close() {}
