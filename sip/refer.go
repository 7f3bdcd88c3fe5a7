package sip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// referPatience is how long a far end that took a REFER may stay silent, and
	// how long the first NOTIFY may take.
	referPatience = 3 * time.Minute
	// maxReferPatience bounds what a far end may ask for in Subscription-State.
	maxReferPatience = 10 * time.Minute
	// referLinger is how long the closing NOTIFY is still known after the one
	// that told the outcome.
	referLinger = timerGiveUp
	// maxSipfrag bounds what is read of a NOTIFY's body, in bytes.
	maxSipfrag = 1024
)

const sipfragType = "message/sipfrag"

// ErrReferUntold is matched when a far end took a REFER but did not tell what
// came of it: the call ended before, or its subscription did.
var ErrReferUntold = errors.New("sip: the outcome of the transfer was not told")

// ErrReferCutOff is matched, beside [ErrReferUntold], when the reason is that
// the call ended. Far ends that hang up as soon as their new call is up do so.
var ErrReferCutOff = fmt.Errorf("%w before the call ended", ErrReferUntold)

// A ReferRequest asks the far end to call somebody else.
type ReferRequest struct {
	To       Address   // Refer-To: sip, sips or tel
	Replaces *Replaces // the call that the new one is to take the place of, or nil
	By       Address   // Referred-By, none if zero
}

// ReferProgress reports that the far end took a REFER of ours (202), or how far
// its call has come.
type ReferProgress struct {
	Code   int
	Reason string // cleaned
}

// ReferFinished reports the end of a REFER of ours. Err is nil only if the far
// end said that its call was answered. It is a [StatusError] of method REFER
// when the REFER was refused and of method INVITE when the call it led to was;
// it is [ErrReferUntold] when nothing was told in time or before the call ended.
type ReferFinished struct {
	Code   int // told last, 0 if nothing was
	Reason string
	Err    error
}

func (ReferProgress) isEvent() {}
func (ReferFinished) isEvent() {}

// refers is what a call knows of transfers. It belongs to the call's goroutine
// but for asking.
type refers struct {
	asking atomic.Bool // a REFER of ours is open
	mine   *ourRefer
	// strays means that an earlier REFER of ours was given up and may still be
	// told of: notifications without an id could be meant for it.
	strays bool
	// closing was told of before the REFER that is open now, but for its last
	// notification.
	closing *ourRefer

	theirs []*theirRefer
	since  time.Time // begin of the minute in which count came
	count  int
}

// An ourRefer is a REFER we sent, and the subscription it makes.
type ourRefer struct {
	seq   uint32 // CSeq of the REFER: the id of its notifications
	heard bool   // 202 or a NOTIFY came
	told  bool   // ReferFinished was delivered
	last  int    // code told last, the outcome in the end
	timer *time.Timer
}

// Refer asks the far end to call somebody else (RFC 3515). [ReferProgress] and
// then [ReferFinished] tell how that goes; the call itself stays as it is. It
// does not block, and returns [ErrPending] while another one is open.
func (c *Call) Refer(r ReferRequest) error {
	if c.at() != stageUp {
		return ErrState
	}
	headers, err := r.headers()
	if err != nil {
		return err
	}
	if !c.refers.asking.CompareAndSwap(false, true) {
		return ErrPending
	}
	c.post(func() {
		if c.over || c.d == nil || c.at() != stageUp {
			c.refers.asking.Store(false)
			return
		}
		c.refer(headers)
	})
	return nil
}

// headers makes the header fields of the REFER.
func (r ReferRequest) headers() ([]Header, error) {
	to := r.To
	to.URI = to.URI.Clone()
	if r.Replaces != nil {
		to.URI.Headers = append(to.URI.Headers, Param{"Replaces", uriEscape(r.Replaces.String(), uriMarkBytes)})
	}
	out := []Header{{"Refer-To", to.String()}}
	if !r.By.URI.IsZero() {
		out = append(out, Header{"Referred-By", r.By.String()})
	}
	for _, h := range out {
		if err := CheckHeader(h.Name, h.Value); err != nil {
			return nil, err
		}
	}
	if _, code := referTarget(out[0].Value); code != 0 {
		return nil, errors.New("sip: Refer-To holds no address that can be called")
	}
	return out, nil
}

