package interop

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A saying is a packet of multicast DNS that was read at the switch, taken apart.
type saying struct {
	packet
	*dns.Msg
}

// sayings returns what a machine has said, over one family, in order.
func sayings(t testing.TB, packets []packet, of *machine, v6 bool) []saying {
	t.Helper()
	var list []saying
	for _, f := range packets {
		if f.tcp || f.from.Port() != mdns && f.to.Port() != mdns || f.from.Addr().Is6() != v6 || !of.owns(f.from.Addr()) {
			continue
		}
		m := new(dns.Msg)
		if err := m.Unpack(f.payload); err != nil {
			t.Errorf("from %v: %v", f.from, err)
			continue
		}
		list = append(list, saying{f, m})
	}
	return list
}

// owns tells whether an address is the machine's, also the one that it has made of
// that of its interface.
func (h *machine) owns(a netip.Addr) bool {
	return a == netip.MustParseAddr(h.ip) || a == netip.MustParseAddr(h.ip6) ||
		a.IsLinkLocalUnicast() && a.Is6() && strings.HasSuffix(h.mac, fmt.Sprintf(":%02x", a.As16()[15]))
}

// conforms checks what RFC 6762 says of every packet of an engine that takes
// multicast answers only.
func (s saying) conforms(t testing.TB) {
	t.Helper()
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%v to %v: %s\n%v", s.from, s.to, fmt.Sprintf(format, args...), s.Msg)
	}
	alone := s.from.Port() != mdns // one who wants the answers alone; only questions may come so
	switch {
	case s.ttl != 255:
		wrong("time to live %d, want 255 (section 11)", s.ttl)
	case s.to.Port() != mdns || !s.to.Addr().IsMulticast():
		wrong("not to the group")
	case alone && (s.Response || len(s.Ns) > 0):
		wrong("from port %d", s.from.Port())
	case s.Opcode != dns.OpcodeQuery || s.Rcode != 0 || s.RecursionDesired || s.RecursionAvailable || s.Id != 0:
		wrong("the header is not all zero (section 18)")
	case s.Response != s.Authoritative:
		wrong("authoritative answer bit (section 18.4)")
	case s.Response && (len(s.Question) > 0 || s.Truncated):
		wrong("a response with questions, or truncated (sections 6, 18.5)")
	case len(s.payload) > 1472:
		wrong("%d bytes do not fit into a frame (section 17)", len(s.payload))
	}
	for _, q := range s.Question {
		if q.Qclass != dns.ClassINET {
			wrong("question of class %x: unicast answers would go to another program", q.Qclass)
		}
	}
	for _, rr := range slices.Concat(s.Answer, s.Ns, s.Extra) {
		h := rr.Header()
		if _, shared := rr.(*dns.PTR); s.Response && shared != (h.Class == dns.ClassINET) || !s.Response && h.Class != dns.ClassINET {
			wrong("cache-flush bit of %v (section 10.2)", rr)
		}
	}
}

// has tells whether one of the records is of that name and type, and how long it is
// to live.
func hasRecord(list []dns.RR, name string, kind uint16) (ttl uint32, ok bool) {
	for _, rr := range list {
		if h := rr.Header(); h.Name == name && h.Rrtype == kind {
			return h.Ttl, true
		}
	}
	return 0, false
}

// TestBonjourPackets reads at the switch what our engine says: that it is as RFC 6762
// wants it, probes before announcements, known answers with questions, a goodbye at
// the end.
func TestBonjourPackets(t *testing.T) {
	t.Parallel()
	const kind = "_wire._udp"
	l := newLAN(t)
	one, two, three := l.host(t, "one"), l.host(t, "two"), l.host(t, "three")
	three.avahi(t).publish(t, "Door", kind, 5060)
	c := l.listen(t)
	a := one.engine(t)
	a.publish(t, "Anna", kind, 5060, "a=1")
	talk(2 * time.Second) // it is announced again
	b := two.engine(t)
	b.do(t, "browse", "", kind, 0)
	b.finds(t, "Anna", kind)
	b.finds(t, "Door", kind)
	talk(4 * time.Second) // it has asked thrice, and alone
	a.stop()
	b.loses(t, "Anna", kind)
	b.stop()
	packets := c.packets(t)
	for _, v6 := range []bool{false, true} {
		said, asked := sayings(t, packets, one, v6), sayings(t, packets, two, v6)
		for _, s := range slices.Concat(said, asked) {
			s.conforms(t)
		}
		publishes(t, said, "Anna."+kind+".local.", kind+".local.")
		browses(t, asked, kind+".local.")
	}
}

