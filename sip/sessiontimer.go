package sip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// minSession is the least that a session may be limited to (RFC 4028 section 4).
	minSession = 90 * time.Second
	// maxSession bounds what a far end may ask for.
	maxSession = 24 * time.Hour

	statusIntervalTooSmall = 422
	// maxIntervalTries bounds the answers to 422 for one request.
	maxIntervalTries = 3
)

// A sessionState is the session timer of a call (RFC 4028). It belongs to the
// call's goroutine.
type sessionState struct {
	interval time.Duration // agreed upon; 0: none
	ours     bool          // we refresh
	refresh  *time.Timer
	expiry   *time.Timer
	asking   bool // an UPDATE of ours is open
}

// seconds reads the number that a header value begins with, within bounds.
func seconds(value string) (time.Duration, bool) {
	digits, _, _ := strings.Cut(value, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && n > uint64(maxSession/time.Second):
		return maxSession, true
	case err != nil || n == 0:
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// sessionExpires reads Session-Expires. refresher is "uac", "uas" or "".
func sessionExpires(m sip.Message) (interval time.Duration, refresher string, ok bool) {
	value := headerValue(m, "Session-Expires")
	interval, ok = seconds(value)
	_, params, _ := strings.Cut(value, ";")
	for params != "" {
		var one string
		one, params = cutParam(params)
		name, v, _ := strings.Cut(one, "=")
		if v = strings.ToLower(strings.TrimSpace(v)); strings.EqualFold(strings.TrimSpace(name), "refresher") && (v == "uac" || v == "uas") {
			refresher = v
		}
	}
	return interval, refresher, ok
}

// tooShort reports whether a request asks for an interval that we do not take,
// and the Min-SE to refuse it with. One whose sender would not understand that is
// taken all the same.
func (x Extensions) tooShort(req *sip.Request) (least Header, short bool) {
	interval, _, ok := sessionExpires(req)
	if t := x.SessionTimer; t.Expires > 0 && ok && interval < t.MinSE && offersOption(req, tagTimer) {
		return minSE(t.MinSE), true
	}
	return Header{}, false
}

func minSE(d time.Duration) Header {
	return Header{"Min-SE", strconv.Itoa(int(d / time.Second))}
}

// sessionOffer is what an INVITE that makes a dialog asks for. The far end says
// who refreshes.
func (c *Call) sessionOffer() []Header {
	t := c.ext.SessionTimer
	if t.Expires <= 0 {
		return nil
	}
	return []Header{{"Session-Expires", strconv.Itoa(int(t.Expires / time.Second))}, minSE(t.MinSE)}
}

// sessionWish is what a request of ours inside the dialog asks for: that all stays
// as it is.
func (c *Call) sessionWish() []Header {
	s := &c.session
	if s.interval <= 0 {
		return nil
	}
	who := "uas"
	if s.ours {
		who = "uac"
	}
	return []Header{sessionHeader(s.interval, who), minSE(c.ext.SessionTimer.MinSE)}
}

func sessionHeader(interval time.Duration, refresher string) Header {
	return Header{"Session-Expires", fmt.Sprintf("%d;refresher=%s", int(interval/time.Second), refresher)}
}

// sessionAnswer decides on the session timer when a request is answered with a
// 2xx, starts it, and returns the header fields of that response (RFC 4028 section
// 9).
func (c *Call) sessionAnswer(req *sip.Request) []Header {
	c.heardAllow(req)
	t := c.ext.SessionTimer
	if t.Expires <= 0 || c.d == nil {
		return nil
	}
	able := offersOption(req, tagTimer)
	interval, refresher, asked := sessionExpires(req)
	switch {
	case !asked && !able:
		c.stopSession()
		return nil
	case !asked && c.session.interval > 0:
		interval = c.session.interval
		if refresher = "uac"; c.session.ours {
			refresher = "uas"
		}
	case !asked:
		interval, refresher = t.Expires, "uas"
	default:
		least, _ := seconds(headerValue(req, "Min-SE"))
		interval = max(min(interval, t.Expires), least)
	}
	switch {
	case !able:
		refresher = "uas"
	case refresher == "":
		refresher = "uac"
	}
	interval = c.startSession(interval, refresher == "uas")
	headers := []Header{sessionHeader(interval, refresher)}
	if refresher == "uac" {
		headers = append(headers, Header{"Require", tagTimer})
	}
	return headers
}

// sessionAnswered takes in what a 2xx to an INVITE or UPDATE of ours says of the
// session timer (RFC 4028 section 7.2).
func (c *Call) sessionAnswered(res *sip.Response) {
	c.heardAllow(res)
	if c.ext.SessionTimer.Expires <= 0 {
		return
	}
	interval, refresher, ok := sessionExpires(res)
	if !ok {
		c.stopSession()
		return
	}
	c.startSession(interval, refresher != "uas")
}

// heardAllow notes whether the far end takes UPDATE.
func (c *Call) heardAllow(m sip.Message) {
	if len(m.GetHeaders("Allow")) > 0 {
		c.updates = hasOption(m, "Allow", string(sip.UPDATE))
	}
}

// startSession sets the timers anew: the session was just proved to be alive. It
// returns the interval that counts.
func (c *Call) startSession(interval time.Duration, ours bool) time.Duration {
	c.stopSession()
	s := &c.session
	s.interval, s.ours = min(max(interval, minSession), maxSession), ours
	if ours {
		s.refresh = c.after(s.interval/2, c.refreshSession)
	}
	s.expiry = c.after(s.interval-min(32*time.Second, s.interval/3), func() { c.hangUpLost(ErrSessionExpired) })
	return s.interval
}

func (c *Call) stopSession() {
	s := &c.session
	c.disarm(s.refresh)
	c.disarm(s.expiry)
	s.interval, s.refresh, s.expiry = 0, nil, nil
}

// refreshSession proves that the session is alive, by UPDATE where the far end
// takes that. It tries again until the session expires.
func (c *Call) refreshSession() {
	s := &c.session
	if c.over || c.byeSent || c.d == nil {
		return
	}
	s.refresh = c.after(max(s.interval/8, 10*time.Second), c.refreshSession)
	switch {
	case s.asking:
	case !c.updates:
		c.emit(RefreshDue{})
	default:
		s.asking = true
		c.sendRefresh(0)
	}
}

func (c *Call) sendRefresh(tries int) {
	c.ask(inDialog{method: "UPDATE", done: func(res *sip.Response, err error) { c.refreshed(tries, res, err) }})
}

// refreshed handles the end of an UPDATE that was to refresh the session.
func (c *Call) refreshed(tries int, res *sip.Response, err error) {
	s := &c.session
	s.asking = false
	if c.over || c.byeSent {
		return
	}
	code := 0
	if res != nil {
		code = res.StatusCode
	}
	switch {
	case err == nil && res.IsSuccess():
		c.retarget(c.d, res)
		c.sessionAnswered(res)
	case code == statusIntervalTooSmall && tries < maxIntervalTries && c.lengthen(res):
		s.asking = true
		c.sendRefresh(tries + 1)
	case code == sip.StatusMethodNotAllowed || code == sip.StatusNotImplemented:
		c.updates = false
		c.emit(RefreshDue{})
	case errors.Is(err, ErrTimeout), code == sip.StatusRequestTimeout, code == sip.StatusCallTransactionDoesNotExists:
		c.hangUpLost(ErrSessionExpired) // RFC 4028 section 10
	}
}

// lengthen takes over the interval that a 422 demands, and reports whether the
// request is worth repeating.
func (c *Call) lengthen(res *sip.Response) bool {
	t, s := &c.ext.SessionTimer, &c.session
	least, ok := seconds(headerValue(res, "Min-SE"))
	if !ok || t.Expires <= 0 || least < minSession {
		return false
	}
	t.MinSE = max(t.MinSE, least)
	t.Expires = max(t.Expires, t.MinSE)
	if s.interval > 0 {
		s.interval = max(s.interval, least)
	}
	return true
}
