package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// A ping is what keeps a flow open, and a pong its answer on a connection
	// (RFC 5626 section 3.5.1).
	ping = "\r\n\r\n"
	pong = "\r\n"

	// pongPatience is how long a far end that answers pings may take (RFC 5626
	// section 4.4.1).
	pongPatience = 10 * time.Second

	// keepAliveDefault is the longest time between two signs of life by UDP: the
	// routers on the way forget idle flows after 30 s and more (RFC 5626 section
	// 4.4.2).
	keepAliveDefault = 29 * time.Second
	keepAliveLeast   = 5 * time.Second
)

var (
	// ErrFlowFailed is matched when a flow that was kept open was found dead.
	ErrFlowFailed = errors.New("sip: the flow has failed")

	errNoPong   = fmt.Errorf("%w: no answer to a keep-alive", ErrFlowFailed)
	errRemapped = fmt.Errorf("%w: the address seen by the server has changed", ErrFlowFailed)
)

// A KeepFlow says how [Endpoint.Keep] keeps a flow open.
type KeepFlow struct {
	Route Route
	// Every is the longest time between two signs of life; 0 is 29 s. The real
	// one is up to a sixth shorter, by chance.
	Every time.Duration
	// Outbound says that the registrar took the flow for one of RFC 5626: then it
	// answers what keeps it open. See [RegisterResult].Outbound.
	Outbound bool
	Chance   func() float64 // in [0,1); nil is math/rand
}

// A keptKey names a flow by UDP that is being kept open.
type keptKey struct{ local, remote netip.AddrPort }

// Keep keeps the flow to a route open and watches it, until it fails or ctx
// ends. It opens nothing: without a connection it returns [ErrNoRoute] at once.
//
// A connection is sent a double CRLF now and then. It has failed when it is closed,
// or when a far end that answers those stays silent for ten seconds (RFC 5626 section 4.4.1).
// By UDP it is a STUN request where the registrar knows outbound, and the flow
// has failed when that is not answered or the server sees us at another address
// (section 4.4.2). Else it is a double CRLF, and ICMP may tell that nobody is
// there. Errors are a [TransportError].
func (e *Endpoint) Keep(ctx context.Context, k KeepFlow) error {
	f, ok := e.flowNow(k.Route)
	if !ok {
		return ErrNoRoute
	}
	if k.Every <= 0 {
		k.Every = keepAliveDefault
	}
	k.Every = max(k.Every, keepAliveLeast)
	if k.Chance == nil {
		k.Chance = rand.Float64
	}
	if f.stream != nil && k.Outbound {
		f.stream.pongs.Store(true)
	}
	lost, forget := e.watchPings(f)
	defer forget()
	var mapped netip.AddrPort
	for {
		pause := time.NewTimer(k.Every - time.Duration(k.Chance()*float64(k.Every)/6))
		var err error
		select {
		case <-pause.C:
			err = e.ping(ctx, f, k.Outbound, &mapped)
		case err = <-lost:
		case <-f.over():
			err = fmt.Errorf("%w: connection is gone", ErrFlowFailed)
		case <-ctx.Done():
		case <-e.ctx.Done():
			err = ErrClosed
		}
		pause.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return &TransportError{Route: k.Route, Err: err}
		}
	}
}

// KeepAlive gives one sign of life on the flow to r: a double CRLF. It opens
// nothing: without a connection to r it returns [ErrNoRoute]. For UDP it does not
// block.
func (e *Endpoint) KeepAlive(r Route) error {
	f, ok := e.flowNow(r)
	if !ok {
		return ErrNoRoute
	}
	if err := e.ping(e.ctx, f, false, new(netip.AddrPort)); err != nil {
		return &TransportError{Route: r, Err: err}
	}
	return nil
}

// ping gives one sign of life on f. For STUN it blocks until the answer.
func (e *Endpoint) ping(ctx context.Context, f flow, outbound bool, mapped *netip.AddrPort) error {
	switch {
	case f.stream != nil:
		return f.stream.ping()
	case outbound:
		seen, err := e.stunBinding(ctx, f)
		if err != nil {
			return err
		}
		was := *mapped
		if seen.IsValid() {
			*mapped = seen
		}
		if was.IsValid() && was != *mapped {
			return errRemapped
		}
	default:
		e.writeDatagram(net.UDPAddrFromAddrPort(f.local), net.UDPAddrFromAddrPort(f.route.Addr), []byte(ping))
	}
	return nil
}

// ping sends a double CRLF. Where the far end is known to answer those, silence
// afterwards closes the connection.
func (s *stream) ping() error {
	before := s.reads.Load()
	now := time.Now()
	s.pinged.Store(&now)
	if _, err := s.Write([]byte(ping)); err != nil {
		_ = s.Close()
		return fmt.Errorf("%w: %w", ErrFlowFailed, err)
	}
	if s.pongs.Load() {
		time.AfterFunc(pongPatience, func() {
			if s.reads.Load() == before && !s.closed.Load() {
				s.e.log.Info("Connection is dead", "remote", s.key.remote, "err", errNoPong)
				_ = s.Close()
			}
		})
	}
	return nil
}

// Probe pings every connection that we opened, for use when the machine woke up
// or the network changed. Those that are dead are closed within ten seconds. It
// does not block on the network.
func (e *Endpoint) Probe() {
	e.mu.Lock()
	open := make([]*stream, 0, len(e.streams))
	for _, s := range e.streams {
		if s.dialed {
			open = append(open, s)
		}
	}
	e.mu.Unlock()
	for _, s := range open {
		e.spawn(func() { _ = s.ping() }) // which closes it if it fails
	}
}

// watchPings lets ICMP tell that pings on f reach nobody.
func (e *Endpoint) watchPings(f flow) (lost chan error, forget func()) {
	lost = make(chan error, 1)
	if f.stream != nil {
		return lost, func() {}
	}
	key := keptKey{f.local, f.route.Addr}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept[key] = append(e.kept[key], lost)
	return lost, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.kept[key] = slices.DeleteFunc(e.kept[key], func(o chan error) bool { return o == lost })
		if len(e.kept[key]) == 0 {
			delete(e.kept, key)
		}
	}
}

// pingLost fails the flow whose ping ICMP says was not delivered.
func (e *Endpoint) pingLost(local, remote netip.AddrPort, quoted []byte, err error) {
	if !bytes.Equal(quoted, []byte(ping)) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, lost := range e.kept[keptKey{local, remote}] {
		giveUp(lost, fmt.Errorf("%w: %w", ErrFlowFailed, err))
	}
}
