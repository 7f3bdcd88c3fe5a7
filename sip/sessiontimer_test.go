package sip_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

// withTimer runs f with one endpoint that wants a session timer and a
// hand-written peer.
func withTimer(t *testing.T, timer sip.SessionTimer, f func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) { c.SessionTimer = timer })
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		defer s.close()
		f(t, n, s, p)
	})
}

const halfHour = 30 * time.Minute

// timedCall makes a call to p whose 200 has the extra lines. It returns the
// INVITE.
func timedCall(t *testing.T, s *side, p *siptest.Peer, extra string) (*sip.Call, siptest.Message) {
	t.Helper()
	r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
	r.SessionTimer.Expires = halfHour
	c := must(s.e.Invite(r))
	inv := p.Expect("INVITE")
	p.Send(s.addr, inv.Reply("200 OK", "bob", "Contact: <sip:bob@10.0.0.2:5060>\n"+extra+sdpLines))
	p.Expect("ACK")
	s.wait("answered 200")
	return c, inv
}

// expectAfter returns the message that must come after exactly d, and none before.
func expectAfter(t *testing.T, p *siptest.Peer, d time.Duration, want string) siptest.Message {
	t.Helper()
	p.Silent(want, d-time.Second)
	start := time.Now()
	m := p.Expect(want)
	if got := time.Since(start); got != time.Second {
		t.Errorf("%s came after %v, want %v", want, d-time.Second+got, d)
	}
	return m
}

func TestSessionTimerIsAskedForAndRefreshed(t *testing.T) {
	withTimer(t, sip.SessionTimer{}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, inv := timedCall(t, s, p, "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\nSession-Expires: 600;refresher=uac\nRequire: timer\n")
		if got := []string{inv.Header("Session-Expires"), inv.Header("Min-SE"), inv.Header("Supported")}; !cmp.Equal(got, []string{"1800", "90", "replaces, norefersub, timer"}) {
			t.Errorf("the INVITE asks for %q", got)
		}
		for range 2 {
			update := expectAfter(t, p, 5*time.Minute, "UPDATE")
			if got := update.Header("Session-Expires"); got != "600;refresher=uac" || update.Body() != "" {
				t.Errorf("Session-Expires = %q", got)
			}
			p.Send(s.addr, update.Reply("200 OK", "", "Session-Expires: 600;refresher=uac\n"))
		}
		ok(t, c.Bye(""))
		p.Send(s.addr, p.Expect("BYE").Reply("200 OK", "", ""))
		s.wait("ended well")
		s.want("answered 200", "ended well")
	})
}

// Where the far end takes no UPDATE its owner is asked for a re-INVITE, which then
// counts as the refresh.
func TestSessionTimerAsksForAReinvite(t *testing.T) {
	for _, extra := range []string{"Allow: INVITE, ACK, BYE\n", "Allow: INVITE, ACK, BYE, UPDATE\n"} {
		withTimer(t, sip.SessionTimer{}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			c, _ := timedCall(t, s, p, extra+"Session-Expires: 600;refresher=uac\n")
			if strings.Contains(extra, "UPDATE") { // which turns out to be untrue
				p.Send(s.addr, expectAfter(t, p, 5*time.Minute, "UPDATE").Reply("405 Not Allowed", "", ""))
			}
			for len(s.list()) < 2 {
				time.Sleep(time.Second)
				synctest.Wait()
			}
			s.want("answered 200", "sip.RefreshDue")
			ok(t, c.Reinvite([]byte(offerSDP)))
			again := p.Expect("INVITE")
			if got := again.Header("Session-Expires"); got != "600;refresher=uac" {
				t.Errorf("Session-Expires = %q", got)
			}
			p.Send(s.addr, again.Reply("200 OK", "", "Session-Expires: 600;refresher=uas\nContact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
			p.Expect("ACK")
			time.Sleep(9 * time.Minute) // now it is for them
			s.want("answered 200", "sip.RefreshDue", "reinvite answered 200")
			bye := p.Expect("BYE")
			p.Send(s.addr, bye.Reply("200 OK", "", ""))
			s.wait("ended sip: the session has expired")
		})
	}
}

func TestSessionExpires(t *testing.T) {
	tests := []struct {
		name, answer string
		after        time.Duration
		update       string // what ours are answered; "": nothing
	}{
		{"they do not refresh", "Session-Expires: 600;refresher=uas\n", 568 * time.Second, ""},
		{"a third of a short one", "Session-Expires: 90;refresher=uas\n", 60 * time.Second, ""},
		{"hostile values are bounded", "Session-Expires: 1;refresher=uas\n", 60 * time.Second, ""},
		{"ours are refused", "Allow: UPDATE\nSession-Expires: 600\n", 568 * time.Second, "500 No"},
		{"ours are not answered", "Allow: UPDATE\nSession-Expires: 600\n", 332 * time.Second, ""},
		{"they know nothing of it", "Allow: UPDATE\nSession-Expires: 600\n", 300 * time.Second, "481 Gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			withTimer(t, sip.SessionTimer{}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				timedCall(t, s, p, tt.answer)
				start := time.Now()
				for {
					m := p.Next(10 * time.Minute)
					if m.Summary() == "UPDATE" && tt.update != "" {
						p.Send(s.addr, m.Reply(tt.update, "", ""))
					}
					if m.Summary() == "BYE" {
						if got := time.Since(start); got != tt.after {
							t.Errorf("BYE after %v, want %v", got, tt.after)
						}
						if got, want := m.Header("Reason"), `SIP;cause=408;text="Session expired"`; got != want {
							t.Errorf("Reason = %q, want %q", got, want)
						}
						p.Send(s.addr, m.Reply("200 OK", "", ""))
						break
					}
				}
				s.wait("ended sip: the session has expired")
			})
		})
	}
}

