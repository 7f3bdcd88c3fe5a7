package middleware_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// direct runs f with a phone that has called a scripted peer without an account,
// and with another peer, who is a stranger.
func direct(t *testing.T, f func(t *testing.T, p *middlewaretest.Phone, peer, stranger *siptest.Peer, s *middleware.Session, invite siptest.Message)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		peer := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		stranger := siptest.NewPeer(t, &n.SIP, "192.0.2.66:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1")
		s := p.Dial("sip:bob@192.0.2.10:5060")
		invite := peer.Expect("INVITE")
		peer.Send(invite.From, invite.Reply("200 OK", "b", peerAudio))
		peer.Expect("ACK")
		soon()
		p.Names()
		f(t, p, peer, stranger, s, invite)
		p.Stop()
		peer.Close()
		stranger.Close()
	})
}

// inPlaceOf is an INVITE of a peer that wants the place of the call that invite
// began.
func inPlaceOf(invite siptest.Message, from *siptest.Peer, extra string) string {
	user := strings.TrimSuffix(invite.Header("Contact"), ">")
	return fmt.Sprintf("INVITE %s SIP/2.0\nVia: SIP/2.0/UDP %v;branch=z9hG4bKplace%s\nMax-Forwards: 70\nFrom: <sip:dave@example.org>;tag=d\nTo: <sip:x@192.0.2.1>\n"+
		"Call-ID: place-%s\nCSeq: 1 INVITE\nContact: <sip:dave@%v>\nReplaces: %s;to-tag=%s;from-tag=b\n%s",
		strings.TrimPrefix(user, "<"), from.Addr, from.Addr.Addr(), from.Addr.Addr(), from.Addr, invite.Header("Call-ID"), invite.Tag("From"), extra)
}

const offeredAudio = "Content-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 192.0.2.66\ns=-\nc=IN IP4 192.0.2.66\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n"

func TestAStrangerTakesNoPlace(t *testing.T) {
	for name, extra := range map[string]string{
		"with the right tags alone":    "",
		"sent by somebody else":        "Referred-By: <sip:mallory@192.0.2.66>\n",
		"sent by a number":             "Referred-By: <tel:+4930123>\n",
		"with two who could have":      "Referred-By: <sip:bob@192.0.2.10:5060>\nReferred-By: <sip:bob@192.0.2.10:5060>\n",
		"from a namesake of the other": "Referred-By: <sip:bob@192.0.2.66:5060>\n",
	} {
		t.Run(name, func(t *testing.T) {
			direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, stranger *siptest.Peer, s *middleware.Session, invite siptest.Message) {
				stranger.Send(invite.From, inPlaceOf(invite, stranger, extra+offeredAudio))
				stranger.Expect("403 INVITE")
				soon()
				wantNames(t, "phone", p)
				if got := s.Snapshot(); got.State() != session.Established || got.OnHold() {
					t.Errorf("the call is %v, on hold %v", got.State(), got.OnHold())
				}
				hangUp(peer, s)
			})
		})
	}
}

func TestWhoMayTakeAPlace(t *testing.T) {
	for name, extra := range map[string]string{
		"sent by the other side":                 "Referred-By: \"Bob\" <sip:bob@192.0.2.10:5060>\n",
		"the other side's machine by its number": "",
	} {
		t.Run(name, func(t *testing.T) {
			direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, stranger *siptest.Peer, s *middleware.Session, invite siptest.Message) {
				from := stranger
				if extra == "" {
					from = peer
				}
				from.Send(invite.From, inPlaceOf(invite, from, extra+offeredAudio))
				takenOver(t, p, peer, from, s, invite)
				wantNames(t, "phone", p, "SIPSessionNewIncoming", "SIPSessionNewReplacement", "SIPSessionWillStart", "SIPSessionDidStart", "SIPSessionWillEnd", "SIPSessionDidEnd")
				hangUp(from, p.Session())
			})
		})
	}
}

// takenOver answers for both peers until the new call is up and the old one over.
func takenOver(t *testing.T, p *middlewaretest.Phone, peer, from *siptest.Peer, old *middleware.Session, invite siptest.Message) {
	t.Helper()
	ok := from.Expect("200 INVITE")
	from.Send(ok.From, fmt.Sprintf("ACK sip:x@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP %v;branch=z9hG4bKack\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: 1 ACK\n",
		from.Addr, ok.Header("From"), ok.Header("To"), ok.Header("Call-ID")))
	bye := peer.Expect("BYE")
	if bye.Header("Call-ID") != invite.Header("Call-ID") {
		t.Error("another call was ended")
	}
	peer.Send(bye.From, bye.Reply("200 OK", "", ""))
	soon()
	now, was := p.Session().Snapshot(), old.Snapshot()
	if was.State() != session.Terminated || was.ReplacedBy != now.ID || now.Replaced != was.ID {
		t.Errorf("old call %v replaced by %d, new call %d in place of %d", was.State(), was.ReplacedBy, now.ID, now.Replaced)
	}
}

