package middleware

import (
	"errors"
	"testing"
)

func TestParseTarget(t *testing.T) {
	tests := []struct {
		in, want string
	}{
		{"123", "sip:123"},
		{"+49 30 1234-56", "sip:+49301234" + "56"},
		{"(030) 12.34/5", "sip:03012345"},
		{"**1#", "sip:**1#"},
		{"bob", "sip:bob"},
		{" bob@example.org ", "sip:bob@example.org"},
		{"sip:bob@192.0.2.7:5080", "sip:bob@192.0.2.7:5080"},
		{"sips:bob@example.org", "sips:bob@example.org"},
		{"SIP:bob@Example.org", "sip:bob@example.org"},
		{"tel:+49-30-1234", "sip:+49301234"},
		{"callto:+49301234", "sip:+49301234"},
		{"callto://bob@example.org", "sip:bob@example.org"},
		{"callto:bob", "sip:bob"},
		{"tel:1-800-FLOWERS", "sip:18003569377"},
		{"tel:%2B49301234", "sip:+49301234"},
		{"tel:*21%23", "sip:*21#"},
		{"1-800-FLOWERS", "sip:18003569377"},
		{"sip:bob@example.org?Replaces=a%40b&Subject=Tea%20time&Route=%3Csip:evil%3E", "sip:bob@example.org"},
		{"sip:bob@example.org;method=BYE;transport=tcp", "sip:bob@example.org;transport=tcp"},
		{"192.0.2.1", "sip:192.0.2.1"},
	}
	for _, tt := range tests {
		u, err := parseTarget(tt.in)
		if err != nil {
			t.Errorf("parseTarget(%q): %v", tt.in, err)
			continue
		}
		got := u.String()
		if u.Host == "" {
			got = "sip:" + u.User
		}
		if got != tt.want {
			t.Errorf("parseTarget(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, in := range []string{
		"", "   ", "bob smith", "sip:", "sip:bob@exa mple.org", "bob@ex\r\nVia: x", "a\x00b",
		"sip:bob%0d%0aVia:%20x@example.org", "sip:bob@example.org?Subject=a%0D%0AVia:%20x", "sip:bob@example.org;x=%0a",
		"tel:1%0d2", "tel:abc", "callto:a%0ab", "tel:", "+", "callto:bob@example.org?Subject=%00", "sip:bob@example.org?Subject=%zz",
	} {
		if u, err := parseTarget(in); err == nil {
			t.Errorf("parseTarget(%q) = %v, want an error", in, u)
		}
	}
	if _, err := parseTarget(""); !errors.Is(err, ErrNoTarget) {
		t.Errorf("parseTarget(empty) error = %v, want ErrNoTarget", err)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"123", "+49 30", "bob@example.org", "sip:a@[::1]:5060", "tel:+1", "x y", "\u202e1", "tel:1;ext=2;phone-context=+49", "sip:a@b?Subject=%0a", "1-800-FLOWERS"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseTarget(s)
		if err != nil {
			return
		}
		if hasControl(u.User) || len(u.Headers) > 0 {
			t.Errorf("parseTarget(%q) = %#v, which asks for more than a call", s, u)
		}
		if u.Host != "" {
			if _, err := parseTarget(u.String()); err != nil {
				t.Errorf("parseTarget(%q) = %v, which it does not read back: %v", s, u, err)
			}
		}
	})
}

func TestIsDirect(t *testing.T) {
	for in, want := range map[string]bool{
		"sip:bob@192.0.2.7": true, "sip:bob@[2001:db8::1]": true, "sip:bob@host:5080": true,
		"sip:bob@localhost": true, "sip:bob@example.org": false, "123": false,
	} {
		u, err := parseTarget(in)
		if err != nil {
			t.Fatalf("parseTarget(%q): %v", in, err)
		}
		if got := isDirect(u); got != want {
			t.Errorf("isDirect(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestCanonicalID(t *testing.T) {
	for in, want := range map[string]string{
		"alice@Example.ORG": "alice@example.org", "sip:Alice@a.b": "Alice@a.b", "SIPS:Alice@A.b": "Alice@a.b", " sip:a@b ": "a@b", "nodomain": "nodomain",
	} {
		if got := CanonicalID(in); got != want {
			t.Errorf("CanonicalID(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSafeFileName(t *testing.T) {
	for in, want := range map[string]string{
		"bob@example.org": "bob@example.org", "../../etc/passwd": "_.._etc_passwd", "a/b\\c:d\n": "a_b_c_d_",
		"": "call", "...": "call", "Jürgen Groß": "Jürgen Groß",
	} {
		if got := safeFileName(in); got != want {
			t.Errorf("safeFileName(%q) = %q, want %q", in, got, want)
		}
	}
}