// publishes checks the order of what is said of a name.
func publishes(t testing.TB, said []saying, name, kind string) {
	t.Helper()
	var probes, announcements []saying
	for _, s := range said {
		_, proposed := hasRecord(s.Ns, name, dns.TypeSRV)
		ttl, answered := hasRecord(s.Answer, name, dns.TypeSRV)
		switch {
		case proposed && len(announcements) > 0:
			t.Error("probes after it was announced")
		case proposed && !s.Response:
			probes = append(probes, s)
			if !slices.ContainsFunc(s.Question, func(q dns.Question) bool { return q.Name == name && q.Qtype == dns.TypeANY }) {
				t.Errorf("a probe does not ask for any record of the name (section 8.1):\n%v", s.Msg)
			}
		case answered && ttl > 0:
			announcements = append(announcements, s)
			if ttl != 120 {
				t.Errorf("SRV lives for %d s, want 120 (section 10)", ttl)
			}
			if ttl, ok := hasRecord(s.Answer, kind, dns.TypePTR); !ok || ttl != 4500 {
				t.Errorf("announced without a pointer that lives for 75 minutes:\n%v", s.Msg)
			}
		}
	}
	if len(probes) != 3 || len(announcements) < 2 {
		t.Fatalf("%d probes and %d announcements, want 3 and 2 at least (sections 8.1, 8.3)", len(probes), len(announcements))
	}
	for i := range 2 {
		if d := probes[i+1].at.Sub(probes[i].at); d < 200*time.Millisecond { // the first may be late
			t.Errorf("%v between probes, want 250 ms", d)
		}
	}
	if d := announcements[1].at.Sub(announcements[0].at); d < 900*time.Millisecond {
		t.Errorf("%v between announcements, want a second", d)
	}
	last := said[len(said)-1]
	for _, kind := range []struct {
		name string
		kind uint16
	}{{kind, dns.TypePTR}, {name, dns.TypeSRV}, {name, dns.TypeTXT}} {
		if ttl, ok := hasRecord(last.Answer, kind.name, kind.kind); !ok || ttl != 0 {
			t.Errorf("no goodbye for %v (section 10.1):\n%v", kind, last.Msg)
		}
	}
}

// browses checks the questions for a type: the first has no known answers, the next
// have those that came meanwhile and the last has all; a question from another port
// has them too.
func browses(t testing.TB, asked []saying, kind string) {
	t.Helper()
	var questions, alone []saying
	for _, s := range asked {
		switch {
		case !slices.ContainsFunc(s.Question, func(q dns.Question) bool { return q.Name == kind && q.Qtype == dns.TypePTR }):
		case s.from.Port() == mdns:
			questions = append(questions, s)
		default:
			alone = append(alone, s)
		}
	}
	if len(questions) < 3 || len(alone) != 1 {
		t.Fatalf("asked %d times, and %d times alone, want 3 at least and 1", len(questions), len(alone))
	}
	if n := len(questions[0].Answer); n != 0 {
		t.Errorf("the first question has %d known answers", n)
	}
	for _, s := range append(alone, questions[1:]...) {
		if len(s.Answer) == 0 {
			t.Errorf("a later question has no known answer (section 7.1):\n%v", s.Msg)
		}
	}
	if last := questions[len(questions)-1]; len(last.Answer) != 2 {
		t.Errorf("the last question has %d known answers, want 2:\n%v", len(last.Answer), last.Msg)
	}
}
