package scripting

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/leaktest"
	"parley/middleware/middlewaretest"
	"parley/scripting/client"
)

// listening starts a server on a real socket.
func listening(t *testing.T) *Server {
	t.Helper()
	leaktest.Check(t)
	alice := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
	s := New(Config{Log: slog.New(slog.DiscardHandler), App: alice.App, Path: filepath.Join(t.TempDir(), "sub", "api.sock")})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSocketIsPrivate(t *testing.T) {
	s := listening(t)
	if runtime.GOOS == "windows" {
		t.Skip("access lists, not modes, guard the socket there")
	}
	for path, want := range map[string]os.FileMode{s.Path(): os.ModeSocket | 0o600, filepath.Dir(s.Path()): os.ModeDir | 0o700} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("mode of %s = %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if err := New(s.config).Start(); !errors.Is(err, ErrInUse) {
		t.Errorf("a second server at the same path = %v, want %v", err, ErrInUse)
	}
	s.Close()
	if _, err := os.Lstat(s.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after Close: %v, want %v", err, os.ErrNotExist)
	}
}

func TestClient(t *testing.T) {
	s := listening(t)
	c, err := client.Dial(t.Context(), s.Path(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := c.Do(t.Context(), "SET USERSTATUS AWAY"); got != "USERSTATUS AWAY" || err != nil {
		t.Errorf("SET USERSTATUS AWAY = %q, %v", got, err)
	}
	for _, want := range []string{"CONNSTATUS OFFLINE", "USERSTATUS ONLINE", "USERSTATUS AWAY"} {
		if got := <-c.Notifications(); got != want {
			t.Errorf("notification %q, want %q", got, want)
		}
	}
	var refused *client.Error
	if _, err := c.Do(t.Context(), "DANCE"); !errors.As(err, &refused) || refused.Number != 2 {
		t.Errorf("DANCE: %v, want error 2", err)
	}
	if _, err := c.Do(t.Context(), "PING\nPING"); err == nil {
		t.Error("two commands in one were sent")
	}
	if err := client.Open(t.Context(), s.Path(), "sip:bob@example.org"); !errors.As(err, &refused) || refused.Number != 69 {
		t.Errorf("Open without a window: %v, want error 69", err)
	}
	s.Close()
	for range c.Notifications() {
		t.Error("a notification came at the end")
	}
	if _, err := c.Do(t.Context(), "PING"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("PING after the end: %v, want %v", err, client.ErrClosed)
	}
	if _, err := client.Dial(t.Context(), s.Path(), "test"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Dial after the end: %v, want %v", err, ErrNotRunning)
	}
}

// A script that closes its side early still gets its replies.
func TestHalfClosed(t *testing.T) {
	s := listening(t)
	c := dial(t, s)
	fmt.Fprint(c, "#1 NAME x\r\n#2 GET MUTE\n#3 PING")
	if err := c.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	want := "#1 OK\nCONNSTATUS OFFLINE\nUSERSTATUS ONLINE\n#2 MUTE OFF\n#3 PONG\n"
	if string(got) != want || err != nil {
		t.Errorf("replies = %q, %v, want %q", got, err, want)
	}
}

func TestEndlessLine(t *testing.T) {
	s := listening(t)
	c := dial(t, s)
	go func() {
		_, _ = io.Copy(c, strings.NewReader(strings.Repeat("x", 1<<20))) // the server hangs up
	}()
	line, err := bufio.NewReader(c).ReadString('\n')
	if line != "ERROR 1000 Line too long\n" {
		t.Errorf("reply to a line of 1 MiB = %q, %v", line, err)
	}
}

func TestGarbage(t *testing.T) {
	s := listening(t)
	c := dial(t, s)
	r := bufio.NewReader(c)
	for _, tt := range []struct{ line, want string }{
		{"\xff\xfe\n", "ERROR 1 General syntax error: a line is UTF-8 without control characters\n"},
		{"#1 NAME \x1b[31m\n", "#1 ERROR 1 General syntax error: a line is UTF-8 without control characters\n"},
		{"\n", "ERROR 1 General syntax error\n"},
		{"#é PING\n", "ERROR 1 General syntax error: an id is up to 64 letters and digits\n"},
		{"PING\n", "PONG\n"},
	} {
		if _, err := io.WriteString(c, tt.line); err != nil {
			t.Fatal(err)
		}
		if got, err := r.ReadString('\n'); got != tt.want {
			t.Errorf("reply to %q = %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
}

// A hundred programs come at once; those above the limit are turned away and
// the others served.
func TestManyClients(t *testing.T) {
	s := listening(t)
	var served, refused int
	for range 100 {
		c := dial(t, s)
		fmt.Fprint(c, "PING\n") // fails where the server has hung up already
		line, err := bufio.NewReader(c).ReadString('\n')
		switch line {
		case "PONG\n":
			served++
		case "ERROR 1001 Too many programs are connected\n":
			refused++
		default:
			t.Errorf("reply = %q, %v", line, err)
		}
	}
	if served != maxClients || refused != 100-maxClients {
		t.Errorf("%d clients were served and %d refused, want %d and %d", served, refused, maxClients, 100-maxClients)
	}
}

// A program that asks and never reads is disconnected, and costs the others
// nothing.
func TestNeverReading(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		ours, theirs := net.Pipe()
		s.serve(theirs, Client{})
		sent := make(chan int)
		go func() {
			n := 0
			for {
				if _, err := io.WriteString(ours, "#1 NAME x\n#2 SEARCH SETTINGS\n"); err != nil {
					sent <- n
					return
				}
				n++
			}
		}()
		p.want("PING", "PONG")
		n := <-sent
		soon()
		if n == 0 || n > 100_000 {
			t.Errorf("the program could send %d commands, want a bounded number", n)
		}
		time.Sleep(2 * flushTime)
		synctest.Wait()
		if got := s.clients(); got != 1 {
			t.Errorf("%d programs are connected, want 1", got)
		}
		p.want("MUTE ON", "MUTE ON")
	})
}

func TestStaleSocket(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	again, err := listen(path)
	if err != nil {
		t.Fatalf("listen where a dead socket is: %v", err)
	}
	again.Close()

	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(path); err == nil {
		t.Error("listen where a file is: no error")
	}
	if got, err := os.ReadFile(path); string(got) != "precious" {
		t.Errorf("the file in the way holds %q, %v", got, err)
	}
	if _, err := listen(filepath.Join(folder, strings.Repeat("long", 30))); err == nil {
		t.Error("listen at a path that is too long: no error")
	}
	open := filepath.Join(folder, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(filepath.Join(open, "s")); err == nil && runtime.GOOS != "windows" {
		t.Error("listen in a folder that others can write to: no error")
	}
}

func TestDefaultPath(t *testing.T) {
	run, profile := t.TempDir(), t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	get := func(dir string) string {
		t.Helper()
		path, err := DefaultPath(dir)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := get(profile)
	if filepath.Dir(path) != filepath.Join(run, "parley") {
		t.Errorf("DefaultPath = %s, want it in %s", path, run)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(profile, link); err != nil {
		t.Fatal(err)
	}
	if got := get(link); got != path {
		t.Errorf("DefaultPath through a link = %s, want %s", got, path)
	}
	if got := get(profile + "x"); got == path {
		t.Error("two profiles have one path")
	}
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(run, "missing"))
	if got := get(profile); !strings.HasPrefix(got, filepath.Join(os.TempDir(), "parley-")) || filepath.Base(got) != filepath.Base(path) {
		t.Errorf("DefaultPath without a runtime folder = %s", got)
	}
}
