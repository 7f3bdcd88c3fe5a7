package scripting

import (
	"fmt"
	"strings"
	"testing"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/sip/siptest"
)

func TestWhoACallIsFrom(t *testing.T) {
	i := &middleware.Identity{
		From: middleware.Peer{Address: "b@example.org"}, Asserted: middleware.Peer{Address: "boss@example.org"},
		Subject: "Lunch", AlertInfo: "http://x/y.wav",
		Diverted: []middleware.Diversion{
			{Peer: middleware.Peer{Name: "Reception", Address: "100@example.org"}, Reason: "no-answer"},
			{Peer: middleware.Peer{Address: "200@example.org"}, Reason: "user-busy"},
		},
	}
	for name, want := range map[string][2]string{
		"SUBJECT": {"Lunch"}, "ALERT_INFO": {"http://x/y.wav"}, "ASSERTED_IDENTITY": {"boss@example.org"}, "CLAIMED_IDENTITY": {"b@example.org"},
		"DIVERTED_BY": {"100@example.org, 200@example.org"}, "DIVERTED_REASON": {"NO_ANSWER"},
	} {
		for n, snap := range []middleware.SessionSnapshot{{Identity: i}, {}} {
			if got := callProperties[name](callView{snap: snap}); got != want[n] {
				t.Errorf("%s = %q, want %q", name, got, want[n])
			}
		}
	}
}

// What a call says of itself is read by a program, on one line whatever it is, and
// so is where a call out was redirected to.
func TestCallPropertiesOfExtensions(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		far := siptest.NewPeer(t, &alice.Net.SIP, "192.0.2.10:5060")
		defer far.Close()
		p := attach(t, s)
		answer := strings.TrimPrefix(p.do("CALL carol@192.0.2.10:5060"), "CALL ")
		id, _, _ := strings.Cut(answer, " ")
		inv := far.Expect("INVITE")
		far.Send(inv.From, inv.Reply("302 Moved Temporarily", "c", "Contact: <sip:bob@192.0.2.2:5060>\n"))
		soon()
		p.wantTold("CALL N STATUS ROUTING", "CALL N REDIRECTED_TO bob@192.0.2.2", "CALL N STATUS RINGING")
		p.want("GET CALL "+id+" REDIRECTED_TO", "CALL "+id+" REDIRECTED_TO bob@192.0.2.2")
		p.want("GET CALL "+id+" PARTNER_HANDLE", "CALL "+id+" PARTNER_HANDLE carol@192.0.2.10")
		p.do("ALTER CALL " + id + " HANGUP")
		soon()

		far.Send(inv.From, fmt.Sprintf("INVITE sip:alice@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKx\nMax-Forwards: 70\n"+
			"From: <sip:carol@192.0.2.10>;tag=c\nTo: <sip:alice@192.0.2.1>\nCall-ID: x\nCSeq: 1 INVITE\nContact: <sip:carol@192.0.2.10:5060>\n"+
			"Subject: Lunch\tat noon\nP-Asserted-Identity: <sip:boss@example.org>\nDiversion: <sip:100@example.org>\n%s", ""))
		soon()
		id = strings.TrimPrefix(p.do("SEARCH ACTIVECALLS"), "CALLS ")
		p.want("GET CALL "+id+" SUBJECT", "CALL "+id+" SUBJECT Lunch at noon")
		p.want("GET CALL "+id+" CLAIMED_IDENTITY", "CALL "+id+" CLAIMED_IDENTITY carol@192.0.2.10")
		p.want("GET CALL "+id+" ASSERTED_IDENTITY", "CALL "+id+" ASSERTED_IDENTITY") // through no server
		p.want("GET CALL "+id+" DIVERTED_BY", "CALL "+id+" DIVERTED_BY")
		p.do("ALTER CALL " + id + " HANGUP")
		soon()
	})
}
