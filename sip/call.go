package sip

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"parley/internal/mailbox"
)

// A CallID is the value of a call's Call-ID header field.
type CallID string

// A Call is one INVITE and the dialog that comes of it, in either direction.
//
// One goroutine owns its state; methods post to it and do not block on the
// network, but for [Call.Info]. They may be used from any goroutine, the
// call's own event handler included. A method that comes too late is dropped
// without effect; the event that made it so is then on its way. Calls come from
// [Endpoint.Invite] and [Config].OnCall.
type Call struct {
	e        *Endpoint
	id       CallID
	outgoing bool
	local    Address
	request  URI // Request-URI of the INVITE
	localTag string
	auth     *Authorizer
	ext      Extensions   // what it makes use of
	incoming *sip.Request // the INVITE, nil for outgoing calls
	replaced *Call        // which the INVITE wants to take the place of, or nil

	box    *mailbox.Queue[func()]
	done   chan struct{} // closed when the goroutine ends
	stage  atomic.Int32  // a stage, for the methods' first look
	asking atomic.Bool   // a re-INVITE of ours is open

	mu      sync.Mutex // guards what follows: read from anywhere, written by the goroutine
	remote  Address
	agent   string
	peerTag string // of the far end, once there is a dialog
	contact URI    // the far end's, once there is a dialog
	flow    flow   // of the INVITE
	pin     *pin   // nil: whoever knows the dialog
	handler func(Event)
	waiting []Event // before there is a handler

	identity Identity

	// What follows belongs to the goroutine.
	quiet     bool // closed: no events any more
	over      bool
	uac       *uac
	uas       *uas
	d         *dialog
	timers    map[*time.Timer]struct{}
	session   sessionState
	updates   bool // the far end takes UPDATE
	ours      *ourReinvite
	theirs    *theirReinvite
	unacked   *acceptance  // a 2xx of ours without ACK
	afterAck  *ourReinvite // waits for the ACK
	held      []heldRequest
	seen      bool    // remoteSeq has been set
	remoteSeq uint32  // highest CSeq of the far end
	byeAfter  *string // BYE to send once our 2xx is acknowledged
	byeSent   bool
	refers    refers
	retired   bool // its connection is going to be closed
}

// A stage is how far a call has come.
type stage int32

const (
	stageNone     stage = iota
	stageOffering       // the INVITE waits for its final response
	stageUp             // a 2xx was sent or received
	stageEnding         // canceled, or BYE on its way
	stageOver
)

func (c *Call) at() stage { return stage(c.stage.Load()) }

// move sets the stage; it only ever goes up.
func (c *Call) move(s stage) {
	if c.at() < s {
		c.stage.Store(int32(s))
	}
}

// prepare makes c ready to be posted to.
func (e *Endpoint) prepare(c *Call) *Call {
	c.e = e
	c.box = mailbox.New[func()]()
	c.done = make(chan struct{})
	c.timers = map[*time.Timer]struct{}{}
	c.move(stageOffering)
	return c
}

// newCall registers a prepared call and starts its goroutine. It returns nil
// when the endpoint is closing.
func (e *Endpoint) newCall(c *Call) *Call {
	key := dialogKey{string(c.id), c.localTag}
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return nil
	}
	e.calls[key] = c
	e.mu.Unlock()
	if !e.spawn(c.run) {
		return nil
	}
	return c
}

// run is the call's goroutine.
func (c *Call) run() {
	defer close(c.done)
	defer c.forget()
	for {
		work, err := c.box.Take(c.e.ctx)
		if err != nil {
			c.do(c.cutOff)
			return
		}
		for _, f := range work {
			c.do(f)
		}
	}
}

// cutOff ends a call whose endpoint was closed before it could end well.
func (c *Call) cutOff() {
	if c.outgoing && c.d == nil {
		c.end(Failed{ErrClosed})
		return
	}
	c.end(Ended{ErrClosed})
}

func (c *Call) do(f func()) {
	defer c.e.recovered("call")
	f()
}

// post has f run on the call's goroutine. It never blocks.
func (c *Call) post(f func()) { c.box.Put(f) }

// after has f run on the call's goroutine in d, unless the call ends before.
func (c *Call) after(d time.Duration, f func()) *time.Timer {
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		c.post(func() {
			if _, ok := c.timers[t]; ok {
				delete(c.timers, t)
				f()
			}
		})
	})
	c.timers[t] = struct{}{}
	return t
}

// disarm stops a timer of after; nil is fine.
func (c *Call) disarm(t *time.Timer) {
	if t != nil {
		t.Stop()
		delete(c.timers, t)
	}
}

// forget removes every trace of the call from the endpoint.
func (c *Call) forget() {
	for t := range c.timers {
		t.Stop()
	}
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	key := dialogKey{string(c.id), c.localTag}
	if c.e.calls[key] == c {
		delete(c.e.calls, key)
		c.e.bury(key, c.peerTag)
	}
	if c.uas != nil {
		delete(c.e.merges, c.uas.mergeKey)
	}
	if !c.retired {
		c.retired = true
		c.e.retire(c.flow.stream) // only this goroutine writes it
	}
}

