package sip

import (
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An inviteLegs is one INVITE of ours as the far ends see it: which of the
// dialogs it forked into won, and what must still be said to the others. It
// outlives the transaction, since a 2xx may come after its end, and answers
// such responses from the stack's goroutine without its call.
type inviteLegs struct {
	e      *Endpoint
	call   *Call
	invite *sip.Request
	flow   flow
	early1 func(*sip.Response) // told of provisional responses in their order

	mu      sync.Mutex
	offered string // To tag of the 2xx that the call is deciding about
	winner  string
	ackReq  *sip.Request // for the winner or for a non-2xx response
	ackVia  flow
	losers  map[string]func() // by To tag: sends its ACK again
	tags    map[string]uint32 // early dialogs, and the highest CSeq of ours in each
	ending  bool
}

// maxLegs bounds the branches of one INVITE that are kept apart.
const maxLegs = 64

// watch remembers an INVITE by its branch.
// early runs on the call's goroutine.
func (e *Endpoint) watch(c *Call, invite *sip.Request, f flow, early func(*inviteLegs, *sip.Response)) *inviteLegs {
	l := &inviteLegs{e: e, call: c, invite: invite, flow: f, losers: map[string]func(){}, tags: map[string]uint32{}}
	l.early1 = func(res *sip.Response) { c.post(func() { early(l, res) }) }
	e.mu.Lock()
	defer e.mu.Unlock()
	e.legs[branchOf(invite)] = l
	return l
}

// expire forgets the INVITE after 64*T1: nothing can come any more.
func (l *inviteLegs) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ending {
		return
	}
	l.ending = true
	branch := branchOf(l.invite)
	time.AfterFunc(timerGiveUp+timerT2, func() {
		l.e.mu.Lock()
		defer l.e.mu.Unlock()
		delete(l.e.legs, branch)
	})
}

// early notes an early dialog.
func (l *inviteLegs) early(tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tags) < maxLegs {
		l.tags[tag] = 0
	}
}

// used notes the CSeq of a request of ours in an early dialog.
func (l *inviteLegs) used(tag string, seq uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.tags[tag]; ok {
		l.tags[tag] = seq
	}
}

// knows reports whether tag belongs to an early dialog of this INVITE.
func (l *inviteLegs) knows(tag string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.tags[tag]
	return ok
}

// win says which leg became the call.
func (l *inviteLegs) win(tag string) {
	l.mu.Lock()
	l.winner = tag
	l.mu.Unlock()
	l.expire()
}

// offer notes the 2xx that ended the transaction, before the call has seen it.
func (l *inviteLegs) offer(tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offered = tag
}

// decline hangs up the leg of a 2xx that the call does not want after all.
func (l *inviteLegs) decline(res *sip.Response) {
	l.mu.Lock()
	if l.offered == toTag(res) {
		l.offered = ""
	}
	l.mu.Unlock()
	l.e.stray(res)
}

func (l *inviteLegs) acked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ackReq != nil
}

func (l *inviteLegs) setAck(req *sip.Request, f flow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ackReq, l.ackVia = req, f
}

// settle makes the ACK for a final response of 300 and above, for its
// retransmissions: the stack has sent the first (RFC 3261 section 17.1.1.3).
func (l *inviteLegs) settle(res *sip.Response) {
	ack := l.derived(sip.ACK)
	if h := res.To(); h != nil {
		ack.AppendHeader(sip.HeaderClone(h))
	}
	l.e.bind(ack, l.flow)
	l.setAck(ack, l.flow)
	l.expire()
}

// cancel makes the CANCEL of this INVITE (RFC 3261 section 9.1).
func (l *inviteLegs) cancel(extra []Header) *sip.Request {
	req := l.derived(sip.CANCEL)
	req.AppendHeader(sip.HeaderClone(l.invite.To()))
	_ = appendHeaders(req, extra) // checked by reasonHeader
	return req
}

// derived copies what a CANCEL or the ACK to a failure take from their INVITE:
// all but To.
func (l *inviteLegs) derived(method sip.RequestMethod) *sip.Request {
	req := sip.NewRequest(method, *l.invite.Recipient.Clone())
	req.AppendHeader(l.invite.Via().Clone())
	sip.CopyHeaders("Route", l.invite, req)
	forwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&forwards)
	req.AppendHeader(sip.HeaderClone(l.invite.From()))
	req.AppendHeader(sip.HeaderClone(l.invite.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: l.invite.CSeq().SeqNo, MethodName: method})
	if l.e.cfg.UserAgent != "" {
		req.AppendHeader(sip.NewHeader("User-Agent", l.e.cfg.UserAgent))
	}
	req.SetBody(nil)
	return req
}

