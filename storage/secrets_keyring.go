package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

const (
	// keyringService is the name under which Parley's passwords stand in the
	// keyring. It never changes.
	keyringService = "Parley"

	// keyringTimeout bounds each question to the keyring. The person may be
	// asked to unlock it, and may be away.
	keyringTimeout = 15 * time.Second
)

// A backend is a keyring. Its methods may block for ever.
type backend interface {
	Get(service, user string) (string, error)
	Set(service, user, password string) error
	Delete(service, user string) error
}

// systemKeyring is the keyring of the system.
type systemKeyring struct{}

func (systemKeyring) Get(service, user string) (string, error) { return keyring.Get(service, user) }
func (systemKeyring) Set(service, user, password string) error {
	return keyring.Set(service, user, password)
}
func (systemKeyring) Delete(service, user string) error { return keyring.Delete(service, user) }

// A keyringSecrets keeps passwords in a keyring and, once known, in memory.
//
// The keyring has no way to give up a question, so each runs on a goroutine of
// its own, one at a time. A question that is not answered within the timeout
// goes on in the background; until it ends others fail at once, and an answer
// that comes late is remembered.
type keyringSecrets struct {
	backend backend
	timeout time.Duration
	turn    chan struct{} // holds one token, taken while a question is open

	mu    sync.Mutex
	known map[string]Secret // owned by mu
}

var _ Secrets = (*keyringSecrets)(nil)

func newKeyringSecrets(b backend, timeout time.Duration) *keyringSecrets {
	k := &keyringSecrets{backend: b, timeout: timeout, turn: make(chan struct{}, 1), known: map[string]Secret{}}
	k.turn <- struct{}{}
	return k
}

// keyringUser returns the name of an account's password within the service.
func keyringUser(account string) string { return account + ":password" }

func (k *keyringSecrets) Get(ctx context.Context, account string) (string, error) {
	if s, ok := k.lookup(account); ok {
		return string(s), nil
	}
	err := k.ask(ctx, "read", func() error {
		s, err := k.backend.Get(keyringService, keyringUser(account))
		if err == nil {
			k.remember(account, Secret(s))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	s, ok := k.lookup(account)
	if !ok { // deleted meanwhile
		return "", ErrNoSecret
	}
	return string(s), nil
}

func (k *keyringSecrets) Set(ctx context.Context, account, secret string) error {
	return k.ask(ctx, "write", func() error {
		err := k.backend.Set(keyringService, keyringUser(account), secret)
		if err == nil {
			k.remember(account, Secret(secret))
		}
		return err
	})
}

func (k *keyringSecrets) Delete(ctx context.Context, account string) error {
	err := k.ask(ctx, "delete", func() error {
		err := k.backend.Delete(keyringService, keyringUser(account))
		if err == nil || errors.Is(err, keyring.ErrNotFound) {
			k.forget(account)
		}
		return err
	})
	if errors.Is(err, ErrNoSecret) {
		return nil
	}
	return err
}

// ask runs question, waits for its answer and turns its error into one of ours.
func (k *keyringSecrets) ask(ctx context.Context, op string, question func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, k.timeout, errNoAnswer)
	defer cancel()
	if ctx.Err() != nil {
		return keyringError(op, context.Cause(ctx))
	}
	select {
	case <-k.turn:
	case <-ctx.Done():
		return keyringError(op, context.Cause(ctx))
	}
	answer := make(chan error, 1)
	go func() {
		defer func() { k.turn <- struct{}{} }()
		answer <- guard(question)
	}()
	select {
	case err := <-answer:
		return keyringError(op, err)
	case <-ctx.Done():
		return keyringError(op, context.Cause(ctx))
	}
}

var errNoAnswer = errors.New("no answer; it may be waiting for you to unlock it")

// guard runs question and turns a panic into an error: the keyring library
// takes the form of what the service sends for granted.
func guard(question func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("unexpected answer from the service: %v", r)
		}
	}()
	return question()
}

func keyringError(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNoSecret
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return fmt.Errorf("storage: %s password: it is too long for the keyring", op)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("storage: %s password: %w", op, err)
	}
	if noService(err) {
		err = fmt.Errorf("%w: %w", ErrNoSecretService, err)
	}
	return fmt.Errorf("%w: %s password in the keyring: %w", ErrSecretsUnavailable, op, err)
}

// noService reports whether err says that nobody was there to be asked: no message
// bus, or no service on it.
func noService(err error) bool {
	var said dbus.Error
	if errors.As(err, &said) {
		name, ok := strings.CutPrefix(said.Name, "org.freedesktop.DBus.Error.")
		return ok && (name == "ServiceUnknown" || name == "NameHasNoOwner" || name == "Disconnected" || strings.HasPrefix(name, "Spawn."))
	}
	var connecting *net.OpError
	return errors.As(err, &connecting) || errors.Is(err, exec.ErrNotFound)
}

func (k *keyringSecrets) lookup(account string) (Secret, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.known[account]
	return s, ok
}

func (k *keyringSecrets) remember(account string, s Secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known[account] = s
}

func (k *keyringSecrets) forget(account string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, account)
}
