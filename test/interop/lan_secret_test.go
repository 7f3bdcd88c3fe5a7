package interop

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"parley/media/codec"
	"parley/media/mediatest"
)

// A flow is one direction of a connection.
type flow struct{ from, to netip.AddrPort }

// An eavesdropper is what can be made of a capture without any key.
type eavesdropper struct {
	heard   []packet
	tcp     map[flow][]byte // what was sent, in order
	strange []string        // packets that are none of the expected kinds
}

// eavesdrop looks at what was read.
func eavesdrop(heard []packet) *eavesdropper {
	e := &eavesdropper{heard: heard, tcp: map[flow][]byte{}}
	segments := map[flow][]packet{}
	for _, f := range heard {
		switch {
		case f.tcp:
			if len(f.payload) > 0 {
				k := flow{f.from, f.to}
				segments[k] = append(segments[k], f)
			}
		case f.isMDNS(), f.isRTP(), f.isRTCP():
		default:
			e.strange = append(e.strange, fmt.Sprintf("%v to %v: %.60q", f.from, f.to, f.payload))
		}
	}
	for k, list := range segments {
		e.tcp[k] = inOrder(list)
	}
	return e
}

// inOrder joins the segments of a flow, whatever came twice or late.
func inOrder(list []packet) []byte {
	base := list[0].seq
	slices.SortStableFunc(list, func(a, b packet) int { return cmp.Compare(a.seq-base, b.seq-base) })
	var out []byte
	for _, f := range list {
		at := int(f.seq - base)
		if at > len(out) {
			return out // a segment is missing: what follows cannot be read
		}
		if more := f.payload[min(len(out)-at, len(f.payload)):]; len(more) > 0 {
			out = append(out, more...)
		}
	}
	return out
}

// betrays returns what of a call's signaling or keys can be read in the clear.
func (e *eavesdropper) betrays() []string {
	var found []string
	look := func(where string, b []byte) {
		for _, word := range []string{"SIP/2.0", "INVITE ", "Call-ID", "a=crypto", "inline:", "v=0\r\n", "m=audio", "tag="} {
			if bytes.Contains(b, []byte(word)) {
				found = append(found, where+" holds "+word)
			}
		}
	}
	for _, f := range e.heard {
		look(fmt.Sprintf("a packet from %v to %v", f.from, f.to), f.payload)
	}
	for k, b := range e.tcp {
		look(fmt.Sprintf("the connection from %v to %v", k.from, k.to), b)
	}
	return found
}

// isTLS returns an error unless a flow is a sequence of TLS records, the last of
// which may be cut (RFC 8446 section 5.1).
func isTLS(b []byte) error {
	for n := 0; len(b) >= 5; n++ {
		kind, length := b[0], int(binary.BigEndian.Uint16(b[3:]))
		switch {
		case kind < 20 || kind > 23 || b[1] != 3 || length > 1<<14+2048:
			return fmt.Errorf("record %d begins with % x", n, b[:5])
		case n == 0 && kind != 22:
			return fmt.Errorf("it does not begin with a handshake but with % x", b[:5])
		}
		b = b[min(5+length, len(b)):]
	}
	return nil
}

// rtp returns the packets of the first stream of sound from one machine to
// another.
func (e *eavesdropper) rtp(from, to *machine) []packet {
	var stream []packet
	for _, f := range e.heard {
		if !f.isRTP() || !from.has(f.from.Addr()) || !to.has(f.to.Addr()) {
			continue
		}
		if len(stream) == 0 || bytes.Equal(f.payload[8:12], stream[0].payload[8:12]) { // the SSRC
			stream = append(stream, f)
		}
	}
	return stream
}

// has tells whether an address is the machine's.
func (h *machine) has(a netip.Addr) bool { return a.String() == h.ip || a.String() == h.ip6 }

// heardAsPCMA is how well what was said comes out of packets that are taken for
// unencrypted PCMA. The first cut bytes of each payload are taken, 0 is all.
func heardAsPCMA(t testing.TB, said signal, packets []packet, cut int) mediatest.Report {
	t.Helper()
	d, err := codec.PCMA().NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var heard []float32
	for _, f := range packets {
		p := f.sound()
		if cut > 0 {
			p = p[:min(cut, len(p))]
		}
		pcm := make([]float32, len(p))
		n, err := d.Decode(pcm, p)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, pcm[:n]...)
	}
	const rate = 8000
	return mediatest.Compare(at(said.samples, rate), heard, rate)
}

// mustRead fails the test unless what a machine said can be read.
func (e *eavesdropper) mustRead(t testing.TB, said signal, from, to *machine) {
	t.Helper()
	packets := e.rtp(from, to)
	if r := heardAsPCMA(t, said, packets, 0); r.MedianCorrelation < 0.9 || r.Windows < minWindows {
		t.Errorf("what %s said is read with a correlation of %.3f over %d windows from %d packets, want 0.9",
			from.name, r.MedianCorrelation, r.Windows, len(packets))
	}
}

// mustNotRead fails the test if what one phone said to the other in PCMA can be
// read, or is not as long as SRTP makes it: longer by a tag of 10 or 16 bytes
// than the sound (RFC 3711 section 5.2, RFC 7714 section 13).
func (e *eavesdropper) mustNotRead(t testing.TB, from, to *phone) {
	t.Helper()
	packets := e.rtp(from.config.Host, to.config.Host)
	if len(packets) < 100 {
		t.Fatalf("%d packets with sound went from %s to %s, want more", len(packets), from.config.who(), to.config.who())
	}
	for _, f := range packets {
		if extra := len(f.sound()) % 40; extra != 10 && extra != 16 { // of 5 ms each
			t.Fatalf("a packet with PCMA has %d bytes of sound, want a tag of 10 or 16 bytes beside it", len(f.sound()))
		}
	}
	for _, cut := range []int{0, 80} {
		if r := heardAsPCMA(t, from.said, packets, cut); r.MedianCorrelation > 0.3 {
			t.Errorf("what %s said is read with a correlation of %.3f", from.config.who(), r.MedianCorrelation)
		}
	}
}

// mustBeSecret fails the test unless all signaling is TLS and nothing of it, nor
// of the keys, can be read, and names are asked for by multicast DNS alone.
func (e *eavesdropper) mustBeSecret(t testing.TB) {
	t.Helper()
	for _, what := range e.betrays() {
		t.Errorf("%s", what)
	}
	for _, what := range e.strange {
		t.Errorf("somebody sent %s", what)
	}
	if len(e.tcp) < 2 {
		t.Errorf("%d flows of TCP were seen, want both directions of a connection", len(e.tcp))
	}
	for k, b := range e.tcp {
		if err := isTLS(b); err != nil {
			t.Errorf("the connection from %v to %v is no TLS: %v", k.from, k.to, err)
		}
	}
}