// The person talks to somebody else: the call that takes the place is kept
// waiting as the old one was.
func TestPlaceOfAHeldCall(t *testing.T) {
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, stranger *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		s.Hold()
		re := peer.Expect("INVITE")
		peer.Send(re.From, re.Reply("200 OK", "", strings.Replace(peerAudio, "o=- 1 1", "o=- 1 2", 1)+"a=recvonly\n"))
		peer.Expect("ACK")
		soon()
		peer.Send(invite.From, inPlaceOf(invite, peer, offeredAudio))
		ok := peer.Expect("200 INVITE")
		peer.Send(ok.From, fmt.Sprintf("ACK sip:x@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKack\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: 1 ACK\n",
			ok.Header("From"), ok.Header("To"), ok.Header("Call-ID")))
		for seen := 0; seen < 2; seen++ { // in whichever order
			hold := peer.Expect([]string{"BYE", "INVITE"}[seen])
			peer.Send(hold.From, hold.Reply("200 OK", "", strings.Replace(peerAudio, "o=- 1 1", "o=- 1 2", 1)+"a=recvonly\n"))
			if hold.Summary() == "INVITE" && !strings.Contains(hold.Body(), "a=sendonly") {
				t.Errorf("the new call offered\n%s", hold.Body())
			}
		}
		soon()
		if got := p.Session().Snapshot(); !got.OnHoldByLocal {
			t.Errorf("the new call is not on hold: %+v", got)
		}
		hangUp(peer, p.Session())
	})
}

// What was recorded was agreed with somebody else.
func TestPlaceOfARecordedCall(t *testing.T) {
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, stranger *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		s.StartRecordingAudio("")
		soon()
		file := s.Snapshot().Audio.RecordingFile
		peer.Send(invite.From, inPlaceOf(invite, peer, offeredAudio))
		takenOver(t, p, peer, peer, s, invite)
		stop, _ := middlewaretest.Last[middleware.SIPSessionDidStopRecordingAudio](p)
		if stop.Session != s.ID() || stop.FileName != file || stop.Err != nil {
			t.Errorf("the recording ended so: %+v", stop)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
		if got := p.Session().Snapshot().Audio.RecordingFile; got != "" {
			t.Errorf("the new call is recorded to %s", got)
		}
		hangUp(peer, p.Session())
	})
}

// A call that cannot be answered harms nobody.
func TestPlaceThatCannotBeTaken(t *testing.T) {
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, stranger *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		peer.Send(invite.From, inPlaceOf(invite, peer, strings.Replace(offeredAudio, "9 G722", "9 unknown", 1)))
		peer.Expect("488 INVITE")
		soon()
		wantNames(t, "phone", p, "SIPSessionNewIncoming", "SIPSessionDidFail", "SIPSessionDidEnd")
		if got := s.Snapshot(); got.State() != session.Established || got.ReplacedBy != 0 {
			t.Errorf("the old call = %+v", got)
		}
		// It yields to others as before.
		other := p.Dial("sip:eve@192.0.2.66:5060")
		in := stranger.Expect("INVITE")
		stranger.Send(in.From, in.Reply("200 OK", "e", peerAudio))
		hold := peer.Expect("INVITE")
		peer.Send(hold.From, hold.Reply("200 OK", "", strings.Replace(peerAudio, "o=- 1 1", "o=- 1 2", 1)+"a=recvonly\n"))
		soon()
		if !s.Snapshot().OnHoldByLocal {
			t.Error("the old call is not put on hold any more")
		}
		peer.Expect("ACK")
		hangUp(peer, s)
		hangUp(peer, other) // where the Contact leads
	})
}

// Through an account only its server may bring a call that takes a place.
func TestPlaceInAnAccountsCall(t *testing.T) {
	fromAccount(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		stranger := siptest.NewPeer(t, &p.Net.SIP, "192.0.2.66:5060")
		defer stranger.Close()
		stranger.Send(invite.From, inPlaceOf(invite, stranger, "Referred-By: <sip:bob@example.org>\n"+offeredAudio))
		stranger.Expect("403 INVITE")
		soon()
		wantNames(t, "phone", p)
		r.Send(invite.From, inPlaceOf(invite, r, offeredAudio))
		takenOver(t, p, r, r, s, invite)
		if got := p.Session().Snapshot().Account; got != "alice@example.org" {
			t.Errorf("account of the new call = %q", got)
		}
		hangUp(r, p.Session())
	})
}

// The call is hung up here while the other one is on its way.
func TestPlaceOfACallThatIsBeingEnded(t *testing.T) {
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, _ *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		release := s.Stall()
		s.End()
		peer.Send(invite.From, inPlaceOf(invite, peer, offeredAudio))
		synctest.Wait()
		release()
		bye := peer.Expect("BYE")
		peer.Expect("603 INVITE")
		peer.Send(bye.From, bye.Reply("200 OK", "", ""))
		soon()
		if n := len(p.App.SessionManager().Sessions()); n != 0 {
			t.Errorf("%d calls are left", n)
		}
	})
}

// Do not disturb is about new calls, not about those that go on.
func TestPlaceWhileNotToBeDisturbed(t *testing.T) {
	direct(t, func(t *testing.T, p *middlewaretest.Phone, peer, _ *siptest.Peer, s *middleware.Session, invite siptest.Message) {
		if err := p.App.SetUserStatus(middleware.DoNotDisturb); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		peer.Send(invite.From, inPlaceOf(invite, peer, offeredAudio))
		takenOver(t, p, peer, peer, s, invite)
		hangUp(peer, p.Session())
	})
}
