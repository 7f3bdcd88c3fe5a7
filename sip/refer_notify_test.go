package sip_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

// refer is a REFER of the peer inside its call.
func refer(branch string, cseq int, tag, extra string) string {
	return request("REFER", branch, cseq, tag, "Contact: <sip:peer@10.0.0.2:5060>\n"+extra)
}

// referred is the newest Referred of a side.
func (s *side) referred() sip.Referred {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen["sip.Referred"].(sip.Referred)
}

// told answers the next NOTIFY and returns what it said.
func told(s *side, p *siptest.Peer) string {
	got := p.Expect("NOTIFY")
	p.Send(s.addr, got.Reply("200 OK", "", ""))
	synctest.Wait()
	return strings.Join([]string{got.Header("Event"), got.Header("Subscription-State"), got.Header("Content-Type"), strings.TrimSpace(got.Body())}, ", ")
}

func TestReferred(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag := answered(t, s, p, "")
		p.Send(s.addr, refer("r", 2, tag, `Refer-To: "Ca" <sip:carol@example.org;transport=tcp;method=INVITE?Route=%3Csip:evil%3E&Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df&Subject=x>`+"\nReferred-By: Peer <sip:peer@example.org>;cid=1\n"))
		s.wait("referred sip:carol@example.org;transport=tcp")
		want := sip.Referred{
			ID: 2, By: `"Peer" <sip:peer@example.org>`, Replaces: &sip.Replaces{CallID: "a@b", ToTag: "t", FromTag: "f"},
			To: sip.Address{Name: "Ca", URI: must(sip.ParseURI("sip:carol@example.org;transport=tcp"))},
		}
		if diff := cmp.Diff(want.Replaces, s.referred().Replaces); diff != "" || s.referred().By != want.By || s.referred().ID != want.ID || s.referred().To.String() != want.To.String() {
			t.Errorf("Referred = %+v, want %+v", s.referred(), want)
		}
		ok(t, c.AnswerRefer(2, 202, ""))
		took := p.Expect("202 REFER")
		if got, want := took.Header("Contact"), "<sip:abcdefgh@10.0.0.1:5060>"; got != want {
			t.Errorf("Contact = %q, want %q", got, want)
		}
		const frag = "message/sipfrag;version=2.0, SIP/2.0 "
		if got, want := told(s, p), "refer;id=2, active;expires=300, "+frag+"100 Trying"; got != want {
			t.Errorf("first = %q, want %q", got, want)
		}
		time.Sleep(10 * time.Second)
		ok(t, c.NotifyRefer(2, 180, ""))
		if got, want := told(s, p), "refer;id=2, active;expires=290, "+frag+"180 Ringing"; got != want {
			t.Errorf("second = %q, want %q", got, want)
		}
		ok(t, c.NotifyRefer(2, 200, "Fine"))
		if got, want := told(s, p), "refer;id=2, terminated;reason=noresource, "+frag+"200 Fine"; got != want {
			t.Errorf("third = %q, want %q", got, want)
		}
		ok(t, c.NotifyRefer(2, 486, ""))
		p.Silent("NOTIFY", 10*time.Minute)
	})
}

// One NOTIFY is under way at a time; of what comes meanwhile the last is told.
func TestNotificationsDoNotOvertake(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag := answered(t, s, p, "")
		p.Send(s.addr, refer("r", 2, tag, "Refer-To: sip:carol@example.org\n"))
		s.wait("referred sip:carol@example.org")
		ok(t, c.AnswerRefer(2, 202, ""))
		first := p.Expect("NOTIFY")
		for _, code := range []int{180, 183, 180, 200} {
			ok(t, c.NotifyRefer(2, code, ""))
		}
		p.Silent("BYE", 400*time.Millisecond)
		p.Send(s.addr, first.Reply("200 OK", "", ""))
		if got := told(s, p); !strings.HasSuffix(got, "SIP/2.0 200 OK") || !strings.Contains(got, "terminated") {
			t.Errorf("after the first came %q", got)
		}
	})
}

