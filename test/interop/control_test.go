package interop

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRefusals calls addresses that the server answers by itself.
func TestRefusals(t *testing.T) {
	t.Parallel()
	a := startPhone(t, registrar(t), phoneConfig{User: "refused"})
	tests := []struct{ target, status, code string }{
		{"busy", "BUSY", "486"},
		{"decline", "REFUSED", "603"},
		{"gone", "FAILED", "410"},
		{"err404", "FAILED", "404"},
		{"err488", "FAILED", "488"},
		{"err503", "FAILED", "503"},
	}
	for _, tt := range tests {
		id := a.dial(t, "sip:"+tt.target+"@"+testDomain)
		a.awaitStatus(t, id, "BUSY|REFUSED|FAILED|FINISHED|CANCELLED")
		a.is(t, id, tt.status)
		if got := a.get(t, "CALL "+id+" REASON"); !strings.Contains(got, tt.code) {
			t.Errorf("call to %s: REASON = %q, want %s in it", tt.target, got, tt.code)
		}
	}
}

// TestCancel gives up ringing calls, from either side.
func TestCancel(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "canceler"})
	b := startBaresip(t, k, baresipConfig{User: "cancelee", Manual: true})

	id := a.dial(t, b.address())
	b.ctl.await(t, "CALL_INCOMING")
	a.awaitStatus(t, id, "RINGING")
	a.do(t, "ALTER CALL %s HANGUP", id)
	a.is(t, id, "CANCELLED")
	b.ctl.await(t, "CALL_CLOSED")

	b.ctl.do(t, "dial", a.account())
	id = a.ringing(t)
	b.ctl.do(t, "hangup", "")
	a.is(t, id, "MISSED")
	if missed := a.do(t, "SEARCH MISSEDCALLS"); !strings.Contains(missed, id) {
		t.Errorf("SEARCH MISSEDCALLS = %q, want call %s in it", missed, id)
	}
}

// TestRefuseCalls says no to a caller in two ways.
func TestRefuseCalls(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "refuser"})
	for _, tt := range []struct{ command, code string }{{"DECLINE", "603"}, {"BUSY", "486"}} {
		b := startBaresip(t, k, baresipConfig{User: "refused-" + tt.code})
		b.ctl.do(t, "dial", a.account())
		id := a.ringing(t)
		a.do(t, "ALTER CALL %s %s", id, tt.command)
		a.is(t, id, "REFUSED")
		if e := b.ctl.await(t, "CALL_CLOSED"); !strings.Contains(e.Param, tt.code) {
			t.Errorf("after %s the caller was told %q, want %s", tt.command, e.Param, tt.code)
		}
	}
}

// TestTheyDecline calls a person who says no.
func TestTheyDecline(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "hopeful"})
	b := startBaresip(t, k, baresipConfig{User: "unwilling", Manual: true})
	id := a.dial(t, b.address())
	b.ctl.await(t, "CALL_INCOMING")
	b.ctl.do(t, "hangup", "")
	a.awaitStatus(t, id, "BUSY|REFUSED")
}

