package session

import "slices"

// A rule says: on this input, in any of these places, go there and do that.
type rule struct {
	on   Input
	in   []Place
	to   Place
	then []Effect
}

// stay, as the to of a rule, keeps the place.
var stay = Place{numStates, numExchanges}

// The places that rules name often.
var (
	looking    = Place{Calling, Idle}           // no INVITE is out yet
	inviting   = Place{Calling, LocalOffer}     // the INVITE is out
	ringing    = Place{Incoming, RemoteOffer}   // called, with an offer or without
	accepting  = Place{Accepting, RemoteAnswer} // accepted, the 200 is not out
	answered   = Place{Accepting, Idle}         // the 200 is out, the ACK is not in
	calm       = Place{Established, Idle}
	changing   = Place{Established, LocalOffer}  // our re-INVITE is out
	offering   = Place{Established, Offerless}   // our offer is out in a 200
	waiting    = Place{Proposing, Idle}          // our proposal is about to go out, or waits after a 491
	proposing  = Place{Proposing, LocalOffer}    // our proposal is out
	recalling  = Place{Proposing, LocalCanceled} // it is being withdrawn
	proposed   = Place{Proposed, RemoteOffer}    // theirs waits for a person
	deciding   = Place{Proposed, RemoteAnswer}   // theirs was accepted, the stream is being opened
	canceling  = Place{Terminating, LocalOffer}  // our CANCEL is out
	hangingUp  = Place{Terminating, Idle}        // our BYE or refusal is out
	over       = Place{Terminated, Idle}
	exchanging = []Place{changing, offering, waiting, proposing, recalling, proposed, deciding}
	everyOpen  = append([]Place{calm}, exchanging...)
	confirming = append([]Place{answered}, everyOpen...)
	dying      = []Place{hangingUp, canceling}
)

