package bonjour

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// flood returns a packet that offers a number of services from a host of their own,
// as the parser makes it.
func flood(t testing.TB, first, count int, host string) *message {
	t.Helper()
	m := message{response: true}
	add := func(rr dns.RR, flush bool) {
		h := rr.Header()
		h.Class = dns.ClassINET
		m.answers = append(m.answers, record{key: key{fold(h.Name), h.Rrtype}, rr: rr, ttl: time.Duration(h.Ttl) * time.Second, flush: flush})
	}
	for i := first; i < first+count; i++ {
		name := fmt.Sprintf(`Phone\ number\ %d._sipuri._udp.local.`, i)
		add(&dns.PTR{Hdr: dns.RR_Header{Name: "_sipuri._udp.local.", Rrtype: dns.TypePTR, Ttl: 4500}, Ptr: name}, false)
		add(&dns.SRV{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeSRV, Ttl: 120}, Port: 5060, Target: host}, true)
		add(&dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Ttl: 4500}, Txt: []string{"txtvers=1", fmt.Sprintf("name=Phone number %d", i), "contact=<sip:abcdefgh@10.0.0.2:5060>", "instance_id=00000000-0000-8000-8000-000000000000"}}, true)
	}
	add(&dns.A{Hdr: dns.RR_Header{Name: host, Rrtype: dns.TypeA, Ttl: 120}, A: []byte{10, 0, 0, 2}}, true)
	return parsed(t, m)
}

func parsed(t testing.TB, m message) *message {
	t.Helper()
	packets, err := m.pack(biggestSize)
	if err != nil || len(packets) != 1 {
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	again, err := parse(packets[0])
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func from(host int) Meta {
	return Meta{From: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(host >> 16), byte(host >> 8), byte(host)}), Port), Multicast: true}
}

// quietEar is an ear that remembers nothing but how many instances are found.
func quietEar(t testing.TB) (*ear, map[string]bool) {
	e := listen(t, 0)
	e.send = func(message) {}
	e.sendAlone = e.send
	found := make(map[string]bool)
	e.emit = func(v Event) {
		if v.Kind == Lost {
			delete(found, v.Instance.Name)
		} else {
			found[v.Instance.Name] = true
		}
	}
	e.browse(e.now, "_sipuri._udp")
	e.run(time.Second)
	return e, found
}

