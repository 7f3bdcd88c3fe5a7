package middleware_test

import (
	"fmt"
	"testing"

	"parley/middleware"
)

// A transfer that fails takes its call out of hold, unless somebody wants it there
// by then.
func TestHoldAfterATransferThatFailed(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(b *siege) *middleware.Session
		held      bool
	}{
		"nothing happened": {func(*siege) *middleware.Session { return nil }, false},
		"held as well":     {func(b *siege) *middleware.Session { b.s.Hold(); return nil }, true},
		"another call":     {(*siege).secondCall, true},
	} {
		t.Run(name, func(t *testing.T) {
			rows := 1
			if name == "another call" {
				rows = 2
			}
			besieged(t, rows, func(t *testing.T, b *siege) {
				if err := b.s.Transfer("sip:carol@192.0.2.99:5060"); err != nil {
					t.Fatal(err)
				}
				re := b.r.Expect("INVITE")
				b.r.Send(re.From, re.Reply("200 OK", "b", version(1)))
				refer := b.r.Expect("REFER")
				b.r.Send(refer.From, refer.Reply("202 Accepted", "b", "Contact: <sip:bob@192.0.2.10:5060>\n"))
				soon()
				other := tt.meanwhile(b)
				soon()
				b.say("NOTIFY", "Event: refer\nSubscription-State: terminated;reason=noresource\nContent-Type: message/sipfrag\n\nSIP/2.0 486 Busy Here\n")
				soon()
				b.cseq += 10
				b.answerAll()
				soon()
				if got := b.s.Snapshot().OnHoldByLocal; got != tt.held {
					t.Errorf("on hold after the transfer failed: %v, want %v", got, tt.held)
				}
				if other != nil {
					if other.Snapshot().OnHold() {
						t.Error("the other call is on hold")
					}
					other.End()
					bye := b.stranger.Expect("BYE")
					b.stranger.Send(bye.From, bye.Reply("200 OK", "", ""))
				}
				if tt.held {
					b.s.Unhold()
					soon()
					b.answerAll()
				}
				soon()
			})
		})
	}
}

// secondCall takes up a call of the stranger.
func (b *siege) secondCall() *middleware.Session {
	b.t.Helper()
	b.stranger.Send(siptestPhone, called(b.stranger, "second", ""))
	b.stranger.Expect("180 INVITE")
	s := b.p.Session()
	s.Accept()
	ok := b.stranger.Expect("200 INVITE")
	b.stranger.Send(siptestPhone, fmt.Sprintf("ACK sip:bob@192.0.2.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bKack\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: second\nCSeq: 1 ACK\n",
		ok.Header("From"), ok.Header("To")))
	soon()
	return s
}
