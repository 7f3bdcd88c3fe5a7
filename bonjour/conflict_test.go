package bonjour_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// anna is what all want to be.
var anna = bonjour.Service{Name: "Anna", Type: "_sip._udp", Port: 5060}

func TestANameThatIsTakenGetsANumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		a.publish(anna)
		time.Sleep(10 * time.Second)
		a.wants("alone", "0s status [eth0] <nil>", "0s Anna probing", "758ms Anna announced")
		b := join(t, n, n.Host("b", "10.0.0.2/24"))
		b.publish(anna)
		time.Sleep(10 * time.Second)
		b.wants("second", "0s status [eth0] <nil>", "0s Anna probing", "8ms Anna (2) probing", "858ms Anna (2) announced")
		c := join(t, n, n.Host("a", "10.0.0.3/24")) // even the name of the host is taken
		other := anna
		other.Port = 5062
		c.publish(other)
		c.browse("_sip._udp")
		time.Sleep(10 * time.Second)
		c.wants("third", "0s status [eth0] <nil>", "0s Anna probing",
			"8ms Anna (2) probing", "108ms Anna (3) probing", "958ms Anna (3) announced",
			"1.008s found Anna a.local:5060 [10.0.0.1] []", "1.108s found Anna (2) b.local:5060 [10.0.0.2] []")
		a.browse("_sip._udp")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		slices.Sort(a.got) // both answer at the same time
		a.wants("the first", "30.12s found Anna (2) b.local:5060 [10.0.0.2] []", "30.12s found Anna (3) a-2.local:5062 [10.0.0.3] []")
	})
}

// Of those who probe at the same time, who has the later records wins: the address
// decides for the host, the host for the service.
func TestSimultaneousProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("pc", "10.0.0.1/24"))
		b := join(t, n, n.Host("pc", "10.0.0.2/24"))
		c := join(t, n, n.Host("pc", "10.0.0.3/24"))
		for i, p := range []*peer{a, b, c} {
			s := anna
			s.Port += uint16(i)
			p.publish(s)
		}
		time.Sleep(30 * time.Second)
		c.wants("the winner", "0s status [eth0] <nil>", "0s Anna probing", "758ms Anna announced")
		// The losers wait for a second, and begin anew when the winner has it.
		for _, p := range []*peer{a, b} {
			p.browse("_sip._udp")
		}
		time.Sleep(30 * time.Second)
		var names []string
		for _, p := range []*peer{a, b} {
			synctest.Wait()
			p.mu.Lock()
			for _, line := range p.got {
				if strings.HasSuffix(line, " announced") {
					names = append(names, line)
				}
			}
			if !slices.ContainsFunc(p.got, func(s string) bool { return strings.Contains(s, "found Anna pc.local:5062 [10.0.0.3]") }) {
				t.Errorf("a loser does not find the winner: %q", p.got)
			}
			p.mu.Unlock()
		}
		slices.Sort(names)
		if len(names) != 2 || !strings.Contains(names[0], "Anna (") || !strings.Contains(names[1], "Anna (") ||
			names[0][strings.Index(names[0], "Anna"):] == names[1][strings.Index(names[1], "Anna"):] {
			t.Errorf("the losers have the names %q, want two others", names)
		}
	})
}

// What a host left behind when its power went is nobody's.
func TestSameNameAfterTheEndOfPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		watch := join(t, n, n.Host("watch", "10.0.0.9/24"))
		watch.browse("_sip._udp")
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		a.publish(anna)
		time.Sleep(10 * time.Second)
		a.host.Kill()
		watch.wants("before", "0s status [eth0] <nil>", "758ms found Anna a.local:5060 [10.0.0.1] []")
		again := join(t, n, n.Host("a", "10.0.0.1/24"))
		again.publish(anna)
		time.Sleep(10 * time.Second)
		again.wants("again", "0s status [eth0] <nil>", "0s Anna probing", "758ms Anna announced")
		watch.wants("after")
		again.host.Kill()
		time.Sleep(3 * time.Minute)
		watch.wants("at the end", "2m13.758s lost Anna a.local:5060 [10.0.0.1] []")
	})
}

