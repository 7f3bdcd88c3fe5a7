package sip

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A canceledBranch remembers a CANCEL: it may be handled before its INVITE,
// since the stack gives every message a goroutine of its own.
type canceledBranch struct{ at time.Time }

const (
	cancelMemory = 32 * time.Second
	maxCancels   = 1024
)

// preview sees every message in the order of arrival, before the transaction
// layer. It gives requests without a To tag the one that all our answers will
// have, those that the stack makes by itself included.
func (e *Endpoint) preview(m sip.Message) {
	defer e.recovered("preview")
	if res, ok := m.(*sip.Response); ok {
		e.previewResponse(res)
		return
	}
	req, ok := m.(*sip.Request)
	if !ok || req.To() == nil {
		return
	}
	e.received(req)
	switch {
	case req.IsCancel():
		e.rememberCancel(req)
	case req.IsAck() || req.To().Params.Has("tag"):
	default:
		req.To().Params.Add("tag", e.freshTag(req))
	}
}

// previewResponse notes that a request was answered, and passes provisional
// responses to an INVITE on: the stack could let a final one overtake them and
// would then drop them.
func (e *Endpoint) previewResponse(res *sip.Response) {
	e.heardOf(res)
	if !res.IsProvisional() || res.CSeq() == nil || res.CSeq().MethodName != sip.INVITE {
		return
	}
	e.mu.Lock()
	l := e.legs[branchOf(res)]
	e.mu.Unlock()
	if l != nil {
		l.early1(res)
	}
}

// freshTag computes our tag for a request that came without one. Being computed
// it needs no memory; being keyed it cannot be guessed.
func (e *Endpoint) freshTag(req *sip.Request) string {
	mac := hmac.New(sha256.New, e.tagKey)
	for _, part := range []string{string(req.Method), callIDOf(req), fromTag(req), branchKey(req)} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return tokenText.EncodeToString(mac.Sum(nil)[:10])
}

// fresh reports whether req came without a To tag.
func (e *Endpoint) fresh(req *sip.Request) bool {
	return hmac.Equal([]byte(toTag(req)), []byte(e.freshTag(req)))
}

func callIDOf(m sip.Message) string {
	if id := m.CallID(); id != nil {
		return id.Value()
	}
	return ""
}

func (e *Endpoint) rememberCancel(req *sip.Request) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.cancels) >= maxCancels {
		for k, c := range e.cancels {
			if now.Sub(c.at) > cancelMemory || len(e.cancels) >= maxCancels {
				delete(e.cancels, k)
			}
		}
	}
	e.cancels[branchKey(req)] = canceledBranch{now}
}

// canceledBefore reports whether the CANCEL of this INVITE has come already.
func (e *Endpoint) canceledBefore(req *sip.Request) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.cancels[branchKey(req)]
	return ok && time.Since(c.at) <= cancelMemory
}

// serve handles a request on the goroutine the stack made for it. Whatever
// happens, it gets an answer.
func (e *Endpoint) serve(req *sip.Request, tx *sip.ServerTx) {
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("Request handler panicked", "method", req.Method, "panic", r)
			e.reply(req, tx, sip.StatusInternalServerError)
		}
	}()
	if req.IsAck() {
		e.serveAck(req)
		tx.Terminate()
		return
	}
	if code := malformed(req); code != 0 {
		e.reply(req, tx, code)
		return
	}
	switch {
	case req.IsCancel():
		e.serveCancel(req, tx)
	case !e.fresh(req):
		e.serveDialog(req, tx)
	default:
		e.serveNew(req, tx)
	}
}

// malformed returns the code to refuse with what the parser lets through, or 0.
func malformed(req *sip.Request) int {
	cseq := req.CSeq()
	switch {
	case req.SipVersion != "SIP/2.0":
		return sip.StatusVersionNotSupported
	case req.From() == nil || req.To() == nil || cseq == nil || callIDOf(req) == "":
		return sip.StatusBadRequest
	case cseq.MethodName != req.Method || cseq.SeqNo >= 1<<31 || branchOf(req) == "":
		return sip.StatusBadRequest
	case len(req.GetHeaders("From")) > 1 || len(req.GetHeaders("To")) > 1 || len(req.GetHeaders("Call-ID")) > 1:
		return sip.StatusBadRequest
	case fromTag(req) == "" && req.Method == sip.INVITE:
		return sip.StatusBadRequest
	case req.MaxForwards() != nil && req.MaxForwards().Val() == 0 && req.Method != sip.OPTIONS:
		return sip.StatusTooManyHops
	}
	return 0
}

