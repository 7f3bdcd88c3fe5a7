package session

import "fmt"

// An Effect is something to be done when a session moves. Effects never block:
// what is slow is begun, and its outcome comes back as an [Input].
type Effect uint8

// The effects.
const (
	Prepare            Effect = iota // look up routes, open local media; then Prepared or PrepareFailed
	StopPreparing                    // forget the preparation
	SendInvite                       // with our offer
	SendCancel                       // withdraw the INVITE
	SendRinging                      // 180
	SendOK                           // 200 with our answer, or our offer where the INVITE had none
	SendRefusal                      // the final failure that fits the input
	SendReinvite                     // offer a change: hold, resume, a new address
	SendBye                          // end a confirmed dialog
	SendReinviteCancel               // withdraw our re-INVITE
	AnswerReinvite                   // 200 with our answer, or the failure that fits
	AnswerProposal                   // the same, with the streams that were accepted
	RefuseProposal                   // 488
	SendRefer                        // ask the peer to call somebody else
	TakeRefer                        // judge what the peer asks: follow, ask, or refuse
	FollowRefer                      // call whom the peer names
	RefuseRefer                      // 603
	OfferReinvite                    // 200 with our offer, for an offerless re-INVITE
	RefuseGlare                      // 491

	ShowProgress   // note ringing, early media
	StopRinging    // the caller waits in silence
	StopAutoAnswer // a person decides after all
	FollowRedirect // the next address of a 3xx becomes the target
	OpenStream     // sockets for a stream that is added; then Prepared or PrepareFailed
	DropStream     // the audio ends, the session goes on
	DropProposal   // our offer of a stream is void
	MoveStreams    // media goes to our new address
	KeepMove       // remember that it must, for when the exchange is over
	StartStreams   // media as agreed
	UpdateStreams  // media as agreed anew
	StopStreams    // media ends, sockets close
	RollBack       // the change was refused: go on as before
	RollBackTheirs // the peer withdrew its change: go on as before
	KeepWish       // remember the wished hold for when the exchange is over
	TryWish        // carry out what is still wished
	AwaitGlare     // start the wait after a 491
	AwaitAnswer    // start the ring timeout
	AwaitEnd       // start the time the peer has to confirm the end
	AwaitDecision  // start the time a person has for a proposal
	ShowTransfer   // note how the peer fares with the call we sent it on
	EndTransfer    // the same, for the last time
	HoldOthers     // put the other calls on hold: one is spoken to at a time
	PlayDigit      // send DTMF
	Record         // start recording
	StopRecord     // stop recording

	NotifyNewOutgoing
	NotifyNewIncoming
	NotifyWillStart
	NotifyDidStart
	NotifyProposal // a stream is proposed, by us or by the peer
	NotifyAccepted // and is there now
	NotifyRejected // or not
	NotifyFailed
	NotifyWillEnd
	NotifyDidEnd // the last thing of every session

	numEffects
)

var effectNames = [numEffects]string{
	"Prepare", "StopPreparing", "SendInvite", "SendCancel", "SendRinging", "SendOK",
	"SendRefusal", "SendReinvite", "SendBye", "SendReinviteCancel", "AnswerReinvite", "AnswerProposal",
	"RefuseProposal", "SendRefer", "TakeRefer", "FollowRefer", "RefuseRefer", "OfferReinvite",
	"RefuseGlare", "ShowProgress", "StopRinging", "StopAutoAnswer", "FollowRedirect", "OpenStream", "DropStream", "DropProposal",
	"MoveStreams", "KeepMove", "StartStreams", "UpdateStreams", "StopStreams",
	"RollBack", "RollBackTheirs", "KeepWish", "TryWish", "AwaitGlare", "AwaitAnswer", "AwaitEnd", "AwaitDecision",
	"ShowTransfer", "EndTransfer", "HoldOthers", "PlayDigit",
	"Record", "StopRecord", "NotifyNewOutgoing", "NotifyNewIncoming",
	"NotifyWillStart", "NotifyDidStart", "NotifyProposal", "NotifyAccepted", "NotifyRejected",
	"NotifyFailed", "NotifyWillEnd", "NotifyDidEnd",
}

func (e Effect) String() string {
	if e < numEffects {
		return effectNames[e]
	}
	return fmt.Sprintf("Effect(%d)", uint8(e))
}
