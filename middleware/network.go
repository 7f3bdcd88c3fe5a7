package middleware

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/middleware/bus"
	"parley/sip"
)

const (
	// settleTime is how long the addresses of the machine must be left alone before
	// a change is acted on: they rarely come alone.
	settleTime = 500 * time.Millisecond
	// settleMost bounds that wait.
	settleMost = 2 * time.Second
	// A socket that could not be opened at a new address is tried again after
	// rebindPause, rebindTries times: an IPv6 address is checked for a second
	// before it may be used (RFC 4862 section 5.4).
	rebindPause = 2 * time.Second
	rebindTries = 5
	// freshTime is how long after a change of the network retries come quickly.
	freshTime = 2 * time.Minute
	// freshRetry bounds the waits between them.
	freshRetry = 10 * time.Second
)

// A PowerEvent tells of the machine's sleep.
type PowerEvent uint8

// The events.
const (
	WillSleep PowerEvent = iota
	DidWake
)

// A NetworkMonitor tells which addresses the machine has. Its zero value is a
// machine that always has those it is to listen on.
type NetworkMonitor struct {
	// Addrs lists the usable addresses now, loopback ones last. It must not block
	// for long.
	Addrs func() ([]netip.Addr, error)
	// Changed hints that Addrs may say something else than before.
	Changed <-chan struct{}
	// Follow makes the application listen on every address that Addrs lists; else
	// on those of [Config].Listen that it lists.
	Follow bool
	// Power tells of sleep, where the system does.
	Power <-chan PowerEvent
}

// A NetworkSnapshot is what is known of the network at one moment.
type NetworkSnapshot struct {
	Online bool         // there is an address other than the loopback one
	Addrs  []netip.Addr // of the machine
	Since  time.Time    // when that last changed; zero: not since the start
}

// network follows the machine's addresses and its sleep.
type network struct {
	app  *SIPApplication
	snap atomic.Pointer[NetworkSnapshot]
	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
	jump jump
}

func newNetwork(app *SIPApplication) *network {
	n := &network{app: app}
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.snap.Store(&NetworkSnapshot{Online: app.config.Monitor.Addrs == nil})
	if app.config.Monitor.Addrs != nil {
		n.look()
		first := *n.snap.Load()
		first.Since = time.Time{}
		n.snap.Store(&first)
	}
	return n
}

// Network returns what is known of the network now.
func (app *SIPApplication) Network() NetworkSnapshot {
	snap := *app.network.snap.Load()
	snap.Addrs = slices.Clone(snap.Addrs)
	return snap
}

// look takes in the addresses and reports whether they changed.
func (n *network) look() (old []netip.Addr, changed bool) {
	addrs, err := n.app.config.Monitor.Addrs()
	if err != nil {
		n.app.log.Warn("Addresses of the machine cannot be told", "err", err)
		return nil, false
	}
	was := n.snap.Load()
	if slices.Equal(was.Addrs, addrs) {
		return was.Addrs, false
	}
	online := slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.IsLoopback() })
	n.snap.Store(&NetworkSnapshot{Addrs: addrs, Online: online, Since: time.Now()})
	return was.Addrs, true
}

// has reports whether a is an address of the machine now.
func (n *network) has(a netip.Addr) bool {
	return n.app.config.Monitor.Addrs == nil || a.IsLoopback() || slices.Contains(n.snap.Load().Addrs, a)
}

// fresh reports whether the network changed just now.
func (n *network) fresh() bool {
	since := n.snap.Load().Since
	return !since.IsZero() && time.Since(since) < freshTime
}

// listen returns the addresses to listen on now, with ports as configured.
func (n *network) listen() []netip.AddrPort {
	c := n.app.config
	switch {
	case c.Monitor.Addrs == nil:
		return c.Listen
	case !c.Monitor.Follow:
		return slices.DeleteFunc(slices.Clone(c.Listen), func(a netip.AddrPort) bool { return !n.has(a.Addr()) })
	}
	var out []netip.AddrPort
	for _, a := range n.snap.Load().Addrs {
		out = append(out, netip.AddrPortFrom(a, 0))
	}
	return out
}

// start follows the network from now.
func (n *network) start() {
	n.done.Go(func() {
		tick := time.NewTicker(jumpTick)
		defer tick.Stop()
		n.jump.tick(time.Now())
		m := n.app.config.Monitor
		for {
			select {
			case <-n.ctx.Done():
				return
			case <-m.Changed:
				n.settle()
				n.changed(false)
			case ev := <-m.Power:
				n.power(ev)
			case now := <-tick.C:
				if n.jump.tick(now) {
					n.app.log.Info("The machine slept or stood still")
					n.power(DidWake)
				}
			}
		}
	})
}

