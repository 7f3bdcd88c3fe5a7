package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// rootColor is behind all windows, so that it tells what is not painted yet.
const rootColor = 0xff00ff

// startScreen starts a screen without a monitor and a window manager. Programs
// that the test starts from now on use it.
func startScreen(t *testing.T) *xserver {
	t.Helper()
	dir := t.TempDir()
	display := 60
	for exists("/tmp/.X11-unix/X"+strconv.Itoa(display)) || exists(fmt.Sprintf("/tmp/.X%d-lock", display)) {
		display++
	}
	name := ":" + strconv.Itoa(display)
	server, err := start("Xvfb", dir, "Xvfb", name, "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-ac", "+extension", "GLX")
	if err != nil {
		t.Fatal(err)
	}
	server.stopWith(t)
	var x *xserver
	eventually(t, 10*time.Second, "Xvfb listens", func() bool {
		x, err = dialX(display)
		return err == nil
	})
	t.Cleanup(func() { x.conn.Close() })
	t.Setenv("DISPLAY", name)
	t.Setenv("LIBGL_ALWAYS_SOFTWARE", "1")
	manager, err := start("openbox", dir, "openbox")
	if err != nil {
		t.Fatal(err)
	}
	manager.stopWith(t)
	eventually(t, 10*time.Second, "openbox manages windows", func() bool {
		check, err := x.property(x.root, "_NET_SUPPORTING_WM_CHECK")
		return err == nil && len(check) > 0
	})
	if err := x.paintRoot(rootColor); err != nil {
		t.Fatal(err)
	}
	return x
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// A windowed is a program with a window that is measured.
type windowed struct {
	name, binary string
	args         []string
	text         bool // the window holds text, which must be painted too
}

// An opened is one whose window is there.
type opened struct {
	*process
	after         time.Duration
	width, height int
}

// open starts the program and waits until its window is painted.
func (w windowed) open(t *testing.T, x *xserver) opened {
	t.Helper()
	begun := time.Now()
	p, err := start(w.name, t.TempDir(), w.binary, w.args...)
	if err != nil {
		t.Fatal(err)
	}
	p.stopWith(t)
	o := opened{process: p}
	for deadline := begun.Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		window, err := x.windowOf(p.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if window != 0 {
			colors, err := x.pixels(window)
			if err == nil && painted(colors, w.text) {
				o.after = time.Since(begun)
				o.width, o.height, err = x.size(window)
				if err != nil {
					t.Fatal(err)
				}
				return o
			}
		}
		if !p.running() || time.Now().After(deadline) {
			t.Fatalf("%s shows no window: %s", w.name, tail(p.output(), 10))
		}
	}
}

// painted tells whether a window has drawn all of itself, and text where it has
// some: text is many colors that are not those of most pixels.
func painted(colors []uint32, text bool) bool {
	count := map[uint32]int{}
	for _, c := range colors {
		count[c]++
	}
	if len(colors) == 0 || count[rootColor] > 0 || len(count) == 1 && count[0] > 0 {
		return false
	}
	most := 0
	for _, n := range count {
		most = max(most, n)
	}
	return !text || len(count) >= 16 && len(colors)-most > len(colors)/200
}

// benchWindow measures the window beside an empty one.
func benchWindow(t *testing.T, plan benchPlan, report *benchReport) {
	s := report.section("Window", "empty Fyne window")
	x := startScreen(t)
	empty := windowed{name: "emptywindow", binary: filepath.Join(root, "emptywindow")}
	if out, err := exec.Command("go", "build", "-o", empty.binary, "parley/test/emptywindow").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := newBenchedParley(t, benchConfig{})
	ours := windowed{name: "parley", binary: p.binary, text: true}
	ours.args = append(slices.DeleteFunc(p.args, func(a string) bool { return a == "--headless" }), "--audio-in", "null", "--audio-out", "null")

	first := ours.open(t, x)
	first.stop()
	empty.args = []string{strconv.Itoa(first.width), strconv.Itoa(first.height)}
	empty.open(t, x).stop()
	var a, b samples
	for range plan.windows {
		o := ours.open(t, x)
		o.stop()
		a = append(a, o.after)
		o = empty.open(t, x)
		o.stop()
		b = append(b, o.after)
	}
	s.within("exec to usable window, warm", 600*time.Millisecond, a, b, fmt.Sprintf("%d × %d pixels", first.width, first.height))
	idleWindows(t, plan, s, ours.open(t, x), empty.open(t, x))
}

// idleWindows watches both windows at the same time.
func idleWindows(t *testing.T, plan benchPlan, s *benchSection, ours, empty opened) {
	t.Helper()
	talk(5 * time.Second)
	a, b := watchTwo(t, ours.cmd.Process.Pid, empty.cmd.Process.Pid, plan.idle)
	text := func(format string, v, w float64) string { return fmt.Sprintf(format+" (%.2f ×)", v, v/w) }
	s.add(benchRow{
		What: "resident memory of the window", Aim: "≤ 1.2 ×", Ours: text("%.1f MB", a.memory, b.memory), Theirs: fmt.Sprintf("%.1f MB", b.memory),
	}, a.memory, 1.2*b.memory)
	// Two ticks of 10 ms may fall on either side.
	tolerance := 0.02 / plan.idle.Seconds()
	ratio := text("%.2f %%", 100*a.share, 100*max(b.share, 0.01/plan.idle.Seconds()))
	s.add(benchRow{
		What: "processor while the window idles", Aim: "≤ 1.3 ×", Ours: ratio, Theirs: fmt.Sprintf("%.2f %%", 100*b.share),
		Note: fmt.Sprintf("of one core, over %v; ±%.2f %%", plan.idle, 100*tolerance),
	}, a.share, 1.3*b.share+tolerance)
}
