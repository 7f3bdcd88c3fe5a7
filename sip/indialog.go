package sip

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A heldRequest came ahead of its turn.
type heldRequest struct {
	req   *sip.Request
	tx    *sip.ServerTx
	timer *time.Timer
}

// inOrder brings the requests of a dialog into the order of their CSeq: the
// stack mixes them up even when they come over one connection. A request ahead
// of its turn waits for [holdBack]; one that is behind gets 500 (RFC 3261 section
// 12.2.2).
func (c *Call) inOrder(req *sip.Request, tx *sip.ServerTx) {
	if c.over || !c.ofThisCall(req) {
		c.e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
		return
	}
	seq := req.CSeq().SeqNo
	switch {
	case c.seen && seq <= c.remoteSeq:
		c.e.reply(req, tx, sip.StatusInternalServerError)
	case c.seen && seq > c.remoteSeq+1, c.unacked != nil && offers(req):
		h := heldRequest{req: req, tx: tx}
		h.timer = c.after(holdBack, func() {
			if i := slices.IndexFunc(c.held, func(o heldRequest) bool { return o.req == req }); i >= 0 {
				c.held = slices.Delete(c.held, i, i+1)
				c.handle(req, tx)
				c.release()
			}
		})
		c.held = append(c.held, h)
	default:
		c.handle(req, tx)
		c.release()
	}
}

// release handles held requests whose turn has come.
func (c *Call) release() {
	for {
		i := slices.IndexFunc(c.held, func(h heldRequest) bool {
			return h.req.CSeq().SeqNo <= c.remoteSeq+1 && (c.unacked == nil || !offers(h.req))
		})
		if i < 0 || c.over {
			return
		}
		h := c.held[i]
		c.held = slices.Delete(c.held, i, i+1)
		c.disarm(h.timer)
		c.handle(h.req, h.tx)
	}
}

// offers reports whether req may change the session.
func offers(req *sip.Request) bool {
	return req.Method == sip.INVITE || req.Method == sip.UPDATE && len(req.Body()) > 0
}

// ofThisCall compares the far end's tag.
func (c *Call) ofThisCall(req *sip.Request) bool {
	tag := fromTag(req)
	switch {
	case c.d != nil:
		return tag == c.d.remoteTag
	case c.uas != nil:
		return tag == fromTag(c.uas.req)
	case c.uac != nil && c.uac.legs != nil:
		return c.uac.legs.knows(tag)
	}
	return false
}

// handle carries out a request inside the dialog.
func (c *Call) handle(req *sip.Request, tx *sip.ServerTx) {
	if seq := req.CSeq().SeqNo; c.over {
		c.e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
		return
	} else if !c.count(req, seq) {
		c.e.reply(req, tx, sip.StatusInternalServerError)
		return
	}
	c.follow(req, tx)
	if unknown := c.ext.unsupported(req); len(unknown) > 0 && req.Method != sip.BYE {
		c.e.reply(req, tx, sip.StatusBadExtension, Header{"Unsupported", strings.Join(unknown, ", ")})
		return
	}
	switch req.Method {
	case sip.BYE:
		c.gotBye(req, tx)
	case sip.INVITE, sip.UPDATE:
		c.gotOffer(req, tx)
	case sip.PRACK:
		c.gotPrack(req, tx)
	case sip.INFO:
		c.e.reply(req, tx, sip.StatusOK)
		kind := ""
		if h := req.ContentType(); h != nil {
			kind = h.Value()
		}
		c.emit(InfoReceived{ContentType: kind, Body: req.Body()})
	case sip.REFER:
		c.gotRefer(req, tx)
	case sip.NOTIFY:
		c.gotNotify(req, tx)
	case sip.OPTIONS:
		c.e.reply(req, tx, sip.StatusOK, c.ext.options()...)
	default:
		c.e.reply(req, tx, sip.StatusMethodNotAllowed, Header{"Allow", allowedMethods})
	}
}

// count takes in the CSeq of a request, and reports false if it is behind. The
// legs of a fork count apart.
func (c *Call) count(req *sip.Request, seq uint32) bool {
	seen, highest := &c.seen, &c.remoteSeq
	if c.d == nil && c.uas == nil {
		leg := c.uac.early[fromTag(req)]
		if leg == nil {
			return true
		}
		seen, highest = &leg.seen, &leg.remoteSeq
	}
	if *seen && seq <= *highest {
		return false
	}
	*seen, *highest = true, seq
	return true
}

// refuseOpen answers whatever the far end still waits for when the call ends.
func (c *Call) refuseOpen() {
	c.closeRefers()
	for _, h := range c.held {
		c.e.reply(h.req, h.tx, sip.StatusCallTransactionDoesNotExists)
	}
	c.held = nil
	if t := c.theirs; t != nil {
		c.theirs = nil
		c.e.reply(t.req, t.tx, sip.StatusRequestTerminated)
	}
	if u := c.uas; u != nil && !u.final {
		u.final = true
		c.e.reply(u.req, u.tx, sip.StatusRequestTerminated)
	}
}

// retryLater is the 500 to a second offer while the first is open (RFC 3261
// section 14.2).
func (c *Call) retryLater(req *sip.Request, tx *sip.ServerTx) {
	wait := int(randomDuration(0, 10*time.Second) / time.Second)
	c.e.reply(req, tx, sip.StatusInternalServerError, Header{"Retry-After", strconv.Itoa(wait)})
}
