package sip

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// An earlyLeg is one early dialog of our INVITE: one of the phones that it was
// forked to (RFC 3261 section 12.1).
type earlyLeg struct {
	d         *dialog
	seen      bool   // remoteSeq has been set
	remoteSeq uint32 // highest CSeq of theirs
	rseq      uint32 // of the newest reliable response; 0: none yet
	agreed    []byte // the session description of theirs that is in force, nil if none
	changed   bool   // by an UPDATE
}

// leg returns the early dialog that a provisional response belongs to, new ones
// up to [maxLegs]. It is nil for a response without a tag.
func (c *Call) leg(res *sip.Response) *earlyLeg {
	u, tag := c.uac, toTag(res)
	leg := u.early[tag]
	if leg != nil || tag == "" || len(u.early) >= maxLegs {
		return leg
	}
	leg = &earlyLeg{d: dialogFromResponse(c, u.legs.invite, res, u.flow)}
	leg.d.contact = "<" + c.e.contact(u.flow).String() + ">"
	u.early[tag] = leg
	u.legs.early(tag)
	return leg
}

// reliably takes in the RSeq of a provisional response, and acknowledges it with
// PRACK in the leg's own dialog (RFC 3262 section 4). fresh is false for a
// repetition and for one that is ahead of its turn: nobody is told of those.
func (c *Call) reliably(leg *earlyLeg, res *sip.Response) (reliable, fresh bool) {
	u := c.uac
	if leg == nil || c.ext.Reliable == ReliableOff || len(u.want.Body) == 0 || !hasOption(res, "Require", tagReliable) {
		return false, true
	}
	n, err := strconv.ParseUint(headerValue(res, "RSeq"), 10, 32)
	if err != nil || n == 0 {
		return false, true
	}
	rseq := uint32(n)
	if leg.rseq != 0 && rseq != leg.rseq+1 {
		return true, false
	}
	if leg.rseq == 0 { // what came before may have been without Contact and Record-Route
		leg.d.become(dialogFromResponse(c, u.legs.invite, res, u.flow))
	} else {
		c.retarget(leg.d, res)
	}
	leg.rseq = rseq
	if body := sdpBody(res); body != nil && leg.agreed == nil {
		leg.agreed = body
	}
	rack := fmt.Sprintf("%d %d INVITE", rseq, u.legs.invite.CSeq().SeqNo)
	c.ask(inDialog{in: leg.d, method: "PRACK", headers: []Header{{"RAck", rack}}, done: func(res *sip.Response, err error) {
		if err == nil && !res.IsSuccess() {
			err = statusError(res)
		}
		if err != nil {
			c.e.log.Debug("PRACK failed", "call", c.id, "err", err)
		}
	}})
	return true, true
}

// become takes over where requests go from a newer view of the same dialog.
func (d *dialog) become(newer *dialog) {
	if newer.target.String() != d.target.String() || fmt.Sprint(newer.routes) != fmt.Sprint(d.routes) {
		d.next = flow{}
	}
	d.target, d.routes, d.remote = newer.target, newer.routes, newer.remote
}

// retarget takes over the far end's Contact (RFC 3261 section 12.2.1.2).
func (c *Call) retarget(d *dialog, m sip.Message) {
	target := contactOf(m, d.target)
	if target.String() == d.target.String() {
		return
	}
	d.target, d.next = target, flow{}
	if d == c.d {
		c.setPeer()
	}
}

// confirmed makes the dialog of the winning 2xx, out of its early dialog where
// there is one (RFC 3261 section 13.2.2.4), and the event that tells of it.
func (c *Call) confirmed(res *sip.Response) Answered {
	u := c.uac
	ev := Answered{Code: res.StatusCode, Body: sdpBody(res), Leg: toTag(res)}
	d := dialogFromResponse(c, u.legs.invite, res, u.flow)
	d.contact = "<" + c.e.contact(u.flow).String() + ">"
	c.d = d
	leg := u.early[d.remoteTag]
	if leg == nil {
		return ev
	}
	leg.d.become(d)
	c.d, c.seen, c.remoteSeq = leg.d, leg.seen, leg.remoteSeq
	if leg.agreed != nil && (ev.Body == nil || leg.changed || bytes.Equal(ev.Body, leg.agreed)) {
		ev.Body, ev.Early = leg.agreed, true
	}
	return ev
}

// dropLosers refuses the open UPDATE of a leg that did not win.
func (c *Call) dropLosers() {
	if t := c.theirs; t != nil && t.d != c.d {
		c.theirs = nil
		c.disarm(t.timer)
		c.e.reply(t.req, t.tx, sip.StatusCallTransactionDoesNotExists)
		c.emit(ReinviteCanceled{})
	}
}

// dialogOf returns the dialog that a request of the far end belongs to, or nil
// where there is none yet.
func (c *Call) dialogOf(req *sip.Request) *dialog {
	switch {
	case c.d != nil:
		return c.d
	case c.uas != nil:
		return c.uas.d
	}
	if leg := c.uac.early[fromTag(req)]; leg != nil {
		return leg.d
	}
	return nil
}

// earlyOffer handles an UPDATE with an offer before the call is answered: that is
// possible once the first offer and answer are complete (RFC 3311 section 5.1).
func (c *Call) earlyOffer(req *sip.Request, tx *sip.ServerTx) {
	mine, complete := true, false // the open offer is ours; there is none
	if c.uas != nil {
		mine, complete = len(c.uas.req.Body()) == 0, c.uas.rel.agreed
	} else if leg := c.uac.early[fromTag(req)]; leg != nil {
		complete = leg.agreed != nil
	}
	switch {
	case c.at() >= stageEnding:
		c.e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
	case c.theirs != nil, !complete && !mine:
		c.retryLater(req, tx)
	case !complete:
		c.e.reply(req, tx, sip.StatusRequestPending)
	default:
		c.openTheirs(req, tx)
	}
}

// earlyChanged notes that an UPDATE changed the session of a leg.
func (c *Call) earlyChanged(t *theirReinvite) {
	if c.uac == nil {
		return
	}
	if leg := c.uac.early[fromTag(t.req)]; leg != nil {
		leg.agreed, leg.changed = sdpBody(t.req), true
	}
}
