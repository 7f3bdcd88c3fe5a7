package interop

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"parley/storage"
	"parley/storage/lookup"
)

// What is typed, letter by letter: names, parts of them, numbers in several
// ways, what everybody has in common, and what nobody has.
var typed = []string{
	"anna meyer", "schmi", "eyer", "ustav", "+49 30 100", "030 1000", "1234", "example.org", "acme 17", "zzzz", "müller jürgen", "e",
}

// Names that fixtures are made of.
var (
	givenNames  = []string{"Anna", "Bernd", "Carla", "Dmitri", "Élodie", "Fatima", "Gustav", "Hannah", "Igor", "Jürgen", "Karin", "Lars", "Mehmet", "Nora", "Olga", "Paul", "Zoë"}
	familyNames = []string{"Meyer", "Schmidt", "Schmitt", "Müller", "Yılmaz", "Ångström", "Novák", "Smith", "Dubois", "Rossi", "Larsen", "Kowalski", "Öztürk"}
)

// benchSearch measures searching as a person types.
func benchSearch(t *testing.T, plan benchPlan, report *benchReport) {
	contacts, calls := 100_000, 1_000_000
	if plan == shortBench {
		contacts, calls = 10_000, 100_000
	}
	dir := filepath.Join(t.TempDir(), "profile")
	begun := time.Now()
	makeFixture(t, dir, contacts, calls)
	t.Logf("%d contacts and %d calls were made in %v", contacts, calls, time.Since(begun).Round(time.Second))
	p, err := storage.Open(dir, storage.Options{Secrets: storage.SecretsFile})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx := t.Context()

	s := report.section("Search", "–")
	begun = time.Now()
	if err := p.Contacts().Warm(ctx); err != nil {
		t.Fatal(err)
	}
	s.within(fmt.Sprintf("reading %d contacts, once after the start", contacts), 0, samples{time.Since(begun)}, nil, "beside everything else")
	perKey(s, fmt.Sprintf("contacts, each key, of %d", contacts), 16*time.Millisecond, eachKey(t, func(text string) error {
		_, err := p.Contacts().Search(ctx, text, 50)
		return err
	}))
	perKey(s, "whose number is it", 16*time.Millisecond, eachKey(t, func(text string) error {
		_, err := p.Contacts().Find(ctx, "sip:0301"+lookup.Digits(fmt.Sprintf("%06d", len(text)*997))+"@gw.example")
		return ignoreNone(err)
	}))
	search := func(q storage.Query) func(string) error {
		return func(text string) error {
			q.Text = text
			_, err := p.History().Search(ctx, q)
			return err
		}
	}
	perKey(s, fmt.Sprintf("history, each key, of %d", calls), 20*time.Millisecond, eachKey(t, search(storage.Query{})))
	perKey(s, "the same, missed calls only", 20*time.Millisecond, eachKey(t, search(storage.Query{Missed: true})))
	perKey(s, "the same, one account, outgoing", 20*time.Millisecond, eachKey(t, search(storage.Query{Account: "home@example.net", Direction: storage.Outgoing})))
	perKey(s, "a page of the history", 20*time.Millisecond, pages(t, p.History(), calls))
}

// perKey adds times whose 95 % value has an aim.
func perKey(s *benchSection, what string, aim time.Duration, times samples) {
	row := benchRow{What: what, Aim: "95 % ≤ " + aimText(aim), Ours: times.String(), Note: "at worst " + ms(times.quantile(1))}
	s.add(row, float64(times.quantile(0.95)), float64(aim))
}

// eachKey measures search after each letter that is typed.
func eachKey(t *testing.T, search func(text string) error) samples {
	t.Helper()
	var times samples
	for range 3 {
		for _, text := range typed {
			for i := range text {
				begun := time.Now()
				if err := search(text[:i+1]); err != nil {
					t.Fatal(err)
				}
				times = append(times, time.Since(begun))
			}
		}
	}
	return times
}

func ignoreNone(err error) error {
	if err == storage.ErrNoContact {
		return nil
	}
	return err
}

