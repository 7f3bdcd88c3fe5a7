package sdp

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func aliceLocal() Local {
	return Local{
		Addr: netip.MustParseAddr("192.0.2.1"), Port: 4000,
		Codecs: []Codec{opus, g722, pcma, events, events48}, Security: SecurityPrefer,
	}
}

func bobLocal() Local {
	return Local{
		Addr: netip.MustParseAddr("2001:db8::2"), Port: 6000, RTCPPort: 6100,
		Codecs: []Codec{pcma, opus, events48, events}, Security: SecurityPrefer, PacketTime: 40 * time.Millisecond,
	}
}

// exchange lets a offer and b answer, and checks that they agree.
func exchange(t *testing.T, a, b *Negotiation) (atA, atB *Agreed) {
	t.Helper()
	offer := a.Offer()
	checkWithPion(t, offer)
	if err := b.GotOffer(offer); err != nil {
		t.Fatalf("GotOffer: %v\n%s", err, offer)
	}
	answer, atB, err := b.Answer()
	if err != nil {
		t.Fatalf("Answer: %v", err)
	}
	checkWithPion(t, answer)
	atA, err = a.GotAnswer(answer)
	if err != nil {
		t.Fatalf("GotAnswer: %v\n%s", err, answer)
	}
	checkMirrored(t, atA, atB)
	return atA, atB
}

