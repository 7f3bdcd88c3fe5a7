package middleware

import (
	"context"
	"log/slog"
	"sync/atomic"

	"parley/bonjour"
	"parley/internal/mailbox"
	"parley/sip"
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

	snap atomic.Pointer[BonjourSnapshot]

	// The rest belongs to the goroutine.
	now    BonjourSnapshot
	status bonjour.Status
	over   bool // the program ends
}

func newLAN(b *BonjourAccount, log *slog.Logger, id string) *lan {
	l := &lan{
		b: b, log: log, network: b.app.config.Bonjour, id: id,
		queue: mailbox.New[func()](), done: make(chan struct{}),
		now: BonjourSnapshot{State: BonjourOff, DisplayName: b.displayName()},
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
		l.apply()
	})
}

// apply makes everything as the settings, the person's status and the addresses
// say.
func (l *lan) apply() {
	l.tell()
}

// tell shows what changed of the account.
func (l *lan) tell() {
	old := l.now
	l.now.State, l.now.Err = l.state(), ""
	if l.now.State == BonjourBlocked {
		l.now.Err = sip.CleanText(l.status.Err.Error(), 200)
	}
	l.now.DisplayName = l.b.displayName()
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
	if l.over || !l.b.Active() {
		return BonjourOff
	}
	return BonjourNoNetwork
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
