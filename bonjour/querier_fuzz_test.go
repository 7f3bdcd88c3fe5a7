package bonjour

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzQuerier hands packets to a querier, with time between them. Its parts agree with
// each other after each, it asks for nothing too often, and what it tells makes sense:
// instances are found, change and are lost in that order.
func FuzzQuerier(f *testing.F) {
	for _, lines := range []string{
		allAnna,
		`_sipuri._udp.local. 0 IN PTR anna\ b._sipuri._udp.local.`,
		`!annas.local. 120 IN NSEC annas.local. A|!annas.local. 1 IN A 10.0.0.9`,
		`!anna\ b._sipuri._udp.local. 120 IN SRV 0 0 5060 .|_sipuri._udp.local. 9 IN PTR x._sipuri._udp.local.`,
	} {
		packets, err := answers(f, strings.Split(lines, "|")...).pack(packetSize)
		if err != nil {
			f.Fatal(err)
		}
		var data []byte
		for i, p := range packets {
			data = append(data, byte(i), 200)
			data = binary.BigEndian.AppendUint16(data, uint16(len(p)))
			data = append(data, p...)
		}
		f.Add(data)
		f.Add(append(data, data...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := listen(t, 0.3)
		last := make(map[string]EventKind)
		e.emit = func(v Event) {
			i := v.Instance
			before, known := last[i.Name]
			if was := known && before != Lost; was == (v.Kind == Found) || i.Host == "" || i.Port == 0 || i.Type != "_sipuri._udp" {
				t.Fatalf("%s, after %v", told(v), before)
			}
			for _, a := range i.Addrs {
				if !a.IsValid() || a.IsLoopback() || a.IsMulticast() {
					t.Fatalf("address %v", a)
				}
			}
			last[i.Name] = v.Kind
		}
		packets := 0
		e.send = func(m message) {
			packets++
			if _, err := m.pack(packetSize); err != nil {
				t.Fatalf("%s: %v", asked(m), err)
			}
			for _, q := range m.questions {
				if !utf8.ValidString(q.name) {
					t.Fatalf("question %q", q.name)
				}
			}
		}
		e.sendAlone = e.send
		e.browse(e.now, "_sipuri._udp")
		for len(data) >= 4 {
			how, wait := data[0], time.Duration(data[1])
			length := int(binary.BigEndian.Uint16(data[2:]))
			data = data[4:]
			packet := data[:min(length, len(data))]
			data = data[len(packet):]
			if m, err := parse(packet); err == nil {
				e.handle(e.now, m, Meta{
					From:      netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, how & 15}), Port),
					Multicast: how&16 == 0, Asked: how&16 != 0,
				})
			}
			if how&32 != 0 {
				e.unbrowse("_sipuri._udp")
				clear(last)
				e.browse(e.now, "_sipuri._udp")
			}
			packets = 0
			begin := e.now
			e.run(wait * wait * 10 * time.Millisecond) // up to eleven minutes
			if most := 2 + 2*int(e.now.Sub(begin)/pace); packets > most {
				t.Fatalf("%d packets in %v", packets, e.now.Sub(begin))
			}
			e.check()
		}
		e.run(2 * time.Hour)
		if len(e.instances) > 0 {
			t.Fatalf("%d instances outlive their records", len(e.instances))
		}
		e.check()
		e.close()
	})
}
