package middleware_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/siptest"
	"parley/storage"
)

// What a scripted peer puts behind a status line.
const (
	peerHead     = "Contact: <sip:bob@192.0.2.10:5060>\nContent-Type: application/sdp\n\n"
	peerAudio    = peerHead + "v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n"
	peerNewAudio = peerHead + "v=0\no=- 1 3 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n"
	peerNoAudio  = peerHead + "v=0\no=- 1 2 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 0 RTP/AVP 9\n"
)

// scripted runs f with a phone that has called a scripted peer. The peer's audio
// never comes.
func scripted(t *testing.T, f func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session), before ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1")
		s := p.Dial("sip:bob@192.0.2.10:5060")
		invite := r.Expect("INVITE")
		for _, status := range before {
			r.Send(invite.From, invite.Reply(status, "b", peerAudio))
			soon()
		}
		r.Send(invite.From, invite.Reply("200 OK", "b", peerAudio))
		r.Expect("ACK")
		soon()
		f(t, p, r, s)
		s.End()
		bye := r.Expect("BYE")
		r.Send(bye.From, bye.Reply("200 OK", "b", ""))
		soon()
		p.Stop()
		r.Close()
	})
}

func TestWithdrawnRequestForAnOffer(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, _ := connected(t, alice, bob)
		out.Inject(sip.Reinvited{})
		out.Inject(sip.ReinviteCanceled{})
		synctest.Wait()
		if got := out.Snapshot().Place; got != (session.Place{State: session.Established}) {
			t.Errorf("place after the withdrawn re-INVITE = %v, want Established", got)
		}
		out.Hold()
		soon()
		if !out.Snapshot().OnHoldByLocal {
			t.Error("the call cannot be held after a withdrawn re-INVITE")
		}
	})
}

// The peer takes our hold but not the audio, which ends it, and takes it again
// when it is proposed.
func TestAudioRejectedInARunningCall(t *testing.T) {
	scripted(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session) {
		answer := func(body string) {
			t.Helper()
			re := r.Expect("INVITE")
			r.Send(re.From, re.Reply("200 OK", "b", body))
			r.Expect("ACK")
			soon()
		}
		s.Hold()
		answer(peerNoAudio)
		update, _ := middlewaretest.Last[middleware.SIPSessionGotStreamUpdate](p)
		if s.Snapshot().Audio.Active || len(update.Streams) != 0 {
			t.Errorf("the peer rejected the audio: Audio.Active = %v, streams %q, want false, none", s.Snapshot().Audio.Active, update.Streams)
		}
		sent := s.Stats().PacketsSent
		time.Sleep(time.Second)
		if now := s.Stats().PacketsSent; now != sent {
			t.Errorf("%d packets were sent in a second to a peer that rejected the audio, want none", now-sent)
		}
		s.AddAudio()
		answer(peerNewAudio)
		if !s.Snapshot().Audio.Active {
			t.Error("Audio.Active = false after the audio was agreed on again, want true")
		}
	})
}

func TestEarlyMediaThenSilence(t *testing.T) {
	scripted(t, func(t *testing.T, p *middlewaretest.Phone, _ *siptest.Peer, s *middleware.Session) {
		update, _ := middlewaretest.Last[middleware.SIPSessionGotStreamUpdate](p)
		if len(update.Streams) != 1 {
			t.Errorf("streams told = %q, want audio", update.Streams)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !s.Snapshot().Audio.NoAudio {
			t.Error("10 s without audio after early media: NoAudio = false, want true")
		}
	}, "183 Session Progress")
}

// The first server of a name does not answer; the second takes the call.
func TestRouteAfterFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1", func(c *middleware.Config, _ *storage.Settings) {
			c.Resolver = sip.NewResolver(sip.ResolverConfig{Servers: []string{"192.0.2.53:53"}, Exchange: middlewaretest.Addresses("192.0.2.98", "192.0.2.10")})
		})
		s := p.Dial("sip:bob@two.example:5060")
		invite := r.Expect("INVITE")
		r.Send(invite.From, invite.Reply("200 OK", "b", peerAudio))
		r.Expect("ACK")
		soon()
		if got, want := s.Snapshot().Route, "udp 192.0.2.10:5060"; got != want {
			t.Errorf("Route = %q, want %q", got, want)
		}
		s.End()
		bye := r.Expect("BYE")
		r.Send(bye.From, bye.Reply("200 OK", "b", ""))
		soon()
		p.Stop()
		r.Close()
	})
}

func TestReasonOfTheHangUpIsKept(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		out.Inject(sip.Hungup{Reason: "Out of credit", Cause: 31})
		soon()
		if end := out.Snapshot().End; end.Reason != "Out of credit" || end.By != middleware.Remote || end.Kind != middleware.NoFailure {
			t.Errorf("End = %+v, want the reason of the peer and no failure", end)
		}
		in.End()
		wantOver(t, in)
	})
}

func TestDigitsThatCannotBeSentAreTold(t *testing.T) {
	scripted(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session) {
		s.SendDTMF("123") // the peer knows no telephone events
		info := r.Expect("INFO")
		r.Send(info.From, info.Reply("415 Unsupported Media Type", "b", ""))
		soon()
		got, _ := middlewaretest.Last[middleware.SIPSessionDidNotSendDTMF](p)
		if got.Digits != "123" || got.Failure.Code != 415 {
			t.Errorf("not sent: %q for %d, want 123 for 415", got.Digits, got.Failure.Code)
		}
	})
}
