package interop

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/media/mediatest"
)

// A bay is a PulseAudio of our own with the microphones and speakers of two
// phones, A and B.
type bay struct {
	*process
	dir, socket string
}

// The channels of a bay's recording.
const (
	micA = iota
	speakerA
	micB
	speakerB
	bayChannels
)

// startBay starts the sound server. Programs that the test starts from now on
// use it.
func startBay(t *testing.T) *bay {
	t.Helper()
	dir := shortDir(t)
	b := &bay{dir: dir, socket: filepath.Join(dir, "native")}
	type phone struct{ Name, Mic, Speaker string }
	err := fillIn("bench.pa", dir, map[string]any{
		"Socket": b.socket,
		"Phones": []phone{{"A", "front-left", "front-right"}, {"B", "rear-left", "rear-right"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.process, err = start("pulseaudio", dir, "env", "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "PULSE_RUNTIME_PATH="+dir, "PULSE_STATE_PATH="+dir,
		"pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disallow-module-loading=no",
		"--realtime=no", "--high-priority=no", "--log-target=stderr", "--resample-method=speex-float-3", "-F", filepath.Join(dir, "bench.pa"))
	if err != nil {
		t.Fatal(err)
	}
	b.stopWith(t)
	t.Setenv("PULSE_SERVER", "unix:"+b.socket)
	eventually(t, 10*time.Second, "PulseAudio answers", func() bool {
		_, err := output(2*time.Second, "pactl", "info")
		return err == nil
	})
	return b
}

// play plays samples into a sink, over and over, until the test ends.
func (b *bay) play(t testing.TB, sink string, sound []float32) {
	t.Helper()
	path := filepath.Join(t.TempDir(), sink+".wav")
	writeSound(t, path, sound)
	p, err := start("paplay-"+sink, b.dir, "paplay", "--latency-msec=20", "-d", sink, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
}

// parley is the configuration of a Parley that is phone A or B.
func (b *bay) parley(t *testing.T, name string, c benchConfig) benchConfig {
	t.Helper()
	c.In, c.Out = name+"_mic", name+"_spk"
	t.Setenv("PULSE_SOURCE", c.In)
	t.Setenv("PULSE_SINK", c.Out)
	return c
}

// baresip is the configuration of a baresip that is phone A or B: it reaches
// PulseAudio through ALSA's plug-in.
func (b *bay) baresip(t *testing.T, name string, c benchConfig) benchConfig {
	t.Helper()
	path := filepath.Join(b.dir, "asound.conf")
	if err := os.WriteFile(path, []byte("pcm.!default { type pulse }\nctl.!default { type pulse }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALSA_CONFIG_PATH", "/usr/share/alsa/alsa.conf:"+path)
	t.Setenv("PULSE_SOURCE", name+"_mic")
	t.Setenv("PULSE_SINK", name+"_spk")
	c.In, c.Out = "alsa,default", "alsa,default"
	return c
}

// record records the whole bay for a while.
func (b *bay) record(t testing.TB, length time.Duration) [bayChannels][]float32 {
	t.Helper()
	path := filepath.Join(b.dir, "bay.raw")
	p, err := start("parec", b.dir, "parec", "-d", "bay.monitor", "--latency-msec=50", "--rate=48000", "--channels=4",
		"--channel-map=front-left,front-right,rear-left,rear-right", "--format=s16le", "--raw", path)
	if err != nil {
		t.Fatal(err)
	}
	talk(length)
	p.stop()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var channels [bayChannels][]float32
	for ; len(data) >= 2*bayChannels; data = data[2*bayChannels:] {
		for i := range channels {
			channels[i] = append(channels[i], float32(int16(binary.LittleEndian.Uint16(data[2*i:])))/(1<<15))
		}
	}
	return channels
}

// steadyTone is a tone of five minutes.
func steadyTone(t testing.TB) []float32 {
	t.Helper()
	return mediatest.Tone(1000, 0.3, 300*sampleRate, sampleRate)
}
