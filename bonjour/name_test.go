package bonjour

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"
)

func TestLabelsGoThroughTheWireAsTheyAre(t *testing.T) {
	for _, raw := range []string{
		"anna", "Anna's phone", "a.b", `back\slash`, "Bärbel 📞", "a@b;c(d)\"e\"", "123", `\123`, ".", " ", "tab\there", "\xff\xfe",
	} {
		name := instanceName(raw, "_sip._udp")
		buf := make([]byte, 300)
		n, err := dns.PackDomainName(name, buf, 0, nil, false)
		if err != nil {
			t.Errorf("PackDomainName(%q): %v", name, err)
			continue
		}
		if got, want := string(buf[1:1+buf[0]]), raw; got != want {
			t.Errorf("label of %q on the wire = %q, want %q", raw, got, want)
		}
		back, _, err := dns.UnpackDomainName(buf[:n], 0)
		if err != nil || back != name {
			t.Errorf("UnpackDomainName() = %q, %v, want %q", back, err, name)
		}
		b := newBuilder(message{}, 1000)
		b.name(name, false)
		if got, want := string(b.buf[headerLen:]), string(buf[:n]); got != want {
			t.Errorf("name(%q) = %q, want %q", name, got, want)
		}
		label, rest := splitName(name)
		if unescape(label) != raw || rest != "_sip._udp.local." {
			t.Errorf("splitName(%q) = %q, %q", name, unescape(label), rest)
		}
		if got := unescape(escapeText(raw)); got != raw {
			t.Errorf("unescape(escapeText(%q)) = %q", raw, got)
		}
	}
}

func TestFoldKnowsOnlyASCII(t *testing.T) {
	for in, want := range map[string]string{
		"anna.local.": "anna.local.", "Anna.LOCAL.": "anna.local.", "": "", `B\195\132R.local.`: `b\195\132r.local.`,
	} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestInstanceLabel(t *testing.T) {
	long := strings.Repeat("ä", 40)
	for _, row := range []struct{ in, want string }{
		{"Anna", "Anna"},
		{"  Anna \n", "Anna"},
		{"An\x00na\x1b", "Anna"},
		{"a\xffb", "a\uFFFDb"},
		{long, strings.Repeat("ä", 31)}, // 62 bytes: half a rune would be left
		{"a\u0308", "ä"},
		{strings.Repeat("x", 62) + " y", strings.Repeat("x", 62)},
	} {
		got, err := instanceLabel(row.in)
		if err != nil || got != row.want {
			t.Errorf("instanceLabel(%q) = %q, %v, want %q", row.in, got, err, row.want)
		}
	}
	for _, in := range []string{"", " ", "\x00\x01"} {
		if got, err := instanceLabel(in); err == nil {
			t.Errorf("instanceLabel(%q) = %q, want an error", in, got)
		}
	}
}

func TestNumbered(t *testing.T) {
	for _, row := range []struct {
		name string
		n    int
		want string
	}{
		{"Anna", 0, "Anna"},
		{"Anna", 1, "Anna"},
		{"Anna", 2, "Anna (2)"},
		{"Anna", 17, "Anna (17)"},
		{strings.Repeat("é", 31), 2, strings.Repeat("é", 29) + " (2)"},
		{strings.Repeat("x", 58) + " yyyy", 2, strings.Repeat("x", 58) + " (2)"},
	} {
		got := numbered(row.name, row.n)
		if got != row.want || len(got) > maxLabel || !utf8.ValidString(got) {
			t.Errorf("numbered(%q, %d) = %q, want %q", row.name, row.n, got, row.want)
		}
	}
}

func TestHostLabel(t *testing.T) {
	for in, want := range map[string]string{
		"annas-laptop-parley": "annas-laptop-parley", "Anna's Laptop": "Annas-Laptop", "a..b__c": "a-b-c", "-x-": "x",
		"Bärbel": "B-rbel", "📞": "", "": "", strings.Repeat("x", 70): strings.Repeat("x", 63), strings.Repeat("x", 62) + "-y": strings.Repeat("x", 62),
	} {
		if got := hostLabel(in); got != want {
			t.Errorf("hostLabel(%q) = %q, want %q", in, got, want)
		}
	}
	if got, want := numberedHost(strings.Repeat("x", 63), 12), strings.Repeat("x", 60)+"-12"; got != want {
		t.Errorf("numberedHost(63 x, 12) = %q, want %q", got, want)
	}
	if got, want := numberedHost("laptop", 1), "laptop"; got != want {
		t.Errorf("numberedHost(laptop, 1) = %q, want %q", got, want)
	}
}

func TestCheckType(t *testing.T) {
	for _, good := range []string{"_sip._udp", "_sipuri._tcp", "_a-1._tcp", "_fifteenletters1._udp"} {
		if err := checkType(good); err != nil {
			t.Errorf("checkType(%q) error = %v, want nil", good, err)
		}
	}
	for _, bad := range []string{"", "_sip", "sip._udp", "_sip.udp", "_sip._sctp", "_._udp", "_a b._udp", "_sip._udp.local", "_a.b._udp", "_sixteen-letters1._udp", "_-a._udp", "_ä._udp"} {
		if err := checkType(bad); err == nil {
			t.Errorf("checkType(%q) error = nil, want one", bad)
		}
	}
}
