package bonjour

import (
	"net/netip"
)

// Port is where multicast DNS is spoken (RFC 6762 section 3).
const Port = 5353

// MaxPacket is the largest message that is taken or sent, in bytes (RFC 6762
// section 17).
const MaxPacket = 9000

// A Link is a network that the machine is attached to: an interface that is up and
// can do multicast, as it is at one moment.
type Link struct {
	Index int            // of the interface, from 1
	Name  string         // of the interface, as "eth0"
	Addrs []netip.Prefix // its addresses, with the length of their networks; none has a zone
}

// A Network opens the sockets of an [Engine].
type Network interface {
	// Links lists the links there are now. It must not block for long.
	Links() ([]Link, error)
	// Open joins the multicast groups on a link, of those families that it has
	// addresses of. The error tells what does not work.
	Open(Link) (Conn, error)
}

// A Conn sends and receives on one link. Its methods may be used from several
// goroutines.
type Conn interface {
	// Read blocks for the next packet of the link and copies it into buf. Packets of
	// this machine, even of this Conn, come too.
	Read(buf []byte) (int, Meta, error)
	// Multicast sends a packet to everybody on the link, over every family that was
	// joined. An error of one family is one if the other failed as well.
	Multicast(packet []byte) error
	// Ask sends a query to everybody on the link from a port of its own, over every
	// family that was joined. Those who answer an asker alone, whatever he wants, do
	// so to that port (RFC 6762 section 5.1): at port 5353 another program may get it.
	Ask(packet []byte) error
	// Unicast sends a packet from port 5353 to one address on the link.
	Unicast(packet []byte, to netip.AddrPort) error
	// Close ends Read.
	Close() error
}

// Meta is what is known of a packet beside its content.
type Meta struct {
	From netip.AddrPort // with a zone where the address is link-local
	V6   bool           // came over IPv6
	// Multicast tells that it was sent to the group: what comes by unicast must come
	// from an address on the link (RFC 6762 section 11).
	Multicast bool
	Asked     bool // came to the port that [Conn.Ask] sends from
}
