package leaktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/leaktest"
)

// recorder stands in for the test under check: it keeps what would fail it.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) finish() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

func blockOn(stop <-chan struct{}) { <-stop }

func TestCheckReportsALeak(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	r := &recorder{TB: t}
	leaktest.Check(r)
	go blockOn(stop)
	r.finish()
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "blockOn") {
		t.Errorf("Check with a blocked goroutine reported %q, want one report naming blockOn", r.errors)
	}
}

func TestCheckGivesGoroutinesTimeToEnd(t *testing.T) {
	stop := make(chan struct{})
	r := &recorder{TB: t}
	leaktest.Check(r)
	go blockOn(stop)
	time.AfterFunc(50*time.Millisecond, func() { close(stop) })
	r.finish()
	if len(r.errors) != 0 {
		t.Errorf("Check with a goroutine that ends in time reported %q, want nothing", r.errors)
	}
}

func TestCheckIgnoresOlderGoroutines(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	go blockOn(stop)
	r := &recorder{TB: t}
	leaktest.Check(r)
	r.finish()
	if len(r.errors) != 0 {
		t.Errorf("Check with an older goroutine reported %q, want nothing", r.errors)
	}
}