// end stops following and waits for that.
func (n *network) end() {
	n.stop()
	n.done.Wait()
}

// settle waits until no further hint comes.
func (n *network) settle() {
	most := time.NewTimer(settleMost)
	defer most.Stop()
	for {
		quiet := time.NewTimer(settleTime)
		select {
		case <-n.app.config.Monitor.Changed:
			quiet.Stop()
		case <-quiet.C:
			return
		case <-most.C:
			quiet.Stop()
			return
		case <-n.ctx.Done():
			quiet.Stop()
			return
		}
	}
}

// changed acts on a change of the addresses. After sleep it acts in any case.
func (n *network) changed(woke bool) {
	app := n.app
	changed := false
	if app.config.Monitor.Addrs != nil {
		var old []netip.Addr
		if old, changed = n.look(); changed {
			snap := app.Network()
			app.log.Info("Addresses of the machine changed", "old", old, "new", snap.Addrs)
			app.bus.Publish(SystemIPAddressDidChange{OldAddresses: old, NewAddresses: snap.Addrs, Online: snap.Online})
		}
	}
	if !changed && !woke {
		return
	}
	app.resolver.Flush()
	app.rebindDirect(rebindTries)
	if woke {
		app.accounts.BonjourAccount().lan.woke()
	}
	for _, a := range app.accounts.GetAccounts() {
		a.queue.Put(func() { a.networkChanged(woke) })
	}
}

// power takes in what the system tells of its sleep.
func (n *network) power(ev PowerEvent) {
	switch ev {
	case WillSleep:
		n.app.log.Info("The machine goes to sleep")
		n.app.bus.Publish(SystemWillSleep{})
	case DidWake:
		n.jump = jump{} // or the pause would be noticed a second time
		n.jump.tick(time.Now())
		n.app.bus.Publish(SystemDidWakeUpFromSleep{})
		n.changed(true)
	}
}

// rebindDirect moves the endpoint of direct calls to the addresses there are now,
// and the calls with it.
func (app *SIPApplication) rebindDirect(tries int) {
	if app.local == nil {
		return
	}
	if err := app.rebindLocal(app.local.Endpoint); err != nil {
		app.log.Info("Not every address can be listened on", "err", err, "tries", tries)
		if tries > 0 {
			app.network.again(func() { app.rebindDirect(tries - 1) })
		}
	}
	for _, s := range app.sessions.direct() {
		s.networkChanged()
	}
	app.accounts.BonjourAccount().lan.linksChanged()
}

// again runs f after rebindPause, unless the application stops before.
func (n *network) again(f func()) {
	n.done.Go(func() {
		select {
		case <-time.After(rebindPause):
			f()
		case <-n.ctx.Done():
		}
	})
}

// ports says where an endpoint is to listen, on every address. 0 is any port.
type ports struct {
	plain, tls int // tls: -1 is not at all
	demanded   bool
}

// rebind makes ep listen on the addresses there are now: on the ports wanted, or,
// if those are taken and not demanded, on any. TLS may be on any in any case.
func (app *SIPApplication) rebind(ep *sip.Endpoint, p ports) error {
	err := app.rebindTo(ep, p)
	if err != nil && p.tls > 0 && !errors.Is(err, sip.ErrClosed) {
		p.tls = 0
		err = app.rebindTo(ep, p)
	}
	if err != nil && p.plain != 0 && !p.demanded && !errors.Is(err, sip.ErrClosed) {
		p.plain = 0
		err = app.rebindTo(ep, p)
	}
	return err
}

// rebindTo makes ep listen on these ports and no others, on the addresses there are
// now.
func (app *SIPApplication) rebindTo(ep *sip.Endpoint, p ports) error {
	ctx, cancel := context.WithTimeout(app.network.ctx, rebindPause)
	defer cancel()
	var list, listTLS []netip.AddrPort
	for _, a := range app.network.listen() {
		list = append(list, netip.AddrPortFrom(a.Addr(), uint16(p.plain)))
		if p.tls >= 0 {
			listTLS = append(listTLS, netip.AddrPortFrom(a.Addr(), uint16(p.tls)))
		}
	}
	return ep.Rebind(ctx, list, listTLS)
}

type (
	// SystemIPAddressDidChange is posted when the machine has other addresses than
	// before. Accounts then register anew and calls move by themselves.
	SystemIPAddressDidChange struct {
		bus.Note
		OldAddresses, NewAddresses []netip.Addr
		Online                     bool // there is an address other than the loopback one
	}

	// SystemWillSleep is posted when the machine is about to sleep.
	SystemWillSleep struct{ bus.Note }

	// SystemDidWakeUpFromSleep is posted when the machine, or the program alone,
	// goes on after it stood still.
	SystemDidWakeUpFromSleep struct{ bus.Note }
)
