package bonjour_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// A flood of questions is answered as one, and the engine still does what it is asked.
func TestFloodOfQuestions(t *testing.T) {
	announced(t, func(r *rig) {
		var names []string
		for i := range 500 {
			names = append(names, fmt.Sprintf("x%d._sip._udp.local. SRV", i), "a.local. A")
		}
		flood := bonjourtest.Pack(query(names[:400]))
		for range 10000 {
			r.net.Inject(bonjourtest.LAN, other, flood)
		}
		time.Sleep(5 * time.Second)
		if got := sent(r.net, r.start, "a"); len(got) > 6 {
			t.Errorf("%d packets were sent in five seconds, want at most one in a second: %q", len(got), got)
		}
		r.hears(query([]string{"a.local. A"}))
		r.says(time.Second, "5s response answers "+aRec+"; additionals "+nsec)
	})
}

// Packets that come faster than they can be dealt with are dropped, not kept.
func TestPacketsInWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24"))
		release := make(chan struct{})
		blocked := a.publish(bonjour.Service{Name: "Anna", Type: "_sip._udp", Text: func(bonjour.Link) []string { <-release; return nil }})
		packet := bonjourtest.Pack(response("_sip._tcp.local. 4500 PTR b._sip._tcp.local."))
		for i := range 10000 {
			n.Inject(bonjourtest.LAN, fmt.Sprintf("10.0.0.%d:5353", 2+i%200), packet)
		}
		synctest.Wait()
		if got := bonjour.Waiting(a.Engine); got > 300 {
			t.Errorf("%d packets wait for the engine, want at most 300", got)
		}
		close(release)
		time.Sleep(2 * time.Second)
		blocked.Withdraw()
	})
}

func TestGarbage(t *testing.T) {
	announced(t, func(r *rig) {
		r.browse("_sip._udp")
		random := rand.New(rand.NewPCG(1, 2))
		good := [][]byte{
			bonjourtest.Pack(query([]string{"_sip._udp.local. PTR", "Anna._sip._udp.local. ANY QU"}, ptrRec)),
			bonjourtest.Pack(response("b._sip._udp.local. 120 SRV 0 0 9 b.local. flush", "_sip._udp.local. 4500 PTR b._sip._udp.local.", "b.local. 120 A 10.0.0.9")),
		}
		for i := range 20000 {
			packet := append([]byte(nil), good[i%2]...)
			for range 1 + random.IntN(8) {
				packet[random.IntN(len(packet))] = byte(random.Uint32())
			}
			r.net.Inject(bonjourtest.LAN, other, packet[:random.IntN(len(packet)+1)])
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(10 * time.Minute)
		r.net.Forget()
		r.start = time.Now()
		r.hears(query([]string{"a.local. A"}))
		r.says(time.Second, "0s response answers "+aRec+"; additionals "+nsec)
	})
}

// Somebody takes every name before it is probed for: that makes us take none.
func TestConflictsForNothing(t *testing.T) {
	announced(t, func(r *rig) {
		var records []string
		for i := range 60 {
			name := `Anna`
			if i > 0 {
				name = fmt.Sprintf(`Anna\ \(%d\)`, i+1)
			}
			records = append(records, name+"._sip._udp.local. 120 SRV 0 0 7 evil.local. flush")
		}
		evil := bonjourtest.Pack(response(records...))
		for range 6000 { // ten minutes
			r.net.Inject(bonjourtest.LAN, other, evil)
			time.Sleep(100 * time.Millisecond)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.got) > 60 {
			t.Errorf("%d changes were told of in ten minutes, want at most 60", len(r.got))
		}
		if got := len(sent(r.net, r.start, "a")); got > 100 {
			t.Errorf("%d packets were sent in ten minutes, want at most 100", got)
		}
	})
}

func TestFiftyOfOneHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := join(t, n, n.Host("a", "10.0.0.1/24", "fe80::1/64"))
		b := join(t, n, n.Host("b", "10.0.0.2/24", "fe80::2/64"))
		for i := range 50 {
			a.publish(bonjour.Service{Name: fmt.Sprintf("Telephone no. %d 📞", i), Type: "_sip._udp", Port: 5060, Text: text("name=somebody", "contact=<sip:abcdefgh@10.0.0.1:5060>")})
		}
		time.Sleep(10 * time.Second)
		b.browse("_sip._udp")
		time.Sleep(time.Second)
		synctest.Wait()
		b.mu.Lock()
		found := strings.Count(strings.Join(b.got, "\n"), "found Telephone")
		b.mu.Unlock()
		if found != 50 {
			t.Errorf("%d services were found, want 50", found)
		}
		for _, p := range n.Packets() {
			if len(p.Data) > 1440 {
				t.Errorf("packet of %d bytes", len(p.Data))
			}
			if p.IsResponse() && len(p.Answers()) == 0 {
				t.Errorf("response without answers: %v", p)
			}
		}
		n.Forget()
		a.Close(context.Background())
		byes := 0
		for _, p := range n.Sent("a") {
			for _, rr := range p.Message().Answer {
				if rr.Header().Ttl != 0 {
					t.Errorf("%v at the end, want goodbyes only", rr)
				}
				if rr.Header().Rrtype == dns.TypePTR {
					byes++
				}
			}
		}
		if byes != 50*2 { // IPv4 and IPv6
			t.Errorf("%d goodbyes, want 100", byes)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if got := strings.Count(strings.Join(b.got, "\n"), "lost Telephone"); got != 50 {
			t.Errorf("%d services were lost, want 50", got)
		}
	})
}

