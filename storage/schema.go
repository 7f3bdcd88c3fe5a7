package storage

import (
	"context"
	"database/sql"
	"fmt"
)

// schema[i] leads from version i of the database to version i+1. What is here
// never changes; what is new is added at the end.
var schema = []string{schemaV1, schemaV2}

// Times are Unix milliseconds, 0 for none. peer_number holds the digits of a
// telephone number, so that it is found however it was written.
const schemaV1 = `
CREATE TABLE calls (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	session     TEXT    NOT NULL DEFAULT '',
	account     TEXT    NOT NULL DEFAULT '',
	direction   TEXT    NOT NULL CHECK (direction IN ('in', 'out')),
	peer_name   TEXT    NOT NULL DEFAULT '',
	peer_uri    TEXT    NOT NULL DEFAULT '',
	peer_number TEXT    NOT NULL DEFAULT '',
	start       INTEGER NOT NULL,
	answered    INTEGER NOT NULL DEFAULT 0,
	"end"       INTEGER NOT NULL DEFAULT 0,
	updated     INTEGER NOT NULL DEFAULT 0,
	outcome     TEXT    NOT NULL DEFAULT '',
	code        INTEGER NOT NULL DEFAULT 0,
	reason      TEXT    NOT NULL DEFAULT '',
	codec       TEXT    NOT NULL DEFAULT '',
	secure      TEXT    NOT NULL DEFAULT '',
	recording   TEXT    NOT NULL DEFAULT '',
	seen        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX calls_start    ON calls (start, id);
CREATE INDEX calls_missed   ON calls (start, id) WHERE outcome = 'missed';
CREATE INDEX calls_unseen   ON calls (id)        WHERE outcome = 'missed' AND seen = 0;
CREATE INDEX calls_recorded ON calls (start, id) WHERE recording <> '';
CREATE INDEX calls_open     ON calls (id)        WHERE outcome = '';
CREATE INDEX calls_account  ON calls (account, start, id);

CREATE VIRTUAL TABLE calls_text USING fts5 (
	peer_name, peer_uri, peer_number, account,
	content = 'calls', content_rowid = 'id',
	tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
CREATE TRIGGER calls_insert AFTER INSERT ON calls BEGIN
	INSERT INTO calls_text (rowid, peer_name, peer_uri, peer_number, account)
	VALUES (new.id, new.peer_name, new.peer_uri, new.peer_number, new.account);
END;
CREATE TRIGGER calls_delete AFTER DELETE ON calls BEGIN
	INSERT INTO calls_text (calls_text, rowid, peer_name, peer_uri, peer_number, account)
	VALUES ('delete', old.id, old.peer_name, old.peer_uri, old.peer_number, old.account);
END;
CREATE TRIGGER calls_update AFTER UPDATE OF peer_name, peer_uri, peer_number, account ON calls BEGIN
	INSERT INTO calls_text (calls_text, rowid, peer_name, peer_uri, peer_number, account)
	VALUES ('delete', old.id, old.peer_name, old.peer_uri, old.peer_number, old.account);
	INSERT INTO calls_text (rowid, peer_name, peer_uri, peer_number, account)
	VALUES (new.id, new.peer_name, new.peer_uri, new.peer_number, new.account);
END;
`

// migrateSchema brings the database at path to the version that steps lead to,
// each step in a transaction. It returns a *VersionError if the database is
// newer than that.
func migrateSchema(ctx context.Context, db *sql.DB, path string, steps []string) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(steps) {
		return &VersionError{Path: path, Found: version, Known: len(steps)}
	}
	for ; version < len(steps); version++ {
		if err := migrateStep(ctx, db, steps[version], version+1); err != nil {
			return fmt.Errorf("migrate to version %d: %w", version+1, err)
		}
	}
	return nil
}

func migrateStep(ctx context.Context, db *sql.DB, step string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, step); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}
