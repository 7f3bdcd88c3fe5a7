// Package bus carries typed notifications from the middleware to its clients:
// the window, the desktop API, the log and the tests.
//
// A notification is a struct that embeds [Note]; the name of its Go type is its
// name everywhere. Publishing never blocks and never calls a handler: each
// client has an unbounded queue and drains it on a goroutine of its own choice.
// All clients see all notifications in one and the same order.
//
// The package is mechanism only and knows no notification.
package bus

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"parley/internal/mailbox"
)

// Note makes a struct a notification: embed it, first and unnamed.
type Note struct{}

func (Note) notification() {}

// A Notification is a struct that embeds [Note].
type Notification interface{ notification() }

// Name returns the name of n, which is the name of its Go type.
func Name(n Notification) string { return reflect.TypeOf(n).Name() }

// A Bus hands every published notification to every attached client. The zero
// value is ready for use. A Bus is safe for concurrent use.
type Bus struct {
	mu      sync.Mutex // its holder decides the one order that all clients see
	clients []*Client
}

// Publish appends n to the queue of every attached client and returns.
//
// It never blocks and never calls a handler, so it may be used inside a handler
// and with locks held.
func (b *Bus) Publish(n Notification) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.clients {
		c.queue.Put(n)
	}
}

// Attach adds c. What was published earlier is not delivered: attach first, then
// read the present state, and ignore notifications whose revision is not newer.
func (b *Bus) Attach(c *Client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients = append(b.clients, c)
}

// Detach removes c and ends its Take and Run. Notifications still queued, or taken
// and not dispatched yet, are dropped: no handler is called any more, but one may
// be running. Detach may be called by one of c's own handlers, and twice.
func (b *Bus) Detach(c *Client) {
	b.mu.Lock()
	b.clients = slices.DeleteFunc(b.clients, func(o *Client) bool { return o == c })
	b.mu.Unlock()
	c.detached.Store(true)
	c.queue.Close()
}

// A Client receives notifications. Register handlers with [On] or [OnAny], then
// attach it to a [Bus], then call [Client.Run], or [Client.Take] and
// [Client.Dispatch] from the goroutine that is to run the handlers.
type Client struct {
	name     string
	queue    *mailbox.Queue[Notification]
	handlers map[reflect.Type][]func(Notification)
	any      []func(Notification)
	detached atomic.Bool
}

// NewClient returns a client that is not attached to a bus yet. The name is for
// logs.
func NewClient(name string) *Client {
	return &Client{
		name:     name,
		queue:    mailbox.New[Notification](),
		handlers: make(map[reflect.Type][]func(Notification)),
	}
}

// Name returns the name given to [NewClient].
func (c *Client) Name() string { return c.name }

// Backlog returns how many notifications wait to be taken.
func (c *Client) Backlog() int { return c.queue.Len() }

// On makes c call handle for every notification of type T. Handlers of one
// client run one at a time, in the order of publication. Call On before
// [Bus.Attach]; it is not safe afterwards.
func On[T Notification](c *Client, handle func(T)) {
	t := reflect.TypeFor[T]()
	c.handlers[t] = append(c.handlers[t], func(n Notification) { handle(n.(T)) })
}

// OnAny makes c call handle for every notification, after the handlers of its
// type. Like [On] it must be called before [Bus.Attach].
func OnAny(c *Client, handle func(Notification)) {
	c.any = append(c.any, handle)
}

// Take returns all queued notifications in order and waits for the first. Its
// error is ctx's, or that of a detached client.
func (c *Client) Take(ctx context.Context) ([]Notification, error) {
	batch, err := c.queue.Take(ctx)
	if c.detached.Load() {
		return nil, mailbox.ErrClosed
	}
	return batch, err
}

// Dispatch calls the handlers of each notification of batch, in order.
func (c *Client) Dispatch(batch []Notification) {
	for _, n := range batch {
		for _, handlers := range [][]func(Notification){c.handlers[reflect.TypeOf(n)], c.any} {
			for _, handle := range handlers {
				if c.detached.Load() {
					return
				}
				handle(n)
			}
		}
	}
}

// Run dispatches on the calling goroutine until ctx ends or c is detached.
func (c *Client) Run(ctx context.Context) {
	for {
		batch, err := c.Take(ctx)
		if err != nil {
			return
		}
		c.Dispatch(batch)
	}
}