// pages measures pages everywhere in the history, under all filters.
func pages(t *testing.T, h *storage.History, calls int) samples {
	t.Helper()
	var times samples
	for part := range 20 {
		at := fixtureTime(calls * part / 20)
		for _, q := range []storage.Query{
			{}, {Missed: true}, {Recorded: true}, {Direction: storage.Outgoing}, {Account: "home@example.net"}, {Outcome: storage.Busy},
		} {
			if q.Before.Start = at; part == 0 {
				q.Before = storage.Cursor{}
			}
			begun := time.Now()
			if _, err := h.Search(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Since(begun))
		}
	}
	return times
}

func fixtureTime(n int) time.Time {
	return time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 7 * time.Minute)
}

// makeFixture makes a profile and fills its database past the program, which
// writes every call to the disk before it goes on.
func makeFixture(t *testing.T, dir string, contacts, calls int) {
	t.Helper()
	p, err := storage.Open(dir, storage.Options{Secrets: storage.SecretsFile})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "parley.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	do := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	do("PRAGMA synchronous = OFF")
	// The index is made at the end, which is many times faster.
	var trigger string
	if err := db.QueryRow("SELECT sql FROM sqlite_master WHERE name = 'calls_insert'").Scan(&trigger); err != nil {
		t.Fatal(err)
	}
	do("DROP TRIGGER calls_insert")
	for _, fill := range []func(context.Context, *sql.Tx) error{
		func(ctx context.Context, tx *sql.Tx) error { return fillContacts(ctx, tx, contacts) },
		func(ctx context.Context, tx *sql.Tx) error { return fillCalls(ctx, tx, calls) },
	} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := fill(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	do(trigger)
	do("INSERT INTO calls_text (calls_text) VALUES ('rebuild')")
}

// person returns the name of the nth person of a fixture.
func person(n int) (given, family string) {
	return givenNames[n*7%len(givenNames)], fmt.Sprintf("%s%d", familyNames[n*3%len(familyNames)], n%9973)
}

func fillContacts(ctx context.Context, tx *sql.Tx, n int) error {
	contact, err := tx.PrepareContext(ctx, `INSERT INTO contacts (id, uid, name, given, family, organization, sort, called, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 1)`)
	if err != nil {
		return err
	}
	address, err := tx.PrepareContext(ctx, "INSERT INTO contact_addresses (contact, position, address, key, tail) VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		given, family := person(i)
		name, called := given+" "+family, 0
		if i%100 == 0 {
			called = i
		}
		if _, err := contact.ExecContext(ctx, i, fmt.Sprint("urn:", i), name, given, family, fmt.Sprintf("Acme %d", i%500), lookup.Fold(name), called); err != nil {
			return err
		}
		for position, text := range []string{fmt.Sprintf("+49 30 1%06d", i), fmt.Sprintf("%s.%s@example.org", lookup.Fold(given), lookup.Fold(family))} {
			a := lookup.Parse(text)
			if _, err := address.ExecContext(ctx, i, position, text, a.Key, a.Tail()); err != nil {
				return err
			}
		}
	}
	return nil
}

func fillCalls(ctx context.Context, tx *sql.Tx, n int) error {
	call, err := tx.PrepareContext(ctx, `INSERT INTO calls
		(session, account, direction, peer_name, peer_uri, peer_number, start, answered, "end", updated, outcome, code, reason, codec, secure, recording, seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`)
	if err != nil {
		return err
	}
	outcomes := []storage.Outcome{storage.Answered, storage.Answered, storage.Answered, storage.Missed, storage.Answered, storage.Busy, storage.Cancelled}
	for i := range n {
		given, family := person(i * 13 % 50_000)
		number := fmt.Sprintf("49301%06d", i*13%50_000)
		account, direction, recording := "work@example.com", storage.Incoming, ""
		if i%5 == 0 {
			account = "home@example.net"
		}
		if i%3 == 0 {
			direction = storage.Outgoing
		}
		if i%50 == 0 {
			recording = fmt.Sprintf("/recordings/%d.wav", i)
		}
		start := fixtureTime(i).UnixMilli()
		_, err := call.ExecContext(ctx, fmt.Sprint(i), account, string(direction), given+" "+family, "sip:+"+number+"@example.org", number,
			start, start+5000, start+65000, start+65000, string(outcomes[i%len(outcomes)]), 200, "OK", "opus", "", recording)
		if err != nil {
			return err
		}
	}
	return nil
}
