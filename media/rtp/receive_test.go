package rtp

import (
	"net/netip"
	"testing"
)

// When another party takes over, what the earlier one still sends counts no more,
// until that one is the peer again.
func TestAnotherPartyTakesOver(t *testing.T) {
	var s Session
	one, two, source := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:2"), netip.MustParseAddrPort("10.0.0.9:9")
	voice := []byte{0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1}
	takes := func(from netip.AddrPort) bool {
		before := s.counters.foreign.Load()
		s.admit(voice, from, 0)
		return s.counters.foreign.Load() == before
	}
	configure := func(remote netip.AddrPort, another bool) {
		s.rx.configure(Params{Remote: remote, Another: another, Receive: map[uint8]int{0: 8000}})
	}
	configure(one, true)
	s.rx.latched = source // behind a router
	configure(two, true)
	for from, want := range map[netip.AddrPort]bool{one: false, source: false, two: true} {
		if got := takes(from); got != want {
			t.Errorf("from %v: taken %v, want %v", from, got, want)
		}
	}
	configure(one, true)
	if !takes(source) || takes(two) {
		t.Error("the first party, back again, is not heard, or the second is")
	}
	configure(source, false) // it has moved
	if takes(two) {
		t.Error("the second party is heard after the first has moved")
	}
}
