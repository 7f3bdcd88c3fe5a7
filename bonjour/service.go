package bonjour

import (
	"net/netip"
)

// A Service is what an [Engine] is to publish.
type Service struct {
	Name string // of the instance: any UTF-8, at most 63 bytes; longer names are cut
	Type string // "_sipuri._udp"
	Port uint16

	// Text returns the strings of the TXT record for a link: what is true on one link may
	// not be on another. Each has at most 255 bytes, and all 1300 with a byte before each;
	// others are left out. It is called whenever the record is made, must not block and may
	// be called from another goroutine. nil: an empty record.
	Text func(Link) []string
}

// An Instance is a service as found on one link. Nothing in it can be trusted.
type Instance struct {
	Name string // as it was published, unescaped
	Type string // "_sipuri._udp"
	Link int    // Index of the link

	// Host is the name of the machine, as "annas-laptop.local".
	Host string
	Port uint16
	// Addrs are the addresses of Host, IPv4 first; link-local IPv6 ones have a zone.
	Addrs []netip.Addr
	// Text holds the strings of the TXT record, as they came.
	Text []string
}

// An EventKind says what happened to an [Instance].
type EventKind uint8

// The kinds of events.
const (
	Found   EventKind = iota // it is there, and everything of it is known
	Changed                  // its host, port, addresses or text changed
	Lost                     // it said goodbye, expired, or its link is gone
)

// An Event tells what was found on the network.
type Event struct {
	Kind     EventKind
	Instance Instance // as known last
}

// A State is how far the publishing of a [Service] has come on all links together.
type State uint8

// The states.
const (
	Probing   State = iota // nobody knows of it yet
	Announced              // on every link there is
)

// A PublicationEvent tells of a change of what is published.
type PublicationEvent struct {
	State State
	Name  string // in use now: another than asked for if that was taken
	Err   error  // why it cannot be published now; nil if it can
}

// Status is what an [Engine] can do now.
type Status struct {
	Links []Link // those it speaks on
	// Err tells why it speaks on no link at all: [ErrNoLink], or what the system said
	// on each. With links it is nil.
	Err error
}
