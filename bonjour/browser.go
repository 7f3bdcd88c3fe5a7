package bonjour

import (
	"slices"
	"time"
)

// A Browser tells of the instances of one type of services, as they come, change and
// go on each link.
type Browser struct {
	engine      *Engine
	serviceType string
	on          func(Event) // nil once it is closed
}

// Browse begins to look for a type of services, as "_sipuri._udp", until the browser is
// closed. What is on the network is told of by Found events, in order and from the
// engine's goroutine; on must not block. The error tells what is wrong with the type, or
// is [ErrClosed].
func (e *Engine) Browse(serviceType string, on func(Event)) (*Browser, error) {
	if err := checkType(serviceType); err != nil {
		return nil, err
	}
	b := &Browser{engine: e, serviceType: fold(serviceType), on: on}
	if !e.post(func(now time.Time) { e.browse(now, b) }) {
		return nil, ErrClosed
	}
	return b, nil
}

// Close ends the looking. When it returns on is not called any more. It must not be
// called from a callback.
func (b *Browser) Close() {
	done := make(chan struct{})
	if b.engine.post(func(time.Time) { b.engine.unbrowse(b); close(done) }) {
		select {
		case <-done:
		case <-b.engine.done:
		}
		return
	}
	<-b.engine.done
}

func (e *Engine) browse(now time.Time, b *Browser) {
	e.browsers = append(e.browsers, b)
	for _, a := range e.attachments {
		if a.conn == nil {
			continue
		}
		for _, i := range a.querier.found(b.serviceType) {
			b.on(Event{Kind: Found, Instance: i})
		}
		a.querier.browse(now, b.serviceType)
	}
}

func (e *Engine) unbrowse(b *Browser) {
	e.browsers = slices.DeleteFunc(e.browsers, func(o *Browser) bool { return o == b })
	if slices.ContainsFunc(e.browsers, func(o *Browser) bool { return o.serviceType == b.serviceType }) {
		return
	}
	for _, a := range e.attachments {
		if a.conn != nil {
			a.querier.unbrowse(b.serviceType)
		}
	}
}

// emit hands an event of a link to those who look for its type.
func (e *Engine) emit(v Event) {
	for _, b := range e.browsers {
		if b.serviceType == v.Instance.Type {
			b.on(v)
		}
	}
}
