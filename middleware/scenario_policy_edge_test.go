package middleware_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// Whoever calls a machine directly can write what it likes: no server vouches for
// it, and it opens no microphone.
func TestDirectCallersAreNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			s.Calls.AnswerAfterHeader, s.Calls.AutoAnswerFrom = true, []string{"*@192.0.2.10", "door@example.org"}
			s.Calls.Reject = []string{"*@spam.example"}
		})
		for i, headers := range []string{
			"Call-Info: <sip:x@example.org>;answer-after=0\n",
			"P-Asserted-Identity: <sip:door@example.org>\nAlert-Info: <urn:x>;info=alert-autoanswer\n",
			"P-Asserted-Identity: <sip:eve@spam.example>\n",
		} {
			r.Send(netip.MustParseAddrPort("192.0.2.1:5060"), fmt.Sprintf("INVITE sip:alice@192.0.2.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKd%d\nMax-Forwards: 70\n"+
				"From: <sip:bob@192.0.2.10>;tag=d%d\nTo: <sip:alice@192.0.2.1>\nCall-ID: direct-%d\nCSeq: 1 INVITE\n%sContact: <sip:bob@192.0.2.10:5060>\n"+
				"Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n", i, i, i, headers))
			refusedAfterRinging(t, p, r)
		}
		p.Stop()
		r.Close()
	})
}

// When several things are due at one moment, one of them happens.
func TestSeveralPoliciesAtOneMoment(t *testing.T) {
	const moment = 5 * time.Second
	tests := []struct {
		name string
		set  func(*middleware.Settings)
		then func(alice *middleware.Session, bob *middleware.Session)
		ends []session.State // of bob's session, any of which is right
	}{
		{"answer and forward", func(s *middleware.Settings) {
			s.Calls.AutoAnswer, s.Calls.ForwardNoAnswerTo, s.Calls.ForwardAfter = true, "sip:carol@192.0.2.9", moment
		}, nil, []session.State{session.Established, session.Terminated}},
		{"answer and ring timeout", func(s *middleware.Settings) { s.Calls.AutoAnswer, s.Calls.RingTimeout = true, moment }, nil, []session.State{session.Established, session.Terminated}},
		{"answer and the caller gives up", func(s *middleware.Settings) { s.Calls.AutoAnswer = true }, func(alice, _ *middleware.Session) { alice.End() }, []session.State{session.Terminated}},
		{"answer and decline", func(s *middleware.Settings) { s.Calls.AutoAnswer = true }, func(_, bob *middleware.Session) { bob.Reject(false) }, []session.State{session.Established, session.Terminated}},
		{"answer and redirect", func(s *middleware.Settings) { s.Calls.AutoAnswer = true }, func(_, bob *middleware.Session) { bob.Redirect("sip:carol@192.0.2.9") }, []session.State{session.Established, session.Terminated}},
		{"answer by hand and by itself", func(s *middleware.Settings) { s.Calls.AutoAnswer = true }, func(_, bob *middleware.Session) { bob.Accept() }, []session.State{session.Established}},
		{"forward and answer by hand", func(s *middleware.Settings) {
			s.Calls.ForwardNoAnswerTo, s.Calls.ForwardAfter = "sip:carol@192.0.2.9", moment
		}, func(_, bob *middleware.Session) { bob.Accept() }, []session.State{session.Established, session.Terminated}},
		{"forward and the caller gives up", func(s *middleware.Settings) {
			s.Calls.ForwardNoAnswerTo, s.Calls.ForwardAfter = "sip:carol@192.0.2.9", moment
		}, func(alice, _ *middleware.Session) { alice.End() }, []session.State{session.Terminated}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
				set(t, bob, tt.set)
				set(t, alice, func(s *middleware.Settings) { s.Calls.FollowRedirects = false })
				out := alice.Dial(bob.URI())
				soon()
				in := bob.Session()
				if tt.then != nil {
					time.Sleep(time.Until(in.Snapshot().Created.Add(moment)))
					tt.then(out, in)
				}
				time.Sleep(moment + time.Second)
				synctest.Wait()
				if got := in.Snapshot().State(); !slices.Contains(tt.ends, got) {
					t.Errorf("state = %v, want one of %v", got, tt.ends)
				}
				if a, b := out.Snapshot().State(), in.Snapshot().State(); a != b {
					t.Errorf("the two sides are %v and %v, want the same", a, b)
				}
				ends := 0
				for _, name := range bob.Names() {
					if name == "SIPSessionDidEnd" || name == "SIPSessionDidStart" {
						ends++
					}
				}
				if ends == 0 || ends > 2 {
					t.Errorf("the call began to talk or ended %d times", ends)
				}
			})
		})
	}
}
