package sip

import (
	"errors"

	"github.com/emiago/sipgo/sip"
)

// bye ends an established call. The called side must not do so before the ACK
// (RFC 3261 section 15), so then it waits for that.
func (c *Call) bye(reason string) {
	if c.over || c.byeSent || c.byeAfter != nil {
		return
	}
	c.move(stageEnding)
	if c.unacked != nil && !c.unacked.reinvite {
		c.byeAfter = &reason
		return
	}
	c.sendBye(reason)
}

func (c *Call) sendBye(reason string) {
	c.byeSent = true
	c.ackOpen()
	c.ask(inDialog{method: "BYE", headers: reasonHeader(sip.StatusOK, reason), done: func(_ *sip.Response, err error) {
		// Whatever the far end says, the call is over.
		c.end(Ended{err})
	}})
}

// ackOpen acknowledges a 2xx that still waited for its owner's answer.
func (c *Call) ackOpen() {
	if c.outgoing && c.uac.legs != nil && !c.uac.legs.acked() {
		c.ack(c.uac.legs, nil)
	}
	if c.ours != nil && c.ours.toAck != nil {
		c.ack(c.ours.toAck, nil)
		c.ours.toAck = nil
	}
}

// hangUpLost ends a call whose dialog is of no use any more.
func (c *Call) hangUpLost(why error) {
	if c.over || c.byeSent {
		return
	}
	c.byeSent = true
	c.move(stageEnding)
	c.ackOpen()
	c.ask(inDialog{method: "BYE", headers: lostReason(why), done: func(*sip.Response, error) { c.end(Ended{why}) }})
}

// lostReason tells the far end why it is hung up without anybody's wish.
func lostReason(why error) []Header {
	switch {
	case errors.Is(why, ErrSessionExpired):
		return reasonHeader(sip.StatusRequestTimeout, "Session expired")
	case errors.Is(why, ErrNoAck):
		return reasonHeader(sip.StatusRequestTimeout, "No ACK")
	}
	return nil
}

// gotBye handles the far end's BYE. When ours is on its way too, ours decides
// what the call's last event is.
func (c *Call) gotBye(req *sip.Request, tx *sip.ServerTx) {
	if c.d == nil && c.uas == nil {
		// Only the caller may end an early dialog so (RFC 3261 section 15).
		c.e.reply(req, tx, sip.StatusForbidden)
		return
	}
	c.e.reply(req, tx, sip.StatusOK)
	why := reasonsOf(req)
	if c.d == nil {
		c.end(why.canceled()) // 487 goes to the INVITE
		return
	}
	if c.unacked != nil {
		c.disarm(c.unacked.again)
		c.disarm(c.unacked.giveUp)
		c.unacked = nil
	}
	if c.byeSent {
		return
	}
	c.end(Hungup{Reason: why.text, Cause: why.sip, Q850: why.q850})
}
