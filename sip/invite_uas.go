package sip

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A uas is the answering side of a call's INVITE. It belongs to the call's
// goroutine but for mergeKey, which never changes.
type uas struct {
	tx       *sip.ServerTx
	req      *sip.Request
	flow     flow
	mergeKey string
	again    *time.Timer // repeats the last provisional response
	final    bool        // a final response was given to the transaction
}

// serveInvite admits an INVITE outside any dialog and makes a call of it.
func (e *Endpoint) serveInvite(req *sip.Request, tx *sip.ServerTx) {
	key := strings.Join([]string{callIDOf(req), fromTag(req), strconv.FormatUint(uint64(req.CSeq().SeqNo), 10)}, "\x00")
	branch := branchKey(req)
	e.mu.Lock()
	first, merged := e.merges[key]
	if !merged {
		e.merges[key] = branch
	}
	e.mu.Unlock()
	if merged && first != branch {
		e.reply(req, tx, sip.StatusLoopDetected) // it came by two ways: RFC 3261 section 8.2.2.2
		return
	}
	unmerge := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.merges, key)
	}
	about, code := e.admit(req)
	if code != 0 {
		unmerge()
		e.reply(req, tx, code)
		return
	}
	replaced, code := e.replacedBy(req)
	if code != 0 {
		unmerge()
		e.reply(req, tx, code)
		return
	}
	c := e.prepare(&Call{
		replaced: replaced,
		id:       CallID(callIDOf(req)), local: about.To, remote: about.From, request: about.RequestURI,
		localTag: toTag(req), incoming: req, flow: e.flowFrom(req, tx),
	})
	c.uas = &uas{tx: tx, req: req, flow: c.flow, mergeKey: key}
	c.seen, c.remoteSeq = true, req.CSeq().SeqNo
	c.setAgent(req)
	c.setIdentity(req)
	canceled := !tx.OnCancel(func(r *sip.Request) {
		why := reasonsOf(r)
		c.post(func() { c.canceledBy(why) })
	})
	// The hook first, then the memory: a CANCEL in between is seen by both.
	if canceled || e.canceledBefore(req) {
		unmerge()
		e.reply(req, tx, sip.StatusRequestTerminated)
		return
	}
	if e.cfg.OnCall == nil || e.newCall(c) == nil {
		unmerge()
		e.reply(req, tx, sip.StatusTemporarilyUnavailable)
		return
	}
	e.watchServer(c, tx, true)
	c.post(func() { e.cfg.OnCall(c) })
}

// describe sums up a request for [Config].Admit.
func describe(req *sip.Request) (Request, error) {
	r := Request{Method: string(req.Method), Source: source(req), Transport: sip.NetworkToLower(req.Transport())}
	var err error
	if r.RequestURI, err = ParseURI(req.Recipient.String()); err != nil {
		return r, err
	}
	if r.From, err = ParseAddress(req.From().Value()); err != nil {
		return r, err
	}
	if r.To, err = ParseAddress(req.To().Value()); err != nil {
		return r, err
	}
	r.From.Params.Remove("tag")
	r.To.Params.Remove("tag")
	return r, nil
}

// watchServer reads what the stack passes up from an INVITE's transaction: its
// end, and ACKs that wrongly carry the INVITE's branch.
func (e *Endpoint) watchServer(c *Call, tx *sip.ServerTx, first bool) {
	if !tx.Origin().IsInvite() {
		return
	}
	e.spawn(func() {
		for {
			select {
			case ack := <-tx.Acks():
				c.post(func() { c.gotAck(ack) })
			case <-tx.Done():
				if first {
					c.post(c.inviteGone)
				}
				return
			}
		}
	})
}

// inviteGone handles the end of the INVITE's transaction. Without a final
// response of ours the caller's connection is gone, and with it the caller.
func (c *Call) inviteGone() {
	if !c.over && !c.uas.final {
		c.uas.final = true
		c.end(Ended{&TransportError{Route: c.uas.flow.route, Err: errors.New("connection is gone")}})
	}
}

// canceledBy handles the CANCEL of the INVITE; the stack has sent 487.
func (c *Call) canceledBy(why reasons) {
	if c.over || c.uas.final {
		return
	}
	c.uas.final = true
	c.end(why.canceled())
}

func (c *Call) mayAnswer(headers ...Header) error {
	if c.outgoing || c.at() != stageOffering {
		return ErrState
	}
	for _, h := range headers {
		if err := CheckHeader(h.Name, h.Value); err != nil {
			return err
		}
	}
	return nil
}

// Ring sends a provisional response to an incoming call: 180, or 183 with a
// session description for early media. It may be sent again with another code.
// It is repeated every minute until the call is answered.
func (c *Call) Ring(code int, sdp []byte) error {
	if err := c.mayAnswer(); err != nil {
		return err
	}
	if code <= 100 || code >= 200 {
		return ErrState
	}
	c.post(func() {
		if !c.uas.final && !c.over {
			c.ring(c.e.response(c.uas.req, code, "", sdp, c.answerHeaders(c.uas.flow)...))
		}
	})
	return nil
}

