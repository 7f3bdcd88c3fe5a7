package storage

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
)

// A database is the profile's SQLite database, which holds the call history and
// the contacts.
type database struct {
	path   string
	log    *slog.Logger
	writer *sql.DB // one connection, so writes wait for one another here
	reader *sql.DB // several, which read while the writer writes
	closed atomic.Bool
}

// fail wraps an error with the part of the database and what was tried, and
// leaves nil as it is.
func (d *database) fail(part, op string, err error) error {
	if err == nil {
		return nil
	}
	if d.closed.Load() {
		return ErrClosed
	}
	if isDamage(err) {
		d.suspect(err)
	}
	return fmt.Errorf("storage: %s: %s: %w", part, op, err)
}

// inTx runs f in a transaction, which is rolled back if f fails.
func (d *database) inTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// each runs statement for all ids in one transaction.
func (d *database) each(ctx context.Context, statement string, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return d.inTx(ctx, func(tx *sql.Tx) error {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		return nil
	})
}