// TestHold holds and resumes a call from either side. What is heard meanwhile
// is silence, and afterwards the voice again.
func TestHold(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "holder"})
	b := startBaresip(t, k, baresipConfig{User: "held", Codecs: "pcma"})
	id := a.dial(t, b.address())
	a.awaitStatus(t, id, "INPROGRESS")
	talk(time.Second)

	holds := []struct {
		who          string
		hold, resume func()
		status       string
	}{
		{"we", func() { a.do(t, "ALTER CALL %s HOLD", id) }, func() { a.do(t, "ALTER CALL %s RESUME", id) }, "LOCALHOLD"},
		{"they", func() { b.ctl.do(t, "hold", "") }, func() { b.ctl.do(t, "resume", "") }, "REMOTEHOLD"},
	}
	for _, h := range holds {
		h.hold()
		a.is(t, id, h.status)
		talk(500 * time.Millisecond) // what was on its way
		before := a.stat(t, id, "PACKETS_SENT")
		quiet := a.playedSoFar(t)
		talk(time.Second)
		// The file runs behind by up to 300 ms and is quiet from before on.
		mustBeSilent(t, h.who+" hold", load(t, a.played).from(quiet), 0)
		if sent := a.stat(t, id, "PACKETS_SENT") - before; sent > 5 {
			t.Errorf("%s hold: %d packets were sent in a second, want none", h.who, sent)
		}
		h.resume()
		a.is(t, id, "INPROGRESS")
		before = a.stat(t, id, "PACKETS_SENT")
		talk(2 * time.Second)
		if sent := a.stat(t, id, "PACKETS_SENT") - before; sent < 60 {
			t.Errorf("after %s held: %d packets were sent in two seconds, want about 100", h.who, sent)
		}
		if got := a.stat(t, id, "PACKETS_RECEIVED"); got == 0 {
			t.Errorf("after %s held: nothing received", h.who)
		}
	}
	back := a.playedSoFar(t)
	talk(4 * time.Second)
	a.finish(t, id)
	mustHear(t, "after the last resume", b.said, load(t, a.played).from(back), 0)
}

// stat reads one number of a call's statistics.
func (a *api) stat(t testing.TB, id, name string) int {
	t.Helper()
	fields := strings.Fields(a.get(t, "CALL "+id+" STATS"))
	for i := 0; i+1 < len(fields); i++ {
		if fields[i] == name {
			n, err := strconv.Atoi(fields[i+1])
			if err != nil {
				t.Fatalf("CALL %s STATS: %s %q", id, name, fields[i+1])
			}
			return n
		}
	}
	t.Fatalf("CALL %s STATS = %q, want %s in it", id, strings.Join(fields, " "), name)
	return 0
}

// TestDigits sends digits both ways, in the sound's stream (RFC 4733) and by
// INFO.
func TestDigits(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for _, kind := range []string{"rfc4733", "info"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := startPhone(t, k, phoneConfig{User: "presser-" + kind, Settings: []string{"dtmf=" + kind}})
			theirs := map[string]string{"info": "info"}[kind]
			b := startBaresip(t, k, baresipConfig{User: "pressed-" + kind, Codecs: "pcma", DTMF: theirs})
			id := a.dial(t, b.address())
			a.awaitStatus(t, id, "INPROGRESS")

			a.do(t, "SET CALL %s DTMF 15#A", id)
			eventually(t, 5*time.Second, "four digits arrive", func() bool { return len(b.ctl.all("CALL_DTMF_START")) >= 4 })
			if got := strings.Join(b.ctl.all("CALL_DTMF_START"), ""); !strings.EqualFold(got, "15#A") {
				t.Errorf("they got the digits %q, want 15#A", got)
			}

			for _, digit := range []string{"7", "*"} {
				b.ctl.do(t, "sndcode", digit)
				talk(300 * time.Millisecond)
				b.ctl.do(t, "sndcode", "\x04") // the key is let go
				talk(100 * time.Millisecond)
			}
			a.awaitNote(t, 5*time.Second, "CALL "+id+` DTMF_RECEIVED \*`)
			var got []string
			for _, line := range a.notifications("CALL " + id + " DTMF_RECEIVED .") {
				got = append(got, line[len(line)-1:])
			}
			if digits := strings.Join(got, ""); digits != "7*" {
				t.Errorf("we got the digits %q, want 7*", digits)
			}
			a.finish(t, id)
		})
	}
}

// TestMute speaks into a call with the microphone off.
func TestMute(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "muted"})
	b := startBaresip(t, k, baresipConfig{User: "listener", Codecs: "pcma"})
	a.do(t, "MUTE ON")
	id := a.dial(t, b.address())
	a.awaitStatus(t, id, "INPROGRESS")
	talk(2 * time.Second)
	if sent := a.stat(t, id, "PACKETS_SENT"); sent < 50 {
		t.Errorf("%d packets were sent in two muted seconds, want about 100", sent)
	}
	a.finish(t, id)
	b.ctl.await(t, "CALL_CLOSED")
	mustBeSilent(t, "the far end", b.heard(t), 0)
	if got := a.get(t, "MUTE"); got != "ON" {
		t.Errorf("GET MUTE = %s, want ON", got)
	}
}

