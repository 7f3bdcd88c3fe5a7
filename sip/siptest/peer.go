package siptest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A Peer is a far end that a test writes by hand: it sends exactly the text it
// is given and shows what it gets.
type Peer struct {
	t    testing.TB
	pc   net.PacketConn
	Addr netip.AddrPort
	in   chan Packet
	last map[string]Message // by summary
}

// NewPeer opens a datagram peer on the network. It is closed with the test.
func NewPeer(t testing.TB, n *Network, addr string) *Peer {
	t.Helper()
	local := netip.MustParseAddrPort(addr)
	pc, err := n.Host(local.Addr().String()).ListenPacket(context.Background(), local)
	if err != nil {
		t.Fatalf("peer %v: %v", addr, err)
	}
	p := &Peer{t: t, pc: pc, Addr: local, in: make(chan Packet, 4096), last: map[string]Message{}}
	go p.read()
	return p
}

func (p *Peer) read() {
	buf := make([]byte, 65536)
	for {
		n, from, err := p.pc.ReadFrom(buf)
		if err != nil {
			return
		}
		src, _ := netip.ParseAddrPort(from.String())
		p.in <- Packet{Time: time.Now(), Transport: "udp", From: src, To: p.Addr, Data: append([]byte(nil), buf[:n]...)}
	}
}

// Close stops the peer. Inside a bubble it must be called before the end.
func (p *Peer) Close() { _ = p.pc.Close() }

// Send sends text with its line ends made CRLF and, if it has none, the empty
// line that ends a header.
func (p *Peer) Send(to netip.AddrPort, text string) {
	p.t.Helper()
	if _, err := p.pc.WriteTo([]byte(Wire(text)), net.UDPAddrFromAddrPort(to)); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

// Expect returns the next message whose summary is want ("200 INVITE"), skipping
// others. It fails the test if none comes within a minute.
func (p *Peer) Expect(want string) Message {
	p.t.Helper()
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	var skipped []string
	for {
		select {
		case got := <-p.in:
			if got.Summary() == want {
				m := Message{Packet: got}
				p.last[want] = m
				return m
			}
			skipped = append(skipped, got.Summary())
		case <-timer.C:
			p.t.Fatalf("no %q came, only %q", want, skipped)
			return Message{}
		}
	}
}

// Next returns the next message whatever it is. It fails the test if none comes
// within d.
func (p *Peer) Next(d time.Duration) Message {
	p.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case got := <-p.in:
		return Message{Packet: got}
	case <-timer.C:
		p.t.Fatalf("nothing came within %v", d)
		return Message{}
	}
}

// Poll returns the next message if one is there already.
func (p *Peer) Poll() (Message, bool) {
	select {
	case got := <-p.in:
		return Message{Packet: got}, true
	default:
		return Message{}, false
	}
}

// Silent fails the test if a message with the summary comes within d.
func (p *Peer) Silent(summary string, d time.Duration) {
	p.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case got := <-p.in:
			if got.Summary() == summary {
				p.t.Fatalf("%q came, want none for %v", summary, d)
			}
		case <-timer.C:
			return
		}
	}
}

// A Message is a received packet with access to its header fields.
type Message struct{ Packet }

// Header returns the first header field of the name, trimmed, or "".
func (m Message) Header(name string) string {
	if hs := m.Headers(name); len(hs) > 0 {
		return hs[0]
	}
	return ""
}

// Headers returns all header fields of the name, in order.
func (m Message) Headers(name string) []string {
	var out []string
	head, _, _ := strings.Cut(string(m.Data), "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n")[1:] {
		n, v, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(n), name) {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

// Body returns what follows the header.
func (m Message) Body() string {
	_, body, _ := strings.Cut(string(m.Data), "\r\n\r\n")
	return body
}

// Line returns the first line.
func (m Message) Line() string {
	line, _, _ := strings.Cut(string(m.Data), "\r\n")
	return line
}

// Tag returns the tag of a From or To header field, or "".
func (m Message) Tag(name string) string {
	_, tag, _ := strings.Cut(m.Header(name), ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

// Reply is the text of a response to a request, with its To tag added if tag is
// not empty. extra holds further header lines and, after an empty line, a body.
func (m Message) Reply(status, tag, extra string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\n", status)
	for _, v := range m.Headers("Via") {
		fmt.Fprintf(&b, "Via: %s\n", v)
	}
	to := m.Header("To")
	if tag != "" && m.Tag("To") == "" {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\nTo: %s\nCall-ID: %s\nCSeq: %s\n", m.Header("From"), to, m.Header("Call-ID"), m.Header("CSeq"))
	b.WriteString(extra)
	return b.String()
}

// Summary is the method of a request or code and method of a response.
func Summary(data []byte) string {
	m := Message{Packet{Data: data}}
	words := strings.Fields(m.Line())
	if len(words) < 2 {
		return ""
	}
	if !strings.HasPrefix(words[0], "SIP/") {
		return words[0]
	}
	method := strings.Fields(m.Header("CSeq"))
	if len(method) < 2 {
		return words[1]
	}
	return words[1] + " " + method[1]
}

// Wire makes line ends CRLF, ends the header and counts the body.
func Wire(text string) string {
	head, body, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n")
	head = strings.TrimRight(head, "\n")
	body = strings.ReplaceAll(body, "\n", "\r\n")
	if !strings.Contains(strings.ToLower(head), "\ncontent-length:") {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}
