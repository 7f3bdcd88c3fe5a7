package session

import "fmt"

// An Effect is something to be done when a session moves. Effects never block:
// what is slow is begun, and its outcome comes back as an [Input].
type Effect uint8

// The effects.
const (
	Prepare        Effect = iota // look up routes, open local media; then Prepared or PrepareFailed
	StopPreparing                // forget the preparation
	SendInvite                   // with our offer
	SendCancel                   // withdraw the INVITE
	SendRinging                  // 180
	SendOK                       // 200 with our answer, or our offer where the INVITE had none
	SendRefusal                  // the final failure that fits the input
	SendReinvite                 // offer a change: hold, resume, a new address
	SendBye                      // end a confirmed dialog
	AnswerReinvite               // 200 with our answer, or the failure that fits
	OfferReinvite                // 200 with our offer, for an offerless re-INVITE
	RefuseGlare                  // 491

	ShowProgress   // note ringing, early media
	StartStreams   // media as agreed
	UpdateStreams  // media as agreed anew
	StopStreams    // media ends, sockets close
	RollBack       // the change was refused: go on as before
	RollBackTheirs // the peer withdrew its change: go on as before
	KeepWish       // remember the wished hold for when the exchange is over
	TryWish        // carry out what is still wished
	AwaitGlare     // start the wait after a 491
	AwaitAnswer    // start the ring timeout
	HoldOthers     // put the other calls on hold: one is spoken to at a time
	PlayDigit      // send DTMF
	Record         // start recording
	StopRecord     // stop recording

	NotifyNewOutgoing
	NotifyNewIncoming
	NotifyWillStart
	NotifyDidStart
	NotifyFailed
	NotifyWillEnd
	NotifyDidEnd // the last thing of every session

	numEffects
)

var effectNames = [numEffects]string{
	"Prepare", "StopPreparing", "SendInvite", "SendCancel", "SendRinging", "SendOK",
	"SendRefusal", "SendReinvite", "SendBye", "AnswerReinvite", "OfferReinvite",
	"RefuseGlare", "ShowProgress", "StartStreams", "UpdateStreams", "StopStreams",
	"RollBack", "RollBackTheirs", "KeepWish", "TryWish", "AwaitGlare", "AwaitAnswer", "HoldOthers", "PlayDigit",
	"Record", "StopRecord", "NotifyNewOutgoing", "NotifyNewIncoming",
	"NotifyWillStart", "NotifyDidStart", "NotifyFailed", "NotifyWillEnd", "NotifyDidEnd",
}

func (e Effect) String() string {
	if e < numEffects {
		return effectNames[e]
	}
	return fmt.Sprintf("Effect(%d)", uint8(e))
}
