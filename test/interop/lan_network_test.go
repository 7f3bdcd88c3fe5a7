package interop

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNeighbourMoves gives a phone another address, pulls its cable and puts it
// back: it stays the same neighbour and is called where it is.
func TestNeighbourMoves(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a := startPhone(t, nil, phoneConfig{Host: l.host(t, "first")})
	h := l.host(t, "second")
	b := startPhone(t, nil, phoneConfig{Host: h})
	id := a.seesNeighbour(t, b)
	b.seesNeighbour(t, a)
	a.finish(t, a.meet(t, "second", b))

	ip(t, "-netns", h.space, "address", "del", h.ip+"/24", "dev", "eth0")
	ip(t, "-netns", h.space, "address", "add", "10.77.0.50/24", "dev", "eth0")
	eventually(t, 15*time.Second, "the new address", func() bool {
		return strings.Contains(a.get(t, "NEIGHBOUR "+id+" URI"), "@10.77.0.50:")
	})
	a.finish(t, a.callNeighbour(t, "second", b))

	l.unplug(t, h)
	b.awaitNote(t, 15*time.Second, "ACCOUNT bonjour@local STATE NO_NETWORK")
	eventually(t, 5*time.Second, "nobody is left to see", func() bool { return len(b.neighbours(t)) == 0 })
	l.plug(t, h)
	b.seesNeighbour(t, a)
	eventually(t, 15*time.Second, "there again", func() bool { return a.neighbour(t, "second") == id })
	b.finish(t, b.callNeighbour(t, "first", a))
	a.finish(t, a.callNeighbour(t, "bonjour:"+id, b))
	if got := a.neighbours(t); !slices.Equal(got, []string{id}) {
		t.Errorf("SEARCH NEIGHBOURS = %q, want only %s", got, id)
	}
}

// TestNeighboursOverIPv6 has no other addresses.
func TestNeighboursOverIPv6(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	var phones []*phone
	for _, name := range []string{"first", "second"} {
		h := l.host(t, name)
		ip(t, "-netns", h.space, "address", "del", h.ip+"/24", "dev", "eth0")
		phones = append(phones, startPhone(t, nil, phoneConfig{Host: h}))
	}
	a, b := phones[0], phones[1]
	c := l.listen(t)
	id := a.seesNeighbour(t, b)
	b.seesNeighbour(t, a)
	if uri := a.get(t, "NEIGHBOUR "+id+" URI"); !strings.Contains(uri, "@["+b.config.Host.ip6+"]:") {
		t.Errorf("URI = %s, want one at %s", uri, b.config.Host.ip6)
	}
	call := a.meet(t, "second", b)
	isProtected(t, a, call, "second (second)")
	talksOn(t, "over IPv6", a, b)
	a.finish(t, call)
	eavesdrop(c.packets(t)).mustBeSecret(t)
}

// TestCallsFromKnownOnly has a phone that takes calls from those whose key it
// knows. Others are refused, of whatever make, until it has called them itself.
func TestCallsFromKnownOnly(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a := startPhone(t, nil, phoneConfig{Host: l.host(t, "shy")})
	b := startPhone(t, nil, phoneConfig{Host: l.host(t, "eager")})
	door := l.host(t, "door")
	other := startBaresip(t, nil, baresipConfig{User: "door", Codecs: "pcma", Host: door})
	a.do(t, "SET ACCOUNT bonjour@local CALLS_FROM known")
	b.seesNeighbour(t, a)
	a.seesNeighbour(t, b)

	call := b.dial(t, "shy")
	b.awaitStatus(t, call, "FAILED|REFUSED")
	if got := b.get(t, "CALL "+call+" REASON"); !strings.HasPrefix(got, "403") {
		t.Errorf("an unknown neighbour is told %q, want 403", got)
	}
	found := door.avahi(t).find(t, "_sipuri._udp", func(s announced) bool { return s.text["name"] == "shy" })
	other.ctl.do(t, "dial", strings.Trim(found.text["contact"], "<>"))
	if e := other.ctl.await(t, "CALL_CLOSED"); !strings.Contains(e.Param, "403") {
		t.Errorf("a phone of another make is told %q, want 403", e.Param)
	}
	if calls := a.notifications("CALL .*"); len(calls) != 0 {
		t.Errorf("calls that are not wanted were let through: %q", calls)
	}
	a.finish(t, a.meet(t, "eager", b))
	b.finish(t, b.callNeighbour(t, "shy", a))
}
