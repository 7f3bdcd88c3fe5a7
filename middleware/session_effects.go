package middleware

import (
	"errors"
	"strings"
	"time"

	"parley/middleware/bus"
	"parley/middleware/session"
	"parley/sip"
)

// publish tells everybody, and the call that this one is made for.
func (s *Session) publish(n bus.Notification) {
	s.m.bus.Publish(n)
	s.m.followConference(s, n)
	s.relay(n)
}

// check refuses what the rules allow but the data do not.
func (s *Session) check(e event) error {
	err := s.checkData(e)
	for _, wrong := range []error{ErrNoStream, ErrHasAudio, ErrRecording, ErrNotRecording, ErrTransferring, ErrNoTransfer, errNotDue} {
		if errors.Is(err, wrong) {
			return &session.InputError{Place: s.place, Input: e.in, Why: err}
		}
	}
	return err
}

func (s *Session) checkData(e event) error {
	switch e.in {
	case session.SendDTMF:
		if s.stream == nil {
			return ErrNoStream
		}
		return checkDigits(e.text)
	case session.StartRecording:
		return s.checkRecording(e.text)
	case session.StopRecording:
		if s.now.Audio.RecordingFile == "" {
			return ErrNotRecording
		}
	case session.Redirect:
		return s.checkRedirect(e)
	case session.CancelAutoAnswer:
		if s.now.AutoAnswerAt.IsZero() {
			return errNotDue
		}
	case session.Hold, session.Unhold:
		if !s.voice {
			return ErrNoStream
		}
	case session.Transfer:
		return s.checkTransfer(e)
	case session.AcceptTransfer, session.RejectTransfer:
		if r := s.transfer.in; r == nil || r.child != 0 {
			return ErrNoTransfer
		}
	case session.AddAudio:
		if s.now.Audio.Active {
			return ErrHasAudio
		}
	case session.RemoveAudio:
		if !s.voice && !e.again {
			return ErrNoStream
		}
	}
	return nil
}

// carryOut does one effect. It never waits for the network; a recording's file is
// opened and closed here.
func (s *Session) carryOut(effect session.Effect, e event) {
	switch effect {
	case session.Prepare:
		s.prepare()
	case session.StopPreparing:
		s.plan.cancel()
	case session.SendInvite:
		s.sendInvite(e.plan)
	case session.SendCancel:
		s.end(Local, Failure{Kind: Canceled, Code: 487})
		s.refused(s.call.Cancel(""), "Cancel")
	case session.SendRinging:
		s.refused(s.call.Ring(180, nil), "Ring")
	case session.SendOK:
		s.sendOK(e.plan)
	case session.SendRefusal:
		s.sendRefusal(e)
	case session.SendReinvite:
		s.sendReinvite()
	case session.SendBye:
		s.sendBye(e)
	case session.SendReinviteCancel:
		s.refused(s.call.CancelReinvite(), "CancelReinvite")
	case session.AnswerReinvite:
		s.answerReinvite()
	case session.AnswerProposal:
		s.answerProposal()
	case session.RefuseProposal:
		s.refuseProposal()
	case session.OfferReinvite:
		s.offerReinvite()
	case session.SendRefer, session.TakeRefer, session.FollowRefer, session.RefuseRefer, session.ShowTransfer, session.EndTransfer:
		s.carryOutTransfer(effect, e)
	case session.RefuseGlare:
		s.refused(s.call.AnswerReinvite(491, "Request Pending", nil), "AnswerReinvite")
	default:
		s.carryOutLocal(effect, e)
	}
}

