package interop

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// How long a call of the table lasts.
const callLength = 6 * time.Second

// codecCases are the calls whose sound is proven in both directions.
var codecCases = []struct {
	codec      string // as Parley names it
	theirs     string // as baresip does
	encryption string // baresip's: "" is plain RTP
	srtp       string // Parley's setting
	transport  string
}{
	{"PCMA", "pcma", "", "prefer", "udp"},
	{"G722", "G722/16000/1", "", "prefer", "udp"},
	{"opus", "opus/48000/2", "", "prefer", "tcp"},
	{"PCMA", "pcma", "srtp", "prefer", "tls"},
	{"G722", "G722/16000/1", "srtp-mand", "require", "tls"},
	{"opus", "opus/48000/2", "srtp-mand", "require", "tls"},
}

// TestCodecs calls out and in with each codec, plain and encrypted, and compares
// what both sides hear with what the other said.
func TestCodecs(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for _, c := range codecCases {
		name := strings.ToLower(c.codec) + "-" + c.transport
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startPhone(t, k, phoneConfig{User: "alice-" + name, Transport: c.transport, Settings: []string{"srtp=" + c.srtp}})
			settings := baresipConfig{Transport: c.transport, Codecs: c.theirs, Encryption: c.encryption}
			call := codecCall{codec: c.codec, secure: c.encryption != ""}
			out, in := settings, settings
			out.User, in.User = "bob-"+name, "carol-"+name
			b, c := startBaresip(t, k, out), startBaresip(t, k, in)
			fairly(t, func() (time.Duration, error) { return call.out(t, a, b) })
			fairly(t, func() (time.Duration, error) { return call.in(t, a, c) })
		})
	}
}

// fairly repeats a call whose sound was bad, if the machine kept time so badly
// meanwhile that no program could have done better. call returns how late the
// machine was.
func fairly(t *testing.T, call func() (time.Duration, error)) {
	t.Helper()
	const bearable, tries = 30 * time.Millisecond, 3
	for n := 1; ; n++ {
		late, err := call()
		if err == nil {
			return
		}
		if late <= bearable || n == tries {
			t.Errorf("the machine was late by %v at worst: %v", late, err)
			return
		}
		t.Logf("once more, as the machine was late by %v: %v", late, err)
	}
}

// A codecCall is one call of which the codec and the sound are checked.
type codecCall struct {
	codec  string
	secure bool
}

func (c codecCall) out(t *testing.T, a *phone, b *baresip) (time.Duration, error) {
	t.Helper()
	before := a.playedSoFar(t)
	id := a.dial(t, b.address())
	a.awaitStatus(t, id, "INPROGRESS")
	return c.prove(t, a, b, id, before, func() {
		a.finish(t, id)
		b.ctl.await(t, "CALL_CLOSED")
	})
}

func (c codecCall) in(t *testing.T, a *phone, b *baresip) (time.Duration, error) {
	t.Helper()
	before := a.playedSoFar(t)
	b.ctl.do(t, "dial", a.account())
	id := a.ringing(t)
	a.do(t, "ALTER CALL %s ANSWER", id)
	a.awaitStatus(t, id, "INPROGRESS")
	b.ctl.await(t, "CALL_ESTABLISHED")
	return c.prove(t, a, b, id, before, func() {
		b.ctl.do(t, "hangup", "")
		a.awaitStatus(t, id, "FINISHED")
	})
}

// prove records the running call, ends it and compares the sound: in the files
// of both phones and in Parley's recording.
func (c codecCall) prove(t *testing.T, a *phone, b *baresip, id string, before time.Duration, end func()) (time.Duration, error) {
	t.Helper()
	file := filepath.Join(a.dir, "call-"+id+".wav")
	a.do(t, "ALTER CALL %s RECORD %s", id, file)
	late := talk(callLength)
	if got := a.get(t, "CALL "+id+" CODEC"); !strings.HasPrefix(strings.ToUpper(got), strings.ToUpper(c.codec)) {
		t.Errorf("CALL %s CODEC = %s, want %s", id, got, c.codec)
	}
	encryption := a.get(t, "CALL "+id+" ENCRYPTION")
	if strings.HasPrefix(encryption, "ENCRYPTED") != c.secure {
		t.Errorf("CALL %s ENCRYPTION = %s, want encryption: %v", id, encryption, c.secure)
	}
	heard := load(t, a.played).from(before)
	end()
	who := b.config.User
	rec := load(t, file)
	if len(rec.channels) != 2 {
		t.Fatalf("the recording has %d channels, want 2", len(rec.channels))
	}
	_, theirs := hear(t, who+" hears alice", a.said, b.heard(t), 0)
	_, ours := hear(t, "alice hears "+who, b.said, heard, 0)
	_, left := hear(t, "left of the recording", a.said, rec, 0)
	_, right := hear(t, "right of the recording", b.said, rec, 1)
	return late, errors.Join(theirs, ours, left, right)
}

// playedSoFar is how much the speaker has played until now.
func (p *phone) playedSoFar(t testing.TB) time.Duration {
	t.Helper()
	return load(t, p.played).length()
}

// ringing waits for a call that rings now and returns its id.
func (a *api) ringing(t testing.TB) string {
	t.Helper()
	id := ""
	eventually(t, 10*time.Second, "a call rings", func() bool {
		for _, line := range a.notifications(`CALL \S+ STATUS RINGING`) {
			id = strings.Fields(line)[1]
			if a.get(t, "CALL "+id+" STATUS") == "RINGING" && strings.HasPrefix(a.get(t, "CALL "+id+" TYPE"), "INCOMING") {
				return true
			}
		}
		return false
	})
	return id
}
