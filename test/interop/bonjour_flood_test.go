package interop

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"parley/bonjour"
)

// floods has a machine announce so many services of a type, all at once, and sends
// junk in between.
func (h *machine) floods(t testing.TB, kind string, count int) {
	t.Helper()
	var conn bonjour.Conn
	h.inside(t, func() error {
		links, err := bonjour.SystemNetwork().Links()
		if err != nil || len(links) == 0 {
			return fmt.Errorf("links %v: %w", links, err)
		}
		conn, err = bonjour.SystemNetwork().Open(links[0])
		return err
	})
	defer conn.Close()
	header := func(name string, rtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 4500}
	}
	const each = 8
	for i := 0; i < count; i += each {
		m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}, Compress: true}
		for j := range each {
			name, host := fmt.Sprintf("n%d.%s.local.", i+j, kind), fmt.Sprintf("h%d.local.", i+j)
			m.Answer = append(m.Answer,
				&dns.PTR{Hdr: header(kind+".local.", dns.TypePTR), Ptr: name},
				&dns.SRV{Hdr: header(name, dns.TypeSRV), Port: 5060, Target: host},
				&dns.TXT{Hdr: header(name, dns.TypeTXT), Txt: []string{"name=" + name}},
				&dns.A{Hdr: header(host, dns.TypeA), A: net.ParseIP(h.ip)})
		}
		packet, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range [][]byte{packet, packet[:len(packet)/2], {0, 0, 0x84, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xc0, 0x0c}} {
			if err := conn.Multicast(p); err != nil {
				t.Fatal(err)
			}
		}
		if i/each%10 == 0 {
			talk(2 * pollInterval)
		}
	}
}

// TestBonjourFlood has one machine announce ten thousand services. The engines of the
// others know some thousands of them, stay small, and find their real neighbour as
// soon as ever.
func TestBonjourFlood(t *testing.T) {
	t.Parallel()
	const kind = "_flood._udp"
	l := newLAN(t)
	one, two, three := l.host(t, "one"), l.host(t, "two"), l.host(t, "three")
	a := one.engine(t)
	a.do(t, "browse", "", kind, 0)
	begun := time.Now()
	three.floods(t, kind, 10_000)
	a.await(t, "thousands of services", func() bool { return len(a.found(kind)) > 2000 })
	t.Logf("%d services %v after the flood began", len(a.found(kind)), time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	b := two.engine(t)
	b.do(t, "browse", "", kind, 0)
	b.publish(t, "Ben", kind, 5060)
	_, at := a.finds(t, "Ben", kind)
	isSoon(t, "in the flood: found", begun, at)
	begun = time.Now()
	b.stop()
	isSoon(t, "in the flood: lost", begun, a.loses(t, "Ben", kind))
	if n := len(a.found(kind)); n > 4200 {
		t.Errorf("the engine knows %d services, want a bound of about 4000", n)
	}
	if mb := residentMB(t, a.cmd.Process.Pid); mb > 100 {
		t.Errorf("the engine needs %.0f MB", mb)
	} else {
		t.Logf("the engine needs %.0f MB", mb)
	}
	before := processorTime(t, a.cmd.Process.Pid)
	talk(5 * time.Second)
	used := processorTime(t, a.cmd.Process.Pid) - before
	t.Logf("and %v of processor time in 5 s", used)
	if used > 500*time.Millisecond {
		t.Errorf("afterwards the engine needs %v of processor time in 5 s", used)
	}
}
