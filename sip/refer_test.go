package sip_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

// carol is whom the tests transfer calls to.
func carol() sip.Address { return sip.Address{URI: must(sip.ParseURI("sip:carol@example.org"))} }

// notification is a NOTIFY of the peer about a REFER.
func notification(branch string, cseq int, tag, event, state, frag string) string {
	text := request("NOTIFY", branch, cseq, tag, "Contact: <sip:peer@10.0.0.2:5060>\n")
	if event != "" {
		text += "Event: " + event + "\n"
	}
	text += "Subscription-State: " + state + "\n"
	if frag != "" {
		text += "Content-Type: message/sipfrag;version=2.0\n\n" + frag + "\n"
	}
	return text
}

// referring brings up a call from the peer and has it asked to call carol.
func referring(t *testing.T, s *side, p *siptest.Peer) (*sip.Call, string, siptest.Message) {
	t.Helper()
	c, tag := answered(t, s, p, "")
	ok(t, c.Refer(sip.ReferRequest{To: carol()}))
	return c, tag, p.Expect("REFER")
}

func TestReferRequest(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, _ := answered(t, s, p, "")
		by := sip.Address{Name: "Alice", URI: must(sip.ParseURI("sip:alice@example.org"))}
		ok(t, c.Refer(sip.ReferRequest{To: carol(), By: by, Replaces: &sip.Replaces{CallID: "a@b", ToTag: "t", FromTag: "f"}}))
		got := p.Expect("REFER")
		for name, want := range map[string]string{
			"Refer-To":    "<sip:carol@example.org?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df>",
			"Referred-By": `"Alice" <sip:alice@example.org>`,
			"Contact":     "<sip:abcdefgh@10.0.0.1:5060>",
		} {
			if v := got.Header(name); v != want {
				t.Errorf("%s = %q, want %q", name, v, want)
			}
		}
		if got, want := got.Line(), "REFER sip:peer@10.0.0.2:5060 SIP/2.0"; got != want {
			t.Errorf("request line = %q, want %q", got, want)
		}
	})
}

func TestReferThatCannotBeSent(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("first", sdpLines))
		c := s.call()
		if err := c.Refer(sip.ReferRequest{To: carol()}); !errors.Is(err, sip.ErrState) {
			t.Errorf("Refer of a ringing call = %v, want ErrState", err)
		}
		if d, ok := c.Dialog(); ok {
			t.Errorf("Dialog of a ringing call = %v", d)
		}
		ok(t, c.Answer([]byte(answerSDP)))
		p.Send(s.addr, request("ACK", "ack", 1, p.Expect("200 INVITE").Tag("To"), ""))
		s.wait("confirmed")
		for name, r := range map[string]sip.ReferRequest{
			"nobody":                    {},
			"a scheme of ours":          {To: sip.Address{URI: must(sip.ParseURI("callto:bob"))}},
			"a broken place":            {To: carol(), Replaces: &sip.Replaces{CallID: "a", ToTag: "t;x"}},
			"a line break in the place": {To: carol(), Replaces: &sip.Replaces{CallID: "a\r\nX: 1", ToTag: "t", FromTag: "f"}},
			"another place already":     {To: sip.Address{URI: must(sip.ParseURI("sip:a@b?Replaces=x"))}},
		} {
			if err := c.Refer(r); err == nil {
				t.Errorf("Refer to %s was taken", name)
			}
		}
		ok(t, c.Refer(sip.ReferRequest{To: carol()}))
		if err := c.Refer(sip.ReferRequest{To: carol()}); !errors.Is(err, sip.ErrPending) {
			t.Errorf("a second Refer = %v, want ErrPending", err)
		}
		p.Send(s.addr, p.Expect("REFER").Reply("405 No", "", ""))
		s.wait("refer finished 405 405")
		ok(t, c.Refer(sip.ReferRequest{To: carol()}))
		p.Expect("REFER")
		p.Send(s.addr, request("BYE", "bye", 2, p.Expect("REFER").Tag("From"), ""))
		s.wait("hungup")
		if err := c.Refer(sip.ReferRequest{To: carol()}); !errors.Is(err, sip.ErrState) {
			t.Errorf("Refer of a call that is over = %v, want ErrState", err)
		}
	})
}

// A note is a NOTIFY of a test and the answer it is to get.
type note struct{ event, state, frag, want string }

