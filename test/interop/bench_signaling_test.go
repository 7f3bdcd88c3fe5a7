package interop

import (
	"net"
	"slices"
	"testing"
	"time"
)

// benchSignaling measures how soon a phone reacts to messages and commands.
func benchSignaling(t *testing.T, plan benchPlan, report *benchReport) {
	s := report.section("Signaling", "baresip")
	ours, theirs := benchParley(t, benchConfig{}), benchBaresip(t, benchConfig{Manual: true})
	s.within("INVITE received to 180 sent", 10*time.Millisecond,
		timeRinging(t, ours, plan.rounds), timeRinging(t, theirs, plan.rounds), "")
	s.within("command to INVITE on the wire", 30*time.Millisecond,
		timeDialing(t, ours, plan.rounds), timeDialing(t, theirs, plan.rounds), "")
	a, _ := timeFirstAudio(t, ours, plan.calls)
	b, _ := timeFirstAudio(t, theirs, plan.calls)
	s.within("200 OK to first audio out", 60*time.Millisecond, a, b, "speech from a file")

	bay := startBay(t)
	bay.play(t, "A_mic_in", steadyTone(t))
	ours = benchParley(t, bay.parley(t, "A", benchConfig{}))
	theirs = benchBaresip(t, bay.baresip(t, "A", benchConfig{Manual: true}))
	a, aSound := timeFirstAudio(t, ours, plan.calls)
	b, bSound := timeFirstAudio(t, theirs, plan.calls)
	s.within("200 OK to first audio out, PulseAudio", 60*time.Millisecond, a, b, "the first packet")
	s.within("200 OK to the microphone's sound out, PulseAudio", 0, aSound, bSound, "the device is opened for the call")
}

// warmUp is how many rounds do not count.
const warmUp = 3

// pause lets a phone come to rest between two calls.
const pause = 100 * time.Millisecond

// timeRinging calls the phone and takes the time until it says that it rings.
func timeRinging(t *testing.T, p benched, n int) samples {
	t.Helper()
	r := listenRaw(t)
	var all samples
	for i := range n + warmUp {
		call := newInvitation(p.uri(), "UDP", r.address(), offer(freePorts(t, 2)))
		to := "<" + p.uri() + ">"
		invite := []byte(call.text("INVITE", to))
		sent := time.Now()
		r.write(t, invite, p.addr())
		ringing := r.about(t, call.id, "SIP/2.0 180")
		if i >= warmUp {
			all = append(all, ringing.at.Sub(sent))
		}
		talk(20 * time.Millisecond)
		r.write(t, []byte(call.text("CANCEL", to)), p.addr())
		end := r.about(t, call.id, "SIP/2.0 487")
		r.write(t, []byte(call.text("ACK", end.header("To"))), p.addr())
		talk(pause)
	}
	return all
}

// timeDialing has the phone call and takes the time from before the command.
func timeDialing(t *testing.T, p benched, n int) samples {
	t.Helper()
	r := listenRaw(t)
	var all samples
	seen := map[string]bool{}
	for i := range n + warmUp {
		begun := time.Now()
		p.call(t, "sip:raw@"+r.address())
		m := r.fresh(t, seen)
		if i >= warmUp {
			all = append(all, m.at.Sub(begun))
		}
		r.reply(t, m, "486 Busy Here")
		r.about(t, m.header("Call-ID"), "ACK")
		p.hangUp(t)
		talk(pause)
	}
	return all
}

// timeFirstAudio has the phone call, answers, and takes the time until its first
// packet is here, and until the first that is not silent.
func timeFirstAudio(t *testing.T, p benched, n int) (first, sounding samples) {
	t.Helper()
	r := listenRaw(t)
	seen := map[string]bool{}
	for i := range n + warmUp {
		audio := listenAudio(t)
		p.call(t, "sip:raw@"+r.address())
		m := r.fresh(t, seen)
		r.reply(t, m, "180 Ringing")
		talk(pause)
		contact := "Contact: <sip:raw@" + r.address() + ">"
		answered := time.Now()
		r.answer(t, m, "200 OK", offer(audio.port()), contact)
		r.about(t, m.header("Call-ID"), "ACK")
		a, b := audio.wait(t)
		if i >= warmUp {
			first = append(first, a.Sub(answered))
			sounding = append(sounding, b.Sub(answered))
		}
		p.hangUp(t)
		bye := r.about(t, m.header("Call-ID"), "BYE")
		r.reply(t, bye, "200 OK")
		audio.conn.Close()
		talk(pause)
	}
	return first, sounding
}

func (r *raw) write(t testing.TB, b []byte, to net.Addr) {
	t.Helper()
	if _, err := r.conn.WriteTo(b, to); err != nil {
		t.Fatal(err)
	}
}

// about waits for a message of a call.
func (r *raw) about(t testing.TB, id, begin string) message {
	t.Helper()
	for {
		if m := r.expect(t, 5*time.Second, begin); m.header("Call-ID") == id {
			return m
		}
	}
}

// fresh waits for the INVITE of a call that was not seen before.
func (r *raw) fresh(t testing.TB, seen map[string]bool) message {
	t.Helper()
	for {
		m := r.expect(t, 5*time.Second, "INVITE")
		if id := m.header("Call-ID"); !seen[id] {
			seen[id] = true
			return m
		}
	}
}

// An audioPort notes when PCMA arrives.
type audioPort struct {
	conn            net.PacketConn
	first, sounding chan time.Time
}

func listenAudio(t testing.TB) *audioPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", address(freePorts(t, 2)))
	if err != nil {
		t.Fatal(err)
	}
	a := &audioPort{conn: conn, first: make(chan time.Time, 1), sounding: make(chan time.Time, 1)}
	t.Cleanup(func() { conn.Close() })
	go a.read()
	return a
}

func (a *audioPort) port() int { return a.conn.LocalAddr().(*net.UDPAddr).Port }

// read notes the two times, once each.
func (a *audioPort) read() {
	buf := make([]byte, 1<<11)
	first, sounding := a.first, a.sounding
	for {
		n, _, err := a.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if n <= 12 {
			continue
		}
		now := time.Now()
		if first != nil {
			first <- now
			first = nil
		}
		if sounding != nil && soundingPCMA(buf[12:n]) {
			sounding <- now
			sounding = nil
		}
	}
}

// wait returns when the first packet came, and the first that was not silent.
func (a *audioPort) wait(t testing.TB) (first, sounding time.Time) {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for first.IsZero() || sounding.IsZero() {
		select { // each has one time to give
		case first = <-a.first:
		case sounding = <-a.sounding:
		case <-timeout:
			t.Fatal("no sound within 5 s")
		}
	}
	return first, sounding
}

// soundingPCMA tells whether a payload is louder than 36 dB below full scale
// somewhere: above the two lowest segments of the A-law.
func soundingPCMA(payload []byte) bool {
	return slices.ContainsFunc(payload, func(b byte) bool { return (b^0x55)>>4&7 >= 2 })
}
