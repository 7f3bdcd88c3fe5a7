package storage

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNoCall is returned for a call that is not in the history.
	ErrNoCall = errors.New("storage: no such call")

	// ErrNoContact is returned for a contact that does not exist.
	ErrNoContact = errors.New("storage: no such contact")

	// ErrNoGroup is returned for a group of contacts that does not exist.
	ErrNoGroup = errors.New("storage: no such group")

	// ErrGroupExists is returned for a second group of one name.
	ErrGroupExists = errors.New("storage: there is a group of that name")

	// ErrContactExists is returned for a second contact with one UID.
	ErrContactExists = errors.New("storage: there is a contact with that UID")

	// ErrNoSecret is returned by [Secrets] if nothing is kept for the account.
	ErrNoSecret = errors.New("storage: no password is kept for the account")

	// ErrSecretsUnavailable is matched by the errors of [Secrets] that mean it
	// cannot be asked at all: no keyring service, a locked keyring, a question
	// to the person that was not answered in time.
	ErrSecretsUnavailable = errors.New("storage: the password store cannot be used")

	// ErrNoSecretService is matched as well where the keyring's service does not run
	// (yet): asking again later bothers nobody.
	ErrNoSecretService = errors.New("storage: there is no keyring service")

	// ErrOtherKey is returned by [NeighbourKeys.Remember] for a neighbour that is
	// remembered with another key.
	ErrOtherKey = errors.New("storage: the neighbour is remembered with another key")

	// ErrTooManyNeighbours is returned by [NeighbourKeys.Remember] when no more can be
	// remembered. Old ones are never dropped for new ones: whoever can invent
	// neighbours could otherwise have a true one forgotten.
	ErrTooManyNeighbours = errors.New("storage: too many neighbours are remembered")

	// ErrNoNeighbour is returned for a neighbour that is not remembered.
	ErrNoNeighbour = errors.New("storage: no such neighbour is remembered")

	// ErrClosed is returned by the parts of a profile that was closed.
	ErrClosed = errors.New("storage: profile is closed")
)

// A Problem is something found wrong in the profile that Parley lives with.
type Problem struct {
	File   string // path of the file concerned
	Line   int    // from 1; 0 if it is not about one line
	Column int    // from 1, in bytes; 0 with Line
	Key    string // setting concerned, such as "audio.input"; may be empty
	Text   string // what is wrong and what was done about it, in English
	Kept   string // path of the copy kept of the file as it was found; "" if none was needed
}

// String returns the problem as one line, "FILE:LINE:COLUMN: TEXT".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	b.WriteString(p.Text)
	if p.Kept != "" {
		fmt.Fprintf(&b, " (the file as it was is kept as %s)", p.Kept)
	}
	return b.String()
}

// An InUseError reports that another process has the profile open.
type InUseError struct {
	PID int    // of that process; 0 if it cannot be told
	Dir string // the profile
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("storage: profile %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("storage: profile %s is in use by process %d", e.Dir, e.PID)
}

// A ProfileError reports that a part of the profile cannot be used.
type ProfileError struct {
	Op   string // what was tried, such as "create folder"
	Path string // where
	Fix  string // what a person can do about it, one sentence; may be empty
	Err  error
}

func (e *ProfileError) Error() string {
	s := fmt.Sprintf("storage: %s %s: %v", e.Op, e.Path, e.Err)
	if e.Fix != "" {
		s += ". " + e.Fix
	}
	return s
}

func (e *ProfileError) Unwrap() error { return e.Err }

// A VersionError reports a file that a newer Parley wrote.
type VersionError struct {
	Path         string
	Found, Known int // versions of the file's layout
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("storage: %s has version %d, this Parley knows versions up to %d: update Parley or use another profile",
		e.Path, e.Found, e.Known)
}

// A ValueError reports a value that a setting cannot have.
type ValueError struct {
	Key   string // such as "transport" or "audio.ptime"
	Value string // as given
	Want  string // what is allowed, such as "one of auto, udp, tcp, tls"
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("storage: %s cannot be %q, it must be %s", e.Key, e.Value, e.Want)
}

// An UnknownKeyError reports a setting that does not exist.
type UnknownKeyError struct {
	Key  string   // as given
	Near string   // the setting that was probably meant; may be empty
	All  []string // the settings there are
}

func (e *UnknownKeyError) Error() string {
	if e.Near != "" {
		return fmt.Sprintf("storage: there is no setting %q, did you mean %q?", e.Key, e.Near)
	}
	return fmt.Sprintf("storage: there is no setting %q; there are %s", e.Key, strings.Join(e.All, ", "))
}