func TestReferAnswers(t *testing.T) {
	tests := []struct {
		name, extra string
		act         func(c *sip.Call) error
		want        string
		silent      bool
	}{
		{"declined", "", func(c *sip.Call) error { return c.AnswerRefer(2, 603, "No thanks") }, "603 REFER", true},
		{"nothing is to be told", "Refer-Sub: false\n", func(c *sip.Call) error { return c.AnswerRefer(2, 202, "") }, "202 REFER", true},
		{"nothing is to be told, as required", "Refer-Sub: false\nRequire: norefersub\n", func(c *sip.Call) error { return c.AnswerRefer(2, 202, "") }, "202 REFER", true},
		{"something is to be told", "Refer-Sub: true\n", func(c *sip.Call) error { return c.AnswerRefer(2, 202, "") }, "202 REFER", false},
		{"nobody answers", "", func(c *sip.Call) error { time.Sleep(20 * time.Second); return nil }, "480 REFER", true},
		{"the call ends first", "", func(c *sip.Call) error { return c.Bye("") }, "487 REFER", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				c, tag := answered(t, s, p, "")
				p.Send(s.addr, refer("r", 2, tag, "Refer-To: <sip:carol@example.org>\n"+tt.extra))
				s.wait("referred sip:carol@example.org")
				ok(t, tt.act(c))
				if tt.want == "487 REFER" {
					p.Send(s.addr, p.Expect("BYE").Reply("200 OK", "", ""))
				}
				got := p.Expect(tt.want)
				if want := strings.Contains(tt.extra, "false"); (got.Header("Refer-Sub") == "false") != want {
					t.Errorf("Refer-Sub = %q", got.Header("Refer-Sub"))
				}
				if tt.want == "603 REFER" && got.Line() != "SIP/2.0 603 No thanks" {
					t.Errorf("refused with %q", got.Line())
				}
				if !tt.silent {
					p.Expect("NOTIFY")
					return
				}
				if c.AnswerRefer(2, 202, "") == nil { // too late
					ok(t, c.NotifyRefer(2, 200, ""))
				}
				p.Silent("NOTIFY", time.Minute)
			})
		})
	}
}

func TestAnswerReferChecks(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag := answered(t, s, p, "")
		p.Send(s.addr, refer("r", 2, tag, "Refer-To: <sip:carol@example.org>\n"))
		s.wait("referred sip:carol@example.org")
		for _, code := range []int{0, 100, 200, 299, 700} {
			if err := c.AnswerRefer(2, code, ""); !errors.Is(err, sip.ErrState) {
				t.Errorf("AnswerRefer(%d) = %v, want ErrState", code, err)
			}
		}
		if c.AnswerRefer(2, 603, "a\r\nb") == nil || c.NotifyRefer(2, 180, "a\nb") == nil || c.NotifyRefer(2, 99, "") == nil {
			t.Error("nonsense was taken")
		}
		ok(t, c.NotifyRefer(2, 180, "")) // not answered yet: nothing may be told
		ok(t, c.AnswerRefer(7, 603, "")) // no such REFER
		p.Silent("NOTIFY", time.Second)
		ok(t, c.AnswerRefer(2, 202, ""))
		p.Expect("202 REFER")
	})
}

func TestReferRefusals(t *testing.T) {
	place := "Replaces=a%3Bto-tag%3Dt%3Bfrom-tag%3Df"
	tests := []struct{ name, extra, want string }{
		{"no target", "", "400"},
		{"two targets", "Refer-To: <sip:a@b>\nRefer-To: <sip:c@d>\n", "400"},
		{"two targets in one", "Refer-To: <sip:a@b>, <sip:c@d>\n", "400"},
		{"two compact targets", "r: <sip:a@b>\nr: <sip:c@d>\n", "400"},
		{"two who asked", "Refer-To: <sip:a@b>\nReferred-By: <sip:c@d>\nb: <sip:e@f>\n", "400"},
		{"broken who asked", "Refer-To: <sip:a@b>\nReferred-By: <sip:c d>\n", "400"},
		{"no URI", "Refer-To: <carol>\n", "400"},
		{"no host", "Refer-To: <sip:>\n", "400"},
		{"web page", "Refer-To: <http://example.org/>\n", "416"},
		{"web page without brackets", "Refer-To: https://example.org/\n", "416"},
		{"mail", "Refer-To: Carol <mailto:carol@example.org>\n", "416"},
		{"callto", "Refer-To: <callto:carol>\n", "416"},
		{"another method", "Refer-To: <sip:a@b;method=BYE>\n", "403"},
		{"a broken place", "Refer-To: <sip:a@b?Replaces=x>\n", "400"},
		{"two places", "Refer-To: <sip:a@b?" + place + "&" + place + ">\n", "400"},
		{"ourselves", "Refer-To: <sip:abcdefgh@10.0.0.1>\n", "482"},
		{"an extension", "Refer-To: <sip:a@b>\nRequire: multiple-refer\n", "420"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				_, tag := answered(t, s, p, "")
				p.Send(s.addr, refer("r", 2, tag, tt.extra))
				p.Expect(tt.want + " REFER")
				s.want("confirmed")
				if tt.want == "400" || tt.want == "416" { // none of them stays open
					p.Send(s.addr, refer("again", 3, tag, "Refer-To: <tel:+4930123>\n"))
					s.wait("referred tel:+4930123")
				}
			})
		})
	}
}

