package middleware

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"time"

	"parley/media"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/sdp"
)

// errRejected means that the other side took the call but not its audio.
var errRejected = sdp.ErrNoAudio

// A plan is the outcome of preparing a call: the way to go and open sockets.
type plan struct {
	routes []sip.Route
	auth   *sip.Authorizer // nil without an account
	stream *media.Stream
	cancel context.CancelFunc
}

// prepare looks up the routes of an outgoing call and opens the sockets of its
// audio, both away from the session's goroutine.
func (s *Session) prepare() {
	ctx, cancel := context.WithCancel(s.ctx)
	s.plan.cancel = cancel
	outgoing := s.now.Direction == Outgoing
	s.aside.Go(func() {
		p, err := s.makePlan(ctx, outgoing)
		p.cancel = cancel
		if err != nil {
			s.post(event{run: func() { s.notPrepared(err) }})
			return
		}
		s.post(event{run: func() { s.prepared(p) }, plan: p})
	})
}

func (s *Session) makePlan(ctx context.Context, outgoing bool) (plan, error) {
	var p plan
	var local netip.Addr
	if outgoing {
		routes, auth, err := s.target.lookup(ctx)
		if err != nil {
			return p, err
		}
		if routes = s.safeRoutes(routes); len(routes) == 0 {
			return p, sdp.ErrSecurityRequired
		}
		p.routes, p.auth = routes, auth
		local, err = s.target.endpoint.LocalAddr(routes[0])
		if err != nil {
			return p, err
		}
	} else {
		local = s.call.LocalAddr()
	}
	stream, err := s.newStream(local)
	if err != nil {
		return p, err
	}
	p.stream = stream
	return p, nil
}

// newStream opens the sockets of an audio stream. It may be called from any
// goroutine.
func (s *Session) newStream(local netip.Addr) (*media.Stream, error) {
	stream, err := s.m.openStream(media.StreamConfig{
		Local: s.config.rtp.local(local),
		Ports: s.config.rtpPorts,
		OnEvent: func(ev media.StreamEvent) {
			s.post(event{run: func() { s.gotStreamEvent(ev) }})
		},
	})
	if err != nil {
		return nil, errors.Join(errNoMedia, err)
	}
	return stream, nil
}

// notPrepared fails the session, or goes on with another address.
func (s *Session) notPrepared(err error) {
	in := event{in: session.PrepareFailed, err: err, by: Local}
	if _, _, refused := session.Next(s.place, in.in); refused == nil && !s.redirected(err) {
		s.step(in)
	}
}

// prepared takes over the plan, unless the call ended meanwhile.
func (s *Session) prepared(p plan) {
	in := event{in: session.Prepared, plan: p}
	if _, _, err := session.Next(s.place, in.in); err != nil || s.ctx.Err() != nil {
		p.stream.Close()
		return
	}
	s.useStream(p.stream)
	s.step(in)
}

func (s *Session) useStream(stream *media.Stream) {
	s.stream = stream
	s.audio.Store(stream)
	s.now.Audio.LocalRTP = stream.LocalAddr()
}

// local says what we offer or answer with now.
func (s *Session) local(hold bool) sdp.Local {
	s.holdSent = hold
	l := sdp.Local{
		Codecs:     s.config.codecs,
		PacketTime: s.config.packetTime,
		Security:   s.security(),
		NoAudio:    !s.voice,
	}
	if s.stream != nil {
		l.Addr = s.stream.LocalAddr().Addr()
		l.Port = int(s.stream.LocalAddr().Port())
		l.RTCPPort = int(s.stream.RTCPAddr().Port())
	}
	if hold {
		l.Direction = sdp.SendOnly
	}
	return l
}

// security is the account's wish, made safe: no key is offered over signalling
// that others can read unless the account allows it. A call that must be
// encrypted and would need such a key never gets here: see
// [Session.safeRoutes] and [Session.begin].
func (s *Session) security() sdp.Security {
	switch {
	case s.config.security == sdp.SecurityOff, !s.mayShowKeys():
		return sdp.SecurityOff
	case s.secured:
		return sdp.SecurityRequire
	}
	return s.config.security
}

// mayShowKeys reports whether keys may stand in our session description: the
// account allows it, or every hop that may get it is TLS.
func (s *Session) mayShowKeys() bool {
	switch {
	case s.config.keysInClear:
		return true
	case s.call != nil:
		return s.call.Secure()
	}
	return len(s.plan.routes) > 0 && !slices.ContainsFunc(s.plan.routes, inClear)
}

func inClear(r sip.Route) bool { return r.Transport != "tls" }

// safeRoutes leaves out the routes in clear where keys must not go that way:
// the same INVITE is sent to every route, so whoever blocks TLS would get them.
// A call that only prefers encryption keeps them if the first is one of them,
// and then has no keys.
func (s *Session) safeRoutes(routes []sip.Route) []sip.Route {
	prefer := s.config.security == sdp.SecurityPrefer
	if s.config.keysInClear || s.config.security == sdp.SecurityOff || prefer && inClear(routes[0]) {
		return routes
	}
	return slices.DeleteFunc(slices.Clone(routes), inClear)
}

