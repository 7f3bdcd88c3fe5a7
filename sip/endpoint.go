package sip

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An Endpoint is a set of listening sockets and all calls and registrations on
// them. Its methods may be called from any goroutine. Make one with [Listen].
type Endpoint struct {
	cfg    Config
	log    *slog.Logger
	net    Network
	filter *Filter
	tagKey []byte      // makes tags of ours that nobody can guess
	tls    *tls.Config // of incoming connections, nil without certificates

	tpl *sip.TransportLayer
	txl *sip.TransactionLayer

	feeds map[string]*feed // "tcp" and "tls": hand connections to the stack

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	life sync.Mutex     // orders spawn and shut
	wg   sync.WaitGroup // every goroutine of ours
	move sync.Mutex     // held by Rebind

	mu      sync.Mutex // guards what follows
	closing bool
	bound   []*binding               // what is listened on, in order
	kept    map[keptKey][]chan error // who keeps a flow
	stun    map[stunID]stunWait
	flows   map[Route]struct{} // where the registrar took our flow (RFC 5626)
	sockets map[io.Closer]struct{}
	streams map[streamKey]*stream
	named   map[poolAddr]*stream
	dialing map[streamKey]*dialing
	noTCP   map[netip.AddrPort]time.Time // where TCP was refused, and when
	known   map[netip.AddrPort]struct{}  // addresses we send requests to
	calls   map[dialogKey]*Call
	merges  map[string]string // identity of open INVITEs: the branch that came first
	cancels map[string]canceledBranch
	past    map[dialogKey]pastDialog
	legs    map[string]*inviteLegs // by branch of our INVITEs
	cseqs   map[string]uint32      // REGISTER, by Call-ID
	pending map[pendingKey]*pendingRequest
}

// maxKnown bounds [Endpoint.known].
const maxKnown = 1024

// dialogKey finds a call: the remote tag is checked by the call itself, since
// the branches of a forked call differ in it.
type dialogKey struct{ callID, localTag string }

