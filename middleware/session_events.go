package middleware

import (
	"errors"
	"strings"
	"time"

	"parley/middleware/session"
	"parley/sip"
	"parley/sip/sdp"
)

// handleSIP turns an event of the call into an input, on the session's
// goroutine, since session descriptions are judged on the way.
func (s *Session) handleSIP(ev sip.Event) {
	s.post(event{run: func() { s.gotSIP(ev) }})
}

func (s *Session) gotSIP(ev sip.Event) {
	if ua := sip.CleanText(s.call.RemoteUserAgent(), 120); ua != "" {
		s.now.RemoteUserAgent = ua
	}
	if r := s.call.Route(); s.now.Direction == Outgoing && r.Addr.IsValid() {
		s.now.Route = routeText(r) // another one, where the first did not answer
	}
	s.noteAnswerer()
	s.noteProof()
	switch ev := ev.(type) {
	case sip.Provisional:
		s.step(event{in: session.GotProgress, sip: ev, body: ev.Body})
	case sip.Answered:
		s.gotFirstAnswer(ev)
	case sip.Failed:
		if s.inviteSecured(ev.Err) || s.nextContact(ev.Err) || s.redirected(ev.Err) {
			return
		}
		s.step(event{in: session.GotRefusal, err: ev.Err, by: Remote})
	case sip.Canceled:
		f := Failure{Kind: Canceled, Code: 487, Reason: sip.CleanText(ev.Reason, 200)}
		if ev.Elsewhere {
			f.Kind = Elsewhere
		}
		if s.place.State != session.Terminating { // else it ends for a reason of ours
			s.end(Remote, f)
		}
		s.step(event{in: session.GotCancel, by: Remote})
	case sip.Confirmed:
		if !s.awaitsAnswer() {
			s.step(event{in: session.GotConfirmation})
			return
		}
		s.gotAnswer(ev.Body, session.GotConfirmation)
	case sip.Reinvited:
		if ev.Early && ev.Leg != s.leg { // of another branch than the one that is heard
			s.refused(s.call.AnswerReinvite(488, "Not Acceptable Here", nil), "AnswerReinvite")
			return
		}
		s.gotReinvite(ev.Body)
	case sip.RefreshDue:
		s.step(event{in: session.RefreshDue})
	case sip.ReinviteCanceled:
		s.step(event{in: session.GotReinviteCancel, by: Remote})
	case sip.ReinviteAnswered:
		s.gotReinviteAnswer(ev)
	case sip.ReinviteFailed:
		s.gotReinviteFailure(ev.Err)
	case sip.Hungup:
		s.step(event{in: session.GotBye, by: Remote, reason: sip.CleanText(ev.Reason, 200)})
	case sip.Ended:
		s.step(event{in: session.GotOver, err: ev.Err, by: Remote})
	case sip.ReferProgress, sip.ReferFinished, sip.Referred:
		s.gotTransferEvent(ev)
	case sip.InfoReceived:
		s.gotInfo(ev)
	case sip.Relocated, sip.RelocateFailed:
		s.gotRelocation(ev)
	}
}

// awaitsAnswer reports whether our offer went out in a 2xx and its answer comes
// with the ACK.
func (s *Session) awaitsAnswer() bool {
	return s.place.Exchange == session.Offerless ||
		s.place == session.Place{State: session.Accepting} && len(s.offer) == 0
}

// gotFirstAnswer takes in the 2xx to our INVITE. Of the branch that is heard
// already it need not bring a session description (RFC 3262 section 5); what an
// UPDATE has changed since then stands.
func (s *Session) gotFirstAnswer(ev sip.Answered) {
	if s.agreed != nil && ev.Leg == s.leg && (ev.Early || len(ev.Body) == 0) {
		s.answered(s.agreed, nil, ev.Body, session.GotAnswer)
		return
	}
	s.leg = ev.Leg
	s.gotAnswer(ev.Body, session.GotAnswer)
}

// gotAnswer judges the session description of an answer: in if it suits.
func (s *Session) gotAnswer(body []byte, in session.Input) {
	agreed, err := s.neg.GotAnswer(body)
	s.answered(agreed, err, body, in)
}

func (s *Session) answered(agreed *sdp.Agreed, err error, body []byte, in session.Input) {
	if err == nil && agreed.Rejected && s.place.State != session.Established {
		err = errRejected // a session begins with audio
	}
	if err != nil {
		s.step(event{in: session.GotBadAnswer, err: err, by: Local})
		return
	}
	s.agreed = agreed
	e := event{in: in, body: body}
	if in == session.GotAnswer {
		// From here on the call counts as taken up: whoever sees it established
		// and then goes on with another one is right.
		e.turn = s.m.turn.Add(1)
	}
	s.step(e)
}

func (s *Session) gotReinviteAnswer(ev sip.ReinviteAnswered) {
	agreed, err := s.neg.GotAnswer(ev.Body)
	if err != nil {
		s.step(event{in: session.GotReinviteRefusal, err: err, by: Remote})
		return
	}
	s.agreed = agreed
	in := session.GotReinviteOK
	if s.place.State == session.Proposing && !agreed.Rejected {
		in = session.GotProposalOK
	}
	s.step(event{in: in, by: Remote})
}

func (s *Session) gotReinviteFailure(err error) {
	var status *sip.StatusError
	if errors.As(err, &status) && status.Code == 491 {
		s.glare = max(status.RetryAfter, time.Millisecond)
		s.step(event{in: session.GotReinviteGlare, err: err})
		return
	}
	s.step(event{in: session.GotReinviteRefusal, err: err, by: Remote})
}

// showProgress notes ringing and starts early media (RFC 3960).
func (s *Session) showProgress(e event) {
	ev := e.sip.(sip.Provisional)
	p := &s.now.Progress
	p.Code, p.Reason = ev.Code, sip.CleanText(ev.Reason, 200)
	if ev.Code > 100 {
		s.publish(SIPSessionGotProvisionalResponse{About: s.about(), Code: p.Code, Reason: p.Reason})
	}
	if len(ev.Body) > 0 {
		if agreed, err := s.neg.GotAnswer(ev.Body); err == nil && !agreed.Rejected {
			s.agreed, s.leg = agreed, ev.Leg
			p.EarlyMedia = true
			s.configureStream()
		}
	}
	if ev.Code == 180 {
		p.Ringing = true
		s.publish(SIPSessionGotRingIndication{About: s.about()})
	}
}

// gotInfo reads DTMF from INFO, in the two forms that are around.
func (s *Session) gotInfo(ev sip.InfoReceived) {
	kind, _, _ := strings.Cut(strings.ToLower(ev.ContentType), ";")
	text := string(ev.Body)
	if strings.TrimSpace(kind) == "application/dtmf-relay" {
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				text = value
				break
			}
		}
	} else if strings.TrimSpace(kind) != "application/dtmf" {
		return
	}
	if text = strings.ToUpper(strings.TrimSpace(text)); len(text) == 1 && checkDigits(text) == nil {
		s.gotDigit(rune(text[0]))
	}
}

func (s *Session) gotDigit(digit rune) {
	s.publish(SIPSessionGotDTMF{About: s.about(), Digit: digit})
}
