package sip

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// FilterConfig is what a [Filter] needs. The zero value answers nothing.
type FilterConfig struct {
	Log *slog.Logger // nil is none; what is dropped is a Debug line each

	// Reply sends a response to a malformed request over UDP, from the socket
	// bound to local to remote, outside any transaction. It must not block.
	// Stream connections answer for themselves.
	Reply func(local, remote net.Addr, response []byte)

	// KeepAlive is told of CRLF and STUN keep-alives that came over UDP; data
	// is valid during the call. It must not block.
	KeepAlive func(local, remote net.Addr, data []byte)

	// Trusted reports whether remote is one of those we talk to: it is not
	// limited in its rate. It must not block.
	Trusted func(remote netip.AddrPort) bool

	// Busy reports whether a connection below one of [Filter.Listener] is needed though
	// nothing has come over it for long. It must not block, nor call the filter. nil:
	// none is.
	Busy func(net.Conn) bool
}

// FilterCounters is what a [Filter] has seen since it was made.
type FilterCounters struct {
	Passed      uint64 // messages handed on
	KeepAlives  uint64 // CRLF and STUN
	Garbage     uint64 // datagrams and lines of a stream that are no SIP
	Malformed   uint64 // SIP messages that break its rules
	TooLarge    uint64 // messages or header blocks beyond the limits
	Flooded     uint64 // datagrams of sources that send too many, or of too many new sources
	Answered    uint64 // malformed requests answered
	Panics      uint64 // messages the SIP library could not stand
	Slow        uint64 // connections closed because a message never ended
	Closed      uint64 // connections closed because they carried nothing but rubbish
	Refused     uint64 // connections closed because there were too many
	Connections uint64 // accepted or wrapped connections open now
}

// A Filter stands between the sockets and the SIP library. It hands on well
// formed messages in a form that the library reads rightly, and nothing else.
//
// What it changes: LF line ends become CRLF and folded lines one; compact
// header names long; Via, Contact, Route and Record-Route lists one line for
// each value; blanks around ";" and "=" and the case of well-known parameters
// go; Content-Length is always there. Quoted strings and bodies stay as they
// are. Filtering twice is the same as filtering once.
//
// What it does not hand on: requests of another SIP version are answered 505,
// those of an unknown URI scheme 416, otherwise malformed ones 400, all without
// a transaction and only if Via, From, To, Call-ID and CSeq can be used (RFC
// 3261 sections 8.2 and 16.3); malformed responses and all else are dropped. A
// stream survives a bad message: it goes on after the message's Content-Length,
// or with the next line that begins a message if there is none.
//
// For UDP, [Filter.Read] is given to the library as its read filter. Stream
// listeners and connections are wrapped by [Filter.Listener] and [Filter.Conn];
// Read then lets them pass. A stream that was not wrapped is filtered by Read,
// but not answered. A Filter is safe for concurrent use.
type Filter struct {
	cfg   FilterConfig
	count filterCounts
	flood filterFlood

	mu      sync.Mutex
	wrapped map[string]int           // connections under Conn, by filterKey
	loose   map[string]*filterStream // unfinished messages of other connections
	hosts   map[netip.Addr]int       // accepted connections by remote host
	open    []*filterConn            // accepted connections, oldest first
}

// filterCounts are the atomics behind FilterCounters.
type filterCounts struct {
	passed, keepAlives, garbage, malformed, tooLarge, flooded, answered, panics atomic.Uint64
	slow, closed, refused                                                       atomic.Uint64
	connections                                                                 atomic.Int64
}

// NewFilter returns a Filter for c.
func NewFilter(c FilterConfig) *Filter {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Filter{
		cfg:     c,
		wrapped: map[string]int{},
		loose:   map[string]*filterStream{},
		hosts:   map[netip.Addr]int{},
	}
}

// Counters returns what the filter has seen so far.
func (f *Filter) Counters() FilterCounters {
	c := &f.count
	return FilterCounters{
		Passed: c.passed.Load(), KeepAlives: c.keepAlives.Load(), Garbage: c.garbage.Load(), Malformed: c.malformed.Load(),
		TooLarge: c.tooLarge.Load(), Flooded: c.flooded.Load(), Answered: c.answered.Load(), Panics: c.panics.Load(),
		Slow: c.slow.Load(), Closed: c.closed.Load(), Refused: c.refused.Load(), Connections: uint64(max(0, c.connections.Load())),
	}
}

// Read is a transport read filter of the SIP library. It returns what to parse
// in place of data, nothing if data is to be dropped. Its error is always nil
// for UDP, since the library would give up its socket; for a stream that was
// not wrapped an error closes the connection.
func (f *Filter) Read(p sip.TransportReadProps, data []byte) ([]byte, error) {
	switch strings.ToLower(p.Transport) {
	case "udp":
		return f.readPacket(p, data), nil
	case "tcp", "tls":
		return f.readLoose(filterKey(p.LocalAddr, p.RemoteAddr), data)
	}
	return data, nil
}

func (f *Filter) readPacket(p sip.TransportReadProps, data []byte) []byte {
	if filterIsKeepAlive(data) {
		f.count.keepAlives.Add(1)
		if f.cfg.KeepAlive != nil {
			f.cfg.KeepAlive(p.LocalAddr, p.RemoteAddr, data)
		}
		return nil
	}
	remote := filterAddrPort(p.RemoteAddr)
	trusted := f.cfg.Trusted != nil && f.cfg.Trusted(remote)
	if !trusted && !f.flood.message(remote.Addr()) {
		f.count.flooded.Add(1)
		return nil
	}
	m, problem := filterRead(data)
	var out []byte
	if problem == nil {
		out, problem = m.finish()
	}
	if problem != nil {
		f.dropped(problem, remote)
		if response := m.reply(problem, remote); response != nil && f.cfg.Reply != nil && f.flood.reply() {
			f.count.answered.Add(1)
			f.cfg.Reply(p.LocalAddr, p.RemoteAddr, response)
		}
		return nil
	}
	if !trusted && !f.flood.source(remote) {
		f.count.flooded.Add(1)
		return nil
	}
	f.count.passed.Add(1)
	return out
}

// dropped counts a message that is not handed on.
func (f *Filter) dropped(p *filterProblem, remote netip.AddrPort) {
	f.cfg.Log.Debug("Message dropped", "from", remote, "reason", p.text)
	switch p.kind {
	case filterGarbage:
		f.count.garbage.Add(1)
	case filterTooLarge:
		f.count.tooLarge.Add(1)
	case filterPanic:
		f.count.panics.Add(1)
	default:
		f.count.malformed.Add(1)
	}
}

// filterIsKeepAlive reports whether a datagram is a CRLF keep-alive (RFC 5626
// section 3.5.1) or STUN (RFC 8489 section 5).
func filterIsKeepAlive(data []byte) bool {
	if len(data) >= 20 && data[0] < 4 && string(data[4:8]) == "\x21\x12\xa4\x42" {
		return true
	}
	return len(data) <= 4 && strings.Trim(string(data), "\r\n\x00") == ""
}

// filterKey names a connection by its two ends.
func filterKey(local, remote net.Addr) string { return local.String() + "|" + remote.String() }

// filterAddrPort returns addr as a value, the zero value if it is not an IP
// address.
func filterAddrPort(addr net.Addr) netip.AddrPort {
	switch a := addr.(type) {
	case nil:
		return netip.AddrPort{}
	case interface{ AddrPort() netip.AddrPort }:
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	p, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
