package sip

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// A source may send this many messages a second, and a burst of them.
	floodRate, floodBurst = 500, 1000

	// The library keeps something for every address it ever got a datagram
	// from. New ones are therefore rationed: a spoofed flood then costs some
	// 20 MB a day at most.
	floodNewRate, floodNewBurst = 1, 500

	// Malformed requests are answered this often, whoever sends them, so that
	// the answers cannot be aimed at a third party.
	floodReplyRate, floodReplyBurst = 20, 50

	// A host may do this many TLS handshakes: each costs us half a millisecond.
	floodShakeRate, floodShakeBurst = 20, 100

	floodMaxSources = 4096
)

// filterFlood limits what strangers can make us do. Its zero value is ready.
type filterFlood struct {
	mu       sync.Mutex
	messages hostBuckets
	shakes   hostBuckets
	sources  map[netip.AddrPort]struct{}
	fresh    tokenBucket
	replies  tokenBucket
}

// tokenBucket allows a burst, then a rate. A zero one is full.
type tokenBucket struct {
	used float64
	last time.Time
}

func (b *tokenBucket) take(now time.Time, rate, burst float64) bool {
	b.used = max(0, b.used-now.Sub(b.last).Seconds()*rate)
	b.last = now
	if b.used+1 > burst {
		return false
	}
	b.used++
	return true
}

// hostBuckets is a bucket for each host.
type hostBuckets struct {
	hosts  map[netip.Addr]*tokenBucket
	tidied time.Time   // when hosts was last looked through
	others tokenBucket // all hosts together that hosts has no room for
}

func (h *hostBuckets) take(host netip.Addr, rate, burst float64) bool {
	now := time.Now()
	b := h.hosts[host]
	if b == nil && len(h.hosts) >= floodMaxSources && now.Sub(h.tidied) > time.Second {
		h.tidied = now
		for addr, old := range h.hosts {
			if now.Sub(old.last).Seconds() > burst/rate {
				delete(h.hosts, addr) // full again, so worth nothing
			}
		}
	}
	switch {
	case b != nil:
	case len(h.hosts) < floodMaxSources:
		if h.hosts == nil {
			h.hosts = map[netip.Addr]*tokenBucket{}
		}
		b = &tokenBucket{}
		h.hosts[host] = b
	default:
		b = &h.others
	}
	return b.take(now, rate, burst)
}

// message reports whether one more datagram of host is let in.
func (f *filterFlood) message(host netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.messages.take(host, floodRate, floodBurst)
}

// handshake reports whether one more TLS handshake is done with a client at host.
func (f *filterFlood) handshake(host netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shakes.take(host, floodShakeRate, floodShakeBurst)
}

// source reports whether a well formed message of remote is let in: whether
// the address was seen before, or is one of the few new ones.
func (f *filterFlood) source(remote netip.AddrPort) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.sources[remote]; ok {
		return true
	}
	if !f.fresh.take(time.Now(), floodNewRate, floodNewBurst) {
		return false
	}
	if f.sources == nil || len(f.sources) >= 4*floodMaxSources {
		f.sources = map[netip.AddrPort]struct{}{}
	}
	f.sources[remote] = struct{}{}
	return true
}

// reply reports whether one more malformed request may be answered.
func (f *filterFlood) reply() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.replies.take(time.Now(), floodReplyRate, floodReplyBurst)
}
