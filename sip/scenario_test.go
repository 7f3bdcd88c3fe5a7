package sip_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/sip"
	"parley/sip/siptest"
)

func TestCallEndings(t *testing.T) {
	tests := []struct {
		name       string
		act        func(t *testing.T, alice, bob *side)
		alice, bob []string
	}{
		{"decline", func(t *testing.T, alice, bob *side) {
			alice.invite(bob.route())
			ok(t, bob.call().Reject(603, ""))
		}, []string{"failed 603"}, []string{"ended well"}},
		{"busy after ringing", func(t *testing.T, alice, bob *side) {
			alice.invite(bob.route())
			in := bob.call()
			ok(t, in.Ring(180, nil))
			ok(t, in.Reject(486, "Busy"))
		}, []string{"provisional 180", "failed 486"}, []string{"ended well"}},
		{"cancel while ringing", func(t *testing.T, alice, bob *side) {
			out := alice.invite(bob.route())
			ok(t, bob.call().Ring(180, nil))
			alice.wait("provisional 180")
			ok(t, out.Cancel("changed my mind"))
		}, []string{"provisional 180", "failed 487"}, []string{"canceled elsewhere=false"}},
		{"cancel before any response waits for one", func(t *testing.T, alice, bob *side) {
			out := alice.invite(bob.route())
			ok(t, out.Cancel(""))
			bob.call() // its 100 comes after 200 ms
		}, []string{"failed 487"}, []string{"canceled elsewhere=false"}},
		{"called side hangs up", func(t *testing.T, alice, bob *side) {
			_, in := connect(t, alice, bob)
			ok(t, in.Bye("enough"))
		}, []string{"provisional 180", "answered 200", "hungup"}, []string{"confirmed", "ended well"}},
		{
			"hold and resume", func(t *testing.T, alice, bob *side) {
				out, in := connect(t, alice, bob)
				ok(t, out.Reinvite([]byte(offerSDP)))
				bob.wait("reinvited")
				ok(t, in.AnswerReinvite(200, "", []byte(answerSDP)))
				alice.wait("reinvite answered 200")
				synctest.Wait()
				ok(t, in.Reinvite([]byte(answerSDP)))
				alice.wait("reinvited")
				ok(t, out.AnswerReinvite(200, "", []byte(offerSDP)))
				bob.wait("reinvite answered 200")
				synctest.Wait()
				ok(t, out.Bye(""))
			},
			[]string{"provisional 180", "answered 200", "reinvite answered 200", "reinvited", "confirmed", "ended well"},
			[]string{"confirmed", "reinvited", "confirmed", "reinvite answered 200", "hungup"},
		},
		{
			"re-INVITE refused", func(t *testing.T, alice, bob *side) {
				out, in := connect(t, alice, bob)
				ok(t, out.Reinvite([]byte(offerSDP)))
				bob.wait("reinvited")
				ok(t, in.AnswerReinvite(488, "", nil))
				alice.wait("reinvite failed 488")
				ok(t, out.Bye(""))
			},
			[]string{"provisional 180", "answered 200", "reinvite failed 488", "ended well"},
			[]string{"confirmed", "reinvited", "hungup"},
		},
		{
			"re-INVITE withdrawn", func(t *testing.T, alice, bob *side) {
				out, _ := connect(t, alice, bob)
				ok(t, out.Reinvite([]byte(offerSDP)))
				bob.wait("reinvited")
				time.Sleep(300 * time.Millisecond) // until 100
				ok(t, out.CancelReinvite())
				bob.wait("reinvite canceled")
				alice.wait("reinvite failed 487")
				ok(t, out.Bye(""))
			},
			[]string{"provisional 180", "answered 200", "reinvite failed 487", "ended well"},
			[]string{"confirmed", "reinvited", "reinvite canceled", "hungup"},
		},
		{"info", func(t *testing.T, alice, bob *side) {
			out, _ := connect(t, alice, bob)
			ok(t, out.Info(t.Context(), "application/dtmf-relay", []byte("Signal=5\r\n")))
			ok(t, out.Bye(""))
		}, []string{"provisional 180", "answered 200", "ended well"}, []string{"confirmed", "info application/dtmf-relay", "hungup"}},
		{"early media and a change of mind", func(t *testing.T, alice, bob *side) {
			alice.invite(bob.route())
			in := bob.call()
			ok(t, in.Ring(183, []byte(answerSDP)))
			ok(t, in.Ring(180, nil))
			alice.wait("provisional 180")
			in.Close()
		}, []string{"provisional 183", "provisional 180", "failed 480"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pair(t, func(t *testing.T, _ *siptest.Network, alice, bob *side) {
				tt.act(t, alice, bob)
				time.Sleep(time.Minute)
				alice.want(tt.alice...)
				bob.want(tt.bob...)
			})
		})
	}
}

