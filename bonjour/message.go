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
	unicast bool   // a unicast answer would do (RFC 6762 section 5.4)
	written string // the name as it came; empty is as in the key
}

// A record is a resource record of a message, of class IN. The record in it must
// not be changed: it is shared.
type record struct {
	key
	rr    dns.RR        // its header holds the name as written, class IN without the top bit
	ttl   time.Duration // 0 is a goodbye
	flush bool          // the top bit of the class: others of the set are out of date (RFC 6762 section 10.2)
}

// newRecord returns a record of a kind for a name in presentation form. The header of
// rr is filled in.
func newRecord(name string, rtype uint16, ttl time.Duration, unique bool, rr dns.RR) record {
	*rr.Header() = dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: uint32(ttl / time.Second)}
	return record{key: key{fold(name), rtype}, rr: rr, ttl: ttl, flush: unique}
}

// same reports whether two records say the same of the same.
func (r record) same(o record) bool { return r.key == o.key && sameData(r.rr, o.rr) }

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
