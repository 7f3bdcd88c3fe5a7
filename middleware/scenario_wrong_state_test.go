package middleware_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// commands are the methods of a session that want it to do something.
var commands = map[string]struct {
	in   session.Input
	call func(s *middleware.Session) error
}{
	"Accept":              {session.Accept, quietly((*middleware.Session).Accept)},
	"Reject":              {session.Reject, func(s *middleware.Session) error { s.Reject(true); return nil }},
	"Redirect":            {session.Redirect, func(s *middleware.Session) error { s.Redirect("sip:carol@192.0.2.9:5060"); return nil }},
	"Silence":             {session.Silence, quietly((*middleware.Session).Silence)},
	"CancelAutoAnswer":    {session.CancelAutoAnswer, quietly((*middleware.Session).CancelAutoAnswer)},
	"End":                 {session.End, quietly((*middleware.Session).End)},
	"Hold":                {session.Hold, quietly((*middleware.Session).Hold)},
	"Unhold":              {session.Unhold, quietly((*middleware.Session).Unhold)},
	"SendDTMF":            {session.SendDTMF, func(s *middleware.Session) error { s.SendDTMF("1"); return nil }},
	"StartRecordingAudio": {session.StartRecording, func(s *middleware.Session) error { s.StartRecordingAudio(""); return nil }},
	"StopRecordingAudio":  {session.StopRecording, quietly((*middleware.Session).StopRecordingAudio)},
	"AddAudio":            {session.AddAudio, quietly((*middleware.Session).AddAudio)},
	"RemoveAudio":         {session.RemoveAudio, quietly((*middleware.Session).RemoveAudio)},
	"AcceptProposal":      {session.AcceptProposal, func(s *middleware.Session) error { return s.AcceptProposal(true, false) }},
	"RejectProposal":      {session.RejectProposal, quietly((*middleware.Session).RejectProposal)},
	"CancelProposal":      {session.CancelProposal, quietly((*middleware.Session).CancelProposal)},
	"Transfer":            {session.Transfer, func(s *middleware.Session) error { return s.Transfer("sip:carol@192.0.2.9:5060") }},
	"AcceptTransfer":      {session.AcceptTransfer, quietly((*middleware.Session).AcceptTransfer)},
	"RejectTransfer":      {session.RejectTransfer, quietly((*middleware.Session).RejectTransfer)},
	"Do":                  {session.Connect, func(s *middleware.Session) error { s.Do(session.Connect); return nil }},
}

func quietly(f func(*middleware.Session)) func(*middleware.Session) error {
	return func(s *middleware.Session) error { f(s); return nil }
}

// otherMethods read, or are tested elsewhere: those that always fail, those that
// say by an error what was wrong, and the wait of DoWait.
var otherMethods = []string{
	"ID", "Snapshot", "Done", "Stats", "DoWait", "TransferTo", "Park", "AddChat", "RemoveChat", "SendMessage", "SendFile",
	"State", "Account", "Direction", "StartTime", "StopTime", "OnHold", "OnHoldByLocal", "OnHoldByRemote", "RemoteUserAgent",
	"LocalURI", "RemoteURI", "CallerURI", "CalleeURI", "Credentials", "Route", "AudioTransport", "HasAudio",
}

func TestEveryMethodOfASessionIsKnown(t *testing.T) {
	for m := range reflect.TypeFor[*middleware.Session]().Methods() {
		_, command := commands[m.Name]
		reads := slices.Contains(otherMethods, m.Name) || m.Type.NumIn() == 1 && m.Type.NumOut() > 0
		testing := slices.Contains([]string{"Stall", "Inject", "Panic", "RefreshNow", "Timers"}, m.Name)
		if !command && !reads && !testing {
			t.Errorf("no test knows what Session.%s does in the wrong state", m.Name)
		}
	}
}

// A standing is a place of a session, and how a phone and a peer written by hand
// get there.
type standing struct {
	place session.Place
	audio bool
	reach func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session
}

// answeredWithout takes the audio away from a call.
func answeredWithout(r *siptest.Peer, s *middleware.Session) {
	s.RemoveAudio()
	re := r.Expect("INVITE")
	r.Send(re.From, re.Reply("200 OK", "b", peerNoAudio))
	r.Expect("ACK")
	synctest.Wait()
}

