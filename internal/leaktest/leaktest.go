// Package leaktest fails a test that leaves goroutines behind.
package leaktest

import (
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// grace is how long goroutines may take to end after the test is over.
const grace = 2 * time.Second

// Check fails t if goroutines that started after this call are still running
// two seconds after t and all cleanups registered after Check are done. Call it
// first in a test, so that its own cleanup runs last. A test that uses it must
// not run in parallel with others, whose goroutines it could not tell from its
// own. In a testing/synctest bubble it is not needed: a bubble fails by itself.
func Check(t testing.TB) {
	t.Helper()
	before := map[string]bool{}
	for _, g := range goroutines() {
		before[g.id] = true
	}
	t.Cleanup(func() {
		left := settle(before)
		for _, g := range left {
			t.Errorf("leaked goroutine:\n%s", g.stack)
		}
	})
}

// settle waits until no goroutine outside before is left, or grace is over, and
// returns those that are left.
func settle(before map[string]bool) []goroutine {
	deadline := time.Now().Add(grace)
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		left := slices.DeleteFunc(goroutines(), func(g goroutine) bool {
			return before[g.id] || g.harmless()
		})
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(wait)
	}
}

// A goroutine is one entry of the runtime's stack dump.
type goroutine struct {
	id    string
	stack string
}

// harmless reports whether the goroutine belongs to the runtime or to package
// testing, which start and end theirs when they like.
func (g goroutine) harmless() bool {
	for _, f := range []string{
		"testing.(*T).Run(", "testing.tRunner(", "testing.runFuzzing(", "testing.(*M).",
		"created by testing.", "created by runtime", "os/signal.signal_recv(",
		"runtime.goexit0(", "runtime/pprof.", "runtime/trace.",
	} {
		if strings.Contains(g.stack, f) {
			return true
		}
	}
	return false
}

var header = regexp.MustCompile(`^goroutine (\d+) `)

// goroutines returns all goroutines but the caller's.
func goroutines() []goroutine {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	entries := strings.Split(string(buf), "\n\n")
	var all []goroutine
	for _, e := range entries[1:] { // the first is the caller's
		if m := header.FindStringSubmatch(e); m != nil {
			all = append(all, goroutine{id: m[1], stack: e})
		}
	}
	return all
}
