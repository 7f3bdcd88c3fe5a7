package sip

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
)

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

func FuzzRedact(f *testing.F) {
	f.Add([]byte("Authorization: Digest response=\"0123\"\r\na=crypto:1 X inline:abc|1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		once := Redact(data)
		if !bytes.Equal(Redact(once), once) {
			t.Errorf("Redact is not stable on %q", data)
		}
	})
}
