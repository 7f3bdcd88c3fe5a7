package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/storage"
)

// TestEavesdropper proves the harness: what two phones of another make say to each
// other in the clear can be read at the switch, every word of it, so that what is
// not found elsewhere is not there.
func TestEavesdropper(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a := startBaresip(t, nil, baresipConfig{User: "loud", Codecs: "pcma", Host: l.host(t, "one")})
	b := startBaresip(t, nil, baresipConfig{User: "clear", Codecs: "pcma", Host: l.host(t, "two")})
	c := l.listen(t)
	a.ctl.do(t, "dial", b.direct())
	a.ctl.await(t, "CALL_ESTABLISHED")
	talk(5 * time.Second)
	a.ctl.do(t, "hangup", "")
	b.ctl.await(t, "CALL_CLOSED")
	e := eavesdrop(c.packets(t))
	if len(e.betrays()) == 0 {
		t.Error("no word of the signaling was read")
	}
	e.mustRead(t, a.said, a.config.Host, b.config.Host)
}

// TestNeighboursCall has two phones find each other by looking around, and one
// call the other by name. It is encrypted: at the switch nothing can be read but
// who is there.
func TestNeighboursCall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ codec, first, second string }{
		{"", "Anna Meyer", "Ben"},
		{"PCMA", "Zoë, 3.0 ☎", "Ben O'Neil"},
	} {
		t.Run("codec "+tt.codec, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			c := l.listen(t)
			a := newPhone(t, nil, phoneConfig{Host: l.host(t, "attic"), Name: tt.first})
			b := newPhone(t, nil, phoneConfig{Host: l.host(t, "cellar"), Name: tt.second})
			for _, p := range []*phone{a, b} {
				p.change(t, func(s *storage.Settings) {
					if tt.codec != "" {
						s.Audio.Codecs = []string{tt.codec}
					}
				})
				p.run(t)
			}
			a.seesNeighbour(t, b)
			b.seesNeighbour(t, a)
			mine := a.dial(t, tt.second)
			theirs := b.ringing(t)
			b.do(t, "ALTER CALL %s ANSWER", theirs)
			a.awaitStatus(t, mine, "INPROGRESS")
			isProtected(t, a, mine, tt.second+" (cellar)")
			isProtected(t, b, theirs, tt.first+" (attic)")
			talksOn(t, "over the LAN", a, b)
			b.finish(t, theirs)
			a.is(t, mine, "FINISHED")
			// Now both know the other's key.
			theirs = b.callNeighbour(t, tt.first+" (attic)", a)
			b.finish(t, theirs)
			e := eavesdrop(c.packets(t))
			e.mustBeSecret(t)
			if tt.codec != "" {
				e.mustNotRead(t, a, b)
				e.mustNotRead(t, b, a)
			}
		})
	}
}

// isProtected fails the test unless a call is encrypted, with who is expected.
func isProtected(t testing.TB, p *phone, id, partner string) {
	t.Helper()
	eventually(t, 5*time.Second, "the call is encrypted", func() bool {
		return strings.HasPrefix(p.get(t, "CALL "+id+" ENCRYPTION"), "ENCRYPTED ")
	})
	if got := p.get(t, "CALL "+id+" PARTNER_DISPNAME"); got != partner {
		t.Errorf("PARTNER_DISPNAME at %s = %q, want %q", p.config.who(), got, partner)
	}
	if got := p.get(t, "CALL "+id+" ACCOUNT"); got != "bonjour@local" {
		t.Errorf("ACCOUNT at %s = %q, want bonjour@local", p.config.who(), got)
	}
}

// neighbours returns the ids of those that a phone lists.
func (p *phone) neighbours(t testing.TB) []string {
	t.Helper()
	list := strings.TrimPrefix(p.do(t, "SEARCH NEIGHBOURS"), "NEIGHBOURS")
	if list = strings.TrimSpace(list); list == "" {
		return nil
	}
	return strings.Split(list, ", ")
}

// neighbour returns the id of the only neighbour with that name, or "".
func (p *phone) neighbour(t testing.TB, name string) string {
	t.Helper()
	found := ""
	for _, id := range p.neighbours(t) {
		// It may be gone since.
		if reply, err := p.try(t, "GET NEIGHBOUR %s NAME", id); err == nil && reply == fmt.Sprintf("NEIGHBOUR %s NAME %s", id, name) {
			if found != "" {
				t.Fatalf("%s lists %q twice: %s and %s", p.config.who(), name, found, id)
			}
			found = id
		}
	}
	return found
}

