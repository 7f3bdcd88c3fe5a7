package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A benchPlan says how long the measurements take.
type benchPlan struct {
	rounds  int           // of what takes milliseconds
	calls   int           // of what takes a call each
	windows int           // how often a window is opened
	idle    time.Duration // how long idling is watched
	call    time.Duration // how long a call is watched
	listen  time.Duration // how long a delay is watched
}

var (
	fullBench  = benchPlan{rounds: 60, calls: 25, windows: 9, idle: 30 * time.Second, call: time.Minute, listen: 10 * time.Second}
	shortBench = benchPlan{rounds: 10, calls: 5, windows: 3, idle: 5 * time.Second, call: 8 * time.Second, listen: 6 * time.Second}
)

// TestBench measures Parley beside baresip, and its window beside an empty one,
// and writes a report. It needs a quiet machine and about twelve minutes, so it
// runs only where PARLEY_BENCH names the report; PARLEY_BENCH_SHORT makes it
// short, to see whether it works.
func TestBench(t *testing.T) {
	path := os.Getenv("PARLEY_BENCH")
	if path == "" {
		t.Skip("make bench measures")
	}
	plan := fullBench
	if os.Getenv("PARLEY_BENCH_SHORT") != "" {
		plan = shortBench
	}
	need(t, "baresip", "pulseaudio", "parec", "paplay", "Xvfb", "openbox")
	binary, err := buildPhone()
	if err != nil {
		t.Fatal(err)
	}
	report := newBenchReport(t, binary)
	for _, part := range []struct {
		name string
		run  func(*testing.T, benchPlan, *benchReport)
	}{
		{"window", benchWindow},
		{"signaling", benchSignaling},
		{"delay", benchDelay},
		{"load", benchLoad},
		{"search", benchSearch},
		{"lan", benchLAN},
	} {
		if only := os.Getenv("PARLEY_BENCH_ONLY"); only != "" && only != part.name {
			continue
		}
		begun := time.Now()
		if !t.Run(part.name, func(t *testing.T) { part.run(t, plan, report) }) {
			report.failed(part.name)
		}
		t.Logf("%s took %v", part.name, time.Since(begun).Round(time.Second))
	}
	if err := report.write(path); err != nil {
		t.Fatal(err)
	}
	if abs, err := filepath.Abs(path); err == nil {
		fmt.Println("The figures are in", abs)
	}
}