func TestReferOutcome(t *testing.T) {
	const id = "refer;id=ID" // ID stands for the CSeq of the REFER
	const active, over = "active;expires=60", "terminated;reason=noresource"
	tests := []struct {
		name  string
		reply string
		notes []note
		want  []string // beside "confirmed"
	}{
		{"answered", "202 Accepted", []note{
			{id, active, "SIP/2.0 100 Trying", "200"},
			{id, active, "SIP/2.0 180 Ringing", "200"},
			{id, active, "SIP/2.0 180 Ringing", "200"},
			{id, over, "SIP/2.0 200 OK", "200"},
			{id, over, "SIP/2.0 200 OK", "481"},
		}, []string{"refer 202", "refer 100", "refer 180", "refer finished 200 well"}},
		{"200 in place of 202", "200 OK", []note{{id, over, "SIP/2.0 200 OK", "200"}}, []string{"refer 200", "refer finished 200 well"}},
		{"without an id", "202 Accepted", []note{{"refer", over, "SIP/2.0 200 OK", "200"}}, []string{"refer 202", "refer finished 200 well"}},
		{"busy", "202 Accepted", []note{{id, over, "SIP/2.0 486 Busy Here\r\nX: y", "200"}}, []string{"refer 202", "refer finished 486 486"}},
		{"refused", "603 Decline", nil, []string{"refer finished 603 603"}},
		{"unknown method", "501 No", nil, []string{"refer finished 501 501"}},
		{"outcome and end apart", "202 Accepted", []note{
			{id, active, "SIP/2.0 200 OK", "200"},
			{id, over, "SIP/2.0 200 OK", "200"},
			{id, over, "SIP/2.0 200 OK", "481"},
		}, []string{"refer 202", "refer finished 200 well"}},
		{"end without words", "202 Accepted", []note{{id, over, "", "200"}}, []string{"refer 202", "refer finished 0 untold"}},
		{"end in between", "202 Accepted", []note{{id, over, "SIP/2.0 180 Ringing", "200"}}, []string{"refer 202", "refer finished 180 untold"}},
		{"rejected by its user", "202 Accepted", []note{{id, "Terminated;Reason=Rejected", "", "200"}}, []string{"refer 202", "refer finished 0 603"}},
		{"timed out there", "202 Accepted", []note{{id, "terminated;reason=timeout", "SIP/2.0 100 Trying", "200"}}, []string{"refer 202", "refer finished 100 timeout"}},
		{"no status line", "202 Accepted", []note{
			{id, over, "To: <sip:x@y>", "400"},
			{id, over, "SIP/2.0 99 Low", "400"},
			{id, over, "SIP/2.0 700 High", "400"},
			{id, over, "SIP/2.0 200" + strings.Repeat("x", 2000), "400"},
			{id, active, "", "415"},
		}, []string{"refer 202"}},
		{"not ours", "202 Accepted", []note{
			{"refer;id=1", over, "SIP/2.0 200 OK", "481"},
			{"refer;id=", over, "SIP/2.0 200 OK", "481"},
			{`refer;id="`, over, "SIP/2.0 200 OK", "481"},
			{"message-summary", over, "SIP/2.0 200 OK", "481"},
			{"", over, "SIP/2.0 200 OK", "481"},
		}, []string{"refer 202"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				_, tag, refer := referring(t, s, p)
				p.Send(s.addr, refer.Reply(tt.reply, "", ""))
				synctest.Wait()
				id, _, _ := strings.Cut(refer.Header("CSeq"), " ")
				for i, m := range tt.notes {
					event := strings.Replace(m.event, "ID", id, 1)
					p.Send(s.addr, notification(fmt.Sprint("n", i), 2+i, tag, event, m.state, m.frag))
					p.Expect(m.want + " NOTIFY")
				}
				synctest.Wait()
				s.want(append([]string{"confirmed"}, tt.want...)...)
			})
		})
	}
}

func TestReferReasonIsCleaned(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		_, tag, refer := referring(t, s, p)
		p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
		p.Send(s.addr, notification("n", 2, tag, "refer", "terminated", "SIP/2.0 486 \u202eysuB\x07"))
		s.wait("refer finished 486 486")
		if got, want := s.seen["sip.ReferFinished"].(sip.ReferFinished).Reason, "ysuB"; got != want {
			t.Errorf("reason = %q, want %q", got, want)
		}
	})
}

func TestNotifyFasterThanTheAnswer(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		_, tag, refer := referring(t, s, p)
		p.Send(s.addr, notification("n1", 2, tag, "refer", "active;expires=60", "SIP/2.0 100 Trying"))
		p.Expect("200 NOTIFY")
		p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
		p.Send(s.addr, notification("n2", 3, tag, "refer", "terminated", "SIP/2.0 200 OK"))
		p.Expect("200 NOTIFY")
		synctest.Wait()
		s.want("confirmed", "refer 100", "refer finished 200 well")
	})
}