func TestBothHangUp(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		out, in := connect(t, alice, bob)
		bob.wait("confirmed")
		n.SetHook(func(siptest.Packet) (time.Duration, bool) { return time.Millisecond, false }) // so that they cross
		ok(t, in.Bye(""))
		ok(t, out.Bye(""))
		time.Sleep(time.Minute)
		alice.want("provisional 180", "answered 200", "ended well")
		bob.want("confirmed", "ended well")
	})
}

func TestGlareIsAnswered491(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		out, in := connect(t, alice, bob)
		synctest.Wait()
		n.SetHook(func(siptest.Packet) (time.Duration, bool) { return 20 * time.Millisecond, false })
		ok(t, out.Reinvite([]byte(offerSDP)))
		ok(t, in.Reinvite([]byte(answerSDP)))
		alice.wait("reinvite failed 491")
		bob.wait("reinvite failed 491")
		owner := alice.seen["sip.ReinviteFailed"].(sip.ReinviteFailed).Err.(*sip.StatusError).RetryAfter
		other := bob.seen["sip.ReinviteFailed"].(sip.ReinviteFailed).Err.(*sip.StatusError).RetryAfter
		if owner < 2100*time.Millisecond || owner >= 4*time.Second || other >= 2*time.Second {
			t.Errorf("delays = %v and %v, want 2.1 to 4 s and 0 to 2 s", owner, other)
		}
		ok(t, out.Bye(""))
		bob.wait("hungup")
	})
}

// lose drops the first count messages with the summary.
func lose(n *siptest.Network, summary string, count int) {
	n.SetHook(func(p siptest.Packet) (time.Duration, bool) {
		if p.Summary() == summary && count > 0 {
			count--
			return 0, true
		}
		return 0, false
	})
}

func TestLosses(t *testing.T) {
	for _, summary := range []string{"INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"} {
		for _, count := range []int{1, 3} {
			t.Run(summary, func(t *testing.T) {
				pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
					lose(n, summary, count)
					out, _ := connect(t, alice, bob)
					ok(t, out.Bye(""))
					bob.wait("hungup")
					alice.wait("ended well")
					alice.want("provisional 180", "answered 200", "ended well")
					bob.want("confirmed", "hungup")
				})
			})
		}
	}
	t.Run("ACK to a refusal", func(t *testing.T) {
		pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
			lose(n, "ACK", 3)
			alice.invite(bob.route())
			ok(t, bob.call().Reject(486, ""))
			time.Sleep(40 * time.Second)
			// 0, 0.5, 1.5 s are lost; the one at 3.5 s arrives and ends it.
			if got, want := n.Count("486 INVITE"), 4; got != want {
				t.Errorf("486 was sent %d times, want %d", got, want)
			}
		})
	})
}

