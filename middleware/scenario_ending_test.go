package middleware_test

import (
	"context"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// asks is a far end's REFER in a call that is up.
func asks(p *middlewaretest.Phone, r *siptest.Peer, target string) *middleware.Session {
	s, invite := up(p, r)
	r.Send(invite.From, within(invite, "REFER", 1, "b", "Contact: <sip:bob@192.0.2.10:5060>\nRefer-To: <sip:"+target+">\n"))
	r.Expect("202 REFER")
	synctest.Wait()
	return s
}

// busy are places where more than the session is under way.
var busy = map[string]standing{
	"held for a transfer": {session.Place{State: session.Established, Exchange: session.LocalOffer}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		_ = s.Transfer("sip:carol@192.0.2.99:5060")
		r.Expect("INVITE")
		return s
	}},
	"being transferred": {session.Place{State: session.Established}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		_ = s.Transfer("sip:carol@192.0.2.99:5060")
		re := r.Expect("INVITE")
		r.Send(re.From, re.Reply("200 OK", "b", version(1)))
		r.Expect("REFER")
		return s
	}},
	"asked to go elsewhere": {session.Place{State: session.Established}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		return asks(p, r, "carol@192.0.2.99:5060")
	}},
	"going elsewhere": {session.Place{State: session.Established}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s := asks(p, r, "carol@192.0.2.10:5060")
		s.AcceptTransfer()
		r.Expect("INVITE")
		return s
	}},
	"going where no name leads": {session.Place{State: session.Established}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s := asks(p, r, "carol@two.example")
		s.AcceptTransfer()
		return s
	}},
	"redirected": {session.Place{State: session.Calling, Exchange: session.LocalOffer}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, invite := dialed(p, r)
		r.Send(invite.From, invite.Reply("302 Moved", "b", "Contact: <sip:carol@192.0.2.10:5060>\n"))
		r.Expect("INVITE")
		return s
	}},
	"redirected where no name leads": {session.Place{State: session.Calling}, false, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, invite := dialed(p, r)
		r.Send(invite.From, invite.Reply("302 Moved", "b", "Contact: <sip:carol@two.example:5060>\n"))
		r.Expect("ACK")
		return s
	}},
	"recorded": {session.Place{State: session.Established}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		s.StartRecordingAudio("")
		return s
	}},
	"sending digits": {session.Place{State: session.Established}, true, func(p *middlewaretest.Phone, r *siptest.Peer) *middleware.Session {
		s, _ := up(p, r)
		s.SendDTMF("123456789")
		return s
	}},
}

// From wherever a session stands, and whatever is under way, the person can end
// it though the far end is silent from then on, or the program can; and nothing is
// left of it.
func TestEndFromEverywhere(t *testing.T) {
	all := maps.Clone(standings)
	maps.Copy(all, busy)
	for name, st := range all {
		for way, end := range map[string]func(p *middlewaretest.Phone, s *middleware.Session){
			"hung up": func(_ *middlewaretest.Phone, s *middleware.Session) { s.End() },
			"stopped": func(p *middlewaretest.Phone, _ *middleware.Session) { p.App.Stop(context.Background()) },
			"at once": func(p *middlewaretest.Phone, s *middleware.Session) { s.End(); p.App.Stop(context.Background()) },
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := middlewaretest.NewNet()
					var down atomic.Bool
					down.Store(true)
					r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
					p := middlewaretest.NewPhone(t, n, "192.0.2.1", middlewaretest.LookupsFailWhile(&down, "192.0.2.10"))
					s := st.reach(p, r)
					synctest.Wait()
					if got := s.Snapshot().Place; got != st.place {
						t.Errorf("place %v, want %v", got, st.place)
					}
					end(p, s)
					time.Sleep(2 * time.Minute)
					synctest.Wait()
					for _, o := range p.App.SessionManager().Sessions() {
						o.End() // a call that was made for the far end goes on by itself
					}
					time.Sleep(2 * time.Minute)
					select {
					case <-s.Done():
					default:
						t.Errorf("four minutes after the end the session is %v", s.Snapshot().Place)
					}
					wantLast(t, p, s)
					if list := p.App.SessionManager().Sessions(); len(list) != 0 {
						t.Errorf("%d sessions are left, one %v", len(list), list[0].Snapshot().Place)
					}
					if open := n.Media.Open(); open != 0 {
						t.Errorf("%d media sockets are open", open)
					}
					p.Stop()
					r.Close()
				})
			})
		}
	}
}

// wantLast wants the end of the session told once, after everything else of it.
func wantLast(t *testing.T, p *middlewaretest.Phone, s *middleware.Session) {
	t.Helper()
	ends, last := 0, ""
	for _, n := range p.Notes() {
		if about, ok := middleware.SessionOf(n); ok && about.ID == s.ID() {
			if _, refused := n.(middleware.SIPSessionCommandRefused); refused {
				continue
			}
			last = bus.Name(n)
			if _, end := n.(middleware.SIPSessionDidEnd); end {
				ends++
			}
		}
	}
	if ends != 1 || last != "SIPSessionDidEnd" {
		t.Errorf("the end was told %d times, the last notification was %s", ends, last)
	}
}

// A far end that is gone does not keep a call that was hung up: it is over after a
// moment, and the BYE is repeated without it.
func TestEndThatNobodyConfirms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1")
		s, _ := up(p, r)
		s.End()
		time.Sleep(3900 * time.Millisecond)
		synctest.Wait()
		if got := s.Snapshot().State(); got != session.Terminating {
			t.Errorf("after 3.9 s the session is %v, want Terminating", got)
		}
		soon()
		if got := s.Snapshot().State(); got != session.Terminated {
			t.Errorf("after 4.2 s the session is %v, want Terminated", got)
		}
		<-s.Done()
		for {
			if _, ok := r.Poll(); !ok {
				break
			}
		}
		bye := r.Expect("BYE") // it is repeated
		r.Send(bye.From, bye.Reply("200 OK", "b", ""))
		r.Silent("BYE", 40*time.Second)
		p.Stop()
		r.Close()
	})
}

// So it is with a CANCEL, and an answer that crosses it late is hung up.
func TestAnswerAfterTheEndOfACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		r := siptest.NewPeer(t, &n.SIP, "192.0.2.10:5060")
		p := middlewaretest.NewPhone(t, n, "192.0.2.1")
		s, invite := dialed(p, r)
		r.Send(invite.From, invite.Reply("180 Ringing", "b", ""))
		soon()
		s.End()
		r.Expect("CANCEL")
		time.Sleep(5 * time.Second)
		<-s.Done()
		r.Send(invite.From, invite.Reply("200 OK", "b", peerAudio))
		r.Expect("ACK")
		bye := r.Expect("BYE")
		r.Send(bye.From, bye.Reply("200 OK", "b", ""))
		soon()
		p.Stop()
		r.Close()
	})
}
