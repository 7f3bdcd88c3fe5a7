package middleware

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"parley/middleware/session"
	"parley/sip"
)

var (
	// ErrTransferring is returned for a transfer while another one of the same
	// session is under way.
	ErrTransferring = errors.New("middleware: the call is being transferred already")
	// ErrNoTransfer is returned where there is no transfer to decide about.
	ErrNoTransfer = errors.New("middleware: nobody wants the call transferred")
	// ErrOtherCall is returned for a transfer to a call that cannot take part: it
	// is not up, it is over, or it is the same one.
	ErrOtherCall = errors.New("middleware: a call can only be transferred to another one that is up")
)

const (
	// holdPatience is how long a transfer waits for the hold that goes before it.
	holdPatience = 40 * time.Second
	// transferTime is how long a person has to decide about a transfer.
	transferTime = 60 * time.Second
	// leaveTime is how long the call that was left waits for the BYE of the one
	// who asked for that.
	leaveTime = 5 * time.Second
	// maxTransfers bounds how often a call is sent on, if it was each time before
	// briefTime: two phones could send us to and fro for ever.
	maxTransfers = 5
	briefTime    = time.Minute
)

// A Transfer is what happens to a call that somebody wants to move elsewhere
// (RFC 5589). The zero value is a call that nobody moves.
type Transfer struct {
	By      Originator // Local: we send the peer on; Remote: the peer sends us on
	To      Peer       // whom to
	Waiting bool       // a person here has to decide
	Started bool       // it was agreed to, and the new call is being made
	Code    int        // how far that has come: a SIP status, 0 at first
	Reason  string
	Done    bool // the new call is up, and this one is about to end
}

// transferState is what a session knows of transfers. It belongs to its goroutine.
type transferState struct {
	next *onward  // checked, about to be begun
	out  *onward  // we send the peer on
	in   *request // the peer sends us on

	parent *Session // whose peer asked for this call
	hops   int      // how many calls were sent on before this one
	taken  *Session // whose place this call takes
	heir   *Session // who is about to take this call's place
}

// An onward is a transfer that we ask for.
type onward struct {
	to       Peer
	uri      sip.URI
	replaces *sip.Replaces // attended: whose place the peer is to take
	other    *Session      // and the session that has it now
	by       sip.Address
	held     bool // the call is on hold for the transfer only
	sent     bool
}

// Transfer puts the call on hold and asks the peer to call target instead, which
// may be whatever [SessionManager.Dial] takes. The session ends when the peer has
// reached it; when not, it is taken out of hold again. The error is one of the
// target.
func (s *Session) Transfer(target string) error {
	if _, err := s.aimTransfer(target); err != nil {
		return err
	}
	s.command(event{in: session.Transfer, target: target})
	return nil
}

// TransferTo asks the peer to take our place in another call. Both sessions end
// when it has; when it fails, both stay.
func (s *Session) TransferTo(other SessionID) error {
	o, ok := s.m.Session(other)
	if !ok || o == s {
		return ErrOtherCall
	}
	begin := func(move *onward, err error) {
		s.command(event{in: session.Transfer, onward: move, err: err})
	}
	ended := context.AfterFunc(o.ctx, func() { begin(nil, ErrOtherCall) }) // before it came to that
	o.post(event{run: func() {
		if ended() {
			begin(o.giveAway())
		}
	}})
	return nil
}

// AcceptTransfer follows the peer, which sends us on.
func (s *Session) AcceptTransfer() { s.command(event{in: session.AcceptTransfer}) }

// RejectTransfer stays in the call, though the peer sends us on.
func (s *Session) RejectTransfer() { s.command(event{in: session.RejectTransfer}) }

// aimTransfer finds out whom a target means, as a call from this session's
// account would.
func (s *Session) aimTransfer(target string) (*onward, error) {
	if s.m.app == nil {
		return nil, ErrNoTarget
	}
	d, err := s.dialing(target)
	if err != nil {
		return nil, err
	}
	if d.peer.URI == EchoTarget {
		return nil, fmt.Errorf("%w: the Echo Test is on this computer only", ErrNoTarget)
	}
	return &onward{to: d.peer, uri: d.uri}, nil
}

// giveAway describes this call so that the peer of another one can take our
// place in it. Without a server, the address in From leads nowhere.
func (s *Session) giveAway() (*onward, error) {
	if s.place.State != session.Established {
		return nil, ErrOtherCall
	}
	dialog, up := s.call.Dialog()
	if !up {
		return nil, ErrOtherCall
	}
	uri := s.call.Remote().URI
	if s.account == nil {
		uri = s.call.Contact()
	}
	return &onward{to: s.now.Peer, uri: uri, replaces: &dialog, other: s, by: s.call.Local()}, nil
}

// checkTransfer refuses a transfer that cannot be begun and makes ready one that
// can.
func (s *Session) checkTransfer(e event) (err error) {
	move := e.onward
	switch {
	case s.transfer.out != nil, s.transfer.in != nil:
		return ErrTransferring
	case e.err != nil:
		return e.err
	case move == nil:
		if move, err = s.aimTransfer(cmp.Or(e.target, e.text)); err != nil {
			return err
		}
		move.by = s.call.Local()
	}
	s.transfer.next = move
	return nil
}

// carryOutTransfer does the effects of transfers.
func (s *Session) carryOutTransfer(effect session.Effect, e event) {
	switch effect {
	case session.SendRefer:
		s.beginTransfer()
	case session.ShowTransfer:
		s.showTransfer(e.sip.(sip.ReferProgress))
	case session.EndTransfer:
		s.endTransfer(e.err)
	case session.TakeRefer:
		s.takeRefer(e.sip.(sip.Referred))
	case session.FollowRefer:
		s.followRefer()
	case session.RefuseRefer:
		s.stay(603, "Decline")
	}
}

