package middleware

import (
	"errors"
	"time"

	"parley/middleware/session"
)

// ErrHasAudio is returned where audio is proposed to a session that has it.
var ErrHasAudio = errors.New("middleware: the session has audio already")

// ErrNotSupported is returned for what the API names and this version does not
// do: chat over MSRP, presence, the subscriptions for dialogs and waiting
// messages, and ICE.
var ErrNotSupported = errors.New("middleware: not supported in this version")

// ErrStreams is returned for a choice of streams that was not proposed, or is
// empty.
var ErrStreams = errors.New("middleware: only proposed streams can be accepted, and at least one")

// proposalTime is how long a person has to decide on a stream that the peer
// proposes. The peer's INVITE transaction lasts at least three minutes (RFC 3261
// section 16.6).
const proposalTime = 60 * time.Second

// AddAudio proposes audio to a session that has none. The state is Proposing
// until SIPSessionAcceptedStreamProposal or SIPSessionRejectedStreamProposal.
func (s *Session) AddAudio() { s.command(event{in: session.AddAudio}) }

// RemoveAudio ends the audio at once and tells the peer; the session goes on.
func (s *Session) RemoveAudio() { s.command(event{in: session.RemoveAudio}) }

// AddChat would propose a chat stream. It returns [ErrNotSupported].
func (s *Session) AddChat() error { return ErrNotSupported }

// RemoveChat would end the chat stream. It returns [ErrNotSupported].
func (s *Session) RemoveChat() error { return ErrNotSupported }

// SendMessage would send a message over the chat stream and return its id. It
// returns [ErrNotSupported].
func (s *Session) SendMessage(content, contentType string) (id string, err error) {
	return "", ErrNotSupported
}

// AcceptProposal accepts the streams the peer proposes. Only what was proposed
// may be true; chat cannot be accepted in this version. What is not accepted is
// turned down.
func (s *Session) AcceptProposal(audio, chat bool) error {
	switch {
	case chat:
		return ErrNotSupported
	case !audio:
		return ErrStreams
	}
	s.command(event{in: session.AcceptProposal})
	return nil
}

// RejectProposal turns down what the peer proposes; the session goes on as it
// was.
func (s *Session) RejectProposal() { s.command(event{in: session.RejectProposal, by: Local}) }

// CancelProposal withdraws our own proposal.
func (s *Session) CancelProposal() { s.command(event{in: session.CancelProposal, by: Local}) }

// gotReinvite judges an offer of the peer. It is read only where it can be
// answered: where an exchange is open it would take the place of our own offer.
func (s *Session) gotReinvite(body []byte) {
	in := session.GotReinvite
	switch {
	case len(body) == 0:
		in = session.GotEmptyReinvite
	case s.place.Exchange == session.Idle && s.place.State != session.Terminating, s.early():
		if err := s.neg.GotOffer(body); err != nil {
			s.log.Info("Offer of the peer refused", "err", err)
			s.refused(s.call.AnswerReinvite(488, "Not Acceptable Here", nil), "AnswerReinvite")
			return
		}
		if s.neg.Proposal().AddsAudio {
			in = session.GotProposal
			s.now.Proposal = Proposal{By: Remote, Audio: true, Chat: s.neg.Proposal().AddsChat}
		}
	}
	s.step(event{in: in, by: Remote})
}

// early reports whether a first offer was answered before the call was: then the
// peer may change it by UPDATE (RFC 3311 section 5.1).
func (s *Session) early() bool {
	return s.place == session.Place{State: session.Calling, Exchange: session.LocalOffer} && s.agreed != nil
}

// openStream opens the sockets of a stream that is added.
func (s *Session) openStream() {
	s.addLater, s.voice = false, true
	next := event{in: session.Prepared, by: Local}
	if s.stream == nil {
		stream, err := s.newStream(s.call.LocalAddr())
		if err != nil {
			next.in, next.err = session.PrepareFailed, err
		} else {
			s.useStream(stream)
		}
	}
	s.next = &next
}

// dropStream ends the audio of a session that goes on.
func (s *Session) dropStream() {
	s.voice, s.addLater = false, false
	s.wish = false // there is nothing to hold
	s.now.Audio.NoAudio = false
	s.stopStreams()
}

// dropProposal undoes what was made ready for a stream that is not to be.
func (s *Session) dropProposal() {
	s.neg.Rollback()
	s.dropStream()
	s.neg.SetLocal(s.local(s.now.OnHoldByLocal))
}

// answerProposal accepts the stream that the peer adds.
func (s *Session) answerProposal() {
	if s.stream == nil { // ours waits for its turn, so there is one; this is for safety
		s.refuseProposal()
		return
	}
	s.answerReinvite()
}

func (s *Session) refuseProposal() {
	s.neg.Rollback()
	s.dropStream()
	s.refused(s.call.AnswerReinvite(488, "Not Acceptable Here", nil), "AnswerReinvite")
}

// tellProposal tells what was proposed and what became of it.
func (s *Session) tellProposal(effect session.Effect, e event) {
	p := s.now.Proposal
	switch effect {
	case session.NotifyProposal:
		if e.in == session.AddAudio {
			p = Proposal{By: Local, Audio: true}
			s.now.Proposal = p
		}
		s.publish(SIPSessionGotStreamProposal{About: s.about(), Proposer: p.By, Streams: p.Streams()})
		return
	case session.NotifyAccepted:
		s.now.Proposal = Proposal{}
		s.publish(SIPSessionAcceptedStreamProposal{About: s.about(), Proposer: p.By, Streams: []string{"audio"}})
		return
	}
	s.now.Proposal = Proposal{}
	s.publish(SIPSessionRejectedStreamProposal{About: s.about(), Proposer: p.By, Reason: rejection(e)})
}

// rejection says in a word why a proposal came to nothing.
func rejection(e event) string {
	switch e.in {
	case session.RejectProposal:
		return "rejected"
	case session.CancelProposal, session.GotReinviteCancel:
		return "canceled"
	case session.ProposalTimeout:
		return "timeout"
	case session.PrepareFailed:
		return "no sockets"
	}
	if e.err != nil {
		if f := failureOf(e.err); f.Reason != "" {
			return f.Reason
		}
	}
	return "rejected"
}

// offered names the streams of an incoming call's offer; one without an offer
// gets ours.
func (s *Session) offered() []string {
	p := s.neg.Proposal()
	return Proposal{Audio: true, Chat: p.AddsChat}.Streams()
}