// TestSwap has two calls and speaks with one at a time.
func TestSwap(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "swapper"})
	b := startBaresip(t, k, baresipConfig{User: "first", Codecs: "pcma"})
	c := startBaresip(t, k, baresipConfig{User: "second", Codecs: "pcma"})
	one := a.dial(t, b.address())
	a.awaitStatus(t, one, "INPROGRESS")
	two := a.dial(t, c.address())
	a.awaitStatus(t, two, "INPROGRESS")
	a.is(t, one, "LOCALHOLD")
	a.do(t, "ALTER CALL %s RESUME", one)
	a.is(t, one, "INPROGRESS")
	a.is(t, two, "LOCALHOLD")
	before := a.playedSoFar(t)
	talk(4 * time.Second)
	if active := a.do(t, "SEARCH ACTIVECALLS"); !strings.Contains(active, one) || !strings.Contains(active, two) {
		t.Errorf("SEARCH ACTIVECALLS = %q, want %s and %s", active, one, two)
	}
	a.finish(t, one)
	a.finish(t, two)
	rec := load(t, a.played).from(before)
	mustHear(t, "the first call", b.said, rec, 0)
	mustNotHear(t, "the second call", c.said, rec, 0)
}

// TestEcho calls the endpoint inside the program, without account or server. It
// greets, and then gives back what it hears, about a second later.
func TestEcho(t *testing.T) {
	t.Parallel()
	a := startPhone(t, nil, phoneConfig{})
	id := a.dial(t, "echo")
	a.awaitStatus(t, id, "INPROGRESS")
	file := filepath.Join(a.dir, "echo.wav")
	a.do(t, "ALTER CALL %s RECORD %s", id, file)
	talk(8 * time.Second)
	a.finish(t, id)
	rec := load(t, file).from(2 * time.Second) // after the greeting
	ours := signal{samples: rec.channels[0]}
	report := mustHear(t, "our own voice", ours, rec, 1)
	if report.Delay < 900*time.Millisecond || report.Delay > 1400*time.Millisecond {
		t.Errorf("the echo comes after %v, want about a second", report.Delay)
	}
}

// TestElsewhere lets another phone of the same group answer: that is no missed
// call. A caller who gives up is one, and stays it after a restart.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "ringer"})
	b := startBaresip(t, k, baresipConfig{User: "taker", Manual: true})
	c := startBaresip(t, k, baresipConfig{User: "caller"})

	c.ctl.do(t, "dial", "sip:group-ringer-taker@"+testDomain)
	elsewhere := a.ringing(t)
	b.ctl.await(t, "CALL_INCOMING")
	b.ctl.do(t, "accept", "")
	eventually(t, 5*time.Second, "the ringing ends", func() bool { return a.get(t, "CALL "+elsewhere+" STATUS") != "RINGING" })
	a.is(t, elsewhere, "CANCELLED")
	if !strings.Contains(a.messages(), "Reason: SIP") {
		t.Error("the CANCEL came without a reason, so nothing was proven")
	}
	c.ctl.do(t, "hangup", "")

	c.ctl.do(t, "dial", a.account())
	missed := a.ringing(t)
	c.ctl.do(t, "hangup", "")
	a.is(t, missed, "MISSED")

	a.stop()
	a.run(t)
	a.is(t, missed, "MISSED")
	a.is(t, elsewhere, "CANCELLED")
	if got, want := a.do(t, "SEARCH MISSEDCALLS"), "CALLS "+missed; got != want {
		t.Errorf("SEARCH MISSEDCALLS after a restart = %q, want %q", got, want)
	}
}
