package bonjour

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// FuzzResponder lets a responder hear any two packets, from another host or a plain
// client, with a name of its own and one it probes for.
func FuzzResponder(f *testing.F) {
	probe := message{questions: []question{{key: key{"anna._sip._udp.local.", dns.TypeANY}}}, authorities: []record{rec(f, "anna._sip._udp.local. 120 IN SRV 0 0 7 b.local.", false)}}
	ask := message{truncated: true, questions: []question{{key: key{"_sip._udp.local.", dns.TypePTR}, unicast: true}, {key: key{"a.local.", dns.TypeAAAA}}}}
	tell := message{response: true, answers: []record{rec(f, "a.local. 120 IN A 10.0.0.7", true), rec(f, "_sip._udp.local. 0 IN PTR anna._sip._udp.local.", true)}}
	for _, m := range []message{probe, ask, tell} {
		packets, err := m.pack(packetSize)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packets[0], packets[0], false, uint16(100))
		f.Add(packets[0], packets[0], true, uint16(1000))
	}
	link := Link{Index: 1, Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}}
	f.Fuzz(func(t *testing.T, first, second []byte, plain bool, pause uint16) {
		now := time.Unix(0, 0)
		sent, conflicts := 0, 0
		check := func(m message) {
			sent++
			if _, err := m.pack(packetSize); err != nil {
				t.Errorf("pack() error = %v", err)
			}
		}
		var r *responder
		r = newResponder(func() float64 { return 0.5 }, check, func(m message, _ netip.AddrPort) { check(m) },
			func(rec record) bool { return r.says(rec) }, func(conflict) { conflicts++ })
		p := &Publication{service: Service{Name: "Anna", Type: "_sip._udp", Port: 5060}, subject: subject{label: "Anna"}}
		host := &subject{label: "a"}
		r.set(now, host, hostSpec("a.local.", link), start{now, startDelay}, true)
		for range 10 {
			now = now.Add(250 * time.Millisecond)
			r.due(now)
		}
		r.set(now, &p.subject, p.spec("a.local.", link), start{now, startDelay}, true)
		from := Meta{From: netip.MustParseAddrPort("10.0.0.9:5353"), Multicast: true}
		if plain {
			from.From = netip.MustParseAddrPort("10.0.0.9:1234")
		}
		sent = 0
		for _, packet := range [][]byte{first, second} {
			m, err := parse(packet)
			if err == nil && m.response {
				r.hear(now, m)
			} else if err == nil {
				r.query(now, m, from, true)
			}
			r.due(now)
			now = now.Add(time.Duration(pause) * time.Millisecond)
		}
		// Nothing that two packets can do goes on for ever.
		for range 100 {
			next := r.due(now)
			if next.IsZero() {
				break
			}
			if !next.After(now) {
				t.Fatalf("due(%v) = %v, want later", now, next)
			}
			now = next
		}
		if next := r.due(now); !next.IsZero() {
			t.Errorf("the responder is still busy: %v", next)
		}
		if sent > 30 {
			t.Errorf("%d messages were sent because of two packets", sent)
		}
	})
}

func TestRecordsAreComparedAsTheRFCSays(t *testing.T) {
	a := rec(t, "x.local. 120 IN A 10.0.0.1", false)
	a2 := rec(t, "x.local. 120 IN A 10.0.0.200", false)
	aaaa := rec(t, "x.local. 120 IN AAAA ::1", false)
	other := rec(t, "X.local. 60 IN A 10.0.0.1", true)
	for _, row := range []struct {
		name string
		a, b []record
		want int
	}{
		{"the same", []record{a, aaaa}, []record{aaaa, other}, 0},
		{"data is unsigned", []record{a}, []record{a2}, -1},
		{"type before data", []record{a2}, []record{aaaa}, -1},
		{"what ends first is earlier", []record{a}, []record{a, a2}, -1},
		{"sorted first", []record{aaaa, a}, []record{a2, a}, 1},
	} {
		if got := compareRecords(row.a, row.b); got != row.want {
			t.Errorf("%s: compareRecords() = %d, want %d", row.name, got, row.want)
		}
		if got := compareRecords(row.b, row.a); got != -row.want {
			t.Errorf("%s, the other way round: compareRecords() = %d, want %d", row.name, got, -row.want)
		}
	}
}