func TestAnswerIsRepeatedUntilGivenUp(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		lose(n, "ACK", 1<<20)
		alice.invite(bob.route())
		in := bob.call()
		ok(t, in.Answer([]byte(answerSDP)))
		bob.wait("ended no ack")
		var at []time.Duration
		var first time.Time
		for _, p := range n.Packets() {
			if p.Summary() == "200 INVITE" {
				if first.IsZero() {
					first = p.Time
				}
				at = append(at, p.Time.Sub(first))
			}
		}
		ms := time.Millisecond
		want := []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 7500 * ms, 11500 * ms, 15500 * ms, 19500 * ms, 23500 * ms, 27500 * ms, 31500 * ms}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("times of 200 (-want +got):\n%s", diff)
		}
		alice.wait("hungup")
		alice.want("answered 200", "hungup")
	})
}

func TestSilentRouteIsGivenUpAfterFourSeconds(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		nobody := sip.Route{Transport: "udp", Addr: netip.MustParseAddrPort("10.0.0.77:5060")}
		refused := sip.Route{Transport: "tcp", Addr: netip.MustParseAddrPort("10.0.0.78:5060")}
		start := time.Now()
		alice.invite(refused, nobody, bob.route())
		bob.call()
		if got, want := time.Since(start), 4*time.Second; got != want {
			t.Errorf("the third route was tried after %v, want %v", got, want)
		}
	})
}

func TestAllRoutesFail(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		nobody := sip.Route{Transport: "udp", Addr: netip.MustParseAddrPort("10.0.0.77:5060")}
		start := time.Now()
		alice.invite(nobody)
		alice.wait("failed timeout")
		if got, want := time.Since(start), 32*time.Second; got != want {
			t.Errorf("failed after %v, want %v", got, want)
		}
	})
}

func TestLargeRequestGoesByTCP(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
			r := alice.request(bob.route())
			r.Body = []byte(offerSDP + strings.Repeat("a=x:0123456789\r\n", 100))
			if refuse {
				p := siptest.NewPeer(t, n, "10.0.0.3:5060")
				defer p.Close()
				r.Routes = []sip.Route{{Transport: "udp", Addr: p.Addr}}
				c := must(alice.e.Invite(r))
				inv := p.Expect("INVITE")
				p.Send(alice.addr, inv.Reply("486 Busy", "t", ""))
				p.Expect("ACK")
				if c.Route().Transport != "udp" {
					t.Errorf("transport = %q, want udp", c.Route().Transport)
				}
				return
			}
			c := must(alice.e.Invite(r))
			in := bob.call()
			ok(t, in.Answer([]byte(offerSDP+strings.Repeat("a=y:0123456789\r\n", 100))))
			alice.wait("answered 200")
			if c.Route().Transport != "tcp" || in.Route().Transport != "tcp" {
				t.Errorf("transports = %q and %q, want tcp", c.Route().Transport, in.Route().Transport)
			}
			ok(t, in.Bye(""))
			alice.wait("hungup")
			for _, p := range n.Packets() {
				if p.Transport != "tcp" {
					t.Errorf("%s went by %s", p.Summary(), p.Transport)
				}
			}
		})
	}
}

func TestLargeResponseOverUDP(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		alice.invite(bob.route())
		ok(t, bob.call().Answer([]byte(answerSDP+strings.Repeat("a=y:0123456789\r\n", 500))))
		alice.wait("answered 200")
		bob.wait("confirmed")
		if slices.ContainsFunc(n.Packets(), func(p siptest.Packet) bool { return p.Transport != "udp" }) {
			t.Error("something went by TCP")
		}
	})
}

func TestBrokenConnectionEndsWhatWaitsOnIt(t *testing.T) {
	pair(t, func(t *testing.T, n *siptest.Network, alice, bob *side) {
		r := bob.route()
		r.Transport = "tcp"
		alice.invite(r)
		ok(t, bob.call().Ring(180, nil))
		alice.wait("provisional 180")
		n.BreakStreams()
		time.Sleep(time.Second)
		for _, s := range []*side{alice, bob} {
			if got := s.list(); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "failed") && !strings.HasPrefix(got[len(got)-1], "ended") {
				t.Errorf("events = %q, want an end", got)
			}
		}
	})
}
