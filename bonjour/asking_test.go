package bonjour

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// times returns when something was said or told that begins with one text and has
// another in it.
func (e *ear) times(begin, text string) []string {
	var times []string
	for _, line := range e.log {
		when, what, _ := strings.Cut(line, " ")
		if strings.HasPrefix(what, begin) && strings.Contains(what, text) {
			times = append(times, when)
		}
	}
	return times
}

func (e *ear) wantsTimes(begin, text string, want ...string) {
	e.t.Helper()
	if diff := cmp.Diff(want, e.times(begin, text)); diff != "" {
		e.t.Errorf("times of %q with %q (-want +got):\n%s", begin, text, diff)
	}
}

func TestBrowsingGetsRare(t *testing.T) {
	for _, c := range []struct {
		chance float64
		want   []string
	}{
		{0, []string{"20ms", "1.02s", "3.02s", "7.02s", "15.02s", "31.02s", "1m3.02s", "2m7.02s", "4m15.02s", "8m31.02s", "17m3.02s", "34m7.02s", "1h8m15.02s", "2h8m15.02s", "3h8m15.02s"}},
		{0.999, []string{"119.9ms", "1.1199s", "3.1199s", "7.1199s", "15.1199s", "31.1199s", "1m3.1199s", "2m7.1199s", "4m15.1199s", "8m31.1199s", "17m3.1199s", "34m7.1199s", "1h8m15.1199s", "2h8m15.1199s", "3h8m15.1199s"}},
	} {
		e := listen(t, c.chance)
		e.browse(e.now, "_sipuri._udp")
		e.browse(e.now, "_SIPURI._udp") // the same
		e.run(4 * time.Hour)
		e.wantsTimes("asks PTR _sipuri._udp.local.", "", c.want...)
		e.wantsTimes("alone asks PTR _sipuri._udp.local.", "", append([]string{c.want[1]}, c.want[6:]...)...)
		if want := len(c.want)*2 - 5; len(e.log) != want {
			t.Errorf("%d packets, want %d", len(e.log), want)
		}
	}
}

func TestTypesAreAskedForTogether(t *testing.T) {
	e := listen(t, 0.5)
	e.browse(e.now, "_sipuri._udp")
	e.run(10 * time.Millisecond)
	e.browse(e.now, "_sip._udp")
	e.run(2 * time.Second)
	e.wants(
		"70ms asks PTR _sip._udp.local. PTR _sipuri._udp.local.",
		"1.07s asks PTR _sip._udp.local. PTR _sipuri._udp.local.",
		"1.07s alone asks PTR _sip._udp.local. PTR _sipuri._udp.local.",
	)
}

func TestMissingRecordsAreAskedFor(t *testing.T) {
	e := listen(t, 0.5)
	e.browse(e.now, "_sipuri._udp")
	e.run(time.Second)
	e.hear(ptrAnna)
	e.run(69 * time.Millisecond)
	e.log = nil
	e.run(time.Second)
	e.hear(srvAnna)
	e.run(time.Second)
	e.hear(aAnna, txtAnna)
	e.run(10 * time.Minute)
	e.wantsTimes("asks", " SRV anna", "1.07s", "1m39.269s", "1m45.269s", "1m51.269s", "1m57.269s", // refreshed, then missed
		"2m2.139s", "2m3.139s", "2m5.139s", "2m9.139s", "2m17.139s", "2m33.139s", "3m5.139s", "4m9.139s", "6m17.139s")
	e.wantsTimes("asks", " TXT anna", "1.07s", "2.07s")
	e.wantsTimes("asks", " A annas.local.", "2.139s", "1m40.269s", "1m46.269s", "1m52.269s", "1m58.269s")
	e.wantsTimes("asks", " AAAA annas.local.", "2.139s", "3.139s", "5.139s", "9.139s", "17.139s", "33.139s", "1m5.139s")
	e.wantsTimes("found", "", "3.069s")
	e.wantsTimes("lost", "", "2m2.069s")
}

func TestRecordsInUseAreRefreshed(t *testing.T) {
	e := listen(t, 0.5) // 1 % later
	e.browse(e.now, "_sipuri._udp")
	e.run(100 * time.Millisecond)
	e.hear(ptrAnna, srvAnna, txtAnna, aAnna, aaaaAnna)
	e.run(97 * time.Second)
	e.log = nil
	e.run(time.Second)
	e.wants("1m37.3s asks SRV anna\\ b._sipuri._udp.local. A annas.local. AAAA annas.local.")
	e.hear(srvAnna, aAnna, aaaaAnna)
	e.run(97 * time.Second)
	e.log = nil
	e.run(23 * time.Second) // nobody answers any more
	e.wantsTimes("asks", "SRV", "3m15.3s", "3m21.3s", "3m27.3s", "3m33.3s")
	e.wantsTimes("lost", "", "3m38.1s")
	e.log = nil
	e.run(90 * time.Minute)
	// What is asked because it grows old counts for the series.
	e.wantsTimes("asks PTR", "", "4m15.07s", "8m31.07s", "17m3.07s", "34m7.07s", "1h0m45.1s", "1h4m30.1s", "1h8m15.1s", "1h12m0.1s")
}