// stray takes in responses that no transaction waits for: retransmissions, and
// answers of forks that lost or came too late. Every 2xx that is not our call's
// is acknowledged and hung up, so that no phone stays connected to nobody.
func (e *Endpoint) stray(res *sip.Response) {
	defer e.recovered("stray response")
	cseq := res.CSeq()
	if cseq == nil || cseq.MethodName != sip.INVITE || res.IsProvisional() {
		return
	}
	e.mu.Lock()
	l := e.legs[branchOf(res)]
	e.mu.Unlock()
	if l == nil {
		return
	}
	tag := toTag(res)
	l.mu.Lock()
	winner, ack, via := l.winner, l.ackReq, l.ackVia
	again := l.losers[tag]
	undecided := winner == "" && l.offered != "" && tag == l.offered
	loser := res.IsSuccess() && tag != winner && !undecided && again == nil && len(l.losers) < maxLegs
	if loser {
		l.losers[tag] = func() {} // until its ACK exists
	}
	l.mu.Unlock()
	switch {
	case undecided:
	case loser:
		l.hangUp(res, tag)
	case res.IsSuccess() && tag != winner:
		if again != nil {
			again()
		}
	case ack != nil && (res.IsSuccess() || winner == ""):
		if err := e.write(ack, via); err != nil {
			e.log.Debug("ACK could not be repeated", "err", err)
		}
	}
}

// hangUp acknowledges the 2xx of an unwanted leg and sends BYE.
func (l *inviteLegs) hangUp(res *sip.Response, tag string) {
	l.expire()
	d := dialogFromResponse(l.call, l.invite, res, l.flow)
	uri, routes, hop := aim(d.target, d.routes)
	l.e.spawn(func() {
		p := l.call.pinned()
		f, ok := l.e.hopNow(hop, l.flow, p)
		if !ok {
			var err error
			if f, err = l.e.hopFlow(l.e.ctx, hop, l.flow, p); err != nil {
				l.e.log.Warn("Unwanted answer could not be hung up", "call", l.call.id, "err", err)
				return
			}
		}
		o := outgoing{
			method: "ACK", uri: uri, routes: routes, from: d.local, to: d.remote,
			callID: string(l.call.id), cseq: l.invite.CSeq().SeqNo, headers: proofs(l.invite),
		}
		ack, err := l.e.request(o, f)
		if err != nil {
			return
		}
		again := func() { _ = l.e.write(ack, f) }
		l.mu.Lock()
		l.losers[tag] = again
		o.cseq = max(d.localSeq, l.tags[tag]) + 1
		l.mu.Unlock()
		again()
		o.method, o.headers = "BYE", credentials(l.call.auth, "BYE", uri, nil)
		l.e.byeAlone(o, f, l.call.auth, 0)
	})
}

// byeAlone sends a BYE that no call waits for.
func (e *Endpoint) byeAlone(o outgoing, f flow, auth *Authorizer, tries int) {
	req, err := e.request(o, f)
	if err != nil {
		return
	}
	_, err = e.transact(req, f, func(res *sip.Response, err error) {
		if err != nil || !challenged(res) || auth == nil || tries >= maxAuthTries {
			return
		}
		own := auth.Request()
		if learn(own, res) == nil {
			o.cseq++
			o.headers = credentials(own, "BYE", o.uri, nil)
			e.byeAlone(o, f, auth, tries+1)
		}
	})
	if err != nil {
		e.log.Debug("BYE could not be sent", "err", err)
	}
}

// dialogFromResponse makes the caller's dialog from a 2xx (RFC 3261 section 12.1.2).
func dialogFromResponse(c *Call, invite *sip.Request, res *sip.Response, f flow) *dialog {
	return &dialog{
		remoteTag: toTag(res),
		local:     invite.From().Value(),
		remote:    res.To().Value(),
		localSeq:  invite.CSeq().SeqNo,
		target:    contactOf(res, invite.Recipient),
		routes:    routeSet(res, true),
		base:      f,
	}
}
