package sdp

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// fuzzLocal turns a byte into settings, so that the fuzzer tries them all.
func fuzzLocal(t testing.TB, settings byte) Local {
	l := goldenLocal(t, "")
	l.Direction = Direction(settings & 3)
	l.Security = Security(min(settings>>2&3, 2))
	l.OwnOrder = settings&16 != 0
	if settings&32 != 0 {
		l.RTCPPort, l.RTCPMux = 4444, true
	}
	return l
}

// isKnownError reports whether err is one that the documentation names.
func isKnownError(err error) bool {
	if _, ok := errors.AsType[*SyntaxError](err); ok {
		return true
	}
	return slices.ContainsFunc([]error{ErrNoAudio, ErrNoCommonCodec, ErrSecurityRequired},
		func(e error) bool { return errors.Is(err, e) })
}

func addSeeds(f *testing.F) {
	for _, b := range oddBodies(f) {
		f.Add(b, byte(0))
		f.Add(b, byte(4))
	}
	for i, row := range goldenTable(f) {
		for _, s := range row.steps {
			if strings.HasPrefix(s.kind, "their ") {
				f.Add(s.wire(), byte(i))
			}
		}
	}
}

// FuzzAnswer offers any body to a negotiation. What can be answered must be
// answered as RFC 3264 section 6 says, and the far end must accept the answer.
func FuzzAnswer(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, in []byte, settings byte) {
		n := New(1, &counter{}, fuzzLocal(t, settings))
		if err := n.GotOffer(in); err != nil {
			if !isKnownError(err) {
				t.Errorf("GotOffer(%q) = %v", in, err)
			}
			return
		}
		out, a, err := n.Answer()
		if err != nil {
			t.Fatalf("Answer after GotOffer(%q) = %v", in, err)
		}
		offered, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		answered, err := Parse(out)
		if err != nil {
			t.Fatalf("Parse(%q): %v", out, err)
		}
		checkAnswer(t, offered, answered, a)
		if again, _, err := n.Answer(); err != nil || string(again) != string(out) {
			t.Errorf("second Answer = %q, %v, want %q", again, err, out)
		}
		if err := n.GotOffer(in); err != nil {
			t.Errorf("the same offer again: %v", err)
		}
		if again, _, err := n.Answer(); err != nil || string(again) != string(out) {
			t.Errorf("Answer to the same offer = %q, %v, want %q", again, err, out)
		}
		checkRemoval(t, n, in)
		reoffer, err := Parse(n.Offer())
		if err != nil || len(reoffer.Media) != len(offered.Media) {
			t.Errorf("offer after %q: %v, %v", in, reoffer, err)
		}
	})
}

// checkRemoval offers in once more to a session that wants no audio any more, and
// a third time to one that has none and would take it again.
func checkRemoval(t *testing.T, n *Negotiation, in []byte) {
	t.Helper()
	l := n.local
	without := l
	without.NoAudio = true
	for i, local := range []Local{without, l} {
		n.SetLocal(local)
		if err := n.GotOffer(in); err != nil {
			t.Fatalf("GotOffer(%q) without audio = %v", in, err)
		}
		if p := n.Proposal(); p.RemovesAudio || p.AddsAudio != (i == 1) {
			t.Errorf("Proposal to %q = %+v", in, p)
		}
		out, a, err := n.Answer()
		if err != nil || a.Rejected != local.NoAudio {
			t.Fatalf("Answer to %q = %q, %+v, %v", in, out, a, err)
		}
		d, err := Parse(out)
		if err != nil || slices.ContainsFunc(d.Media, func(m Media) bool { return m.Port != 0 }) == local.NoAudio {
			t.Errorf("Answer to %q = %q, %v", in, out, err)
		}
	}
}

// checkAnswer compares an answer with its offer, line by line.
func checkAnswer(t *testing.T, offered, answered *Description, a *Agreed) {
	t.Helper()
	if len(answered.Media) != len(offered.Media) {
		t.Fatalf("answer has %d lines, want %d", len(answered.Media), len(offered.Media))
	}
	active := 0
	for i := range answered.Media {
		o, m := &offered.Media[i], &answered.Media[i]
		if m.Kind != o.Kind || m.Protocol != o.Protocol {
			t.Errorf("line %d = %s %s, want %s %s", i, m.Kind, m.Protocol, o.Kind, o.Protocol)
		}
		if m.Port == 0 {
			continue
		}
		active++
		if o.Port == 0 || o.Malformed {
			t.Errorf("line %d is accepted though it was not offered", i)
		}
		for _, c := range m.codecs() {
			if !slices.ContainsFunc(o.codecs(), func(o Codec) bool { return o.same(c) && o.PayloadType == c.PayloadType }) {
				t.Errorf("%v was not offered", c)
			}
		}
		if got := answered.direction(i); got.sends() && !offered.direction(i).receives() || got.receives() && !offered.direction(i).sends() {
			t.Errorf("direction %v answers %v", got, offered.direction(i))
		}
	}
	if active != 1 || a.Rejected {
		t.Errorf("%d lines are accepted, Rejected = %t, want one", active, a.Rejected)
	}
	if (a.LocalKey == nil) != (a.RemoteKey == nil) {
		t.Errorf("one key without the other")
	}
	if a.PacketTime < MinPacketTime || a.PacketTime > MaxPacketTime {
		t.Errorf("packet time = %v", a.PacketTime)
	}
}

// FuzzGotAnswer gives any body as the answer to an offer, then as an offer of the
// far end within the same session.
func FuzzGotAnswer(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, in []byte, settings byte) {
		n := New(1, &counter{}, fuzzLocal(t, settings))
		offer := n.Offer()
		a, err := n.GotAnswer(in)
		switch {
		case err != nil && !isKnownError(err):
			t.Errorf("GotAnswer(%q) = %v", in, err)
		case err == nil && a != n.Agreed():
			t.Errorf("GotAnswer(%q) = %v, Agreed() = %v", in, a, n.Agreed())
		case err == nil && !a.Rejected && !slices.ContainsFunc(n.local.Codecs, a.Codec.same):
			t.Errorf("GotAnswer(%q) agreed on %v", in, a.Codec)
		case err == nil && n.local.Security == SecurityRequire && !a.Rejected && a.LocalKey == nil:
			t.Errorf("GotAnswer(%q) agreed without keys", in)
		}
		if again := n.Offer(); err != nil && string(again) != string(offer) {
			t.Errorf("offer after a bad answer = %q, want %q", again, offer)
		}
		n.Rollback()
		if err := n.GotOffer(in); err == nil {
			if out, _, err := n.Answer(); err != nil {
				t.Errorf("Answer = %q, %v", out, err)
			}
		}
	})
}