// A far end that takes a REFER and then says nothing is waited for, but not for
// ever.
func TestReferSilence(t *testing.T) {
	tests := []struct {
		name string
		act  func(s *side, p *siptest.Peer, refer siptest.Message, tag string)
		want time.Duration
		last string
	}{
		{"nothing at all", func(*side, *siptest.Peer, siptest.Message, string) {}, 32 * time.Second, "refer finished 0 timeout"},
		{"202 alone", func(s *side, p *siptest.Peer, refer siptest.Message, tag string) {
			p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
		}, 3 * time.Minute, "refer finished 0 untold"},
		{"told for how long", func(s *side, p *siptest.Peer, refer siptest.Message, tag string) {
			p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
			p.Send(s.addr, notification("n", 2, tag, "refer", "active;expires=60", "SIP/2.0 180 Ringing"))
		}, 92 * time.Second, "refer finished 180 untold"},
		{"told for too long", func(s *side, p *siptest.Peer, refer siptest.Message, tag string) {
			p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
			p.Send(s.addr, notification("n", 2, tag, "refer", "active;expires=999999999", "SIP/2.0 180 Ringing"))
		}, 10 * time.Minute, "refer finished 180 untold"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				c, tag, refer := referring(t, s, p)
				start := time.Now()
				tt.act(s, p, refer, tag)
				time.Sleep(tt.want - time.Second)
				if got := s.list(); got[len(got)-1] == tt.last {
					t.Errorf("given up before %v: %q", tt.want, got)
				}
				s.wait(tt.last)
				if got := time.Since(start); got != tt.want {
					t.Errorf("given up after %v, want %v", got, tt.want)
				}
				// The call is as it was, and another attempt is not taken for the first.
				ok(t, c.Refer(sip.ReferRequest{To: carol()}))
				again := p.Expect("REFER")
				for again.Header("CSeq") == refer.Header("CSeq") {
					again = p.Expect("REFER")
				}
				p.Send(s.addr, again.Reply("202 Accepted", "", ""))
				synctest.Wait()
				old, _, _ := strings.Cut(refer.Header("CSeq"), " ")
				p.Send(s.addr, notification("old", 3, tag, "refer;id="+old, "terminated", "SIP/2.0 200 OK"))
				p.Expect("481 NOTIFY")
			})
		})
	}
}

func TestNotifyOfAReferGivenUp(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag, refer := referring(t, s, p)
		p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
		time.Sleep(time.Minute)
		s.wait("refer finished 0 untold")
		p.Send(s.addr, notification("late", 2, tag, "refer", "terminated", "SIP/2.0 200 OK"))
		p.Expect("481 NOTIFY")
		ok(t, c.Refer(sip.ReferRequest{To: carol()}))
		again := p.Expect("REFER")
		p.Send(s.addr, again.Reply("202 Accepted", "", ""))
		synctest.Wait()
		// Which one is this about? Only a number tells.
		p.Send(s.addr, notification("bare", 3, tag, "refer", "terminated", "SIP/2.0 200 OK"))
		p.Expect("481 NOTIFY")
		id, _, _ := strings.Cut(again.Header("CSeq"), " ")
		p.Send(s.addr, notification("named", 4, tag, "refer;id="+id, "terminated", "SIP/2.0 200 OK"))
		p.Expect("200 NOTIFY")
		s.wait("refer finished 200 well")
	})
}

// The closing NOTIFY of an earlier REFER does not tell what came of the next one.
func TestClosingNotifyOfTheReferBefore(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag, refer := referring(t, s, p)
		p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
		s.wait("refer 202")
		p.Send(s.addr, notification("told", 2, tag, "refer", "active;expires=60", "SIP/2.0 486 Busy"))
		p.Expect("200 NOTIFY")
		s.wait("refer finished 486 486")
		ok(t, c.Refer(sip.ReferRequest{To: carol()}))
		again := p.Expect("REFER")
		p.Send(s.addr, again.Reply("202 Accepted", "", ""))
		synctest.Wait()
		p.Send(s.addr, notification("closing", 3, tag, "refer", "terminated;reason=noresource", "SIP/2.0 486 Busy"))
		p.Expect("200 NOTIFY")
		synctest.Wait()
		s.want("confirmed", "refer 202", "refer finished 486 486", "refer 202")
		p.Send(s.addr, notification("outcome", 4, tag, "refer", "terminated;reason=noresource", "SIP/2.0 486 Busy"))
		p.Expect("200 NOTIFY")
		synctest.Wait()
		s.want("confirmed", "refer 202", "refer finished 486 486", "refer 202", "refer finished 486 486")
	})
}

