package bonjour

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// rec makes a record of a line of a zone file.
func rec(t testing.TB, line string, flush bool) record {
	t.Helper()
	rr, err := dns.NewRR(line)
	if err != nil {
		t.Fatalf("NewRR(%q): %v", line, err)
	}
	h := rr.Header()
	return record{key: key{fold(h.Name), h.Rrtype}, rr: rr, ttl: time.Duration(h.Ttl) * time.Second, flush: flush}
}

// show writes a message for comparing.
func show(m *message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "id %d response %v truncated %v\n", m.id, m.response, m.truncated)
	for _, q := range m.questions {
		fmt.Fprintf(&b, "? %s %d %v\n", q.name, q.rtype, q.unicast)
	}
	for i, s := range [][]record{m.answers, m.authorities, m.additionals} {
		for _, r := range s {
			fmt.Fprintf(&b, "%d %s %d %v %v %x\n", i, fold(r.rr.Header().Name), r.rtype, r.ttl, r.flush, dataOf(r.rr))
		}
	}
	return b.String()
}

func sample(t testing.TB) message {
	return message{
		response: true,
		answers: []record{
			rec(t, `_sip._udp.local. 4500 IN PTR An\.na\ B.\_sip._udp.local.`, false),
			rec(t, `An\.na\ B._sip._udp.local. 120 IN SRV 0 0 5060 Annas-Laptop.local.`, true),
			rec(t, `An\.na\ B._sip._udp.local. 4500 IN TXT "txtvers=1" "name=\"A\" \\ \195\164" ""`, true),
		},
		authorities: []record{rec(t, `x.local. 120 IN A 10.0.0.9`, false)},
		additionals: []record{
			rec(t, `annas-laptop.local. 120 IN A 10.0.0.1`, true),
			rec(t, `annas-laptop.local. 120 IN AAAA fe80::1`, true),
			rec(t, `annas-laptop.local. 120 IN NSEC annas-laptop.local. A AAAA`, true),
			rec(t, `annas-laptop.local. 0 IN TYPE65399 \# 10 03783836054c696e7578`, true),
		},
	}
}

func TestPackedMessagesAreParsedAsTheyWere(t *testing.T) {
	for name, m := range map[string]message{
		"response": sample(t),
		"query": {
			questions: []question{{key: key{"_sip._udp.local.", dns.TypePTR}}, {key: key{"a.local.", dns.TypeANY}, unicast: true}},
			answers:   []record{rec(t, `_sip._udp.local. 2000 IN PTR x._sip._udp.local.`, false)},
		},
		"truncated": {id: 7, truncated: true, questions: []question{{key: key{"_sip._udp.local.", dns.TypePTR}}}},
		"probe": {
			questions:   []question{{key: key{"a.local.", dns.TypeANY}, unicast: true}},
			authorities: []record{rec(t, "a.local. 120 IN A 10.0.0.1", false), rec(t, "a.local. 120 IN AAAA fe80::1", false)},
		},
	} {
		packets, err := m.pack(packetSize)
		if err != nil || len(packets) != 1 {
			t.Errorf("%s: pack() = %d packets, %v, want 1", name, len(packets), err)
			continue
		}
		got, err := parse(packets[0])
		if err != nil {
			t.Errorf("%s: parse() error = %v", name, err)
			continue
		}
		if diff := cmp.Diff(show(&m), show(got)); diff != "" {
			t.Errorf("%s: parse(pack()) (-want +got):\n%s", name, diff)
		}
		other := new(dns.Msg)
		if err := other.Unpack(packets[0]); err != nil {
			t.Errorf("%s: package dns cannot read it: %v", name, err)
		}
	}
}

