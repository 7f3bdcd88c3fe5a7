package bonjour_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// A roster is who is there, as the events of a browser tell it.
type roster struct {
	t  *testing.T
	mu sync.Mutex // guards what follows
	by map[string]string
}

// watch keeps a roster of what a peer finds of a type.
func (p *peer) watch(serviceType string) *roster {
	p.t.Helper()
	r := &roster{t: p.t, by: make(map[string]string)}
	if _, err := p.Browse(serviceType, r.take); err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (r *roster) take(v bonjour.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := v.Instance
	name := i.Name
	if i.Link != 2 { // all have eth0
		name += fmt.Sprintf(" on link %d", i.Link)
	}
	if _, known := r.by[name]; known == (v.Kind == bonjour.Found) {
		r.t.Errorf("event %d of %q, known: %v", v.Kind, name, known)
	}
	if v.Kind == bonjour.Lost {
		delete(r.by, name)
		return
	}
	r.by[name] = fmt.Sprintf("%s:%d %v %q", i.Host, i.Port, i.Addrs, i.Text)
}

// wants compares who is there.
func (r *roster) wants(when string, want map[string]string) {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, maps.Clone(r.by)); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// until waits until somebody is there as wanted, or is not (empty), and returns how
// long that took; it gives up after two hours.
func (r *roster) until(name, want string) time.Duration {
	r.t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		r.mu.Lock()
		got := r.by[name]
		r.mu.Unlock()
		if got == want {
			return time.Since(start)
		}
		if time.Since(start) > 2*time.Hour {
			r.t.Fatalf("%q is %q, want %q", name, got, want)
		}
	}
}

// within fails the test if something took longer.
func within(t *testing.T, what string, took, most time.Duration) {
	t.Helper()
	t.Logf("%s took %v", what, took)
	if took > most {
		t.Errorf("%s took %v, want at most %v", what, took, most)
	}
}

func chance(seed uint64) func() float64 { return rand.New(rand.NewPCG(seed, 7)).Float64 }

// trio is three hosts on a link, each with an engine that browses.
func trio(t *testing.T) (n *bonjourtest.Network, peers []*peer, rosters []*roster) {
	n = bonjourtest.NewNetwork()
	for i, name := range []string{"a", "b", "c"} {
		h := n.Host(name, fmt.Sprintf("10.0.0.%d/24", i+1), fmt.Sprintf("fe80::%d/64", i+1))
		p := join(t, n, h, chance(uint64(i)))
		peers, rosters = append(peers, p), append(rosters, p.watch("_sipuri._udp"))
	}
	return n, peers, rosters
}

func TestNamesOfAllKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peers, rosters := trio(t)
		names := []string{
			"Anna", "Anna B. Meyer", "a.b.local.", `back\slash "quote"`, "Jürgen Müller", "张伟", "😀 emoji 👩‍👩‍👧",
			"_sipuri._udp", " x ", "tab (2)", "MiXeD", "semi;colon@at$", strings.Repeat("ü", 31) + "!", "\u202eright to left",
		}
		want := make(map[string]string)
		for i, name := range names {
			p := peers[i%3]
			p.publish(bonjour.Service{Name: name, Type: "_sipuri._udp", Port: uint16(1000 + i), Text: text("name="+name, "Ünïcode=😀\x00\xff", "=", "flag")})
			host := i%3 + 1
			want[strings.TrimSpace(name)] = fmt.Sprintf("%s.local:%d [10.0.0.%d fe80::%d%%eth0] %q", p.host.Name(), 1000+i, host, host, []string{"name=" + name, "Ünïcode=😀\x00\xff", "=", "flag"})
		}
		time.Sleep(3 * time.Second)
		for i, r := range rosters {
			others := maps.Clone(want) // an engine does not hear its own services
			maps.DeleteFunc(others, func(_, v string) bool { return strings.HasPrefix(v, peers[i].host.Name()+".local") })
			r.wants("after 3 s", others)
		}
		time.Sleep(24 * time.Hour)
		for i, r := range rosters {
			others := maps.Clone(want)
			maps.DeleteFunc(others, func(_, v string) bool { return strings.HasPrefix(v, peers[i].host.Name()+".local") })
			r.wants("after a day", others)
		}
	})
}

func TestFiftyServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peers, rosters := trio(t)
		want := make(map[string]string)
		for i := range 50 {
			name := fmt.Sprintf("Phone %d", i)
			peers[0].publish(bonjour.Service{Name: name, Type: "_sipuri._udp", Port: uint16(2000 + i), Text: text("n=" + fmt.Sprint(i))})
			want[name] = fmt.Sprintf("a.local:%d [10.0.0.1 fe80::1%%eth0] [%q]", 2000+i, "n="+fmt.Sprint(i))
		}
		time.Sleep(1500 * time.Millisecond)
		rosters[1].wants("told by announcements", want)
		peers[2].Close(context.Background())
		late := join(t, peers[2].net, peers[2].host).watch("_sipuri._udp")
		time.Sleep(2 * time.Second)
		late.wants("asked for", want)
		peers[0].Close(context.Background())
		time.Sleep(100 * time.Millisecond)
		rosters[1].wants("gone", map[string]string{})
		late.wants("gone", map[string]string{})
	})
}

func TestComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, peers, rosters := trio(t)
		b := rosters[1]
		at := func(port int) string { return fmt.Sprintf("a.local:%d [10.0.0.1 fe80::1%%eth0] []", port) }
		service := bonjour.Service{Name: "Anna", Type: "_sipuri._udp", Port: 1}
		peers[0].publish(service)
		within(t, "the start", b.until("Anna", at(1)), time.Second)

		time.Sleep(time.Hour)
		peers[0].Close(context.Background())
		within(t, "the end", b.until("Anna", ""), 100*time.Millisecond)

		again := join(t, n, peers[0].host)
		service.Port = 2
		again.publish(service)
		within(t, "the next start", b.until("Anna", at(2)), time.Second)

		time.Sleep(time.Hour)
		again.host.Kill()
		again.Close(context.Background())
		within(t, "the end by a kill", b.until("Anna", ""), 120*time.Second)

		third := join(t, n, n.Host("a", "10.0.0.1/24", "fe80::1/64"))
		service.Port = 3
		third.publish(service)
		within(t, "the start after a kill", b.until("Anna", at(3)), time.Second)
		third.host.Kill()
		third.Close(context.Background())
		fourth := join(t, n, n.Host("a", "10.0.0.1/24", "fe80::1/64"))
		service.Port = 4
		fourth.publish(service)
		within(t, "a kill and a start", b.until("Anna", at(4)), time.Second)
	})
}

func TestCableOfWhoLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peers, rosters := trio(t)
		const anna = "a.local:1 [10.0.0.1 fe80::1%eth0] []"
		peers[0].publish(bonjour.Service{Name: "Anna", Type: "_sipuri._udp", Port: 1})
		rosters[1].until("Anna", anna)
		time.Sleep(time.Hour)
		peers[1].host.Pull("eth0")
		within(t, "the loss", rosters[1].until("Anna", ""), 5*time.Second)
		time.Sleep(time.Hour)
		peers[1].host.Plug("eth0")
		peers[1].LinksChanged()
		within(t, "the return", rosters[1].until("Anna", anna), 1200*time.Millisecond)
	})
}

func TestCableOfWhoIsFound(t *testing.T) {
	for _, away := range []time.Duration{10 * time.Second, 10 * time.Minute, 10 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			_, peers, rosters := trio(t)
			const anna = "a.local:1 [10.0.0.1 fe80::1%eth0] []"
			peers[0].publish(bonjour.Service{Name: "Anna", Type: "_sipuri._udp", Port: 1})
			rosters[1].until("Anna", anna)
			time.Sleep(time.Hour)
			peers[0].host.Pull("eth0")
			time.Sleep(away)
			if away > 2*time.Minute {
				rosters[1].wants("cut off", map[string]string{})
			}
			peers[0].host.Plug("eth0")
			peers[0].LinksChanged()
			within(t, "the return after "+away.String(), rosters[1].until("Anna", anna), time.Second)
			within(t, "of who looks, too", rosters[0].until("Anna", ""), 0)
			time.Sleep(10 * time.Minute)
			rosters[1].wants("later", map[string]string{"Anna": anna})
		})
	}
}

func TestOtherAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peers, rosters := trio(t)
		peers[0].publish(bonjour.Service{Name: "Anna", Type: "_sipuri._udp", Port: 1})
		rosters[1].until("Anna", "a.local:1 [10.0.0.1 fe80::1%eth0] []")
		for _, c := range []struct {
			addrs []string
			want  string
		}{
			{[]string{"10.0.0.77/24", "fe80::1/64"}, "[10.0.0.77 fe80::1%eth0]"},
			{[]string{"10.0.0.77/24", "10.0.0.78/24", "fd00::1/64", "fe80::1/64"}, "[10.0.0.77 10.0.0.78 fd00::1 fe80::1%eth0]"},
			{[]string{"fe80::1/64"}, "[fe80::1%eth0]"},
			{[]string{"10.0.0.77/24"}, "[10.0.0.77]"},
			{[]string{"10.0.0.1/24", "fe80::1/64"}, "[10.0.0.1 fe80::1%eth0]"},
		} {
			time.Sleep(time.Hour)
			peers[0].host.SetAddrs("eth0", c.addrs...)
			within(t, c.want, rosters[1].until("Anna", "a.local:1 "+c.want+" []"), 125*time.Second)
			time.Sleep(10 * time.Minute)
			rosters[1].wants("later", map[string]string{"Anna": "a.local:1 " + c.want + " []"})
		}
	})
}

func TestOneMoreLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peers, rosters := trio(t)
		peers[0].publish(bonjour.Service{Name: "Anna", Type: "_sipuri._udp", Port: 1})
		first := map[string]string{"Anna": "a.local:1 [10.0.0.1 fe80::1%eth0] []"}
		time.Sleep(10 * time.Second)
		rosters[1].wants("on one link", first)
		peers[0].host.AddLink("wlan0", "radio", "192.168.7.1/24")
		peers[1].host.AddLink("wlan0", "radio", "192.168.7.2/24")
		within(t, "the second link", rosters[1].until("Anna on link 3", "a.local:1 [192.168.7.1] []"), 6500*time.Millisecond)
		both := maps.Clone(first)
		both["Anna on link 3"] = "a.local:1 [192.168.7.1] []"
		time.Sleep(time.Hour)
		rosters[1].wants("on both", both)
		rosters[2].wants("somebody with one link", first)
		peers[1].host.RemoveLink("wlan0")
		within(t, "its end", rosters[1].until("Anna on link 3", ""), 5*time.Second)
		rosters[1].wants("on one again", first)
	})
}

func TestTextsFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peers, rosters := trio(t)
		var mu sync.Mutex
		state := "idle"
		p := peers[0].publish(bonjour.Service{Name: "Anna", Type: "_sipuri._udp", Port: 1, Text: func(bonjour.Link) []string {
			mu.Lock()
			defer mu.Unlock()
			return []string{"state=" + state}
		}})
		time.Sleep(5 * time.Second)
		for _, s := range []string{"busy", "idle", "busy", "away"} {
			mu.Lock()
			state = s
			mu.Unlock()
			p.Update()
			within(t, s, rosters[1].until("Anna", fmt.Sprintf("a.local:1 [10.0.0.1 fe80::1%%eth0] [%q]", "state="+s)), 1100*time.Millisecond)
		}
		time.Sleep(2 * time.Hour)
		rosters[1].wants("later", map[string]string{"Anna": `a.local:1 [10.0.0.1 fe80::1%eth0] ["state=away"]`})
	})
}

