package storage

import (
	"context"
	"errors"
	"time"
)

// History is the list of calls. Its methods may be called from any goroutine
// and wait for the disk; changes are on the disk when they return. Recordings
// are files of their own, which removing a call leaves alone.
type History struct{ *database }

const columns = `calls.id, calls.session, calls.account, calls.direction, calls.peer_name, calls.peer_uri,
	calls.start, calls.answered, calls."end", calls.outcome, calls.code, calls.reason, calls.codec,
	calls.secure, calls.recording, calls.seen, calls.via, calls.note`

const insertCall = `INSERT INTO calls
	(session, account, direction, peer_name, peer_uri, peer_number, start, answered, "end",
	 updated, outcome, code, reason, codec, secure, recording, seen, via, note)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// Add stores a call that begins and returns its ID; c's own is ignored. A call
// whose Start is zero begins now.
func (h *History) Add(ctx context.Context, c Call) (id int64, err error) {
	if c.Start.IsZero() {
		c.Start = time.Now()
	}
	r, err := h.writer.ExecContext(ctx, insertCall, values(c)...)
	if err != nil {
		return 0, h.fail("add call", err)
	}
	id, err = r.LastInsertId()
	return id, h.fail("add call", err)
}

// Update stores the call with c's ID as it is now. It returns [ErrNoCall] if
// that call was deleted meanwhile.
func (h *History) Update(ctx context.Context, c Call) error {
	r, err := h.writer.ExecContext(ctx, `UPDATE calls SET
		session = ?, account = ?, direction = ?, peer_name = ?, peer_uri = ?, peer_number = ?, start = ?,
		answered = ?, "end" = ?, updated = ?, outcome = ?, code = ?, reason = ?, codec = ?, secure = ?,
		recording = ?, seen = ?, via = ?, note = ? WHERE id = ?`, append(values(c), c.ID)...)
	if err != nil {
		return h.fail("update call", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrNoCall, err)
	}
	return nil
}

// values returns c's columns in the order of the statements above.
func values(c Call) []any {
	return []any{
		c.SessionID, c.Account, string(c.Direction), c.PeerName, c.PeerURI, peerNumber(c.PeerURI),
		millis(c.Start), millis(c.Answered), millis(c.End), millis(time.Now()),
		string(c.Outcome), c.Code, c.Reason, c.Codec, c.Secure, c.Recording, c.Seen,
		c.Via, c.Note,
	}
}

// Get returns the call with that ID, or [ErrNoCall].
func (h *History) Get(ctx context.Context, id int64) (Call, error) {
	return h.one(ctx, "SELECT "+columns+" FROM calls WHERE id = ?", id)
}

// LastDialed returns the latest outgoing call, or [ErrNoCall].
func (h *History) LastDialed(ctx context.Context) (Call, error) {
	return h.one(ctx, "SELECT "+columns+" FROM calls WHERE direction = 'out' ORDER BY place DESC LIMIT 1")
}

// UnseenMissed returns how many missed calls the person has not looked at.
func (h *History) UnseenMissed(ctx context.Context) (int, error) {
	var n int
	err := h.reader.QueryRowContext(ctx, "SELECT count(*) FROM calls WHERE outcome = 'missed' AND seen = 0").Scan(&n)
	return n, h.fail("count missed calls", err)
}

// MarkSeen notes that the person has looked at the calls with these IDs.
func (h *History) MarkSeen(ctx context.Context, ids ...int64) error {
	return h.fail("mark calls seen", h.each(ctx, "UPDATE calls SET seen = 1 WHERE id = ?", ids))
}

// MarkAllSeen notes that the person has looked at all missed calls.
func (h *History) MarkAllSeen(ctx context.Context) error {
	_, err := h.writer.ExecContext(ctx, "UPDATE calls SET seen = 1 WHERE outcome = 'missed' AND seen = 0")
	return h.fail("mark calls seen", err)
}

// Delete removes the calls with these IDs, all or none of them. Those that are
// not there are no error.
func (h *History) Delete(ctx context.Context, ids ...int64) error {
	return h.fail("delete calls", h.each(ctx, "DELETE FROM calls WHERE id = ?", ids))
}

// Clear removes all calls but those under way.
func (h *History) Clear(ctx context.Context) error {
	_, err := h.writer.ExecContext(ctx, "DELETE FROM calls WHERE outcome <> ''")
	return h.fail("clear", err)
}

func (h *History) one(ctx context.Context, query string, args ...any) (Call, error) {
	calls, err := h.many(ctx, query, args...)
	switch {
	case err != nil:
		return Call{}, h.fail("read call", err)
	case len(calls) == 0:
		return Call{}, ErrNoCall
	}
	return calls[0], nil
}

func (h *History) many(ctx context.Context, query string, args ...any) ([]Call, error) {
	rows, err := h.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var calls []Call
	for rows.Next() {
		var c Call
		var start, answered, end int64
		err := rows.Scan(&c.ID, &c.SessionID, &c.Account, &c.Direction, &c.PeerName, &c.PeerURI, &start, &answered, &end,
			&c.Outcome, &c.Code, &c.Reason, &c.Codec, &c.Secure, &c.Recording, &c.Seen,
			&c.Via, &c.Note)
		if err != nil {
			return nil, err
		}
		c.Start, c.Answered, c.End = fromMillis(start), fromMillis(answered), fromMillis(end)
		calls = append(calls, c)
	}
	return calls, rows.Err()
}

// fail wraps an error with what was tried, and leaves nil as it is.
func (h *History) fail(op string, err error) error { return h.database.fail("history", op, err) }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