func TestKnownAnswersAreYoung(t *testing.T) {
	e := listen(t, 0.5)
	e.browse(e.now, "_sipuri._udp")
	e.run(100 * time.Millisecond)
	e.hear(ptrAnna, strings.Replace(srvAnna, " 120 ", " 4500 ", 1), txtAnna)
	e.run(time.Hour)
	// Less than half of its life is left from 37.5 minutes on.
	e.wantsTimes("asks PTR", "knowing", "1.07s", "3.07s", "7.07s", "15.07s", "31.07s", "1m3.07s", "2m7.07s", "4m15.07s", "8m31.07s", "17m3.07s", "34m7.07s")
}

// A responder may tell of a service along with the pointer to it only.
func TestWhatIsAskedForInVainIsNotKnown(t *testing.T) {
	for missing, answers := range map[string][]string{"SRV": {txtAnna}, "TXT": {srvAnna}} {
		e := listen(t, 0.5)
		e.browse(e.now, "_sipuri._udp")
		e.run(time.Second)
		e.hear(append(answers, ptrAnna)...)
		e.run(6 * time.Second)
		e.wantsTimes("asks", missing+" anna", "1.07s", "2.07s", "4.07s")
		e.wantsTimes("asks PTR", "knowing", "1.07s") // along with the first question for the rest
		e.wantsTimes("asks PTR", "", "70ms", "1.07s", "3.07s")
		e.hear(ptrAnna, srvAnna, txtAnna)
		e.run(10 * time.Second)
		e.wantsTimes("asks PTR", "knowing", "1.07s", "7.07s", "15.07s")
	}
}

// overhears lets somebody ask for a type, who knows the answers of the lines.
func (e *ear) overhears(change func(*message, *Meta), known ...string) {
	e.t.Helper()
	m, from := &message{questions: []question{{key: key{"_sipuri._udp.local.", dns.TypePTR}}}}, fromPeer
	m.answers = answers(e.t, known...).answers
	if change != nil {
		change(m, &from)
	}
	e.handle(e.now, m, from)
}

func TestQuestionsOfOthersCount(t *testing.T) {
	const bob = `_sipuri._udp.local. 4500 IN PTR bob._sipuri._udp.local.`
	for name, c := range map[string]struct {
		change func(*message, *Meta)
		known  []string
		counts bool
	}{
		"knowing nothing":        {counts: true},
		"knowing what we know":   {known: []string{ptrAnna}, counts: true},
		"knowing more":           {known: []string{ptrAnna, bob}},
		"knowing something else": {known: []string{bob}},
		"more known follows":     {change: func(m *message, _ *Meta) { m.truncated = true }},
		"wants to be told alone": {change: func(m *message, _ *Meta) { m.questions[0].unicast = true }},
		"plain DNS client":       {change: func(_ *message, f *Meta) { f.From = netip.AddrPortFrom(f.From.Addr(), 1234) }},
		"asked us alone":         {change: func(_ *message, f *Meta) { f.Multicast = false }},
		"another question":       {change: func(m *message, _ *Meta) { m.questions[0].name = "_sip._udp.local." }},
	} {
		t.Run(name, func(t *testing.T) {
			e := listen(t, 0)
			e.browse(e.now, "_sipuri._udp")
			e.run(time.Second)
			e.hear(ptrAnna, srvAnna, txtAnna, aAnna, aaaaAnna)
			e.run(5500 * time.Millisecond) // the next question is due in 520 ms, of 4 s
			e.overhears(c.change, c.known...)
			e.run(17 * time.Second)
			want := []string{"20ms", "1.02s", "3.02s", "7.02s", "15.02s"}
			if c.counts {
				want = []string{"20ms", "1.02s", "3.02s", "14.5s"}
			}
			e.wantsTimes("asks PTR", "", want...)
		})
	}
}

func TestNobodyKeepsUsQuiet(t *testing.T) {
	e := listen(t, 0)
	e.browse(e.now, "_sipuri._udp")
	for range 100 * 60 {
		e.overhears(nil)
		e.run(10 * time.Millisecond)
	}
	e.wantsTimes("asks PTR", "", "1s", "6s", "26s")
}

// Two begin to browse at the same time: each asks in turn for both, but who answers
// the asker alone is heard by both.
func TestQuestionsThatAreAskedAloneAreNotSpared(t *testing.T) {
	e := listen(t, 0)
	e.browse(e.now, "_sipuri._udp")
	e.run(time.Second)
	e.overhears(nil) // 20 ms before ours
	e.run(10 * time.Second)
	e.wantsTimes("asks", "", "20ms", "3s", "7s")
	e.wantsTimes("alone asks PTR _sipuri._udp.local.", "", "1s")
}

