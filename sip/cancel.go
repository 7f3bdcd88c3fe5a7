package sip

import "github.com/emiago/sipgo/sip"

// Cancel gives up an outgoing call that is not answered. CANCEL goes out after
// the first provisional response, not before (RFC 3261 section 9.1). [Failed]
// with code 487 follows, even if an answer crosses: that is then hung up.
// reason, if not empty, goes into a Reason header field.
func (c *Call) Cancel(reason string) error {
	if !c.outgoing || c.at() != stageOffering {
		return ErrState
	}
	if err := CheckHeader("Reason", reason); err != nil {
		return err
	}
	c.post(func() {
		if c.d != nil {
			c.bye(reason) // the answer was faster
			return
		}
		c.cancel(reason)
	})
	return nil
}

func (c *Call) cancel(reason string) {
	u := c.uac
	if c.over || u.canceled {
		return
	}
	u.canceled, u.cancelReason = true, reason
	c.move(stageEnding)
	if u.tx == nil { // still looking for a way
		c.failCanceled()
		return
	}
	if u.heard {
		c.sendCancel()
	}
}

// sendCancel sends CANCEL once and gives the far end 64*T1 to end the INVITE.
func (c *Call) sendCancel() {
	u := c.uac
	if u.cancelSent {
		return
	}
	u.cancelSent = true
	req := u.legs.cancel(reasonHeader(sip.StatusRequestTerminated, u.cancelReason))
	c.e.bind(req, u.flow)
	if _, err := c.e.transact(req, u.flow, func(*sip.Response, error) {}); err != nil {
		c.e.log.Warn("CANCEL could not be sent", "call", c.id, "err", err)
	}
	tx := u.tx
	c.after(timerGiveUp, func() {
		tx.Terminate()
		c.failCanceled()
	})
}

// failCanceled ends a canceled call.
func (c *Call) failCanceled() {
	c.end(Failed{&StatusError{Method: "INVITE", Code: sip.StatusRequestTerminated, Reason: statusText(sip.StatusRequestTerminated)}})
}
