package bonjourtest

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"parley/bonjour"
)

// A Packet is one that was sent.
type Packet struct {
	Time      time.Time
	Segment   string
	Host      string // that sent it; empty if it was injected
	From, To  netip.AddrPort
	V6        bool
	Multicast bool
	Data      []byte
}

// packetFrom makes a packet of nobody's; to is empty for the group.
func packetFrom(segment, from, to string, data []byte) Packet {
	p := Packet{Time: time.Now(), Segment: segment, From: netip.MustParseAddrPort(from), Data: data}
	p.V6 = p.From.Addr().Is6()
	switch {
	case to != "":
		p.To = netip.MustParseAddrPort(to)
	case p.V6:
		p.To, p.Multicast = group6, true
	default:
		p.To, p.Multicast = group4, true
	}
	return p
}

// Message decodes the packet; nil if it is none of DNS.
func (p Packet) Message() *dns.Msg {
	m := new(dns.Msg)
	if m.Unpack(p.Data) != nil {
		return nil
	}
	return m
}

// IsResponse reports whether it is a response.
func (p Packet) IsResponse() bool {
	m := p.Message()
	return m != nil && m.Response
}

// Questions are those of the packet, as "_sip._udp.local. PTR", with " QU" behind
// where a unicast answer would do.
func (p Packet) Questions() []string {
	var texts []string
	if m := p.Message(); m != nil {
		for _, q := range m.Question {
			text := q.Name + " " + dns.Type(q.Qtype).String()
			if q.Qclass&flushBit != 0 {
				text += " QU"
			}
			texts = append(texts, text)
		}
	}
	return texts
}

// Answers are the records of that section, written as [Text] does.
func (p Packet) Answers() []string {
	if m := p.Message(); m != nil {
		return texts(m.Answer)
	}
	return nil
}

// Authorities are the records of that section.
func (p Packet) Authorities() []string {
	if m := p.Message(); m != nil {
		return texts(m.Ns)
	}
	return nil
}

// Additionals are the records of that section.
func (p Packet) Additionals() []string {
	if m := p.Message(); m != nil {
		return texts(m.Extra)
	}
	return nil
}

// String writes the packet in one line.
func (p Packet) String() string {
	if p.Message() == nil {
		return fmt.Sprintf("%v > %v: %d bytes", p.From, p.To, len(p.Data))
	}
	kind := "query"
	if p.IsResponse() {
		kind = "response"
	}
	var parts []string
	for _, part := range []struct {
		name  string
		texts []string
	}{{"", p.Questions()}, {"answers ", p.Answers()}, {"authorities ", p.Authorities()}, {"additionals ", p.Additionals()}} {
		if len(part.texts) > 0 {
			parts = append(parts, part.name+strings.Join(part.texts, ", "))
		}
	}
	return fmt.Sprintf("%v > %v: %s %s", p.From, p.To, kind, strings.Join(parts, "; "))
}

// flushBit is the top bit of a class: cache-flush of a record, QU of a question.
const flushBit = 1 << 15

// Text writes a record as "a.local. 120 A 10.0.0.1", with " flush" behind where its
// cache-flush bit is set.
func Text(rr dns.RR) string {
	h := rr.Header()
	data := strings.TrimPrefix(rr.String(), h.String())
	text := fmt.Sprintf("%s %d %s %s", h.Name, h.Ttl, dns.Type(h.Rrtype), data)
	if h.Class&flushBit != 0 {
		text += " flush"
	}
	return text
}

func texts(rrs []dns.RR) []string {
	var list []string
	for _, rr := range rrs {
		list = append(list, Text(rr))
	}
	return list
}

// Pack makes a packet of a message, for [Network.Inject]; one that cannot be
// packed is a mistake of the test.
func Pack(m *dns.Msg) []byte {
	data, err := m.Pack()
	if err != nil || len(data) > bonjour.MaxPacket {
		panic(fmt.Sprintf("bonjourtest: message of %d bytes: %v", len(data), err))
	}
	return data
}
