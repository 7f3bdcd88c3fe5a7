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
	Redirect         // send the caller elsewhere
	Silence          // let the caller wait without ringing here
	CancelAutoAnswer // do not answer by itself
	AddAudio         // propose the audio that the session does not have
	RemoveAudio      // end the audio and keep the session
	AcceptProposal   // take the streams the peer proposed
	RejectProposal   // do not
	CancelProposal   // withdraw ours
	Transfer         // send the peer elsewhere (RFC 3515)
	AcceptTransfer   // follow the peer, which sends us elsewhere
	RejectTransfer   // do not

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
	GotRedirect        // 3xx to our INVITE, with an address that may be tried; or there is no way to the last one
	GotProposal        // the peer offers a change that adds a stream we know
	GotProposalOK      // the peer took our change, and the stream it adds
	GotRefer           // the peer asks us to call somebody else
	GotReferProgress   // how the call goes that the peer makes for us
	GotReferResult     // how it ended
	GotBye             // the peer hung up
	GotOver            // the dialog is gone: our BYE was answered, or the peer was lost

	// Outcomes and timers.
	Prepared      // routes and local media are ready
	PrepareFailed // they are not to be had
	RingTimeout   // nobody answered here in time
	GlareTimeout  // the wait after a 491 is over (RFC 3261 section 14.1)

	EndTimeout      // the peer did not confirm the end in time
	ProposalTimeout // nobody decided on the peer's proposal in time
	RefreshDue      // the session timer wants a re-INVITE (RFC 4028)
	AddressChanged  // our address is another one: media must move

	numInputs
)

var inputNames = [numInputs]string{
	"Connect", "Accept", "Reject", "End", "Hold", "Unhold",
	"SendDTMF", "StartRecording", "StopRecording", "Redirect", "Silence", "CancelAutoAnswer",
	"AddAudio", "RemoveAudio", "AcceptProposal", "RejectProposal", "CancelProposal",
	"Transfer", "AcceptTransfer", "RejectTransfer",
	"GotInvite", "GotBadInvite", "GotProgress", "GotAnswer", "GotBadAnswer", "GotRefusal",
	"GotCancel", "GotConfirmation", "GotReinvite", "GotEmptyReinvite",
	"GotReinviteCancel", "GotReinviteOK", "GotReinviteGlare", "GotReinviteRefusal",
	"GotRedirect", "GotProposal", "GotProposalOK", "GotRefer", "GotReferProgress", "GotReferResult", "GotBye", "GotOver",
	"Prepared", "PrepareFailed", "RingTimeout", "GlareTimeout",
	"EndTimeout", "ProposalTimeout", "RefreshDue", "AddressChanged",
}

func (in Input) String() string {
	if in < numInputs {
		return inputNames[in]
	}
	return fmt.Sprintf("Input(%d)", uint8(in))
}

// Command reports whether in is a command of a person or a program.
func (in Input) Command() bool { return in <= RejectTransfer }

// An InputError says that a session does not accept an input where it stands.
type InputError struct {
	Place Place
	Input Input
	Why   error // what else of the session stands in the way; nil: the state alone
}

func (e *InputError) Error() string {
	text := fmt.Sprintf("session: %v is not possible in state %v", e.Input, e.Place)
	if e.Why != nil {
		text += ": " + e.Why.Error()
	}
	return text
}

// Unwrap returns Why.
func (e *InputError) Unwrap() error { return e.Why }
