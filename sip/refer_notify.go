package sip

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// maxRefers is how many REFERs of a far end may be open in a call, and
	// maxReferRate how many it may send in a minute.
	maxRefers    = 2
	maxReferRate = 10
	// answerReferPatience is how long the owner may take for [Call.AnswerRefer]:
	// the far end gives up after 32 s.
	answerReferPatience = 20 * time.Second
	// referExpires is how long the far end is told of the call we make for it.
	referExpires = 5 * time.Minute
)

// Referred reports that the far end asks us to call somebody else. It must be
// answered with [Call.AnswerRefer] within 20 s.
type Referred struct {
	ID       uint64
	To       Address   // whom to call: sip, sips or tel, without URI headers
	Replaces *Replaces // the call there that ours is to take the place of, or nil
	By       string    // value of Referred-By, fit for [InviteRequest.ReferredBy]; "" if none
}

func (Referred) isEvent() {}

// A theirRefer is a REFER of the far end, and the subscription it makes.
type theirRefer struct {
	id     uint64 // its CSeq
	req    *sip.Request
	tx     *sip.ServerTx
	silent bool // Refer-Sub: false: nothing is to be told (RFC 4488)

	answered bool
	code     int // what is to be told
	reason   string
	over     string // why the subscription ends, once it does
	sending  bool   // a NOTIFY is under way
	again    bool   // and there is something new since
	until    time.Time
	timer    *time.Timer
}

// gotRefer handles a REFER inside the dialog.
func (c *Call) gotRefer(req *sip.Request, tx *sip.ServerTx) {
	switch {
	case c.d == nil:
		c.e.reply(req, tx, sip.StatusForbidden)
		return
	case c.at() >= stageEnding:
		c.e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
		return
	case !c.refers.room(time.Now()):
		c.retryLater(req, tx)
		return
	}
	ev, code := readRefer(req)
	if code == 0 && c.e.isContact(ev.To.URI) {
		code = sip.StatusLoopDetected
	}
	if code != 0 {
		c.e.reply(req, tx, code)
		return
	}
	t := &theirRefer{id: ev.ID, req: req, tx: tx, silent: strings.EqualFold(addressTrim(headerValue(req, "Refer-Sub")), "false")}
	c.refers.theirs = append(c.refers.theirs, t)
	t.timer = c.after(answerReferPatience, func() {
		c.answerRefer(t, sip.StatusTemporarilyUnavailable, "")
	})
	c.emit(ev)
}

// room reports whether another REFER may be taken in, and counts it.
func (r *refers) room(now time.Time) bool {
	if len(r.theirs) >= maxRefers {
		return false
	}
	if now.Sub(r.since) >= time.Minute {
		r.since, r.count = now, 0
	}
	r.count++
	return r.count <= maxReferRate
}

// readRefer reads what a REFER asks for, or returns the code to refuse it with.
func readRefer(req *sip.Request) (Referred, int) {
	targets := headerValues(req, "Refer-To")
	by := headerValues(req, "Referred-By")
	if len(targets) != 1 || len(by) > 1 {
		return Referred{}, sip.StatusBadRequest
	}
	ev, code := referTarget(targets[0])
	if code != 0 {
		return ev, code
	}
	ev.ID = uint64(req.CSeq().SeqNo)
	if len(by) == 1 {
		a, err := ParseAddress(by[0])
		if err != nil {
			return ev, sip.StatusBadRequest
		}
		a.Params = nil // a cid speaks of a body that is not passed on
		ev.By = a.String()
	}
	return ev, 0
}

// referTarget reads a Refer-To value, or returns the code to refuse it with.
// Of the URI's header fields only Replaces is taken: what else a stranger writes
// there does not get into messages of ours.
func referTarget(value string) (Referred, int) {
	a, err := ParseAddress(value)
	if err != nil {
		if s := addressScheme(value); s != "" && s != "sip" && s != "sips" && s != "tel" {
			return Referred{}, 416
		}
		return Referred{}, sip.StatusBadRequest
	}
	if a.URI.Scheme == "callto" {
		return Referred{}, 416
	}
	if method, ok := a.URI.Params.Get("method"); ok && !strings.EqualFold(method, "INVITE") {
		return Referred{}, sip.StatusForbidden
	}
	ev := Referred{To: Address{Name: a.SafeName(), URI: a.URI.Clone()}}
	ev.To.URI.Params.Remove("method")
	ev.To.URI.Headers = nil
	for _, h := range a.URI.Headers {
		if !strings.EqualFold(h.Name, "Replaces") {
			continue
		}
		text, err := uriUnescape(h.Value)
		if err != nil || ev.Replaces != nil {
			return Referred{}, sip.StatusBadRequest
		}
		r, err := ParseReplaces(text)
		if err != nil {
			return Referred{}, sip.StatusBadRequest
		}
		ev.Replaces = &r
	}
	return ev, 0
}