// emit delivers an event, or keeps it until there is a handler.
func (c *Call) emit(ev Event) {
	if c.quiet || c.over {
		return
	}
	c.mu.Lock()
	h := c.handler
	if h == nil {
		c.waiting = append(c.waiting, ev)
	}
	c.mu.Unlock()
	if h != nil {
		h(ev)
	}
}

// end delivers the last event, after which the goroutine goes.
func (c *Call) end(ev Event) {
	if c.over {
		return
	}
	c.refuseOpen()
	defer c.ended() // also after a panic in the handler
	c.emit(ev)
}

// ended lets go of the call after its last event.
func (c *Call) ended() {
	c.over = true
	c.move(stageOver)
	if c.uac != nil && c.uac.legs != nil {
		c.uac.legs.expire()
	}
	if c.ours != nil && c.ours.legs != nil {
		c.ours.legs.expire()
	}
	c.forget()
	c.mu.Lock()
	keep := len(c.waiting) > 0 && !c.quiet
	if !keep {
		c.handler = nil // transactions hold the call for half a minute; not who listened to it
	}
	c.mu.Unlock()
	if !keep {
		c.box.Close()
	}
}

// ID returns the Call-ID.
func (c *Call) ID() CallID { return c.id }

// Outgoing reports whether the call is ours.
func (c *Call) Outgoing() bool { return c.outgoing }

// Local returns our address: From of an outgoing call, To of an incoming one.
func (c *Call) Local() Address { return c.local }

// RequestURI returns the Request-URI of the INVITE.
func (c *Call) RequestURI() URI { return c.request }

// Remote returns the far end's address: To of an outgoing call, From of an
// incoming one.
func (c *Call) Remote() Address {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remote
}

// RemoteUserAgent returns what the far end calls its program, cleaned, or "".
func (c *Call) RemoteUserAgent() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.agent
}

// Header returns the values of a header field of the incoming INVITE, as they
// came: use [CleanText] before showing them. It is nil for outgoing calls.
func (c *Call) Header(name string) []string {
	if c.incoming == nil {
		return nil
	}
	return headerValues(c.incoming, name)
}

// Body returns the offer of the incoming INVITE, or nil. The caller must not
// change it.
func (c *Call) Body() []byte {
	if c.incoming == nil || len(c.incoming.Body()) == 0 {
		return nil
	}
	return c.incoming.Body()
}

// Route returns the route of the INVITE. Of an outgoing call that has none yet
// it is the zero value.
func (c *Call) Route() Route {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flow.route
}

// LocalAddr returns our address on that route, for media to use as well. Of an
// outgoing call it is known from the start where the first route is.
func (c *Call) LocalAddr() netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flow.local.Addr()
}

// Secure reports whether the hop next to us is TLS.
func (c *Call) Secure() bool { return c.Route().Transport == "tls" }

func (c *Call) setFlow(f flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flow = f
}

func (c *Call) setAgent(m sip.Message) {
	name := headerValue(m, "User-Agent")
	if name == "" {
		name = headerValue(m, "Server")
	}
	if name == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agent = CleanText(name, 100)
}

// SetHandler sets who is told of events. Those that came before are delivered
// first. It is meant for incoming calls, before anything else is done with them.
func (c *Call) SetHandler(h func(Event)) {
	c.post(func() {
		c.mu.Lock()
		c.handler = h
		waiting := c.waiting
		c.waiting = nil
		c.mu.Unlock()
		for _, ev := range waiting {
			if !c.quiet {
				h(ev)
			}
		}
		if c.over {
			c.box.Close()
		}
	})
}

// Bye ends the call in whatever way its state asks for: BYE, CANCEL, or 480 to
// an INVITE not yet answered. reason, if not empty, goes into a Reason header field.
// [Ended] or [Failed] follows.
func (c *Call) Bye(reason string) error {
	if c.at() >= stageEnding {
		return ErrState
	}
	if err := CheckHeader("Reason", reason); err != nil {
		return err
	}
	c.post(func() { c.finish(reason) })
	return nil
}

// Close lets go of the call. If it is not over it is ended as by [Call.Bye], but
// no further event is delivered. It does not block and is safe to call twice.
func (c *Call) Close() {
	c.post(func() {
		c.quiet = true
		if c.over {
			c.box.Close()
			return
		}
		c.finish("")
	})
}

// finish ends the call from any state.
func (c *Call) finish(reason string) {
	switch {
	case c.over:
		c.box.Close()
	case c.d != nil:
		c.bye(reason)
	case c.uac != nil:
		c.cancel(reason)
	case c.uas != nil:
		c.reject(sip.StatusTemporarilyUnavailable, "", nil)
	}
}

// Info sends an INFO request inside the dialog and waits for the answer or for
// ctx. The error may be a [StatusError].
func (c *Call) Info(ctx context.Context, contentType string, body []byte) error {
	if c.at() != stageUp {
		return ErrState
	}
	if err := CheckHeader("Content-Type", contentType); err != nil {
		return err
	}
	answered := make(chan error, 1)
	c.post(func() {
		if c.d == nil || c.over {
			answered <- ErrState
			return
		}
		c.ask(inDialog{method: "INFO", bodyType: contentType, body: body, done: func(res *sip.Response, err error) {
			if err == nil && !res.IsSuccess() {
				err = statusError(res)
			}
			answered <- err
		}})
	})
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return ErrClosed
	}
}
