// Package interop tries the real program with phones and servers that nobody
// here wrote: kamailio as registrar and proxy, baresip and sipp as phones. Its
// tests start every peer on free ports of the loopback address, each with a
// folder of its own, and end it by its process id. What a test needs and is not
// installed is a failure where CI is true, elsewhere a skip that is counted.
package interop
