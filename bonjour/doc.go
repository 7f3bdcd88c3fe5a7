// Package bonjour finds programs on the local network and lets them find this
// one: DNS-based service discovery (RFC 6763) over multicast DNS (RFC 6762).
//
// An [Engine] speaks on every link of the machine that is up and can do multicast,
// over IPv4 and IPv6. What it is given to publish it probes for, announces,
// defends, renames where somebody else was first, and takes back when it ends.
// What it is asked to browse it asks for, ever more rarely, keeps fresh and gives
// up when it expires or says goodbye.
//
// The engine shares port 5353 with the system's own responder, avahi or
// mDNSResponder, and never takes unicast packets away from it: it listens to the
// multicast groups only, and therefore asks no question that wants a unicast
// answer. Responders that know no other answer are asked from a port of its own.
//
// One goroutine owns everything; it reads no clock but that of package time, so
// that tests run it in testing/synctest bubbles, on a [Network] in memory (package
// bonjourtest).
package bonjour