func TestIntervalTooSmall(t *testing.T) {
	withTimer(t, sip.SessionTimer{}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
		r.SessionTimer.Expires = 10 * time.Second // 90 s is the least
		must(s.e.Invite(r))
		for i, want := range []string{"90", "3600", "7200", "7200"} {
			inv := p.Expect("INVITE")
			if got := inv.Header("Session-Expires"); got != want || i > 0 && inv.Header("Min-SE") != want {
				t.Errorf("INVITE %d asks for %q, at least %q, want %s", i, got, inv.Header("Min-SE"), want)
			}
			p.Send(s.addr, inv.Reply("422 Too Small", "bob", []string{"Min-SE: 3600\n", "Min-SE: 7200\n", "Min-SE: 100\n", "Min-SE: 7200\n"}[i]))
			p.Expect("ACK")
		}
		s.wait("failed 422") // for ever is not tried
	})
	for _, least := range []string{"", "Min-SE: x\n", "Min-SE: 5\n"} {
		withTimer(t, sip.SessionTimer{}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			r := s.request(sip.Route{Transport: "udp", Addr: p.Addr})
			r.SessionTimer.Expires = halfHour
			must(s.e.Invite(r))
			p.Send(s.addr, p.Expect("INVITE").Reply("422 Too Small", "bob", least))
			s.wait("failed 422")
		})
	}
}

// A refresh that is too short by what a proxy wants by now is sent again.
func TestRefreshThatIsTooShort(t *testing.T) {
	withTimer(t, sip.SessionTimer{}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		c, _ := timedCall(t, s, p, "Allow: UPDATE\nSession-Expires: 600;refresher=uac\n")
		update := expectAfter(t, p, 5*time.Minute, "UPDATE")
		p.Send(s.addr, update.Reply("422 Too Small", "", "Min-SE: 1200\n"))
		update = p.Expect("UPDATE")
		if got := update.Header("Session-Expires"); got != "1200;refresher=uac" || update.Header("Min-SE") != "1200" {
			t.Errorf("Session-Expires = %q, Min-SE = %q, want 1200", got, update.Header("Min-SE"))
		}
		p.Send(s.addr, update.Reply("200 OK", "", "Session-Expires: 1200;refresher=uac\n"))
		synctest.Wait()
		ok(t, c.Reinvite([]byte(offerSDP)))
		re := p.Expect("INVITE")
		p.Send(s.addr, re.Reply("422 Too Small", "", "Min-SE: 2400\n"))
		p.Expect("ACK")
		re = p.Expect("INVITE")
		if got := re.Header("Session-Expires"); got != "2400;refresher=uac" || re.Body() != offerSDP {
			t.Errorf("the re-INVITE asks for %q with the body %q", got, re.Body())
		}
		p.Send(s.addr, re.Reply("200 OK", "", "Session-Expires: 2400;refresher=uac\nContact: <sip:bob@10.0.0.2:5060>\n"+sdpLines))
		p.Expect("ACK")
		s.wait("reinvite answered 200")
		s.want("answered 200", "reinvite answered 200")
		p.Silent("UPDATE", 20*time.Minute-time.Second)
		p.Send(s.addr, p.Expect("UPDATE").Reply("200 OK", "", ""))
		p.Silent("UPDATE", 2*time.Hour) // a 2xx without the field ends the timer
		ok(t, c.Bye(""))
		p.Send(s.addr, p.Expect("BYE").Reply("200 OK", "", ""))
		s.wait("ended well")
	})
}

