package storage

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A crash between any two steps must leave the old or the new settings, whole,
// and a later start must clean up.
func TestReplaceSurvivesACrashAtEachStep(t *testing.T) {
	type crash struct{}
	for _, step := range []string{"create", "write", "sync", "rename", "sync folder", "done"} {
		t.Run(step, func(t *testing.T) {
			s := newStore(t, "")
			reached := false
			s.writer.step = func(name string) {
				if name == step {
					reached = true
					panic(crash{})
				}
			}
			func() {
				defer func() {
					if r := recover(); r != any(crash{}) {
						t.Fatalf("recovered %v, want the crash", r)
					}
				}()
				s.Update(func(v *Settings) { v.General.UserName = "new" })
			}()
			if !reached {
				t.Fatalf("step %q was not reached", step)
			}
			again := openStore(t, s.path)
			if p := again.Problems(); len(p) > 0 {
				t.Errorf("Problems after a crash = %v, want none", p)
			}
			want := ""
			if step == "sync folder" || step == "done" {
				want = "new"
			}
			if got := again.Get().General.UserName; got != want {
				t.Errorf("user name after a crash = %q, want %q", got, want)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), "*"))
			if err != nil || len(left) != 1 {
				t.Errorf("files after the next start = %v, %v, want only the settings", left, err)
			}
		})
	}
}

// childEnv tells this test binary to act as another process of Parley.
const childEnv = "PARLEY_STORAGE_TEST_CHILD"

func TestMain(m *testing.M) {
	if do := os.Getenv(childEnv); do != "" {
		os.Exit(child(do, os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}

// child acts on the profile dir and returns an exit status.
func child(do, dir string) int {
	fail := func(err error) int {
		fmt.Println("error:", err)
		return 1
	}
	if status, ok := keyringChild(do); ok {
		return status
	}
	p, err := Open(dir, Options{})
	if err != nil {
		return fail(err)
	}
	fmt.Println("open")
	switch do {
	case "hold":
		select {}
	case "write":
		for i := 1; ; i++ {
			_, _, err := p.Settings().Update(func(s *Settings) {
				s.General.WindowWidth = i % 10000
				s.General.WindowHeight = i % 10000
				s.General.UserName = strings.Repeat("x", i%1000)
			})
			if err != nil {
				return fail(err)
			}
			id, err := p.History().Add(context.Background(), Call{Direction: Incoming, PeerName: "begun"})
			if err != nil {
				return fail(err)
			}
			fmt.Println(i, id)
		}
	}
	return 0
}

// startChild starts a child that does something with the profile dir, and
// returns once it has it open.
func startChild(t *testing.T, do, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, dir)
	c.Env = append(os.Environ(), childEnv+"="+do)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("child said %q, want open", lines.Text())
	}
	return c, lines
}

// A process that is killed while it writes loses nothing that it had finished.
func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	for round := range 6 {
		c, lines := startChild(t, "write", dir)
		var i, id int64
		for range round*3 + 1 {
			if !lines.Scan() {
				t.Fatal("child ended by itself")
			}
			if _, err := fmt.Sscan(lines.Text(), &i, &id); err != nil {
				t.Fatalf("child said %q: %v", lines.Text(), err)
			}
		}
		c.Process.Kill()
		c.Wait()
		p, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("Open after a kill: %v", err)
		}
		if problems := p.Problems(); len(problems) > 0 {
			t.Errorf("Problems after a kill = %v, want none", problems)
		}
		g := p.Settings().Get().General
		if g.WindowWidth != g.WindowHeight || len(g.UserName) != g.WindowWidth%1000 || g.WindowWidth < int(i) {
			t.Errorf("settings after a kill are a mixture or old: %d, %d, %d, want at least %d", g.WindowWidth, g.WindowHeight, len(g.UserName), i)
		}
		call, err := p.History().Get(t.Context(), id)
		if err != nil || call.Outcome != Missed || call.Reason != interrupted {
			t.Errorf("call %d after a kill = %+v, %v, want it missed and interrupted", id, call, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