func TestANameThatSomebodyElseUsesIsProbedForAgain(t *testing.T) {
	foreign := "Anna._sip._udp.local. 120 SRV 0 0 7777 b.local. flush"
	announced(t, func(r *rig) { // who does not defend it loses it
		r.hears(response(foreign))
		time.Sleep(5 * time.Second)
		r.wants("once", "0s Anna probing", "750ms Anna announced")
	})
	announced(t, func(r *rig) { // who does keeps it
		r.hears(response(foreign))
		time.Sleep(400 * time.Millisecond)
		r.hears(response(foreign))
		time.Sleep(5 * time.Second)
		r.wants("twice", "0s Anna probing", "400ms Anna (2) probing", "1.25s Anna (2) announced")
		for _, p := range sent(r.net, r.start, "a") {
			if strings.Contains(p, "Anna._sip._udp.local. 0 ") || strings.Contains(p, "0 PTR Anna._sip") {
				t.Errorf("goodbye to what somebody else has now: %s", p)
			}
		}
	})
	announced(t, func(r *rig) { // of the name of the host
		r.hears(response("A.local. 120 A 10.0.0.9 flush"))
		time.Sleep(400 * time.Millisecond)
		r.hears(response("a.local. 120 A 10.0.0.9 flush"))
		time.Sleep(time.Second)
		// The service goes to the other name at once, while that is probed for.
		got := strings.Join(sent(r.net, r.start, "a"), "\n")
		for _, want := range []string{
			"400ms response answers Anna._sip._udp.local. 120 SRV 0 0 5060 a-2.local. flush",
			"500ms query a-2.local. ANY; authorities a-2.local. 120 A 10.0.0.1", "1.25s response answers a-2.local. 120 A 10.0.0.1 flush",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("sent no %q, but\n%s", want, got)
			}
		}
	})
}

func TestWhatIsNoConflict(t *testing.T) {
	announced(t, func(r *rig) {
		for _, records := range [][]string{
			{srvRec, txtRec, aRec, ptrRec}, // the same
			{"anna._sip._udp.local. 120 SRV 0 0 5060 A.Local. flush"},
			{"Anna._sip._udp.local. 0 SRV 0 0 7777 b.local. flush"}, // a goodbye
			{"_sip._udp.local. 4500 PTR Bert._sip._udp.local."},     // shared
			{"Bert._sip._udp.local. 120 SRV 0 0 7777 a.local. flush"},
			{"a.local. 120 AAAA fd00::9 flush", `a.local. 120 HINFO "x" "y" flush`}, // of no set of ours
		} {
			r.hears(response(records...))
		}
		foreign := bonjourtest.Pack(response("Anna._sip._udp.local. 120 SRV 0 0 7777 b.local. flush"))
		r.net.Inject(bonjourtest.LAN, "10.0.0.9:1234", foreign)                                // from another port
		r.net.InjectUnicast(bonjourtest.LAN, "10.1.0.9:5353", "10.0.0.1:5353", foreign)        // from another network
		r.hears(query([]string{"x.local. A"}, "Anna._sip._udp.local. 120 SRV 0 0 7 b.local.")) // of a question
		r.says(10 * time.Second)
		r.wants("nothing happened")
	})
}

func TestWhatOthersTakeAwayIsSaidAgain(t *testing.T) {
	all := "; additionals " + srvRec + ", " + txtRec + ", " + aRec + ", " + nsec
	announced(t, func(r *rig) {
		r.hears(response("_sip._udp.local. 0 PTR Anna._sip._udp.local."))
		r.says(5*time.Second, "0s response answers "+ptrRec+all)
		r.hears(response("_sip._udp.local. 2000 PTR Anna._sip._udp.local.")) // less than half of its life
		r.says(5*time.Second, "5s response answers "+ptrRec+all)
		r.hears(response("_sip._udp.local. 4500 PTR Bert._sip._udp.local. flush"))
		r.says(5*time.Second, "10s response answers "+ptrRec+all)
		r.hears(response("Anna._sip._udp.local. 0 TXT \"name=Anna\""))
		r.says(5*time.Second, "15s response answers "+txtRec)
	})
}

