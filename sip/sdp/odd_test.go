package sdp

import (
	"errors"
	"net/netip"
	"testing"
)

// Each odd body, offered in a new call, is answered or refused for the right
// reason. Encryption is preferred.
func TestOddOffers(t *testing.T) {
	tests := map[string]struct {
		err    error
		codec  string
		remote string // "" for none
	}{
		"t38-only.sdp":                       {err: ErrNoAudio},
		"audio-and-t38.sdp":                  {codec: "8 PCMA/8000", remote: "192.0.2.1:18000"},
		"lf-only-minimal.sdp":                {codec: "0 PCMU/8000", remote: "192.0.2.1:4000"},
		"no-final-newline.sdp":               {codec: "0 PCMU/8000", remote: "192.0.2.1:4000"},
		"session-attributes-before-time.sdp": {codec: "0 PCMU/8000", remote: "192.0.2.1:4000"},
		"webrtc.sdp":                         {err: ErrSecurityRequired},
		"crypto-oddities.sdp":                {codec: "0 PCMU/8000", remote: "192.0.2.1:4000"},
		"bad-ports.sdp":                      {codec: "0 PCMU/8000", remote: "192.0.2.1:65535"},
		"rtpmap-oddities.sdp":                {codec: "0 PCMU/8000", remote: "192.0.2.1:4000"},
		"hold-by-address.sdp":                {codec: "0 PCMU/8000", remote: "0.0.0.0:16384"},
		"ipv6-scoped.sdp":                    {codec: "0 PCMU/8000", remote: "[fe80::1]:4000"},
		"latin1-name.sdp":                    {codec: "8 PCMA/8000", remote: "192.0.2.1:4000"},
		"garbage.sdp":                        {err: ErrNoAudio},
		"two-bodies.sdp":                     {codec: "0 PCMU/8000", remote: "192.0.2.1:1"},
		"multicast.sdp":                      {err: ErrNoAudio},
	}
	bodies := oddBodies(t)
	if len(bodies) != len(tests) {
		t.Errorf("%d odd bodies, %d rows", len(bodies), len(tests))
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := New(1, &counter{}, goldenLocal(t, "security=prefer"))
			err := n.GotOffer(bodies[name])
			if !errors.Is(err, tt.err) {
				t.Fatalf("GotOffer = %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			b, a, err := n.Answer()
			if err != nil {
				t.Fatalf("Answer: %v", err)
			}
			checkWithPion(t, b)
			if got := codecText(a.Codec); got != tt.codec {
				t.Errorf("codec = %q, want %q", got, tt.codec)
			}
			if want := netip.MustParseAddrPort(tt.remote); a.Remote != want {
				t.Errorf("remote = %v, want %v", a.Remote, want)
			}
			if got, want := a.LocalKey != nil, name == "crypto-oddities.sdp"; got != want {
				t.Errorf("encrypted = %t, want %t", got, want)
			}
		})
	}
}

// Without an address, and with a source of keys that fails, bodies are still whole.
func TestOddLocal(t *testing.T) {
	n := New(1, failing{}, Local{Port: 4000, Codecs: []Codec{pcma}, Security: SecurityPrefer})
	b := n.Offer()
	checkWithPion(t, b)
	if d, err := Parse(b); err != nil || d.Connection.Host != "0.0.0.0" || len(d.Media[0].Attributes) != 3 {
		t.Errorf("Offer = %q, %v, want 0.0.0.0 and no key", b, err)
	}
	err := n.GotOffer(body("v=0", "c=IN IP4 192.0.2.9", "m=audio 5000 RTP/AVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+inline30))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.Answer(); !errors.Is(err, errBroken) {
		t.Errorf("Answer = %v, want %v", err, errBroken)
	}
}

var errBroken = errors.New("broken")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }
