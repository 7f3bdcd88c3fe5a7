package bonjour

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	// packetSize is what a packet may have without being cut into fragments: the 1500
	// bytes of Ethernet without the headers of IPv6 and UDP, and some room for options.
	packetSize = 1440
	// biggestSize is for a record that alone needs more (RFC 6762 section 17).
	biggestSize = MaxPacket - 48
)

var errRecordSize = errors.New("bonjour: a record is too big for a packet")

// pack writes a message into packets of at most limit bytes, or of more where one
// entry needs it. Known answers that do not fit go into further packets, and all but
// the last say that more follow (RFC 6762 section 7.2). A probe is cut between names.
// Additional records that do not fit become answers of a further packet. Entries that
// fit into no packet at all are left out, and the error tells of it.
func (m message) pack(limit int) ([][]byte, error) {
	if !m.response && len(m.authorities) > 0 {
		return m.packProbe(limit)
	}
	b := newBuilder(m, limit)
	for _, q := range m.questions {
		b.add(question1, func() { b.question(q) })
	}
	for _, s := range []struct {
		section int
		records []record
	}{{answer, m.answers}, {authority, m.authorities}, {additional, m.additionals}} {
		for _, r := range s.records {
			b.add(s.section, func() { b.record(r) })
		}
	}
	packets := b.finish()
	for i, p := range packets {
		if m.truncated || !m.response && len(m.answers) > 0 && i < len(packets)-1 {
			p[2] |= bitTruncated >> 8
		}
	}
	return packets, b.err
}

// packProbe writes a query whose authorities tell what the asker wants to use: a
// name's question and records stay in one packet, or nobody could compare them (RFC
// 6762 section 8.2).
func (m message) packProbe(limit int) ([][]byte, error) {
	var packets [][]byte
	var errs []error
	part, size := m.emptied(), headerLen
	flush := func() {
		if len(part.questions) == 0 && len(part.authorities) == 0 {
			return
		}
		b := newBuilder(part, max(limit, min(size, biggestSize)))
		for _, q := range part.questions {
			b.add(question1, func() { b.question(q) })
		}
		for _, r := range part.authorities {
			b.add(authority, func() { b.record(r) })
		}
		packets = append(packets, b.finish()...)
		errs = append(errs, b.err)
		part, size = m.emptied(), headerLen
	}
	for _, q := range m.questions {
		var own []record
		need := len(q.name) + 5
		for _, r := range m.authorities {
			if r.name == q.name {
				own = append(own, r)
				need += len(r.rr.Header().Name) + 1 + recordBaseLen + len(dataOf(r.rr))
			}
		}
		if size+need > limit {
			flush()
		}
		part.questions = append(part.questions, q)
		part.authorities = append(part.authorities, own...)
		size += need
	}
	flush()
	return packets, errors.Join(errs...)
}

// emptied returns a message with the header of m only.
func (m message) emptied() message {
	return message{id: m.id, response: m.response, truncated: m.truncated}
}

// The sections, in the order of the counts in the header.
const (
	question1 = iota
	answer
	authority
	additional
)

// A builder fills packets one after the other.
type builder struct {
	message message // for the header
	limit   int
	buf     []byte
	counts  [4]int
	names   map[string]int // where a name was written, for compression
	written []string       // the keys of names, in the order of their places
	alone   bool           // additional records have no answers before them in the packet
	packets [][]byte
	err     error
}

func newBuilder(m message, limit int) *builder {
	b := &builder{message: m, limit: limit, alone: m.response && len(m.answers) == 0}
	b.begin()
	return b
}

func (b *builder) begin() {
	b.buf = make([]byte, headerLen, 512)
	b.counts = [4]int{}
	b.names, b.written = map[string]int{}, nil
}

// add writes an entry to a section, in the next packet if it does not fit into this
// one.
func (b *builder) add(section int, write func()) {
	mark, names := len(b.buf), len(b.written)
	write()
	if len(b.buf) > b.limit && mark > headerLen {
		b.rollback(mark, names)
		b.flush()
		b.alone = b.alone || section == additional
		mark, names = len(b.buf), len(b.written)
		write()
	}
	if len(b.buf) > max(b.limit, biggestSize) {
		b.rollback(mark, names)
		b.err = errRecordSize
		return
	}
	if section == additional && b.alone {
		section = answer // additional to nothing would be odd
	}
	b.counts[section]++
}

func (b *builder) rollback(mark, names int) {
	b.buf = b.buf[:mark]
	for _, n := range b.written[names:] {
		delete(b.names, n)
	}
	b.written = b.written[:names]
}

// flush ends the packet and begins another.
func (b *builder) flush() {
	var flags uint16
	if b.message.response {
		flags = bitResponse | bitAnswer
	}
	binary.BigEndian.PutUint16(b.buf, b.message.id)
	binary.BigEndian.PutUint16(b.buf[2:], flags)
	for i, c := range b.counts {
		binary.BigEndian.PutUint16(b.buf[4+2*i:], uint16(c))
	}
	b.packets = append(b.packets, b.buf)
	b.begin()
}

// finish ends the last packet, if there is anything in it, and returns all.
func (b *builder) finish() [][]byte {
	if len(b.buf) > headerLen {
		b.flush()
	}
	return b.packets
}

