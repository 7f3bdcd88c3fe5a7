package storage

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"parley/internal/leaktest"
)

func openProfile(t testing.TB, dir string, o Options) *Profile {
	t.Helper()
	p, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestOpenMakesAProfile(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), "a", "b ?#%[x]")
	p := openProfile(t, dir, Options{Secrets: SecretsFile})
	if err := p.Secrets().Set(t.Context(), "a@b.c", "pw"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Identity(); err != nil {
		t.Fatal(err)
	}
	add(t, p.History(), Call{Direction: Incoming})
	for _, tt := range []struct {
		name string
		mode os.FileMode
	}{
		{"", 0o700},
		{"recordings", 0o700},
		{"received", 0o700},
		{"logs", 0o700},
		{"tls", 0o700},
		{"settings.toml", 0o600},
		{"parley.db", 0o600},
		{"parley.db-wal", 0o600},
		{"parley.db-shm", 0o600},
		{"secrets.toml", 0o600},
		{"tls/identity.pem", 0o600},
		{"lock", 0o600},
	} {
		info, err := os.Stat(filepath.Join(dir, tt.name))
		if err != nil {
			t.Error(err)
			continue
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != tt.mode {
			t.Errorf("mode of %q = %o, want %o", tt.name, info.Mode().Perm(), tt.mode)
		}
	}
	if got, want := p.RecordingsDir(), filepath.Join(dir, "recordings"); got != want {
		t.Errorf("RecordingsDir = %q, want %q", got, want)
	}
	elsewhere := t.TempDir()
	if _, _, err := p.Settings().Update(func(s *Settings) { s.Calls.RecordingDir = elsewhere }); err != nil {
		t.Fatal(err)
	}
	if got := p.RecordingsDir(); got != elsewhere {
		t.Errorf("RecordingsDir = %q, want %q", got, elsewhere)
	}
}

func TestClose(t *testing.T) {
	dir := t.TempDir()
	p := openProfile(t, dir, Options{})
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := p.Settings().Update(func(*Settings) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("Update after Close = %v, want %v", err, ErrClosed)
	}
	if _, err := p.Identity(); !errors.Is(err, ErrClosed) {
		t.Errorf("Identity after Close = %v, want %v", err, ErrClosed)
	}
	openProfile(t, dir, Options{})
}

func TestProfileInUse(t *testing.T) {
	dir := t.TempDir()
	c, _ := startChild(t, "hold", dir)
	_, err := Open(dir, Options{})
	var in *InUseError
	if !errors.As(err, &in) || in.PID != c.Process.Pid || in.Dir != dir {
		t.Fatalf("Open = %v, want an InUseError of process %d", err, c.Process.Pid)
	}
	c.Process.Kill()
	c.Wait()
	openProfile(t, dir, Options{}) // the lock of a dead process is none
	_, err = Open(dir, Options{})
	if !errors.As(err, &in) || in.PID != os.Getpid() {
		t.Errorf("second Open in this process = %v, want an InUseError of process %d", err, os.Getpid())
	}
}

func TestStaleLockFile(t *testing.T) {
	dir := t.TempDir()
	// A process of that number is alive, yet does not hold the lock.
	if err := os.WriteFile(filepath.Join(dir, lockName), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	openProfile(t, dir, Options{})
}

func TestUnusableProfile(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(dir string) (path string, err error)
	}{
		{"a file in the folder's place", func(dir string) (string, error) {
			path := filepath.Join(dir, "p")
			return path, os.WriteFile(path, nil, 0o600)
		}},
		{"a folder in the settings' place", func(dir string) (string, error) {
			path := filepath.Join(dir, "p", settingsName)
			return path, os.MkdirAll(path, 0o700)
		}},
		{"a folder in the history's place", func(dir string) (string, error) {
			path := filepath.Join(dir, "p", historyName)
			return path, os.MkdirAll(path, 0o700)
		}},
		{"a folder in the lock's place", func(dir string) (string, error) {
			path := filepath.Join(dir, "p")
			return path, os.MkdirAll(filepath.Join(path, lockName), 0o700)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path, err := tt.spoil(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(filepath.Join(dir, "p"), Options{})
			var pe *ProfileError
			if !errors.As(err, &pe) || pe.Path != path || pe.Fix == "" {
				t.Fatalf("Open = %v, want a ProfileError about %s that says what to do", err, path)
			}
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), pe.Fix) {
				t.Errorf("error text %q lacks the path or the advice", err)
			}
		})
	}
}

func TestProblemsOfBoth(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{settingsName: "[audio]\ninput = 1\n", historyName: strings.Repeat("no database ", 20)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := openProfile(t, dir, Options{})
	got := p.Problems()
	if len(got) != 2 {
		t.Fatalf("Problems = %v, want two", got)
	}
	for i, name := range []string{settingsName, historyName} {
		if got[i].File != filepath.Join(dir, name) || got[i].Kept == "" || !strings.Contains(got[i].String(), got[i].Kept) {
			t.Errorf("problem %d = %+v, want it about %s, with the file kept and its text saying so", i, got[i], name)
		}
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	p := openProfile(t, dir, Options{})
	first, err := p.Identity()
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.InstanceID()
	if err != nil {
		t.Fatal(err)
	}
	if len(id) != len("urn:uuid:01234567-0123-8123-8123-0123456789ab") || id[len("urn:uuid:")+14] != '8' {
		t.Errorf("InstanceID = %q, want a URN of a UUID of version 8", id)
	}
	p.Close()
	p = openProfile(t, dir, Options{})
	second, err := p.Identity()
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Certificate[0]) != string(second.Certificate[0]) {
		t.Error("the certificate changed")
	}
	if again, err := p.InstanceID(); err != nil || again != id {
		t.Errorf("InstanceID after reopening = %q, %v, want %q", again, err, id)
	}
	other := openProfile(t, t.TempDir(), Options{})
	if got, err := other.InstanceID(); err != nil || got == id {
		t.Errorf("InstanceID of another installation = %q, %v, want another", got, err)
	}
	path := filepath.Join(dir, tlsName, identityName)
	p.Close()
	if runtime.GOOS != "windows" {
		wantIdentityError(t, dir, "chmod 600", func() error { return os.Chmod(path, 0o644) })
	}
	wantIdentityError(t, dir, "remove the file", func() error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.WriteFile(path, []byte("-----BEGIN"), 0o600)
	})
}

// wantIdentityError spoils the certificate in dir; it must then be refused with
// that advice, and left alone.
func wantIdentityError(t *testing.T, dir, advice string, spoil func() error) {
	t.Helper()
	if err := spoil(); err != nil {
		t.Fatal(err)
	}
	p, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	before := readText(t, filepath.Join(dir, tlsName, identityName))
	_, err = p.Identity()
	var pe *ProfileError
	if !errors.As(err, &pe) || !strings.Contains(pe.Fix, advice) {
		t.Errorf("Identity = %v, want a ProfileError that advises %q", err, advice)
	}
	if readText(t, filepath.Join(dir, tlsName, identityName)) != before {
		t.Error("the damaged certificate was replaced")
	}
}