func TestReferBeforeTheAnswer(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("x", sdpLines))
		in := s.call()
		ok(t, in.Ring(180, nil))
		tag := p.Expect("180 INVITE").Tag("To")
		p.Send(s.addr, refer("r", 2, tag, "Refer-To: <sip:carol@example.org>\n"))
		p.Expect("403 REFER")
		ok(t, in.Reject(486, ""))
	})
}

func TestTooManyRefers(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag := answered(t, s, p, "")
		for i := range 3 {
			p.Send(s.addr, refer(fmt.Sprint("r", i), 2+i, tag, "Refer-To: <sip:carol@example.org>\n"))
			synctest.Wait()
		}
		if got := p.Expect("500 REFER"); got.Header("Retry-After") == "" {
			t.Error("500 without Retry-After")
		}
		s.want("confirmed", "referred sip:carol@example.org", "referred sip:carol@example.org")
		for id := range 2 { // both are told apart
			ok(t, c.AnswerRefer(uint64(2+id), 202, ""))
			if got := told(s, p); !strings.HasPrefix(got, fmt.Sprintf("refer;id=%d, active", 2+id)) {
				t.Errorf("told %q", got)
			}
		}
	})
	// One after the other: no more than ten in a minute.
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag := answered(t, s, p, "")
		for i := range 11 {
			p.Send(s.addr, refer(fmt.Sprint("r", i), 2+i, tag, "Refer-To: <sip:carol@example.org>\n"))
			synctest.Wait()
			_ = c.AnswerRefer(uint64(2+i), 603, "")
			if i < 10 {
				p.Expect("603 REFER")
			}
		}
		p.Expect("500 REFER")
		time.Sleep(time.Minute)
		p.Send(s.addr, refer("later", 13, tag, "Refer-To: <sip:later@example.org>\n"))
		s.wait("referred sip:later@example.org")
	})
}

// Nobody listens: then nothing more is told.
func TestNotifyRefused(t *testing.T) {
	for _, status := range []string{"481 Gone", "500 No", ""} {
		with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			c, tag := answered(t, s, p, "")
			p.Send(s.addr, refer("r", 2, tag, "Refer-To: <sip:carol@example.org>\n"))
			s.wait("referred sip:carol@example.org")
			ok(t, c.AnswerRefer(2, 202, ""))
			first := p.Expect("NOTIFY")
			if status != "" {
				p.Send(s.addr, first.Reply(status, "", ""))
			} else {
				time.Sleep(40 * time.Second)
				for range 10 { // its repetitions
					p.Expect("NOTIFY")
				}
			}
			synctest.Wait()
			ok(t, c.NotifyRefer(2, 200, ""))
			p.Silent("NOTIFY", time.Minute)
			s.want("confirmed", "referred sip:carol@example.org")
		})
	}
}

func TestSubscriptionRunsOut(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, tag := answered(t, s, p, "")
		p.Send(s.addr, refer("r", 2, tag, "Refer-To: <sip:carol@example.org>\n"))
		s.wait("referred sip:carol@example.org")
		ok(t, c.AnswerRefer(2, 202, ""))
		told(s, p)
		ok(t, c.NotifyRefer(2, 180, ""))
		told(s, p)
		time.Sleep(5 * time.Minute)
		if got, want := told(s, p), "refer;id=2, terminated;reason=timeout, message/sipfrag;version=2.0, SIP/2.0 180 Ringing"; got != want {
			t.Errorf("at the end = %q, want %q", got, want)
		}
		ok(t, c.NotifyRefer(2, 200, ""))
		p.Silent("NOTIFY", time.Minute)
	})
}
