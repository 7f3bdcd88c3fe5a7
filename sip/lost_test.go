package sip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/sip"
	"parley/sip/siptest"
)

func TestReinviteLosses(t *testing.T) {
	for _, summary := range []string{"INVITE", "200 INVITE", "ACK"} {
		t.Run(summary, func(t *testing.T) {
			pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
				out, in := connect(t, alice, bob)
				synctest.Wait()
				lose(n, summary, 2)
				ok(t, in.Reinvite([]byte(offerSDP)))
				alice.wait("reinvited")
				ok(t, out.AnswerReinvite(200, "", []byte(answerSDP)))
				bob.wait("reinvite answered 200")
				alice.wait("confirmed")
				ok(t, in.Bye(""))
				alice.wait("hungup")
				bob.wait("ended well")
				alice.want("provisional 180", "answered 200", "reinvited", "confirmed", "hungup")
				bob.want("confirmed", "reinvite answered 200", "ended well")
			})
		})
	}
}

func TestDialogLostAtReinvite(t *testing.T) {
	for _, status := range []string{"481 Gone", "408 Slow"} {
		with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
			in, _ := answered(t, s, p, "")
			ok(t, in.Reinvite([]byte(offerSDP)))
			p.Send(s.addr, p.Expect("INVITE").Reply(status, "", ""))
			bye := p.Expect("BYE")
			p.Send(s.addr, bye.Reply("481 Gone", "", ""))
			s.wait("ended " + status[:3])
		})
	}
}

func TestOfferlessReinvite(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		out, in := connect(t, alice, bob)
		synctest.Wait()
		ok(t, out.Reinvite(nil))
		if err := out.Reinvite(nil); err != sip.ErrPending {
			t.Errorf("second Reinvite: %v, want %v", err, sip.ErrPending)
		}
		bob.wait("reinvited")
		ok(t, in.AnswerReinvite(200, "", []byte(offerSDP)))
		alice.wait("reinvite answered 200")
		ok(t, out.Ack([]byte(answerSDP)))
		synctest.Wait()
		last := bob.seen["sip.Confirmed"].(sip.Confirmed)
		if string(last.Body) != answerSDP || !last.Reinvite {
			t.Errorf("Confirmed = %+v, want the answer", last)
		}
		ok(t, out.Bye(""))
		bob.wait("hungup")
	})
}

func TestByeOpensANewConnection(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		r := bob.route()
		r.Transport = "tcp"
		alice.invite(r)
		in := bob.call()
		ok(t, in.Answer([]byte(answerSDP)))
		bob.wait("confirmed")
		n.BreakStreams()
		time.Sleep(time.Second)
		ok(t, in.Bye(""))
		alice.wait("hungup")
		bob.wait("ended well")
	})
}

func TestCancelStopsTheSearchForARoute(t *testing.T) {
	with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
		q := siptest.NewPeer(t, n, "10.0.0.3:5060")
		defer q.Close()
		c := s.invite(sip.Route{Transport: "udp", Addr: p.Addr}, sip.Route{Transport: "udp", Addr: q.Addr})
		p.Expect("INVITE")
		ok(t, c.Cancel(""))
		s.wait("failed 487")
		q.Silent("INVITE", time.Minute)
	})
}

func TestPanicInAHandlerHurtsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &siptest.Network{}
		s := newSide(t, n, "10.0.0.1:5060", func(c *sip.Config) {
			c.Admit = func(r sip.Request) int {
				if r.Method == "INVITE" {
					panic("admission")
				}
				return 0
			}
		})
		defer s.close()
		p := siptest.NewPeer(t, n, "10.0.0.2:5060")
		defer p.Close()
		p.Send(s.addr, invitation("a", sdpLines))
		p.Expect("500 INVITE")
		p.Send(s.addr, request("OPTIONS", "o", 2, "", ""))
		p.Expect("200 OPTIONS")
	})
}

func TestManyCallsAtOnce(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		n.SetHook(func(p siptest.Packet) (time.Duration, bool) { // order is lost on the way
			return time.Duration(len(p.Data)%7) * time.Millisecond, false
		})
		for range 10 {
			out := alice.invite(bob.route())
			in := bob.call()
			ok(t, in.Ring(180, nil))
			ok(t, in.Answer([]byte(answerSDP)))
			time.Sleep(100 * time.Millisecond)
			ok(t, out.Bye(""))
		}
		time.Sleep(40 * time.Second)
		ended := 0
		for _, ev := range alice.list() {
			if ev == "ended well" {
				ended++
			}
		}
		if ended != 10 {
			t.Errorf("%d calls ended, want 10: %q", ended, alice.list())
		}
	})
}

// What is offered before our answer has its ACK waits for that (RFC 3261 section 14.1).
func TestReinviteWaitsForAck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(s *side, p *siptest.Peer, in *sip.Call, tag string)
		want   []string // before the ACK
		after  []string // and with what follows from it
		sent   bool
	}{
		{"nothing else", func(*side, *siptest.Peer, *sip.Call, string) {}, nil, []string{"confirmed", "reinvite failed 488"}, true},
		{"canceled", func(_ *side, _ *siptest.Peer, in *sip.Call, _ string) {
			if err := in.CancelReinvite(); err != nil {
				t.Error(err)
			}
		}, []string{"reinvite failed 487"}, []string{"reinvite failed 487", "confirmed"}, false},
		{"their offer comes before the ACK", func(s *side, p *siptest.Peer, _ *sip.Call, tag string) {
			p.Send(s.addr, request("INVITE", "r2", 2, tag, sdpLines))
		}, nil, []string{"confirmed", "reinvite failed 491", "reinvited"}, false},
		{"their offer comes and no ACK", func(s *side, p *siptest.Peer, _ *sip.Call, tag string) {
			p.Send(s.addr, request("INVITE", "r2", 2, tag, sdpLines))
			time.Sleep(time.Second)
		}, []string{"confirmed", "reinvite failed 491", "reinvited"}, []string{"confirmed", "reinvite failed 491", "reinvited"}, false},
		{"bye", func(_ *side, _ *siptest.Peer, in *sip.Call, _ string) {
			if err := in.Bye(""); err != nil {
				t.Error(err)
			}
		}, nil, []string{"confirmed"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			with(t, func(t *testing.T, n *siptest.Network, s *side, p *siptest.Peer) {
				p.Send(s.addr, invitation("first", sdpLines))
				in := s.call()
				ok(t, in.Answer([]byte(answerSDP)))
				tag := p.Expect("200 INVITE").Tag("To")
				ok(t, in.Reinvite([]byte(offerSDP)))
				if err := in.Reinvite([]byte(offerSDP)); err != sip.ErrPending {
					t.Errorf("second Reinvite: %v, want %v", err, sip.ErrPending)
				}
				p.Silent("INVITE", time.Second)
				tt.before(s, p, in, tag)
				synctest.Wait()
				s.want(tt.want...)
				p.Send(s.addr, request("ACK", "ack", 1, tag, ""))
				if tt.sent {
					p.Send(s.addr, p.Expect("INVITE").Reply("488 No", "", ""))
					s.wait("reinvite failed 488")
				} else {
					p.Silent("INVITE", time.Second)
				}
				s.want(tt.after...)
			})
		})
	}
}
