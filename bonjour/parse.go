package bonjour

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/miekg/dns"
)

// maxEntries is how many questions and records of a packet are looked at.
const maxEntries = 512

// The places of the header's bits (RFC 1035 section 4.1.1).
const (
	headerLen     = 12
	bitResponse   = 1 << 15
	bitAnswer     = 1 << 10 // authoritative
	bitTruncated  = 1 << 9
	maskOpcode    = 0xF << 11
	maskRcode     = 0xF
	topBit        = 1 << 15 // of a class: cache-flush, or a unicast answer would do
	recordBaseLen = 10      // type, class, TTL and length of the data
)

// Why a packet is not used.
var (
	errShort   = errors.New("bonjour: packet is cut off")
	errLong    = errors.New("bonjour: packet is longer than 9000 bytes (RFC 6762 section 17)")
	errForeign = errors.New("bonjour: neither a query nor an answer of multicast DNS (RFC 6762 section 18)")
)

// parse reads a packet. Entries of other classes than IN, and records whose data is
// not what their type says, are left out; what was read before a packet breaks off
// counts, as does what stands before the bound on entries. The message shares
// nothing with the packet.
func parse(packet []byte) (*message, error) {
	switch {
	case len(packet) < headerLen:
		return nil, errShort
	case len(packet) > MaxPacket:
		return nil, errLong
	}
	flags := binary.BigEndian.Uint16(packet[2:])
	if flags&(maskOpcode|maskRcode) != 0 {
		return nil, errForeign
	}
	m := &message{
		id:        binary.BigEndian.Uint16(packet),
		response:  flags&bitResponse != 0,
		truncated: flags&bitTruncated != 0,
	}
	p := parser{packet: packet, off: headerLen, left: maxEntries}
	p.questions(int(binary.BigEndian.Uint16(packet[4:])), &m.questions)
	p.records(int(binary.BigEndian.Uint16(packet[6:])), &m.answers)
	p.records(int(binary.BigEndian.Uint16(packet[8:])), &m.authorities)
	p.records(int(binary.BigEndian.Uint16(packet[10:])), &m.additionals)
	return m, nil
}

// A parser walks through the entries of a packet.
type parser struct {
	packet []byte
	off    int
	left   int // entries that may still be read; 0 too where the packet breaks off
}

// stop makes nothing more be read.
func (p *parser) stop() { p.left = 0 }

func (p *parser) questions(count int, list *[]question) {
	for ; count > 0 && p.left > 0; count-- {
		p.left--
		name, off, err := dns.UnpackDomainName(p.packet, p.off)
		if err != nil || off+4 > len(p.packet) {
			p.stop()
			return
		}
		rtype := binary.BigEndian.Uint16(p.packet[off:])
		class := binary.BigEndian.Uint16(p.packet[off+2:])
		p.off = off + 4
		if c := class &^ topBit; c == dns.ClassINET || c == dns.ClassANY {
			*list = append(*list, question{key: key{fold(name), rtype}, unicast: class&topBit != 0, written: name})
		}
	}
}

func (p *parser) records(count int, list *[]record) {
	for ; count > 0 && p.left > 0; count-- {
		p.left--
		name, off, err := dns.UnpackDomainName(p.packet, p.off)
		if err != nil || off+recordBaseLen > len(p.packet) {
			p.stop()
			return
		}
		h := dns.RR_Header{
			Name:     name,
			Rrtype:   binary.BigEndian.Uint16(p.packet[off:]),
			Class:    binary.BigEndian.Uint16(p.packet[off+2:]),
			Ttl:      binary.BigEndian.Uint32(p.packet[off+4:]),
			Rdlength: binary.BigEndian.Uint16(p.packet[off+8:]),
		}
		data := off + recordBaseLen
		end := data + int(h.Rdlength)
		if end > len(p.packet) {
			p.stop()
			return
		}
		p.off = end
		flush := h.Class&topBit != 0
		h.Class &^= topBit
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT {
			continue
		}
		if rr := unpackData(p.packet[:end], data, h); rr != nil {
			*list = append(*list, record{
				key: key{fold(name), h.Rrtype}, rr: rr, ttl: seconds(h.Ttl), flush: flush,
			})
		}
	}
}

// seconds reads a TTL: with the top bit set it is none (RFC 2181 section 8).
func seconds(ttl uint32) time.Duration {
	if ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}

// unpackData reads the data of a record, which ends where the packet does; nil if
// it is not what the type says. Types that the engine does not know are kept as
// they are: their names may be in use.
func unpackData(packet []byte, off int, h dns.RR_Header) dns.RR {
	if off == len(packet) && h.Rrtype != dns.TypeTXT { // no data: package dns takes that as a record without value
		return nil
	}
	switch h.Rrtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeSRV, dns.TypeTXT, dns.TypeNSEC:
	default:
		return &dns.RFC3597{Hdr: h, Rdata: hex.EncodeToString(packet[off:])}
	}
	rr, _, err := dns.UnpackRRWithHeader(h, packet, off)
	if err != nil {
		return nil
	}
	switch rr := rr.(type) { // package dns lets data end early
	case *dns.PTR:
		if rr.Ptr == "" {
			return nil
		}
	case *dns.SRV:
		if rr.Target == "" {
			return nil
		}
	case *dns.NSEC:
		if rr.NextDomain == "" {
			return nil
		}
	}
	return rr
}
