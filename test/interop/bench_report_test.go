package interop

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"
)

// A benchReport becomes docs/BENCHMARKS.md.
type benchReport struct {
	Date, Machine, Versions string
	Load                    [2]string // average before and after
	Sections                []*benchSection
	Failed                  []string
}

// A benchSection is one table.
type benchSection struct {
	Title string
	Other string // whom we are measured beside
	Rows  []benchRow
}

// A benchRow is one figure. Empty texts are shown as a dash.
type benchRow struct {
	What, Aim    string
	Ours, Theirs string
	Met          string
	Note         string
}

// missed are the reasons why figures miss their aims, by their names. A reason
// is shown only in a run in which the aim is missed.
var missed = map[string]string{
	"Opus call":       schedulerReason,
	"Opus call, SRTP": schedulerReason,
	"resident memory of the window": "an empty window draws no text: of the difference, about 20 MB are pages of our larger program file, " +
		"which the system can drop, and 9 MB the parsed fonts",
}

const schedulerReason = "the codec is what the PCMA call is cheaper by; most of the rest is Go's scheduler, which frames and packets " +
	"wake 250 times a second, and its monitor thread (a third)"

// section begins a table.
func (r *benchReport) section(title, other string) *benchSection {
	s := &benchSection{Title: title, Other: other}
	r.Sections = append(r.Sections, s)
	return s
}

// failed notes that a part could not be measured.
func (r *benchReport) failed(part string) { r.Failed = append(r.Failed, part) }

// add puts a figure into the table. value is judged against limit where aim is
// not empty.
func (s *benchSection) add(row benchRow, value, limit float64) {
	if row.Aim != "" {
		row.Met = "yes"
		switch {
		case row.Ours == "":
			row.Met = "**not measured**"
		case value > limit:
			row.Met = "**no**"
			row.Note = strings.TrimPrefix(row.Note+"; "+cmp.Or(missed[row.What], "missed in this run, not explained"), "; ")
		}
	}
	s.Rows = append(s.Rows, row)
}

// newBenchReport describes the machine.
func newBenchReport(t *testing.T, binary string) *benchReport {
	t.Helper()
	r := &benchReport{Date: time.Now().UTC().Format("2 January 2006"), Load: [2]string{loadAverage()}}
	r.Machine = fmt.Sprintf("%d cores of %s, %s of memory, %s %s",
		runtime.NumCPU(), field("/proc/cpuinfo", "model name"), gigabytes(field("/proc/meminfo", "MemTotal")),
		runtime.GOOS, strings.TrimSpace(readText("/proc/sys/kernel/osrelease")))
	var all []string
	for _, c := range [][]string{
		{binary, "version"}, {"git", "log", "-1", "--format=commit %h"}, {"baresip", "-h"}, {"pulseaudio", "--version"},
	} {
		if v := version(c[0], c[1:]...); v != "" {
			all = append(all, v)
		}
	}
	r.Versions = strings.Join(append(all, runtime.Version()), ", ")
	return r
}

// version is the first line that a program says about itself, cut short.
func version(program string, args ...string) string {
	cmd := exec.Command(program, args...)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, _ := cmd.Output()
	for line := range strings.Lines(string(out) + errors.String()) {
		line = strings.Trim(line, ".: \n")
		if before, _, ok := strings.Cut(line, " Copyright"); ok {
			line = before
		}
		if strings.ContainsAny(line, "0123456789") || strings.HasPrefix(line, "Parley") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	return ""
}

// write fills in testdata/benchmarks.md.
func (r *benchReport) write(path string) error {
	r.Load[1] = loadAverage()
	tmpl, err := template.ParseFiles(filepath.Join("testdata", "benchmarks.md"))
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = tmpl.Execute(f, r)
	return cmp.Or(err, f.Close())
}

// field returns the value of the first line "NAME: VALUE" of a file.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return "?"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if n, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(v)
		}
	}
	return "?"
}

func readText(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

func loadAverage() string {
	f := strings.Fields(readText("/proc/loadavg"))
	if len(f) == 0 {
		return "?"
	}
	return f[0]
}

// gigabytes turns "8123456 kB" into "8 GB".
func gigabytes(text string) string {
	var kB float64
	if _, err := fmt.Sscanf(text, "%g kB", &kB); err != nil {
		return text
	}
	return fmt.Sprintf("%.0f GB", kB/1e6)
}

// samples are measurements of one thing.
type samples []time.Duration

// quantile returns the value that the part q of the samples does not exceed.
func (s samples) quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (s samples) median() time.Duration { return s.quantile(0.5) }

// String tells median, 95 % and number, as the table shows them.
func (s samples) String() string {
	if len(s) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (95 %%: %s, n %d)", ms(s.median()), ms(s.quantile(0.95)), len(s))
}

// ms writes a time in milliseconds.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	if v >= 20 {
		return fmt.Sprintf("%.0f ms", v)
	}
	return fmt.Sprintf("%.1f ms", v)
}

// within adds times that have an aim; limit 0 is none.
func (s *benchSection) within(what string, limit time.Duration, ours, theirs samples, note string) {
	row := benchRow{What: what, Ours: ours.String(), Theirs: theirs.String(), Note: note}
	if limit > 0 {
		row.Aim = "≤ " + aimText(limit)
	}
	s.add(row, float64(ours.median()), float64(limit))
}

func aimText(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
