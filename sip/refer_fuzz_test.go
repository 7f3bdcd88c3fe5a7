package sip

import (
	"reflect"
	"strings"
	"testing"
)

func FuzzSipfrag(f *testing.F) {
	for _, s := range []string{"SIP/2.0 200 OK\r\n", "SIP/2.0 180 Ringing\r\nTo: <sip:a@b>\r\n", "sip/2.0 486", "SIP/2.0  200 OK", "SIP/2.0 +20 x", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, reason, err := parseSipfrag(body)
		if err != nil {
			return
		}
		if code < 100 || code > 699 || len([]rune(reason)) > 200 || strings.ContainsAny(reason, "\r\n\x00") {
			t.Errorf("parseSipfrag(%q) = %d %q", body, code, reason)
		}
	})
}

func FuzzReferTo(f *testing.F) {
	for _, s := range []string{
		"<sip:carol@example.org>", `"C" <sips:c@h?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df&Route=x>`, "tel:+4930123", "<sip:a@b;method=BYE>",
		"http://x/", "<sip:a@b>, <sip:c@d>", "<sip:a@b?Replaces=%0d%0aX>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		ev, code := referTarget(value)
		if code != 0 {
			return
		}
		if ev.To.URI.Headers != nil || ev.To.Params != nil {
			t.Errorf("referTarget(%q) kept header fields: %+v", value, ev.To)
		}
		out, err := ReferRequest{To: ev.To, Replaces: ev.Replaces}.headers()
		if err != nil {
			if len(value) > maxURI/3 { // escaped it may be too long
				return
			}
			t.Fatalf("referTarget(%q) = %+v, which cannot be sent: %v", value, ev, err)
		}
		again, code := referTarget(out[0].Value)
		if code != 0 || !again.To.URI.Equal(ev.To.URI) || !reflect.DeepEqual(again.Replaces, ev.Replaces) {
			t.Errorf("%q was sent as %q and read as %+v (%d), want %+v", value, out[0].Value, again, code, ev)
		}
	})
}

func FuzzReplaces(f *testing.F) {
	for _, s := range []string{"a@b;to-tag=t;from-tag=f", "a ;FROM-TAG=f ; to-tag = t;early-only;x=\"y;z\"", "a;to-tag=1;to-tag=2;from-tag=3", ";to-tag=t;from-tag=f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, err := ParseReplaces(value)
		if err != nil {
			return
		}
		if err := CheckHeader("Replaces", r.String()); err != nil {
			t.Errorf("ParseReplaces(%q) = %+v: %v", value, r, err)
		}
		again, err := ParseReplaces(r.String())
		if err != nil || again != r {
			t.Errorf("ParseReplaces(%q) = %+v, printed and read again %+v, %v", value, r, again, err)
		}
	})
}

func FuzzSubscriptionState(f *testing.F) {
	f.Add("active;expires=60")
	f.Add("Terminated ; reason=noresource;retry-after=1")
	f.Fuzz(func(t *testing.T, value string) {
		if _, _, expires := subscriptionState(value); expires < timerGiveUp || expires > maxReferPatience {
			t.Errorf("subscriptionState(%q): good for %v", value, expires)
		}
	})
}
