package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/storage"
)

// run runs a command line and returns its exit code and output.
func run(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	var o, e bytes.Buffer
	code = command(context.Background(), args, streams{strings.NewReader(stdin), &o, &e})
	return code, o.String(), e.String()
}

func TestAccountCommands(t *testing.T) {
	dir := t.TempDir()
	flags := []string{"--profile", dir, "--secrets", "file"}
	account := func(stdin string, args ...string) (int, string, string) {
		t.Helper()
		return run(t, stdin, append(append([]string{"account", args[0]}, flags...), args[1:]...)...)
	}
	steps := []struct {
		name, stdin string
		args        []string
		code        int
		out, errs   string // parts of what is printed
	}{
		{"none yet", "", []string{"list"}, 0, "", ""},
		{"add", "s3cret\n", []string{"add", "--password-stdin", "--proxy", "192.0.2.1", "--name", "Alice", "sip:alice@example.org", "transport=tls"}, 0, "", ""},
		{"again", "x\n", []string{"add", "--password-stdin", "alice@example.org"}, 1, "", "there is an account alice@example.org already"},
		{"listed", "", []string{"list"}, 0, "alice@example.org  enabled", ""},
		{"edit", "", []string{"edit", "alice@example.org", "expires=300"}, 0, "", ""},
		{"bad value", "", []string{"edit", "alice@example.org", "transport=carrier-pigeon"}, 1, "", "transport"},
		{"bad key", "", []string{"edit", "alice@example.org", "transprt=udp"}, 1, "", "transport"},
		{"no pair", "", []string{"edit", "alice@example.org", "tls"}, 2, "", "KEY=VALUE"},
		{"disable", "", []string{"disable", "alice@example.org"}, 0, "", ""},
		{"disabled", "", []string{"list"}, 0, "disabled", ""},
		{"default", "", []string{"default", "alice@example.org"}, 0, "", ""},
		{"starred", "", []string{"list"}, 0, "* alice@example.org", ""},
		{"unknown", "", []string{"enable", "bob@example.org"}, 1, "", "no account \"bob@example.org\""},
		{"no address", "", []string{"remove"}, 2, "", "which account"},
		{"no verb", "", []string{"frobnicate", "alice@example.org"}, 2, "", "frobnicate"},
		{"not an address", "x\n", []string{"add", "--password-stdin", "alice"}, 1, "", "alice"},
		{"another case", "x\n", []string{"add", "--password-stdin", "SIP:alice@Example.ORG"}, 1, "", "there is an account alice@example.org already"},
		{"remove", "", []string{"remove", "sip:alice@EXAMPLE.org"}, 0, "", ""},
		{"gone", "", []string{"list"}, 0, "", ""},
	}
	for _, s := range steps {
		code, out, errs := account(s.stdin, s.args...)
		if code != s.code || !strings.Contains(out, s.out) || !strings.Contains(errs, s.errs) {
			t.Errorf("%s: exit %d, out %q, err %q, want exit %d, out with %q, err with %q", s.name, code, out, errs, s.code, s.out, s.errs)
		}
		if strings.Contains(out+errs, "s3cret") {
			t.Errorf("%s: the password was printed", s.name)
		}
	}
	settings, err := os.ReadFile(filepath.Join(dir, "settings.toml"))
	if err != nil || strings.Contains(string(settings), "s3cret") {
		t.Errorf("settings.toml: %v, holds the password: %v", err, strings.Contains(string(settings), "s3cret"))
	}
}

func TestAccountOfAnotherCaseIsFound(t *testing.T) {
	dir := t.TempDir()
	p, err := storage.Open(dir, storage.Options{Secrets: storage.SecretsFile})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.Settings().Update(func(s *storage.Settings) {
		s.Accounts = append(s.Accounts, storage.NewAccount("alice@Example.ORG"))
	})
	if err = errors.Join(err, p.Close()); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"disable", "default", "remove"} {
		if code, _, errs := run(t, "", "account", verb, "--profile", dir, "--secrets", "file", "alice@Example.ORG"); code != 0 {
			t.Errorf("phone account %s: exit %d, err %q", verb, code, errs)
		}
	}
}

func TestPasswordIsNeverTakenFromATerminalThatIsNotThere(t *testing.T) {
	code, _, errs := run(t, "secret\n", "account", "add", "--profile", t.TempDir(), "--secrets", "file", "alice@example.org")
	if code != 1 || !strings.Contains(errs, "--password-stdin") {
		t.Errorf("exit %d, err %q, want 1 and a word on --password-stdin", code, errs)
	}
}

func TestUsage(t *testing.T) {
	tests := []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"--no-such-flag"}, 2, "no-such-flag"},
		{[]string{"--help"}, 0, "Usage"},
		{[]string{"ctl"}, 2, "one command"},
		{[]string{"ctl", "PING", "PING"}, 2, "one command"},
		{[]string{"ctl", "--api", "tcp:1", "PING"}, 1, "unix:"},
		{[]string{"a", "b"}, 2, "one address"},
		{[]string{"--headless", "sip:bob@example.org"}, 2, "without a window"},
		{[]string{"--secrets", "wallet"}, 2, "keyring"},
		{[]string{"--log-level", "loud"}, 2, "log-level"},
	}
	for _, tt := range tests {
		code, out, errs := run(t, "", tt.args...)
		if code != tt.code || !strings.Contains(out+errs, tt.errs) {
			t.Errorf("phone %v: exit %d, err %q, want %d and %q", tt.args, code, errs, tt.code, tt.errs)
		}
	}
}

func TestCtlWithoutParley(t *testing.T) {
	code, _, errs := run(t, "", "ctl", "--profile", t.TempDir(), "PING")
	if code != 1 || !strings.Contains(errs, "no Parley") {
		t.Errorf("phone ctl without a Parley: exit %d, err %q, want 1 and a sentence", code, errs)
	}
}

func TestVersion(t *testing.T) {
	if code, out, _ := run(t, "", "version"); code != 0 || !strings.HasPrefix(out, "Parley ") {
		t.Errorf("phone version: exit %d, out %q", code, out)
	}
}
