package middleware

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"parley/middleware/bus"
	"parley/storage"
)

// A HistoryEntry is one call of the past, or one that is going on.
type HistoryEntry = storage.Call

// ErrNoCall is returned for a call that is not in the history.
var ErrNoCall = storage.ErrNoCall

// An Outcome says how a call ended.
type Outcome = storage.Outcome

// A HistoryQuery asks for a page of the history.
type HistoryQuery = storage.Query

// A HistoryDirection is that of a [HistoryEntry].
type HistoryDirection = storage.Direction

// The outcomes of a call.
const (
	OutcomeAnswered  = storage.Answered
	OutcomeMissed    = storage.Missed
	OutcomeDeclined  = storage.Declined
	OutcomeBusy      = storage.Busy
	OutcomeFailed    = storage.Failed
	OutcomeCanceled  = storage.Cancelled
	OutcomeElsewhere = storage.Elsewhere
	OutcomeForwarded = storage.Forwarded
	OutcomeBlocked   = storage.Blocked
)

// The directions of a [HistoryEntry].
const (
	HistoryIncoming = storage.Incoming
	HistoryOutgoing = storage.Outgoing
)

// historyTime bounds one write to the history.
const historyTime = 10 * time.Second

// History keeps every call. It follows the bus on a goroutine of its own, so
// that a slow disk never holds up a call. Reading methods block for the
// database.
type History struct {
	log      *slog.Logger
	bus      *bus.Bus
	store    *storage.History
	contacts *storage.Contacts
	settings *storage.SettingsStore
	client   *bus.Client
	running  sync.WaitGroup
	stop     context.CancelFunc // ends the forgetting; nil before start
	unseen   atomic.Int64

	written written

	rows map[SessionID]*storage.Call // owned by the goroutine
}

func newHistory(log *slog.Logger, b *bus.Bus, p *storage.Profile) *History {
	h := &History{
		log: log, bus: b, store: p.History(), contacts: p.Contacts(), settings: p.Settings(),
		client: bus.NewClient("history"),
		rows:   map[SessionID]*storage.Call{},
	}
	h.written.rev = map[SessionID]uint64{}
	bus.OnAny(h.client, h.got)
	return h
}

// start follows the bus until SIPApplicationDidEnd.
func (h *History) start() {
	h.countUnseen()
	h.bus.Attach(h.client)
	h.running.Go(func() { h.client.Run(context.Background()) })
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	h.running.Go(func() { h.forgetDaily(ctx) })
}

// wait returns when everything up to SIPApplicationDidEnd is written, at once if
// start was never called.
func (h *History) wait() {
	if h.stop != nil {
		h.stop()
	}
	h.running.Wait()
	h.written.close()
}

// got writes what is new of a session. Its row is there from the first
// notification on, so that no call is lost whatever happens to the program.
func (h *History) got(n bus.Notification) {
	if _, last := n.(SIPApplicationDidEnd); last {
		h.bus.Detach(h.client)
		return
	}
	s, ok := SessionOf(n)
	if !ok {
		return
	}
	switch n.(type) {
	case SIPSessionNewIncoming, SIPSessionNewOutgoing:
		h.begin(s)
	default:
		h.write(s)
	}
	if _, last := n.(SIPSessionDidEnd); last {
		delete(h.rows, s.ID)
	}
	h.written.note(s)
}

func (h *History) begin(s SessionSnapshot) {
	row := rowOf(s)
	ctx, cancel := context.WithTimeout(context.Background(), historyTime)
	defer cancel()
	id, err := h.store.Add(ctx, row)
	if err != nil {
		h.log.Error("Call not written to the history", "err", err)
		return
	}
	row.ID = id
	h.rows[s.ID] = &row
	if s.Peer.Contact != 0 {
		if err := h.contacts.Spoken(ctx, s.Peer.Contact, s.Created); err != nil {
			h.log.Info("Call not noted with its contact", "err", err)
		}
	}
	h.changed()
}

// write updates a session's row, if anything of it is new.
func (h *History) write(s SessionSnapshot) {
	row := h.rows[s.ID]
	if row == nil {
		return
	}
	now := rowOf(s)
	now.ID = row.ID
	now.Recording, now.Note = cmp.Or(now.Recording, row.Recording), cmp.Or(now.Note, row.Note)
	if now == *row {
		return
	}
	*row = now
	ctx, cancel := context.WithTimeout(context.Background(), historyTime)
	defer cancel()
	if err := h.store.Update(ctx, now); err != nil {
		h.log.Error("Call not updated in the history", "err", err)
	}
	h.changed()
}

func (h *History) changed() {
	h.countUnseen()
	h.bus.Publish(HistoryDidChange{Unseen: h.Unseen()})
}

