package middlewaretest

import (
	"fmt"
	"net"

	"github.com/miekg/dns"

	"parley/bonjour/bonjourtest"
)

// Flood announces that many services on a local network that are not there, from an
// address with a port.
func Flood(lan *bonjourtest.Network, from string, services int) {
	const each = 25 // in one packet
	for i := 0; i < services; i += each {
		m := new(dns.Msg)
		m.Response = true
		for j := i; j < min(i+each, services); j++ {
			m.Answer = append(m.Answer, announced(j)...)
		}
		lan.Inject(bonjourtest.LAN, from, bonjourtest.Pack(m))
	}
}

func announced(i int) []dns.RR {
	host, instance := fmt.Sprintf("h%d.local.", i), fmt.Sprintf("N%d._sip._udp.local.", i)
	head := func(name string, rtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: rtype, Class: dns.ClassINET, Ttl: 120}
	}
	return []dns.RR{
		&dns.PTR{Hdr: head("_sip._udp.local.", dns.TypePTR), Ptr: instance},
		&dns.SRV{Hdr: head(instance, dns.TypeSRV), Target: host, Port: 5060},
		&dns.TXT{Hdr: head(instance, dns.TypeTXT), Txt: []string{fmt.Sprint("name=N", i), fmt.Sprint("instance_id=n", i)}},
		&dns.A{Hdr: head(host, dns.TypeA), A: net.IPv4(192, 0, 2, 200)},
	}
}
