package middleware

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"parley/bonjour"
	"parley/internal/mailbox"
	"parley/sip"
)

const (
	// goodbyeTime bounds how long it takes to leave the local network.
	goodbyeTime = time.Second
	// lookPause is how long after the network was looked through that is done again
	// for those who were not let in: somebody may see to it that there are always some.
	lookPause = time.Minute
)

// A lan keeps the [BonjourAccount] announced, and has others looked for. One
// goroutine owns it.
type lan struct {
	b       *BonjourAccount
	log     *slog.Logger
	network bonjour.Network // nil: there is none
	id      string          // our instance id
	queue   *mailbox.Queue[func()]
	done    chan struct{}

	snap   atomic.Pointer[BonjourSnapshot]
	advert atomic.Pointer[advert] // what is told on every link; nil: nothing

	// The rest belongs to the goroutine.
	now      BonjourSnapshot
	engine   *bonjour.Engine // nil while the account is off
	status   bonjour.Status
	browsers []*bonjour.Browser
	looked   time.Time   // when they began
	later    *time.Timer // until they begin anew; nil: they need not
	offers   map[offer]*publication
	over     bool // the program ends
}

func newLAN(b *BonjourAccount, log *slog.Logger, id string) *lan {
	l := &lan{
		b: b, log: log, network: b.app.config.Bonjour, id: id,
		queue: mailbox.New[func()](), done: make(chan struct{}),
		now:    BonjourSnapshot{State: BonjourOff, DisplayName: b.displayName(), Title: b.title()},
		offers: map[offer]*publication{},
	}
	first := l.now
	l.snap.Store(&first)
	return l
}

func (l *lan) start() {
	go func() {
		defer close(l.done)
		for {
			batch, err := l.queue.Take(context.Background())
			if err != nil {
				return
			}
			for _, f := range batch {
				f()
			}
		}
	}()
}

// refresh has the account become what it should be by now.
func (l *lan) refresh() { l.queue.Put(l.apply) }

// quit has the network left for good.
func (l *lan) quit() {
	l.queue.Put(func() {
		l.over = true
		l.apply()
	})
}

// stop leaves the network and waits for that, at most until ctx ends.
func (l *lan) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	l.quit()
	l.queue.Close()
	select {
	case <-l.done:
	case <-ctx.Done():
		l.log.Info("The local network was not left in time")
	}
}

// linksChanged has the links looked at now.
func (l *lan) linksChanged() {
	l.queue.Put(func() {
		if l.engine != nil {
			l.engine.LinksChanged()
		}
		l.apply()
	})
}

// doubt has it found out whether a neighbour is still there, whom a call did not
// reach.
func (l *lan) doubt(f *found) {
	l.queue.Put(func() {
		if l.engine == nil {
			return
		}
		for _, i := range l.b.hood.instances(f) {
			l.engine.Reconfirm(i)
		}
	})
}

// woke tells the network that the machine slept or stood still.
func (l *lan) woke() {
	l.queue.Put(func() {
		if l.engine != nil {
			l.engine.Woke()
		}
	})
}

// apply makes everything as the settings, the person's status and the addresses
// say.
func (l *lan) apply() {
	on := l.network != nil && !l.over && l.b.Active()
	switch {
	case on && l.engine == nil:
		l.switchOn()
	case !on && l.engine != nil:
		l.switchOff()
	case on && l.later == nil && l.b.hood.crowded():
		l.later = time.AfterFunc(lookPause-time.Since(l.looked), func() { l.queue.Put(l.lookAgain) })
	}
	if l.engine != nil {
		l.publish()
	}
	l.tell()
}

func (l *lan) switchOn() {
	l.b.app.rebindDirect(rebindTries) // encrypted calls come by a socket of their own
	l.engine = bonjour.New(bonjour.Config{
		Log: l.log, Host: hostLabel(l.b.app.config.HostName), Network: l.network, Random: l.b.app.chance,
		OnStatus: func(s bonjour.Status) { l.queue.Put(func() { l.gotStatus(s) }) },
	})
	l.browse()
}

// switchOff says goodbye.
func (l *lan) switchOff() {
	for _, o := range l.offered() {
		l.withdraw(o)
	}
	for _, browser := range l.browsers {
		browser.Close()
	}
	if l.later != nil {
		l.later.Stop()
	}
	l.browsers, l.later = nil, nil
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime)
	defer cancel()
	l.engine.Close(ctx)
	l.engine, l.status = nil, bonjour.Status{}
	l.advert.Store(nil)
	l.b.hood.loseAll()
	if !l.over {
		l.b.app.rebindDirect(rebindTries)
	}
}

// lookAgain looks for those who were not let in.
func (l *lan) lookAgain() {
	if l.later != nil {
		l.later = nil
		l.browse()
	}
}

// browse looks for others, from the beginning if it did already.
func (l *lan) browse() {
	old := l.browsers
	l.browsers, l.looked = nil, time.Now()
	l.discoveryBegins()
	for _, service := range serviceTypes {
		browser, err := l.engine.Browse(service, l.b.hood.got)
		if err != nil {
			l.log.Error("Services cannot be looked for", "type", service, "err", err)
			continue
		}
		l.browsers = append(l.browsers, browser)
	}
	for _, browser := range old { // now, so that nobody leaves unnoticed
		browser.Close()
	}
}

// gotStatus takes in what the engine can do now.
func (l *lan) gotStatus(s bonjour.Status) {
	if l.engine == nil {
		return
	}
	was := l.status.Err
	l.status = s
	switch {
	case s.Err != nil && (was == nil || was.Error() != s.Err.Error()):
		l.discoveryFailed()
	case s.Err == nil && was != nil:
		l.discoveryBegins()
	}
	l.tell()
}

func (l *lan) discoveryBegins() {
	l.b.app.bus.Publish(BonjourAccountWillInitiateDiscovery{Transports: []string{"udp", "tcp", "tls"}})
}

func (l *lan) discoveryFailed() {
	l.b.app.bus.Publish(BonjourAccountDiscoveryDidFail{Reason: sip.CleanText(l.status.Err.Error(), 200)})
}

// tell shows what changed of the account.
func (l *lan) tell() {
	old := l.now
	l.now.State, l.now.Err = l.state(), ""
	if l.now.State == BonjourBlocked {
		l.now.Err = sip.CleanText(l.status.Err.Error(), 200)
	}
	l.now.DisplayName, l.now.Title = l.b.displayName(), l.b.title()
	l.now.Neighbours = len(l.b.hood.now.Load().list)
	l.now.Contact = ""
	if l.now.State != BonjourOff {
		l.now.Contact = l.contact()
	}
	if l.now == old {
		return
	}
	l.now.Rev++
	snap := l.now
	l.snap.Store(&snap)
	l.b.app.bus.Publish(BonjourAccountDidChange{Now: snap})
}

func (l *lan) state() BonjourState {
	switch {
	case l.network == nil, l.over, !l.b.Active():
		return BonjourOff
	case l.engine == nil, errors.Is(l.status.Err, bonjour.ErrNoLink):
		return BonjourNoNetwork
	case l.status.Err != nil:
		return BonjourBlocked
	}
	if len(l.offers) == 0 && l.b.app.UserStatus() != Offline {
		return BonjourNoNetwork // nowhere to be called at
	}
	for _, p := range l.offers {
		if !p.announced {
			return BonjourStarting
		}
	}
	return BonjourOn
}

// contact is where neighbours call, by the best way that there is.
func (l *lan) contact() string {
	c := l.b.Contact()
	for _, transport := range ranking {
		if uri, ok := c.URI(transport); ok {
			return uri
		}
	}
	return ""
}
