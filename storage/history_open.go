package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// interrupted is the reason of calls during which Parley was killed.
const interrupted = "interrupted"

// suspectSuffix ends the name of an empty file beside the database that makes
// the next start check all of it.
const suspectSuffix = ".suspect"

// openHistory opens the database at path, or makes it. A damaged one is moved
// aside and reported as a problem. Calls that were under way when the program
// was killed are given an end.
func openHistory(ctx context.Context, path string, log *slog.Logger) (*History, []Problem, error) {
	h, err := openDatabase(ctx, path, log)
	if err == nil {
		return h, nil, nil
	}
	if !isDamage(err) {
		return nil, nil, databaseError(path, err)
	}
	log.Error("Database is damaged", "path", path, "err", err)
	kept, moveErr := moveAside(path, time.Now().UTC().Format(stampFormat))
	if moveErr != nil {
		return nil, nil, databaseError(path, errors.Join(err, moveErr))
	}
	h, err = openDatabase(ctx, path, log)
	if err != nil {
		return nil, nil, databaseError(path, err)
	}
	return h, []Problem{{
		File: path, Kept: kept,
		Text: "the call history and the contacts were damaged; new ones were begun",
	}}, nil
}

func databaseError(path string, err error) error {
	var newer *VersionError
	if errors.As(err, &newer) {
		return err
	}
	return &ProfileError{
		Op: "open call history", Path: path, Err: err,
		Fix: "Check that the disk is not full and that you may write to the file and its folder",
	}
}

func openDatabase(ctx context.Context, path string, log *slog.Logger) (*History, error) {
	// SQLite would make the file readable for others; its companions take
	// after it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	unclean := notEmpty(path + "-wal")
	h := &History{&database{path: path, log: log}}
	// A change must survive a power cut, hence FULL.
	h.writer, err = sql.Open("sqlite", dataSource(path, "_txlock=immediate", "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return nil, err
	}
	h.writer.SetMaxOpenConns(1)
	h.reader, err = sql.Open("sqlite", dataSource(path, "", "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, h.writer.Close())
	}
	h.reader.SetMaxOpenConns(4)
	if err := h.prepare(ctx, unclean, exists(path+suspectSuffix)); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// prepare checks the database, brings it up to date and ends calls that were
// cut off. unclean says that the program did not end by itself, suspect that
// damage was met the last time.
func (h *History) prepare(ctx context.Context, unclean, suspect bool) error {
	if err := migrateSchema(ctx, h.writer, h.path, schema); err != nil {
		var se *sqlite.Error
		if errors.As(err, &se) && se.Code() == sqlite3.SQLITE_ERROR {
			return fmt.Errorf("%w: %w", errDamaged, err) // it claims our version but has other tables
		}
		return err
	}
	if suspect {
		// The search index can be made anew; if this fails, more is damaged. A
		// database without an index is looked at further down.
		if _, err := h.writer.ExecContext(ctx, "INSERT INTO calls_text (calls_text) VALUES ('rebuild')"); isDamage(err) {
			return err
		}
		if err := h.check(ctx, "quick_check(1)"); err != nil {
			return err
		}
	} else if unclean {
		for _, table := range []string{"calls", "contacts", "contact_addresses"} {
			if err := h.check(ctx, "quick_check("+table+")"); err != nil {
				return err
			}
		}
	}
	// Fails if the file claims our version but has other tables.
	for _, query := range []string{
		"SELECT " + columns + ", peer_number, updated FROM calls LIMIT 0",
		"SELECT peer_name, peer_uri, peer_number, account, via, note, tags FROM calls_text LIMIT 0",
		"SELECT " + contactColumns + " FROM contacts LIMIT 0",
		"SELECT contact, position, address, label, standard, key, tail FROM contact_addresses LIMIT 0",
		"SELECT contact_group, name, sort, data FROM contact_members, contact_groups, contact_photos LIMIT 0",
	} {
		if _, err := h.writer.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	r, err := h.writer.ExecContext(ctx, `UPDATE calls SET
		outcome = CASE WHEN answered > 0 THEN 'answered' WHEN direction = 'in' THEN 'missed' ELSE 'failed' END,
		"end" = max(updated, answered, start), reason = ? WHERE outcome = ''`, interrupted)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err == nil && n > 0 {
		h.log.Warn("Calls were cut off when Parley last ended", "calls", n)
	}
	if err := os.Remove(h.path + suspectSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// check runs a PRAGMA that checks the database.
func (h *History) check(ctx context.Context, pragma string) error {
	var verdict string
	if err := h.writer.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	return nil
}

// dataSource returns a data source name with these further pragmas.
func dataSource(path, option string, pragmas ...string) string {
	query := "?" + option
	for _, p := range append([]string{"busy_timeout(5000)", "foreign_keys(1)"}, pragmas...) {
		query += "&_pragma=" + url.QueryEscape(p)
	}
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path)}).String() + query
}

// close waits for what runs and closes the database.
func (h *History) close() error {
	h.closed.Store(true)
	return errors.Join(h.reader.Close(), h.writer.Close())
}

var errDamaged = errors.New("database is damaged")

// isDamage reports whether err says that the database file itself is bad.
func isDamage(err error) bool {
	if errors.Is(err, errDamaged) {
		return true
	}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return false
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		return true
	}
	return false
}

// suspect makes the next start check the whole database.
func (d *database) suspect(cause error) {
	d.log.Error("Database is damaged; the next start checks it", "err", cause)
	if err := os.WriteFile(d.path+suspectSuffix, nil, 0o600); err != nil {
		d.log.Error("Note about the damage could not be written", "err", err)
	}
}

// moveAside renames the database at path and its companions, and returns the
// new path.
func moveAside(path, stamp string) (string, error) {
	kept := path + ".broken-" + stamp
	for i := 2; exists(kept); i++ {
		kept = fmt.Sprintf("%s.broken-%s-%d", path, stamp, i)
	}
	if err := os.Rename(path, kept); err != nil {
		return "", err
	}
	for _, suffix := range []string{"-wal", "-shm", suspectSuffix} {
		if err := os.Rename(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return kept, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func notEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}
