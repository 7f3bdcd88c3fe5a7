package sip

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An outgoing is a request before it is bound to a flow.
type outgoing struct {
	method   string
	uri      string // Request-URI as on the wire
	routes   []string
	from, to string // whole header values, tags included
	callID   string
	cseq     uint32
	branch   string // "" makes a new one
	headers  []Header
	bodyType string
	body     []byte
}

// request builds the message for f. It fails only where something in it would
// break the message apart (see [CheckHeader]).
func (e *Endpoint) request(o outgoing, f flow) (*sip.Request, error) {
	if err := CheckHeader("Request-URI", o.uri); err != nil {
		return nil, err
	}
	var uri sip.Uri
	if err := sip.ParseUri(o.uri, &uri); err != nil {
		return nil, fmt.Errorf("sip: request URI: %w", err)
	}
	req := sip.NewRequest(sip.RequestMethod(o.method), uri)
	if o.branch == "" {
		o.branch = newBranch()
	}
	by := e.sentBy(f)
	via := &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0",
		Transport: strings.ToUpper(f.route.Transport), Host: by.Addr().String(), Port: int(by.Port()),
	}
	via.Params.Add("branch", o.branch)
	via.Params.Add("rport", "")
	req.AppendHeader(via)
	forwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&forwards)

	plain := make([]Header, 0, 8+len(o.headers))
	for _, r := range o.routes {
		plain = append(plain, Header{"Route", r})
	}
	plain = append(plain, Header{"From", o.from}, Header{"To", o.to})
	if err := appendHeaders(req, plain); err != nil {
		return nil, err
	}
	if err := CheckHeader("Call-ID", o.callID); err != nil {
		return nil, err
	}
	id := sip.CallIDHeader(o.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: o.cseq, MethodName: sip.RequestMethod(o.method)})
	if e.cfg.UserAgent != "" {
		plain = []Header{{"User-Agent", e.cfg.UserAgent}}
	} else {
		plain = nil
	}
	plain = append(plain, o.headers...)
	if len(o.body) > 0 {
		plain = append(plain, Header{"Content-Type", o.bodyType})
	}
	if err := appendHeaders(req, plain); err != nil {
		return nil, err
	}
	req.SetBody(o.body)
	if req.From() == nil || req.To() == nil { // parsed here, before goroutines share req
		return nil, fmt.Errorf("sip: From %q or To %q is no address", o.from, o.to)
	}
	e.bind(req, f)
	return req, nil
}

// bind makes req leave from f's socket to f's address.
func (e *Endpoint) bind(req *sip.Request, f flow) {
	req.SetTransport(strings.ToUpper(f.route.Transport))
	req.SetDestination(f.route.Addr.String())
	req.Laddr = stackAddr(f.poolAddr())
}

func appendHeaders(m sip.Message, headers []Header) error {
	for _, h := range headers {
		if err := CheckHeader(h.Name, h.Value); err != nil {
			return err
		}
		m.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	return nil
}

// response builds the answer to req. Headers that would break the message are
// left out, since an answer must go out in any case.
func (e *Endpoint) response(req *sip.Request, code int, reason string, body []byte, headers ...Header) *sip.Response {
	if reason == "" || CheckHeader("Reason-Phrase", reason) != nil {
		reason = statusText(code)
	}
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	if e.cfg.UserAgent != "" {
		headers = append(headers, Header{"Server", e.cfg.UserAgent})
	}
	if len(body) > 0 {
		headers = append(headers, Header{"Content-Type", sdpType})
	}
	for _, h := range headers {
		if err := CheckHeader(h.Name, h.Value); err != nil {
			e.log.Warn("Header field left out of a response", "name", h.Name, "err", err)
			continue
		}
		res.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	if len(body) > 0 {
		res.SetBody(body)
	}
	return res
}

// headerValues returns the values of a header field in order.
func headerValues(m sip.Message, name string) []string {
	var out []string
	for _, h := range m.GetHeaders(name) {
		out = append(out, h.Value())
	}
	return out
}

func headerValue(m sip.Message, name string) string {
	if hs := m.GetHeaders(name); len(hs) > 0 {
		return hs[0].Value()
	}
	return ""
}

// listValues splits a comma-separated list of tokens, over all header lines.
func listValues(m sip.Message, name string) []string {
	var out []string
	for _, v := range headerValues(m, name) {
		for item := range strings.SplitSeq(v, ",") {
			if item = strings.TrimSpace(item); item != "" {
				out = append(out, item)
			}
		}
	}
	return out
}

func toTag(m sip.Message) string {
	if h := m.To(); h != nil {
		return h.Params.GetOr("tag", "")
	}
	return ""
}

func fromTag(m sip.Message) string {
	if h := m.From(); h != nil {
		return h.Params.GetOr("tag", "")
	}
	return ""
}

// branchKey identifies the transaction of a request, whatever its method: an
// INVITE and its CANCEL have the same (RFC 3261 section 9.1).
func branchKey(m sip.Message) string {
	v := m.Via()
	if v == nil {
		return ""
	}
	return v.Params.GetOr("branch", "") + "|" + v.SentBy()
}

func branchOf(m sip.Message) string {
	if v := m.Via(); v != nil {
		return v.Params.GetOr("branch", "")
	}
	return ""
}

// statusError turns a final response into an error.
func statusError(res *sip.Response) *StatusError {
	e := &StatusError{Code: res.StatusCode, Reason: CleanText(res.Reason, 200), Warning: CleanText(headerValue(res, "Warning"), 500)}
	if c := res.CSeq(); c != nil {
		e.Method = string(c.MethodName)
	}
	why := reasonsOf(res)
	e.Cause, e.Q850 = why.sip, why.q850
	if res.StatusCode < 400 {
		e.Contacts = bestContacts(res)
	}
	digits := headerValue(res, "Retry-After")
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	if n, err := strconv.Atoi(digits); err == nil && n < 1<<24 {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	return e
}

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newToken returns 16 random letters and digits (80 bits).
func newToken() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return tokenText.EncodeToString(b[:])
}

func newBranch() string { return sip.RFC3261BranchMagicCookie + newToken() }

// randomSeq is a first CSeq that leaves room to count (RFC 3261 section 8.1.1.5).
func randomSeq() uint32 {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails
	return uint32(b[0])<<8 | uint32(b[1]) + 1
}

// randomDuration is evenly distributed over [low, high) in steps of 10 ms.
func randomDuration(low, high time.Duration) time.Duration {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails
	n := uint64(b[0])<<8 | uint64(b[1])
	const step = 10 * time.Millisecond
	return low + time.Duration(n%uint64((high-low)/step))*step
}

func statusText(code int) string {
	if t, ok := statusTexts[code]; ok {
		return t
	}
	switch {
	case code < 200:
		return "Progress"
	case code < 300:
		return "OK"
	}
	return "Refused"
}

var statusTexts = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
	415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
	422: "Session Interval Too Small", 480: "Temporarily Unavailable",
	481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops", 486: "Busy Here",
	487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending", 500: "Server Internal Error",
	501: "Not Implemented", 503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported", 600: "Busy Everywhere", 603: "Decline",
}