// carryOutLocal does the effects that send nothing.
func (s *Session) carryOutLocal(effect session.Effect, e event) {
	switch effect {
	case session.OpenStream:
		s.openStream()
	case session.DropStream:
		s.dropStream()
	case session.DropProposal:
		s.dropProposal()
	case session.MoveStreams:
		s.moveStreams()
	case session.KeepMove:
		s.moved = true
	case session.AwaitEnd:
		s.later(endTime, event{in: session.EndTimeout})
	case session.AwaitDecision:
		s.disarm(s.decision) // that of an earlier proposal
		s.decision = s.later(proposalTime, event{in: session.ProposalTimeout})
	case session.FollowRedirect:
		s.followRedirect()
	case session.ShowProgress:
		s.showProgress(e)
	case session.StopRinging:
		s.now.Silenced = true
	case session.StopAutoAnswer:
		s.now.AutoAnswerAt = time.Time{}
	case session.StartStreams:
		s.startStreams()
	case session.UpdateStreams:
		s.updateStreams()
	case session.StopStreams:
		s.stopStreams()
	case session.RollBack:
		s.rollBack(e)
	case session.RollBackTheirs:
		s.neg.Rollback()
	case session.KeepWish:
		s.keepWish(e)
	case session.TryWish:
		s.tryWish()
	case session.AwaitGlare:
		s.disarm(s.again)
		s.again = s.later(s.glare, event{in: session.GlareTimeout})
	case session.AwaitAnswer:
		s.later(s.config.ringTimeout, event{in: session.RingTimeout})
	case session.HoldOthers:
		s.holdOthers(e)
	case session.PlayDigit:
		s.digits = append(s.digits, []rune(strings.ToUpper(e.text))...)
		s.sendNextDigit()
	case session.Record:
		s.startRecording(e.text)
	case session.StopRecord:
		s.stopRecording(nil)
	default:
		s.notify(effect, e)
	}
}

// foretell fills in what the effects of a move stand for, so that the
// notification of the new state says it.
func (s *Session) foretell(effects []session.Effect, e event) {
	if s.place.State != session.Incoming {
		s.now.AutoAnswerAt = time.Time{}
	}
	for _, effect := range effects {
		switch effect {
		case session.NotifyDidStart:
			s.now.Started = time.Now()
		case session.NotifyFailed:
			s.noteFailure(e)
		case session.NotifyWillEnd:
			if s.now.End.By == "" {
				by := Local
				if e.in == session.GotBye {
					by = Remote
				}
				s.end(by, Failure{Reason: e.reason})
			}
		}
	}
}

// stateDue reports whether a change of state is told before that effect. Clients
// meet a session before they hear of its states, and the audio of a call is over
// before the call is.
func stateDue(to session.State, effect session.Effect) bool {
	switch effect {
	case session.NotifyNewOutgoing, session.NotifyNewIncoming:
		return false
	case session.NotifyFailed, session.NotifyDidEnd:
		return true
	}
	return to != session.Terminated
}

// tellState tells that the state was another one before.
func (s *Session) tellState(from session.State) {
	if s.place.State == session.Terminated {
		s.now.Stopped = time.Now()
		if s.now.End.By == "" {
			s.now.End.By = Local
		}
	}
	s.publish(SIPSessionChangedState{About: s.about(), PrevState: from, State: s.place.State})
}

// notify tells what the rules want told.
func (s *Session) notify(effect session.Effect, e event) {
	switch effect {
	case session.NotifyNewOutgoing:
		s.publish(SIPSessionNewOutgoing{About: s.about(), Streams: []string{"audio"}})
	case session.NotifyNewIncoming:
		s.publish(SIPSessionNewIncoming{About: s.about(), Streams: s.offered()})
	case session.NotifyWillStart:
		s.publish(SIPSessionWillStart{About: s.about()})
	case session.NotifyDidStart:
		s.acquaint()
		s.publish(SIPSessionDidStart{About: s.about()})
		s.later(noAudioAfter, event{run: s.checkAudio})
		if s.stranded() {
			s.networkChanged()
		}
	case session.NotifyFailed:
		s.publish(SIPSessionDidFail{About: s.about(), Originator: s.now.End.By, Failure: s.now.End.Failure})
	case session.NotifyProposal, session.NotifyAccepted, session.NotifyRejected:
		s.tellProposal(effect, e)
	case session.NotifyWillEnd:
		s.publish(SIPSessionWillEnd{About: s.about()})
	case session.NotifyDidEnd:
		s.dropTransfer()
		s.ending = true
		s.publish(SIPSessionDidEnd{About: s.about(), Originator: s.now.End.By})
	}
}

// end notes why the session ends; the first reason stands.
func (s *Session) end(by Originator, f Failure) {
	if s.now.End.Kind != NoFailure {
		return
	}
	f.Account = s.now.Account
	s.now.End = EndReason{By: by, Failure: f}
}

