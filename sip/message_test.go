package sip

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
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

// Whoever builds a message and with what: no line break gets into a header.
func TestNoMessageBreaksApart(t *testing.T) {
	const evil = "x\r\nX-Evil: 1"
	e := &Endpoint{log: slog.New(slog.DiscardHandler)}
	here := netip.MustParseAddrPort("10.0.0.1:5060")
	f := flow{route: Route{Transport: "udp", Addr: here}, local: here}
	plain := outgoing{method: "OPTIONS", uri: "sip:a@b", from: "<sip:a@b>;tag=1", to: "<sip:a@b>", callID: "c", cseq: 1}
	req, err := e.request(plain, f)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*outgoing){
		"Request-URI":  func(o *outgoing) { o.uri = "sip:" + evil + "@b" },
		"Route":        func(o *outgoing) { o.routes = []string{"<sip:a;lr>" + evil} },
		"From":         func(o *outgoing) { o.from = "\"" + evil + "\" <sip:a@b>;tag=1" },
		"To":           func(o *outgoing) { o.to = "\"" + evil + "\" <sip:a@b>" },
		"Call-ID":      func(o *outgoing) { o.callID = evil },
		"value":        func(o *outgoing) { o.headers = []Header{{"Subject", evil}} },
		"name":         func(o *outgoing) { o.headers = []Header{{evil, "x"}} },
		"Content-Type": func(o *outgoing) { o.body, o.bodyType = []byte("x"), evil },
	} {
		o := plain
		change(&o)
		if got, err := e.request(o, f); err == nil {
			t.Errorf("a line break in %s gave\n%s", name, got)
		}
	}
	res := e.response(req, 486, evil, nil, Header{"Warning", evil}, Header{"Retry-After", "5"})
	if got := res.String(); strings.Contains(got, "Evil") || !strings.Contains(got, "SIP/2.0 486 Busy Here\r\n") || !strings.Contains(got, "Retry-After: 5\r\n") {
		t.Errorf("a line break in a response gave\n%s", got)
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
