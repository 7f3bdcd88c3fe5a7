package storage

import (
	"context"
	"math"
	"strings"
	"time"
)

// Search returns the calls that q asks for, newest first. For the next page set
// q.Before to the last one's [Call.Cursor]; an empty page is the end.
func (h *History) Search(ctx context.Context, q Query) ([]Call, error) {
	match, any := matchExpression(q.Text)
	if any && match == "" {
		return nil, nil
	}
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultPage
	}
	query, args := q.statement(match)
	calls, err := h.many(ctx, query, append(args, min(limit, MaxPage))...)
	return calls, h.fail("search", err)
}

// statement returns the statement that q asks with, all but its limit. match is
// what its text is looked for with, "" for all.
func (q Query) statement(match string) (query string, args []any) {
	var where []string
	if match != "" {
		// The index gives its rows in the order that is wanted, so that the
		// search ends with the page; CROSS has it asked first. What narrows the
		// search is asked of it too.
		query = "SELECT " + columns + " FROM calls_text CROSS JOIN calls ON calls.place = calls_text.rowid"
		where = append(where, "calls_text MATCH ?")
		args = append(args, strings.Join(append([]string{"(" + match + ")"}, q.tags()...), " AND "))
	} else {
		query = "SELECT " + columns + " FROM calls"
	}
	place := map[bool]string{true: "calls_text.rowid", false: "calls.place"}[match != ""]
	after, before := q.bounds()
	where = append(where, place+" >= ?", place+" < ?")
	args = append(args, after, before)
	if q.Missed {
		where = append(where, "outcome = 'missed'")
	}
	if q.Recorded {
		where = append(where, "recording <> ''")
	}
	for _, f := range []struct{ column, value string }{
		{"direction", string(q.Direction)},
		{"outcome", string(q.Outcome)},
		{"calls.account", q.Account},
	} {
		if f.value != "" {
			where = append(where, f.column+" = ?")
			args = append(args, f.value)
		}
	}
	return query + " WHERE " + strings.Join(where, " AND ") + " ORDER BY " + place + " DESC LIMIT ?", args
}

// tags returns q's filters as expressions of the index.
func (q Query) tags() []string {
	var tags []string
	for _, f := range []struct {
		on   bool
		word string
	}{
		{q.Missed, string(Missed)},
		{q.Recorded, "recorded"},
		{q.Direction != "", string(q.Direction)},
		{q.Outcome != "", string(q.Outcome)},
	} {
		if f.on {
			tags = append(tags, `tags : "is`+strings.Join(strings.FieldsFunc(f.word, func(r rune) bool { return !isLetterOrNumber(r) }), "")+`"`)
		}
	}
	for _, w := range quotedWords(q.Account, "") {
		tags = append(tags, "account : "+w)
	}
	return tags
}

// bounds returns the first place that q asks for and the one after the last.
func (q Query) bounds() (from, before int64) {
	before = math.MaxInt64
	if !q.From.IsZero() {
		from = placeOf(q.From, 0)
	}
	if !q.To.IsZero() {
		before = placeOf(q.To, 0)
	}
	if q.Before != (Cursor{}) {
		before = min(before, placeOf(q.Before.Start, q.Before.ID))
	}
	return from, before
}

// placeOf returns the place of a call in the history, as the table computes it:
// its start, and for calls that began at the same time the end of its ID.
func placeOf(start time.Time, id int64) int64 {
	const bits = 20
	return millis(start)<<bits | id&(1<<bits-1)
}

// Forget removes the calls that began before that time, and returns how many.
// Those with a recording stay, because they are how it is found, and so do those
// under way.
func (h *History) Forget(ctx context.Context, before time.Time) (int, error) {
	r, err := h.writer.ExecContext(ctx,
		"DELETE FROM calls WHERE place < ? AND recording = '' AND outcome <> ''", placeOf(before, 0))
	if err != nil {
		return 0, h.fail("forget calls", err)
	}
	n, err := r.RowsAffected()
	return int(n), h.fail("forget calls", err)
}
