package storage

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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

// A file of our version, or an older one, with other tables is no history of
// ours.
func TestForeignDatabaseIsKeptAside(t *testing.T) {
	for version := 1; version <= len(schema); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) { testForeignDatabase(t, version) })
	}
}

func testForeignDatabase(t *testing.T, version int) {
	path := filepath.Join(t.TempDir(), historyName)
	db, err := sql.Open("sqlite", dataSource(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(fmt.Sprintf("CREATE TABLE calls (id INTEGER); PRAGMA user_version = %d", version)); err != nil {
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

// runScript makes a database of an SQL script.
func runScript(t *testing.T, path, script string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dataSource(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(text)); err != nil {
		t.Fatal(err)
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
			path := filepath.Join(t.TempDir(), historyName)
			runScript(t, path, dump)
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
