package sip

import (
	"errors"
	"fmt"
	"net"

	"github.com/emiago/sipgo/sip"
)

// transact sends req and tells on of every response and, when the transaction
// ends without a final one, of the error. on runs on the transaction's
// goroutine, in order. After a final response the transaction is ended at once:
// its retransmissions then come to [Endpoint.stray], because the stack repeats a lost
// ACK only after sleeping for T2.
//
// It returns a [TransportError] if the request could not be sent.
func (e *Endpoint) transact(req *sip.Request, f flow, on func(*sip.Response, error)) (*sip.ClientTx, error) {
	fail := func(err error) error { return &TransportError{Route: f.route, Err: err} }
	// The stack dials by itself when it has no connection, without our names,
	// certificates and time limits.
	if !f.ready() || !e.pooled(f) {
		return nil, fail(errors.New("connection is gone"))
	}
	tx, err := e.txl.NewClientTransaction(e.ctx, req)
	if err != nil {
		return nil, fail(err)
	}
	tx.OnRetransmission(e.stray)
	lost, forget := e.await(req, f)
	ok := e.spawn(func() {
		defer forget()
		e.drain(tx, f, lost, on)
	})
	if !ok {
		forget()
		tx.Terminate()
		return nil, ErrClosed
	}
	if err := tx.Init(); err != nil {
		e.log.Debug("Request could not be written", "route", f.route.Addr, "err", err)
		giveUp(lost, err) // on hears of it from the goroutine
	}
	return tx, nil
}

func (e *Endpoint) pooled(f flow) bool {
	c := e.tpl.Pool(f.route.Transport).Get(f.poolAddr().String())
	if c == nil {
		return false
	}
	_, _ = c.TryClose() // gives back the reference that Get took
	return true
}

// drain reads a transaction's responses to its end, which lost may bring about.
// The stack holds a lock until each is taken.
func (e *Endpoint) drain(tx *sip.ClientTx, f flow, lost <-chan error, on func(*sip.Response, error)) {
	for {
		select {
		case res := <-tx.Responses():
			on(res, nil)
			if !res.IsProvisional() {
				tx.Terminate()
				return
			}
		case err := <-lost:
			tx.Terminate()
			on(nil, transactionError(f, err))
			return
		case <-f.moved():
			tx.Terminate()
			on(nil, transactionError(f, nil))
			return
		case <-tx.Done():
			on(nil, transactionError(f, tx.Err()))
			return
		}
	}
}

func transactionError(f flow, err error) error {
	if f.socket != nil && f.socket.gone() {
		return &TransportError{Route: f.route, Err: errAddressGone} // whatever it looked like
	}
	if errors.Is(err, sip.ErrTransactionTimeout) {
		return &TransportError{Route: f.route, Err: ErrTimeout}
	}
	var system *net.OpError
	if errors.As(err, &system) {
		err = system // without what the stack says around it
	}
	if err == nil || errors.Is(err, sip.ErrTransactionCanceled) || errors.Is(err, sip.ErrTransactionTerminated) {
		err = errors.New("transaction was given up")
	}
	return &TransportError{Route: f.route, Err: err}
}

// write sends a request that has no transaction: an ACK.
func (e *Endpoint) write(req *sip.Request, f flow) error {
	if !f.ready() || !e.pooled(f) {
		return &TransportError{Route: f.route, Err: errors.New("connection is gone")}
	}
	if err := e.tpl.WriteMsg(req); err != nil {
		return &TransportError{Route: f.route, Err: err}
	}
	return nil
}

// challenged reports whether res asks for credentials.
func challenged(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// learn takes in the challenges of a 401 or 407. A nil error means that the
// request may be sent again; any other also matches [StatusError].
func learn(a *Authorizer, res *sip.Response) error {
	status := statusError(res)
	if a == nil {
		return status
	}
	proxy := res.StatusCode == sip.StatusProxyAuthRequired
	name := "WWW-Authenticate"
	if proxy {
		name = "Proxy-Authenticate"
	}
	if err := a.Challenge(proxy, headerValues(res, name)); err != nil {
		return fmt.Errorf("%w: %w", err, status)
	}
	return nil
}

// credentials are the Authorization header fields for a request, if any are
// known to be needed.
func credentials(a *Authorizer, method, uri string, body []byte) []Header {
	if a == nil {
		return nil
	}
	return a.Authorize(method, uri, body)
}
