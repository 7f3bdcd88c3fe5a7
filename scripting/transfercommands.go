package scripting

import (
	"context"

	"parley/middleware"
	"parley/middleware/session"
	"parley/scripting/protocol"
)

// transfer asks the partner to call somebody else.
func transfer(_ *Server, ctx context.Context, v callView, target string) error {
	if target == "" {
		return protocol.Errorf(protocol.AlterBadArguments, "")
	}
	return v.do(ctx, session.Transfer, target, protocol.AlterFailed)
}

// transferTo asks the partner to take our place in another call.
func transferTo(s *Server, _ context.Context, v callView, other string) error {
	to, err := s.otherCall(other)
	switch {
	case err != nil:
		return err
	case v.session == nil || !v.snap.Accepts(session.Transfer):
		return protocol.Errorf(protocol.AlterFailed, "")
	case to.session == nil || to.snap.State() != session.Established:
		return refuse(protocol.AlterFailed, middleware.ErrOtherCall)
	}
	return refuse(protocol.AlterFailed, v.session.TransferTo(to.snap.ID))
}

// transferOf says how far a transfer of the call has come.
func transferOf(s middleware.SessionSnapshot) string {
	switch t := s.Transfer; {
	case t.By == "":
		return "NONE"
	case t.Done:
		return "TRANSFERRED"
	case t.Waiting:
		return "REQUESTED"
	case t.Code != 0:
		return join("TRANSFERRING", number(t.Code), t.Reason)
	}
	return "TRANSFERRING"
}

// gotTransferFailure tells why a call stays where it is.
func (h *hub) gotTransferFailure(n middleware.SIPSessionTransferDidFail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k := h.sessions[n.Session]; k != nil {
		h.tellLocked(callLine(k.id, "TRANSFER_STATUS", join("FAILED", failureWords(n.Failure))))
	}
}