// Somebody says goodbye for others: their owners object before anybody is lost.
func TestForgedGoodbyes(t *testing.T) {
	announced(t, func(r *rig) {
		r.browse("_sip._udp")
		b := r.offering("Bert", 7, "b", "10.0.0.2/24", "fe80::2/64")
		time.Sleep(10 * time.Second)
		r.wants("at first", "758ms found Bert b.local:7 [10.0.0.2 fe80::2%eth0] []")
		for range 10 {
			r.hears(response("_sip._udp.local. 0 PTR Bert._sip._udp.local.", "Bert._sip._udp.local. 0 SRV 0 0 7 b.local. flush",
				`Bert._sip._udp.local. 0 TXT "" flush`, "b.local. 0 A 10.0.0.2 flush", "b.local. 0 AAAA fe80::2 flush"))
			time.Sleep(1300 * time.Millisecond)
		}
		r.wants("forged goodbyes")
		time.Sleep(2 * time.Minute)
		r.net.SetHook(func(p bonjourtest.Packet, to string) bonjourtest.Verdict {
			return bonjourtest.Verdict{Lost: p.Host == "" && to == "b"} // what is forged does not get to the owner
		})
		r.hears(response("_sip._udp.local. 0 PTR Bert._sip._udp.local.", "Bert._sip._udp.local. 0 SRV 0 0 7 b.local. flush"))
		time.Sleep(time.Minute)
		r.wants("a goodbye that the owner does not hear")
		b.Close(context.Background())
		synctest.Wait()
		r.wants("goodbye", "3m23s lost Bert b.local:7 [10.0.0.2 fe80::2%eth0] []")
	})
}

// A goodbye comes by both families, from another address each: neither is a stranger's.
func TestGoodbyesOfBothFamilies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, start := bonjourtest.NewNetwork(), time.Now()
		n.SetHook(func(p bonjourtest.Packet, _ string) bonjourtest.Verdict {
			if p.V6 {
				return bonjourtest.Verdict{Delay: 5 * time.Millisecond}
			}
			return bonjourtest.Verdict{}
		})
		a, b := join(t, n, n.Host("a", "10.0.0.1/24", "fe80::1/64")), join(t, n, n.Host("b", "10.0.0.2/24", "fe80::2/64"))
		roster := a.watch("_sip._udp")
		b.publish(bonjour.Service{Name: "Bert", Type: "_sip._udp", Port: 7})
		time.Sleep(10 * time.Second)
		roster.wants("at first", map[string]string{"Bert": "b.local:7 [10.0.0.2 fe80::2%eth0] []"})
		n.Forget()
		b.Close(context.Background())
		synctest.Wait()
		roster.wants("goodbye by IPv4", map[string]string{})
		time.Sleep(500 * time.Millisecond)
		for _, s := range sent(n, start, "a") {
			t.Errorf("sent after a goodbye: %s", s)
		}
	})
}
