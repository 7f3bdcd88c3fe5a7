package interop

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"parley/media/mediatest"
	"parley/media/wav"
	"parley/storage"
)

// A benched is a phone that is measured.
type benched interface {
	pid() int
	uri() string // where it is called, without a server
	addr() net.Addr
	call(t testing.TB, target string) // returns once the command was accepted
	answer(t testing.TB)              // waits until it rings
	hangUp(t testing.TB)              // does nothing where no call is left
}

// A benchConfig says how a phone is set up.
type benchConfig struct {
	Codec      string // as Parley names it; "" is all of them
	PacketTime time.Duration
	LowDelay   bool     // as between neighbours; of the engine alone
	Host       *machine // where Parley runs and has neighbours; nil: on the loopback interface, without
	Secure     bool     // insists on SRTP, keys in clear
	Manual     bool     // waits to be told to answer
	In, Out    string
	Speech     time.Duration // length of what baresip says, where In is empty
}

// A benchedParley is ours.
type benchedParley struct {
	*phone
	at string
	id string // of the last call
}

// benchParley starts Parley without an account that needs a server.
func benchParley(t testing.TB, c benchConfig) *benchedParley {
	t.Helper()
	b := newBenchedParley(t, c)
	b.run(t)
	return b
}

// newBenchedParley makes a profile and starts nothing.
func newBenchedParley(t testing.TB, c benchConfig) *benchedParley {
	t.Helper()
	at := address(freePorts(t, 2))
	if c.In == "" {
		c.In = "file:" + benchSpeech(t, 11, 12*time.Second)
	}
	b := &benchedParley{at: at, phone: newPhone(t, nil, phoneConfig{Host: c.Host})}
	if c.Out == "" {
		c.Out = "file:" + b.played
	}
	// The last one of a flag counts.
	if c.Host == nil {
		b.args = append(b.args, "--sip-listen", at)
	}
	b.args = append(b.args, "--audio-in", c.In, "--audio-out", c.Out, "--trace-sip", "", "--log-level", "warn")
	p, err := storage.Open(b.profile, storage.Options{Secrets: storage.SecretsFile, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.Settings().Update(func(s *storage.Settings) { c.apply(s) })
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return b
}

// apply puts what is to be measured into the settings.
func (c benchConfig) apply(s *storage.Settings) {
	s.General.FirstRunDone = true
	s.Calls.DirectCalls = true
	if c.Codec != "" {
		s.Audio.Codecs = []string{c.Codec}
	}
	switch {
	case c.PacketTime == 0:
	case c.Host != nil:
		s.Bonjour.PacketTime = c.PacketTime
	default:
		s.Audio.PacketTime = c.PacketTime
	}
	if c.Secure {
		a := storage.NewAccount("bench@" + loopback)
		a.Registration, a.Transport = false, storage.TransportUDP
		a.SRTP, a.SRTPInClear = storage.SRTPRequire, true
		s.Accounts = append(s.Accounts, a)
	}
}

func (b *benchedParley) pid() int { return b.cmd.Process.Pid }
func (b *benchedParley) uri() string {
	if b.config.Host != nil {
		return b.config.who() // as its neighbours see it
	}
	return "sip:bench@" + b.at
}

func (b *benchedParley) addr() net.Addr {
	a, err := net.ResolveUDPAddr("udp", b.at)
	if err != nil {
		panic(err) // it was put together here
	}
	return a
}

func (b *benchedParley) call(t testing.TB, target string) { b.id = b.dial(t, target) }

func (b *benchedParley) answer(t testing.TB) {
	b.id = b.ringing(t)
	b.do(t, "ALTER CALL %s ANSWER", b.id)
}

func (b *benchedParley) hangUp(t testing.TB) {
	if b.id != "" {
		_, _ = b.try(t, "ALTER CALL %s HANGUP", b.id) // it may have ended by itself
	}
}

// A benchedBaresip is the phone beside ours.
type benchedBaresip struct {
	*process
	ctl *control
	at  string
}

// benchBaresip starts baresip without a server.
func benchBaresip(t testing.TB, c benchConfig) *benchedBaresip {
	t.Helper()
	dir, control := t.TempDir(), freePorts(t, 1)
	media := freePorts(t, 40)
	b := &benchedBaresip{at: address(freePorts(t, 2))}
	if c.In == "" {
		c.In = "aufile," + benchSpeech(t, 12, max(c.Speech, 10*time.Second))
	}
	err := fillIn("bench-baresip.config", dir, map[string]any{
		"Address": b.at, "IP": loopback, "ControlPort": control, "MediaPort": media, "LastMediaPort": media + 39,
		"Source": c.In, "Player": c.Out, "Modules": baresipModules(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "bench-baresip.config"), filepath.Join(dir, "config")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"accounts": c.account(), "contacts": "\"nobody\" <sip:nobody@" + testDomain + ">\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b.process, err = start("baresip", dir, "baresip", "-4", "-f", dir); err != nil {
		t.Fatal(err)
	}
	b.stopWith(t)
	b.ctl = dialControl(t, nil, loopback, control)
	return b
}

// account is baresip's file accounts.
func (c benchConfig) account() string {
	line := "<sip:bench@" + loopback + ">;regint=0;mwi=no;pubint=0;answermode=" + map[bool]string{true: "manual", false: "auto"}[c.Manual]
	line += ";ptime=" + strconv.FormatInt(cmp.Or(c.PacketTime, 20*time.Millisecond).Milliseconds(), 10)
	if theirs := map[string]string{"opus": "opus/48000/2", "PCMA": "pcma", "G722": "G722/16000/1"}[c.Codec]; theirs != "" {
		line += ";audio_codecs=" + theirs
	}
	if c.Secure {
		line += ";mediaenc=srtp-mand"
	}
	return line + "\n"
}

func (b *benchedBaresip) pid() int    { return b.cmd.Process.Pid }
func (b *benchedBaresip) uri() string { return "sip:bench@" + b.at }

func (b *benchedBaresip) addr() net.Addr {
	a, err := net.ResolveUDPAddr("udp", b.at)
	if err != nil {
		panic(err) // it was put together here
	}
	return a
}

func (b *benchedBaresip) call(t testing.TB, target string) { b.ctl.do(t, "dial", target) }

// answer does nothing: it answers by itself.
func (b *benchedBaresip) answer(testing.TB) {}

// hangUp does not wait for the answer, which comes after that to its BYE.
func (b *benchedBaresip) hangUp(t testing.TB) {
	t.Helper()
	const command = `{"command":"hangup","token":"bye"}`
	if _, err := fmt.Fprintf(b.ctl.conn, "%d:%s,", len(command), command); err != nil {
		t.Fatal(err)
	}
}

// benchSpeech writes speech of that length to a file.
func benchSpeech(t testing.TB, seed uint64, length time.Duration) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("speech-%d.wav", seed))
	writeSound(t, path, mediatest.Speech(seed, int(length.Seconds()*sampleRate), sampleRate))
	return path
}

func writeSound(t testing.TB, path string, sound []float32) {
	t.Helper()
	w, err := wav.Create(path, sampleRate, 1)
	if err == nil {
		if err = w.Write(sound); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
