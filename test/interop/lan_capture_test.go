package interop

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A capture is what somebody reads who listens at the switch of a lan.
type capture struct {
	*process
	file string
}

// A packet is one that was read: UDP or TCP over IPv4 or IPv6.
type packet struct {
	at       time.Time
	mac      string // of who sent it
	tcp      bool
	ttl      uint8
	from, to netip.AddrPort
	seq      uint32 // of TCP
	payload  []byte
	size     int // of the whole, with the headers
}

// listen begins to read everything that crosses the switch.
func (l *lan) listen(t testing.TB) *capture {
	t.Helper()
	need(t, "tcpdump")
	c := &capture{file: filepath.Join(t.TempDir(), "lan.pcap")}
	p, err := start("tcpdump", t.TempDir(), "ip", "netns", "exec", l.name,
		"tcpdump", "-i", "switch", "-n", "-U", "--immediate-mode", "-s", "0", "-B", "16384", "-Z", "root", "-w", c.file)
	if err != nil {
		t.Fatal(err)
	}
	c.process = p
	p.stopWith(t)
	eventually(t, 5*time.Second, "tcpdump listens", func() bool { return strings.Contains(p.output(), "listening on") })
	return c
}

// packets ends the reading and returns what was read, in order.
func (c *capture) packets(t testing.TB) []packet {
	t.Helper()
	c.stop()
	if text := c.output(); !strings.Contains(text, "\n0 packets dropped by kernel") {
		t.Fatalf("not everything was read:\n%s", text)
	}
	b, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	const header, record = 24, 16
	if len(b) < header || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 || binary.LittleEndian.Uint32(b[20:]) != 1 {
		t.Fatalf("%s is no capture of Ethernet", c.file)
	}
	var all []packet
	for b = b[header:]; len(b) >= record; {
		sec, usec, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), int(binary.LittleEndian.Uint32(b[8:]))
		if len(b) < record+n {
			break
		}
		if f, ok := readPacket(b[record : record+n]); ok {
			f.at = time.Unix(int64(sec), int64(usec)*1000)
			all = append(all, f)
		}
		b = b[record+n:]
	}
	return all
}

// readPacket takes an Ethernet frame apart, if UDP or TCP is in it.
func readPacket(b []byte) (packet, bool) {
	f := packet{size: len(b)}
	if len(b) < 14 {
		return f, false
	}
	f.mac = net.HardwareAddr(b[6:12]).String()
	var proto byte
	var src, dst netip.Addr
	kind := binary.BigEndian.Uint16(b[12:])
	b = b[14:]
	switch {
	case kind == 0x0800 && len(b) >= 20:
		head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if head < 20 || total < head || total > len(b) {
			return f, false
		}
		f.ttl, proto = b[8], b[9]
		src, dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		b = b[head:total]
	case kind == 0x86dd && len(b) >= 40:
		total := int(binary.BigEndian.Uint16(b[4:]))
		proto, f.ttl = b[6], b[7]
		src, dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		if b = b[40:]; total > len(b) {
			return f, false
		}
		b = b[:total]
	default:
		return f, false
	}
	switch {
	case proto == 17 && len(b) >= 8:
		f.payload = b[8:]
	case proto == 6 && len(b) >= 20 && len(b) >= int(b[12]>>4)*4:
		f.tcp, f.seq = true, binary.BigEndian.Uint32(b[4:])
		f.payload = b[int(b[12]>>4)*4:]
	default:
		return f, false
	}
	f.from = netip.AddrPortFrom(src, binary.BigEndian.Uint16(b))
	f.to = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:]))
	return f, true
}

// mdns is the port where names are asked for.
const mdns = 5353

// isMDNS tells whether the packet is one of multicast DNS.
func (f packet) isMDNS() bool { return !f.tcp && f.to.Port() == mdns }

// isRTP tells whether the packet looks like sound: version 2, and no RTCP.
func (f packet) isRTP() bool {
	return !f.tcp && !f.isMDNS() && len(f.payload) >= 12 && f.payload[0]>>6 == 2 && (f.payload[1] < 192 || f.payload[1] > 223)
}

// isRTCP tells whether the packet looks like a report about sound.
func (f packet) isRTCP() bool {
	return !f.tcp && !f.isMDNS() && len(f.payload) >= 8 && f.payload[0]>>6 == 2 && f.payload[1] >= 192 && f.payload[1] <= 223
}

// sound returns the payload of an RTP packet, be it clear or not.
func (f packet) sound() []byte {
	at := 12 + 4*int(f.payload[0]&15)
	if f.payload[0]&0x10 != 0 && len(f.payload) >= at+4 {
		at += 4 + 4*int(binary.BigEndian.Uint16(f.payload[at+2:]))
	}
	if at > len(f.payload) {
		return nil
	}
	return f.payload[at:]
}
