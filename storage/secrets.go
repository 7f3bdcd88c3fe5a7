package storage

import (
	"context"
	"log/slog"
)

// Secrets keeps one password for each account. Its methods may be called from
// any goroutine and may block: a keyring can ask the person for leave first.
//
// Get returns [ErrNoSecret] if there is none. Errors that match
// [ErrSecretsUnavailable] say that the store itself cannot be used.
type Secrets interface {
	// Get returns the password of account.
	Get(ctx context.Context, account string) (string, error)
	// Set keeps secret as the password of account, in place of any other.
	Set(ctx context.Context, account, secret string) error
	// Delete forgets the password of account. It is no error if there is none.
	Delete(ctx context.Context, account string) error
}

// SecretsKind says where passwords are kept.
type SecretsKind uint8

const (
	SecretsKeyring SecretsKind = iota // the system's keyring
	SecretsFile                       // secrets.toml in the profile, readable by its owner only
)

// String returns the word used on the command line.
func (k SecretsKind) String() string {
	if k == SecretsFile {
		return "file"
	}
	return "keyring"
}

// ParseSecretsKind returns the kind that word names, "keyring" or "file".
func ParseSecretsKind(word string) (SecretsKind, error) {
	switch word {
	case "keyring":
		return SecretsKeyring, nil
	case "file":
		return SecretsFile, nil
	}
	return 0, &ValueError{Key: "secrets", Value: word, Want: "one of keyring, file"}
}

// redacted is what is shown in place of a secret.
const redacted = "[redacted]"

// A Secret is a password in memory. It shows itself only by conversion to
// string, never when it is printed or logged.
type Secret string

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder.
func (Secret) GoString() string { return redacted }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
