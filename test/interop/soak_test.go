package interop

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	soakWarmUp = 250
	soakCalls  = 250
	soakAtOnce = 10
	soakGrowth = 5 // MB, which is 20 KB a call
)

// A footprint is what a running program holds.
type footprint struct {
	goroutines, descriptors int
	resident                float64 // MB
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %.1f MB", f.goroutines, f.descriptors, f.resident)
}

// footprint reads what p holds now.
func (p *phone) footprint(t testing.TB) footprint {
	t.Helper()
	var f footprint
	words := strings.Fields(p.do(t, "STATS"))
	for i, w := range words {
		if w == "GOROUTINES" && i+1 < len(words) {
			f.goroutines, _ = strconv.Atoi(words[i+1])
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	f.descriptors = len(files)
	f.resident = residentMB(t, p.cmd.Process.Pid)
	return f
}

// TestSoak makes hundreds of calls to the Echo Test, both ends of which run in the
// program, ten at a time, some held, some recorded. What the program holds after
// them all is what it held before the last of them.
func TestSoak(t *testing.T) {
	t.Setenv("GOGC", "10") // memory in use is then what is held, but for a tenth
	a := startPhone(t, nil, phoneConfig{})
	soak(t, a, soakWarmUp)
	before := settled(t, a, footprint{})
	soak(t, a, soakCalls)
	limit := before
	limit.resident += soakGrowth
	after := settled(t, a, limit)
	t.Logf("before %v, after %v", before, after)
	if after.goroutines > before.goroutines || after.descriptors > before.descriptors {
		t.Errorf("after %d more calls: %v, want no more than the %v before", soakCalls, after, before)
	}
	if grown := after.resident - before.resident; grown > soakGrowth {
		t.Errorf("resident memory grew by %.1f MB over %d calls, want at most %d MB", grown, soakCalls, soakGrowth)
	}
	if got := a.do(t, "SEARCH ACTIVECALLS"); got != "CALLS" {
		t.Errorf("SEARCH ACTIVECALLS = %q, want none", got)
	}
}

// settled waits until a holds no more than limit, and returns what it holds then.
// Transactions over UDP wait 32 seconds for retransmissions (RFC 3261 section
// 17.2.2), and memory that they held goes back to the system little by little.
func settled(t *testing.T, a *phone, limit footprint) footprint {
	t.Helper()
	var f footprint
	poll(60*time.Second, func() bool {
		f = a.footprint(t)
		return f.goroutines <= limit.goroutines && f.descriptors <= limit.descriptors &&
			f.resident <= limit.resident
	})
	return f
}

func soak(t *testing.T, a *phone, calls int) {
	t.Helper()
	for done := 0; done < calls; done += soakAtOnce {
		ids := make([]string, soakAtOnce)
		for i := range ids {
			ids[i] = a.dial(t, "echo")
		}
		for _, id := range ids {
			a.awaitStatus(t, id, "INPROGRESS")
		}
		last := ids[len(ids)-1]
		a.do(t, "ALTER CALL %s RECORD", last)
		// One is spoken to at a time: all but one are on hold. If that one is the
		// first, it cannot be resumed.
		_, _ = a.try(t, "ALTER CALL %s RESUME", ids[0])
		for _, id := range ids {
			a.finish(t, id)
		}
	}
}
