package bonjour

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// quiet is a network with one link on which nobody else says anything.
type quiet struct{ closed chan struct{} }

func (q quiet) Links() ([]Link, error) {
	return []Link{{Index: 1, Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("fe80::1/64")}}}, nil
}

func (q quiet) Open(Link) (Conn, error) { return q, nil }

func (q quiet) Read([]byte) (int, Meta, error) {
	<-q.closed
	return 0, Meta{}, ErrClosed
}

func (q quiet) Multicast([]byte) error               { return nil }
func (q quiet) Ask([]byte) error                     { return nil }
func (q quiet) Unicast([]byte, netip.AddrPort) error { return nil }

func (q quiet) Close() error {
	close(q.closed)
	return nil
}

// BenchmarkReceive measures what a packet from the link costs an engine with four
// services that looks for two types: the question of somebody else, as they come on
// every network.
func BenchmarkReceive(b *testing.B) {
	e := New(Config{Host: "a", Network: quiet{make(chan struct{})}})
	defer e.Close(context.Background())
	announced := make(chan struct{}, 4)
	for i := range cap(announced) {
		_, err := e.Publish(Service{Name: fmt.Sprint(i), Type: []string{"_sip._udp", "_sip._tcp"}[i%2], Port: 5060}, func(v PublicationEvent) {
			if v.State == Announced {
				announced <- struct{}{}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, t := range []string{"_sip._udp", "_sip._tcp"} {
		if _, err := e.Browse(t, func(Event) {}); err != nil {
			b.Fatal(err)
		}
	}
	for range cap(announced) {
		<-announced
	}
	m := message{questions: []question{{key: key{"_ipp._tcp.local.", dns.TypePTR}}, {key: key{"_sip._udp.local.", dns.TypePTR}}}}
	m.answers = many(b, 10)
	packets, err := m.pack(packetSize)
	if err != nil {
		b.Fatal(err)
	}
	meta := Meta{From: netip.MustParseAddrPort("10.0.0.9:5353"), Multicast: true}
	done := make(chan struct{})
	b.ReportAllocs()
	for b.Loop() {
		e.post(func(now time.Time) {
			e.attachments[0].queued.Add(1)
			e.handle(now, event{from: e.attachments[0], packet: packets[0], meta: meta})
			done <- struct{}{}
		})
		<-done
	}
}

func BenchmarkParse(b *testing.B) {
	m := sample(b)
	packets, err := m.pack(packetSize)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(packets[0]); err != nil {
			b.Fatal(err)
		}
	}
}
