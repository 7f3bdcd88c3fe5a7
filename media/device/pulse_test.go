package device

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pulse is a PulseAudio server of the test's own, without hardware.
type pulse struct {
	dir string
	cmd *exec.Cmd
	log bytes.Buffer
}

// newPulse prepares a server and points this process's libpulse at it. Without
// PulseAudio the test is skipped, or fails on a CI machine.
func newPulse(t *testing.T) *pulse {
	t.Helper()
	for _, program := range []string{"pulseaudio", "pactl"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
	// Not t.TempDir: the path of a socket must be short.
	dir, err := os.MkdirTemp("", "parley-pulse-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &pulse{dir: dir}
	t.Setenv("PULSE_SERVER", "unix:"+p.socket())
	t.Setenv("PULSE_RUNTIME_PATH", dir)
	t.Setenv("PULSE_STATE_PATH", dir)
	t.Cleanup(p.kill)
	return p
}

func (p *pulse) socket() string { return filepath.Join(p.dir, "native") }

// start starts the server with a sink "speaker", a sink "cable" and its monitor
// as the source "microphone", at the hardware's rate.
func (p *pulse) start(t *testing.T) {
	t.Helper()
	script := fmt.Sprintf(`load-module module-native-protocol-unix auth-anonymous=1 socket=%s
load-module module-null-sink sink_name=speaker rate=48000 channels=2 sink_properties=device.description=Speaker
load-module module-null-sink sink_name=cable rate=48000 channels=2 sink_properties=device.description=Cable
set-default-sink speaker
set-default-source speaker.monitor
`, p.socket())
	file := filepath.Join(p.dir, "test.pa")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(p.socket())
	p.cmd = exec.Command("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1",
		"--disallow-module-loading=no", "--realtime=no", "--high-priority=no", "--log-target=stderr", "-F", file)
	p.cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+p.dir, "HOME="+p.dir)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(15 * time.Second)
	for {
		if out, err := exec.Command("pactl", "list", "short", "sinks").Output(); err == nil && strings.Contains(string(out), "cable") {
			return
		}
		if time.Now().After(deadline) {
			p.kill()
			t.Fatalf("pulseaudio did not start:\n%s", p.log.String())
		}
		<-time.After(50 * time.Millisecond)
	}
}

// kill ends the server at once, as a crash would.
func (p *pulse) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

// ctl runs pactl.
func (p *pulse) ctl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("pactl", args...).CombinedOutput(); err != nil {
		t.Fatalf("pactl %v: %v\n%s", args, err, out)
	}
}

// newTestDriver returns a driver that is closed with the test.
func newTestDriver(t *testing.T) *Driver {
	t.Helper()
	d := New(slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Driver.Close() = %v", err)
		}
	})
	return d
}
