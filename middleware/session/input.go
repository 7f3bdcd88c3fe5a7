package session

import "fmt"

// An Input is something that happens to a session: a command of a person or a
// program, an event from the network, or the outcome of something slow that an
// effect began.
type Input uint8

// Commands. Their names follow the methods of the SIP SIMPLE middleware API.
const (
	Connect Input = iota // call out
	Accept               // answer
	Reject               // decline, or say busy
	End                  // hang up, give up, or decline: whatever ends it now
	Hold
	Unhold
	SendDTMF
	StartRecording
	StopRecording

	// From the network.
	GotInvite          // a new incoming call
	GotBadInvite       // one that must be turned away: no codec in common, busy, do not disturb
	GotProgress        // a provisional response: trying, ringing or early media
	GotAnswer          // a 2xx whose session description suits
	GotBadAnswer       // a 2xx whose session description does not
	GotRefusal         // a final failure, or no route worked
	GotCancel          // the caller gave up
	GotConfirmation    // the ACK
	GotReinvite        // the peer offers a change
	GotEmptyReinvite   // the peer asks us for an offer
	GotReinviteCancel  // the peer withdrew its change before our answer
	GotReinviteOK      // the peer took our change
	GotReinviteGlare   // 491: both sides offered at once
	GotReinviteRefusal // the peer refused our change
	GotBye             // the peer hung up
	GotOver            // the dialog is gone: our BYE was answered, or the peer was lost

	// Outcomes and timers.
	Prepared      // routes and local media are ready
	PrepareFailed // they are not to be had
	RingTimeout   // nobody answered here in time
	GlareTimeout  // the wait after a 491 is over (RFC 3261 section 14.1)

	numInputs
)

var inputNames = [numInputs]string{
	"Connect", "Accept", "Reject", "End", "Hold", "Unhold",
	"SendDTMF", "StartRecording", "StopRecording",
	"GotInvite", "GotBadInvite", "GotProgress", "GotAnswer", "GotBadAnswer", "GotRefusal",
	"GotCancel", "GotConfirmation", "GotReinvite", "GotEmptyReinvite",
	"GotReinviteCancel", "GotReinviteOK", "GotReinviteGlare", "GotReinviteRefusal", "GotBye", "GotOver",
	"Prepared", "PrepareFailed", "RingTimeout", "GlareTimeout",
}

func (in Input) String() string {
	if in < numInputs {
		return inputNames[in]
	}
	return fmt.Sprintf("Input(%d)", uint8(in))
}

// An InputError says that a session does not accept an input where it stands.
type InputError struct {
	Place Place
	Input Input
}

func (e *InputError) Error() string {
	return fmt.Sprintf("session: %v is not possible in state %v", e.Input, e.Place)
}
