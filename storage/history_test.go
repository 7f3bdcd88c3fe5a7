package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newHistory(t testing.TB) *History {
	t.Helper()
	return openHistoryAt(t, filepath.Join(t.TempDir(), historyName))
}

func openHistoryAt(t testing.TB, path string) *History {
	t.Helper()
	h, problems, err := openHistory(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Fatalf("problems = %v, want none", problems)
	}
	t.Cleanup(func() { h.close() })
	return h
}

// moment returns a time n seconds after a fixed one.
func moment(n int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
}

func add(t testing.TB, h *History, c Call) Call {
	t.Helper()
	id, err := h.Add(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	c.ID = id
	return c
}

func TestCallRoundTrip(t *testing.T) {
	h := newHistory(t)
	want := add(t, h, Call{SessionID: "s1", Account: "a@b.c", Direction: Outgoing, PeerName: "Änne \"A\"", PeerURI: "sip:anne@example.org", Start: moment(0)})
	check := func() {
		t.Helper()
		got, err := h.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Get (-want +got):\n%s", diff)
		}
	}
	check()
	want.Answered, want.End, want.Outcome = moment(5), moment(65), Answered
	want.Code, want.Reason, want.Codec, want.Secure, want.Recording, want.Seen = 200, "OK", "opus", "sdes", "/r/x.wav", true
	if err := h.Update(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	check()
	if got := want.Duration(moment(999)); got != time.Minute {
		t.Errorf("Duration = %v, want %v", got, time.Minute)
	}
	if err := h.Delete(t.Context(), want.ID, want.ID, 999); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Get(t.Context(), want.ID); !errors.Is(err, ErrNoCall) {
		t.Errorf("Get of a deleted call = %v, want %v", err, ErrNoCall)
	}
	if err := h.Update(t.Context(), want); !errors.Is(err, ErrNoCall) {
		t.Errorf("Update of a deleted call = %v, want %v", err, ErrNoCall)
	}
}

func names(calls []Call) []string {
	var out []string
	for _, c := range calls {
		out = append(out, c.PeerName)
	}
	return out
}

func TestSearch(t *testing.T) {
	h := newHistory(t)
	for i, c := range []Call{
		{PeerName: "Anna Meyer", PeerURI: "sip:+49301234567@pbx.example.org", Outcome: Missed},
		{PeerName: "Zoë Ångström", PeerURI: "sip:zoe@example.org", Outcome: Answered, Recording: "/r/1.wav"},
		{PeerName: "Bob", PeerURI: "sip:bob@other.net;user=phone", Outcome: Missed, Recording: "/r/2.wav"},
		{PeerName: "Юлия", PeerURI: "tel:0221-98-76", Outcome: Busy, Account: "home@example.net"},
	} {
		c.Direction, c.Start = Incoming, moment(i)
		if c.Account == "" {
			c.Account = "work@example.com"
		}
		add(t, h, c)
	}
	tests := []struct {
		name string
		q    Query
		want []string // newest first
	}{
		{"all", Query{}, []string{"Юлия", "Bob", "Zoë Ångström", "Anna Meyer"}},
		{"blank", Query{Text: " \t "}, []string{"Юлия", "Bob", "Zoë Ångström", "Anna Meyer"}},
		{"one letter", Query{Text: "m"}, []string{"Anna Meyer"}},
		{"prefix in any case", Query{Text: "MEY"}, []string{"Anna Meyer"}},
		{"two words in any order", Query{Text: "meyer an"}, []string{"Anna Meyer"}},
		{"words all apply", Query{Text: "anna bob"}, nil},
		{"without accents", Query{Text: "zoe angs"}, []string{"Zoë Ångström"}},
		{"with accents", Query{Text: "Zoë"}, []string{"Zoë Ångström"}},
		{"with a combining accent", Query{Text: "zoe\u0308"}, []string{"Zoë Ångström"}},
		{"other script", Query{Text: "юл"}, []string{"Юлия"}},
		{"address", Query{Text: "bob@other.net"}, []string{"Bob"}},
		{"part of an address", Query{Text: "bob@oth"}, []string{"Bob"}},
		{"whole URI", Query{Text: "sip:bob@other.net"}, []string{"Bob"}},
		{"account", Query{Text: "home"}, []string{"Юлия"}},
		{"number as stored", Query{Text: "+49301234567"}, []string{"Anna Meyer"}},
		{"number in groups", Query{Text: "+49 (30) 123"}, []string{"Anna Meyer"}},
		{"number without groups", Query{Text: "02219876"}, []string{"Юлия"}},
		{"middle of a word", Query{Text: "eyer"}, nil},
		{"only signs", Query{Text: "\"*()^:+-"}, nil},
		{"operators are words", Query{Text: "anna OR bob"}, nil},
		{"missed", Query{Missed: true}, []string{"Bob", "Anna Meyer"}},
		{"recorded", Query{Recorded: true}, []string{"Bob", "Zoë Ångström"}},
		{"missed and recorded", Query{Missed: true, Recorded: true}, []string{"Bob"}},
		{"missed and text", Query{Missed: true, Text: "anna"}, []string{"Anna Meyer"}},
		{"of an account", Query{Account: "home@example.net"}, []string{"Юлия"}},
		{"limit", Query{Limit: 1}, []string{"Юлия"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.Search(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, names(got)); diff != "" {
				t.Errorf("Search(%+v) (-want +got):\n%s", tt.q, diff)
			}
		})
	}
}

// The index must follow changes, or a renamed or deleted peer would be found.
func TestSearchFollowsChanges(t *testing.T) {
	h := newHistory(t)
	c := add(t, h, Call{Direction: Incoming, PeerName: "Before", PeerURI: "sip:x@y.z"})
	c.PeerName = "After"
	if err := h.Update(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	count := func(text string) int {
		t.Helper()
		got, err := h.Search(t.Context(), Query{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	if got := count("before"); got != 0 {
		t.Errorf("calls found by the old name = %d, want 0", got)
	}
	if got := count("after"); got != 1 {
		t.Errorf("calls found by the new name = %d, want 1", got)
	}
	if err := h.Delete(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if got := count("after"); got != 0 {
		t.Errorf("calls found after deletion = %d, want 0", got)
	}
}

// Many calls share one start; paging must show each exactly once.
func TestPaging(t *testing.T) {
	h := newHistory(t)
	for i := range 25 {
		add(t, h, Call{Direction: Incoming, PeerName: fmt.Sprint(i), Start: moment(i / 10), Outcome: Missed})
	}
	var got []string
	q := Query{Limit: 4, Missed: true}
	for {
		page, err := h.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, names(page)...)
		q.Before = page[len(page)-1].Cursor()
	}
	var want []string
	for i := 24; i >= 0; i-- {
		want = append(want, fmt.Sprint(i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all pages (-want +got):\n%s", diff)
	}
}

func TestMissedLastDialedClear(t *testing.T) {
	h := newHistory(t)
	ctx := t.Context()
	unseen := func(want int) {
		t.Helper()
		if got, err := h.UnseenMissed(ctx); err != nil || got != want {
			t.Errorf("UnseenMissed = %d, %v, want %d", got, err, want)
		}
	}
	if _, err := h.LastDialed(ctx); !errors.Is(err, ErrNoCall) {
		t.Errorf("LastDialed of nothing = %v, want %v", err, ErrNoCall)
	}
	var missed []Call
	for i := range 3 {
		missed = append(missed, add(t, h, Call{Direction: Incoming, Start: moment(i), Outcome: Missed}))
	}
	add(t, h, Call{Direction: Outgoing, PeerName: "older", Start: moment(1), Outcome: Answered})
	add(t, h, Call{Direction: Outgoing, PeerName: "newer", Start: moment(2), Outcome: Busy})
	add(t, h, Call{Direction: Incoming, PeerName: "now", Start: moment(3)})
	unseen(3)
	if err := h.MarkSeen(ctx, missed[0].ID); err != nil {
		t.Fatal(err)
	}
	unseen(2)
	if err := h.MarkAllSeen(ctx); err != nil {
		t.Fatal(err)
	}
	unseen(0)
	if got, err := h.LastDialed(ctx); err != nil || got.PeerName != "newer" {
		t.Errorf("LastDialed = %q, %v, want newer", got.PeerName, err)
	}
	if err := h.Clear(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := h.Search(ctx, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"now"}, names(got)); diff != "" {
		t.Errorf("after Clear (-want +got):\n%s", diff)
	}
}

// A call that was under way when the program was killed gets an end.
func TestInterruptedCallsAreEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), historyName)
	h := openHistoryAt(t, path)
	rings := add(t, h, Call{Direction: Incoming, Start: moment(0)})
	dials := add(t, h, Call{Direction: Outgoing, Start: moment(0)})
	talks := add(t, h, Call{Direction: Outgoing, Start: moment(0), Answered: moment(3)})
	over := add(t, h, Call{Direction: Outgoing, Start: moment(0), End: moment(1), Outcome: Busy})
	h = openHistoryAt(t, path) // the first one is not closed, as after a kill
	for _, tt := range []struct {
		id     int64
		want   Outcome
		reason string
	}{{rings.ID, Missed, interrupted}, {dials.ID, Failed, interrupted}, {talks.ID, Answered, interrupted}, {over.ID, Busy, ""}} {
		got, err := h.Get(t.Context(), tt.id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != tt.want || got.Reason != tt.reason || got.End.IsZero() {
			t.Errorf("call %d = %q, %q, end %v, want %q, %q and an end", tt.id, got.Outcome, got.Reason, got.End, tt.want, tt.reason)
		}
	}
}

func TestDamagedDatabaseIsKeptAside(t *testing.T) {
	good := filepath.Join(t.TempDir(), historyName)
	h := openHistoryAt(t, good)
	for i := range 300 {
		add(t, h, Call{Direction: Incoming, PeerName: fmt.Sprint("peer ", i), Outcome: Missed})
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	middle := slices.Clone(sound)
	for i := 4096; i < len(middle)-4096; i++ {
		middle[i] ^= 0x5a
	}
	tests := []struct {
		name string
		data []byte
	}{
		{"no database", []byte("this is not a database at all, but some text")},
		{"cut in the middle of a page", sound[:len(sound)/2+100]},
		{"all pages but the first", middle},
		{"header", append(make([]byte, 100), sound[100:]...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), historyName)
			if err := os.WriteFile(path, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+suspectSuffix, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			h, problems, err := openHistory(t.Context(), path, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer h.close()
			if len(problems) != 1 {
				t.Fatalf("problems = %v, want one", problems)
			}
			kept, err := os.ReadFile(problems[0].Kept)
			if err != nil {
				t.Fatal(err)
			}
			if string(kept) != string(tt.data) {
				t.Errorf("the file kept aside differs from the damaged one")
			}
			add(t, h, Call{Direction: Incoming, PeerName: "new"})
			if got, err := h.Search(t.Context(), Query{Text: "new"}); err != nil || len(got) != 1 {
				t.Errorf("Search in the new database = %v, %v, want one call", got, err)
			}
		})
	}
}

// The program was killed before the first table was made.
func TestDatabaseWithoutTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), historyName)
	db, err := sql.Open("sqlite", dataSource(path, "", "journal_mode(WAL)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE x (y); DROP TABLE x"); err != nil {
		t.Fatal(err)
	}
	if !notEmpty(path + "-wal") {
		t.Fatal("the test database has no log")
	}
	openHistoryAt(t, path)
}

// A file of our version with other tables is no history of ours.
func TestForeignDatabaseIsKeptAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), historyName)
	db, err := sql.Open("sqlite", dataSource(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE calls (id INTEGER); PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	h, problems, err := openHistory(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	if len(problems) != 1 || !exists(problems[0].Kept) {
		t.Errorf("problems = %v, want one with the file kept", problems)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), historyName)
	h := openHistoryAt(t, path)
	if _, err := h.writer.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	h.close()
	_, _, err := openHistory(t.Context(), path, slog.New(slog.DiscardHandler))
	var ve *VersionError
	if !errors.As(err, &ve) || ve.Found != 99 || ve.Known != len(schema) {
		t.Errorf("openHistory = %v, want a VersionError for 99", err)
	}
}

// Every database that was ever released is kept as SQL and must open.
func TestOldDatabases(t *testing.T) {
	dumps, err := filepath.Glob("testdata/v*/parley.sql")
	if err != nil || len(dumps) == 0 {
		t.Fatalf("no old databases: %v", err)
	}
	for _, dump := range dumps {
		t.Run(filepath.Base(filepath.Dir(dump)), func(t *testing.T) {
			script, err := os.ReadFile(dump)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), historyName)
			db, err := sql.Open("sqlite", dataSource(path, ""))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(string(script)); err != nil {
				t.Fatal(err)
			}
			db.Close()
			h := openHistoryAt(t, path)
			got, err := h.Search(t.Context(), Query{Text: "anna"})
			if err != nil {
				t.Fatal(err)
			}
			want := []Call{{
				ID: 1, SessionID: "s-1", Account: "alice@example.org", Direction: Incoming, PeerName: "Anna Meyer",
				PeerURI: "sip:+49301234567@example.org", Start: time.UnixMilli(1772366400123).UTC(),
				Answered: time.UnixMilli(1772366405000).UTC(), End: time.UnixMilli(1772366465000).UTC(),
				Outcome: Answered, Code: 200, Reason: "OK", Codec: "opus", Secure: "sdes", Recording: "/r/1.wav", Seen: true,
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A later version adds a column; a step that fails must change nothing.
func TestMigrateSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), historyName)
	h := openHistoryAt(t, path)
	add(t, h, Call{Direction: Incoming, PeerName: "kept"})
	version := func() (n int) {
		t.Helper()
		if err := h.writer.QueryRow("PRAGMA user_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	bad := append(slices.Clone(schema), "ALTER TABLE calls ADD COLUMN color TEXT; SELECT nonsense")
	if err := migrateSchema(t.Context(), h.writer, path, bad); err == nil {
		t.Fatal("migrateSchema with a bad step = nil, want an error")
	}
	if got := version(); got != len(schema) {
		t.Errorf("version after a bad step = %d, want %d", got, len(schema))
	}
	good := append(slices.Clone(schema), "ALTER TABLE calls ADD COLUMN color TEXT NOT NULL DEFAULT 'red'")
	if err := migrateSchema(t.Context(), h.writer, path, good); err != nil {
		t.Fatal(err)
	}
	var color string
	if err := h.writer.QueryRow("SELECT color FROM calls WHERE peer_name = 'kept'").Scan(&color); err != nil || color != "red" {
		t.Errorf("color = %q, %v, want red", color, err)
	}
}

func TestClosedHistory(t *testing.T) {
	h := newHistory(t)
	h.close()
	if _, err := h.Add(t.Context(), Call{Direction: Incoming}); !errors.Is(err, ErrClosed) {
		t.Errorf("Add after close = %v, want %v", err, ErrClosed)
	}
	if _, err := h.Search(t.Context(), Query{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Search after close = %v, want %v", err, ErrClosed)
	}
}

func FuzzHistoryQuery(f *testing.F) {
	for _, s := range []string{
		"", " ", "anna", `"`, `""`, "a*", "a OR b", "NEAR(a b)", "peer_name:x", "^a", "a + b", "(", "-a", "{a b}:c",
		"\x00", "a\x00b", "\xff\xfe", "+49 30", "Å\u030a", "\u0300", "日本", "🎧", "½", "a\u200db", strings.Repeat("a ", 300),
		strings.Repeat("ü", 400), "ﬀ", "١٢٣", "'; DROP TABLE calls; --", "a\"b*", "\u2028", "1 2",
	} {
		f.Add(s)
	}
	h := newHistory(f)
	add(f, h, Call{Direction: Incoming, PeerName: "Anna", PeerURI: "sip:anna@example.org"})
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := h.Search(context.Background(), Query{Text: text}); err != nil {
			t.Errorf("Search(%q): %v", text, err)
		}
	})
}

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

// An index that does not fit the calls is made anew; the calls stay.
func TestDamagedIndexIsRebuilt(t *testing.T) {
	path := filepath.Join(t.TempDir(), historyName)
	h := openHistoryAt(t, path)
	add(t, h, Call{Direction: Incoming, PeerName: "Anna", Outcome: Missed})
	if _, err := h.writer.Exec("UPDATE calls_text_data SET block = x'00010203' WHERE id > 1; UPDATE calls_text_idx SET term = 'zzz'"); err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+suspectSuffix, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h = openHistoryAt(t, path)
	if got, err := h.Search(t.Context(), Query{Text: "ann"}); err != nil || len(got) != 1 {
		t.Errorf("Search after the index was damaged = %v, %v, want one call", got, err)
	}
	if exists(path + suspectSuffix) {
		t.Error("the note about the damage is still there")
	}
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
