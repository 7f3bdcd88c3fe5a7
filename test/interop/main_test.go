package interop

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// root is the folder of everything that lives as long as the test run.
var root string

// skipped counts the tests that could not be run.
var skipped atomic.Int64

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "parley-interop-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	root = dir
	defer os.RemoveAll(dir)
	defer stopShared()
	// Calls mostly wait, so that more of them fit than there are processors.
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if n := skipped.Load(); n > 0 {
		fmt.Printf("interop: %d tests skipped for want of their peers\n", n)
	}
	return code
}

// need skips the test if a program is not installed, and fails it where CI
// demands every peer.
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := lookPath(p); err != nil {
			missing(t, p)
		}
	}
}

// needFile is need for a part of a program: the first file or folder that fits
// one of the patterns.
func needFile(t testing.TB, what string, patterns ...string) string {
	t.Helper()
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	missing(t, what)
	return ""
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI demands it", what)
	}
	skipped.Add(1)
	t.Skipf("%s is not installed; packaging/deps.sh test gets it", what)
}

// lookPath is exec.LookPath with the folders that daemons live in.
func lookPath(program string) (string, error) {
	if p, err := exec.LookPath(program); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if p, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s: %w", program, exec.ErrNotFound)
}

// buildPhone builds the program once in a test run. PARLEY_PHONE names one that
// is there already.
var buildPhone = sync.OnceValues(func() (string, error) {
	if p := os.Getenv("PARLEY_PHONE"); p != "" {
		return p, nil
	}
	path := filepath.Join(root, "phone")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-tags", "nolibopusfile,migrated_fynedo", "-o", path, "parley/cmd/phone").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// eventually polls ok until it holds, and fails the test when it does not in
// time.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	if !poll(within, ok) {
		t.Fatalf("not within %v: %s", within, what)
	}
}

// never polls bad for a while, and fails the test if it comes to hold.
func never(t testing.TB, during time.Duration, what string, bad func() bool) {
	t.Helper()
	if poll(during, bad) {
		t.Fatalf("happened: %s", what)
	}
}

// talk lets a call go on for a while, and tells by how much this process was
// late at worst: how badly the machine kept time.
func talk(d time.Duration) (late time.Duration) {
	last := time.Now()
	poll(d, func() bool {
		late = max(late, time.Since(last)-pollInterval)
		last = time.Now()
		return false
	})
	return late
}

const pollInterval = 10 * time.Millisecond

// poll asks ok every few milliseconds until it holds or time is up, and tells
// whether it held.
func poll(within time.Duration, ok func() bool) bool {
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pollInterval)
	}
	return true
}
