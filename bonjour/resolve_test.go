package bonjour

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// events returns what was told, without times.
func (e *ear) events() []string {
	var events []string
	for _, line := range e.log {
		if _, what, _ := strings.Cut(line, " "); !strings.Contains(what, "asks ") {
			events = append(events, what)
		}
	}
	e.log = nil
	return events
}

func (e *ear) wantsEvents(want ...string) {
	e.t.Helper()
	if diff := cmp.Diff(want, e.events()); diff != "" {
		e.t.Errorf("events until %v (-want +got):\n%s", e.now.Sub(e.begin), diff)
	}
}

func browsing(t testing.TB) *ear {
	e := listen(t, 0)
	e.browse(e.now, "_sipuri._udp")
	e.run(time.Second)
	return e
}

const (
	allAnna   = ptrAnna + "|" + srvAnna + "|" + txtAnna + "|" + aAnna + "|" + aaaaAnna
	foundAnna = `found "Anna B" at annas.local:5060 [10.0.0.2 fe80::2%eth0] ["txtvers=1" "name=Anna"]`
	lostAnna  = `lost "Anna B" at annas.local:5060 [10.0.0.2 fe80::2%eth0] ["txtvers=1" "name=Anna"]`
)

func TestWhatIsKnownOfAnInstance(t *testing.T) {
	const byePTR = `_sipuri._udp.local. 0 IN PTR anna\ b._sipuri._udp.local.`
	for name, c := range map[string]struct {
		steps []string // records; a time is waited for
		want  []string
	}{
		"all at once":      {[]string{allAnna}, []string{foundAnna}},
		"in another order": {[]string{aaaaAnna + "|" + aAnna + "|" + txtAnna + "|" + srvAnna + "|" + ptrAnna}, []string{foundAnna}},
		"one after the other": {
			[]string{ptrAnna, "1m", txtAnna, "1m", srvAnna, "1s", aAnna},
			[]string{`found "Anna B" at annas.local:5060 [10.0.0.2] ["txtvers=1" "name=Anna"]`},
		},
		"patience for an address": {
			[]string{ptrAnna + "|" + srvAnna + "|" + txtAnna, "1499ms", aAnna},
			[]string{`found "Anna B" at annas.local:5060 [10.0.0.2] ["txtvers=1" "name=Anna"]`},
		},
		"no address, then one": {
			[]string{ptrAnna + "|" + srvAnna + "|" + txtAnna, "1500ms", "10s", aaaaAnna},
			[]string{
				`found "Anna B" at annas.local:5060 [] ["txtvers=1" "name=Anna"]`,
				`changed "Anna B" at annas.local:5060 [fe80::2%eth0] ["txtvers=1" "name=Anna"]`,
			},
		},
		"no text, then some": {
			[]string{ptrAnna + "|" + srvAnna + "|" + aAnna, "1500ms", txtAnna},
			[]string{
				`found "Anna B" at annas.local:5060 [10.0.0.2] []`,
				`changed "Anna B" at annas.local:5060 [10.0.0.2] ["txtvers=1" "name=Anna"]`,
			},
		},
		"no service": {[]string{ptrAnna + "|" + txtAnna + "|" + aAnna, "1h"}, nil},
		"goodbye": {
			[]string{allAnna, "1m", byePTR, "900ms"},
			[]string{foundAnna, lostAnna},
		},
		"goodbye, but another has it": {
			[]string{allAnna, "1m", byePTR, "500ms", ptrAnna, "20s"},
			[]string{foundAnna},
		},
		"goodbye of all": {
			[]string{
				allAnna, "1m",
				byePTR + `|!Anna\ B._sipuri._udp.local. 0 IN SRV 0 0 5060 annas.local.|!annas.local. 0 IN A 10.0.0.2|!annas.local. 0 IN AAAA fe80::2`,
			},
			[]string{foundAnna, lostAnna},
		},
		"goodbye of all, but another has it": {
			[]string{allAnna, byePTR + `|!Anna\ B._sipuri._udp.local. 0 IN SRV 0 0 5060 annas.local.`, "800ms", allAnna, "1m"},
			[]string{foundAnna, lostAnna, foundAnna},
		},
		"goodbye of the service, then a new one": {
			[]string{
				allAnna,
				`!Anna\ B._sipuri._udp.local. 0 IN SRV 0 0 5060 annas.local.`, "1s", srvAnna, "1500ms",
			},
			[]string{foundAnna, lostAnna, `found "Anna B" at annas.local:5060 [] ["txtvers=1" "name=Anna"]`},
		},
		"another port": {
			[]string{allAnna, "2s", `!Anna\ B._sipuri._udp.local. 120 IN SRV 0 0 5062 annas.local.`, "20s"},
			[]string{foundAnna, strings.ReplaceAll(strings.Replace(foundAnna, "found", "changed", 1), "5060", "5062")},
		},
		"another port at once": {
			[]string{allAnna, "500ms", `!Anna\ B._sipuri._udp.local. 120 IN SRV 0 0 5062 annas.local.`, "20s"},
			[]string{foundAnna, strings.ReplaceAll(strings.Replace(foundAnna, "found", "changed", 1), "5060", "5062")},
		},
		"three ports at once": {
			[]string{
				allAnna, `!Anna\ B._sipuri._udp.local. 120 IN SRV 0 0 5062 annas.local.`, `!Anna\ B._sipuri._udp.local. 120 IN SRV 0 0 5061 annas.local.`,
				`!Anna\ B._sipuri._udp.local. 120 IN SRV 0 0 5060 annas.local.`, "20s",
			},
			[]string{
				foundAnna, strings.ReplaceAll(strings.Replace(foundAnna, "found", "changed", 1), "5060", "5062"),
				strings.ReplaceAll(strings.Replace(foundAnna, "found", "changed", 1), "5060", "5061"), strings.Replace(foundAnna, "found", "changed", 1),
			},
		},
		"two services": {
			[]string{ptrAnna + `|anna\ b._sipuri._udp.local. 120 IN SRV 2 0 5062 annas.local.|anna\ b._sipuri._udp.local. 120 IN SRV 1 0 5060 annas.local.|` + txtAnna + "|" + aAnna + "|" + aaaaAnna},
			[]string{foundAnna},
		},
		"another address": {
			[]string{allAnna, "2s", `!annas.local. 120 IN A 10.0.0.7`, "20s"},
			[]string{foundAnna, strings.ReplaceAll(strings.Replace(foundAnna, "found", "changed", 1), "10.0.0.2", "10.0.0.2 10.0.0.7"), strings.ReplaceAll(strings.Replace(foundAnna, "found", "changed", 1), "10.0.0.2", "10.0.0.7")},
		},
		"one more address": {
			[]string{allAnna, "2s", aAnna + `|!annas.local. 120 IN A 10.0.0.7`, "20s"},
			[]string{foundAnna, strings.ReplaceAll(strings.Replace(foundAnna, "found", "changed", 1), "10.0.0.2", "10.0.0.2 10.0.0.7")},
		},
		"another host": {
			[]string{
				ptrAnna + "|" + srvAnna + "|" + txtAnna + "|" + aAnna, "2s",
				`!Anna\ B._sipuri._udp.local. 120 IN SRV 0 0 5060 Bobs\.Old.Sub.local.|!bobs\.old.sub.local. 120 IN A 10.0.0.3`, "20s",
			},
			[]string{
				`found "Anna B" at annas.local:5060 [10.0.0.2] ["txtvers=1" "name=Anna"]`,
				`changed "Anna B" at bobs.old.sub.local:5060 [10.0.0.3] ["txtvers=1" "name=Anna"]`,
			},
		},
		"many addresses": {
			[]string{
				ptrAnna + "|" + srvAnna + "|" + txtAnna,
				`annas.local. 120 IN AAAA fe80::2|annas.local. 120 IN AAAA 2001:db8::2|annas.local. 120 IN AAAA fd00::2|annas.local. 120 IN A 169.254.1.2|annas.local. 120 IN A 192.168.0.2|annas.local. 120 IN A 10.0.0.2`,
			},
			[]string{`found "Anna B" at annas.local:5060 [10.0.0.2 192.168.0.2 169.254.1.2 2001:db8::2 fd00::2 fe80::2%eth0] ["txtvers=1" "name=Anna"]`},
		},
		"addresses of nobody": {
			[]string{
				ptrAnna + "|" + srvAnna + "|" + txtAnna,
				`annas.local. 120 IN AAAA ::|annas.local. 120 IN AAAA ::1|annas.local. 120 IN AAAA ff02::1|annas.local. 120 IN AAAA ::ffff:10.0.0.9|annas.local. 120 IN A 0.0.0.0|annas.local. 120 IN A 127.0.0.1|annas.local. 120 IN A 224.0.0.1|annas.local. 120 IN A 255.255.255.255`, "1500ms",
			},
			[]string{`found "Anna B" at annas.local:5060 [] ["txtvers=1" "name=Anna"]`},
		},
		"port 0":             {[]string{ptrAnna + `|!anna\ b._sipuri._udp.local. 120 IN SRV 0 0 0 annas.local.|` + txtAnna + "|" + aAnna, "10s"}, nil},
		"nowhere":            {[]string{ptrAnna + `|!anna\ b._sipuri._udp.local. 120 IN SRV 0 0 5060 .|` + txtAnna + "|" + aAnna, "10s"}, nil},
		"out of the link":    {[]string{ptrAnna + `|!anna\ b._sipuri._udp.local. 120 IN SRV 0 0 5060 example.com.|` + txtAnna + `|example.com. 120 IN A 10.0.0.2`, "10s"}, nil},
		"not below the type": {[]string{`_sipuri._udp.local. 120 IN PTR Anna\ B._sip._udp.local.|!anna\ b._sip._udp.local. 120 IN SRV 0 0 5060 annas.local.|` + aAnna, "10s"}, nil},
		"far below the type": {[]string{`_sipuri._udp.local. 120 IN PTR x.y._sipuri._udp.local.|!x.y._sipuri._udp.local. 120 IN SRV 0 0 5060 annas.local.|` + aAnna, "10s"}, nil},
		"the type itself":    {[]string{`_sipuri._udp.local. 120 IN PTR _sipuri._udp.local.|_sipuri._udp.local. 120 IN PTR .`, "10s"}, nil},
		"another type":       {[]string{`_sip._udp.local. 120 IN PTR Anna\ B._sip._udp.local.`, "10s"}, nil},
		"goodbye of a stranger": {
			[]string{`_sipuri._udp.local. 0 IN PTR Bob._sipuri._udp.local.`, "10s"}, nil,
		},
		"a text too long": {
			[]string{ptrAnna + "|" + srvAnna + "|" + aAnna + `|anna\ b._sipuri._udp.local. 120 IN TXT` + strings.Repeat(` "`+strings.Repeat("x", 255)+`"`, 6), "1500ms"},
			[]string{`found "Anna B" at annas.local:5060 [10.0.0.2] []`},
		},
		"a text that nobody tells again": {
			[]string{ptrAnna + "|" + strings.Replace(srvAnna, " 120 ", " 4500 ", 1) + "|" + strings.Replace(txtAnna, " 4500 ", " 120 ", 1) + "|" + aaaaAnna + "|" + aAnna, "125s", strings.Replace(aAnna, " 120 ", " 4500 ", 1)},
			[]string{foundAnna, strings.Replace(strings.Replace(foundAnna, "found", "changed", 1), "10.0.0.2 fe80::2%eth0", "", 1), strings.Replace(strings.Replace(foundAnna, "found", "changed", 1), " fe80::2%eth0", "", 1)},
		},
		"strange names": {
			[]string{
				`_sipuri._udp.local. 120 IN PTR \000\010\027[1m\.\\\"\255._sipuri._udp.local.|!\000\010\027[1m\.\\\"\255._sipuri._udp.local. 120 IN SRV 0 0 1 \010.local.|` +
					`!\000\010\027[1m\.\\\"\255._sipuri._udp.local. 120 IN TXT "" "=" "\000=\255" "no value"|\010.local. 120 IN A 10.0.0.2`,
			},
			[]string{"found \"\\x00\\n\\x1b[1m.\\\\\\\"\\xff\" at \n.local:1 [10.0.0.2] [\"=\" \"\\x00=\\xff\" \"no value\"]"},
		},
		"names of any script": {
			[]string{
				`_sipuri._udp.local. 120 IN PTR J\195\188rgen\ \240\159\152\128._SIPURI._UDP.Local.|J\195\188RGEN\ \240\159\152\128._sipuri._udp.local. 120 IN SRV 0 0 1 H.local.|` +
					`J\195\188rgen\ \240\159\152\128._sipuri._udp.local. 120 IN TXT "a=\195\188"|h.LOCAL. 120 IN A 10.0.0.2`,
			},
			[]string{`found "Jürgen 😀" at h.local:1 [10.0.0.2] ["a=ü"]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := browsing(t)
			for _, step := range c.steps {
				if d, err := time.ParseDuration(step); err == nil {
					e.run(d)
				} else {
					e.hear(strings.Split(step, "|")...)
				}
				e.check()
			}
			e.wantsEvents(c.want...)
		})
	}
}

func TestAnswersComeFromThePort(t *testing.T) {
	e := browsing(t)
	other := fromPeer
	other.From = netip.AddrPortFrom(other.From.Addr(), 5354)
	e.hearFrom(other, strings.Split(allAnna, "|")...)
	e.run(10 * time.Second)
	e.wantsEvents()
}

func TestManyInstancesOnAHost(t *testing.T) {
	e := browsing(t)
	var lines, found, changed, gone, lost []string
	for _, name := range []string{"a", "b", "c"} {
		lines = append(lines, "_sipuri._udp.local. 4500 IN PTR "+name+"._sipuri._udp.local.",
			"!"+name+"._sipuri._udp.local. 4500 IN SRV 0 0 1 h.local.", "!"+name+"._sipuri._udp.local. 4500 IN TXT x")
		gone = append(gone, "_sipuri._udp.local. 0 IN PTR "+name+"._sipuri._udp.local.")
		found = append(found, `found "`+name+`" at h.local:1 [10.0.0.2] ["x"]`)
		changed = append(changed, `changed "`+name+`" at h.local:1 [10.0.0.3] ["x"]`)
		lost = append(lost, `lost "`+name+`" at h.local:1 [10.0.0.3] ["x"]`)
	}
	e.hear(append(lines, "!h.local. 4500 IN A 10.0.0.2")...)
	e.wantsEvents(found...)
	e.run(2 * time.Second)
	e.hear("h.local. 0 IN A 10.0.0.2", "!h.local. 4500 IN A 10.0.0.3")
	e.wantsEvents(changed...)
	e.check()
	e.hear(gone[:2]...)
	e.run(time.Second)
	e.wantsEvents(lost[:2]...)
	e.check()
	if len(e.machines) != 1 {
		t.Errorf("%d hosts, want 1", len(e.machines))
	}
	e.hear(gone[2])
	e.run(time.Second)
	e.wantsEvents(lost[2])
	e.check()
	if n := len(e.cache.sets); n != 1 || len(e.machines) != 0 {
		t.Errorf("%d sets and %d hosts are left", n, len(e.machines))
	}
}

func TestFoundForLaterBrowsers(t *testing.T) {
	e := browsing(t)
	e.hear(strings.Split(allAnna, "|")...)
	e.hear(`_sipuri._udp.local. 120 IN PTR vague._sipuri._udp.local.`)
	e.run(time.Second)
	e.log = nil
	want := []Instance{{
		Name: "Anna B", Type: "_sipuri._udp", Link: 3, Host: "annas.local", Port: 5060,
		Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fe80::2%eth0")},
		Text:  []string{"txtvers=1", "name=Anna"},
	}}
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(want, e.found("_sipuri._udp"), same); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if got := e.found("_sip._udp"); got != nil {
		t.Errorf("found of another type: %v", got)
	}
	e.unbrowse("_sip._udp")
	e.check()
	e.unbrowse("_sipuri._udp")
	e.check()
	e.hear(strings.Split(allAnna, "|")...)
	e.run(3 * time.Hour)
	e.wants() // neither questions nor events
	if len(e.cache.sets) != 0 {
		t.Errorf("%d sets are left", len(e.cache.sets))
	}
	e.browse(e.now, "_sipuri._udp")
	e.run(time.Second)
	e.wantsTimes("asks PTR", "", "3h0m2.02s")
}

func TestLinkIsGone(t *testing.T) {
	e := browsing(t)
	e.browse(e.now, "_sip._udp")
	e.hear(strings.Split(allAnna, "|")...)
	e.hear(strings.Split(strings.ReplaceAll(allAnna, "_sipuri", "_sip"), "|")...)
	e.hear(`_sipuri._udp.local. 120 IN PTR vague._sipuri._udp.local.`)
	e.run(time.Second)
	e.log = nil
	e.close()
	e.wantsEvents(lostAnna, lostAnna)
	e.check()
	if next := e.due(e.now); !next.IsZero() {
		t.Errorf("something is due at %v", next)
	}
}

func TestLinkHasOtherAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		addrs   []string
		moved   bool
		answers bool
	}{
		"one more":             {addrs: []string{"10.0.0.1/24", "10.1.0.1/24"}},
		"another of a network": {addrs: []string{"fe80::1/64", "10.0.0.99/24"}},
		"another network":      {addrs: []string{"fe80::1/64", "10.1.0.1/24"}, moved: true},
		"the same, renumbered": {addrs: []string{"fe80::1/64", "10.1.0.1/24"}, moved: true, answers: true},
		"none":                 {addrs: []string{"fe80::1/64"}, moved: true},
	} {
		t.Run(name, func(t *testing.T) {
			e := browsing(t)
			e.hear(strings.Split(allAnna, "|")...)
			e.hear(`_sipuri._udp.local. 4500 IN PTR vague._sipuri._udp.local.`)
			e.run(10 * time.Second)
			e.log = nil
			link := Link{Index: 3, Name: "eth0"}
			for _, a := range c.addrs {
				link.Addrs = append(link.Addrs, netip.MustParsePrefix(a))
			}
			e.relink(e.now, link)
			e.run(time.Second)
			vague := "11.02s"
			if c.moved {
				vague = "11.05s" // in the next packet
				e.wantsTimes("asks", "SRV anna", "11s")
				e.wantsTimes("asks", " A annas", "11s")
				e.wantsTimes("asks PTR", "knowing")
			} else {
				e.wantsTimes("asks", "SRV anna")
				e.wantsTimes("asks PTR", "knowing", "11.02s")
			}
			e.wantsTimes("asks", "SRV vague", vague)
			if c.answers {
				e.hear(strings.Split(allAnna, "|")...)
			}
			e.run(time.Minute)
			e.check()
			if c.moved && !c.answers {
				e.wantsTimes("asks", "SRV anna", "11s", "12.5s", "14s", "15.5s")
				e.wantsTimes("lost", "", "17s")
				return
			}
			e.wantsTimes("lost", "")
		})
	}
}

func TestAnswersToUsAlone(t *testing.T) {
	alone := fromPeer
	alone.Multicast, alone.Asked = false, true
	short := func(lines string, ttl string) []string {
		return strings.Split(strings.NewReplacer(" 4500 ", ttl, " 120 ", ttl).Replace(lines), "|")
	}
	e := browsing(t)
	e.run(2500 * time.Millisecond)
	e.wantsTimes("alone asks", "", "1.02s")
	e.hearFrom(alone, short(allAnna, " 10 ")...) // who conforms is heard of by everybody
	e.hearFrom(alone, short(allAnna, " 120 ")...)
	e.wantsEvents(foundAnna)
	e.check()
	e.run(150 * time.Second) // nobody answers
	e.wantsTimes("alone asks", "", "1m3.02s", "1m39.5s", "1m45.5s", "1m51.5s", "1m57.5s", "2m7.02s")
	e.wantsEvents(lostAnna)

	e.hear(strings.Split(allAnna, "|")...)
	e.hearFrom(alone, `annas.local. 120 IN A 10.0.0.99`, `anna\ b._sipuri._udp.local. 120 IN SRV 0 0 99 annas.local.`, `_sipuri._udp.local. 120 IN PTR anna\ b._sipuri._udp.local.`)
	e.wantsEvents(foundAnna)
	e.hearFrom(alone, short(allAnna, " 0 ")...)
	e.run(50 * time.Second)
	e.wantsTimes("lost", "")
	e.check()
}
