package middleware

import (
	"context"
	"slices"
	"sync"
	"time"
)

// forgetEvery is how often old calls are looked for.
const forgetEvery = 24 * time.Hour

// forgetDaily forgets old calls now and every day, until ctx ends.
func (h *History) forgetDaily(ctx context.Context) {
	t := time.NewTicker(forgetEvery)
	defer t.Stop()
	for {
		h.forget(ctx, time.Now())
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// forget removes the calls that are older than the settings say. Those with a
// recording stay: their rows are how the recordings are found, and a recording
// is never deleted unasked.
func (h *History) forget(ctx context.Context, now time.Time) {
	days := h.settings.Get().Calls.HistoryDays
	if days == 0 {
		return
	}
	n, err := h.store.Forget(ctx, now.AddDate(0, 0, -days))
	switch {
	case err != nil && ctx.Err() == nil:
		h.log.Error("Old calls could not be forgotten", "err", err)
	case n > 0:
		h.log.Info("Old calls were forgotten", "calls", n, "days", days)
		h.changed()
	}
}

// written tells up to which revision of each session the history is on the disk.
type written struct {
	mu      sync.Mutex // guards what follows
	rev     map[SessionID]uint64
	ended   []SessionID   // in rev, oldest first
	changed chan struct{} // closed when rev changes; nil while nobody waits
	closed  bool
}

func (w *written) note(s SessionSnapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rev[s.ID] = max(w.rev[s.ID], s.Rev)
	if !s.Stopped.IsZero() && !slices.Contains(w.ended, s.ID) {
		const most = 100
		if w.ended = append(w.ended, s.ID); len(w.ended) > most {
			delete(w.rev, w.ended[0])
			w.ended = slices.Delete(w.ended, 0, 1)
		}
	}
	w.wakeLocked()
}

func (w *written) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.wakeLocked()
}

func (w *written) wakeLocked() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// reached returns nil if the history knows s, and else what to wait for.
func (w *written) reached(s SessionSnapshot) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.rev[s.ID] >= s.Rev {
		return nil
	}
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.changed
}

// Await waits until what s tells is in the history and on the disk, or ctx ends.
// A front end that must not tell what could still be lost calls it first. It
// returns at once for what was waited for before.
func (h *History) Await(ctx context.Context, s SessionSnapshot) error {
	for {
		changed := h.written.reached(s)
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
