package middleware

import (
	"time"

	"parley/middleware/session"
	"parley/sip"
	"parley/storage"
)

// A request is the wish of the peer that we call somebody else.
type request struct {
	id       uint64 // of the REFER
	to       dialing
	replaces *sip.Replaces
	by       string    // Referred-By as it came, "" if none
	due      bool      // to be followed as soon as the state of the call allows
	child    SessionID // the call that we make for it
}

// takeRefer judges the wish of the peer. The REFER is answered at once, since it
// does not wait for a person; what it leads to is told later.
func (s *Session) takeRefer(ev sip.Referred) {
	r, code := s.judgeRefer(ev)
	if code != 0 {
		s.refused(s.call.AnswerRefer(ev.ID, code, ""), "AnswerRefer")
		return
	}
	s.refused(s.call.AnswerRefer(ev.ID, 202, ""), "AnswerRefer")
	ask := s.account == nil || s.m.settings.Get().Calls.Transfers == storage.TransfersAsk
	r.due = !ask
	s.transfer.in = r
	s.now.Transfer = Transfer{By: Remote, To: r.to.peer, Waiting: ask}
	s.publish(SIPSessionTransferNewIncoming{About: s.about(), Source: s.now.Peer.Address, Destination: r.to.peer.Address})
	if ask {
		s.later(transferTime, event{run: func() {
			if s.transfer.in == r && s.now.Transfer.Waiting {
				s.stay(480, "Temporarily Unavailable")
				s.changed()
			}
		}})
	}
}

// judgeRefer returns the code to refuse a REFER with, or 0.
func (s *Session) judgeRefer(ev sip.Referred) (*request, int) {
	switch {
	case s.m.app == nil, s.m.settings.Get().Calls.Transfers == storage.TransfersDeny:
		return nil, 603
	case s.transfer.in != nil, s.transfer.out != nil, s.now.Transfer.Done:
		return nil, 491
	case s.hops() >= maxTransfers:
		return nil, 482
	}
	d, err := s.dialing(ev.To.URI.String())
	if err != nil {
		s.log.Info("Transfer to nobody refused", "err", err)
		return nil, 404
	}
	if d.account != nil && d.uri.User == userOf(d.account.id) && d.uri.Host == domainOf(d.account.id) || s.m.app.isHere(d.uri) {
		return nil, 482 // to ourselves
	}
	if name := ev.To.SafeName(); name != "" && d.target.neighbour == nil {
		d.peer.Name = name
	}
	d.peer = s.m.known(d.peer)
	return &request{id: ev.ID, to: d, replaces: ev.Replaces, by: ev.By}, 0
}

// hops is how many calls were sent on before this one. A call that has lasted is
// no hop.
func (s *Session) hops() int {
	if time.Since(s.now.Started) >= briefTime {
		return 0
	}
	return s.transfer.hops
}

// followRefer calls whom the peer names, from the same account. This call stays
// as it is until the new one is up.
func (s *Session) followRefer() {
	r := s.transfer.in
	t := r.to.target
	t.replaces, t.referredBy = r.replaces, r.by
	child, err := s.m.dialTo(t, r.to.account, r.to.peer, func(c *Session) {
		c.transfer.parent, c.transfer.hops = s, s.hops()+1
		c.now.TransferredFrom, c.now.ReferredBy = s.id, s.now.Peer.Address
		if by, err := sip.ParseAddress(r.by); err == nil {
			c.now.ReferredBy = peerOf(by).Address
		}
	})
	if err != nil {
		s.log.Info("Transfer not followed", "err", err)
		s.stay(503, "Service Unavailable")
		return
	}
	r.child = child.id
	s.now.Transfer.Waiting, s.now.Transfer.Started = false, true
	s.publish(SIPSessionTransferDidStart{About: s.about()})
	child.post(event{in: session.Connect})
}

// stay ends a transfer that the peer asked for without following it.
func (s *Session) stay(code int, reason string) {
	r := s.transfer.in
	s.transfer.in = nil
	s.refused(s.call.NotifyRefer(r.id, code, reason), "NotifyRefer")
	s.notTransferred(Failure{Kind: kindOfStatus(code), Code: code, Reason: reason})
}

// predecessor returns the session that this one goes on with, if all goes well, or
// nil.
func (s *Session) predecessor() *Session {
	if s.transfer.taken != nil {
		return s.transfer.taken
	}
	return s.transfer.parent
}

// relay tells the session whose peer asked for this call how it is getting on.
// Every notification passes here.
func (s *Session) relay(n any) {
	if s.transfer.taken != nil {
		s.relayTaken(n)
	}
	parent := s.transfer.parent
	if parent == nil {
		return
	}
	tell := func(f Failure) {
		parent.post(event{run: func() { parent.followed(s.id, f) }})
	}
	switch n := n.(type) {
	case SIPSessionGotProvisionalResponse:
		tell(Failure{Code: n.Code, Reason: n.Reason})
	case SIPSessionDidStart:
		s.m.succeed(parent, s)
		tell(Failure{Code: 200, Reason: "OK"})
		s.transfer.parent = nil
	case SIPSessionDidFail:
		f := n.Failure
		if f.Code < 300 {
			f.Code = 500
		}
		tell(f)
		s.transfer.parent = nil
	case SIPSessionDidEnd: // given up here
		tell(Failure{Kind: Canceled, Code: 487})
		s.transfer.parent = nil
	}
}

// followed takes in how the call is getting on that we make for the peer.
func (s *Session) followed(child SessionID, f Failure) {
	r := s.transfer.in
	if r == nil || r.child != child {
		return
	}
	s.refused(s.call.NotifyRefer(r.id, f.Code, f.Reason), "NotifyRefer")
	switch {
	case f.Code < 200:
		s.now.Transfer.Code, s.now.Transfer.Reason = f.Code, f.Reason
		s.publish(SIPSessionTransferGotProgress{About: s.about(), Code: f.Code, Reason: f.Reason})
	case f.Code < 300:
		s.transfer.in = nil
		s.transferred(f.Code, f.Reason)
		s.later(leaveTime, event{run: func() {
			if s.place.Accepts(session.End) {
				s.step(event{in: session.End})
			}
		}})
	default:
		s.transfer.in = nil
		s.notTransferred(f)
	}
	s.changed()
}

// leavingFor reports whether this call is about to be left for to, or to end, so
// that it need not be put on hold for that. It is silent from then on.
func (s *Session) leavingFor(to *Session) bool {
	leaving := s.transfer.heir == to || s.transfer.in != nil && s.transfer.in.child == to.id || s.now.Transfer.Done
	if leaving && s.stream != nil {
		s.stream.SetHeld(true)
	}
	return leaving
}
