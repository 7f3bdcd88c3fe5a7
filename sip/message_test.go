package sip

import (
	"bytes"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestReason(t *testing.T) {
	tests := []struct {
		values []string
		cause  int
		text   string
	}{
		{nil, 0, ""},
		{[]string{`SIP;cause=200;text="Call completed elsewhere"`}, 200, "Call completed elsewhere"},
		{[]string{`Q.850;cause=16`, `SIP ; cause = 603 ; text = "say \"no\""`}, 603, `say "no"`},
		{[]string{`Q.850;text="a;cause=1";cause=17`}, 17, "a;cause=1"},
		{[]string{`SIP;cause=x;text="`}, 0, `"`},
	}
	for _, tt := range tests {
		m := sip.NewRequest(sip.BYE, sip.Uri{Host: "h"})
		for _, v := range tt.values {
			m.AppendHeader(sip.NewHeader("Reason", v))
		}
		if cause, text := reasonOf(m); cause != tt.cause || text != tt.text {
			t.Errorf("reasonOf(%q) = %d, %q, want %d, %q", tt.values, cause, text, tt.cause, tt.text)
		}
	}
}

func TestReasonHeaderIsReadBack(t *testing.T) {
	for _, text := range []string{"busy", `a "quoted" \ one`, "two\r\nlines"} {
		hs := reasonHeader(486, text)
		if len(hs) != 1 || CheckHeader(hs[0].Name, hs[0].Value) != nil {
			t.Fatalf("reasonHeader(%q) = %q", text, hs)
		}
		m := sip.NewRequest(sip.BYE, sip.Uri{Host: "h"})
		m.AppendHeader(sip.NewHeader(hs[0].Name, hs[0].Value))
		if cause, got := reasonOf(m); cause != 486 || got != CleanText(text, 200) {
			t.Errorf("read back = %d, %q, want 486, %q", cause, got, CleanText(text, 200))
		}
	}
}

func FuzzReason(f *testing.F) {
	f.Add(`SIP;cause=200;text="Call completed elsewhere"`)
	f.Add(`Q.850;cause=16;text="a\"b;c"`)
	f.Fuzz(func(t *testing.T, value string) {
		m := sip.NewRequest(sip.BYE, sip.Uri{Host: "h"})
		m.AppendHeader(sip.NewHeader("Reason", value))
		cause, text := reasonOf(m)
		if text == "" {
			return
		}
		again := sip.NewRequest(sip.BYE, sip.Uri{Host: "h"})
		for _, h := range reasonHeader(cause, text) {
			again.AppendHeader(sip.NewHeader(h.Name, h.Value))
		}
		if c, got := reasonOf(again); c != cause || got != text {
			t.Errorf("reasonOf(%q) = %d %q, printed and read again %d %q", value, cause, text, c, got)
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte("Authorization: Digest response=\"0123\"\r\na=crypto:1 X inline:abc|1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		once := Redact(data)
		if !bytes.Equal(Redact(once), once) {
			t.Errorf("Redact is not stable on %q", data)
		}
	})
}
