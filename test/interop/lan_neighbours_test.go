package interop

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNeighbours starts phones with odd names on three machines: all list all
// others, with what they tell of themselves, and nobody itself.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	names := []string{"Anna Meyer", "Ben. J. (3rd floor)", "Zoë ☎, désk"}
	var phones []*phone
	for i, name := range names {
		phones = append(phones, startPhone(t, nil, phoneConfig{Host: l.host(t, fmt.Sprintf("desk%d", i+1)), Name: name}))
	}
	for _, p := range phones {
		for _, q := range phones {
			if p == q {
				continue
			}
			id := p.seesNeighbour(t, q)
			for property, want := range map[string]string{
				"TITLE": q.config.Name + " (" + q.config.Host.name + ")", "STATE": "Available", "TRUST": "NEW", "CALLABLE": "TRUE", "KEY": "",
			} {
				if got := p.get(t, "NEIGHBOUR "+id+" "+property); got != want {
					t.Errorf("%s says of %s: %s = %q, want %q", p.config.Name, q.config.Name, property, got, want)
				}
			}
		}
		if got := p.neighbours(t); len(got) != 2 {
			t.Errorf("%s lists %q, want two neighbours", p.config.Name, got)
		}
		if got := p.get(t, "ACCOUNT bonjour@local STATE"); got != "ON" {
			t.Errorf("ACCOUNT bonjour@local STATE at %s = %s, want ON", p.config.Name, got)
		}
	}
	a, b := phones[0], phones[1]
	id := b.neighbour(t, "Anna Meyer")
	a.do(t, "SET USERSTATUS AWAY")
	b.awaitNote(t, 5*time.Second, "NEIGHBOUR "+id+" STATE Away")
	a.do(t, "SET ACCOUNT bonjour@local NOTE out, back at 3 ☕")
	b.awaitNote(t, 5*time.Second, "NEIGHBOUR "+id+" NOTE out, back at 3 ☕")
	a.do(t, "SET ACCOUNT bonjour@local DISPLAY_NAME Anna M.")
	b.awaitNote(t, 5*time.Second, "NEIGHBOUR "+id+" NAME Anna M\\.")
	a.do(t, "SET ACCOUNT bonjour@local ENABLED no")
	b.awaitNote(t, 5*time.Second, "NEIGHBOUR "+id+" REMOVED")
	if got := a.neighbours(t); len(got) != 0 {
		t.Errorf("with Bonjour switched off there are still %q", got)
	}
	a.do(t, "SET ACCOUNT bonjour@local ENABLED yes")
	eventually(t, 10*time.Second, "there again", func() bool { return b.neighbour(t, "Anna M.") == id })
	a.seesNeighbour(t, b)
}

// Within these times neighbours are to come and go. What is measured on a quiet
// machine is in BENCHMARKS.md; here it is only not to be forgotten altogether.
const (
	appears    = 4 * time.Second
	disappears = 2 * time.Second
)

