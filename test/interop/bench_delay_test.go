package interop

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/media/mediatest"
)

// settle is how long a call has lasted before its delay is measured.
const settle = 3 * time.Second

// A delayCase is a kind of call whose delay is measured.
type delayCase struct {
	name   string
	config benchConfig
}

var delayCases = []delayCase{
	{"Opus, 20 ms", benchConfig{Codec: "opus", PacketTime: 20 * time.Millisecond}},
	{"PCMA, 20 ms", benchConfig{Codec: "PCMA", PacketTime: 20 * time.Millisecond}},
	{"Opus, 10 ms", benchConfig{Codec: "opus", PacketTime: 10 * time.Millisecond}},
}

// lowDelayCases are calls as they are between two of ours on one link.
var lowDelayCases = []delayCase{
	{"LAN call, Opus, 10 ms", benchConfig{Codec: "opus", PacketTime: 10 * time.Millisecond, LowDelay: true}},
	{"LAN call, Opus, 5 ms", benchConfig{Codec: "opus", PacketTime: 5 * time.Millisecond, LowDelay: true}},
}

// A delayResult is what one call has shown.
type delayResult struct {
	there, back mediatest.Report
	load        usage // of the caller
}

// worse is the longer of the two delays.
func (d delayResult) worse() time.Duration { return max(d.there.Delay, d.back.Delay) }

func (d delayResult) String() string {
	if d.there.Windows == 0 || d.back.Windows == 0 {
		return ""
	}
	return fmt.Sprintf("%s, back %s (%s to %s)", ms(d.there.Delay), ms(d.back.Delay),
		ms(min(d.there.MinDelay, d.back.MinDelay)), ms(max(d.there.MaxDelay, d.back.MaxDelay)))
}

// gaps says what was lost on the way, for the notes.
func (d delayResult) gaps() string {
	return fmt.Sprintf("%d and %d gaps", d.there.Gaps, d.back.Gaps)
}

// benchDelay measures from mouth to ear.
func benchDelay(t *testing.T, plan benchPlan, report *benchReport) {
	s := report.section("Mouth to ear", "baresip")
	load := report.section("Load of a call on PulseAudio", "baresip")
	for _, c := range delayCases {
		var ours, theirs delayResult
		t.Run("parley "+c.name, func(t *testing.T) {
			bay := startBay(t)
			a := benchParley(t, bay.parley(t, "A", c.config))
			ours = bay.delay(t, plan, a, benchParley(t, bay.parley(t, "B", c.config)))
		})
		t.Run("baresip "+c.name, func(t *testing.T) {
			bay := startBay(t)
			a := benchBaresip(t, bay.baresip(t, "A", c.config))
			theirs = bay.delay(t, plan, a, benchBaresip(t, bay.baresip(t, "B", c.config)))
		})
		s.add(benchRow{
			What: c.name + ", PulseAudio null sinks", Aim: "≤ 100 ms", Ours: ours.String(), Theirs: theirs.String(),
			Note: ours.gaps() + "; baresip " + theirs.gaps(),
		}, float64(ours.worse()), float64(100*time.Millisecond))
		load.add(benchRow{What: c.name, Ours: ours.load.String(), Theirs: theirs.load.String()}, 0, 0)
	}
	for _, c := range lowDelayCases {
		var ours delayResult
		t.Run(c.name, func(t *testing.T) { ours = neighbourDelay(t, plan, c.config) })
		s.add(benchRow{
			What: c.name + ", PulseAudio null sinks", Aim: "≤ 60 ms", Ours: ours.String(),
			Note: ours.gaps() + "; SRTP; baresip has no such calls",
		}, float64(ours.worse()), float64(60*time.Millisecond))
		load.add(benchRow{What: c.name, Ours: ours.load.String(), Note: "SRTP"}, 0, 0)
	}
	for _, c := range slices.Concat(delayCases, lowDelayCases) {
		r := engineDelay(t, c.config, plan.listen)
		s.add(benchRow{
			What: c.name + ", engine only",
			Ours: fmt.Sprintf("%s (%s to %s)", ms(r.Delay), ms(r.MinDelay), ms(r.MaxDelay)),
			Note: fmt.Sprintf("%d gaps", r.Gaps),
		}, 0, 0)
	}
}

// neighbourDelay is delay of two phones that have found each other on a network.
func neighbourDelay(t *testing.T, plan benchPlan, c benchConfig) delayResult {
	t.Helper()
	l, bay := newLAN(t), startBay(t)
	c.Host = l.host(t, "one")
	a := benchParley(t, bay.parley(t, "A", c))
	c.Host = l.host(t, "two")
	b := benchParley(t, bay.parley(t, "B", c))
	a.seesNeighbour(t, b.phone)
	return bay.delay(t, plan, a, b)
}

// delay has a call b and compares what each hears with what the other says.
func (b *bay) delay(t *testing.T, plan benchPlan, a, other benched) delayResult {
	t.Helper()
	length := int((plan.listen + 20*time.Second).Seconds() * sampleRate)
	b.play(t, "A_mic_in", mediatest.Speech(21, length, sampleRate))
	b.play(t, "B_mic_in", mediatest.Speech(22, length, sampleRate))
	a.call(t, other.uri())
	other.answer(t)
	talk(settle)
	watch := watchLoad(t, a.pid())
	rec := b.record(t, plan.listen)
	d := delayResult{load: watch.end(t)}
	a.hangUp(t)
	d.there = mustArrive(t, "B hears A", rec[micA], rec[speakerB])
	d.back = mustArrive(t, "A hears B", rec[micB], rec[speakerA])
	return d
}

// mustArrive compares two channels of one recording.
func mustArrive(t *testing.T, what string, said, heard []float32) mediatest.Report {
	t.Helper()
	r := mediatest.Compare(said, heard, sampleRate)
	t.Logf("%s: %v (%v to %v), correlation %.3f, %d windows, %d gaps (longest %v)",
		what, r.Delay, r.MinDelay, r.MaxDelay, r.MedianCorrelation, r.Windows, r.Gaps, r.LongestGap)
	if r.Windows < 10 || r.MedianCorrelation < 0.8 {
		t.Errorf("%s: median correlation %.3f over %d windows, want 0.8 over 10", what, r.MedianCorrelation, r.Windows)
	}
	return r
}
