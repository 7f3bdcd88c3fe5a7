-- A call history as version 1 wrote it. Never change this file.
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
PRAGMA user_version = 1;

INSERT INTO calls (id, session, account, direction, peer_name, peer_uri, peer_number, start, answered, "end",
	updated, outcome, code, reason, codec, secure, recording, seen) VALUES
(1, 's-1', 'alice@example.org', 'in', 'Anna Meyer', 'sip:+49301234567@example.org', '49301234567',
	1772366400123, 1772366405000, 1772366465000, 1772366465000, 'answered', 200, 'OK', 'opus', 'sdes', '/r/1.wav', 1),
(2, 's-2', 'alice@example.org', 'out', 'Bob', 'sip:bob@example.org', '',
	1772366500000, 0, 1772366510000, 1772366510000, 'busy', 486, 'Busy Here', '', '', '', 0);
