package bonjour

import (
	"time"

	"github.com/miekg/dns"
)

// A key is what records of one set share. The name is in presentation form with
// letters of ASCII in lower case (RFC 6762 section 16).
type key struct {
	name  string
	rtype uint16
}

// A question is one of a message. Class is always IN, or ANY.
type question struct {
	key
	unicast bool // a unicast answer would do (RFC 6762 section 5.4)
}

// A record is a resource record of a message, of class IN. The record in it must
// not be changed: it is shared.
type record struct {
	key
	rr    dns.RR        // its header holds the name as written, class IN without the top bit
	ttl   time.Duration // 0 is a goodbye
	flush bool          // the top bit of the class: others of the set are out of date (RFC 6762 section 10.2)
}

// A message is what matters of a DNS message. Records that no part of the engine
// can use are left out.
type message struct {
	id          uint16
	response    bool
	truncated   bool // more known answers follow (RFC 6762 section 7.2)
	questions   []question
	answers     []record // of a query: known answers
	authorities []record // of a probe: what the prober wants to use
	additionals []record
}