// Somebody answers every probe: there are ever longer pauses.
func TestConflictStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		var peaceful atomic.Bool
		n.SetHook(func(p bonjourtest.Packet, to string) bonjourtest.Verdict {
			if m := p.Message(); !peaceful.Load() && p.Host == "a" && to == "a" && m != nil && len(m.Ns) > 0 {
				var records []string
				for _, q := range m.Question {
					if strings.Contains(q.Name, "_sip") {
						records = append(records, q.Name+" 120 SRV 0 0 7 evil.local.")
					}
				}
				if len(records) > 0 {
					time.AfterFunc(time.Millisecond, func() { n.Inject(bonjourtest.LAN, other, bonjourtest.Pack(response(records...))) })
				}
			}
			return bonjourtest.Verdict{}
		})
		a.publish(anna)
		time.Sleep(10 * time.Minute)
		probes := func() int {
			count := 0
			for _, p := range n.Sent("a") {
				if len(p.Authorities()) > 0 {
					count++
				}
			}
			n.Forget()
			return count
		}
		if got := probes(); got < 30 || got > 45 {
			t.Errorf("%d probes in ten minutes of a storm, want 30 to 45", got)
		}
		a.mu.Lock()
		last := a.got[len(a.got)-1]
		a.got = nil
		a.mu.Unlock()
		if !strings.Contains(last, "probing: bonjour: every name that was tried is taken") {
			t.Errorf("told last: %s", last)
		}
		time.Sleep(time.Hour)
		if got := probes(); got < 50 || got > 65 {
			t.Errorf("%d probes in an hour of a storm, want about 60", got)
		}
		a.mu.Lock()
		a.got = nil
		a.mu.Unlock()
		peaceful.Store(true)
		time.Sleep(2 * time.Minute)
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.got) == 0 || !strings.HasSuffix(a.got[len(a.got)-1], " announced") {
			t.Errorf("told after the storm: %q, want to be announced", a.got)
		}
	})
}

// Somebody wins every tie-break and takes no name: we do not wait for ever.
func TestTieBreaksForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		a.publish(anna)
		probe := query([]string{"Anna._sip._udp.local. ANY"})
		probe.Ns = records([]string{"Anna._sip._udp.local. 120 SRV 9 9 9 z.local."})
		for range 100 {
			n.Inject(bonjourtest.LAN, other, bonjourtest.Pack(probe))
			time.Sleep(130 * time.Millisecond)
		}
		a.wants("at the end", "0s status [eth0] <nil>", "0s Anna probing", "10.53s Anna (2) probing", "11.38s Anna (2) announced")
	})
}

func TestTwoOfOursWithOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		first := a.publish(anna)
		upper := anna
		upper.Name = "ANNA"
		a.publish(upper)
		tcp := anna
		tcp.Type = "_sip._tcp"
		a.publish(tcp)
		time.Sleep(10 * time.Second)
		a.wants("three", "0s status [eth0] <nil>", "0s Anna probing", "0s ANNA (2) probing", "0s Anna probing",
			"758ms Anna announced", "758ms ANNA (2) announced", "758ms Anna announced")
		first.Withdraw()
		first.Withdraw()
		a.publish(anna)
		time.Sleep(10 * time.Second)
		a.wants("again", "10s Anna probing", "10.758s Anna announced")
	})
}

// Two links of one machine in the same network are no two machines.
func TestOurselvesByAnotherLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		h := n.Host("a", "10.0.0.1/24")
		h.AddLink("wlan0", bonjourtest.LAN, "10.0.0.2/24")
		a := join(t, n, h)
		s := anna
		s.Text = func(l bonjour.Link) []string { return []string{"at=" + l.Addrs[0].Addr().String()} }
		pub := a.publish(s)
		time.Sleep(10 * time.Second)
		pub.Update()
		time.Sleep(10 * time.Second)
		a.wants("both links", "0s status [eth0 wlan0] <nil>", "0s Anna probing", "758ms Anna announced")
		watch := join(t, n, n.Host("watch", "10.0.0.9/24"))
		watch.browse("_sip._udp")
		time.Sleep(time.Minute)
		a.wants("asked by somebody")
	})
}

