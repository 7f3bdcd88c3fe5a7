package sip

import (
	"bytes"
	"net/netip"

	"github.com/emiago/sipgo/sip"
)

// A pendingRequest went out by UDP and has no response so far, not even a
// provisional one. ICMP may tell that nobody is there to send any.
type pendingRequest struct {
	flow flow
	text []byte     // as sent
	lost chan error // takes the reason, never blocks the giver
}

// A pendingKey is the branch and the method of a request: a CANCEL has the
// branch of its INVITE.
type pendingKey struct{ branch, method string }

// await lets ICMP fail a request until its first response. Requests inside a
// dialog are left to their retransmissions: they have no other route to take,
// and no call shall suffer from a path that is gone for a moment or from a
// forged message. The same goes for CANCEL, which follows a response.
func (e *Endpoint) await(req *sip.Request, f flow) (lost chan error, forget func()) {
	lost = make(chan error, 1)
	if f.stream != nil || toTag(req) != "" || req.IsCancel() {
		return lost, func() {}
	}
	key := pendingKey{branchOf(req), string(req.Method)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pending[key] = &pendingRequest{flow: f, text: []byte(req.String()), lost: lost}
	return lost, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.pending, key)
	}
}

// heardOf notes a response. It runs on the goroutine that reads the socket, so
// that an ICMP message read later finds nothing to fail.
func (e *Endpoint) heardOf(res *sip.Response) {
	if cseq := res.CSeq(); cseq != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.pending, pendingKey{branchOf(res), string(cseq.MethodName)})
	}
}

// unreachable fails the requests that wait for a first response from remote
// (RFC 3261 section 18.4). quoted is how the datagram began that could not be
// delivered, as far as the ICMP message tells; it must be the request itself.
func (e *Endpoint) unreachable(local, remote netip.AddrPort, quoted []byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, p := range e.pending {
		if p.flow.local == local && p.flow.route.Addr == remote && bytes.HasPrefix(p.text, quoted) {
			delete(e.pending, key)
			giveUp(p.lost, err)
		}
	}
}

// giveUp tells why a request is lost, unless something has told already.
func giveUp(lost chan<- error, err error) {
	select {
	case lost <- err:
	default:
	}
}