// TestNeighbourComesAndGoes starts and ends a phone beside another.
func TestNeighbourComesAndGoes(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a := startPhone(t, nil, phoneConfig{Host: l.host(t, "first")})
	b := startPhone(t, nil, phoneConfig{Host: l.host(t, "second")})
	id := a.seesNeighbour(t, b)
	b.seesNeighbour(t, a)
	for n, leave := range []func(){
		func() { _ = b.cmd.Process.Signal(syscall.SIGTERM) },
		func() { b.do(t, "SHUTDOWN") },
	} {
		begun := time.Now()
		leave()
		gone := a.awaitNth(t, disappears, "NEIGHBOUR "+id+" REMOVED", n+1)
		t.Logf("gone after %v", gone.Sub(begun).Round(time.Millisecond))
		if err := b.wait(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		added := len(a.notifications("NEIGHBOUR " + id + " ADDED"))
		begun = time.Now()
		b.run(t)
		there := a.awaitNth(t, appears, "NEIGHBOUR "+id+" ADDED", added+1)
		t.Logf("there %v after the start", there.Sub(begun).Round(time.Millisecond))
		b.seesNeighbour(t, a)
	}
}

// meet has p call q for the first time and waits until they talk: the keys are
// remembered, but nobody can know yet whose they are.
func (p *phone) meet(t testing.TB, target string, q *phone) string {
	t.Helper()
	id := p.dial(t, target)
	q.do(t, "ALTER CALL %s ANSWER", q.ringing(t))
	p.awaitStatus(t, id, "INPROGRESS")
	if got := p.get(t, "CALL "+id+" VERIFIED"); got != "FALSE" {
		t.Errorf("in the first call VERIFIED = %s, want FALSE", got)
	}
	return id
}

// callNeighbour does the same when they have met: the other one proves to be the
// same.
func (p *phone) callNeighbour(t testing.TB, target string, q *phone) string {
	t.Helper()
	id := p.dial(t, target)
	q.do(t, "ALTER CALL %s ANSWER", q.ringing(t))
	p.awaitStatus(t, id, "INPROGRESS")
	eventually(t, 5*time.Second, "the call is verified", func() bool { return p.get(t, "CALL "+id+" VERIFIED") == "TRUE" })
	return id
}

// TestNeighbourImpersonated announces a phone's id for another one's contact. Who
// knows the phone refuses that and says why; and who does not is not deceived
// either, because the id was made from the key. The phone itself is called all
// the same when it is back.
func TestNeighbourImpersonated(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a := startPhone(t, nil, phoneConfig{Host: l.host(t, "caller")})
	b := startPhone(t, nil, phoneConfig{Host: l.host(t, "friend")})
	home := l.host(t, "thief")
	c := startPhone(t, nil, phoneConfig{Host: home})
	id := a.seesNeighbour(t, b)
	a.finish(t, a.meet(t, "friend", b))
	contact := a.get(t, "NEIGHBOUR "+a.seesNeighbour(t, c)+" URI")
	b.stop()
	a.awaitNote(t, 5*time.Second, "NEIGHBOUR "+id+" REMOVED")
	port := 0
	if _, err := fmt.Sscanf(contact[strings.LastIndexByte(contact, ':')+1:], "%d", &port); err != nil {
		t.Fatalf("URI = %q: %v", contact, err)
	}
	home.avahi(t).publish(t, "friend@thief", "_sipuri._tcp", port, "txtvers=1", "name=friend", "contact=<"+contact+">", "instance_id="+id)
	eventually(t, 10*time.Second, "the impostor is seen", func() bool { return a.neighbour(t, "friend") != "" })
	a.refuses(t, "friend")
	a.awaitNote(t, 5*time.Second, "NEIGHBOUR "+id+" KEYCHANGED [0-9a-f]{64}")
	for property, want := range map[string]string{"TRUST": "BROKEN", "CALLABLE": "FALSE", "PROBLEM": "KEY"} {
		if got := a.get(t, "NEIGHBOUR "+id+" "+property); got != want {
			t.Errorf("%s = %q, want %q", property, got, want)
		}
	}
	stranger := startPhone(t, nil, phoneConfig{Host: l.host(t, "stranger")})
	eventually(t, 10*time.Second, "the impostor is seen", func() bool { return stranger.neighbour(t, "friend") != "" })
	stranger.refuses(t, "friend")
	if calls := c.notifications("CALL .*"); len(calls) != 0 {
		t.Errorf("the impostor has heard of the calls: %q", calls)
	}
	b.run(t)
	eventually(t, 10*time.Second, "the friend is back", func() bool {
		reply, err := a.try(t, "GET NEIGHBOUR %s TITLE", id)
		return err == nil && strings.HasSuffix(reply, " TITLE friend (friend)")
	})
	a.finish(t, a.callNeighbour(t, "bonjour:"+id, b))
	a.do(t, "ALTER NEIGHBOUR %s FORGET", id)
	a.finish(t, a.meet(t, "bonjour:"+id, b))
}

// refuses fails the test unless a call to a neighbour fails because of its key.
func (p *phone) refuses(t testing.TB, target string) {
	t.Helper()
	call := p.dial(t, target)
	p.awaitStatus(t, call, "FAILED")
	if got := p.get(t, "CALL "+call+" FAILURE"); got != "KEY_CHANGED" {
		t.Errorf("FAILURE = %s, %s, want KEY_CHANGED", got, p.get(t, "CALL "+call+" REASON"))
	}
}
