package sip

import (
	"testing"

	"github.com/emiago/sipgo/sip"
)

// with returns a request that has a header field with the values, a line each.
func withField(name string, values ...string) *sip.Request {
	m := sip.NewRequest(sip.BYE, sip.Uri{Host: "h"})
	for _, v := range values {
		m.AppendHeader(sip.NewHeader(name, v))
	}
	return m
}

func TestReasonsOf(t *testing.T) {
	tests := []struct {
		values []string
		want   reasons
	}{
		{nil, reasons{}},
		{[]string{`SIP;cause=200;text="Call completed elsewhere"`}, reasons{sip: 200, text: "Call completed elsewhere"}},
		{[]string{`Q.850;cause=16;text="other"`, `SIP ; cause = 603 ; text = "say \"no\""`}, reasons{sip: 603, q850: 16, text: `say "no"`}},
		{[]string{`Q.850;text="a,b;cause=1";cause=17, SIP;cause=486`}, reasons{sip: 486, q850: 17, text: "a,b;cause=1"}},
		{[]string{`SIP;cause=x;text="`}, reasons{text: `"`}},
		{[]string{`SIP;cause=-1`, `q.850;cause=70000`, `X;cause=5;text=no`}, reasons{}},
		{[]string{`SIP;cause=486`, `SIP;cause=600;text="first text"`}, reasons{sip: 486, text: "first text"}},
	}
	for _, tt := range tests {
		if got := reasonsOf(withField("Reason", tt.values...)); got != tt.want {
			t.Errorf("reasonsOf(%q) = %+v, want %+v", tt.values, got, tt.want)
		}
	}
}

func TestReasonHeaderIsReadBack(t *testing.T) {
	for _, text := range []string{"busy", `a "quoted" \ one`, "two\r\nlines", "a, b"} {
		hs := reasonHeader(486, text)
		if len(hs) != 1 || CheckHeader(hs[0].Name, hs[0].Value) != nil {
			t.Fatalf("reasonHeader(%q) = %q", text, hs)
		}
		want := reasons{sip: 486, text: CleanText(text, 200)}
		if got := reasonsOf(withField(hs[0].Name, hs[0].Value)); got != want {
			t.Errorf("read back = %+v, want %+v", got, want)
		}
	}
}

func FuzzReason(f *testing.F) {
	f.Add(`SIP;cause=200;text="Call completed elsewhere"`)
	f.Add(`Q.850;cause=16;text="a\"b;c"`)
	f.Add(`SIP;text="a\`)
	f.Fuzz(func(t *testing.T, value string) {
		got := reasonsOf(withField("Reason", value))
		if got.text == "" {
			return
		}
		for _, h := range reasonHeader(got.sip, got.text) {
			again := reasonsOf(withField(h.Name, h.Value))
			if again.sip != got.sip || again.text != got.text {
				t.Errorf("reasonsOf(%q) = %+v, printed and read again %+v", value, got, again)
			}
		}
	})
}
