package middleware

import (
	"context"
	"time"

	"parley/middleware/registration"
	"parley/sip"
)

// keepAliveEvery is how often a registered account shows the routers on the way
// that its flow is in use; they forget idle UDP flows after 30 s and more (RFC
// 5626 section 4.4.2 has 24 to 29 s).
const keepAliveEvery = 26 * time.Second

// keepAlive keeps the flow of the newest registration open until the next one.
// A connection that is found to be gone is replaced by registering anew, since
// calls would no longer arrive.
func (a *Account) keepAlive(r sip.Route) {
	a.stopKeepAlive()
	ctx, cancel := context.WithCancel(context.Background())
	a.flow = cancel
	ep := a.ep.Load()
	a.running.Go(func() {
		tick := time.NewTicker(keepAliveEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := ep.KeepAlive(r); err != nil && ctx.Err() == nil {
				a.log.Info("Connection to the server is gone", "route", r, "err", err)
				a.queue.Put(a.flowLost)
				return
			}
		}
	})
}

func (a *Account) stopKeepAlive() {
	if a.flow != nil {
		a.flow()
		a.flow = nil
	}
}

// flowLost registers anew, since calls no longer arrive.
func (a *Account) flowLost() {
	if a.now.Active && a.now.Registration == registration.Registered {
		a.register()
	}
}

// socketLost registers anew until that works. It does so without the growing
// waits that spare a server: none hears of it while the socket is gone.
func (a *Account) socketLost() {
	a.cutOff = true
	a.flowLost()
}