// inviteSecured repeats an INVITE that was refused with 488, once, with RTP/SAVP
// in place of RTP/AVP with keys: phones that insist on encryption do not know
// the keys of RFC 8643 for what they are. It reports whether it did.
func (s *Session) inviteSecured(err error) bool {
	var status *sip.StatusError
	if !errors.As(err, &status) || status.Code != 488 || s.secured ||
		s.place != (session.Place{State: session.Calling, Exchange: session.LocalOffer}) ||
		s.security() != sdp.SecurityPrefer {
		return false
	}
	s.secured = true
	s.call.Close()
	s.call = nil // what may be offered follows from the routes again
	s.sendInvite(s.plan)
	return true
}

// newNegotiation begins the offer/answer of the call.
func (s *Session) newNegotiation() {
	s.neg = sdp.New(uint64(time.Now().Unix()), rand.Reader, s.local(false))
}

func (s *Session) sendInvite(p plan) {
	s.plan = p
	s.newNegotiation()
	s.now.Progress.Inviting = true
	if s.target.neighbour != nil {
		p.routes = s.proving(p.routes)
	}
	s.plan.routes = p.routes
	s.now.Route = routeText(p.routes[0])
	call, err := s.target.endpoint.Invite(sip.InviteRequest{
		From: s.target.from, To: s.target.to, Target: s.target.uri,
		Routes: p.routes, RouteSet: s.target.preloaded(), Auth: p.auth, Body: s.neg.Offer(), Headers: s.target.headers,
		Replaces: s.target.replaces, ReferredBy: s.target.referredBy,
		Reliable: s.config.extensions.Reliable, SessionTimer: s.config.extensions.SessionTimer,
		OnEvent: s.handleSIP,
	})
	if err != nil {
		s.next = &event{in: session.GotRefusal, err: err, by: Local}
		return
	}
	s.call = call
	s.now.CallID = string(call.ID())
}

func (s *Session) sendOK(p plan) {
	s.plan = p
	s.neg.SetLocal(s.local(false))
	if len(s.offer) == 0 {
		s.refused(s.call.Answer(s.neg.Offer()), "Answer")
		return
	}
	body, agreed, err := s.neg.Answer()
	if err != nil {
		s.next = &event{in: session.GotBadAnswer, err: err, by: Local}
		return
	}
	s.agreed = agreed
	s.refused(s.call.Answer(body), "Answer")
}

// asked is what an offer of ours wants of the peer.
type asked struct{ hold, audio bool }

func (s *Session) sendReinvite() {
	s.asked = asked{hold: s.wish, audio: s.voice}
	s.neg.SetLocal(s.local(s.wish))
	s.now.HoldPending = s.wish != s.now.OnHoldByLocal
	if s.wish && s.stream != nil {
		s.stream.SetHeld(true) // nothing more is said while the peer is asked
	}
	if err := s.call.Reinvite(s.neg.Offer()); err != nil {
		s.next = &event{in: session.GotReinviteRefusal, err: err, by: Local}
	}
}

// answerReinvite answers the offer that the negotiation remembers.
func (s *Session) answerReinvite() {
	s.neg.SetLocal(s.local(s.now.OnHoldByLocal))
	body, agreed, err := s.neg.Answer()
	if err != nil {
		s.log.Info("Offer of the peer refused", "err", err)
		s.refused(s.call.AnswerReinvite(488, "Not Acceptable Here", nil), "AnswerReinvite")
		return
	}
	s.agreed = agreed
	s.refused(s.call.AnswerReinvite(200, "OK", body), "AnswerReinvite")
	s.updateStreams()
}

func (s *Session) offerReinvite() {
	s.neg.SetLocal(s.local(s.now.OnHoldByLocal))
	s.refused(s.call.AnswerReinvite(200, "OK", s.neg.Offer()), "AnswerReinvite")
}

// rollBack goes on as before a refused change. After a glare the change will be
// tried again, so it stays pending, and a call to be held stays silent.
func (s *Session) rollBack(e event) {
	s.neg.Rollback()
	s.neg.SetLocal(s.local(s.now.OnHoldByLocal))
	s.moveRefused(e.in == session.GotReinviteGlare)
	if e.in == session.GotReinviteGlare {
		s.setHeld()
		return
	}
	failed := s.wish != s.now.OnHoldByLocal && s.wish == s.asked.hold
	if failed {
		s.wish = s.now.OnHoldByLocal
	}
	s.setHeld()
	if failed {
		s.now.HoldFailed = true
		s.publish(SIPSessionHoldDidFail{About: s.about(), Failure: failureOf(e.err)})
	}
	// What was wished for since was not refused.
	if s.wish != s.now.OnHoldByLocal || s.voice != s.asked.audio || s.addLater || s.moved {
		s.tryWish()
	}
}

func routeText(r sip.Route) string { return r.Transport + " " + r.Addr.String() }
