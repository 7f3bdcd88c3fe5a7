package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// keyringChild asks the real keyring and prints what came of it. It runs in a
// process of its own, since the keyring library keeps its first session bus.
func keyringChild(do string) (status int, ok bool) {
	k, ctx := newKeyringSecrets(systemKeyring{}, keyringTimeout), context.Background()
	const account = "alice@example.org"
	var result string
	var err error
	switch do {
	case "keyring get":
		result, err = k.Get(ctx, account)
	case "keyring set":
		err = k.Set(ctx, account, "pässwörd")
	case "keyring delete":
		err = k.Delete(ctx, account)
	default:
		return 0, false
	}
	switch {
	case errors.Is(err, ErrNoSecret):
		result = "none"
	case errors.Is(err, ErrSecretsUnavailable):
		result = "unavailable"
	case err != nil:
		result = err.Error()
	}
	fmt.Println(result)
	return 0, true
}

// A session is a private D-Bus session with its own home folder.
type session struct {
	t    *testing.T
	env  []string
	conn *dbus.Conn
}

func newSession(t *testing.T, home string) *session {
	t.Helper()
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is needed for this test", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
	run := t.TempDir()
	// No service folders: nothing but what the test starts answers.
	config := filepath.Join(run, "bus.conf")
	err := os.WriteFile(config, []byte(`<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=`+filepath.Join(run, "bus")+`</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t}
	bus := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address=1")
	out, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.start(bus)
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("dbus-daemon gave no address")
	}
	s.env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+lines.Text(), "HOME="+home, "XDG_RUNTIME_DIR="+run, "XDG_DATA_HOME="+home)
	if s.conn, err = dbus.Connect(lines.Text()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
	return s
}

// start starts c and ends it with the test.
func (s *session) start(c *exec.Cmd) {
	s.t.Helper()
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Process.Kill(); c.Wait() })
}

// startKeyring starts the keyring's service, unlocked by a password unless that
// is empty, and waits until it is on the bus.
func (s *session) startKeyring(password string) {
	s.t.Helper()
	const name = "org.freedesktop.secrets"
	err := s.conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name))
	if err != nil {
		s.t.Fatal(err)
	}
	signals := make(chan *dbus.Signal, 8)
	s.conn.Signal(signals)
	args := []string{"--foreground", "--components=secrets"}
	if password != "" {
		args = append(args, "--unlock")
	}
	c := exec.Command("gnome-keyring-daemon", args...)
	c.Env = s.env
	c.Stdin = strings.NewReader(password)
	s.start(c)
	select {
	case <-signals:
	case <-time.After(20 * time.Second):
		s.t.Fatal("the keyring's service did not appear on the bus")
	}
}

// ask runs a child in the session and returns what it printed.
func (s *session) ask(do string) string {
	s.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = append(s.env[:len(s.env):len(s.env)], childEnv+"="+do)
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("%s: %v", do, err)
	}
	return strings.TrimSpace(string(out))
}

func (s *session) want(do, want string) {
	s.t.Helper()
	if got := s.ask(do); got != want {
		s.t.Errorf("%s = %q, want %q", do, got, want)
	}
}

func TestRealKeyring(t *testing.T) {
	home := t.TempDir()
	t.Run("unlocked", func(t *testing.T) {
		s := newSession(t, home)
		s.startKeyring("a password")
		s.want("keyring get", "none")
		s.want("keyring set", "")
		s.want("keyring get", "pässwörd")
		s.want("keyring delete", "")
		s.want("keyring delete", "")
		s.want("keyring get", "none")
		s.want("keyring set", "")
	})
	t.Run("locked", func(t *testing.T) {
		s := newSession(t, home)
		s.startKeyring("")
		s.want("keyring get", "unavailable")
		s.want("keyring set", "unavailable")
	})
	t.Run("unlocked again", func(t *testing.T) {
		s := newSession(t, home)
		s.startKeyring("a password")
		s.want("keyring get", "pässwörd")
	})
	t.Run("no service", func(t *testing.T) {
		s := newSession(t, home)
		s.want("keyring get", "unavailable")
		s.want("keyring set", "unavailable")
		s.want("keyring delete", "unavailable")
	})
	t.Run("no bus", func(t *testing.T) {
		s := newSession(t, home)
		s.env = append(s.env, "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(home, "no-bus"))
		s.want("keyring get", "unavailable")
	})
}
