package storage

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Names in a profile's folder.
const (
	settingsName   = "settings.toml"
	historyName    = "parley.db" // and the contacts
	secretsName    = "secrets.toml"
	neighboursName = "neighbours.toml"
	lockName       = "lock"
	tlsName        = "tls"
	identityName   = "identity.pem"
	recordingsName = "recordings"
	receivedName   = "received"
	logsName       = "logs"
)

// Options say how a profile is opened.
type Options struct {
	Secrets SecretsKind
	Log     *slog.Logger // nil is none
}

// A Profile is an open profile folder. Its methods may be called from any
// goroutine.
type Profile struct {
	dir      string
	lock     *lock
	settings *SettingsStore
	history  *History
	contacts *Contacts
	secrets  Secrets
	known    *NeighbourKeys
	problems []Problem

	mu       sync.Mutex
	identity *tls.Certificate // nil until asked for; owned by mu
	closed   bool             // owned by mu
}

// DefaultDir returns the profile's folder for a person who did not name one,
// "parley" in the system's folder for configuration.
func DefaultDir() (string, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return "", &ProfileError{
			Op: "find the folder for", Path: "the profile", Err: err,
			Fix: "Name one with --profile DIR",
		}
	}
	return filepath.Join(base, "parley"), nil
}

// Open opens the profile in the folder dir, which it makes if needed, and holds
// it until [Profile.Close]. It waits for the disk only.
//
// It returns an *InUseError if another process, or another Profile of this one,
// holds it; a *VersionError if a newer Parley wrote the history; and a
// *ProfileError if something in it cannot be used at all. Damage that can be
// lived with is in [Profile.Problems].
func Open(dir string, o Options) (*Profile, error) {
	log := cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, &ProfileError{Op: "find", Path: dir, Err: err}
	}
	if err := makeFolders(dir); err != nil {
		return nil, err
	}
	l, pid, err := takeLock(filepath.Join(dir, lockName))
	if errors.Is(err, errLocked) {
		return nil, &InUseError{PID: pid, Dir: dir}
	}
	if err != nil {
		return nil, &ProfileError{
			Op: "lock", Path: dir, Err: err,
			Fix: "Check that you may write to the folder, or name another with --profile DIR",
		}
	}
	p := &Profile{dir: dir, lock: l}
	if err := p.open(o.Secrets, log); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return p, nil
}

// open opens what is in the folder, whose lock is held.
func (p *Profile) open(kind SecretsKind, log *slog.Logger) (err error) {
	if p.settings, err = openSettings(p.path(settingsName), log); err != nil {
		return err
	}
	if p.known, err = openNeighbours(p.path(neighboursName), log); err != nil {
		return err
	}
	if p.history, p.problems, err = openHistory(context.Background(), p.path(historyName), log); err != nil {
		return err
	}
	p.contacts = &Contacts{database: p.history.database}
	if kind == SecretsFile {
		p.secrets = newFileSecrets(p.path(secretsName))
	} else {
		p.secrets = newKeyringSecrets(systemKeyring{}, keyringTimeout)
	}
	return nil
}

// makeFolders makes the profile's folder and those in it. One that exists keeps
// its mode: it may be a folder that serves other purposes too.
func makeFolders(dir string) error {
	for _, name := range []string{"", tlsName, recordingsName, receivedName, logsName} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return &ProfileError{
				Op: "create folder", Path: path, Err: err,
				Fix: "Check that you may write there, or name another folder with --profile DIR",
			}
		}
	}
	return nil
}

func (p *Profile) path(name string) string { return filepath.Join(p.dir, name) }

// Dir returns the absolute path of the profile's folder.
func (p *Profile) Dir() string { return p.dir }

// RecordingsDir returns the absolute path of the folder for recordings: the one
// in the settings, else the profile's own. Only the latter surely exists.
func (p *Profile) RecordingsDir() string {
	return cmp.Or(p.settings.Get().Calls.RecordingDir, p.path(recordingsName))
}

// ReceivedDir returns the absolute path of the folder for received files.
func (p *Profile) ReceivedDir() string { return p.path(receivedName) }

// LogsDir returns the absolute path of the folder for log files.
func (p *Profile) LogsDir() string { return p.path(logsName) }

// Settings returns the profile's settings and accounts.
func (p *Profile) Settings() *SettingsStore { return p.settings }

// History returns the profile's list of calls.
func (p *Profile) History() *History { return p.history }

// Contacts returns the profile's contacts.
func (p *Profile) Contacts() *Contacts { return p.contacts }

// Secrets returns the passwords of the profile's accounts.
func (p *Profile) Secrets() Secrets { return p.secrets }

// Neighbours returns the keys by which the profile knows others on local networks
// again.
func (p *Profile) Neighbours() *NeighbourKeys { return p.known }

// Problems returns all that was found wrong so far and could be lived with, to
// be shown to the person.
func (p *Profile) Problems() []Problem {
	return slices.Concat(p.settings.Problems(), p.known.Problems(), p.problems)
}

// Identity returns this installation's own certificate, with its key. It is
// made the first time, which takes a few milliseconds, and stays the same.
func (p *Profile) Identity() (tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return tls.Certificate{}, ErrClosed
	}
	if p.identity == nil {
		cert, err := loadIdentity(filepath.Join(p.dir, tlsName, identityName), time.Now())
		if err != nil {
			return tls.Certificate{}, err
		}
		p.identity = &cert
	}
	return *p.identity, nil
}

// InstanceID returns a URN that names this installation and never changes, for
// the +sip.instance parameter of RFC 5626. It follows from [Profile.Identity].
func (p *Profile) InstanceID() (string, error) {
	cert, err := p.Identity()
	if err != nil {
		return "", err
	}
	return instanceID(cert)
}

// Close gives the profile up. It waits for what is being written. Closing twice
// is no error.
func (p *Profile) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.settings.close()
	p.known.close()
	return errors.Join(p.history.close(), p.lock.release())
}