// checkMirrored fails the test unless the two sides of a call can talk.
func checkMirrored(t *testing.T, a, b *Agreed) {
	t.Helper()
	if a.CanSend != b.CanReceive || a.CanReceive != b.CanSend {
		t.Errorf("directions: send %t receive %t against send %t receive %t", a.CanSend, a.CanReceive, b.CanSend, b.CanReceive)
	}
	if !a.LocalKey.Equal(b.RemoteKey) || !a.RemoteKey.Equal(b.LocalKey) {
		t.Errorf("keys differ: %v %v against %v %v", a.LocalKey, a.RemoteKey, b.LocalKey, b.RemoteKey)
	}
	for _, pair := range [][2]*Agreed{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		known := func(pt uint8, c Codec) bool {
			return slices.ContainsFunc(to.Receive, func(r Codec) bool { return r.PayloadType == pt && r.same(c) })
		}
		if !known(from.Codec.PayloadType, from.Codec) {
			t.Errorf("%v is not in %v", from.Codec, to.Receive)
		}
		if from.HasEvents && !known(from.EventPT, Codec{Name: eventName, ClockRate: from.EventRate}) {
			t.Errorf("events %d/%d are not in %v", from.EventPT, from.EventRate, to.Receive)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, s := range []Security{SecurityOff, SecurityPrefer, SecurityRequire} {
		for _, name := range append([]string{""}, allSuites()...) {
			l, m := aliceLocal(), bobLocal()
			l.Security, m.Security = s, max(s, SecurityPrefer)
			if name != "" {
				l.Suites, m.Suites = []string{name}, []string{name}
			}
			alice, bob := New(1, rand.Reader, l), New(2, rand.Reader, m)
			atA, atB := exchange(t, alice, bob)
			if got, want := atA.LocalKey != nil, s != SecurityOff; got != want {
				t.Errorf("security %d, suite %q: encrypted = %t, want %t", s, name, got, want)
			}
			if name != "" && s != SecurityOff && atA.LocalKey.Suite != name {
				t.Errorf("suite = %s, want %s", atA.LocalKey.Suite, name)
			}
			want := &Agreed{
				Remote: netip.MustParseAddrPort("[2001:db8::2]:6000"), RemoteRTCP: netip.MustParseAddrPort("[2001:db8::2]:6100"),
				Codec:     Codec{Name: "opus", PayloadType: 96, ClockRate: 48000, Channels: 2, Fmtp: "useinbandfec=1"},
				Receive:   []Codec{opus, g722, pcma, events, events48},
				HasEvents: true, EventPT: 102, EventRate: 48000,
				PacketTime: 20 * time.Millisecond, CanSend: true, CanReceive: true,
				LocalKey: atA.LocalKey, RemoteKey: atA.RemoteKey,
			}
			if diff := cmp.Diff(want, atA, compareAddrs); diff != "" {
				t.Errorf("offerer's agreement (-want +got):\n%s", diff)
			}
			if atB.Remote != netip.MustParseAddrPort("192.0.2.1:4000") || atB.RemoteRTCP != netip.MustParseAddrPort("192.0.2.1:4001") {
				t.Errorf("answerer sends to %v and %v", atB.Remote, atB.RemoteRTCP)
			}
		}
	}
}

var compareAddrs = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func allSuites() []string {
	var names []string
	for _, s := range suites {
		names = append(names, s.name)
	}
	return names
}

// One call through hold and resume by either side, in either role. Neither codec
// nor keys may change on the way.
func TestRoundTripHoldAndResume(t *testing.T) {
	alice, bob := New(1, rand.Reader, aliceLocal()), New(2, rand.Reader, bobLocal())
	first, _ := exchange(t, alice, bob)
	steps := []struct {
		name             string
		alice, bob       Direction // what each wants
		bobOffers        bool
		send, receive    bool // of Alice
		heldAtA, heldAtB bool
	}{
		{"alice holds", SendOnly, SendRecv, false, true, false, false, true},
		{"bob holds too", SendOnly, SendOnly, true, false, false, true, true},
		{"alice resumes", SendRecv, SendOnly, false, false, true, true, false},
		{"bob resumes", SendRecv, SendRecv, true, true, true, false, false},
		{"bob holds in silence", SendRecv, Inactive, true, false, false, true, false},
		{"bob refreshes", SendRecv, Inactive, true, false, false, true, false},
		{"bob resumes", SendRecv, SendRecv, true, true, true, false, false},
		{"alice holds in silence", Inactive, SendRecv, false, false, false, false, true},
		{"alice resumes by her answer", SendRecv, SendRecv, true, true, true, false, false},
	}
	for _, step := range steps {
		l, m := aliceLocal(), bobLocal()
		l.Direction, m.Direction = step.alice, step.bob
		alice.SetLocal(l)
		bob.SetLocal(m)
		var atA, atB *Agreed
		if step.bobOffers {
			atB, atA = exchange(t, bob, alice)
		} else {
			atA, atB = exchange(t, alice, bob)
		}
		if atA.CanSend != step.send || atA.CanReceive != step.receive {
			t.Errorf("%s: alice sends %t, receives %t, want %t, %t", step.name, atA.CanSend, atA.CanReceive, step.send, step.receive)
		}
		if atA.RemoteHold != step.heldAtA || atB.RemoteHold != step.heldAtB {
			t.Errorf("%s: held = %t, %t, want %t, %t", step.name, atA.RemoteHold, atB.RemoteHold, step.heldAtA, step.heldAtB)
		}
		if !atA.Codec.same(first.Codec) || !atB.Codec.same(first.Codec) {
			t.Errorf("%s: codecs %v and %v, want %v", step.name, atA.Codec, atB.Codec, first.Codec)
		}
		if !atA.LocalKey.Equal(first.LocalKey) || !atA.RemoteKey.Equal(first.RemoteKey) {
			t.Errorf("%s: the keys have changed", step.name)
		}
	}
}

// Glare: both offer, both get a 491 and roll back, then one tries again.
func TestRoundTripGlare(t *testing.T) {
	alice, bob := New(1, rand.Reader, aliceLocal()), New(2, rand.Reader, bobLocal())
	exchange(t, alice, bob)
	before := alice.Agreed()
	alice.Offer()
	bob.Offer()
	alice.Rollback()
	bob.Rollback()
	if alice.Agreed() != before {
		t.Errorf("Rollback changed the agreement")
	}
	exchange(t, bob, alice)
}

func TestRoundTripRequireAgainstOff(t *testing.T) {
	l, m := aliceLocal(), bobLocal()
	l.Security, m.Security = SecurityRequire, SecurityOff
	alice, bob := New(1, rand.Reader, l), New(2, nil, m)
	if err := bob.GotOffer(alice.Offer()); !errors.Is(err, ErrSecurityRequired) {
		t.Errorf("GotOffer of RTP/SAVP = %v, want %v", err, ErrSecurityRequired)
	}
	alice.Rollback()
	if err := alice.GotOffer(bob.Offer()); !errors.Is(err, ErrSecurityRequired) {
		t.Errorf("GotOffer of plain RTP = %v, want %v", err, ErrSecurityRequired)
	}
}

// Without randomness no key may be made up, and none is needed where none is used.
func TestWithoutRandomness(t *testing.T) {
	l := aliceLocal()
	l.Security = SecurityRequire
	mute, bob := New(1, nil, l), New(2, rand.Reader, bobLocal())
	d, err := Parse(mute.Offer())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := find(d.Media[0].Attributes, "crypto"); ok || d.Media[0].Protocol != "RTP/SAVP" {
		t.Errorf("Offer without randomness = %s %v", d.Media[0].Protocol, d.Media[0].Attributes)
	}
	mute.Rollback()
	if err := mute.GotOffer(bob.Offer()); err != nil {
		t.Fatal(err)
	}
	if b, _, err := mute.Answer(); !errors.Is(err, errNoRandom) || b != nil {
		t.Errorf("Answer without randomness = %q, %v, want %v", b, err, errNoRandom)
	}
	if mute.Agreed() != nil {
		t.Errorf("a failed Answer left an agreement")
	}
}

// SetLocal between GotOffer and Answer counts, and may make the offer unfit.
func TestSetLocalBeforeAnswer(t *testing.T) {
	alice, bob := New(1, rand.Reader, aliceLocal()), New(2, rand.Reader, bobLocal())
	if err := bob.GotOffer(alice.Offer()); err != nil {
		t.Fatal(err)
	}
	m := bobLocal()
	m.Codecs = []Codec{pcmu}
	bob.SetLocal(m)
	if _, _, err := bob.Answer(); !errors.Is(err, ErrNoCommonCodec) {
		t.Errorf("Answer = %v, want %v", err, ErrNoCommonCodec)
	}
	m = bobLocal()
	m.Port = 7000
	m.Codecs[0] = g722
	bob.SetLocal(m)
	m.Codecs[0] = pcmu // a caller's later change is no concern of bob's
	b, _, err := bob.Answer()
	if err != nil {
		t.Fatal(err)
	}
	a, err := alice.GotAnswer(b)
	if err != nil || a.Remote.Port() != 7000 || a.Codec.Name != "opus" {
		t.Errorf("GotAnswer = %+v, %v, want port 7000 and opus", a, err)
	}
}