func (c *Call) refer(headers []Header) {
	o := &ourRefer{}
	if old := c.refers.mine; old != nil {
		c.disarm(old.timer)
		c.refers.closing = old
		c.after(referLinger, func() {
			if c.refers.closing == old {
				c.refers.closing = nil
			}
		})
	}
	c.refers.mine = o
	c.ask(inDialog{
		method:  "REFER",
		headers: append(append(headers, Header{"Contact", c.d.contact}), c.ext.abilities()...),
		started: func(_ *sip.ClientTx, req *sip.Request, _ flow) { o.seq = req.CSeq().SeqNo },
		done:    func(res *sip.Response, err error) { c.referAnswered(o, res, err) },
	})
}

// referAnswered handles the final response to our REFER. Notifications may have
// been faster: then they count.
func (c *Call) referAnswered(o *ourRefer, res *sip.Response, err error) {
	if c.over || c.refers.mine != o || o.heard {
		return
	}
	if err == nil && res.IsSuccess() {
		o.heard = true
		c.awaitNotify(o, referPatience)
		c.emit(ReferProgress{Code: res.StatusCode, Reason: CleanText(res.Reason, 200)})
		return
	}
	end := ReferFinished{Err: err}
	lost := false
	if err == nil {
		end = ReferFinished{Code: res.StatusCode, Reason: CleanText(res.Reason, 200), Err: statusError(res)}
		lost = res.StatusCode == sip.StatusCallTransactionDoesNotExists
	}
	c.refers.mine = nil
	c.referTold(o, end)
	if lost { // RFC 3261 section 12.2.1.2
		c.hangUpLost(end.Err)
	}
}

// awaitNotify gives the far end some time for its next notification.
func (c *Call) awaitNotify(o *ourRefer, wait time.Duration) {
	c.disarm(o.timer)
	o.timer = c.after(wait, func() {
		if c.refers.mine != o {
			return
		}
		c.refers.mine = nil
		if !o.told {
			c.refers.strays = true
			c.referTold(o, ReferFinished{Code: o.last, Err: ErrReferUntold})
		}
	})
}

// referTold delivers the outcome, once.
func (c *Call) referTold(o *ourRefer, ev ReferFinished) {
	if o.told {
		return
	}
	o.told = true
	c.refers.asking.Store(false)
	c.emit(ev)
}

// gotNotify handles a NOTIFY. There are no subscriptions but those that a REFER
// makes (RFC 6665 section 4.1.3, RFC 3515 section 2.4.4).
func (c *Call) gotNotify(req *sip.Request, tx *sip.ServerTx) {
	o := c.refers.mine
	if o == nil || !c.refers.meant(o, headerValue(req, "Event")) {
		c.e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
		return
	}
	state, reason, expires := subscriptionState(headerValue(req, "Subscription-State"))
	terminated := state == "terminated"
	code, text := 0, ""
	if len(req.Body()) > 0 || !terminated {
		if !contentIs(req, sipfragType) {
			c.e.reply(req, tx, sip.StatusUnsupportedMediaType, Header{"Accept", sipfragType})
			return
		}
		var err error
		if code, text, err = parseSipfrag(req.Body()); err != nil {
			c.e.reply(req, tx, sip.StatusBadRequest)
			return
		}
	}
	c.e.reply(req, tx, sip.StatusOK)
	if terminated && c.refers.closes(headerValue(req, "Event"), code) {
		return
	}
	o.heard = true
	c.notified(o, ReferFinished{Code: code, Reason: text}, terminated, reason)
	switch {
	case c.over || c.refers.mine != o:
	case terminated:
		c.disarm(o.timer)
		c.refers.mine = nil
	case o.told:
		c.awaitNotify(o, referLinger)
	default:
		c.awaitNotify(o, expires)
	}
}