func dialed(p *middlewaretest.Phone, r *siptest.Peer) (*middleware.Session, siptest.Message) {
	s := p.Dial("sip:bob@192.0.2.10:5060")
	return s, r.Expect("INVITE")
}

func up(p *middlewaretest.Phone, r *siptest.Peer) (*middleware.Session, siptest.Message) {
	s, invite := dialed(p, r)
	r.Send(invite.From, invite.Reply("200 OK", "b", peerAudio))
	r.Expect("ACK")
	synctest.Wait()
	return s, invite
}

// called is an INVITE of r.
func called(r *siptest.Peer, callID, extra string) string {
	return fmt.Sprintf("INVITE sip:bob@192.0.2.1:5060 SIP/2.0\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%s\nMax-Forwards: 70\nFrom: <sip:bob@%v>;tag=c\nTo: <sip:bob@192.0.2.1:5060>\n"+
		"Call-ID: %s\nCSeq: 1 INVITE\nContact: <sip:bob@%v>\n%s%s", r.Addr, callID, r.Addr, callID, r.Addr, extra, offeredAudio)
}

func rung(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
	r.Send(siptestPhone, called(r, "rung", ""))
	r.Expect("180 INVITE")
	synctest.Wait()
	return p.Session()
}

var standings = map[string]standing{
	"looking": {session.Place{State: session.Calling}, false, func(p *middlewaretest.Phone, _ *siptest.Peer) *middleware.Session {
		s := p.Dial("sip:bob@two.example:5060")
		synctest.Wait()
		return s
	}},
	"inviting": {session.Place{State: session.Calling, Exchange: session.LocalOffer}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := dialed(p, r)
		return s
	}},
	"ringing": {session.Place{State: session.Incoming, Exchange: session.RemoteOffer}, false, rung},
	"answered": {session.Place{State: session.Accepting}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s := rung(p, r)
		s.Accept()
		r.Expect("200 INVITE")
		return s
	}},
	"calm": {session.Place{State: session.Established}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		return s
	}},
	"calm without audio": {session.Place{State: session.Established}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		answeredWithout(r, s)
		return s
	}},
	"changing": {session.Place{State: session.Established, Exchange: session.LocalOffer}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		s.Hold()
		r.Expect("INVITE")
		return s
	}},
	"offering": {session.Place{State: session.Established, Exchange: session.Offerless}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, invite := up(p, r)
		r.Send(invite.From, within(invite, "INVITE", 1, "b", "Contact: <sip:bob@192.0.2.10:5060>\n"))
		r.Expect("200 INVITE")
		return s
	}},
	"waiting": {session.Place{State: session.Proposing}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		answeredWithout(r, s)
		s.AddAudio()
		re := r.Expect("INVITE")
		r.Send(re.From, re.Reply("491 Request Pending", "b", ""))
		r.Expect("ACK")
		return s
	}},
	"proposing": {session.Place{State: session.Proposing, Exchange: session.LocalOffer}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		answeredWithout(r, s)
		s.AddAudio()
		r.Expect("INVITE")
		return s
	}},
	"recalling": {session.Place{State: session.Proposing, Exchange: session.LocalCanceled}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		answeredWithout(r, s)
		s.AddAudio()
		r.Expect("INVITE")
		s.CancelProposal()
		return s
	}},
	"proposed": {session.Place{State: session.Proposed, Exchange: session.RemoteOffer}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, invite := up(p, r)
		answeredWithout(r, s)
		r.Send(invite.From, within(invite, "INVITE", 1, "b", peerNewAudio))
		r.Expect("100 INVITE")
		return s
	}},
	"canceling": {session.Place{State: session.Terminating, Exchange: session.LocalOffer}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := dialed(p, r)
		s.End()
		return s
	}},
	"hanging up": {session.Place{State: session.Terminating}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		s.End()
		r.Expect("BYE")
		return s
	}},
	"over": {session.Place{State: session.Terminated}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		ended(r, s)
		return s
	}},
}

// wrong reports whether a command does not fit where the session stands.
func wrong(st standing, in session.Input) bool {
	if !st.place.Accepts(in) {
		return true
	}
	switch in {
	case session.CancelAutoAnswer:
		return true // it is not about to be answered by itself
	case session.AcceptTransfer, session.RejectTransfer, session.StopRecording:
		return true // there is none
	case session.AddAudio:
		return st.audio
	case session.Hold, session.Unhold, session.SendDTMF, session.StartRecording, session.RemoveAudio:
		return st.place == session.Place{State: session.Established} && !st.audio
	}
	return false
}