// noteFailure sets the reason of a session that fails by e.
func (s *Session) noteFailure(e event) {
	by := e.by
	if by == "" {
		by = Remote
	}
	switch {
	case e.in == session.RingTimeout:
		s.end(Local, Failure{Kind: NoAnswer, Code: 480})
	case e.err != nil:
		s.end(by, failureOf(s.failure(e.err)))
	case e.in == session.GotOver:
		s.end(Remote, Failure{Kind: LostPeer})
	default:
		s.end(by, Failure{Kind: OtherFailure})
	}
}

// refused logs the error of a SIP method that cannot fail where the rules allow
// it, unless the call has just ended, which an event is about to tell.
func (s *Session) refused(err error, method string) {
	switch {
	case err == nil:
	case errors.Is(err, sip.ErrState), errors.Is(err, sip.ErrClosed):
		s.log.Debug("The call has just ended", "method", method, "place", s.place)
	default:
		s.log.Warn("SIP method refused", "method", method, "place", s.place, "err", err)
	}
}

func (s *Session) keepWish(e event) {
	if e.in == session.AddAudio {
		s.addLater = true
		return
	}
	s.wish = e.in == session.Hold
	s.now.HoldFailed = false
	if s.wish && e.turn != 0 {
		s.keepHeld()
	}
}

// wished returns the input that carries out what is still wished for.
func (s *Session) wished() (in session.Input, ok bool) {
	switch {
	case s.place != (session.Place{State: session.Established}):
		return 0, false
	case s.moved:
		return session.AddressChanged, true
	case s.addLater && !s.now.Audio.Active:
		return session.AddAudio, true
	case !s.voice && s.agreed != nil && !s.agreed.Rejected:
		return session.RemoveAudio, true
	case s.wish && !s.now.OnHoldByLocal:
		return session.Hold, true
	case !s.wish && s.now.OnHoldByLocal:
		return session.Unhold, true
	}
	return 0, false
}

// tryWish sees to it that a wish that could not be carried out at once is.
func (s *Session) tryWish() {
	if _, ok := s.wished(); ok {
		s.post(event{run: s.tryWishNow})
	}
}

// tryWishNow carries out the wish as it is by now: commands that were queued
// before may have changed it.
func (s *Session) tryWishNow() {
	if in, ok := s.wished(); ok {
		s.step(event{in: in, again: true})
	}
}

// holdOthers makes this call the one that is spoken to, as of the command or the
// answer e. A wish that is carried out late has done so already.
func (s *Session) holdOthers(e event) {
	if e.turn == 0 {
		return
	}
	s.turn = e.turn
	if old := s.predecessor(); old == nil || !s.m.conference.joined(old.id, old.id) {
		s.m.holdOthers(s, e.turn)
	}
}

// yield holds the call because to was made the one that is spoken to in
// that turn, unless this one was later. A call that is being dialed comes up as
// the newest and holds the others then.
func (s *Session) yield(turn int64, to *Session) {
	if turn < s.turn {
		return
	}
	s.keepHeld()
	if s.wish || !s.voice {
		return
	}
	switch {
	case s.leavingFor(to):
	case s.place.State == session.Accepting:
		s.wish = true // carried out once the call is up
	case s.place.Accepts(session.Hold):
		s.step(event{in: session.Hold})
	}
}

func (s *Session) sendRefusal(e event) {
	r := s.refusal
	switch {
	case r.code != 0:
	case e.in == session.Reject && e.busy:
		r = refusal{code: 486, reason: "Busy Here"}
	case e.in == session.RingTimeout, e.quiet:
		r = refusal{code: 480, reason: "Temporarily Unavailable"}
	case e.in == session.PrepareFailed:
		r = refusal{code: 500, reason: "Server Internal Error"}
	default:
		r = refusal{code: 603, reason: "Decline"}
	}
	if e.in == session.Reject || e.in == session.End {
		kind := Declined
		switch r.code {
		case 480:
			kind = NoAnswer
		case 486:
			kind = Busy
		}
		// Told by WillEnd already; the reason is added for the history.
		s.now.End.By, s.now.End.Kind, s.now.End.Code = Local, kind, r.code
	}
	s.refused(s.call.Reject(r.code, r.reason, r.headers...), "Reject")
}

func (s *Session) sendBye(e event) {
	reason := ""
	if e.in == session.GotBadAnswer {
		reason = "no common media"
	}
	s.refused(s.call.Bye(reason), "Bye")
}