// Listen opens the sockets of cfg and serves them until [Endpoint.Close]. It
// fails if any of them cannot be opened. Without any, nothing can be sent or
// received before [Endpoint.Rebind]. ctx bounds the opening only.
func Listen(ctx context.Context, cfg Config) (*Endpoint, error) {
	e := &Endpoint{
		cfg:     cfg,
		log:     cfg.Log,
		net:     cfg.Network,
		tls:     tlsServer(cfg.TLS),
		tagKey:  make([]byte, 16),
		feeds:   map[string]*feed{},
		kept:    map[keptKey][]chan error{},
		stun:    map[stunID]stunWait{},
		flows:   map[Route]struct{}{},
		sockets: map[io.Closer]struct{}{},
		streams: map[streamKey]*stream{},
		named:   map[poolAddr]*stream{},
		dialing: map[streamKey]*dialing{},
		noTCP:   map[netip.AddrPort]time.Time{},
		known:   map[netip.AddrPort]struct{}{},
		calls:   map[dialogKey]*Call{},
		merges:  map[string]string{},
		cancels: map[string]canceledBranch{},
		past:    map[dialogKey]pastDialog{},
		legs:    map[string]*inviteLegs{},
		cseqs:   map[string]uint32{},
		pending: map[pendingKey]*pendingRequest{},
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.net == nil {
		e.net = systemNetwork{}
	}
	if err := CheckHeader("User-Agent", cfg.UserAgent); err != nil {
		return nil, err
	}
	if _, err := ParseURI("sip:" + cfg.ContactUser + "@host"); err != nil || cfg.ContactUser == "" {
		return nil, fmt.Errorf("sip: contact user %q cannot be used", cfg.ContactUser)
	}
	if _, err := rand.Read(e.tagKey); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.newStack()
	if err := e.listenAll(ctx); err != nil {
		e.shut()
		return nil, err
	}
	return e, nil
}

// newStack makes sipgo's layers. What they log is dropped: it prints whole
// messages, secrets included.
func (e *Endpoint) newStack() {
	quiet := slog.New(slog.DiscardHandler)
	e.filter = NewFilter(FilterConfig{Log: e.log, Reply: e.writeDatagram, Trusted: e.trusted, Busy: e.busy})
	e.tpl = sip.NewTransportLayer(noResolver, newParser(), nil,
		sip.WithTransportLayerLogger(quiet),
		sip.WithTransportLayerReadFilter(e.readFilter),
		sip.WithTransportLayerTransports(sip.TransportsConfig{
			TCP: &sip.TransportTCP{DialerCreate: noDialer},
			TLS: &sip.TransportTLS{TransportTCP: &sip.TransportTCP{DialerCreate: noDialer}},
		}),
	)
	// Handlers run in order on the reading goroutine, so this one sees every
	// message before the transaction layer gives it a goroutine of its own.
	e.tpl.OnMessage(e.preview)
	e.txl = sip.NewTransactionLayer(e.tpl,
		sip.WithTransactionLayerLogger(quiet),
		sip.WithTransactionLayerTerminateOnConnClose(),
		sip.WithTransactionLayerUnhandledResponseHandler(e.stray),
	)
	e.txl.OnRequest(e.serve)
}

// Addrs lists what the endpoint listens on now.
func (e *Endpoint) Addrs() []Local {
	e.mu.Lock()
	defer e.mu.Unlock()
	locals := make([]Local, len(e.bound))
	for i, b := range e.bound {
		locals[i] = b.Local
	}
	return locals
}

// Close ends every call, waits for that until ctx ends, and closes all sockets.
// No goroutine of the endpoint is left when it returns. Calls deliver their
// last events before. It returns ctx's error if some far end did not answer in
// time, and is safe to call more than once.
func (e *Endpoint) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closing = true
	open := make([]*Call, 0, len(e.calls))
	for _, c := range e.calls {
		open = append(open, c)
	}
	e.mu.Unlock()
	for _, c := range open {
		c.post(func() { c.finish("") })
	}
	var err error
	for _, c := range open {
		select {
		case <-c.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	e.shut()
	return err
}

// shut stops everything at once and waits for our goroutines.
func (e *Endpoint) shut() {
	e.life.Lock()
	e.stop()
	e.life.Unlock()
	e.mu.Lock()
	e.closing = true
	open := make([]io.Closer, 0, len(e.sockets))
	for s := range e.sockets {
		open = append(open, s)
	}
	e.mu.Unlock()
	e.txl.Close()
	for _, s := range open {
		_ = s.Close() // being thrown away
	}
	for _, f := range e.feeds {
		_ = f.Close()
	}
	e.wg.Wait() // the read loops of datagram sockets among others
	_ = e.tpl.Close()
}

// spawn runs f on a goroutine that Close waits for. It reports false, and runs
// nothing, when the endpoint is closing down.
func (e *Endpoint) spawn(f func()) bool {
	e.life.Lock()
	defer e.life.Unlock()
	if e.ctx.Err() != nil {
		return false
	}
	e.wg.Add(1)
	go func() {
		defer e.wg.Done()
		defer e.recovered("task")
		f()
	}()
	return true
}

// trust notes that we talk to an address: the filter lets it send more.
func (e *Endpoint) trust(a netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.known) < maxKnown {
		e.known[a] = struct{}{}
	}
}

func (e *Endpoint) trusted(a netip.AddrPort) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.known[a]
	return ok
}

// recovered is deferred by every goroutine: a fault in one call must not take
// the others down.
func (e *Endpoint) recovered(where string) {
	if r := recover(); r != nil {
		e.log.Error("Handler panicked", "where", where, "panic", r)
	}
}

// hold registers an open socket for Close. It reports false when it is too late.
func (e *Endpoint) hold(c io.Closer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return false
	}
	e.sockets[c] = struct{}{}
	return true
}

func (e *Endpoint) release(c io.Closer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sockets, c)
}