// Two programs of one machine have one host name. One of them sees a new address
// sooner.
func TestTwoProgramsOfOneMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		h := n.Host("a", "10.0.0.1/24")
		a := join(t, n, h)
		a.publish(anna)
		time.Sleep(2 * time.Second)
		b := join(t, n, h)
		b.publish(bonjour.Service{Name: "Bert", Type: "_sip._udp", Port: 7})
		watch := join(t, n, n.Host("watch", "10.0.0.9/24"))
		watch.browse("_sip._udp")
		time.Sleep(20 * time.Second)
		a.wants("first", "0s status [eth0] <nil>", "0s Anna probing", "758ms Anna announced")
		b.wants("second", "0s status [eth0] <nil>", "0s Bert probing", "758ms Bert announced")
		h.SetAddrs("eth0", "10.0.0.2/24")
		time.Sleep(20 * time.Second)
		a.wants("first", "25s status [eth0] <nil>")
		b.wants("second", "23s status [eth0] <nil>")
		synctest.Wait()
		watch.mu.Lock()
		got := strings.Join(watch.got, "\n")
		watch.got = nil
		watch.mu.Unlock()
		if !strings.Contains(got, "changed Anna a.local:5060 [10.0.0.2] []") || !strings.Contains(got, "changed Bert a.local:7 [10.0.0.2] []") || strings.Contains(got, "lost") {
			t.Errorf("told when the address changed:\n%s", got)
		}
		b.Close(context.Background()) // the name is still that of the other
		time.Sleep(20 * time.Second)
		watch.wants("without Bert", "40.9s lost Bert a.local:7 [10.0.0.2] []")
	})
}

func TestPublishRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		for _, s := range []bonjour.Service{{Name: "", Type: "_sip._udp"}, {Name: "Anna", Type: "sip"}, {Name: "\x00", Type: "_sip._udp"}} {
			if _, err := a.Publish(s, nil); err == nil {
				t.Errorf("Publish(%q, %q) error = nil, want one", s.Name, s.Type)
			}
		}
		if _, err := a.Browse("_sip", func(bonjour.Event) {}); err == nil {
			t.Error("Browse(_sip) error = nil, want one")
		}
		b, err := a.Browse("_sip._udp", func(bonjour.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		a.Close(context.Background())
		a.Close(context.Background())
		if _, err := a.Publish(anna, nil); err != bonjour.ErrClosed {
			t.Errorf("Publish() after Close error = %v, want ErrClosed", err)
		}
		if _, err := a.Browse("_sip._udp", func(bonjour.Event) {}); err != bonjour.ErrClosed {
			t.Errorf("Browse() after Close error = %v, want ErrClosed", err)
		}
		b.Close()
		a.LinksChanged()
	})
}

// Somebody wins tie-breaks faster than we probe: those do not count, nor do they end a
// pause.
func TestTieBreaksBeforeTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		a.publish(anna)
		for range 600 { // a minute
			probe := query(nil)
			for i := range 100 {
				name := `Anna`
				if i > 0 {
					name = fmt.Sprintf(`Anna\ \(%d\)`, i+1)
				}
				probe.Question = append(probe.Question, dns.Question{Name: name + "._sip._udp.local.", Qtype: dns.TypeANY, Qclass: dns.ClassINET})
				probe.Ns = append(probe.Ns, records([]string{name + "._sip._udp.local. 120 SRV 9 9 9 z.local."})...)
			}
			n.Inject(bonjourtest.LAN, other, bonjourtest.Pack(probe))
			time.Sleep(100 * time.Millisecond)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.got) > 8 {
			t.Errorf("told in a minute: %q, want at most 6 names", a.got)
		}
	})
}

// Where many machines were made of one, most numbers are taken: one that is free is
// found in a minute.
func TestManyNumbersAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"), chance(1))
		taken := map[string]bool{`Anna._sip._udp.local.`: true}
		for i := range 60 {
			taken[fmt.Sprintf(`Anna\ \(%d\)._sip._udp.local.`, i+2)] = true
		}
		n.SetHook(func(p bonjourtest.Packet, to string) bonjourtest.Verdict {
			if m := p.Message(); p.Host == "a" && to == "a" && m != nil && len(m.Ns) > 0 {
				for _, q := range m.Question {
					if taken[q.Name] {
						defence := bonjourtest.Pack(response(q.Name + " 120 SRV 0 0 7 other.local. flush"))
						time.AfterFunc(time.Millisecond, func() { n.Inject(bonjourtest.LAN, other, defence) })
					}
				}
			}
			return bonjourtest.Verdict{}
		})
		a.publish(anna)
		time.Sleep(time.Minute)
		synctest.Wait()
		a.mu.Lock()
		defer a.mu.Unlock()
		if !strings.HasSuffix(a.got[len(a.got)-1], "announced") {
			t.Errorf("told in a minute: %q", a.got)
		}
	})
}