// rules is every move there is. A pair of place and input appears at most once
// (TestRulesAreUnambiguous); a pair that does not appear is refused.
var rules = []rule{
	// Outgoing.
	{Connect, []Place{{Null, Idle}}, looking, []Effect{NotifyNewOutgoing, HoldOthers, Prepare}},
	{Prepared, []Place{looking}, inviting, []Effect{SendInvite}},
	{PrepareFailed, []Place{looking}, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotProgress, []Place{inviting}, stay, []Effect{ShowProgress}},
	{GotAnswer, []Place{inviting}, calm, []Effect{NotifyWillStart, StartStreams, HoldOthers, NotifyDidStart, TryWish}},
	{GotBadAnswer, []Place{inviting}, hangingUp, []Effect{StopStreams, SendBye, NotifyFailed, AwaitEnd}},
	{GotRefusal, []Place{inviting}, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotReinvite, []Place{inviting}, stay, []Effect{AnswerReinvite}}, // UPDATE in the early dialog (RFC 3311)
	{GotRedirect, []Place{looking, inviting}, looking, []Effect{FollowRedirect, Prepare}},
	{End, []Place{looking}, over, []Effect{NotifyWillEnd, StopPreparing, StopStreams, NotifyDidEnd}},
	{End, []Place{inviting}, canceling, []Effect{NotifyWillEnd, StopStreams, SendCancel, AwaitEnd}},
	{GotProgress, []Place{canceling}, stay, nil},
	{GotRefusal, []Place{canceling}, over, []Effect{NotifyDidEnd}},
	// Our CANCEL crossed the answer: the call is up, so it must be hung up.
	{GotAnswer, []Place{canceling}, hangingUp, []Effect{SendBye}},
	{GotBadAnswer, []Place{canceling}, hangingUp, []Effect{SendBye}},

	// Incoming.
	{GotInvite, []Place{{Null, Idle}}, ringing, []Effect{NotifyNewIncoming, SendRinging, AwaitAnswer}},
	{GotBadInvite, []Place{{Null, Idle}}, over, []Effect{NotifyNewIncoming, SendRefusal, NotifyFailed, NotifyDidEnd}},
	{Accept, []Place{ringing}, accepting, []Effect{NotifyWillStart, HoldOthers, Prepare}},
	{Prepared, []Place{accepting}, answered, []Effect{SendOK, StartStreams}},
	{PrepareFailed, []Place{accepting}, over, []Effect{SendRefusal, StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotConfirmation, []Place{answered}, calm, []Effect{UpdateStreams, NotifyDidStart, TryWish}},
	{GotBadAnswer, []Place{answered}, hangingUp, []Effect{StopStreams, SendBye, NotifyFailed, AwaitEnd}},
	{Reject, []Place{ringing}, hangingUp, []Effect{NotifyWillEnd, SendRefusal, AwaitEnd}},
	{Redirect, []Place{ringing}, hangingUp, []Effect{NotifyWillEnd, SendRefusal, AwaitEnd}},
	{Silence, []Place{ringing}, stay, []Effect{StopRinging}},
	{CancelAutoAnswer, []Place{ringing}, stay, []Effect{StopAutoAnswer}},
	{End, []Place{ringing, accepting}, hangingUp, []Effect{NotifyWillEnd, StopPreparing, StopStreams, SendRefusal, AwaitEnd}},
	{GotCancel, []Place{ringing, accepting, answered}, over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	{RingTimeout, []Place{ringing}, over, []Effect{SendRefusal, NotifyFailed, NotifyDidEnd}},
	{RingTimeout, append([]Place{accepting, hangingUp}, confirming...), stay, nil},

	// Changes of a confirmed dialog. RFC 3261 section 14: one exchange at a time;
	// a re-INVITE that crosses ours is answered 491, and so is ours by the peer.
	{Hold, []Place{calm}, changing, []Effect{KeepWish, SendReinvite}},
	{Unhold, []Place{calm}, changing, []Effect{KeepWish, HoldOthers, SendReinvite}},
	{Hold, append([]Place{answered}, exchanging...), stay, []Effect{KeepWish}},
	{Unhold, append([]Place{answered}, exchanging...), stay, []Effect{KeepWish, HoldOthers}},
	{RemoveAudio, []Place{calm}, changing, []Effect{DropStream, SendReinvite}},
	{RemoveAudio, []Place{changing, offering}, stay, []Effect{DropStream}},
	{GotReinviteOK, []Place{changing}, calm, []Effect{UpdateStreams, TryWish}},
	{GotReinviteGlare, []Place{changing}, calm, []Effect{RollBack, AwaitGlare}},
	{GotReinviteRefusal, []Place{changing}, calm, []Effect{RollBack}},
	{GlareTimeout, []Place{calm}, stay, []Effect{TryWish}},
	{GlareTimeout, []Place{changing, offering, proposing, recalling, proposed, deciding, hangingUp}, stay, nil},
	{GotReinvite, []Place{calm}, stay, []Effect{AnswerReinvite, TryWish}},
	{GotEmptyReinvite, []Place{calm}, offering, []Effect{OfferReinvite}},
	{GotReinvite, []Place{changing, offering, proposing, recalling}, stay, []Effect{RefuseGlare}},
	{GotEmptyReinvite, []Place{changing, offering, waiting, proposing, recalling}, stay, []Effect{RefuseGlare}},
	{GotProposal, []Place{changing, offering, proposing, recalling}, stay, []Effect{RefuseGlare}},
	{GotConfirmation, []Place{offering}, calm, []Effect{UpdateStreams, TryWish}},
	{GotBadAnswer, []Place{offering}, hangingUp, []Effect{StopStreams, SendBye, NotifyFailed, AwaitEnd}},
	{GotConfirmation, []Place{calm, changing, waiting, proposing, recalling, proposed, deciding}, stay, nil},
	{GotReinviteCancel, []Place{offering}, calm, []Effect{RollBackTheirs, TryWish}},
	{GotReinviteCancel, []Place{calm, changing, waiting, proposing, recalling}, stay, nil}, // answered, or refused, already
	{RefreshDue, []Place{calm}, changing, []Effect{SendReinvite}},
	{RefreshDue, append([]Place{answered, hangingUp}, exchanging...), stay, nil}, // the open exchange refreshes
	{AddressChanged, []Place{calm}, changing, []Effect{MoveStreams, SendReinvite}},
	{AddressChanged, append([]Place{looking, inviting, ringing, accepting, answered}, exchanging...), stay, []Effect{KeepMove}},
	{AddressChanged, dying, stay, nil},

	// Proposals of ours. What is decided by a 2xx is judged before: with the
	// stream it is GotProposalOK, without GotReinviteOK.
	{AddAudio, []Place{calm}, waiting, []Effect{NotifyProposal, OpenStream}},
	{AddAudio, []Place{changing, offering}, stay, []Effect{KeepWish}},
	{Prepared, []Place{waiting}, proposing, []Effect{SendReinvite}},
	{PrepareFailed, []Place{waiting}, calm, []Effect{DropProposal, NotifyRejected, TryWish}},
	{GotProposalOK, []Place{proposing}, calm, []Effect{UpdateStreams, NotifyAccepted, TryWish}},
	{GotReinviteOK, []Place{proposing}, calm, []Effect{DropProposal, UpdateStreams, NotifyRejected, TryWish}},
	{GotReinviteRefusal, []Place{proposing, recalling}, calm, []Effect{DropProposal, NotifyRejected, TryWish}},
	{GotReinviteGlare, []Place{proposing}, waiting, []Effect{RollBack, AwaitGlare}},
	{GotReinviteGlare, []Place{recalling}, calm, []Effect{DropProposal, NotifyRejected, TryWish}},
	{GlareTimeout, []Place{waiting}, proposing, []Effect{SendReinvite}},
	{GotReinvite, []Place{waiting}, stay, []Effect{AnswerReinvite}},
	{GotProposal, []Place{waiting}, calm, []Effect{AnswerProposal, NotifyAccepted, TryWish}}, // both want it
	{CancelProposal, []Place{waiting}, calm, []Effect{DropProposal, NotifyRejected, TryWish}},
	{CancelProposal, []Place{proposing}, recalling, []Effect{SendReinviteCancel}},
	// The answer was faster: the stream is there, and goes by another exchange.
	{GotProposalOK, []Place{recalling}, calm, []Effect{UpdateStreams, DropStream, NotifyRejected, TryWish}},
	{GotReinviteOK, []Place{recalling}, calm, []Effect{DropProposal, UpdateStreams, NotifyRejected, TryWish}},

	// Proposals of the peer.
	{GotProposal, []Place{calm}, proposed, []Effect{NotifyProposal, AwaitDecision}},
	{AcceptProposal, []Place{proposed}, deciding, []Effect{OpenStream}},
	{Prepared, []Place{deciding}, calm, []Effect{AnswerProposal, NotifyAccepted, TryWish}},
	{PrepareFailed, []Place{deciding}, calm, []Effect{RefuseProposal, NotifyRejected, TryWish}},
	{RejectProposal, []Place{proposed}, calm, []Effect{RefuseProposal, NotifyRejected, TryWish}},
	{ProposalTimeout, []Place{proposed}, calm, []Effect{RefuseProposal, NotifyRejected, TryWish}},
	{ProposalTimeout, []Place{calm, changing, offering, waiting, proposing, recalling, deciding, hangingUp}, stay, nil},
	{GotReinviteCancel, []Place{proposed, deciding}, calm, []Effect{RollBackTheirs, NotifyRejected, TryWish}},

	// Transfers (RFC 3515). They open no offer/answer exchange.
	{Transfer, everyOpen, stay, []Effect{SendRefer}},
	{GotRefer, confirming, stay, []Effect{TakeRefer}},
	{AcceptTransfer, everyOpen, stay, []Effect{FollowRefer}},
	{RejectTransfer, everyOpen, stay, []Effect{RefuseRefer}},
	{GotReferProgress, everyOpen, stay, []Effect{ShowTransfer}},
	{GotReferResult, everyOpen, stay, []Effect{EndTransfer}},
	{GotReferProgress, []Place{hangingUp}, stay, nil},
	{GotReferResult, []Place{hangingUp}, stay, nil},

	// What a confirmed dialog can do without an exchange.
	{SendDTMF, everyOpen, stay, []Effect{PlayDigit}},
	{StartRecording, everyOpen, stay, []Effect{Record}},
	{StopRecording, everyOpen, stay, []Effect{StopRecord}},

	// The end of a confirmed dialog.
	{End, confirming, hangingUp, []Effect{NotifyWillEnd, StopStreams, SendBye, AwaitEnd}},
	{GotBye, confirming, over, []Effect{NotifyWillEnd, StopStreams, NotifyDidEnd}},
	{GotOver, confirming, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotOver, dying, over, []Effect{NotifyDidEnd}},
	{EndTimeout, dying, over, []Effect{NotifyDidEnd}}, // the request is repeated without us
	{GotBye, dying, over, []Effect{NotifyDidEnd}},
	{GotCancel, dying, over, []Effect{NotifyDidEnd}},
	{GotRefusal, []Place{hangingUp}, over, []Effect{NotifyDidEnd}},
	// The last event of a call ends the session wherever it stands, also where
	// that event is not expected: no other would follow.
	{GotOver, []Place{inviting, ringing, accepting}, over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotBye, []Place{inviting, ringing, accepting}, over, []Effect{NotifyWillEnd, StopPreparing, StopStreams, NotifyDidEnd}},
	{GotCancel, append([]Place{inviting}, everyOpen...), over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotRefusal, append([]Place{ringing, accepting}, confirming...), over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	// Late news of what no longer matters.
	{GotConfirmation, []Place{hangingUp}, stay, nil},
	{GotReinviteOK, []Place{hangingUp}, stay, nil},
	{GotProposalOK, []Place{hangingUp}, stay, nil},
	{GotReinviteCancel, []Place{hangingUp}, stay, nil},
	{GotReinvite, []Place{hangingUp}, stay, nil}, // the BYE is an answer to it
	{GotEmptyReinvite, []Place{hangingUp}, stay, nil},
	{GotProposal, []Place{hangingUp}, stay, nil},
	{GotRefer, []Place{hangingUp}, stay, nil},
	{PrepareFailed, []Place{hangingUp}, stay, nil},
	{Prepared, []Place{hangingUp}, stay, nil},
	{GotReinviteGlare, []Place{hangingUp}, stay, nil},
	{GotReinviteRefusal, []Place{hangingUp}, stay, nil},
}

// Next returns the place that follows p on in, and the effects to carry out in
// that order. A refused input returns p itself, no effects and an *InputError.
func Next(p Place, in Input) (Place, []Effect, error) {
	for _, r := range rules {
		if r.on != in || !slices.Contains(r.in, p) {
			continue
		}
		if r.to == stay {
			return p, r.then, nil
		}
		return r.to, r.then, nil
	}
	return p, nil, &InputError{Place: p, Input: in}
}

// Accepts reports whether in is allowed at p. The window enables its buttons by
// it, so what a person may press and what the rules allow cannot differ.
func (p Place) Accepts(in Input) bool {
	_, _, err := Next(p, in)
	return err == nil
}

// Rows returns one line per rule and place, for docs/STATES.md.
func Rows() []Row {
	var rows []Row
	for _, r := range rules {
		for _, p := range r.in {
			to, then, _ := Next(p, r.on)
			rows = append(rows, Row{From: p, On: r.on, To: to, Then: then})
		}
	}
	return rows
}

// A Row is one move of the table.
type Row struct {
	From Place
	On   Input
	To   Place
	Then []Effect
}
