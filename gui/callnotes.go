package gui

import (
	"slices"

	"parley/gui/viewmodel"
	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/session"
)

// followCalls listens to what a call's snapshot does not tell.
func (w *Window) followCalls() {
	bus.On(w.client, func(n middleware.SIPSessionDidStart) { w.started(n.Session) })
	bus.On(w.client, func(n middleware.SIPSessionDidNotSendDTMF) {
		w.note(n.Session, viewmodel.DigitsNotSent(n.Digits, n.Failure))
	})
	bus.On(w.client, func(n middleware.SIPSessionTransferNewIncoming) { w.sentOn[n.Session] = true })
	bus.On(w.client, func(n middleware.SIPSessionTransferNewOutgoing) { delete(w.sentOn, n.Session) })
	bus.On(w.client, func(n middleware.SIPSessionTransferDidFail) { w.transferFailed(n) })
	bus.On(w.client, func(n middleware.SIPSessionForwardingDidFail) {
		w.banners.flash(w, viewmodel.ForwardFailed(w.textOf(n.Target), n.Failure))
	})
	bus.On(w.client, func(n middleware.SIPSessionRejectedStreamProposal) {
		if b := viewmodel.ProposalRefused(n.Proposer, n.Reason); b.Text != "" {
			w.note(n.Session, b)
		}
	})
	bus.On(w.client, func(n middleware.SIPSessionCommandRefused) {
		if n.Command == session.Transfer || n.Command == session.AddAudio {
			w.note(n.Session, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(n.Err)})
		}
	})
	bus.On(w.client, func(n middleware.SIPConferenceDidChange) {
		if n.Err != nil {
			w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(n.Err)})
		}
	})
}

// note says something in the card of a call for a moment.
func (w *Window) note(id middleware.SessionID, b viewmodel.Banner) {
	if w.session(id) == nil {
		return
	}
	w.notes[id] = append(w.notes[id], b)
	w.refreshCalls()
	w.door.After(endedTime, func() {
		if list := w.notes[id]; len(list) > 0 {
			w.notes[id] = slices.Clone(list[1:])
			w.refreshCalls()
		}
	})
}

// forget drops what was known of a call besides its snapshot.
func (w *Window) forget(id middleware.SessionID) {
	delete(w.notes, id)
	delete(w.recordAll, id)
	delete(w.consulting, id)
	delete(w.sentOn, id)
}