// serveNew handles a request outside any dialog, in the order of RFC 3261
// section 8.2.
func (e *Endpoint) serveNew(req *sip.Request, tx *sip.ServerTx) {
	switch req.Method {
	case sip.INVITE, sip.OPTIONS:
	case sip.BYE, sip.INFO, sip.UPDATE, sip.PRACK, sip.NOTIFY:
		e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
		return
	case sip.REFER: // only the two ends of a call may move it
		e.reply(req, tx, sip.StatusForbidden)
		return
	default:
		e.reply(req, tx, sip.StatusMethodNotAllowed, Header{"Allow", allowedMethods})
		return
	}
	if s := strings.ToLower(req.Recipient.Scheme); s != "sip" && s != "sips" {
		e.reply(req, tx, 416)
		return
	}
	if req.Method != sip.INVITE && len(req.GetHeaders("Replaces")) > 0 { // RFC 3891 section 3
		e.reply(req, tx, sip.StatusBadRequest)
		return
	}
	if !readable(req) {
		e.reply(req, tx, sip.StatusUnsupportedMediaType, Header{"Accept", sdpType})
		return
	}
	if req.Method == sip.OPTIONS {
		e.serveOptions(req, tx)
		return
	}
	e.serveInvite(req, tx)
}

// serveOptions tells what we are able to, to those who could call us: anybody
// else gets the answer that an INVITE would get (RFC 3261 section 11.2).
func (e *Endpoint) serveOptions(req *sip.Request, tx *sip.ServerTx) {
	about, code := e.admit(req)
	x := e.extensionsOf(about)
	refused, why := x.demand(req)
	switch {
	case code != 0:
		e.reply(req, tx, code)
	case refused != 0:
		e.reply(req, tx, refused, why...)
	case e.cfg.OnCall == nil:
		e.reply(req, tx, sip.StatusTemporarilyUnavailable)
	default:
		e.reply(req, tx, sip.StatusOK, x.options()...)
	}
}

// admit sums up a request outside any dialog and returns the code to refuse it
// with, or 0.
func (e *Endpoint) admit(req *sip.Request) (about Request, code int) {
	about, err := e.describe(req)
	switch {
	case err != nil:
		return about, sip.StatusBadRequest
	case e.cfg.Admit == nil:
		return about, 0
	}
	return about, e.cfg.Admit(about)
}

// readable reports whether the body, if any, is a session description.
func readable(req *sip.Request) bool {
	if len(req.Body()) == 0 {
		return true
	}
	kind := ""
	if h := req.ContentType(); h != nil {
		kind, _, _ = strings.Cut(h.Value(), ";")
	}
	// White space may stand around the slash (RFC 3261 section 25.1).
	major, minor, _ := strings.Cut(kind, "/")
	kind = strings.TrimSpace(major) + "/" + strings.TrimSpace(minor)
	encoding := strings.TrimSpace(headerValue(req, "Content-Encoding"))
	return strings.EqualFold(kind, sdpType) && (encoding == "" || strings.EqualFold(encoding, "identity"))
}

// serveDialog passes a request with a To tag to its call.
func (e *Endpoint) serveDialog(req *sip.Request, tx *sip.ServerTx) {
	c := e.callOf(req)
	if c == nil {
		e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
		return
	}
	if c.strange(req) {
		e.reply(req, tx, sip.StatusForbidden)
		return
	}
	e.watchServer(c, tx, false)
	taken := make(chan struct{})
	c.post(func() {
		close(taken)
		c.inOrder(req, tx)
	})
	select {
	case <-taken:
		return
	case <-c.done:
	}
	select {
	case <-taken:
	default: // the call ended before it came to this
		e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
	}
}

func (e *Endpoint) callOf(req *sip.Request) *Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[dialogKey{callIDOf(req), toTag(req)}]
}

func (e *Endpoint) serveAck(req *sip.Request) {
	if c := e.callOf(req); c != nil && !c.strange(req) {
		c.post(func() { c.gotAck(req) })
	}
}

// serveCancel handles a CANCEL that the stack could not match: its INVITE has
// been answered, never came, or is just being set up and will find it in
// [Endpoint.canceledBefore].
func (e *Endpoint) serveCancel(req *sip.Request, tx *sip.ServerTx) {
	e.reply(req, tx, sip.StatusCallTransactionDoesNotExists)
}

// reply answers at once with nothing but a status and header fields.
func (e *Endpoint) reply(req *sip.Request, tx *sip.ServerTx, code int, headers ...Header) {
	_ = e.respond(tx, e.response(req, code, "", nil, headers...)) // nobody to tell
}

// respond hands a response to its transaction.
func (e *Endpoint) respond(tx *sip.ServerTx, res *sip.Response) error {
	err := tx.Respond(res)
	if err != nil {
		tx.Terminate()
	}
	return err
}

// source is where a request came from.
func (e *Endpoint) source(req *sip.Request) netip.AddrPort {
	if s := e.streamOf(req); s != nil {
		return s.key.remote
	}
	p, _ := netip.ParseAddrPort(req.Source())
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// flowFrom is the flow back to where a request came from.
func (e *Endpoint) flowFrom(req *sip.Request, tx *sip.ServerTx) flow {
	f := flow{route: Route{Transport: sip.NetworkToLower(req.Transport()), Addr: e.source(req)}}
	if s := e.streamOf(req); s != nil {
		f.stream, f.local, f.route.ServerName = s, s.local, s.key.serverName
		return f
	}
	f.local = addrPort(tx.Connection().LocalAddr())
	if f.route.Transport == "udp" {
		f.socket = e.bindingOf("udp", f.local)
	}
	return f
}