// What an INVITE asks for and what the 200 grants (RFC 4028 section 9).
func TestSessionTimerIsGranted(t *testing.T) {
	tests := []struct{ name, asks, expires, require string }{
		{"nothing asked, not known", "", "", ""},
		{"nothing asked, but known", "Supported: timer\n", "1800;refresher=uas", ""},
		{"they refresh", "Supported: timer\nSession-Expires: 900;refresher=uac\n", "900;refresher=uac", "timer"},
		{"we refresh", "Supported: timer\nx: 900;refresher=UAS\n", "900;refresher=uas", ""},
		{"they leave it to us", "Supported: timer\nSession-Expires: 900\n", "900;refresher=uac", "timer"},
		{"demanded", "Require: timer\nSession-Expires: 900\n", "900;refresher=uac", "timer"},
		{"a proxy asks for a caller that knows nothing", "Session-Expires: 900\n", "900;refresher=uas", ""},
		{"and for too little", "Session-Expires: 10\n", "90;refresher=uas", ""},
		{"less than asked", "Supported: timer\nSession-Expires: 86400\n", "1800;refresher=uac", "timer"},
		{"not less than they may", "Supported: timer\nSession-Expires: 86400\nMin-SE: 3600\n", "3600;refresher=uac", "timer"},
		{"no number", "Supported: timer\nSession-Expires: soon\n", "1800;refresher=uas", ""},
		{"a huge number", "Supported: timer\nSession-Expires: 99999999999999999999\nMin-SE: 99999999999999999999\n", "86400;refresher=uac", "timer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			withTimer(t, sip.SessionTimer{Expires: halfHour}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				p.Send(s.addr, invitation("x", tt.asks+sdpLines))
				in := s.call()
				ok(t, in.Answer([]byte(answerSDP)))
				got := p.Expect("200 INVITE")
				if got.Header("Session-Expires") != tt.expires || got.Header("Require") != tt.require {
					t.Errorf("Session-Expires = %q, Require = %q, want %q, %q", got.Header("Session-Expires"), got.Header("Require"), tt.expires, tt.require)
				}
				p.Send(s.addr, request("ACK", "a", 1, got.Tag("To"), ""))
				p.Send(s.addr, request("BYE", "b", 2, got.Tag("To"), ""))
				p.Expect("200 BYE")
			})
		})
	}
}

func TestSessionTimerOfTheCalledSide(t *testing.T) {
	withTimer(t, sip.SessionTimer{Expires: halfHour, MinSE: 2 * time.Minute}, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		p.Send(s.addr, invitation("short", "Supported: timer\nSession-Expires: 119\n"+sdpLines))
		if got := p.Expect("422 INVITE").Header("Min-SE"); got != "120" {
			t.Errorf("Min-SE = %q, want 120", got)
		}
		p.Send(s.addr, strings.Replace(invitation("x", "Supported: timer\nSession-Expires: 600;refresher=uac\n"+sdpLines), "call-1", "call-2", 1))
		in := s.call()
		ok(t, in.Answer([]byte(answerSDP)))
		tag := p.Expect("200 INVITE").Tag("To")
		dialog := func(text string) string { return strings.Replace(text, "call-1", "call-2", 1) }
		p.Send(s.addr, dialog(request("ACK", "a", 1, tag, "")))
		s.wait("confirmed")
		seq := 1
		next := func(method, extra string) siptest.Message {
			time.Sleep(9 * time.Minute)
			seq++
			p.Send(s.addr, dialog(request(method, fmt.Sprint("r", seq), seq, tag, extra)))
			if method == "INVITE" {
				s.wait("reinvited")
				ok(t, in.AnswerReinvite(200, "", []byte(answerSDP)))
				m := p.Expect("200 INVITE")
				p.Send(s.addr, dialog(request("ACK", fmt.Sprint("ra", seq), seq, tag, "")))
				return m
			}
			return p.Expect("200 " + method)
		}
		if got := next("UPDATE", "Supported: timer\nSession-Expires: 600;refresher=uac\n").Header("Session-Expires"); got != "600;refresher=uac" {
			t.Errorf("UPDATE is granted %q", got)
		}
		if got := next("INVITE", "Supported: timer\n"+sdpLines).Header("Session-Expires"); got != "600;refresher=uac" {
			t.Errorf("a re-INVITE that asks for nothing is granted %q", got)
		}
		seq++
		p.Send(s.addr, dialog(request("UPDATE", "low", seq, tag, "Supported: timer\nSession-Expires: 90\n")))
		p.Expect("422 UPDATE")
		bye := expectAfter(t, p, 568*time.Second, "BYE")
		p.Send(s.addr, bye.Reply("200 OK", "", ""))
		s.wait("ended sip: the session has expired")
	})
}

// Both sides being Parley, a call stays up for a day.
func TestSessionTimerOfBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		on := func(c *sip.Config) { c.SessionTimer.Expires = halfHour }
		alice, bob := newSide(t, n, "10.0.0.1:5060", on), newSide(t, n, "10.0.0.2:5060", on)
		defer bob.close()
		defer alice.close()
		r := alice.request(bob.route())
		r.SessionTimer.Expires = halfHour
		must(alice.e.Invite(r))
		ok(t, bob.call().Answer([]byte(answerSDP)))
		bob.wait("confirmed")
		time.Sleep(24*time.Hour + time.Second)
		if got, want := n.Count("UPDATE"), 96; got != want {
			t.Errorf("%d refreshes in a day, want %d", got, want)
		}
		lose(n, "UPDATE", 1<<20)
		time.Sleep(halfHour)
		alice.want("answered 200", "ended sip: the session has expired")
		bob.want("confirmed", "hungup")
	})
}