// addressScheme returns the scheme of an address that could not be read, in
// lower case, or "" if it has none.
func addressScheme(value string) string {
	if open := strings.LastIndexByte(value, '<'); open >= 0 {
		value = value[open+1:]
	}
	scheme, _, ok := strings.Cut(addressTrim(value), ":")
	if !ok || !addressToken(scheme) {
		return ""
	}
	return strings.ToLower(scheme)
}

// isContact reports whether u is a Contact of ours, so that a call there would
// come back at once.
func (e *Endpoint) isContact(u URI) bool { return u.User == e.cfg.ContactUser }

// AnswerRefer answers the far end's REFER: 202 takes it, and the far end is told
// at once that it is being tried; a code from 300 to 699 refuses it.
func (c *Call) AnswerRefer(id uint64, code int, reason string) error {
	if c.at() != stageUp || code != sip.StatusAccepted && (code < 300 || code > 699) {
		return ErrState
	}
	if err := CheckHeader("Reason-Phrase", reason); err != nil {
		return err
	}
	c.post(func() {
		if t := c.theirRefer(id); t != nil {
			c.answerRefer(t, code, reason)
		}
	})
	return nil
}

// NotifyRefer tells the far end how the call that we make for its REFER is
// getting on. A code of 200 and above is the last word. It has no effect on a
// REFER that was refused, that asked not to be told, or whose end was told.
func (c *Call) NotifyRefer(id uint64, code int, reason string) error {
	if c.at() != stageUp || code < 100 || code > 699 {
		return ErrState
	}
	if err := CheckHeader("Reason-Phrase", reason); err != nil {
		return err
	}
	c.post(func() {
		if t := c.theirRefer(id); t != nil && t.answered && t.over == "" {
			t.code, t.reason = code, reason
			if code >= 200 {
				t.over = "noresource"
			}
			c.notify(t)
		}
	})
	return nil
}

func (c *Call) theirRefer(id uint64) *theirRefer {
	i := slices.IndexFunc(c.refers.theirs, func(t *theirRefer) bool { return t.id == id })
	if i < 0 || c.over {
		return nil
	}
	return c.refers.theirs[i]
}

// forgetRefer ends a REFER of the far end.
func (c *Call) forgetRefer(t *theirRefer) {
	c.disarm(t.timer)
	c.refers.theirs = slices.DeleteFunc(c.refers.theirs, func(o *theirRefer) bool { return o == t })
}

func (c *Call) answerRefer(t *theirRefer, code int, reason string) {
	if t.answered || c.over {
		return
	}
	t.answered = true
	c.disarm(t.timer)
	headers := []Header{{"Contact", c.d.contact}}
	if t.silent {
		headers = append(headers, Header{"Refer-Sub", "false"})
	}
	if code >= 300 {
		headers = nil
	}
	_ = c.e.respond(t.tx, c.e.response(t.req, code, reason, nil, headers...)) // the far end asks again
	if code >= 300 || t.silent {
		c.forgetRefer(t)
		return
	}
	t.code, t.until = sip.StatusTrying, time.Now().Add(referExpires)
	t.timer = c.after(referExpires, func() {
		if t.over == "" {
			t.over = "timeout"
			c.notify(t)
		}
	})
	c.notify(t)
}

// notify sends a NOTIFY, or has it follow the one that is under way: they must
// not overtake each other.
func (c *Call) notify(t *theirRefer) {
	if t.sending {
		t.again = true
		return
	}
	t.sending, t.again = true, false
	state := fmt.Sprintf("active;expires=%d", int(max(time.Until(t.until), 0)/time.Second))
	if t.over != "" {
		state = "terminated;reason=" + t.over
	}
	last := t.over != ""
	reason := t.reason
	if reason == "" {
		reason = statusText(t.code)
	}
	c.ask(inDialog{
		method: "NOTIFY",
		headers: []Header{
			{"Contact", c.d.contact},
			{"Event", "refer;id=" + strconv.FormatUint(t.id, 10)},
			{"Subscription-State", state},
		},
		bodyType: sipfragType + ";version=2.0",
		body:     fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", t.code, reason),
		done: func(res *sip.Response, err error) {
			t.sending = false
			switch {
			case err != nil || !res.IsSuccess() || last:
				c.forgetRefer(t) // nobody listens any more
			case t.again && !c.over:
				c.notify(t)
			}
		},
	})
}

// closeRefers ends what is open about transfers when the call does.
func (c *Call) closeRefers() {
	for _, t := range c.refers.theirs {
		if !t.answered {
			t.answered = true
			c.e.reply(t.req, t.tx, sip.StatusRequestTerminated)
		}
	}
	c.refers.theirs = nil
	if o := c.refers.mine; o != nil {
		c.refers.mine = nil
		c.referTold(o, ReferFinished{Code: o.last, Err: ErrReferCutOff})
	}
}
