package storage

// The second version has contacts, and a history that is searched in the order
// in which it is shown: the place of a call, made of its start and the end of
// its ID, is the row of its words in the index, so the newest calls are found
// first and the search ends with the page. Filters are words of the index too.
// The words of detail=column cannot be searched as phrases, which is not done;
// that and no more prefixes than people type keep the index small.
const schemaV2 = `
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
`