// The outcome is told before the call ends, whoever ends it.
func TestCallEndsDuringRefer(t *testing.T) {
	tests := []struct {
		name string
		act  func(t *testing.T, c *sip.Call, s *side, p *siptest.Peer, refer siptest.Message, tag string)
		want []string
	}{
		{"by the far end", func(t *testing.T, c *sip.Call, s *side, p *siptest.Peer, refer siptest.Message, tag string) {
			p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
			s.wait("refer 202")
			p.Send(s.addr, notification("n", 2, tag, "refer", "active", "SIP/2.0 180 Ringing"))
			p.Send(s.addr, request("BYE", "bye", 3, tag, ""))
			p.Expect("200 BYE")
		}, []string{"confirmed", "refer 202", "refer 180", "refer finished 180 untold", "hungup"}},
		{"by us", func(t *testing.T, c *sip.Call, s *side, p *siptest.Peer, refer siptest.Message, tag string) {
			p.Send(s.addr, refer.Reply("202 Accepted", "", ""))
			s.wait("refer 202")
			ok(t, c.Bye(""))
			p.Send(s.addr, p.Expect("BYE").Reply("200 OK", "", ""))
		}, []string{"confirmed", "refer 202", "refer finished 0 untold", "ended well"}},
		{"because it is gone", func(t *testing.T, c *sip.Call, s *side, p *siptest.Peer, refer siptest.Message, tag string) {
			p.Send(s.addr, refer.Reply("481 Gone", "", ""))
			p.Send(s.addr, p.Expect("BYE").Reply("481 Gone", "", ""))
		}, []string{"confirmed", "refer finished 481 481", "ended 481"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				c, tag, refer := referring(t, s, p)
				tt.act(t, c, s, p, refer, tag)
				s.wait(tt.want[len(tt.want)-1])
				s.want(tt.want...)
				s.mu.Lock()
				defer s.mu.Unlock()
				end := s.seen["sip.ReferFinished"].(sip.ReferFinished)
				if cutOff := strings.HasSuffix(tt.want[len(tt.want)-2], "untold"); errors.Is(end.Err, sip.ErrReferCutOff) != cutOff {
					t.Errorf("ReferFinished = %+v, want ErrReferCutOff %v", end, cutOff)
				}
			})
		})
	}
}

// The id of a subscription is the CSeq of the REFER that was taken, not of one
// that was challenged.
func TestReferWithCredentials(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
		r.Auth = sip.NewAuthorizer(sip.Credentials{Username: "alice", Password: "secret"}, nil)
		c := must(s.e.Invite(r))
		inv := p.Expect("INVITE")
		p.Send(s.addr, inv.Reply("200 OK", "t", "Contact: <sip:peer@10.0.0.2:5060>\n"+sdpLines))
		p.Expect("ACK")
		ok(t, c.Refer(sip.ReferRequest{To: carol()}))
		first := p.Expect("REFER")
		p.Send(s.addr, first.Reply("407 No", "", "Proxy-Authenticate: Digest realm=\"example.org\", nonce=\"n\", qop=\"auth\"\n"))
		second := p.Expect("REFER")
		if second.Header("Proxy-Authorization") == "" || second.Header("Refer-To") != first.Header("Refer-To") {
			t.Errorf("second REFER:\n%s", second.Data)
		}
		p.Send(s.addr, second.Reply("202 Accepted", "", ""))
		s.wait("refer 202")
		for i, tt := range []struct {
			of   siptest.Message
			want string
		}{{first, "481 NOTIFY"}, {second, "200 NOTIFY"}} {
			id, _, _ := strings.Cut(tt.of.Header("CSeq"), " ")
			p.Send(s.addr, fmt.Sprintf("NOTIFY sip:abcdefgh@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKn%d\nMax-Forwards: 70\n"+
				"From: %s;tag=t\nTo: %s\nCall-ID: %s\nCSeq: %d NOTIFY\nEvent: refer;id=%s\nSubscription-State: terminated\n"+
				"Content-Type: message/sipfrag\n\nSIP/2.0 200 OK\n", i, inv.Header("To"), inv.Header("From"), inv.Header("Call-ID"), i+1, id))
			p.Expect(tt.want)
		}
		s.wait("refer finished 200 well")
	})
}

func TestTransferOutsideACall(t *testing.T) {
	for text, want := range map[string]string{
		request("REFER", "a", 1, "", "Refer-To: <sip:carol@example.org>\nContact: <sip:peer@10.0.0.2>\n"):       "403 REFER",
		request("REFER", "a", 1, "nobody", "Refer-To: <sip:carol@example.org>\nContact: <sip:peer@10.0.0.2>\n"): "481 REFER",
		notification("a", 1, "", "refer", "active", "SIP/2.0 200 OK"):                                           "481 NOTIFY",
		notification("a", 1, "nobody", "refer", "active", "SIP/2.0 200 OK"):                                     "481 NOTIFY",
	} {
		with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			p.Send(s.addr, text)
			p.Expect(want)
			if len(s.calls) != 0 {
				t.Error("it made a call")
			}
		})
	}
}

func TestNotifyWithoutSubscription(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		_, tag := answered(t, s, p, "")
		p.Send(s.addr, notification("a", 2, tag, "refer", "terminated", "SIP/2.0 200 OK"))
		p.Expect("481 NOTIFY")
		s.want("confirmed")
	})
}