func (h *History) countUnseen() {
	ctx, cancel := context.WithTimeout(context.Background(), historyTime)
	defer cancel()
	if n, err := h.store.UnseenMissed(ctx); err == nil {
		h.unseen.Store(int64(n))
	}
}

// rowOf makes the history's row of a session.
func rowOf(s SessionSnapshot) storage.Call {
	row := storage.Call{
		SessionID: strconv.FormatInt(int64(s.ID), 10), Account: s.Account,
		Direction: storage.Outgoing,
		PeerName:  s.Peer.Name, PeerURI: s.Peer.URI,
		Start: s.Created, Answered: s.Started, End: s.Stopped,
		Code: s.End.Code, Reason: s.End.Reason, Codec: s.Audio.Codec,
		Outcome: outcomeOf(s), Seen: true, Recording: s.Audio.RecordingFile,
		Via: s.Peer.Via, Note: cmp.Or(transferNote(s), forwardNote(s)),
	}
	if s.Direction == Incoming {
		row.Direction = storage.Incoming
	}
	if s.Audio.Encryption != NotEncrypted {
		row.Secure = s.Audio.Encryption.String()
	}
	if row.Outcome == storage.Missed {
		row.Seen = false
	}
	return row
}

// outcomeOf says in one word how a session ended; empty while it goes on.
func outcomeOf(s SessionSnapshot) storage.Outcome {
	switch {
	case s.Stopped.IsZero():
		return ""
	case !s.Started.IsZero():
		return storage.Answered
	case s.End.Kind == Elsewhere:
		return storage.Elsewhere
	case s.End.Kind == Forwarded:
		return storage.Forwarded
	case s.End.Kind == Blocked:
		return storage.Blocked
	case s.Direction == Incoming && s.End.By == Local && (s.End.Kind == Declined || s.End.Kind == Busy):
		return storage.Declined
	case s.Direction == Incoming && (s.End.By == Remote || s.End.Kind == Canceled || s.End.Kind == NoAnswer ||
		s.End.Kind == NoCommonCodec || s.End.Kind == NeedsEncryption):
		return storage.Missed
	case s.End.Kind == Declined:
		return storage.Declined
	case s.End.Kind == Busy:
		return storage.Busy
	case s.Direction == Outgoing && (s.End.Kind == Canceled || s.End.By == Local && s.End.Kind == NoFailure):
		return storage.Cancelled
	}
	return storage.Failed
}

// forwardNote says in the history where a caller was sent.
func forwardNote(s SessionSnapshot) string {
	if s.End.Kind == Forwarded && s.End.Detail != "" {
		return "→ " + s.End.Detail
	}
	return ""
}

// Search returns a page of calls, newest first. It takes a few milliseconds,
// however many calls there are.
func (h *History) Search(ctx context.Context, q HistoryQuery) ([]HistoryEntry, error) {
	return h.store.Search(ctx, q)
}

// Get returns the entry with that ID, or [ErrNoCall].
func (h *History) Get(ctx context.Context, id int64) (HistoryEntry, error) {
	return h.store.Get(ctx, id)
}

// Export writes the entries that q asks for, on all pages, into a CSV file at an
// absolute path, and returns how many. If there is such a file it is replaced
// with overwrite, and else the error is fs.ErrExist. It takes some seconds for a
// million entries; ctx ends it, and then no file is left.
func (h *History) Export(ctx context.Context, path string, q HistoryQuery, overwrite bool) (int, error) {
	return h.store.Export(ctx, path, q, overwrite)
}

// LastDialed returns what was called last, or an empty string.
func (h *History) LastDialed(ctx context.Context) string {
	c, err := h.store.LastDialed(ctx)
	if err != nil {
		return ""
	}
	return c.PeerURI
}

// Unseen returns how many missed calls were not looked at. It does not block.
func (h *History) Unseen() int { return int(h.unseen.Load()) }

// MarkSeen notes that the person has looked at those missed calls, or at all of
// them if no ids are given.
func (h *History) MarkSeen(ctx context.Context, ids ...int64) error {
	mark := h.store.MarkAllSeen
	if len(ids) > 0 {
		mark = func(ctx context.Context) error { return h.store.MarkSeen(ctx, ids...) }
	}
	err := mark(ctx)
	h.changed()
	return err
}

// Delete removes entries.
func (h *History) Delete(ctx context.Context, ids ...int64) error {
	err := h.store.Delete(ctx, ids...)
	h.changed()
	return err
}

// Clear removes all entries. Recordings stay where they are.
func (h *History) Clear(ctx context.Context) error {
	err := h.store.Clear(ctx)
	h.changed()
	return err
}