// gotTransferEvent takes in what the SIP layer tells of transfers.
func (s *Session) gotTransferEvent(ev sip.Event) {
	switch ev := ev.(type) {
	case sip.ReferProgress:
		s.step(event{in: session.GotReferProgress, sip: ev, by: Remote})
	case sip.ReferFinished:
		if s.place.State == session.Terminating {
			s.endTransfer(ev.Err) // no rule is waiting for it, but people are
			return
		}
		s.step(event{in: session.GotReferResult, sip: ev, err: ev.Err, by: Remote})
	case sip.Referred:
		s.step(event{in: session.GotRefer, sip: ev, by: Remote})
	}
}

// beginTransfer puts the call on hold first, so that nobody hears what is not
// for them.
func (s *Session) beginTransfer() {
	o := s.transfer.next
	s.transfer.next, s.transfer.out = nil, o
	s.now.Transfer = Transfer{By: Local, To: o.to}
	s.publish(SIPSessionTransferNewOutgoing{About: s.about(), Source: s.now.Peer.Address, Destination: o.to.Address})
	if s.voice && !s.wish {
		o.held = true
		s.next = &event{in: session.Hold}
	}
	s.later(holdPatience, event{run: func() { s.refer(o) }})
}

// keepHeld makes the call stay on hold when its transfer fails: somebody wants it
// so.
func (s *Session) keepHeld() {
	if o := s.transfer.out; o != nil {
		o.held = false
	}
}

// goOnTransfer does what had to wait for the end of an exchange.
func (s *Session) goOnTransfer() {
	if s.next != nil {
		return
	}
	if o := s.transfer.out; o != nil && !o.sent && s.place == (session.Place{State: session.Established}) &&
		(s.now.OnHoldByLocal || s.now.HoldFailed || !s.voice) {
		s.refer(o)
	}
	if r := s.transfer.in; r != nil && r.due && s.place.Accepts(session.AcceptTransfer) {
		r.due = false
		s.next = &event{in: session.AcceptTransfer}
	}
}

// refer asks the peer, once.
func (s *Session) refer(o *onward) {
	if o.sent || s.transfer.out != o || !s.place.Accepts(session.GotReferResult) {
		return
	}
	o.sent = true
	err := s.call.Refer(sip.ReferRequest{To: sip.Address{URI: o.uri}, Replaces: o.replaces, By: o.by})
	if err != nil {
		s.next = &event{in: session.GotReferResult, err: err, by: Local}
	}
}

// showTransfer notes how the peer is getting on.
func (s *Session) showTransfer(ev sip.ReferProgress) {
	if s.transfer.out == nil {
		return
	}
	t := &s.now.Transfer
	if !t.Started {
		t.Started = true
		s.publish(SIPSessionTransferDidStart{About: s.about()})
	}
	if ev.Code < 200 {
		t.Code, t.Reason = ev.Code, ev.Reason
		s.publish(SIPSessionTransferGotProgress{About: s.about(), Code: ev.Code, Reason: ev.Reason})
	}
}

// endTransfer ends this call, and the one that the peer has taken over, when the
// transfer worked. A peer that hangs up without a word after it agreed has done
// as asked: many do.
func (s *Session) endTransfer(err error) {
	o := s.transfer.out
	if o == nil {
		return
	}
	s.transfer.out = nil
	gone := errors.Is(err, sip.ErrReferCutOff)
	switch {
	case err == nil, gone && s.now.Transfer.Started && s.place.State != session.Terminating:
		s.transferred(200, "OK")
		if o.other != nil {
			o.other.endAfterTransfer()
		}
		if !gone && s.place.Accepts(session.End) {
			s.next = &event{in: session.End}
		}
	default:
		s.notTransferred(failureOf(err))
		if o.held && s.wish && !gone && s.place.Accepts(session.Unhold) {
			s.next = &event{in: session.Unhold}
		}
	}
}

// endAfterTransfer ends the session, unless that has happened by itself.
func (s *Session) endAfterTransfer() {
	s.post(event{run: func() {
		if s.place.State == session.Established {
			s.now.Transfer = Transfer{By: Local, Started: true, Done: true}
		}
		if s.place.Accepts(session.End) {
			s.step(event{in: session.End})
		}
	}})
}

// dropTransfer tells that nothing came of a transfer because the call ends before
// it began, or before anybody here decided.
func (s *Session) dropTransfer() {
	if s.transfer.out != nil || s.now.Transfer.Waiting {
		s.transfer.out, s.transfer.in = nil, nil
		s.notTransferred(Failure{Kind: Canceled, Code: 487, Reason: "Request Terminated"})
	}
}

// transferred tells that the new call is up.
func (s *Session) transferred(code int, reason string) {
	t := &s.now.Transfer
	t.Code, t.Reason, t.Waiting, t.Done = code, reason, false, true
	s.publish(SIPSessionTransferDidEnd{About: s.about()})
}

// notTransferred tells that the call stays where it is.
func (s *Session) notTransferred(f Failure) {
	s.now.Transfer = Transfer{}
	s.publish(SIPSessionTransferDidFail{About: s.about(), Code: f.Code, Reason: f.Reason, Failure: f})
}

// transferNote says in the history where a call went, or where it came from.
func transferNote(s SessionSnapshot) string {
	switch t := s.Transfer; {
	case t.Done && t.To.Address != "":
		return "→ " + t.To.Address
	case s.ReferredBy != "":
		return "← " + s.ReferredBy
	}
	return ""
}
