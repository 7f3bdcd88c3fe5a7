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

	floodMaxSources = 4096
)

// filterFlood limits what strangers can make us do. Its zero value is ready.
type filterFlood struct {
	mu      sync.Mutex
	hosts   map[netip.Addr]*tokenBucket
	tidied  time.Time   // when hosts was last looked through
	others  tokenBucket // all hosts together that hosts has no room for
	sources map[netip.AddrPort]struct{}
	fresh   tokenBucket
	replies tokenBucket
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

// message reports whether one more datagram of host is let in.
func (f *filterFlood) message(host netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	b := f.hosts[host]
	if b == nil && len(f.hosts) >= floodMaxSources && now.Sub(f.tidied) > time.Second {
		f.tidied = now
		for h, old := range f.hosts {
			if now.Sub(old.last) > time.Second*floodBurst/floodRate {
				delete(f.hosts, h) // full again, so worth nothing
			}
		}
	}
	switch {
	case b != nil:
	case len(f.hosts) < floodMaxSources:
		if f.hosts == nil {
			f.hosts = map[netip.Addr]*tokenBucket{}
		}
		b = &tokenBucket{}
		f.hosts[host] = b
	default:
		b = &f.others
	}
	return b.take(now, floodRate, floodBurst)
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
