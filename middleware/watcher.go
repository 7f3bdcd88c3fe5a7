package middleware

import (
	"cmp"
	"context"
	"log/slog"
	"sync"

	"parley/media"
	"parley/middleware/bus"
)

// The watcher is the bus client that makes the sounds follow the calls and
// writes the log: no other code logs changes of state.
type watcher struct {
	app     *SIPApplication
	log     *slog.Logger
	client  *bus.Client
	running sync.WaitGroup
	last    tones
}

func newWatcher(app *SIPApplication) *watcher {
	w := &watcher{app: app, log: app.log, client: bus.NewClient("watcher")}
	bus.OnAny(w.client, w.got)
	return w
}

// start follows the bus until SIPApplicationDidEnd.
func (w *watcher) start() {
	w.app.bus.Attach(w.client)
	w.running.Go(func() { w.client.Run(context.Background()) })
}

// wait returns when everything up to SIPApplicationDidEnd is logged, at once if
// start was never called.
func (w *watcher) wait() { w.running.Wait() }

func (w *watcher) got(n bus.Notification) {
	name := bus.Name(n)
	if s, ok := SessionOf(n); ok {
		w.log.Info("Notification", "name", name, "session", s.ID, "place", s.Place, "code", s.End.Code)
		w.sound()
		return
	}
	if a, ok := AccountOf(n); ok {
		w.log.Info("Notification", "name", name, "account", a.ID, "registration", a.Registration, "failure", a.Failure.Kind, "detail", a.Failure.Detail)
		return
	}
	switch n.(type) {
	case SystemIPAddressDidChange, SystemWillSleep, SystemDidWakeUpFromSleep:
		w.log.Info("Notification", "name", name, "network", w.app.Network())
	default:
		w.log.Debug("Notification", "name", name)
	}
	if _, last := n.(SIPApplicationDidEnd); last {
		w.app.bus.Detach(w.client)
	}
}

// sound gives the engine the tones that fit the calls there are now.
func (w *watcher) sound() {
	t := tonesFor(w.app.sessions.Snapshots())
	if t == w.last {
		return
	}
	w.last = t
	w.app.engine.SetTones(media.Tones{
		Ring: t.ring, RingFile: cmp.Or(t.ringFile, w.app.settings.Get().Calls.Ringtone),
		RingBack: t.ringBack, RingBackFile: t.backFile, CallWaiting: t.callWaiting, HoldBeep: t.holdBeep,
	})
}
