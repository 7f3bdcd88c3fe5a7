package sip

import (
	"errors"
	"slices"
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
	rel      reliability
	d        *dialog // the early one, nil before there is need
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
	about, x, replaced, code, why := e.screen(req)
	if code != 0 {
		unmerge()
		e.reply(req, tx, code, why...)
		return
	}
	c := e.prepare(&Call{
		replaced: replaced,
		id:       CallID(callIDOf(req)), local: about.To, remote: about.From, request: about.RequestURI,
		localTag: toTag(req), incoming: req, flow: e.flowFrom(req, tx), ext: x,
	})
	c.uas = &uas{tx: tx, req: req, flow: c.flow, mergeKey: key, rel: x.reliabilityOf(req)}
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

// screen decides whether an INVITE makes a call: the code and header fields to
// refuse it with, or 0.
func (e *Endpoint) screen(req *sip.Request) (about Request, x Extensions, replaced *Call, code int, why []Header) {
	if about, code = e.admit(req); code != 0 {
		return
	}
	x = e.extensionsOf(about)
	if code, why = x.demand(req); code == 0 {
		replaced, code = e.replacedBy(req)
	}
	return
}

// describe sums up a request for [Config].Admit.
func (e *Endpoint) describe(req *sip.Request) (Request, error) {
	r := Request{Method: string(req.Method), Source: e.source(req), Transport: sip.NetworkToLower(req.Transport())}
	if s := e.streamOf(req); s != nil {
		r.PeerCertificate = s.peer.Load()
	}
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
//
// Where the caller wants it and [Extensions] allow it, the response is reliable
// (RFC 3262): it is repeated until acknowledged, its session description is the
// answer, or the offer to an INVITE without one, and [EarlyConfirmed] follows. If
// no acknowledgment ever comes the call is refused, and [Ended] holds [ErrNoAck].
// A caller who demands that of an INVITE without an offer hears nothing of a
// response without a session description.
func (c *Call) Ring(code int, sdp []byte) error {
	if err := c.mayAnswer(); err != nil {
		return err
	}
	if code <= 100 || code >= 200 {
		return ErrState
	}
	c.post(func() {
		if !c.uas.final && !c.over {
			c.ringWith(code, sdp)
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
	return append(c.ext.abilities(), Header{"Contact", "<" + c.e.contact(f).String() + ">"})
}

// Answer accepts an incoming call with 200 and a session description: the
// answer to its offer, or the offer if it had none. The response is repeated
// until acknowledged ([Confirmed]); if that never happens, BYE is sent and
// [Ended] holds [ErrNoAck]. After a reliable [Call.Ring] with a session
// description the 200 goes without one, and not before that was acknowledged.
func (c *Call) Answer(sdp []byte) error {
	if err := c.mayAnswer(); err != nil {
		return err
	}
	c.post(func() {
		u := c.uas
		switch o := u.rel.open; {
		case u.final || c.over || u.rel.answer != nil:
		case o != nil && o.sdp: // RFC 3262 section 3
			u.rel.answer = func() { c.answer(sdp) }
		default:
			c.answer(sdp)
		}
	})
	return nil
}

func (c *Call) answer(sdp []byte) {
	u := c.uas
	u.final = true
	c.d = c.uasDialog()
	c.setPeer()
	c.move(stageUp)
	c.stopRinging()
	if u.rel.described {
		sdp = nil // it was said, and acknowledged
	}
	headers := append(c.answerHeaders(u.flow), c.sessionAnswer(u.req)...)
	c.accept(u.req, u.tx, c.e.response(u.req, sip.StatusOK, "", sdp, headers...), false)
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
	next := c.afterAck
	c.afterAck = nil
	switch {
	case c.over:
	case c.byeAfter != nil:
		c.sendBye(*c.byeAfter)
	case next == nil || c.at() != stageUp:
	case c.theirs != nil, slices.ContainsFunc(c.held, func(h heldRequest) bool { return offers(h.req) }):
		c.reinviteFailed(c.glare())
	default:
		c.reinvite(next)
	}
}
