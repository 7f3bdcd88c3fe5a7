package sip

import (
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An ourReinvite is a re-INVITE we sent.
type ourReinvite struct {
	body       []byte
	tries      int // 422 answered
	tx         *sip.ClientTx
	legs       *inviteLegs
	flow       flow
	heard      bool
	canceled   bool
	cancelSent bool
	toAck      *inviteLegs // a 2xx with an offer waits for [Call.Ack]
}

// A theirReinvite is a re-INVITE, or an UPDATE or PRACK with an offer, that waits for
// [Call.AnswerReinvite].
type theirReinvite struct {
	d     *dialog
	req   *sip.Request
	tx    *sip.ServerTx
	timer *time.Timer
}

// updatePatience is how long an UPDATE may wait for its answer: it has no
// provisional responses to keep it alive.
const updatePatience = 20 * time.Second

// Reinvite offers the far end a changed session; nil asks for its offer.
// [ReinviteAnswered] or [ReinviteFailed] follows. It returns [ErrPending] while
// another one of ours is open. Where our last answer has no ACK yet it waits for that.
func (c *Call) Reinvite(sdp []byte) error {
	if c.at() != stageUp {
		return ErrState
	}
	if !c.asking.CompareAndSwap(false, true) {
		return ErrPending
	}
	c.post(func() {
		switch {
		case c.over || c.d == nil || c.at() != stageUp:
			c.asking.Store(false)
		case c.theirs != nil:
			// The far end would answer 491; save the way.
			c.reinviteFailed(c.glare())
		case c.unacked != nil: // RFC 3261 section 14.1
			c.afterAck = &ourReinvite{body: sdp}
		default:
			c.reinvite(&ourReinvite{body: sdp})
		}
	})
	return nil
}

func (c *Call) reinvite(o *ourReinvite) {
	c.ours = o
	c.ask(inDialog{
		method: "INVITE", bodyType: sdpType, body: o.body,
		started: func(tx *sip.ClientTx, req *sip.Request, f flow) {
			o.tx, o.flow, o.heard, o.cancelSent = tx, f, false, false
			o.legs = c.e.watch(c, req, f, func(*inviteLegs, *sip.Response) {})
			o.legs.offer(c.d.remoteTag)
		},
		early: func(*sip.Response) {
			o.heard = true
			if o.canceled {
				c.sendReinviteCancel(o)
			}
		},
		challenge: func(res *sip.Response) { o.legs.settle(res) },
		done:      func(res *sip.Response, err error) { c.reinvited(o, res, err) },
	})
}

// reinvited handles the final response to our re-INVITE.
func (c *Call) reinvited(o *ourReinvite, res *sip.Response, err error) {
	if res != nil && !res.IsSuccess() && o.legs != nil {
		o.legs.settle(res)
	}
	if c.over || c.ours != o {
		if res != nil && res.IsSuccess() && o.legs != nil {
			o.legs.win(toTag(res))
			c.ack(o.legs, nil)
		}
		return
	}
	if res != nil && res.IsSuccess() {
		c.reinviteAnswered(o, res)
		return
	}
	if o.legs != nil {
		o.legs.expire()
	}
	c.ours = nil
	if res != nil && res.StatusCode == statusIntervalTooSmall && !o.canceled && o.tries < maxIntervalTries && c.lengthen(res) {
		c.reinvite(&ourReinvite{body: o.body, tries: o.tries + 1})
		return
	}
	if err == nil {
		err = statusError(res)
	}
	var status *StatusError
	known := errors.As(err, &status)
	if known && status.Code == sip.StatusRequestPending {
		err = c.glare()
	}
	c.reinviteFailed(err)
	lost := errors.Is(err, ErrTimeout) || known && (status.Code == sip.StatusRequestTimeout || status.Code == sip.StatusCallTransactionDoesNotExists)
	if lost { // RFC 3261 section 12.2.1.2
		c.hangUpLost(err)
	}
}

func (c *Call) reinviteAnswered(o *ourReinvite, res *sip.Response) {
	o.legs.win(toTag(res))
	c.retarget(c.d, res)
	c.sessionAnswered(res)
	if len(o.body) == 0 && len(res.Body()) > 0 && !c.byeSent {
		o.toAck = o.legs
	} else {
		c.ours = nil
		c.ack(o.legs, nil)
	}
	c.asking.Store(false)
	c.emit(ReinviteAnswered{Code: res.StatusCode, Reason: CleanText(res.Reason, 200), Body: sdpBody(res)})
}

func (c *Call) reinviteFailed(err error) {
	c.asking.Store(false)
	c.emit(ReinviteFailed{err})
}

// glare is the failure of an offer that met another one, with the delay that
// the owner of the Call-ID and the other side choose apart (RFC 3261 section 14.1).
func (c *Call) glare() error {
	wait := randomDuration(0, 2*time.Second)
	if c.outgoing {
		wait = randomDuration(2100*time.Millisecond, 4*time.Second)
	}
	return &StatusError{Method: "INVITE", Code: sip.StatusRequestPending, Reason: statusText(sip.StatusRequestPending), RetryAfter: wait}
}

// CancelReinvite withdraws our open re-INVITE. [ReinviteFailed] with code 487
// follows, or [ReinviteAnswered] if the answer was faster.
func (c *Call) CancelReinvite() error {
	if c.at() != stageUp || !c.asking.Load() {
		return ErrState
	}
	c.post(func() {
		if c.afterAck != nil {
			c.afterAck = nil
			const code = sip.StatusRequestTerminated
			c.reinviteFailed(&StatusError{Method: "INVITE", Code: code, Reason: statusText(code)})
			return
		}
		if o := c.ours; o != nil && o.toAck == nil && !o.canceled {
			o.canceled = true
			if o.heard {
				c.sendReinviteCancel(o)
			}
		}
	})
	return nil
}

func (c *Call) sendReinviteCancel(o *ourReinvite) {
	if o.cancelSent || o.tx == nil {
		return
	}
	o.cancelSent = true
	req := o.legs.cancel(nil)
	c.e.bind(req, o.flow)
	if _, err := c.e.transact(req, o.flow, func(*sip.Response, error) {}); err != nil {
		c.e.log.Warn("CANCEL could not be sent", "call", c.id, "err", err)
	}
	tx := o.tx
	c.after(timerGiveUp, func() {
		if c.ours == o {
			tx.Terminate()
		}
	})
}

// gotOffer handles a re-INVITE or an UPDATE.
func (c *Call) gotOffer(req *sip.Request, tx *sip.ServerTx) {
	update := req.Method == sip.UPDATE
	if least, short := c.ext.tooShort(req); short {
		c.e.reply(req, tx, statusIntervalTooSmall, least)
		return
	}
	if update && len(req.Body()) == 0 {
		if d := c.dialogOf(req); d != nil {
			c.retarget(d, req)
		}
		c.e.reply(req, tx, sip.StatusOK, append(c.answerHeaders(c.openFlow()), c.sessionAnswer(req)...)...)
		return
	}
	switch {
	case !readable(req):
		c.e.reply(req, tx, sip.StatusUnsupportedMediaType, Header{"Accept", sdpType})
	case c.d == nil && update:
		c.earlyOffer(req, tx)
	case c.d == nil, c.theirs != nil:
		c.retryLater(req, tx)
	case c.ours != nil:
		c.e.reply(req, tx, sip.StatusRequestPending)
	case c.byeSent || c.byeAfter != nil:
		c.e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
	default:
		c.openTheirs(req, tx)
	}
}

func (c *Call) openFlow() flow {
	if c.d != nil {
		return c.d.base
	}
	if c.uas != nil {
		return c.uas.flow
	}
	return c.uac.flow
}

func (c *Call) openTheirs(req *sip.Request, tx *sip.ServerTx) {
	t := &theirReinvite{d: c.dialogOf(req), req: req, tx: tx}
	c.theirs = t
	if c.unacked != nil { // whoever sends a re-INVITE has seen our answer
		c.confirm(nil)
	}
	if req.Method != sip.PRACK { // RFC 3262 section 4: no target refresh
		c.retarget(t.d, req)
	}
	if req.Method == sip.INVITE {
		canceled := !tx.OnCancel(func(*sip.Request) { c.post(func() { c.reinviteCanceled(t) }) })
		if canceled || c.e.canceledBefore(req) {
			c.theirs = nil
			c.e.reply(req, tx, sip.StatusRequestTerminated)
			return
		}
	} else {
		t.timer = c.after(updatePatience, func() {
			if c.theirs == t {
				c.theirs = nil
				c.retryLater(req, tx)
				c.emit(ReinviteCanceled{})
			}
		})
	}
	ev := Reinvited{Body: sdpBody(req), Early: c.d == nil}
	if ev.Early && c.outgoing {
		ev.Leg = t.d.remoteTag
	}
	c.emit(ev)
}

// reinviteCanceled handles the CANCEL of their re-INVITE; the stack sent 487.
func (c *Call) reinviteCanceled(t *theirReinvite) {
	if c.theirs == t {
		c.theirs = nil
		c.emit(ReinviteCanceled{})
	}
}

// AnswerReinvite answers the open re-INVITE, UPDATE or PRACK: 200 with a session
// description, or a code from 300 to 699 that leaves the session as it was.
func (c *Call) AnswerReinvite(code int, reason string, sdp []byte) error {
	if s := c.at(); s != stageUp && s != stageOffering {
		return ErrState
	}
	if err := CheckHeader("Reason-Phrase", reason); err != nil {
		return err
	}
	if code < 200 || code > 699 {
		return ErrState
	}
	c.post(func() {
		t := c.theirs
		if t == nil || c.over {
			return
		}
		c.theirs = nil
		c.disarm(t.timer)
		if code >= 300 {
			_ = c.e.respond(t.tx, c.e.response(t.req, code, reason, nil))
			return
		}
		if c.d == nil {
			c.earlyChanged(t)
		}
		headers := c.answerHeaders(t.d.base)
		if t.req.Method != sip.PRACK {
			headers = append(headers, c.sessionAnswer(t.req)...)
		}
		res := c.e.response(t.req, code, reason, sdp, headers...)
		if t.req.Method == sip.INVITE {
			c.accept(t.req, t.tx, res, true)
			return
		}
		_ = c.e.respond(t.tx, res)
	})
	return nil
}