func TestPackedNamesAreCompressed(t *testing.T) {
	m := sample(t)
	m.additionals = m.additionals[:3]
	packets, err := m.pack(packetSize)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(packets[0]), "local"); got != 1 {
		t.Errorf("\"local\" is in the packet %d times, want once", got)
	}
	// A plain DNS client cannot read a compressed name in SRV.
	m.questions = []question{{key: key{"x.local.", dns.TypeSRV}}}
	packets, err = m.pack(packetSize)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(packets[0]), "Annas-Laptop\x05local\x00"); got != 1 {
		t.Errorf("the answer to a plain client has the name of SRV %d times in full, want once", got)
	}
}

func many(t testing.TB, n int) []record {
	var list []record
	for i := range n {
		list = append(list, rec(t, fmt.Sprintf("_sip._udp.local. 4500 IN PTR phone-number-%d._sip._udp.local.", i), false))
	}
	return list
}

func TestKnownAnswersContinueInFurtherPackets(t *testing.T) {
	m := message{questions: []question{{key: key{"_sip._udp.local.", dns.TypePTR}}}, answers: many(t, 300)}
	packets, err := m.pack(packetSize)
	if err != nil {
		t.Fatal(err)
	}
	if len(packets) < 4 {
		t.Errorf("300 known answers went into %d packets, want more", len(packets))
	}
	var all []record
	for i, p := range packets {
		got, err := parse(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(p) > packetSize {
			t.Errorf("packet %d has %d bytes, at most %d are allowed", i, len(p), packetSize)
		}
		if got.truncated != (i < len(packets)-1) {
			t.Errorf("packet %d of %d: truncated = %v", i+1, len(packets), got.truncated)
		}
		if want := min(1, max(0, 1-i)); len(got.questions) != want {
			t.Errorf("packet %d has %d questions, want %d", i, len(got.questions), want)
		}
		all = append(all, got.answers...)
	}
	if got, want := show(&message{answers: all}), show(&message{answers: m.answers}); got != want {
		t.Errorf("known answers changed:\n%s", cmp.Diff(want, got))
	}
}

func TestAdditionalRecordsThatDoNotFitBecomeAnswers(t *testing.T) {
	m := message{response: true, answers: many(t, 3), additionals: many(t, 100)}
	packets, err := m.pack(packetSize)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := parse(packets[0])
	second, _ := parse(packets[1])
	if len(first.answers) != 3 || len(first.additionals) == 0 || first.truncated {
		t.Errorf("first packet: %d answers, %d additionals, truncated %v", len(first.answers), len(first.additionals), first.truncated)
	}
	if len(second.answers) == 0 || len(second.additionals) != 0 {
		t.Errorf("second packet: %d answers, %d additionals, want answers only", len(second.answers), len(second.additionals))
	}
	if got := len(first.additionals) + len(second.answers); len(packets) == 2 && got != 100 {
		t.Errorf("%d additional records were sent, want 100", got)
	}
}

func TestProbesAreCutBetweenNames(t *testing.T) {
	var m message
	for i := range 40 {
		name := fmt.Sprintf("phone-%d._sip._udp.local.", i)
		m.questions = append(m.questions, question{key: key{name, dns.TypeANY}})
		m.authorities = append(m.authorities,
			rec(t, name+" 120 IN SRV 0 0 5060 laptop.local.", false),
			rec(t, name+` 4500 IN TXT "name=somebody with a name" "contact=<sip:x@10.0.0.1>"`, false))
	}
	packets, err := m.pack(packetSize)
	if err != nil {
		t.Fatal(err)
	}
	questions := 0
	for i, p := range packets {
		got, _ := parse(p)
		questions += len(got.questions)
		if len(p) > packetSize || got.truncated || len(got.authorities) != 2*len(got.questions) {
			t.Errorf("packet %d: %d bytes, truncated %v, %d questions, %d authorities", i, len(p), got.truncated, len(got.questions), len(got.authorities))
		}
		for _, r := range got.authorities {
			if !slices.ContainsFunc(got.questions, func(q question) bool { return q.name == r.name }) {
				t.Errorf("packet %d has a record of %s, but asks nothing of it", i, r.name)
			}
		}
	}
	if questions != 40 {
		t.Errorf("%d questions were sent, want 40", questions)
	}
}

func TestBigRecordsGetABigPacket(t *testing.T) {
	text := func(n int) record {
		rr := &dns.TXT{Hdr: dns.RR_Header{Name: "x.local.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}}
		for range n {
			rr.Txt = append(rr.Txt, strings.Repeat("x", 255))
		}
		return record{key: key{"x.local.", dns.TypeTXT}, rr: rr}
	}
	m := message{response: true, answers: []record{text(1), text(20), text(1)}}
	packets, err := m.pack(packetSize)
	if err != nil || len(packets) != 3 || len(packets[1]) < 5000 {
		t.Errorf("pack() = %d packets, %v, want 3, the second of more than 5000 bytes", len(packets), err)
	}
	m = message{response: true, answers: []record{text(1), text(40), text(1)}}
	packets, err = m.pack(packetSize)
	if err == nil || len(packets) != 2 {
		t.Errorf("pack() with a record of 10,000 bytes = %d packets, %v, want 2 and an error", len(packets), err)
	}
	m = message{questions: []question{{key: key{"x.local.", dns.TypeANY}}}, authorities: []record{text(20)}}
	packets, err = m.pack(packetSize)
	if err != nil || len(packets) != 1 {
		t.Errorf("pack() of a big probe = %d packets, %v, want 1", len(packets), err)
	}
}

func TestParseLeavesOutWhatItCannotUse(t *testing.T) {
	header := func(response bool, counts ...uint16) []byte {
		b := make([]byte, headerLen)
		if response {
			b[2] = 0x84
		}
		for i, c := range counts {
			binary.BigEndian.PutUint16(b[4+2*i:], c)
		}
		return b
	}
	name := "\x01x\x05local\x00"
	rr := func(rtype, class uint16, data string) string {
		b := []byte(name)
		b = binary.BigEndian.AppendUint16(b, rtype)
		b = binary.BigEndian.AppendUint16(b, class)
		b = append(b, 0, 0, 0, 120, 0, byte(len(data)))
		return string(b) + data
	}
	good := rr(dns.TypeA, 0x8001, "\x0a\x00\x00\x01")
	for _, row := range []struct {
		name   string
		packet string
		want   int // records; -1 is an error
	}{
		{"empty", "", -1},
		{"header cut off", string(header(true))[:11], -1},
		{"nothing in it", string(header(true)), 0},
		{"too long", string(header(true)) + strings.Repeat("\x00", MaxPacket), -1},
		{"an update", "\x00\x00\x28\x00" + strings.Repeat("\x00", 8), -1},
		{"an error", "\x00\x00\x84\x03" + strings.Repeat("\x00", 8), -1},
		{"one", string(header(true, 0, 1)) + good, 1},
		{"counts that lie", string(header(true, 0, 0xFFFF, 0xFFFF, 0xFFFF)) + good, 1},
		{"class chaos", string(header(true, 0, 2)) + rr(dns.TypeA, 3, "\x0a\x00\x00\x01") + good, 1},
		{"A of three bytes", string(header(true, 0, 2)) + rr(dns.TypeA, 1, "\x0a\x00\x00") + good, 1},
		{"A without data", string(header(true, 0, 2)) + rr(dns.TypeA, 1, "") + good, 1},
		{"SRV that ends early", string(header(true, 0, 2)) + rr(dns.TypeSRV, 1, "\x00\x00") + good, 1},
		{"SRV with more behind it", string(header(true, 0, 2)) + rr(dns.TypeSRV, 1, "\x00\x00\x00\x00\x13\xc4"+name+"x") + good, 1},
		{"TXT whose string is cut off", string(header(true, 0, 2)) + rr(dns.TypeTXT, 1, "\x05abc") + good, 1},
		{"TXT without data", string(header(true, 0, 2)) + rr(dns.TypeTXT, 1, "") + good, 2},
		{"data that is cut off", string(header(true, 0, 2)) + good + good[:len(good)-1], 1},
		{"pointer to itself", string(header(true, 0, 2)) + good + "\xc0" + string(rune(headerLen+len(good))), 1},
		{"pointers to each other", string(header(true, 0, 1)) + "\xc0\x0e\xc0\x0c" + good, 0},
		{"reserved label", string(header(true, 0, 1)) + "\x80x" + good, 0},
		{"name too long", string(header(true, 0, 1)) + strings.Repeat("\x3f"+strings.Repeat("x", 63), 4) + "\x00" + good, 0},
	} {
		m, err := parse([]byte(row.packet))
		switch {
		case (err != nil) != (row.want < 0):
			t.Errorf("%s: parse() error = %v", row.name, err)
		case err == nil && len(m.answers)+len(m.authorities)+len(m.additionals) != row.want:
			t.Errorf("%s: parse() = %s, want %d records", row.name, show(m), row.want)
		}
	}
	flood := append(header(false, 1700), strings.Repeat("\x00\x00\x01\x00\x01", 1700)...)
	if m, err := parse(flood); err != nil || len(m.questions) != maxEntries {
		t.Errorf("parse(1700 questions) = %d, %v, want %d", len(m.questions), err, maxEntries)
	}
}

func FuzzParse(f *testing.F) {
	m := sample(f)
	for _, m := range []message{m, {answers: m.answers, questions: []question{{key: key{"_sip._udp.local.", dns.TypePTR}, unicast: true}}}, {
		questions: []question{{key: key{"a.local.", dns.TypeANY}}}, authorities: []record{rec(f, "a.local. 120 IN A 10.0.0.1", false)},
	}} {
		packets, err := m.pack(packetSize)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packets[0])
	}
	// One of avahi, with records of all kinds.
	avahi := new(dns.Msg)
	avahi.Response, avahi.Compress = true, true
	for _, line := range []string{
		`b.local. 120 IN HINFO "X86_64" "LINUX"`, `1.0.0.10.in-addr.arpa. 120 IN PTR b.local.`, `_services._dns-sd._udp.local. 4500 IN PTR _sip._udp.local.`,
		`b\ \(2\)._sip._udp.local. 4500 IN TXT "a=1" ""`, `b.local. 120 IN NSEC b.local. A SRV TYPE300`,
	} {
		rr, err := dns.NewRR(line)
		if err != nil {
			f.Fatal(err)
		}
		avahi.Answer = append(avahi.Answer, rr)
	}
	packed, err := avahi.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte("\x00\x00\x84\x00\x00\x00\x00\x02\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x78\x00\x04\x0a\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := parse(packet)
		if err != nil {
			return
		}
		if n := len(m.questions) + len(m.answers) + len(m.authorities) + len(m.additionals); n > maxEntries {
			t.Fatalf("%d entries, at most %d are allowed", n, maxEntries)
		}
		for _, r := range slices.Concat(m.answers, m.authorities, m.additionals) {
			if !sameData(r.rr, r.rr) {
				t.Fatalf("%v is not the same as itself", r.rr)
			}
			if a, ok := r.rr.(*dns.A); ok && len(a.A) != net.IPv4len {
				t.Fatalf("address of %d bytes", len(a.A))
			}
		}
		// What was read can be sent, and is read again as it was.
		m.authorities = nil // or it would be taken for a probe, which is cut otherwise
		packets, err := m.pack(biggestSize)
		if err != nil {
			t.Fatalf("pack() error = %v", err)
		}
		if len(packets) != 1 {
			return // what was compressed in data of unknown kinds may need more room
		}
		again, err := parse(packets[0])
		if err != nil {
			t.Fatalf("parse(pack()) error = %v", err)
		}
		if m.response && len(m.answers) == 0 {
			m.answers, m.additionals = m.additionals, nil
		}
		if diff := cmp.Diff(show(m), show(again)); diff != "" {
			t.Fatalf("parse(pack(parse())) (-want +got):\n%s", diff)
		}
	})
}