// Every third packet is lost, others come late or twice.
func TestBadCables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, peers, rosters := trio(t)
		r := rand.New(rand.NewPCG(3, 3))
		var mu sync.Mutex
		n.SetHook(func(bonjourtest.Packet, string) bonjourtest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			return bonjourtest.Verdict{Lost: r.IntN(3) == 0, Delay: time.Duration(r.IntN(300)) * time.Millisecond, Copies: r.IntN(2)}
		})
		want := make(map[string]string)
		for i, p := range peers[:2] {
			name := string(rune('A' + i))
			p.publish(bonjour.Service{Name: name, Type: "_sipuri._udp", Port: 9})
			want[name] = fmt.Sprintf("%s.local:9 [10.0.0.%d fe80::%d%%eth0] []", p.host.Name(), i+1, i+1)
		}
		for name, w := range want {
			within(t, name, rosters[2].until(name, w), 10*time.Second)
		}
		misses := 0
		for range 24 * 60 { // every record's life goes by hundreds of times
			time.Sleep(time.Minute)
			rosters[2].mu.Lock()
			if !maps.Equal(rosters[2].by, want) {
				misses++
			}
			rosters[2].mu.Unlock()
		}
		if misses > 24*60/50 {
			t.Errorf("somebody was missing in %d of %d minutes", misses, 24*60)
		}
	})
}

// Twenty who sit there for a day say little.
func TestIdleTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		var rosters []*roster
		for i := range 20 {
			p := join(t, n, n.Host(fmt.Sprintf("h%d", i), fmt.Sprintf("10.0.0.%d/24", i+1)), chance(uint64(i)))
			p.publish(bonjour.Service{Name: fmt.Sprint("Phone ", i), Type: "_sipuri._udp", Port: 9})
			rosters = append(rosters, p.watch("_sipuri._udp"))
		}
		time.Sleep(time.Hour)
		n.Forget()
		time.Sleep(time.Hour)
		queries, responses, bytes := 0, 0, 0
		for _, p := range n.Packets() {
			bytes += len(p.Data)
			if p.IsResponse() {
				responses++
			} else {
				queries++
			}
		}
		t.Logf("an hour of 20 idle hosts: %d queries, %d responses, %d bytes", queries, responses, bytes)
		if total := queries + responses; total > 20*400 {
			t.Errorf("%d packets in an hour", total)
		}
		for i, r := range rosters {
			r.mu.Lock()
			if len(r.by) != 19 {
				t.Errorf("h%d knows %d of 19", i, len(r.by))
			}
			r.mu.Unlock()
		}
	})
}

// Somebody offers ten thousand services while others come and go.
func TestEngineInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, peers, rosters := trio(t)
		peers[0].publish(bonjour.Service{Name: "Anna", Type: "_sipuri._udp", Port: 1})
		rosters[1].until("Anna", "a.local:1 [10.0.0.1 fe80::1%eth0] []")
		for first := 0; first < 10000; first += 100 {
			m := new(dns.Msg)
			m.Response = true
			for i := first; i < first+100; i++ {
				name := fmt.Sprintf("flood%d._sipuri._udp.local.", i)
				m.Answer = append(m.Answer,
					&dns.PTR{Hdr: dns.RR_Header{Name: "_sipuri._udp.local.", Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: 4500}, Ptr: name},
					&dns.SRV{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: 4500}, Port: 1, Target: "flood.local."})
			}
			m.Compress = true
			n.Inject(bonjourtest.LAN, "10.0.0.99:5353", bonjourtest.Pack(m))
			time.Sleep(time.Millisecond)
		}
		n.Forget()
		start := time.Now()
		peers[2].publish(bonjour.Service{Name: "Carl", Type: "_sipuri._udp", Port: 3})
		within(t, "the start of another", rosters[1].until("Carl", "c.local:3 [10.0.0.3 fe80::3%eth0] []"), time.Second)
		rosters[1].until("Anna", "a.local:1 [10.0.0.1 fe80::1%eth0] []")
		time.Sleep(time.Minute)
		packets := n.Sent("b")
		t.Logf("%d packets in %v", len(packets), time.Since(start))
		if len(packets) > 3000 {
			t.Errorf("%d packets in %v", len(packets), time.Since(start))
		}
	})
}
