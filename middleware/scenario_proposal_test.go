package middleware_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// withoutAudio brings up a call and lets alice end its audio.
func withoutAudio(t *testing.T, alice, bob *middlewaretest.Phone) (out, in *middleware.Session) {
	t.Helper()
	out, in = connected(t, alice, bob)
	out.RemoveAudio()
	soon()
	wantNames(t, "alice", alice)
	wantNames(t, "bob", bob)
	wantAudio(t, out, in, false)
	return out, in
}

func wantAudio(t *testing.T, out, in *middleware.Session, want bool) {
	t.Helper()
	for who, s := range map[string]*middleware.Session{"alice": out, "bob": in} {
		snap := s.Snapshot()
		if snap.Place != (session.Place{State: session.Established}) || snap.Audio.Active != want {
			t.Errorf("%s: place %v, audio %v, want Established, %v", who, snap.Place, snap.Audio.Active, want)
		}
		if snap.Proposal != (middleware.Proposal{}) {
			t.Errorf("%s: the proposal %+v is still shown", who, snap.Proposal)
		}
	}
}

func TestAudioIsRemovedAndProposedAgain(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := withoutAudio(t, alice, bob)
		sent := in.Stats().PacketsSent
		time.Sleep(time.Second)
		if now := in.Stats().PacketsSent; now > sent {
			t.Errorf("bob sent %d packets in a session without audio", now-sent)
		}

		in.AddAudio()
		soon()
		if a, b := out.Snapshot().State(), in.Snapshot().State(); a != session.Proposed || b != session.Proposing {
			t.Fatalf("states = %v, %v, want Proposed, Proposing", a, b)
		}
		if got := out.Snapshot().Proposal; got != (middleware.Proposal{By: middleware.Remote, Audio: true}) {
			t.Errorf("proposal at alice = %+v, want audio by remote", got)
		}
		if err := out.AcceptProposal(true, false); err != nil {
			t.Fatal(err)
		}
		soon()
		wantNames(t, "alice", alice, "SIPSessionGotStreamProposal", "SIPSessionAcceptedStreamProposal")
		wantNames(t, "bob", bob, "SIPSessionGotStreamProposal", "SIPSessionAcceptedStreamProposal")
		wantAudio(t, out, in, true)
		before := out.Stats().PacketsReceived
		time.Sleep(time.Second)
		if got := out.Stats().PacketsReceived - before; got < 40 {
			t.Errorf("alice received %d packets in a second after the audio was added, want 50", got)
		}
		accepted, _ := middlewaretest.Last[middleware.SIPSessionAcceptedStreamProposal](bob)
		if accepted.Proposer != middleware.Local {
			t.Errorf("proposer at bob = %q, want local", accepted.Proposer)
		}
	})
}

func TestProposalRejectedAndTimedOut(t *testing.T) {
	for reason, decide := range map[string]func(s *middleware.Session){
		"rejected": func(s *middleware.Session) { s.RejectProposal(); soon() },
		"timeout":  func(*middleware.Session) { time.Sleep(61 * time.Second); synctest.Wait() },
	} {
		pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
			out, in := withoutAudio(t, alice, bob)
			out.AddAudio()
			soon()
			decide(in)
			wantNames(t, "alice", alice, "SIPSessionGotStreamProposal", "SIPSessionRejectedStreamProposal")
			wantNames(t, "bob", bob, "SIPSessionGotStreamProposal", "SIPSessionRejectedStreamProposal")
			rejected, _ := middlewaretest.Last[middleware.SIPSessionRejectedStreamProposal](bob)
			if rejected.Reason != reason || rejected.Proposer != middleware.Remote {
				t.Errorf("rejected at bob: %q of %s, want %q of remote", rejected.Reason, rejected.Proposer, reason)
			}
			wantAudio(t, out, in, false)
		})
	}
}

func TestProposalCanceled(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := withoutAudio(t, alice, bob)
		out.AddAudio()
		soon()
		out.CancelProposal()
		soon()
		wantNames(t, "alice", alice, "SIPSessionGotStreamProposal", "SIPSessionRejectedStreamProposal")
		wantNames(t, "bob", bob, "SIPSessionGotStreamProposal", "SIPSessionRejectedStreamProposal")
		wantAudio(t, out, in, false)
		in.AddAudio() // nothing is left behind that would hinder the next one
		soon()
		_ = out.AcceptProposal(true, false)
		soon()
		wantAudio(t, out, in, true)
	})
}

// Both propose at once: each gets 491, and the one that waits less proposes
// again, or the other finds its wish fulfilled.
func TestProposalsThatCross(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := withoutAudio(t, alice, bob)
		goOut, goIn := out.Stall(), in.Stall()
		out.AddAudio()
		in.AddAudio()
		goOut()
		goIn()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		wantNames(t, "alice", alice, "SIPSessionGotStreamProposal", "SIPSessionAcceptedStreamProposal")
		wantNames(t, "bob", bob, "SIPSessionGotStreamProposal", "SIPSessionAcceptedStreamProposal")
		wantAudio(t, out, in, true)
	})
}

func TestProposalOvertakenByBye(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := withoutAudio(t, alice, bob)
		out.AddAudio()
		soon()
		in.End()
		soon()
		wantNames(t, "alice", alice, "SIPSessionGotStreamProposal", "SIPSessionWillEnd", "SIPSessionDidEnd")
		wantNames(t, "bob", bob, "SIPSessionGotStreamProposal", "SIPSessionWillEnd", "SIPSessionDidEnd")
		<-out.Done()
		<-in.Done()
	})
}

