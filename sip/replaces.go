package sip

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// maxReplaces is the longest Replaces value that is read, in bytes.
const maxReplaces = 1024

// A Replaces names a dialog, for a call that is to take its place (RFC 3891).
// The tags are those of the phone that is asked: ToTag is its own, FromTag that
// of the far end it is connected with.
type Replaces struct {
	CallID, ToTag, FromTag string
	EarlyOnly              bool // only as long as the dialog is not answered
}

// ParseReplaces reads the value of a Replaces header field. Parameters that it
// does not know are dropped.
func ParseReplaces(s string) (Replaces, error) {
	r, err := replacesParse(s)
	if err != nil {
		return Replaces{}, fmt.Errorf("sip: Replaces: %w", err)
	}
	return r, nil
}

func replacesParse(s string) (r Replaces, err error) {
	if len(s) > maxReplaces {
		return r, fmt.Errorf("%d bytes long, at most %d are read", len(s), maxReplaces)
	}
	id, rest, _ := strings.Cut(s, ";")
	r.CallID = addressTrim(id)
	if !replacesCallID(r.CallID) {
		return r, fmt.Errorf("call %q", CleanText(r.CallID, 40))
	}
	params, err := addressParams(rest)
	if err != nil {
		return r, err
	}
	for _, p := range params {
		var tag *string
		switch strings.ToLower(p.Name) {
		case "to-tag":
			tag = &r.ToTag
		case "from-tag":
			tag = &r.FromTag
		case "early-only":
			r.EarlyOnly = true
			continue
		default:
			continue
		}
		if *tag != "" || !addressToken(p.Value) {
			return r, fmt.Errorf("tag %q", CleanText(p.Value, 40))
		}
		*tag = p.Value
	}
	if r.ToTag == "" || r.FromTag == "" {
		return r, errors.New("a tag is missing")
	}
	return r, nil
}

// replacesCallID reports whether s may be a Call-ID inside a Replaces value: it
// has no blank, and nothing that would end it (RFC 3261 section 25.1, callid).
func replacesCallID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ';' || s[i] == ',' {
			return false
		}
	}
	return s != ""
}

// String returns the value as it goes into a header field.
func (r Replaces) String() string {
	s := r.CallID + ";to-tag=" + r.ToTag + ";from-tag=" + r.FromTag
	if r.EarlyOnly {
		s += ";early-only"
	}
	return s
}

// transferHeaders say whose place the call is to take, with a refusal by those
// who do not know how, and who asked for it.
func transferHeaders(r InviteRequest) []Header {
	var out []Header
	if r.Replaces != nil {
		out = append(out, Header{"Replaces", r.Replaces.String()}, Header{"Require", "replaces"})
	}
	if r.ReferredBy != "" {
		out = append(out, Header{"Referred-By", r.ReferredBy})
	}
	return out
}

// Dialog returns what another party has to write into Replaces to take our
// place at the far end. It reports false unless the call is up.
func (c *Call) Dialog() (Replaces, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at() != stageUp || c.peerTag == "" {
		return Replaces{}, false
	}
	return Replaces{CallID: string(c.id), ToTag: c.peerTag, FromTag: c.localTag}, true
}

// Replaced returns the call that an incoming INVITE wants to take the place of,
// or nil. Who may do so is for the owner to decide, and so is ending the old
// call. It may have ended in the meantime; the INVITE is then to be declined
// with 603 (RFC 3891 section 3).
func (c *Call) Replaced() *Call { return c.replaced }

// Contact returns where the far end itself is reached, past its servers. It is
// the zero value before the call is up.
func (c *Call) Contact() URI {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.contact.Clone()
}

// setPeer shows to others what the dialog knows of the far end.
func (c *Call) setPeer() {
	contact, err := ParseURI(plainURI(c.d.target))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peerTag = c.d.remoteTag
	if err == nil {
		c.contact = contact
	}
}

// replacedBy finds the call that an INVITE wants to replace. It returns nil for
// an INVITE without Replaces, else the call or the code to refuse with (RFC 3891
// section 3). It waits for the call's goroutine.
func (e *Endpoint) replacedBy(req *sip.Request) (old *Call, code int) {
	values := headerValues(req, "Replaces")
	if len(values) == 0 {
		return nil, 0
	}
	r, err := ParseReplaces(values[0])
	if err != nil || len(values) > 1 || len(req.GetHeaders("Join")) > 0 {
		return nil, sip.StatusBadRequest
	}
	key := dialogKey{r.CallID, r.ToTag}
	e.mu.Lock()
	old = e.calls[key]
	past, over := e.past[key]
	e.mu.Unlock()
	if old == nil {
		if over && past.tag == r.FromTag && time.Since(past.at) <= pastMemory {
			return nil, sip.StatusGlobalDecline
		}
		return nil, sip.StatusCallTransactionDoesNotExists
	}
	found := make(chan int, 1)
	old.post(func() { found <- old.replaceable(r) })
	select {
	case code = <-found:
	case <-old.done:
		code = sip.StatusGlobalDecline
	}
	if code != 0 {
		old = nil
	}
	return old, code
}

// replaceable returns the code to refuse with when c is to be replaced, or 0.
func (c *Call) replaceable(r Replaces) int {
	switch {
	case c.d != nil && c.d.remoteTag != r.FromTag:
		return sip.StatusCallTransactionDoesNotExists
	case c.over || c.at() >= stageEnding:
		return sip.StatusGlobalDecline
	case c.d != nil && r.EarlyOnly:
		return sip.StatusBusyHere
	case c.d != nil:
		return 0
	case c.uac != nil && c.uac.legs != nil && c.uac.legs.knows(r.FromTag):
		return 0
	}
	// A call that rings here belongs to its caller (RFC 3891 section 3).
	return sip.StatusCallTransactionDoesNotExists
}

// A pastDialog remembers a dialog that is over, so that a call which comes to
// replace it is declined instead of being looked for elsewhere.
type pastDialog struct {
	tag string // of the far end
	at  time.Time
}

const (
	pastMemory = 32 * time.Second
	maxPast    = 256
)

// bury notes that a dialog is over. The endpoint is locked.
func (e *Endpoint) bury(key dialogKey, remoteTag string) {
	if remoteTag == "" {
		return
	}
	now := time.Now()
	if len(e.past) >= maxPast {
		for k, p := range e.past {
			if now.Sub(p.at) > pastMemory || len(e.past) >= maxPast {
				delete(e.past, k)
			}
		}
	}
	e.past[key] = pastDialog{remoteTag, now}
}