// Every command, given in every place where it does not fit, is refused with an
// error that names both, and changes nothing: not the session, not what the peer
// hears of it.
func TestCommandsInTheWrongState(t *testing.T) {
	for name, st := range standings {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := middlewaretest.NewNet()
				var down atomic.Bool
				var packets atomic.Int64
				down.Store(true)
				r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
				p := middlewaretest.NewPhone(t, n, "192.0.2.1", middlewaretest.LookupsFailWhile(&down, "192.0.2.10"))
				s := st.reach(p, r)
				synctest.Wait()
				before := s.Snapshot()
				if before.Place != st.place || before.Audio.Active != st.audio {
					t.Fatalf("place %v, audio %v, want %v, %v", before.Place, before.Audio.Active, st.place, st.audio)
				}
				n.SIP.SetHook(func(siptest.Packet) (time.Duration, bool) { packets.Add(1); return 0, false })
				for method, c := range commands {
					if wrong(st, c.in) {
						refusedInPlace(t, p, s, method, c.in, c.call)
					}
				}
				after := s.Snapshot()
				after.Audio.WasReceived, after.Audio.RemoteReceived = before.Audio.WasReceived, before.Audio.RemoteReceived
				if after != before {
					t.Errorf("the session has changed from\n%+v to\n%+v", before, after)
				}
				if sent := packets.Load(); sent != 0 {
					t.Errorf("%d packets were sent", sent)
				}
				n.SIP.SetHook(nil)
				down.Store(false)
				stopBoth(p, r)
			})
		})
	}
}

// refusedInPlace gives a command that must be refused.
func refusedInPlace(t *testing.T, p *middlewaretest.Phone, s *middleware.Session, method string, in session.Input, call func(*middleware.Session) error) {
	t.Helper()
	place := s.Snapshot().Place
	synctest.Wait()
	p.Names()
	if err := call(s); err != nil {
		t.Errorf("%s in %v: error %v before the session was asked", method, place, err)
	}
	synctest.Wait()
	told, _ := middlewaretest.Last[middleware.SIPSessionCommandRefused](p)
	if names := p.Names(); !slices.Equal(names, []string{"SIPSessionCommandRefused"}) || told.Command != in || told.Session != s.ID() {
		t.Errorf("%s in %v: told %q, the last of command %v to session %d, want one refusal of %v", method, place, names, told.Command, told.Session, in)
		return
	}
	for who, err := range map[string]error{"told": told.Err, "returned by DoWait": s.DoWait(t.Context(), in, "1")} {
		var refused *session.InputError
		if !errors.As(err, &refused) || refused.Place != place || refused.Input != in {
			t.Errorf("%s in %v: %s: %v, want an InputError", method, place, who, err)
			continue
		}
		if text := err.Error(); !strings.Contains(text, place.String()) || !strings.Contains(text, in.String()) {
			t.Errorf("%s in %v: %s: %q names not both", method, place, who, text)
		}
	}
}

// stopBoth ends the phone while the peer answers nothing.
func stopBoth(p *middlewaretest.Phone, r *siptest.Peer) {
	p.Stop()
	r.Close()
	time.Sleep(time.Minute)
}

// What only the network can say is refused when a program says it.
func TestInputsThatAreNoCommands(t *testing.T) {
	scripted(t, func(t *testing.T, p *middlewaretest.Phone, _ *siptest.Peer, s *middleware.Session) {
		before := s.Snapshot()
		for in := session.Connect; !strings.HasPrefix(in.String(), "Input("); in++ {
			if in.Command() {
				continue
			}
			synctest.Wait()
			p.Names()
			s.Do(in)
			synctest.Wait()
			wantNames(t, "phone", p, "SIPSessionCommandRefused")
			var refused *session.InputError
			if err := s.DoWait(t.Context(), in, ""); !errors.As(err, &refused) || refused.Input != in {
				t.Errorf("DoWait(%v) = %v, want an InputError", in, err)
			}
		}
		if after := s.Snapshot(); after != before {
			t.Errorf("the session has changed to %+v", after)
		}
	})
}