// A hold that was asked for during a proposal is carried out after it.
func TestHoldDuringAProposal(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := withoutAudio(t, alice, bob)
		out.AddAudio()
		soon()
		out.Hold()
		_ = in.AcceptProposal(true, false)
		soon()
		soon()
		if a, b := out.Snapshot(), in.Snapshot(); !a.OnHoldByLocal || !b.OnHoldByRemote || !b.Audio.Active {
			t.Errorf("held at alice %v, known to bob %v, audio %v, want all true", a.OnHoldByLocal, b.OnHoldByRemote, b.Audio.Active)
		}
	})
}

func TestProposalsThatMakeNoSense(t *testing.T) {
	pair(t, func(t *testing.T, alice, bob *middlewaretest.Phone) {
		out, in := connected(t, alice, bob)
		if err := out.DoWait(t.Context(), session.AddAudio, ""); !errors.Is(err, middleware.ErrHasAudio) {
			t.Errorf("AddAudio to a session with audio: %v, want ErrHasAudio", err)
		}
		var refused *session.InputError
		if err := out.DoWait(t.Context(), session.RejectProposal, ""); !errors.As(err, &refused) || refused.Input != session.RejectProposal {
			t.Errorf("RejectProposal without one: %v, want an InputError", err)
		}
		if err := in.AcceptProposal(true, true); !errors.Is(err, middleware.ErrNotSupported) {
			t.Errorf("AcceptProposal of chat: %v, want ErrNotSupported", err)
		}
		if err := in.AcceptProposal(false, false); !errors.Is(err, middleware.ErrStreams) {
			t.Errorf("AcceptProposal of nothing: %v, want ErrStreams", err)
		}
		out.RemoveAudio()
		soon()
		if err := out.DoWait(t.Context(), session.RemoveAudio, ""); !errors.Is(err, middleware.ErrNoStream) {
			t.Errorf("RemoveAudio without audio: %v, want ErrNoStream", err)
		}
		if err := out.DoWait(t.Context(), session.SendDTMF, "1"); !errors.Is(err, middleware.ErrNoStream) {
			t.Errorf("SendDTMF without audio: %v, want ErrNoStream", err)
		}
	})
}

const peerChatToo = peerHead + "v=0\no=- 1 5 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\nm=message 2855 TCP/MSRP *\na=path:msrp://192.0.2.10:2855/s;tcp\na=accept-types:text/plain\n"

// reinvite sends body to the phone in the dialog of its first INVITE, which it
// returns.
func reinvite(p *middlewaretest.Phone, r *siptest.Peer, body string) siptest.Message {
	first := siptest.Message{Packet: p.Net.SIP.Packets()[0]}
	r.Send(first.From, inDialog(first, "INVITE")+body)
	return first
}

func acknowledge(r *siptest.Peer, first siptest.Message) {
	r.Send(first.From, inDialog(first, "ACK")+"\n")
}

// inDialog is the head of a request of the scripted peer in the dialog of first.
func inDialog(first siptest.Message, method string) string {
	return method + " sip:x@192.0.2.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKchat" + method + "\nMax-Forwards: 70\n" +
		"From: <sip:bob@192.0.2.10:5060>;tag=b\nTo: " + first.Header("From") + "\nCall-ID: " + first.Header("Call-ID") + "\nCSeq: 7 " + method + "\n"
}

// Of audio and chat that are proposed together the audio is accepted.
func TestProposalAcceptedInPart(t *testing.T) {
	scripted(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session) {
		s.RemoveAudio()
		gone := r.Expect("INVITE")
		r.Send(gone.From, gone.Reply("200 OK", "b", peerNoAudio))
		r.Expect("ACK")
		soon()
		p.Names()

		first := reinvite(p, r, peerChatToo)
		soon()
		if got, want := s.Snapshot().Proposal, (middleware.Proposal{By: middleware.Remote, Audio: true, Chat: true}); got != want {
			t.Fatalf("proposal = %+v, want %+v", got, want)
		}
		if err := s.AcceptProposal(true, false); err != nil {
			t.Fatal(err)
		}
		ok := r.Expect("200 INVITE")
		if audio := strings.Contains(ok.Body(), "m=audio ") && !strings.Contains(ok.Body(), "m=audio 0 "); !audio || !strings.Contains(ok.Body(), "m=message 0 ") {
			t.Errorf("the answer has not audio alone:\n%s", ok.Body())
		}
		acknowledge(r, first)
		soon()
		wantNames(t, "the phone", p, "SIPSessionGotStreamProposal", "SIPSessionAcceptedStreamProposal")
		accepted, _ := middlewaretest.Last[middleware.SIPSessionAcceptedStreamProposal](p)
		if len(accepted.Streams) != 1 || accepted.Streams[0] != "audio" || !s.Snapshot().Audio.Active {
			t.Errorf("accepted %q, audio active %v, want audio, true", accepted.Streams, s.Snapshot().Audio.Active)
		}
	})
}

// A chat that is proposed beside the running audio is turned down without a
// question, and the audio is not touched.
func TestChatBesideAudioIsTurnedDown(t *testing.T) {
	scripted(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, s *middleware.Session) {
		p.Names()
		first := reinvite(p, r, peerChatToo)
		ok := r.Expect("200 INVITE")
		if want := "m=message 0 "; !strings.Contains(ok.Body(), want) {
			t.Errorf("the answer lacks %q:\n%s", want, ok.Body())
		}
		acknowledge(r, first)
		soon()
		wantNames(t, "the phone", p)
		if !s.Snapshot().Audio.Active {
			t.Error("the audio ended with the chat that was turned down")
		}
	})
}