func TestFloodOfOneHost(t *testing.T) {
	e, found := quietEar(t)
	for i := range 50 { // those who were there before
		e.handle(e.now, flood(t, -i-1, 1, fmt.Sprintf("early%d.local.", i)), from(100+i))
	}
	before := heapInUse()
	for i := 0; i < 10000; i += 20 {
		e.handle(e.now, flood(t, i, 20, "flooder.local."), from(1))
		e.run(10 * time.Millisecond)
	}
	e.check()
	if len(e.instances) != maxInstances || len(found) != maxInstances {
		t.Errorf("%d instances, %d found, want %d", len(e.instances), len(found), maxInstances)
	}
	if used := heapInUse() - before; used > 20<<20 {
		t.Errorf("the flood costs %d bytes", used)
	}
	for i := range 50 {
		e.handle(e.now, flood(t, 20000+i, 1, fmt.Sprintf("late%d.local.", i)), from(200+i))
	}
	e.check()
	for i := range 50 {
		for _, n := range []int{-i - 1, 20000 + i} {
			if name := fmt.Sprintf("Phone number %d", n); !found[name] {
				t.Errorf("%s was kept out", name)
			}
		}
	}
	e.handle(e.now, flood(t, 30000, 20, "flooder.local."), from(1))
	if found["Phone number 30000"] || len(found) != maxInstances {
		t.Errorf("the flooder got more; %d found", len(found))
	}
	e.run(2 * time.Hour)
	e.check()
	if len(e.instances) != 0 || len(e.cache.sets) != 1 {
		t.Errorf("%d instances and %d sets are left", len(e.instances), len(e.cache.sets))
	}
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Somebody offers services of which nothing else is ever heard, each from another
// address.
func TestFloodOfManyHosts(t *testing.T) {
	e, found := quietEar(t)
	e.handle(e.now, flood(t, 1, 1, "early.local."), from(100000))
	pointer := func(i int) {
		e.handle(e.now, answers(t, fmt.Sprintf(`_sipuri._udp.local. 4500 IN PTR vain%d._sipuri._udp.local.`, i)), from(i))
	}
	for i := range 2 * maxInstances {
		pointer(i)
	}
	e.check()
	if len(e.instances) != maxInstances {
		t.Errorf("%d instances, want %d", len(e.instances), maxInstances)
	}
	e.run(vainly)
	for i := range 100 { // it goes on, but others come in
		pointer(100 * i)
		e.handle(e.now, flood(t, 2+i, 1, fmt.Sprintf("late%d.local.", i)), from(200000+i))
	}
	e.check()
	if len(found) != 101 {
		t.Errorf("%d found, want 101", len(found))
	}
}

// bigRecords says as much as can be said about an instance and its host.
func bigRecords(i int) *message {
	m := &message{response: true}
	name := fmt.Sprintf("%03x", i) + strings.Repeat(`\001`, 60) + "._sipuri._udp.local."
	host := func(n int) string {
		return strings.Repeat(fmt.Sprintf("%d%03x", n, i)+strings.Repeat(`\001`, 55)+".", 4) + "local."
	}
	add := func(name string, rtype uint16, rr dns.RR) {
		*rr.Header() = dns.RR_Header{Name: strings.Clone(name), Rrtype: rtype, Class: dns.ClassINET}
		m.answers = append(m.answers, record{key: key{strings.Clone(name), rtype}, rr: rr, ttl: time.Hour})
	}
	add("_sipuri._udp.local.", dns.TypePTR, &dns.PTR{Ptr: name})
	for n := range maxServices + 1 {
		add(name, dns.TypeSRV, &dns.SRV{Port: 5060, Target: host(n)})
	}
	for n := range maxTexts + 1 {
		text := make([]string, 5)
		for j := range text {
			text[j] = fmt.Sprint(n, strings.Repeat(`\001`, 250))
		}
		add(name, dns.TypeTXT, &dns.TXT{Txt: text})
	}
	for n := range byte(maxAddrs + 1) {
		ip := netip.AddrFrom16([16]byte{0xfd, 15: n + 1})
		add(host(0), dns.TypeA, &dns.A{A: []byte{10, 0, 0, n}})
		add(host(0), dns.TypeAAAA, &dns.AAAA{AAAA: ip.AsSlice()})
	}
	return m
}

func TestFloodOfBigRecords(t *testing.T) {
	e, found := quietEar(t)
	before := heapInUse()
	for i := range maxInstances + 100 {
		e.handle(e.now, bigRecords(i), from(i))
	}
	e.check()
	used := heapInUse() - before
	runtime.KeepAlive(e)
	t.Logf("%d found, %d MiB", len(found), used>>20)
	if used > 64<<20 || len(found) != maxInstances {
		t.Errorf("%d found, %d bytes", len(found), used)
	}
}

// With thousands of instances the question for a type does not keep others waiting for
// long, but makes a pause that suits its many packets.
func TestKnownAnswersAreBounded(t *testing.T) {
	e, _ := quietEar(t)
	for i := range maxKnown + 500 {
		e.handle(e.now, bigRecords(i), from(i))
	}
	most := 0
	e.send = func(m message) {
		packets, err := m.pack(packetSize)
		if err != nil {
			t.Error(err)
		}
		most = max(most, len(packets))
		fair := pace * time.Duration(len(packets))
		if pause := e.quiet.Sub(e.now); pause < fair*3/4 || pause > fair*5/4 {
			t.Errorf("a pause of %v after %d packets", pause, len(packets))
		}
	}
	e.run(3 * time.Second)
	if most < 20 || most > 80 {
		t.Errorf("%d packets for one question", most)
	}
}

func BenchmarkCacheFlood(b *testing.B) {
	const each = 20
	packets := make([]*message, 10000/each)
	for i := range packets {
		packets[i] = flood(b, i*each, each, "flooder.local.")
	}
	for name, sender := range map[string]func(i int) Meta{
		"one host":   func(int) Meta { return from(1) },
		"many hosts": from,
	} {
		b.Run(name, func(b *testing.B) {
			e, _ := quietEar(b)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				e.handle(e.now, packets[n%len(packets)], sender(n))
				e.now = e.now.Add(10 * time.Millisecond)
				e.due(e.now)
				n++
			}
			b.ReportMetric(float64(len(e.instances)), "instances")
		})
	}
}
