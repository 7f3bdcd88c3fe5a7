package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// A fakeKeyring is a keyring in memory. If hold is set, each question waits for
// it to be closed.
type fakeKeyring struct {
	mu    sync.Mutex
	items map[string]string
	calls int
	err   error
	hold  chan struct{}
}

func (f *fakeKeyring) enter() error {
	f.mu.Lock()
	hold := f.hold
	f.calls++
	f.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return f.err
}

// count returns how many questions were asked.
func (f *fakeKeyring) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeKeyring) Get(service, user string) (string, error) {
	if err := f.enter(); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.items[service+"/"+user]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return s, nil
}

func (f *fakeKeyring) Set(service, user, password string) error {
	if err := f.enter(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items[service+"/"+user] = password
	return nil
}

func (f *fakeKeyring) Delete(service, user string) error {
	if err := f.enter(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.items[service+"/"+user]; !ok {
		return keyring.ErrNotFound
	}
	delete(f.items, service+"/"+user)
	return nil
}

// testSecrets is what every Secrets must do.
func testSecrets(t *testing.T, s Secrets) {
	t.Helper()
	ctx := t.Context()
	const account, other = "alice@example.org", `odd "name"@example.org`
	want := func(account, want string, wantErr error) {
		t.Helper()
		got, err := s.Get(ctx, account)
		if got != want || !errors.Is(err, wantErr) {
			t.Errorf("Get(%q) = %q, %v, want %q, %v", account, got, err, want, wantErr)
		}
	}
	want(account, "", ErrNoSecret)
	for _, secret := range []string{"pässwörd \"'\\ #\t\n", "second"} {
		if err := s.Set(ctx, account, secret); err != nil {
			t.Fatal(err)
		}
		want(account, secret, nil)
	}
	if err := s.Set(ctx, other, "x"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Delete(ctx, account); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	want(account, "", ErrNoSecret)
	want(other, "x", nil)
}

func TestSecrets(t *testing.T) {
	t.Run("keyring", func(t *testing.T) {
		testSecrets(t, newKeyringSecrets(&fakeKeyring{items: map[string]string{}}, time.Minute))
	})
	t.Run("file", func(t *testing.T) {
		testSecrets(t, newFileSecrets(filepath.Join(t.TempDir(), secretsName)))
	})
}

func TestKeyringNamesAndCache(t *testing.T) {
	f := &fakeKeyring{items: map[string]string{"Parley/a@b.c:password": "pw"}}
	k := newKeyringSecrets(f, time.Minute)
	for range 3 {
		if got, err := k.Get(t.Context(), "a@b.c"); err != nil || got != "pw" {
			t.Errorf("Get = %q, %v, want pw", got, err)
		}
	}
	if got := f.count(); got != 1 {
		t.Errorf("questions to the keyring = %d, want 1", got)
	}
}

func TestKeyringUnavailable(t *testing.T) {
	k := newKeyringSecrets(&fakeKeyring{err: errors.New("no service")}, time.Minute)
	_, err := k.Get(t.Context(), "a@b.c")
	if !errors.Is(err, ErrSecretsUnavailable) || errors.Is(err, ErrNoSecret) {
		t.Errorf("Get = %v, want %v", err, ErrSecretsUnavailable)
	}
	if err := k.Set(t.Context(), "a@b.c", "hush"); !errors.Is(err, ErrSecretsUnavailable) || strings.Contains(err.Error(), "hush") {
		t.Errorf("Set = %v, want %v without the password", err, ErrSecretsUnavailable)
	}
	k = newKeyringSecrets(&fakeKeyring{err: keyring.ErrSetDataTooBig}, time.Minute)
	if err := k.Set(t.Context(), "a@b.c", "hush"); err == nil || errors.Is(err, ErrSecretsUnavailable) {
		t.Errorf("Set of a long password = %v, want an error that is not %v", err, ErrSecretsUnavailable)
	}
}

// A service that does not run is told apart from one that refuses.
func TestKeyringWithoutService(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{dbus.Error{Name: "org.freedesktop.DBus.Error.ServiceUnknown"}, true},
		{dbus.Error{Name: "org.freedesktop.DBus.Error.Spawn.ExecFailed"}, true},
		{fmt.Errorf("session bus: %w", &net.OpError{Op: "dial", Err: errors.New("no such file")}), true},
		{exec.ErrNotFound, true},
		{dbus.Error{Name: "org.freedesktop.Secret.Error.IsLocked"}, false},
		{errors.New("dismissed"), false},
	} {
		k := newKeyringSecrets(&fakeKeyring{err: tt.err}, time.Minute)
		_, err := k.Get(t.Context(), "a@b.c")
		if !errors.Is(err, ErrSecretsUnavailable) || errors.Is(err, ErrNoSecretService) != tt.want {
			t.Errorf("Get with %v = %v, want it unavailable, without a service: %v", tt.err, err, tt.want)
		}
	}
}

type panickingKeyring struct{ fakeKeyring }

func (*panickingKeyring) Get(_, _ string) (string, error) { panic("nil signal") }

func TestKeyringPanicIsAnError(t *testing.T) {
	k := newKeyringSecrets(&panickingKeyring{}, time.Minute)
	for range 2 { // the second shows that the turn was given back
		if _, err := k.Get(t.Context(), "a@b.c"); !errors.Is(err, ErrSecretsUnavailable) {
			t.Errorf("Get = %v, want %v", err, ErrSecretsUnavailable)
		}
	}
}

// The person is asked to unlock the keyring and answers after a long time.
func TestKeyringPromptThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeKeyring{items: map[string]string{"Parley/a@b.c:password": "pw"}, hold: make(chan struct{})}
		k := newKeyringSecrets(f, keyringTimeout)
		start := time.Now()
		if _, err := k.Get(t.Context(), "a@b.c"); !errors.Is(err, ErrSecretsUnavailable) {
			t.Errorf("Get = %v, want %v", err, ErrSecretsUnavailable)
		}
		if got := time.Since(start); got != keyringTimeout {
			t.Errorf("Get took %v, want %v", got, keyringTimeout)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := k.Get(ctx, "a@b.c"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrSecretsUnavailable) {
			t.Errorf("Get with a canceled context = %v, want %v", err, context.Canceled)
		}
		if _, err := k.Get(t.Context(), "a@b.c"); !errors.Is(err, ErrSecretsUnavailable) {
			t.Errorf("Get meanwhile = %v, want %v", err, ErrSecretsUnavailable)
		}
		if got := f.count(); got != 1 {
			t.Errorf("questions meanwhile = %d, want 1: another would show another prompt", got)
		}
		close(f.hold)
		synctest.Wait()
		if got, err := k.Get(t.Context(), "a@b.c"); err != nil || got != "pw" {
			t.Errorf("Get after the answer = %q, %v, want pw", got, err)
		}
	})
}

func TestSecretsFileRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), secretsName)
	f := newFileSecrets(path)
	if err := f.Set(t.Context(), "a@b.c", "hush"); err != nil {
		t.Fatal(err)
	}
	check := func(part string) {
		t.Helper()
		_, err := f.Get(t.Context(), "a@b.c")
		if !errors.Is(err, ErrSecretsUnavailable) || !strings.Contains(fmt.Sprint(err), part) || strings.Contains(fmt.Sprint(err), "hush") {
			t.Errorf("Get = %v, want %v with %q and without the password", err, ErrSecretsUnavailable, part)
		}
		before := readText(t, path)
		if err := f.Set(t.Context(), "a@b.c", "other"); !errors.Is(err, ErrSecretsUnavailable) {
			t.Errorf("Set = %v, want %v", err, ErrSecretsUnavailable)
		}
		if readText(t, path) != before {
			t.Error("Set replaced a file that could not be read")
		}
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		check("chmod 600 " + path)
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, part := range map[string]string{
		"[passwords]\n\"a@b.c\" = \"hush\n": "syntax error at line 2",
		"version = 2\n":                     "version 2",
		"passwords = \"hush\"\n":            "syntax error",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		check(part)
	}
}

func TestSecretHidesItself(t *testing.T) {
	s := Secret("hush")
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("Secret", "secret", s, "map", map[string]Secret{"a": s}, "struct", struct{ S Secret }{s})
	fmt.Fprintf(&b, "%v %+v %#v %s %q %v", s, s, s, s, s, []Secret{s})
	if strings.Contains(b.String(), "hush") || !strings.Contains(b.String(), redacted) {
		t.Errorf("printed secret = %s, want none of it", b.String())
	}
}

func TestParseSecretsKind(t *testing.T) {
	for _, k := range []SecretsKind{SecretsKeyring, SecretsFile} {
		if got, err := ParseSecretsKind(k.String()); err != nil || got != k {
			t.Errorf("ParseSecretsKind(%q) = %v, %v, want %v", k, got, err, k)
		}
	}
	if _, err := ParseSecretsKind("cloud"); err == nil {
		t.Error("ParseSecretsKind(cloud) = nil error, want one")
	}
}
