package middleware

import (
	"time"

	"parley/middleware/bus"
	"parley/middleware/session"
)

// About is the common part of the notifications of a session.
type About struct {
	bus.Note

	Session SessionID
	At      time.Time       // when it was posted
	Now     SessionSnapshot // as of this moment; never changed afterwards
}

// SessionOf returns the session that n is about, if it is about one.
func SessionOf(n bus.Notification) (SessionSnapshot, bool) {
	if a, ok := n.(interface{ about() SessionSnapshot }); ok {
		return a.about(), true
	}
	return SessionSnapshot{}, false
}

func (a About) about() SessionSnapshot { return a.Now }

type (
	// SIPSessionChangedState is posted at every change of state, before the
	// notification that tells what it means, but after the one that tells of a
	// new session. With the change to Terminated all that there is to know of the
	// end is known.
	SIPSessionChangedState struct {
		About
		PrevState session.State
		State     session.State
	}

	// SIPSessionDidChange is posted after any change of a session's snapshot;
	// it is enough for a front end that only shows things. Not in the seeds.
	SIPSessionDidChange struct{ About }

	// SIPSessionNewIncoming is posted when somebody calls.
	SIPSessionNewIncoming struct {
		About
		Streams []string
	}

	// SIPSessionNewOutgoing is posted when a call out begins.
	SIPSessionNewOutgoing struct {
		About
		Streams []string
	}

	// SIPSessionGotRingIndication is posted each time the far end says that it
	// rings.
	SIPSessionGotRingIndication struct{ About }

	// SIPSessionGotProvisionalResponse is posted for every provisional response
	// above 100. Not in the seeds.
	SIPSessionGotProvisionalResponse struct {
		About
		Code   int
		Reason string
	}

	// SIPSessionWillStart is posted when the call was answered, before its
	// media run.
	SIPSessionWillStart struct{ About }

	// SIPSessionDidStart is posted once, when the dialog is confirmed and every
	// accepted stream runs.
	SIPSessionDidStart struct{ About }

	// SIPSessionDidFail is posted when a session fails. SIPSessionDidEnd always
	// follows.
	SIPSessionDidFail struct {
		About
		Originator Originator
		Failure    Failure
	}

	// SIPSessionWillEnd is posted before a session is ended at the request of
	// either side.
	SIPSessionWillEnd struct{ About }

	// SIPSessionDidEnd is the last notification of every session.
	SIPSessionDidEnd struct {
		About
		Originator Originator
	}

	// SIPSessionGotHoldRequest is posted when either side has put the call on
	// hold.
	SIPSessionGotHoldRequest struct {
		About
		Originator Originator
	}

	// SIPSessionGotUnholdRequest is posted when the side that held the call has
	// resumed it.
	SIPSessionGotUnholdRequest struct {
		About
		Originator Originator
	}

	// SIPSessionHoldDidFail is posted when the peer refuses our hold or resume.
	// Not in the seeds.
	SIPSessionHoldDidFail struct {
		About
		Failure Failure
	}

	// SIPSessionGotStreamUpdate is posted when the set of active streams
	// changes.
	SIPSessionGotStreamUpdate struct {
		About
		Streams []string
	}

	// SIPSessionGotStreamProposal is posted when either side proposes to add
	// streams to the session.
	SIPSessionGotStreamProposal struct {
		About
		Proposer Originator
		Streams  []string
	}

	// SIPSessionAcceptedStreamProposal is posted when the other side has agreed
	// to a proposal. Streams are those that were accepted.
	SIPSessionAcceptedStreamProposal struct {
		About
		Proposer Originator
		Streams  []string
	}

	// SIPSessionRejectedStreamProposal is posted when a proposal came to
	// nothing: rejected, canceled, or not decided in time.
	SIPSessionRejectedStreamProposal struct {
		About
		Proposer Originator
		Reason   string
	}

	// SIPSessionGotNoAudio is posted once, when 5 s after the start of the
	// audio stream nothing was received.
	SIPSessionGotNoAudio struct{ About }

	// SIPSessionGotDTMF is posted for each digit the peer sends.
	SIPSessionGotDTMF struct {
		About
		Digit rune
	}

	// SIPSessionDidSendDTMF is posted for each digit sent. Not in the seeds.
	SIPSessionDidSendDTMF struct {
		About
		Digit rune
	}

	// SIPSessionDidNotSendDTMF is posted when a digit could not be sent. Digits
	// are that one and those behind it, which are dropped. Not in the seeds.
	SIPSessionDidNotSendDTMF struct {
		About
		Digits  string
		Failure Failure
	}

	// SIPSessionWillStartRecordingAudio is posted before recording starts.
	SIPSessionWillStartRecordingAudio struct {
		About
		FileName string
	}

	// SIPSessionDidStartRecordingAudio is posted when recording has started.
	SIPSessionDidStartRecordingAudio struct {
		About
		FileName string
	}

	// SIPSessionWillStopRecordingAudio is posted before recording stops.
	SIPSessionWillStopRecordingAudio struct {
		About
		FileName string
	}

	// SIPSessionDidStopRecordingAudio is posted when recording has stopped. Err
	// tells why, if it stopped by itself.
	SIPSessionDidStopRecordingAudio struct {
		About
		FileName string
		Err      error
	}

	// SIPSessionTransferNewIncoming is posted when the peer asks us to call
	// somebody else. With Now.Transfer.Waiting a person has to decide.
	SIPSessionTransferNewIncoming struct {
		About
		Source, Destination string // addresses, safe to show
	}

	// SIPSessionTransferNewOutgoing is posted when we are about to ask the peer
	// to call somebody else.
	SIPSessionTransferNewOutgoing struct {
		About
		Source, Destination string // addresses, safe to show
	}

	// SIPSessionTransferDidStart is posted when whoever was asked has agreed.
	SIPSessionTransferDidStart struct{ About }

	// SIPSessionTransferGotProgress is posted for each provisional response to
	// the new call.
	SIPSessionTransferGotProgress struct {
		About
		Code   int
		Reason string
	}

	// SIPSessionTransferDidEnd is posted when the new call was answered. The end
	// of the session follows.
	SIPSessionTransferDidEnd struct{ About }

	// SIPSessionTransferDidFail is posted when the transfer was refused, or the
	// new call was not answered. The session goes on.
	SIPSessionTransferDidFail struct {
		About
		Code    int
		Reason  string
		Failure Failure
	}

	// SIPSessionNewReplacement is posted when an incoming call takes the place of
	// another one, which ends when this one has started. Not in the seeds.
	SIPSessionNewReplacement struct {
		About
		Replaced SessionID
	}

	// SIPSessionCommandRefused is posted when a command came in a state that
	// does not allow it. Not in the seeds.
	SIPSessionCommandRefused struct {
		About
		Command session.Input
		Err     error
	}
)
