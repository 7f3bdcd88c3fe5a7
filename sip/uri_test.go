package sip

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURI(t *testing.T) {
	tests := []struct {
		in   string
		want URI
		out  string // "" if String gives in again
	}{
		{"sip:alice@example.com", URI{Scheme: "sip", User: "alice", Host: "example.com"}, ""},
		{"SIPS:Alice@EXAMPLE.com:5061", URI{Scheme: "sips", User: "Alice", Host: "example.com", Port: 5061}, "sips:Alice@example.com:5061"},
		{"sip:example.com", URI{Scheme: "sip", Host: "example.com"}, ""},
		{"sip://bob@example.com", URI{Scheme: "sip", User: "bob", Host: "example.com"}, "sip:bob@example.com"},
		{"sip:a@[2001:DB8:0::1]:5070;lr", URI{Scheme: "sip", User: "a", Host: "2001:db8::1", Port: 5070, Params: Params{{"lr", ""}}}, "sip:a@[2001:db8::1]:5070;lr"},
		{"sip:[::1]", URI{Scheme: "sip", Host: "::1"}, ""},
		{"sip:+15550100;phone-context=+1@gw.example.com;user=phone?Subject=hi%20you&Priority=urgent", URI{
			Scheme: "sip", User: "+15550100;phone-context=+1", Host: "gw.example.com",
			Params:  Params{{"user", "phone"}},
			Headers: Params{{"Subject", "hi%20you"}, {"Priority", "urgent"}},
		}, ""},
		{"sip:j%C3%BCrgen%20x@example.com", URI{Scheme: "sip", User: "jürgen x", Host: "example.com"}, ""},
		{"sip:jürgen@example.com", URI{Scheme: "sip", User: "jürgen", Host: "example.com"}, "sip:j%C3%BCrgen@example.com"},
		{"sip:a%3bb@example.com", URI{Scheme: "sip", User: "a;b", Host: "example.com", wireUser: "a%3bb"}, ""},
		{"sip:null-%00-null@example.com", URI{Scheme: "sip", User: "null-\x00-null", Host: "example.com"}, ""},
		{"sip:alice:secret@example.com", URI{Scheme: "sip", User: "alice", Password: "secret", Host: "example.com"}, ""},
		{"sip:a@h;;Transport=TCP;x=;lr", URI{Scheme: "sip", User: "a", Host: "h", Params: Params{{"Transport", "TCP"}, {"x", ""}, {"lr", ""}}}, "sip:a@h;Transport=TCP;x;lr"},
		{`sip:a@h;x="q"`, URI{Scheme: "sip", User: "a", Host: "h", Params: Params{{"x", "%22q%22"}}}, "sip:a@h;x=%22q%22"},
		{"tel:+1-201-555-0123", URI{Scheme: "tel", User: "+12015550123"}, "tel:+12015550123"},
		{"tel:+1%20(201)%20555.0123;ext=12", URI{Scheme: "tel", User: "+12015550123", Params: Params{{"ext", "12"}}}, "tel:+12015550123;ext=12"},
		{"tel:7042;phone-context=example.com", URI{Scheme: "tel", User: "7042", Params: Params{{"phone-context", "example.com"}}}, ""},
		{"tel:*21%23", URI{Scheme: "tel", User: "*21#"}, ""},
		{"callto://+1(201)555-0123", URI{Scheme: "callto", User: "+12015550123"}, "callto:+12015550123"},
		{"callto:echo.test?call", URI{Scheme: "callto", User: "echo.test", Headers: Params{{"call", ""}}}, ""},
		{"callto:bob@example.com", URI{Scheme: "callto", User: "bob", Host: "example.com"}, ""},
	}
	for _, tt := range tests {
		got, err := ParseURI(tt.in)
		if err != nil {
			t.Errorf("ParseURI(%q): %v", tt.in, err)
			continue
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("ParseURI(%q) = %#v, want %#v", tt.in, got, tt.want)
		}
		want := tt.out
		if want == "" {
			want = tt.in
		}
		if got.String() != want {
			t.Errorf("ParseURI(%q).String() = %q, want %q", tt.in, got.String(), want)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for _, in := range []string{
		"", "alice@example.com", "sip:", "sip:@example.com", "sip:a@", "sip:a@b@c", "mailto:a@b", "h323:x@y",
		"sip:a b@c", "sip:a\r\nX: 1@c", "sip:a@c\x00", "sip:a@c:0", "sip:a@c:65536", "sip:a@c:+80", "sip:a@c:", "sip:a@c:5060x",
		"sip:a@[::1", "sip:a@[fe80::1%25eth0]", "sip:a@[1.2.3.4]", "sip:a@h:p@x", "sip:a%4@h", "sip:a%zz@h", "sip:a@h;=x", "sip:a@h;x=%g0",
		"sip:a@hö.de", "sip:\xff@h", "sip:a\u202eb@h", "<sip:a@b>", "tel:", "tel:+", "tel:abcx", "tel:12+3", "callto:", "sip:a@::1",
		"sip:" + strings.Repeat("a", 1100) + "@b",
	} {
		if got, err := ParseURI(in); err == nil {
			t.Errorf("ParseURI(%q) = %#v, want an error", in, got)
		} else if !got.IsZero() {
			t.Errorf("ParseURI(%q) gave %#v beside its error", in, got)
		}
	}
}

// RFC 3261 section 19.1.4 lists these; the last of either list are ours.
func TestURIEqual(t *testing.T) {
	equal := [][2]string{
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
		{"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]"},
		{"tel:+1-201-555-0123", "tel:+12015550123"},
	}
	for _, p := range equal {
		a, b := mustURI(t, p[0]), mustURI(t, p[1])
		if !a.Equal(b) || !b.Equal(a) {
			t.Errorf("%s and %s: Equal = false, want true", a, b)
		}
	}
	different := [][2]string{
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
		{"sip:bob@b", "sips:bob@b"},
		{"sip:bob@b;maddr=1.2.3.4", "sip:bob@b"},
		{"sip:bob:x@b", "sip:bob@b"},
		{"tel:7042;phone-context=a", "tel:7042"},
	}
	for _, p := range different {
		a, b := mustURI(t, p[0]), mustURI(t, p[1])
		if a.Equal(b) || b.Equal(a) {
			t.Errorf("%s and %s: Equal = true, want false", a, b)
		}
	}
}

func TestURIStringIsSafe(t *testing.T) {
	u := URI{
		Scheme: "sip", User: "a\r\nX: 1>", Password: "p w", Host: "example.com",
		Params:  Params{{"x y", "1\r\n2;lr"}, {"tr%41", "100%"}},
		Headers: Params{{"Subject", "a&b c"}},
	}
	want := "sip:a%0D%0AX%3A%201%3E:p%20w@example.com;x%20y=1%0D%0A2%3Blr;tr%41=100%25?Subject=a%26b%20c"
	if got := u.String(); got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got, want := (URI{Scheme: "sip", User: "a\u202eb\nc", Host: "::1", Port: 7}).Address(), "ab c@[::1]:7"; got != want {
		t.Errorf("Address() = %q, want %q", got, want)
	}
}

func TestParams(t *testing.T) {
	p := Params{{"LR", ""}, {"a", "1"}}
	q := p.Clone()
	q.Set("A", "2")
	q.Set("b", "3")
	q.Remove("lr")
	if diff := cmp.Diff(Params{{"a", "2"}, {"b", "3"}}, q); diff != "" {
		t.Errorf("after Set and Remove (-want +got):\n%s", diff)
	}
	if v, ok := p.Get("A"); v != "1" || !ok || !p.Has("lr") || p.Has("b") {
		t.Errorf("the original changed: %v", p)
	}
}

func TestParseAddress(t *testing.T) {
	long := strings.Repeat("x", 10<<10)
	tests := []struct {
		in   string
		name string
		uri  string
		tag  string
		out  string
	}{
		{`"Alice \"A\" B" <sip:a@b;x=1>;tag=7`, `Alice "A" B`, "sip:a@b;x=1", "7", `"Alice \"A\" B" <sip:a@b;x=1>;tag=7`},
		{`Alice Doe<sip:a@b> ; TAG = 7`, "Alice Doe", "sip:a@b", "7", `"Alice Doe" <sip:a@b>;TAG=7`},
		{`<sip:a@b>`, "", "sip:a@b", "", `<sip:a@b>`},
		{`sip:a@b;tag=7`, "", "sip:a@b", "7", `<sip:a@b>;tag=7`},
		{`"a, b <c>; d" <sip:a@b>`, "a, b <c>; d", "sip:a@b", "", `"a, b <c>; d" <sip:a@b>`},
		{"\"a\\\rb\tc\" <sip:a@b>", "a b c", "sip:a@b", "", `"a b c" <sip:a@b>`},
		{"\"\xff\" <sip:a@b>", "\ufffd", "sip:a@b", "", "\"\ufffd\" <sip:a@b>"},
		{`<sip:a@b>;+sip.instance="<urn:uuid:0;1>";expires=60`, "", "sip:a@b", "", `<sip:a@b>;+sip.instance="<urn:uuid:0;1>";expires=60`},
		{`"` + long + `" <sip:a@b>`, long, "sip:a@b", "", `"` + long + `" <sip:a@b>`},
	}
	for _, tt := range tests {
		a, err := ParseAddress(tt.in)
		if err != nil {
			t.Errorf("ParseAddress(%.60q): %v", tt.in, err)
			continue
		}
		tag, _ := a.Params.Get("tag")
		if a.Name != tt.name || a.URI.String() != tt.uri || tag != tt.tag {
			t.Errorf("ParseAddress(%.60q) = %.60q, %s, tag %q, want %.60q, %s, tag %q", tt.in, a.Name, a.URI, tag, tt.name, tt.uri, tt.tag)
		}
		if got := a.String(); got != tt.out {
			t.Errorf("ParseAddress(%.60q).String() = %.80q, want %.80q", tt.in, got, tt.out)
		}
		if got := len([]rune(a.SafeName())); got > maxSafeName {
			t.Errorf("ParseAddress(%.60q).SafeName() has %d runes, want at most %d", tt.in, got, maxSafeName)
		}
	}
	for _, in := range []string{"", "*", `"a <sip:a@b>`, `"a" sip:a@b`, "<sip:a@b", "<sip:a@b> x", "<sip:a@b>;a b=1", `<sip:a@b>;x="y`, `<sip:a@b>;x="y"z`, `"a\`, "<>", `"` + strings.Repeat("x", 40<<10) + `" <sip:a@b>`} {
		if a, err := ParseAddress(in); err == nil {
			t.Errorf("ParseAddress(%.60q) = %v, want an error", in, a)
		}
	}
}

func TestAddressStringIsSafe(t *testing.T) {
	a := Address{Name: "x\r\nVia: evil\"", URI: URI{Scheme: "sip", Host: "h"}, Params: Params{{"tag", "1\r\n2"}, {"a b", "1"}, {"ok", "[::1]:5"}}}
	want := `"x  Via: evil\"" <sip:h>;tag="1  2";ok=[::1]:5`
	if got := a.String(); got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func mustURI(t testing.TB, s string) URI {
	t.Helper()
	u, err := ParseURI(s)
	if err != nil {
		t.Fatalf("ParseURI(%q): %v", s, err)
	}
	return u
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{
		"sip:alice:pw@[::1]:5060;lr;x=%20?a=b&c", "tel:+1-2(3)4;ext=5", "callto:a.b?call", "sip:a%3B%00;x=1?y@h",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		out := u.String()
		if strings.ContainsAny(out, "\r\n <>\"\x00") {
			t.Fatalf("ParseURI(%q).String() = %q is unsafe", s, out)
		}
		v, err := uriParse(out)
		if len(out) > maxURI {
			return
		}
		if err != nil {
			t.Fatalf("ParseURI(%q) of the printed %q: %v", out, s, err)
		}
		if v.String() != out || !reflect.DeepEqual(u, v) || !u.Equal(v) {
			t.Fatalf("%q printed as %q reads as %#v, want %#v", s, out, v, u)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{`"A \" b" <sip:a@b>;tag=1;x="y;z"`, "A b <tel:+1>", "sip:a@b;tag=[::1]:5", "<sip:h>;a=b c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		out := a.String()
		if strings.ContainsAny(out, "\r\n\x00") {
			t.Fatalf("ParseAddress(%q).String() = %q is unsafe", s, out)
		}
		if len(out) > maxAddress || len(a.URI.String()) > maxURI {
			return
		}
		b, err := ParseAddress(out)
		if err != nil {
			t.Fatalf("ParseAddress(%q), printed from %q: %v", out, s, err)
		}
		if b.String() != out || b.Name != a.Name || !reflect.DeepEqual(a.Params, b.Params) {
			t.Fatalf("%q printed as %q reads as %#v, want %#v", s, out, b, a)
		}
	})
}
