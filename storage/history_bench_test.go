package storage

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func BenchmarkHistory(b *testing.B) {
	h := newHistory(b)
	tx, err := h.writer.Begin()
	if err != nil {
		b.Fatal(err)
	}
	const rows = 100_000
	for i := range rows {
		c := Call{
			Account: "a@b.c", Direction: Incoming, PeerName: fmt.Sprintf("First%d Last%d", i%977, i%1009),
			PeerURI: fmt.Sprintf("sip:%d@example.org", 4930000000+i), Start: moment(i), Outcome: Answered,
		}
		err := insert(b.Context(), tx, c)
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	search := func(q Query) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				if _, err := h.Search(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("first page", search(Query{}))
	b.Run("middle page", search(Query{Before: Cursor{Start: moment(rows / 2), ID: rows / 2}}))
	b.Run("rare word", search(Query{Text: "first97 last1"}))
	b.Run("common letter", search(Query{Text: "f"}))
	b.Run("number", search(Query{Text: "+49 300 0012"}))
	b.Run("missed of none", search(Query{Missed: true}))
	b.Run("missed of none by letter", search(Query{Missed: true, Text: "f"}))
	b.Run("account by letter", search(Query{Account: "a@b.c", Text: "l"}))
	b.Run("two letters", search(Query{Text: "f l"}))
	b.Run("long common word", search(Query{Text: "example.org"}))
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			add(b, h, Call{Direction: Incoming, PeerName: "Somebody", PeerURI: "sip:a@b.c"})
		}
	})
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			if err := h.prepare(b.Context(), true, false); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Searches with many and with few matches go different ways to one result.
func TestBroadSearch(t *testing.T) {
	h := newHistory(t)
	tx, err := h.writer.Begin()
	if err != nil {
		t.Fatal(err)
	}
	const rows = 6000
	for i := range rows {
		c := Call{Direction: Incoming, PeerName: fmt.Sprint("Anna", i), Start: moment(i % 100), Outcome: Missed}
		if err := insert(t.Context(), tx, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	got, err := h.Search(t.Context(), Query{Text: "a", Limit: 61})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := rows - 1; i >= 0 && len(want) < 60; i -= 100 {
		want = append(want, fmt.Sprint("Anna", i))
	}
	want = append(want, "Anna5998")
	if diff := cmp.Diff(want, names(got)); diff != "" {
		t.Errorf("newest of many matches (-want +got):\n%s", diff)
	}
	if got, err = h.Search(t.Context(), Query{Text: "anna42", Limit: MaxPage}); err != nil || len(got) != 111 {
		t.Errorf("Search(anna42) = %d calls, %v, want 111", len(got), err)
	}
}

func insert(ctx context.Context, tx *sql.Tx, c Call) error {
	_, err := tx.ExecContext(ctx, insertCall, values(c)...)
	return err
}