func (b *builder) question(q question) {
	class := uint16(dns.ClassINET)
	if q.unicast {
		class |= topBit
	}
	b.name(cmp.Or(q.written, q.name), true)
	b.uint16(q.rtype)
	b.uint16(class)
}

func (b *builder) record(r record) {
	class := uint16(dns.ClassINET)
	if r.flush {
		class |= topBit
	}
	b.name(r.rr.Header().Name, true)
	b.uint16(r.rtype)
	b.uint16(class)
	b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(max(0, r.ttl/time.Second)))
	place := len(b.buf)
	b.uint16(0)
	b.data(r.rr, true)
	binary.BigEndian.PutUint16(b.buf[place:], uint16(min(len(b.buf)-place-2, 1<<16-1)))
}

func (b *builder) uint16(v uint16) { b.buf = binary.BigEndian.AppendUint16(b.buf, v) }

// name writes a name. Where compress is set, the end of it that was written before is
// replaced by a pointer (RFC 1035 section 4.1.4).
func (b *builder) name(name string, compress bool) {
	for name != "" && name != "." {
		if compress {
			if at, known := b.names[name]; known {
				b.uint16(0xC000 | uint16(at))
				return
			}
			if at := len(b.buf); at < 1<<14 {
				b.names[name] = at
				b.written = append(b.written, name)
			}
		}
		var label string
		label, name = splitName(name)
		raw := unescape(label)
		raw = raw[:min(len(raw), maxLabel)]
		b.buf = append(b.buf, byte(len(raw)))
		b.buf = append(b.buf, raw...)
	}
	b.buf = append(b.buf, 0)
}

// data writes what a record says. Names in it are compressed as multicast DNS allows
// it; in an answer to a plain DNS client those of SRV are not (RFC 6762 section
// 18.14).
func (b *builder) data(rr dns.RR, compress bool) {
	plain := b.message.response && len(b.message.questions) > 0
	switch rr := rr.(type) {
	case *dns.A:
		b.buf = append(b.buf, rr.A.To4()...)
	case *dns.AAAA:
		b.buf = append(b.buf, rr.AAAA...)
	case *dns.PTR:
		b.name(rr.Ptr, compress)
	case *dns.SRV:
		b.uint16(rr.Priority)
		b.uint16(rr.Weight)
		b.uint16(rr.Port)
		b.name(rr.Target, compress && !plain)
	case *dns.TXT:
		for _, s := range rr.Txt {
			raw := unescape(s)
			raw = raw[:min(len(raw), 255)]
			b.buf = append(b.buf, byte(len(raw)))
			b.buf = append(b.buf, raw...)
		}
		if len(rr.Txt) == 0 {
			b.buf = append(b.buf, 0) // RFC 6763 section 6.1
		}
	case *dns.NSEC:
		b.name(rr.NextDomain, compress && !plain)
		b.bitmap(rr.TypeBitMap)
	case *dns.RFC3597:
		raw, err := hex.DecodeString(rr.Rdata)
		if err != nil {
			b.err = fmt.Errorf("bonjour: data of a record: %w", err)
		}
		b.buf = append(b.buf, raw...)
	}
}

// bitmap writes the types of an NSEC record (RFC 4034 section 4.1.2).
func (b *builder) bitmap(types []uint16) {
	types = slices.Sorted(slices.Values(types))
	for len(types) > 0 {
		window := types[0] >> 8
		end := len(types)
		if i := slices.IndexFunc(types, func(t uint16) bool { return t>>8 != window }); i >= 0 {
			end = i
		}
		last := types[end-1] & 0xFF
		b.buf = append(b.buf, byte(window), byte(last/8+1))
		bits := make([]byte, last/8+1)
		for _, t := range types[:end] {
			bits[t&0xFF/8] |= 0x80 >> (t & 7)
		}
		b.buf = append(b.buf, bits...)
		types = types[end:]
	}
}

// dataOf returns what a record says as it stands uncompressed in a packet, for
// comparing (RFC 6762 section 8.2).
func dataOf(rr dns.RR) []byte {
	b := builder{}
	b.data(rr, false)
	return b.buf
}

// sameData reports whether two records of one key say the same; the case of names
// does not count.
func sameData(a, b dns.RR) bool {
	switch a := a.(type) {
	case *dns.PTR:
		b, ok := b.(*dns.PTR)
		return ok && fold(a.Ptr) == fold(b.Ptr)
	case *dns.SRV:
		b, ok := b.(*dns.SRV)
		return ok && a.Priority == b.Priority && a.Weight == b.Weight && a.Port == b.Port && fold(a.Target) == fold(b.Target)
	case *dns.A:
		b, ok := b.(*dns.A)
		return ok && a.A.Equal(b.A)
	case *dns.AAAA:
		b, ok := b.(*dns.AAAA)
		return ok && a.AAAA.Equal(b.AAAA)
	case *dns.TXT:
		b, ok := b.(*dns.TXT)
		return ok && (slices.Equal(a.Txt, b.Txt) || emptyText(a) && emptyText(b))
	}
	return bytes.Equal(dataOf(a), dataOf(b))
}

// emptyText reports whether a TXT record says nothing: no string and one empty
// string are the same (RFC 6763 section 6.1).
func emptyText(rr *dns.TXT) bool { return len(rr.Txt) == 0 || len(rr.Txt) == 1 && rr.Txt[0] == "" }
