package interop

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A usage is what a process has needed.
type usage struct {
	share  float64 // of one core
	memory float64 // resident at the end, in MB
}

func (u usage) String() string {
	if u.memory == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f %%, %.1f MB", 100*u.share, u.memory)
}

// A loadWatch is a process under watch.
type loadWatch struct {
	pid   int
	begun time.Time
	used  time.Duration
}

func watchLoad(t testing.TB, pid int) loadWatch {
	t.Helper()
	return loadWatch{pid, time.Now(), processorTime(t, pid)}
}

// end tells what the process has needed since.
func (w loadWatch) end(t testing.TB) usage {
	t.Helper()
	used := processorTime(t, w.pid) - w.used
	return usage{used.Seconds() / time.Since(w.begun).Seconds(), residentMB(t, w.pid)}
}

// processorTime is the user and system time of a process and all its threads.
func processorTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	f := strings.Fields(rest)
	if len(f) < 13 {
		t.Fatalf("/proc/%d/stat = %q", pid, text)
	}
	const ticks = 100 // a second, on every Linux
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		t.Fatalf("/proc/%d/stat = %q", pid, text)
	}
	return time.Duration(user+system) * time.Second / ticks
}

func residentMB(t testing.TB, pid int) float64 {
	t.Helper()
	var kB float64
	text := field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS")
	if _, err := fmt.Sscanf(text, "%g kB", &kB); err != nil {
		t.Fatalf("resident memory of %d: %q", pid, text)
	}
	return kB / 1000
}

// benchLoad measures what idling and calls need.
func benchLoad(t *testing.T, plan benchPlan, report *benchReport) {
	s := report.section("Processor and memory, no window", "baresip")
	t.Run("idle", func(t *testing.T) {
		a, b := benchParley(t, benchConfig{Out: "null"}), benchBaresip(t, benchConfig{})
		talk(settle)
		ours, theirs := watchTwo(t, a.pid(), b.pid(), plan.idle)
		s.add(benchRow{What: "idle", Ours: ours.String(), Theirs: theirs.String()}, 0, 0)
	})
	for _, c := range []struct {
		name, aim string
		config    benchConfig
	}{
		{"Opus call", "≤ 5 % of a core", benchConfig{Codec: "opus"}},
		{"PCMA call", "", benchConfig{Codec: "PCMA"}},
		{"Opus call, SRTP", "≤ 5 % of a core", benchConfig{Codec: "opus", Secure: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Speech = plan.call + 20*time.Second
			b := benchBaresip(t, c.config)
			c.config.Out = "null"
			a := benchParley(t, c.config)
			a.call(t, b.uri())
			a.awaitStatus(t, a.id, "INPROGRESS")
			talk(settle)
			ours, theirs := watchTwo(t, a.pid(), b.pid(), plan.call)
			if !strings.Contains(strings.ToUpper(a.get(t, "CALL "+a.id+" STATUS")), "INPROGRESS") {
				t.Error("the call has ended while it was watched")
			}
			a.hangUp(t)
			s.add(benchRow{What: c.name, Aim: c.aim, Ours: ours.String(), Theirs: theirs.String()}, ours.share, 0.05)
		})
	}
}

// watchTwo watches two processes at the same time.
func watchTwo(t testing.TB, a, b int, length time.Duration) (usage, usage) {
	t.Helper()
	first, second := watchLoad(t, a), watchLoad(t, b)
	talk(length)
	return first.end(t), second.end(t)
}
