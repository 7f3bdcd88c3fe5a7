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
	changing   = Place{Established, LocalOffer} // our re-INVITE is out
	offering   = Place{Established, Offerless}  // our offer is out in a 200
	canceling  = Place{Terminating, LocalOffer} // our CANCEL is out
	hangingUp  = Place{Terminating, Idle}       // our BYE or refusal is out
	over       = Place{Terminated, Idle}
	everyOpen  = []Place{calm, changing, offering}
	confirming = []Place{answered, calm, changing, offering}
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
	{GotBadAnswer, []Place{inviting}, hangingUp, []Effect{StopStreams, SendBye, NotifyFailed}},
	{GotRefusal, []Place{inviting}, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
	{End, []Place{looking}, over, []Effect{NotifyWillEnd, StopPreparing, StopStreams, NotifyDidEnd}},
	{End, []Place{inviting}, canceling, []Effect{NotifyWillEnd, StopStreams, SendCancel}},
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
	{GotBadAnswer, []Place{answered}, hangingUp, []Effect{StopStreams, SendBye, NotifyFailed}},
	{Reject, []Place{ringing}, hangingUp, []Effect{NotifyWillEnd, SendRefusal}},
	{End, []Place{ringing, accepting}, hangingUp, []Effect{NotifyWillEnd, StopPreparing, StopStreams, SendRefusal}},
	{GotCancel, []Place{ringing, accepting, answered}, over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	{RingTimeout, []Place{ringing}, over, []Effect{SendRefusal, NotifyFailed, NotifyDidEnd}},
	{RingTimeout, []Place{accepting, answered, calm, changing, offering, hangingUp}, stay, nil},

	// Changes of a confirmed dialog. RFC 3261 section 14: one exchange at a time;
	// a re-INVITE that crosses ours is answered 491, and so is ours by the peer.
	{Hold, []Place{calm}, changing, []Effect{KeepWish, SendReinvite}},
	{Unhold, []Place{calm}, changing, []Effect{KeepWish, HoldOthers, SendReinvite}},
	{Hold, []Place{answered, changing, offering}, stay, []Effect{KeepWish}},
	{Unhold, []Place{answered, changing, offering}, stay, []Effect{KeepWish, HoldOthers}},
	{GotReinviteOK, []Place{changing}, calm, []Effect{UpdateStreams, TryWish}},
	{GotReinviteGlare, []Place{changing}, calm, []Effect{RollBack, AwaitGlare}},
	{GotReinviteRefusal, []Place{changing}, calm, []Effect{RollBack}},
	{GlareTimeout, []Place{calm}, stay, []Effect{TryWish}},
	{GlareTimeout, []Place{changing, offering, hangingUp}, stay, nil},
	{GotReinvite, []Place{calm}, stay, []Effect{AnswerReinvite, TryWish}},
	{GotEmptyReinvite, []Place{calm}, offering, []Effect{OfferReinvite}},
	{GotReinvite, []Place{changing, offering}, stay, []Effect{RefuseGlare}},
	{GotEmptyReinvite, []Place{changing, offering}, stay, []Effect{RefuseGlare}},
	{GotConfirmation, []Place{offering}, calm, []Effect{UpdateStreams, TryWish}},
	{GotBadAnswer, []Place{offering}, hangingUp, []Effect{StopStreams, SendBye, NotifyFailed}},
	{GotConfirmation, []Place{calm, changing}, stay, nil},
	{GotReinviteCancel, []Place{offering}, calm, []Effect{RollBackTheirs, TryWish}},
	{GotReinviteCancel, []Place{calm, changing}, stay, nil}, // answered, or refused, already

	// What a confirmed dialog can do without an exchange.
	{SendDTMF, everyOpen, stay, []Effect{PlayDigit}},
	{StartRecording, everyOpen, stay, []Effect{Record}},
	{StopRecording, everyOpen, stay, []Effect{StopRecord}},

	// The end of a confirmed dialog.
	{End, confirming, hangingUp, []Effect{NotifyWillEnd, StopStreams, SendBye}},
	{GotBye, confirming, over, []Effect{NotifyWillEnd, StopStreams, NotifyDidEnd}},
	{GotOver, confirming, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotOver, []Place{hangingUp, canceling}, over, []Effect{NotifyDidEnd}},
	{GotBye, []Place{hangingUp, canceling}, over, []Effect{NotifyDidEnd}},
	{GotCancel, []Place{hangingUp, canceling}, over, []Effect{NotifyDidEnd}},
	{GotRefusal, []Place{hangingUp}, over, []Effect{NotifyDidEnd}},
	// The last event of a call ends the session wherever it stands, also where
	// that event is not expected: no other would follow.
	{GotOver, []Place{inviting, ringing, accepting}, over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotBye, []Place{inviting, ringing, accepting}, over, []Effect{NotifyWillEnd, StopPreparing, StopStreams, NotifyDidEnd}},
	{GotCancel, []Place{inviting, calm, changing, offering}, over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	{GotRefusal, []Place{ringing, accepting, answered, calm, changing, offering}, over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
	// Late news of what no longer matters.
	{GotConfirmation, []Place{hangingUp}, stay, nil},
	{GotReinviteOK, []Place{hangingUp}, stay, nil},
	{GotReinviteCancel, []Place{hangingUp}, stay, nil},
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
