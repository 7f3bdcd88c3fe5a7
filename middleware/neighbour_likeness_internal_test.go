package middleware

import (
	"fmt"
	"net/netip"
	"testing"

	"parley/storage"
)

// Whoever looks like somebody who is remembered is marked, however the name is
// written; others are not.
func TestLookalikesAreMarked(t *testing.T) {
	past := knows(storage.NeighbourKey{ID: annaID, Key: annaKey, Name: "Anna", Host: "laptop"})
	tests := []struct {
		name, host string
		want       bool
	}{
		{"Anna", "laptop", true},
		{"ANNA", "eve", true},
		{"An\u00adna\u3164", "eve", true},
		{"Anna\u2060\ufe0f\u034f", "eve", true},
		{"Anna\u00a0\u2800.", "eve", true},
		{"Anna (laptop)", "eve", true},
		{"Anna (laptop)", "", true},
		{"Anna\u2003(laptop)\u3000", "eve", true},
		{"An na", "eve", true},
		{"Anna 🏠", "eve", false},
		{"Anne", "laptop", false},
	}
	for _, tt := range tests {
		in := service(phoneUDP, "x", tt.host, 5060, "10.0.0.9", "name="+tt.name, "contact=sip:x@10.0.0.9")
		if f := mergeSightings(seenAs(in), past)[0]; f.Namesake != tt.want {
			t.Errorf("%q on %q: marked %t, want %t", tt.name, tt.host, f.Namesake, tt.want)
		}
	}
}

// Contacts at which somebody else answered leave room for the neighbour's own.
func TestWrongContactsTakeNoRoom(t *testing.T) {
	past := knows(storage.NeighbourKey{ID: annaID, Key: annaKey, Name: "Anna", Host: "a"})
	past.wrong[annaID] = marks{}
	list := anna("a", "10.0.0.1", annaID, annaKey)
	for i := range 3 * maxContacts {
		addr := fmt.Sprint("10.0.1.", i)
		past.wrong[annaID][netip.AddrPortFrom(netip.MustParseAddr(addr), 5061)] = true
		list = append(list, service(serviceTCP, fmt.Sprint("eve", i), "a", 5061, addr,
			"name=Anna", "contact=<sip:eve@"+addr+";transport=tls>", "instance_id="+annaID, "key="+annaKey))
	}
	f := mergeSightings(seenAs(list...), past)[0]
	if f.Trust != TrustKnown || !f.Callable() || f.contacts[0].user != "abc" {
		t.Errorf("trust %s, called at %q", f.Trust, f.URI)
	}
}
