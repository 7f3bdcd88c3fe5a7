-- A database as version 2 made it out of version 1. Never change this file.
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
DROP TRIGGER calls_insert;
DROP TRIGGER calls_delete;
DROP TRIGGER calls_update;
DROP TABLE calls_text;
DROP INDEX calls_start;
DROP INDEX calls_missed;
DROP INDEX calls_recorded;
DROP INDEX calls_account;

ALTER TABLE calls ADD COLUMN via   TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN note  TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN place INTEGER AS ((start << 20) | (id & 1048575)) VIRTUAL;
ALTER TABLE calls ADD COLUMN tags  TEXT AS ('is' || direction || ' is' || outcome
	|| CASE WHEN recording <> '' THEN ' isrecorded' ELSE '' END) VIRTUAL;

CREATE UNIQUE INDEX calls_place ON calls (place);
CREATE INDEX calls_missed    ON calls (place) WHERE outcome = 'missed';
CREATE INDEX calls_recorded  ON calls (place) WHERE recording <> '';
CREATE INDEX calls_direction ON calls (direction, place);
CREATE INDEX calls_account   ON calls (account, place);

CREATE VIRTUAL TABLE calls_text USING fts5 (
	peer_name, peer_uri, peer_number, account, via, note, tags,
	content = 'calls', content_rowid = 'place', detail = column,
	tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3 4 5 6 7 8'
);
CREATE TRIGGER calls_insert AFTER INSERT ON calls BEGIN
	INSERT INTO calls_text (rowid, peer_name, peer_uri, peer_number, account, via, note, tags)
	VALUES (new.place, new.peer_name, new.peer_uri, new.peer_number, new.account, new.via, new.note, new.tags);
END;
CREATE TRIGGER calls_delete AFTER DELETE ON calls BEGIN
	INSERT INTO calls_text (calls_text, rowid, peer_name, peer_uri, peer_number, account, via, note, tags)
	VALUES ('delete', old.place, old.peer_name, old.peer_uri, old.peer_number, old.account, old.via, old.note, old.tags);
END;
CREATE TRIGGER calls_update
AFTER UPDATE OF start, peer_name, peer_uri, peer_number, account, via, note, direction, outcome, recording ON calls
WHEN (old.place, old.peer_name, old.peer_uri, old.peer_number, old.account, old.via, old.note, old.tags)
	IS NOT (new.place, new.peer_name, new.peer_uri, new.peer_number, new.account, new.via, new.note, new.tags)
BEGIN
	INSERT INTO calls_text (calls_text, rowid, peer_name, peer_uri, peer_number, account, via, note, tags)
	VALUES ('delete', old.place, old.peer_name, old.peer_uri, old.peer_number, old.account, old.via, old.note, old.tags);
	INSERT INTO calls_text (rowid, peer_name, peer_uri, peer_number, account, via, note, tags)
	VALUES (new.place, new.peer_name, new.peer_uri, new.peer_number, new.account, new.via, new.note, new.tags);
END;
INSERT INTO calls_text (calls_text) VALUES ('rebuild');

CREATE TABLE contacts (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	uid          TEXT    NOT NULL UNIQUE,
	name         TEXT    NOT NULL,
	given        TEXT    NOT NULL DEFAULT '',
	family       TEXT    NOT NULL DEFAULT '',
	organization TEXT    NOT NULL DEFAULT '',
	note         TEXT    NOT NULL DEFAULT '',
	ringtone     TEXT    NOT NULL DEFAULT '',
	auto_answer  INTEGER NOT NULL DEFAULT 0,
	favorite     INTEGER NOT NULL DEFAULT 0,
	photo        TEXT    NOT NULL DEFAULT '',
	sort         TEXT    NOT NULL,
	called       INTEGER NOT NULL DEFAULT 0,
	created      INTEGER NOT NULL,
	updated      INTEGER NOT NULL
);
CREATE INDEX contacts_sort     ON contacts (sort, id);
CREATE INDEX contacts_favorite ON contacts (favorite) WHERE favorite > 0;

CREATE TABLE contact_addresses (
	contact  INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
	position INTEGER NOT NULL,
	address  TEXT    NOT NULL,
	label    TEXT    NOT NULL DEFAULT '',
	standard INTEGER NOT NULL DEFAULT 0,
	key      TEXT    NOT NULL,
	tail     TEXT    NOT NULL DEFAULT '',
	PRIMARY KEY (contact, position)
) WITHOUT ROWID;
CREATE INDEX contact_addresses_key  ON contact_addresses (key);
CREATE INDEX contact_addresses_tail ON contact_addresses (tail) WHERE tail <> '';

CREATE TABLE contact_photos (
	contact INTEGER PRIMARY KEY REFERENCES contacts (id) ON DELETE CASCADE,
	data    BLOB NOT NULL
);

CREATE TABLE contact_groups (
	id   INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL,
	sort TEXT NOT NULL UNIQUE
);
CREATE TABLE contact_members (
	contact_group INTEGER NOT NULL REFERENCES contact_groups (id) ON DELETE CASCADE,
	contact       INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
	PRIMARY KEY (contact_group, contact)
) WITHOUT ROWID;
CREATE INDEX contact_members_contact ON contact_members (contact);
PRAGMA user_version = 2;

INSERT INTO calls (id, session, account, direction, peer_name, peer_uri, peer_number, start, answered, "end",
	updated, outcome, code, reason, codec, secure, recording, seen, via, note) VALUES
(1, 's-1', 'alice@example.org', 'in', 'Anna Meyer', 'sip:+49301234567@example.org', '49301234567',
	1772366400123, 1772366405000, 1772366465000, 1772366465000, 'answered', 200, 'OK', 'opus', 'sdes', '/r/1.wav', 1, '', ''),
(2, 's-2', 'alice@example.org', 'in', 'Bob', 'sip:bob@example.org', '',
	1772366500000, 0, 1772366510000, 1772366510000, 'forwarded', 302, '', '', '', '', 1, 'Reception', 'to carol@example.org');

INSERT INTO contacts (id, uid, name, given, family, organization, note, ringtone, auto_answer, favorite, photo, sort,
	called, created, updated) VALUES
(1, 'urn:uuid:1', 'Anna Meyer', 'Anna', 'Meyer', 'Acme', 'Two' || char(10) || 'lines', '/r/bell.wav', 1, 1, '', 'anna meyer',
	1772366400123, 1772366400000, 1772366400000);
INSERT INTO contact_addresses (contact, position, address, label, standard, key, tail) VALUES
(1, 0, 'anna@example.org', 'work', 0, 'anna@example.org', ''),
(1, 1, '+49 30 1234567', 'cell', 1, '+49301234567', '1234567');
INSERT INTO contact_groups (id, name, sort) VALUES (1, 'Family', 'family');
INSERT INTO contact_members (contact_group, contact) VALUES (1, 1);