// seesNeighbour waits until p lists q, callable over TLS, and returns its id.
func (p *phone) seesNeighbour(t testing.TB, q *phone) string {
	t.Helper()
	id := ""
	if !poll(10*time.Second, func() bool {
		id = p.neighbour(t, q.config.who())
		return id != "" && p.get(t, "NEIGHBOUR "+id+" TRANSPORT") == "TLS"
	}) {
		for _, id := range p.neighbours(t) {
			for _, property := range []string{"TITLE", "URI", "TRANSPORT", "TRUST", "PROBLEM"} {
				reply, _ := p.try(t, "GET NEIGHBOUR %s %s", id, property)
				t.Log(reply)
			}
		}
		t.Fatalf("%s does not see %s", p.config.who(), q.config.who())
	}
	return id
}

// TestBaresipNeighbour has a phone of another make announced by the usual
// responder: Parley finds it there and calls it by name, and it calls Parley at
// the contact that its responder has found. Neither is encrypted, and shown so.
func TestBaresipNeighbour(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"_sipuri._udp", "_sip._udp"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t)
			c := l.listen(t)
			a := newPhone(t, nil, phoneConfig{Host: l.host(t, "desk"), Name: "Anna"})
			a.change(t, func(s *storage.Settings) { s.Audio.Codecs = []string{"PCMA"} })
			a.run(t)
			door := l.host(t, "door")
			b := startBaresip(t, nil, baresipConfig{User: "door", Codecs: "pcma", Host: door})
			responder := door.avahi(t)
			responder.publish(t, "Door phone", kind, b.config.Port, "txtvers=1", "name=Door phone", "contact=<"+b.direct()+">")
			seesDoorPhone(t, a, b)
			call := a.dial(t, "door phone")
			a.awaitStatus(t, call, "INPROGRESS")
			notProtected(t, a, call)
			a.hearsFromNow(t, b.said)
			a.finish(t, call)
			b.ctl.await(t, "CALL_CLOSED")
			mustHear(t, "at the door", a.said, b.heard(t), 0)

			found := responder.find(t, "_sipuri._udp", func(s announced) bool { return s.text["name"] == "Anna" })
			contact := strings.Trim(found.text["contact"], "<>")
			if found.text["txtvers"] != "1" || found.text["instance_id"] == "" || !strings.Contains(contact, "@"+found.addr) {
				t.Errorf("Parley tells %v at %s", found.text, found.addr)
			}
			b.ctl.do(t, "dial", contact)
			call = a.ringing(t)
			a.do(t, "ALTER CALL %s ANSWER", call)
			a.awaitStatus(t, call, "INPROGRESS")
			notProtected(t, a, call)
			a.hearsFromNow(t, b.said)
			a.finish(t, call)
			eavesdrop(c.packets(t)).mustRead(t, b.said, door, a.config.Host)
		})
	}
}

// seesDoorPhone waits until the one neighbour is the door phone, as it was
// announced.
func seesDoorPhone(t testing.TB, p *phone, door *baresip) {
	t.Helper()
	id := ""
	eventually(t, 10*time.Second, "the door phone is seen", func() bool {
		ids := p.neighbours(t)
		if len(ids) > 0 {
			id = ids[0]
		}
		return len(ids) == 1
	})
	for property, want := range map[string]string{
		"TITLE": "Door phone (door)", "STATE": "", "TRUST": "NONE", "TRANSPORT": "UDP", "CALLABLE": "TRUE", "URI": door.direct(),
	} {
		if got := p.get(t, "NEIGHBOUR "+id+" "+property); got != want {
			t.Errorf("%s = %q, want %q", property, got, want)
		}
	}
}

// hearsFromNow fails the test unless the phone hears a signal from now on.
func (p *phone) hearsFromNow(t *testing.T, said signal) {
	t.Helper()
	fairly(t, func() (time.Duration, error) {
		before := p.playedSoFar(t)
		late := talk(4500 * time.Millisecond)
		_, err := hear(t, "at "+p.config.who(), said, load(t, p.played).from(before), 0)
		return late, err
	})
}

// notProtected fails the test unless a call is known to be in the clear.
func notProtected(t testing.TB, p *phone, id string) {
	t.Helper()
	eventually(t, 5*time.Second, "the call is known to be in the clear", func() bool {
		return p.get(t, "CALL "+id+" ENCRYPTION") == "NONE" && p.get(t, "CALL "+id+" VERIFIED") == "FALSE"
	})
}