// notified tells what a NOTIFY said.
func (c *Call) notified(o *ourRefer, said ReferFinished, terminated bool, reason string) {
	switch {
	case o.told:
	case said.Code >= 200:
		o.last = said.Code
		if said.Code >= 300 {
			said.Err = &StatusError{Method: "INVITE", Code: said.Code, Reason: said.Reason}
		}
		c.referTold(o, said)
	case terminated:
		said.Err = ErrReferUntold
		switch reason {
		case "rejected":
			said.Err = &StatusError{Method: "REFER", Code: sip.StatusGlobalDecline, Reason: statusText(sip.StatusGlobalDecline)}
		case "timeout":
			said.Err = ErrTimeout
		}
		c.referTold(o, said)
	case said.Code != o.last:
		o.last = said.Code
		c.emit(ReferProgress{Code: said.Code, Reason: said.Reason})
	}
}

// meant reports whether a notification with this Event is for o.
func (r *refers) meant(o *ourRefer, event string) bool {
	name, rest, _ := strings.Cut(event, ";")
	if !strings.EqualFold(addressTrim(name), "refer") {
		return false
	}
	params, err := addressParams(rest)
	if err != nil {
		return false
	}
	id, ok := params.Get("id")
	if !ok {
		return !r.strays
	}
	return id == strconv.FormatUint(uint64(o.seq), 10)
}

// closes reports whether the last notification of a subscription is that of the
// REFER before, which says once more what it has said. One with an id is not: it was
// compared already.
func (r *refers) closes(event string, code int) bool {
	_, rest, _ := strings.Cut(event, ";")
	params, err := addressParams(rest)
	if r.closing == nil || err != nil || params.Has("id") || code != r.closing.last && code != 0 {
		return false
	}
	r.closing = nil
	return true
}

// subscriptionState reads a Subscription-State header field. Without a time of
// its own the subscription is good for referPatience.
func subscriptionState(s string) (state, reason string, expires time.Duration) {
	state, rest, _ := strings.Cut(s, ";")
	expires = referPatience
	params, err := addressParams(rest)
	if err != nil {
		return strings.ToLower(addressTrim(state)), "", expires
	}
	reason, _ = params.Get("reason")
	text, _ := params.Get("expires")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		// The last notification may be on its way a little longer.
		expires = min(time.Duration(n)*time.Second+timerGiveUp, maxReferPatience)
	}
	return strings.ToLower(addressTrim(state)), strings.ToLower(reason), expires
}

// parseSipfrag reads the status line that a sipfrag of a REFER begins with (RFC
// 3515 section 2.4.5). reason is cleaned.
func parseSipfrag(body []byte) (code int, reason string, err error) {
	line := string(body[:min(len(body), maxSipfrag)])
	end := strings.IndexAny(line, "\r\n")
	if end >= 0 {
		line = line[:end]
	}
	if end < 0 && len(body) > maxSipfrag {
		return 0, "", errors.New("sip: sipfrag with a line without end")
	}
	version, rest, _ := strings.Cut(line, " ")
	digits, reason, _ := strings.Cut(rest, " ")
	if !strings.EqualFold(version, "SIP/2.0") || len(digits) != 3 {
		return 0, "", errors.New("sip: sipfrag without a status line")
	}
	code, err = strconv.Atoi(digits)
	if err != nil || code < 100 || code > 699 {
		return 0, "", errors.New("sip: sipfrag without a status code")
	}
	return code, CleanText(reason, 200), nil
}

// contentIs reports whether a message's body is of a media type.
func contentIs(req *sip.Request, want string) bool {
	h := req.ContentType()
	if h == nil {
		return false
	}
	kind, _, _ := strings.Cut(h.Value(), ";")
	return strings.EqualFold(addressTrim(kind), want)
}