func TestOwnQuestionsComeBack(t *testing.T) {
	e := listen(t, 0)
	e.send = func(m message) {
		e.note(asked(m))
		e.handle(e.now, &m, fromPeer)
	}
	e.browse(e.now, "_sipuri._udp")
	e.run(3500 * time.Millisecond)
	e.wantsTimes("asks PTR", "", "20ms", "1.02s", "3.02s")
	e.run(2500 * time.Millisecond)
	e.overhears(nil) // those of others count all the same
	e.run(10 * time.Second)
	e.wantsTimes("asks PTR", "", "20ms", "1.02s", "3.02s", "14s")
}

func TestAnswersJustHeardOfMakeARefreshNeedless(t *testing.T) {
	e := listen(t, 0)
	e.browse(e.now, "_sipuri._udp")
	e.run(time.Second)
	e.hear(ptrAnna, srvAnna, txtAnna, aAnna, aaaaAnna)
	e.run(95 * time.Second)
	e.log = nil
	m := &message{questions: []question{{key: key{"annas.local.", dns.TypeA}}}}
	e.handle(e.now, m, fromPeer) // 1 s before we would; nobody answers
	e.run(12 * time.Second)
	e.wantsTimes("asks", " A annas", "1m43s")
	e.wantsTimes("asks", " SRV anna", "1m37s", "1m43s")
}

func TestWhatDoesNotExistIsAskedForRarely(t *testing.T) {
	for name, c := range map[string]struct {
		nsec string
		want []string
	}{
		"one family":    {`!annas.local. 120 IN NSEC annas.local. A`, []string{"2m1s", "6m1s", "14m1s"}},
		"long":          {`!annas.local. 1200 IN NSEC annas.local. A HINFO`, []string{"20m1s"}},
		"has both":      {`!annas.local. 120 IN NSEC annas.local. A AAAA`, []string{"1.02s", "2.02s", "4.02s", "8.02s", "16.02s", "32.02s", "1m4.02s", "2m8.02s", "4m16.02s", "8m32.02s", "17m4.02s"}},
		"has neither":   {`!annas.local. 120 IN NSEC annas.local. HINFO`, []string{"1.02s", "2.02s", "4.02s", "8.02s", "16.02s", "32.02s", "1m4.02s", "2m8.02s", "4m16.02s", "8m32.02s", "17m4.02s"}},
		"denies the A":  {`!annas.local. 120 IN NSEC annas.local. AAAA`, []string{"1.02s", "2.02s", "4.02s", "8.02s", "16.02s", "32.02s", "1m4.02s", "2m8.02s", "4m16.02s", "8m32.02s", "17m4.02s"}},
		"somebody else": {`!bobs.local. 120 IN NSEC bobs.local. A`, []string{"1.02s", "2.02s", "4.02s", "8.02s", "16.02s", "32.02s", "1m4.02s", "2m8.02s", "4m16.02s", "8m32.02s", "17m4.02s"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := listen(t, 0)
			e.browse(e.now, "_sipuri._udp")
			e.run(time.Second)
			e.hear(ptrAnna, `!anna\ b._sipuri._udp.local. 4500 IN SRV 0 0 5060 annas.local.`, txtAnna, `!annas.local. 4500 IN A 10.0.0.2`, c.nsec)
			e.run(25 * time.Minute)
			e.wantsTimes("asks", " AAAA", c.want...)
			e.hear(aaaaAnna)
			e.wantsTimes("changed", "[10.0.0.2 fe80::2%eth0]", "25m1s")
		})
	}
}

func TestManyQuestionsArePaced(t *testing.T) {
	e := listen(t, 0)
	e.browse(e.now, "_sipuri._udp")
	e.run(time.Second)
	e.log, e.sent = nil, nil
	for i := range 1000 {
		e.hear(fmt.Sprintf(`_sipuri._udp.local. 4500 IN PTR flood%d._sipuri._udp.local.`, i))
	}
	other := fromPeer
	other.From = netip.MustParseAddrPort("10.0.0.3:5353")
	e.hearFrom(other, ptrAnna)
	e.run(30 * time.Millisecond)
	e.wantsTimes("asks", "SRV anna", "1.02s") // not behind all others
	e.run(970 * time.Millisecond)
	if n := len(e.sent); n > 20 {
		t.Errorf("%d packets in a second", n)
	}
	e.run(time.Minute)
	asked := make(map[string]int)
	for _, m := range e.sent {
		size := headerLen
		for _, q := range m.questions {
			size += len(q.name) + 6
			asked[q.name]++
		}
		if size > packetSize {
			t.Fatalf("%d bytes of questions in a packet", size)
		}
	}
	for i := range 1000 {
		if n := asked[fmt.Sprintf("flood%d._sipuri._udp.local.", i)]; n < 6 || n > 12 {
			t.Fatalf("instance %d: asked %d times for SRV and TXT together", i, n)
		}
	}
}
