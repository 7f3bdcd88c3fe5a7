// Package storage keeps what Parley must not lose: settings, accounts, the
// call history, contacts, passwords and the identity of this installation.
//
// All of it but the passwords lives in one folder, the profile:
//
//	settings.toml   settings and accounts, made to be read and edited by people
//	parley.db       the call history and the contacts (SQLite)
//	secrets.toml    passwords, only if asked for; else they are in the keyring
//	neighbours.toml the keys of people met on local networks
//	tls/            the certificate made for this installation
//	recordings/     recorded calls
//	received/       received files
//	logs/           log files
//	lock            held while a process has the profile open
//
// [Open] takes the lock, so one process at a time has a profile. Its parts may
// be used from any goroutine. They wait for the disk, and [Secrets] may wait
// for a person; nothing here belongs on the audio path or the GUI thread.
//
// # Damage
//
// Damaged settings never keep Parley from starting. What can be read is used,
// each thing that cannot is reported as a [Problem] with its line and column,
// and the file is kept aside before it is written again. A damaged database is
// likewise moved aside, and a new one begun.
//
// # Adding a setting
//
// Add the field to its struct, its default to the matching New function or to
// DefaultSettings, and a row to the table in keys.go. Reading, checking,
// writing and the account command follow from the row.
package storage
