package sip

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A reliability is how the provisional responses of an incoming call are made
// to arrive (RFC 3262 section 3). It belongs to the call's goroutine.
type reliability struct {
	wanted    bool   // they go out reliably
	required  bool   // and in no other way
	next      uint32 // RSeq of the next one
	open      *reliableResponse
	queue     []ringing
	described bool   // one had a session description
	agreed    bool   // which was acknowledged: the first offer is answered
	answer    func() // the 2xx that waits for open
}

// A reliableResponse waits for its PRACK.
type reliableResponse struct {
	res    *sip.Response
	rseq   uint32
	sdp    bool
	again  *time.Timer
	giveUp *time.Timer
}

// A ringing is a provisional response that waits for the one before it.
type ringing struct {
	code int
	sdp  []byte
}

// maxRinging bounds those that wait.
const maxRinging = 8

// reliabilityOf decides for an INVITE.
func (x Extensions) reliabilityOf(req *sip.Request) reliability {
	required := hasOption(req, "Require", tagReliable)
	return reliability{
		wanted:   required || x.Reliable != ReliableOff && offersOption(req, tagReliable),
		required: required, next: randomSeq(),
	}
}

// dialog returns the dialog that our responses to the INVITE make.
func (c *Call) uasDialog() *dialog {
	u := c.uas
	if u.d == nil {
		u.d = &dialog{
			remoteTag: fromTag(u.req), local: u.req.To().Value(), remote: u.req.From().Value(),
			localSeq: randomSeq(), target: contactOf(u.req, u.req.From().Address), routes: routeSet(u.req, false),
			contact: "<" + c.e.contact(u.flow).String() + ">", base: u.flow,
		}
	}
	return u.d
}

// ringWith sends a provisional response in the way that the caller wants it.
func (c *Call) ringWith(code int, sdp []byte) {
	u := c.uas
	r := &u.rel
	// The first reliable response to an INVITE without an offer must have one
	// (RFC 3261 section 13.2.1).
	noOffer := len(u.req.Body()) == 0 && sdp == nil && !r.described
	switch {
	case r.required && noOffer: // 100 alone keeps the caller waiting
	case !r.wanted || noOffer:
		c.ring(c.e.response(u.req, code, "", sdp, c.answerHeaders(u.flow)...))
	case r.open == nil:
		c.ringReliably(ringing{code, sdp})
	case len(r.queue) < maxRinging:
		r.queue = append(r.queue, ringing{code, sdp})
	}
}

// ringReliably sends a provisional response and repeats it until its PRACK comes.
func (c *Call) ringReliably(g ringing) {
	u := c.uas
	r := &u.rel
	if r.described {
		g.sdp = nil // it was said
	}
	u.d = c.uasDialog()
	o := &reliableResponse{rseq: r.next, sdp: g.sdp != nil}
	r.next++
	r.described = r.described || o.sdp
	headers := append(c.answerHeaders(u.flow), Header{"Require", tagReliable}, Header{"RSeq", strconv.FormatUint(uint64(o.rseq), 10)})
	o.res = c.e.response(u.req, g.code, "", g.sdp, headers...)
	r.open = o
	c.disarm(u.again)
	u.again = nil
	_ = c.e.respond(u.tx, o.res) // inviteGone tells of a failure
	c.repeatReliable(o, timerT1)
	o.giveUp = c.after(timerGiveUp, func() {
		if r.open != o || u.final {
			return
		}
		u.final = true
		c.move(stageEnding)
		_ = c.e.respond(u.tx, c.e.response(u.req, sip.StatusGatewayTimeout, "", nil, lostReason(ErrNoAck)...))
		c.end(Ended{ErrNoAck})
	})
}

func (c *Call) repeatReliable(o *reliableResponse, wait time.Duration) {
	o.again = c.after(wait, func() {
		if c.uas.rel.open == o && !c.uas.final {
			_ = c.e.respond(c.uas.tx, o.res)
			c.repeatReliable(o, 2*wait)
		}
	})
}

// stopRinging ends the repetition of provisional responses: there is a final one.
// A PRACK for the last may still come.
func (c *Call) stopRinging() {
	u := c.uas
	c.disarm(u.again)
	u.rel.queue = nil
	if o := u.rel.open; o != nil {
		c.disarm(o.again)
		c.disarm(o.giveUp)
	}
}

// rack reads the RAck header field: RSeq and CSeq of the response that is
// acknowledged, and the method.
func rack(m sip.Message) (rseq, cseq uint32, method string, ok bool) {
	words := strings.Fields(headerValue(m, "RAck"))
	if len(words) != 3 {
		return 0, 0, "", false
	}
	r, err := strconv.ParseUint(words[0], 10, 32)
	if err != nil {
		return 0, 0, "", false
	}
	n, err := strconv.ParseUint(words[1], 10, 32)
	return uint32(r), uint32(n), words[2], err == nil
}

// gotPrack handles the acknowledgment of a reliable provisional response.
func (c *Call) gotPrack(req *sip.Request, tx *sip.ServerTx) {
	rseq, cseq, method, ok := rack(req)
	u := c.uas
	switch {
	case !ok:
		c.e.reply(req, tx, sip.StatusBadRequest)
		return
	case u == nil || u.rel.open == nil || rseq != u.rel.open.rseq || cseq != u.req.CSeq().SeqNo || method != string(sip.INVITE):
		c.e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
		return
	case !readable(req):
		c.e.reply(req, tx, sip.StatusUnsupportedMediaType, Header{"Accept", sdpType})
		return
	}
	o := u.rel.open
	c.disarm(o.again)
	c.disarm(o.giveUp)
	u.rel.open = nil
	c.acknowledged(o, req, tx)
	if u.final || c.over {
		return
	}
	if answer := u.rel.answer; answer != nil {
		u.rel.answer = nil
		answer()
		return
	}
	c.ringOn(o.res.StatusCode)
}

// acknowledged answers a PRACK that fits. What it brings is the answer to our
// offer, or an offer where the first one is answered (RFC 3262 section 5).
func (c *Call) acknowledged(o *reliableResponse, req *sip.Request, tx *sip.ServerTx) {
	u := c.uas
	body := sdpBody(req)
	answer := o.sdp && len(u.req.Body()) == 0
	u.rel.agreed = u.rel.agreed || o.sdp
	switch {
	case body == nil || answer:
		c.e.reply(req, tx, sip.StatusOK)
	case !u.rel.agreed || u.final:
		c.e.reply(req, tx, sip.StatusRequestPending)
	case c.theirs != nil:
		c.retryLater(req, tx)
	default:
		defer c.openTheirs(req, tx)
	}
	if o.sdp {
		ev := EarlyConfirmed{}
		if answer {
			ev.Body = body
		}
		c.emit(ev)
	}
}

// ringOn sends the provisional response that waited, or repeats the last kind
// before proxies give up on the call.
func (c *Call) ringOn(code int) {
	u := c.uas
	if len(u.rel.queue) > 0 {
		g := u.rel.queue[0]
		u.rel.queue = u.rel.queue[1:]
		c.ringReliably(g)
		return
	}
	c.disarm(u.again)
	u.again = c.after(provisionalEvery, func() {
		if !u.final && !c.over && u.rel.open == nil {
			c.ringReliably(ringing{code: code})
		}
	})
}
