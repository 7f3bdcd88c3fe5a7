package device

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"github.com/gen2brain/malgo"
	"github.com/google/go-cmp/cmp"

	"parley/internal/leaktest"
	"parley/media"
)

const toneHz = 1000

// play writes a tone until the device fails or is closed, and returns why.
func play(p media.Playback) error {
	frame := make([]float32, media.FrameSamples)
	for at := 0; ; at += len(frame) {
		for i := range frame {
			frame[i] = float32(0.5 * math.Sin(2*math.Pi*toneHz*float64(at+i)/media.SampleRate))
		}
		if err := p.Write(frame); err != nil {
			return err
		}
	}
}

// listen reads for that long.
func listen(t *testing.T, c media.Capture, d time.Duration) []float32 {
	t.Helper()
	all := make([]float32, int(d/media.FrameDuration)*media.FrameSamples)
	for i := 0; i < len(all); i += media.FrameSamples {
		if err := c.Read(all[i : i+media.FrameSamples]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// purity returns the level of the tone in s and the part of the energy that is
// something else.
func purity(s []float32) (level, rest float64) {
	var re, im, energy float64
	for i, v := range s {
		sin, cos := math.Sincos(2 * math.Pi * toneHz * float64(i) / media.SampleRate)
		re += float64(v) * cos
		im += float64(v) * sin
		energy += float64(v) * float64(v)
	}
	n := float64(len(s))
	level = 2 * math.Hypot(re, im) / n
	if energy == 0 {
		return 0, 1
	}
	return level, max(0, 1-level*level/2*n/energy)
}

// impureWindows counts the 20 ms windows that hold more than the tone.
func impureWindows(s []float32) int {
	const window = media.SampleRate / 50
	n := 0
	for ; len(s) >= window; s = s[window:] {
		if level, rest := purity(s[:window]); rest > 0.01 || level < 0.4 {
			n++
		}
	}
	return n
}

func openBoth(t *testing.T, d *Driver, speaker, microphone string) (media.Playback, media.Capture) {
	t.Helper()
	out, err := d.OpenPlayback(speaker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	in, err := d.OpenCapture(microphone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return out, in
}

// impureAllowed is how many windows of a hundred may hold more than the tone.
const impureAllowed = 5

// What is played is heard again, and nothing else. A busy machine may cost gaps,
// so one clean listening out of several will do; a broken path has none.
func TestToneThroughPulse(t *testing.T) {
	leaktest.Check(t)
	p := newPulse(t)
	p.start(t)
	d := newTestDriver(t)
	out, in := openBoth(t, d, "", "Monitor of Speaker")
	played := make(chan error, 1)
	go func() { played <- play(out) }()
	const windows = 100
	bad := windows
	for try := 0; try < 10 && bad > impureAllowed; try++ {
		listen(t, in, 500*time.Millisecond) // null sinks begin with up to 2 s of nothing
		heard := listen(t, in, windows*20*time.Millisecond)
		bad = impureWindows(heard)
		level, _ := purity(heard[:9600])
		t.Logf("level %.3f, %d of %d windows impure, playback %+v, capture %+v, latencies %v and %v",
			level, bad, windows, out.(*Playback).Counters(), in.(*Capture).Counters(), out.Latency(), in.Latency())
	}
	if bad > impureAllowed {
		t.Errorf("windows of 20 ms that hold more than the tone = %d of %d", bad, windows)
	}
	if err := out.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if err := <-played; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write after Close = %v, want %v", err, io.ErrClosedPipe)
	}
	if err := in.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if err := in.Read(make([]float32, 480)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Read after Close = %v, want %v", err, io.ErrClosedPipe)
	}
	if got := out.(*Playback).Counters().Callbacks; got == 0 {
		t.Error("counters are gone after Close")
	}
}

func TestDevicesOfPulse(t *testing.T) {
	p := newPulse(t)
	p.start(t)
	d := newTestDriver(t)
	got, err := d.Devices()
	if err != nil {
		t.Fatal(err)
	}
	want := []media.DeviceInfo{
		{ID: "speaker.monitor", Name: "Monitor of Speaker", Input: true, Default: true},
		{ID: "cable.monitor", Name: "Monitor of Cable", Input: true},
		{ID: "speaker", Name: "Speaker", Output: true, Default: true},
		{ID: "cable", Name: "Cable", Output: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Devices() (-want +got):\n%s", diff)
	}
	for _, id := range []string{"", "cable", "Cable", "cABLE"} {
		out, err := d.OpenPlayback(id)
		if err != nil {
			t.Errorf("OpenPlayback(%q): %v", id, err)
			continue
		}
		out.Close()
	}
	for _, id := range []string{"speaker.monitor", "nothing", "hex:00"} {
		if _, err := d.OpenPlayback(id); !errors.Is(err, media.ErrNoDevice) {
			t.Errorf("OpenPlayback(%q) = %v, want %v", id, err, media.ErrNoDevice)
		}
	}
}

// within fails the test if f takes longer than limit. It does not wait for it.
func within(t *testing.T, what string, limit time.Duration, f func() error) error {
	t.Helper()
	result := make(chan error, 1)
	start := time.Now()
	go func() { result <- f() }()
	select {
	case err := <-result:
		t.Logf("%s: %v after %v", what, err, time.Since(start).Round(time.Millisecond))
		return err
	case <-time.After(limit):
		t.Fatalf("%s took longer than %v", what, limit)
		return nil
	}
}

func TestDevicesVanish(t *testing.T) {
	tests := []struct {
		name   string
		vanish func(*testing.T, *pulse)
		back   func(*testing.T, *pulse)
	}{
		{
			"devices are removed",
			func(t *testing.T, p *pulse) { p.ctl(t, "unload-module", "module-null-sink") },
			func(t *testing.T, p *pulse) {
				p.ctl(t, "load-module", "module-null-sink", "sink_name=speaker", "rate=48000", "channels=2")
			},
		},
		{
			"server dies",
			func(_ *testing.T, p *pulse) { p.kill() },
			func(t *testing.T, p *pulse) { p.start(t) },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			leaktest.Check(t)
			p := newPulse(t)
			p.start(t)
			d := newTestDriver(t)
			out, in := openBoth(t, d, "", "")
			played := make(chan error, 1)
			go func() { played <- play(out) }()
			listen(t, in, 300*time.Millisecond)

			tt.vanish(t, p)
			err := within(t, "Read of a vanished device", 3*time.Second, func() error {
				frame := make([]float32, media.FrameSamples)
				for {
					if err := in.Read(frame); err != nil {
						return err
					}
				}
			})
			if !errors.Is(err, media.ErrDeviceGone) {
				t.Errorf("Read of a vanished device = %v, want %v", err, media.ErrDeviceGone)
			}
			err = within(t, "Write to a vanished device", 3*time.Second, func() error { return <-played })
			if !errors.Is(err, media.ErrDeviceGone) {
				t.Errorf("Write to a vanished device = %v, want %v", err, media.ErrDeviceGone)
			}
			for _, c := range []io.Closer{in, out} {
				if err := within(t, "Close of a vanished device", 3*time.Second, c.Close); err != nil {
					t.Errorf("Close of a vanished device = %v", err)
				}
			}
			err = within(t, "OpenPlayback with no device", 10*time.Second, func() error {
				out, err := d.OpenPlayback("")
				if err == nil {
					out.Close()
				}
				return err
			})
			if !errors.Is(err, media.ErrNoDevice) {
				t.Errorf("OpenPlayback with no device = %v, want %v", err, media.ErrNoDevice)
			}

			tt.back(t, p)
			deadline := time.Now().Add(10 * time.Second)
			for { // as the engine does, until the better sound service is noticed
				if out, err = d.OpenPlayback(""); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("OpenPlayback after the device came back: %v", err)
				}
				<-time.After(100 * time.Millisecond)
			}
			if err := within(t, "Write after the device came back", 3*time.Second, func() error {
				return out.Write(make([]float32, media.FrameSamples))
			}); err != nil {
				t.Errorf("Write after the device came back = %v", err)
			}
			if err := out.Close(); err != nil {
				t.Errorf("Close() = %v", err)
			}
		})
	}
}

// A server that hangs must not take anybody with it.
func TestServerHangs(t *testing.T) {
	leaktest.Check(t)
	p := newPulse(t)
	p.start(t)
	d := newTestDriver(t)
	out, in := openBoth(t, d, "", "")
	listen(t, in, 100*time.Millisecond)
	p.signal(t, stop)
	err := within(t, "Read from a hung server", 3*time.Second, func() error {
		frame := make([]float32, media.FrameSamples)
		for {
			if err := in.Read(frame); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, media.ErrDeviceGone) {
		t.Errorf("Read from a hung server = %v, want %v", err, media.ErrDeviceGone)
	}
	if err := within(t, "Close with a hung server", 3*time.Second, in.Close); !errors.Is(err, ErrTimeout) {
		t.Errorf("Close with a hung server = %v, want %v", err, ErrTimeout)
	}
	err = within(t, "OpenCapture from a hung server", askAfter+3*time.Second, func() error {
		_, err := d.OpenCapture("")
		return err
	})
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("OpenCapture from a hung server = %v, want %v", err, ErrTimeout)
	}
	p.signal(t, resume)
	if err := within(t, "Close after the server woke up", 5*time.Second, in.Close); err != nil {
		t.Errorf("Close after the server woke up = %v", err)
	}
	if err := within(t, "Close of the other device", 5*time.Second, out.Close); err != nil {
		t.Errorf("Close of the other device = %v", err)
	}
}

// withoutSound makes the process find neither PulseAudio nor a sound card.
func withoutSound(t *testing.T) {
	t.Helper()
	if cards, _ := filepath.Glob("/dev/snd/pcm*"); len(cards) > 0 {
		t.Skip("this machine has a sound card")
	}
	dir := t.TempDir()
	t.Setenv("PULSE_SERVER", "unix:"+filepath.Join(dir, "none"))
}

func TestNoDeviceAtAll(t *testing.T) {
	leaktest.Check(t)
	withoutSound(t)
	d := newTestDriver(t)
	infos, err := d.Devices()
	if err != nil || len(infos) != 0 {
		t.Errorf("Devices() = %v, %v, want none", infos, err)
	}
	_, err = d.OpenCapture("")
	if !errors.Is(err, media.ErrNoDevice) {
		t.Errorf("OpenCapture = %v, want %v", err, media.ErrNoDevice)
	}
	if e, ok := errors.AsType[*media.DeviceError](err); !ok || e.Op != "open" {
		t.Errorf("OpenCapture = %#v, want a DeviceError", err)
	}
	if _, err := d.OpenPlayback("Speaker"); !errors.Is(err, media.ErrNoDevice) {
		t.Errorf("OpenPlayback = %v, want %v", err, media.ErrNoDevice)
	}
}

func TestClosedDriver(t *testing.T) {
	leaktest.Check(t)
	d := New(slog.New(slog.DiscardHandler))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
	if _, err := d.OpenCapture(""); !errors.Is(err, media.ErrNoDevice) {
		t.Errorf("OpenCapture of a closed driver = %v, want %v", err, media.ErrNoDevice)
	}
}

// miniaudio's own null device needs no sound service, so this runs everywhere:
// the layout of miniaudio is the one we know, and both directions move.
func TestNullBackend(t *testing.T) {
	leaktest.Check(t)
	const null = malgo.BackendNull + 1 // malgo counts one too few
	d := newDriver(slog.New(slog.DiscardHandler), []malgo.Backend{null})
	t.Cleanup(func() { d.Close() })
	out, in := openBoth(t, d, "", "")
	played := make(chan error, 1)
	go func() { played <- play(out) }()
	for i, v := range listen(t, in, 500*time.Millisecond) {
		if v != 0 {
			t.Fatalf("sample %d from the null device = %v, want 0", i, v)
		}
	}
	for _, n := range []Counters{out.(*Playback).Counters(), in.(*Capture).Counters()} {
		if n.Callbacks < 10 || n.PeriodSamples == 0 {
			t.Errorf("counters = %+v, want a callback for each period", n)
		}
	}
}

// Memory that is not the ma_device we know is left alone.
func TestUnknownLayout(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the words below are those of a 64-bit machine")
	}
	d := newDriver(slog.New(slog.DiscardHandler), []malgo.Backend{malgo.BackendNull + 1})
	t.Cleanup(func() { d.Close() })
	c, err := d.OpenCapture("")
	if err != nil {
		t.Fatal(err)
	}
	s := c.(*Capture).stream
	known := *(*[8]uintptr)(rawDevice(s.dev)) // a copy of its beginning
	if err := s.attach(unsafe.Pointer(&known), malgo.Capture); err != nil {
		t.Fatalf("attach to the device's own layout = %v", err)
	}
	for _, field := range []int{0, 1, 3, 4, 6} { // context, type and rate, the callbacks, user data
		other := known
		other[field] = 0
		want := other
		if err := s.attach(unsafe.Pointer(&other), malgo.Capture); !errors.Is(err, ErrLayout) {
			t.Errorf("attach with word %d different = %v, want %v", field, err, ErrLayout)
		}
		if other != want {
			t.Errorf("attach with word %d different changed the device", field)
		}
	}
	if err := s.attach(nil, malgo.Capture); !errors.Is(err, ErrLayout) {
		t.Errorf("attach to nothing = %v, want %v", err, ErrLayout)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
}

// A reader that was away gets no backlog.
func TestLateReaderIsNotDelayed(t *testing.T) {
	leaktest.Check(t)
	d := newDriver(slog.New(slog.DiscardHandler), []malgo.Backend{malgo.BackendNull + 1})
	t.Cleanup(func() { d.Close() })
	c, err := d.OpenCapture("")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := c.(*Capture)
	listen(t, in, 20*time.Millisecond)
	for in.ring.Len() <= lateSamples { // the reader is away
		<-time.After(10 * time.Millisecond)
	}
	listen(t, in, 10*time.Millisecond)
	if got := in.ring.Len(); got > 2*media.FrameSamples {
		t.Errorf("samples that wait after the reader came back = %d, want at most %d", got, 2*media.FrameSamples)
	}
	if got := in.Counters().Skipped; got < 7 {
		t.Errorf("frames skipped = %d, want at least 7", got)
	}
}

func TestIDText(t *testing.T) {
	tests := []struct{ id, want string }{
		{"alsa_output.pci-0000_00_1f.3\x00\x00\x00", "alsa_output.pci-0000_00_1f.3"},
		{"\x00\x00", "hex:"},
		{"{\x000\x00.\x00\x00\x00", "hex:7b0030002e"},
		{"hex:41\x00", "hex:6865783a3431"},
		{"a\nb\x00", "hex:610a62"},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		got := idText([]byte(tt.id))
		if got != tt.want {
			t.Errorf("idText(%q) = %q, want %q", tt.id, got, tt.want)
		}
		if seen[got] {
			t.Errorf("idText(%q) is not unique", tt.id)
		}
		seen[got] = true
	}
}
