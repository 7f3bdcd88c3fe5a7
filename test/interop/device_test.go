package interop

import (
	"strings"
	"testing"
	"time"
)

// TestSoundComesAndGoes takes the sound away from a call that is up, as
// desktops do: the chosen devices are removed and put back, and then the sound
// server dies. Each time it is told, and the call goes on.
func TestSoundComesAndGoes(t *testing.T) {
	need(t, "pulseaudio", "pactl")
	b := startBay(t)
	p := startPhone(t, nil, phoneConfig{Args: []string{"--audio-in", "A_mic", "--audio-out", "A_spk"}})
	id := p.dial(t, "echo")
	p.awaitStatus(t, id, "INPROGRESS")
	talk(time.Second)

	modules := pulseModules(t)
	for _, m := range modules {
		pactl(t, "unload-module", m.number)
	}
	p.awaitNote(t, 15*time.Second, "AUDIO INPUT LOST A_mic")
	p.awaitNote(t, 15*time.Second, "AUDIO OUTPUT LOST A_spk")
	p.stillCalls(t, id, "its devices were removed")

	for _, m := range modules {
		pactl(t, append([]string{"load-module", m.name}, strings.Fields(m.arguments)...)...)
	}
	p.awaitNote(t, 15*time.Second, "AUDIO INPUT RESTORED A_mic")
	p.awaitNote(t, 15*time.Second, "AUDIO OUTPUT RESTORED A_spk")
	p.stillCalls(t, id, "its devices were back")

	b.stop()
	eventually(t, 15*time.Second, "the loss of the server is told", func() bool {
		return len(p.notifications("AUDIO OUTPUT LOST A_spk")) == 2
	})
	p.stillCalls(t, id, "the sound server died")
	p.finish(t, id)
}

// stillCalls fails the test unless the call is up and packets go both ways.
func (p *phone) stillCalls(t *testing.T, id, after string) {
	t.Helper()
	p.is(t, id, "INPROGRESS")
	before := p.get(t, "CALL "+id+" STATS")
	talk(500 * time.Millisecond)
	if now := p.get(t, "CALL "+id+" STATS"); now == before {
		t.Errorf("nothing is sent or received after %s: %s", after, now)
	}
}

// A pulseModule is a part of the sound server that can be taken out and put back.
type pulseModule struct{ number, name, arguments string }

// pulseModules returns the microphone and the speaker of phone A.
func pulseModules(t *testing.T) []pulseModule {
	t.Helper()
	out := pactl(t, "list", "short", "modules")
	var list []pulseModule
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) >= 3 && (strings.Contains(f[2], "source_name=A_mic ") || strings.Contains(f[2], "sink_name=A_spk ")) {
			list = append(list, pulseModule{f[0], f[1], f[2]})
		}
	}
	if len(list) != 2 {
		t.Fatalf("PulseAudio has %d modules of phone A, want 2:\n%s", len(list), out)
	}
	return list
}

// pactl tells the sound server something, or fails the test.
func pactl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := output(5*time.Second, "pactl", args...)
	if err != nil {
		t.Fatalf("pactl %v: %v\n%s", args, err, out)
	}
	return string(out)
}
