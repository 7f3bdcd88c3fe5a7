package bonjour

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/mailbox"
)

// lookInterval is how often the links of the machine are looked at.
const lookInterval = 5 * time.Second

// What keeps an engine from its work.
var (
	ErrNoLink   = errors.New("bonjour: no network interface is up that can do multicast")
	ErrConflict = errors.New("bonjour: every name that was tried is taken by somebody else")
	ErrClosed   = errors.New("bonjour: the engine is closed")
)

// Config says how an [Engine] works. Only Host is needed.
type Config struct {
	Log *slog.Logger // nil: nothing is logged
	// Host is wanted as the first label of the host's name, as "annas-laptop". Others
	// than letters, digits and hyphens are replaced. If somebody else has the name a
	// number is added. It must not be the name that the system's own responder uses.
	Host    string
	Network Network        // nil: the machine's own, see SystemNetwork
	Random  func() float64 // from 0 up to but without 1; nil: by chance
	// OnStatus is told of every change of the status, from the engine's goroutine. It
	// must not block.
	OnStatus func(Status)
}

// An Engine publishes and finds services on the local network. Its methods may be
// called from any goroutine, also from the callbacks, but for [Engine.Close] and
// [Browser.Close].
type Engine struct {
	log      *slog.Logger
	network  Network
	random   func() float64
	onStatus func(Status)

	inbox   *mailbox.Queue[event]
	done    chan struct{} // closed when the loop has ended
	readers sync.WaitGroup
	status  atomic.Pointer[Status]

	// All that follows belongs to the loop.
	host         hostName
	publications []*Publication
	browsers     []*Browser
	attachments  []*attachment
	linksErr     error
	looked       bool // once at least
	lookAt       time.Time
	conflicts    []conflict
	storm        storm
	echoes       echoes
	timer        *time.Timer
	closing      bool
}

// An event is what the loop has to deal with: a packet, the end of a link's socket, or
// a command. The zero value only wakes it up.
type event struct {
	from   *attachment
	packet []byte
	meta   Meta
	conn   Conn  // that ended
	err    error // why
	do     func(now time.Time)
}

// New starts an engine. It cannot fail: what does not work can be seen in its status,
// and is tried again. The caller must close it.
func New(c Config) *Engine {
	e := &Engine{
		log: c.Log, network: c.Network, random: c.Random, onStatus: c.OnStatus,
		inbox: mailbox.New[event](), done: make(chan struct{}),
		echoes: newEchoes(),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.network == nil {
		e.network = SystemNetwork()
	}
	if e.random == nil {
		e.random = rand.Float64
	}
	e.host.want(c.Host)
	e.status.Store(&Status{Err: ErrNoLink})
	e.timer = time.AfterFunc(0, func() { e.inbox.Put(event{}) })
	go e.run()
	return e
}

// Close takes back what is published, closes the sockets and ends the engine. When it
// returns no goroutine is left, unless ctx ended before: then the rest goes on without
// the caller. It must not be called from a callback.
func (e *Engine) Close(ctx context.Context) {
	e.post(func(time.Time) { e.closing = true })
	select {
	case <-e.done:
	case <-ctx.Done():
	}
}

// Status tells what the engine can do now.
func (e *Engine) Status() Status { return *e.status.Load() }

// LinksChanged makes the engine look at the links of the machine now, and not only
// within five seconds.
func (e *Engine) LinksChanged() {
	e.post(func(now time.Time) { e.lookAt = now })
}

// Woke tells that the machine slept or stood still, so that others have forgotten what
// was published, or given its names to others: everything is probed for, announced and
// asked for anew, and what was found and does not answer within seconds is lost.
func (e *Engine) Woke() {
	e.post(func(now time.Time) {
		e.lookAt = now
		for _, a := range e.working() {
			a.responder.restart(now)
			a.querier.doubt(now)
		}
	})
}

// Reconfirm tells that an instance which was found is not where it says: it, its
// service and its host are asked for anew, and it is lost if they do not answer within
// seconds (RFC 6762 section 10.4). It does not wait for that.
func (e *Engine) Reconfirm(i Instance) {
	e.post(func(now time.Time) {
		for _, a := range e.working() {
			if a.querier.link.Index == i.Link {
				a.querier.reconfirm(now, i)
			}
		}
	})
}

// post hands a command to the loop; it reports false if the engine is closed.
func (e *Engine) post(do func(now time.Time)) bool { return e.inbox.Put(event{do: do}) }

// run is the loop. It owns everything.
func (e *Engine) run() {
	defer close(e.done)
	for !e.closing {
		events, err := e.inbox.Take(context.Background())
		if err != nil {
			break
		}
		for _, v := range events {
			e.handle(time.Now(), v)
		}
		e.settle(time.Now())
	}
	e.shut(time.Now())
}

// shut ends everything.
func (e *Engine) shut(now time.Time) {
	e.inbox.Close()
	e.timer.Stop()
	e.onStatus = nil
	for _, p := range e.publications {
		p.on = nil
	}
	e.browsers = nil
	for _, a := range e.working() {
		for _, s := range e.subjects() {
			a.responder.drop(now, s, true)
		}
		a.responder.due(now)
		e.detach(a)
	}
	e.readers.Wait()
}

// handle deals with one event.
func (e *Engine) handle(now time.Time, v event) {
	switch {
	case v.do != nil:
		v.do(now)
	case v.err != nil:
		e.broke(now, v.from, v.conn, v.err)
	case v.from != nil:
		v.from.queued.Add(-1)
		e.receive(now, v)
	}
}

// receive deals with a packet. What comes to us alone must come from the link (RFC
// 6762 section 11), and answers must come from the port of multicast DNS (section 6).
func (e *Engine) receive(now time.Time, v event) {
	a := v.from
	near := a.link.reaches(v.meta.From.Addr())
	if a.conn == nil || !v.meta.Multicast && !near || e.echoes.heard(now, a, v.packet, v.meta, e.mine) {
		return
	}
	m, err := parse(v.packet)
	if err != nil || m.response && (v.meta.From.Port() != Port || !a.awaits(now, v.meta)) {
		return
	}
	a.querier.handle(now, m, v.meta)
	switch {
	case v.meta.Asked:
	case m.response:
		a.responder.hear(now, m)
	default:
		a.responder.query(now, m, v.meta, near)
	}
}

// settle does what is to be done by now, tells of changes, and sets the timer.
func (e *Engine) settle(now time.Time) {
	if !e.lookAt.After(now) {
		e.look(now)
		e.looked, e.lookAt = true, now.Add(lookInterval)
	}
	e.retry(now)
	e.resolve(now)
	next := e.lookAt
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for _, p := range e.publications {
		sooner(p.update(now))
	}
	for _, a := range e.attachments {
		if a.conn == nil {
			sooner(a.retryAt)
			continue
		}
		sooner(a.responder.due(now))
		sooner(a.querier.due(now))
	}
	e.tell()
	// What is due already, by a clock that went on, waits a moment: the loop never spins.
	e.timer.Reset(max(next.Sub(now), time.Millisecond))
}

// tell tells of changes of the status and of what is published.
func (e *Engine) tell() {
	status := e.newStatus()
	if !status.same(e.Status()) {
		e.status.Store(&status)
		if e.onStatus != nil {
			e.onStatus(status)
		}
	}
	for _, p := range slices.Clone(e.publications) {
		e.report(p, status)
	}
}