func (c *Call) ring(res *sip.Response) {
	c.disarm(c.uas.again)
	_ = c.e.respond(c.uas.tx, res) // inviteGone tells of a failure
	c.uas.again = c.after(provisionalEvery, func() {
		if !c.uas.final && !c.over {
			c.ring(res)
		}
	})
}

// answerHeaders are those of every response that makes a dialog.
func (c *Call) answerHeaders(f flow) []Header {
	return append(abilities(), Header{"Contact", "<" + c.e.contact(f).String() + ">"})
}

// Answer accepts an incoming call with 200 and a session description: the
// answer to its offer, or the offer if it had none. The response is repeated
// until acknowledged ([Confirmed]); if that never happens, BYE is sent and
// [Ended] holds [ErrNoAck].
func (c *Call) Answer(sdp []byte) error {
	if err := c.mayAnswer(); err != nil {
		return err
	}
	c.post(func() {
		u := c.uas
		if u.final || c.over {
			return
		}
		u.final = true
		c.d = &dialog{
			remoteTag: fromTag(u.req), local: u.req.To().Value(), remote: u.req.From().Value(),
			localSeq: randomSeq(), target: contactOf(u.req, u.req.From().Address), routes: routeSet(u.req, false),
			contact: "<" + c.e.contact(u.flow).String() + ">", base: u.flow,
		}
		c.setPeer()
		c.move(stageUp)
		c.disarm(u.again)
		c.accept(u.req, u.tx, c.e.response(u.req, sip.StatusOK, "", sdp, c.answerHeaders(u.flow)...), false)
	})
	return nil
}

// Reject refuses an incoming call: 486 busy, 603 decline, or any other code
// from 300 to 699. reason "" is the code's usual text. [Ended] follows.
func (c *Call) Reject(code int, reason string, headers ...Header) error {
	if err := c.mayAnswer(append(headers[:len(headers):len(headers)], Header{"Reason-Phrase", reason})...); err != nil {
		return err
	}
	if code < 300 || code > 699 {
		return ErrState
	}
	c.post(func() { c.reject(code, reason, headers) })
	return nil
}

func (c *Call) reject(code int, reason string, headers []Header) {
	if c.uas.final || c.over {
		return
	}
	c.uas.final = true
	c.move(stageEnding)
	err := c.e.respond(c.uas.tx, c.e.response(c.uas.req, code, reason, nil, headers...))
	if errors.Is(err, sip.ErrTransactionCanceled) {
		err = nil // the caller was faster, and got what it wanted
	}
	c.end(Ended{err})
}

// An acceptance is a 2xx of ours to an INVITE that waits for its ACK (RFC 3261
// section 13.3.1.4).
type acceptance struct {
	tx       *sip.ServerTx
	res      *sip.Response
	seq      uint32
	reinvite bool
	again    *time.Timer
	giveUp   *time.Timer
}

// accept sends a 2xx and repeats it until acknowledged.
func (c *Call) accept(req *sip.Request, tx *sip.ServerTx, res *sip.Response, reinvite bool) {
	err := tx.Respond(res)
	if errors.Is(err, sip.ErrTransactionCanceled) {
		// CANCEL came in between. The stack would now repeat our 2xx in place
		// of its 487, so that is given to it again.
		_ = tx.Respond(c.e.response(req, sip.StatusRequestTerminated, "", nil))
		if !reinvite {
			c.uas.final, c.d = false, nil // canceledBy is on its way
		}
		return
	}
	if err != nil {
		c.e.log.Warn("Answer could not be sent", "call", c.id, "err", err)
	}
	a := &acceptance{tx: tx, res: res, seq: req.CSeq().SeqNo, reinvite: reinvite}
	c.unacked = a
	c.repeat(a, timerT1)
	a.giveUp = c.after(timerGiveUp, func() {
		if c.unacked != a {
			return
		}
		c.disarm(a.again)
		c.unacked = nil
		c.hangUpLost(ErrNoAck)
	})
}

func (c *Call) repeat(a *acceptance, wait time.Duration) {
	a.again = c.after(wait, func() {
		if c.unacked == a {
			_ = a.tx.Respond(a.res) // giveUp handles a failure that lasts
			c.repeat(a, min(2*wait, timerT2))
		}
	})
}

// gotAck handles an ACK, which may be a repetition.
func (c *Call) gotAck(req *sip.Request) {
	a := c.unacked
	if a == nil || c.over || req.CSeq() == nil || req.CSeq().SeqNo != a.seq || fromTag(req) != c.d.remoteTag {
		return
	}
	c.confirm(sdpBody(req))
	c.release()
}

// confirm ends the wait for an ACK.
func (c *Call) confirm(body []byte) {
	a := c.unacked
	c.disarm(a.again)
	c.disarm(a.giveUp)
	c.unacked = nil
	c.emit(Confirmed{Body: body, Reinvite: a.reinvite})
	if c.byeAfter != nil && !c.over {
		c.sendBye(*c.byeAfter)
	}
}
