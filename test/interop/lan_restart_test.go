package interop

import (
	"slices"
	"testing"
	"time"
)

// TestNeighbourKilled kills a phone in the middle of a call and starts it again:
// it is the same neighbour, once, and is called by what is remembered of it.
func TestNeighbourKilled(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a := startPhone(t, nil, phoneConfig{Host: l.host(t, "first")})
	b := startPhone(t, nil, phoneConfig{Host: l.host(t, "second")})
	id := a.seesNeighbour(t, b)
	uri := a.get(t, "NEIGHBOUR "+id+" URI")
	call := a.meet(t, "bonjour:"+id, b)
	a.awaitNote(t, 5*time.Second, "NEIGHBOUR "+id+" TRUST KNOWN")
	key := a.get(t, "NEIGHBOUR "+id+" KEY")
	if len(key) != 64 {
		t.Errorf("after a call KEY = %q, want a fingerprint", key)
	}
	b.kill()
	b.err = nil // as was meant
	b.run(t)
	a.seesNeighbour(t, b)
	eventually(t, 10*time.Second, "the new contact", func() bool { return a.get(t, "NEIGHBOUR "+id+" URI") != uri })
	if got := a.neighbours(t); !slices.Equal(got, []string{id}) {
		t.Errorf("SEARCH NEIGHBOURS = %q, want only %s", got, id)
	}
	a.do(t, "ALTER CALL %s HANGUP", call)
	again := a.callNeighbour(t, "second", b)
	if got := a.get(t, "NEIGHBOUR "+id+" KEY"); got != key {
		t.Errorf("KEY = %s, want %s as before", got, key)
	}
	a.finish(t, again)
}
