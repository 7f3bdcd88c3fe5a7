package interop

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A raw is a peer of our own that speaks SIP word by word, for what no program
// would say. It does nothing by itself.
type raw struct {
	conn net.PacketConn
	got  chan message
}

// A message is one SIP message that a raw received.
type message struct {
	text string
	from net.Addr
	at   time.Time
}

// listenRaw opens a peer on UDP.
func listenRaw(t testing.TB) *raw {
	t.Helper()
	return listenRawAt(t, address(freePorts(t, 1)))
}

// listenRawAt opens a peer at an address of this machine.
func listenRawAt(t testing.TB, at string) *raw {
	t.Helper()
	conn, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{conn: conn, got: make(chan message, 1000)}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			r.got <- message{string(buf[:n]), from, time.Now()}
		}
	}()
	return r
}

func (r *raw) address() string { return r.conn.LocalAddr().String() }

// proxy is the peer as an outbound proxy.
func (r *raw) proxy() string { return "sip:" + r.address() + ";transport=udp" }

// expect waits for a request of a method, or a response whose first line begins
// with "SIP/2.0 CODE", and skips all else.
func (r *raw) expect(t testing.TB, within time.Duration, begin string) message {
	t.Helper()
	m, ok := r.next(within, begin)
	if !ok {
		t.Fatalf("no %q within %v", begin, within)
	}
	return m
}

func (r *raw) next(within time.Duration, begin string) (message, bool) {
	timeout := time.After(within)
	for {
		select {
		case m := <-r.got:
			if strings.HasPrefix(m.text, begin+" ") {
				return m, true
			}
		case <-timeout:
			return message{}, false
		}
	}
}

// send sends lines, to which the ends are added, and an empty one and the body.
func (r *raw) send(t testing.TB, to net.Addr, body string, lines ...string) {
	t.Helper()
	if _, err := r.conn.WriteTo([]byte(assemble(body, lines)), to); err != nil {
		t.Fatal(err)
	}
}

func assemble(body string, lines []string) string {
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// reply answers a request with further headers.
func (r *raw) reply(t testing.TB, m message, status string, more ...string) {
	t.Helper()
	r.answer(t, m, status, "", more...)
}

// answer is reply with a body.
func (r *raw) answer(t testing.TB, m message, status, body string, more ...string) {
	t.Helper()
	lines := []string{"SIP/2.0 " + status}
	to := m.header("To")
	if !strings.Contains(to, ";tag=") {
		to += ";tag=raw"
	}
	for line := range strings.SplitSeq(m.text, "\r\n") {
		if strings.HasPrefix(line, "Via:") || strings.HasPrefix(line, "Record-Route:") {
			lines = append(lines, line)
		}
	}
	lines = append(lines, "From: "+m.header("From"), "To: "+to, "Call-ID: "+m.header("Call-ID"), "CSeq: "+m.header("CSeq"))
	r.send(t, m.from, body, append(lines, more...)...)
}

// header returns the value of the first header with that name.
func (m message) header(name string) string {
	for line := range strings.SplitSeq(m.text, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v)
		}
		if line == "" {
			break
		}
	}
	return ""
}

// body returns what follows the headers.
func (m message) body() string {
	_, b, _ := strings.Cut(m.text, "\r\n\r\n")
	return b
}

// expires is the registration time that a REGISTER asks for.
func (m message) expires() string {
	if _, after, ok := strings.Cut(m.header("Contact"), ";expires="); ok {
		return strings.TrimRight(strings.SplitN(after, ";", 2)[0], " ")
	}
	return m.header("Expires")
}

// uri takes the address out of <…> of a header's value.
func uri(value string) string {
	if _, after, ok := strings.Cut(value, "<"); ok {
		u, _, _ := strings.Cut(after, ">")
		return u
	}
	return value
}

// address is a port of this machine.
func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// A stream is a raw peer on one TCP connection.
type stream struct {
	net.Conn
	r *bufio.Reader
}

// dialStream connects to a phone.
func dialStream(t testing.TB, addr string) *stream {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &stream{conn, bufio.NewReader(conn)}
}

// say writes text as it is.
func (s *stream) say(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(s, text); err != nil {
		t.Fatal(err)
	}
}

// expect reads messages until one begins with "SIP/2.0 CODE" or a method.
func (s *stream) expect(t testing.TB, within time.Duration, begin string) message {
	t.Helper()
	if err := s.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := s.read()
		if err != nil {
			t.Fatalf("waiting for %q: %v", begin, err)
		}
		if strings.HasPrefix(m.text, begin+" ") {
			return m
		}
	}
}

func (s *stream) read() (message, error) {
	var b strings.Builder
	length := 0
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return message{}, err
		}
		b.WriteString(line)
		if strings.TrimSpace(line) == "" {
			if b.Len() == len(line) { // a keep-alive between messages
				b.Reset()
				continue
			}
			break
		}
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(v)); err != nil {
				return message{}, err
			}
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(s.r, body); err != nil {
		return message{}, err
	}
	b.Write(body)
	return message{b.String(), s.RemoteAddr(), time.Now()}, nil
}

// listenNoSuchName starts a name server that knows no name, and returns its
// address.
func listenNoSuchName(t testing.TB) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", address(freePorts(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1<<12)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if n < 12 {
				continue
			}
			buf[2], buf[3] = 0x81, 0x83               // a response: no such name
			copy(buf[6:12], []byte{0, 0, 0, 0, 0, 0}) // nothing but the question
			end := 12
			for end < n && buf[end] != 0 {
				end += int(buf[end]) + 1
			}
			if end += 5; end > n {
				continue
			}
			_, _ = conn.WriteTo(buf[:end], from)
		}
	}()
	return conn.LocalAddr().String()
}

// An invitation is an INVITE word by word, for a raw to send and to follow.
type invitation struct {
	target string // Request-URI
	via    string // transport and sent-by: "UDP 127.0.0.1:5060"
	branch string
	id     string
	tag    string
	body   string
	more   []string
}

// newInvitation calls the contact of a phone.
func newInvitation(target, transport, sentBy, body string) invitation {
	n := strconv.FormatInt(time.Now().UnixNano(), 36)
	return invitation{
		target: target, via: transport + " " + sentBy, branch: "z9hG4bK" + n, id: n + "@interop", tag: "t" + n, body: body,
	}
}

// text is the request of a method of the same transaction, INVITE or CANCEL, or
// an ACK to a failure.
func (i invitation) text(method, to string) string {
	lines := []string{
		method + " " + i.target + " SIP/2.0",
		"Via: SIP/2.0/" + i.via + ";rport;branch=" + i.branch,
		"Max-Forwards: 70",
		"From: <sip:raw@interop.test>;tag=" + i.tag,
		"To: " + to,
		"Call-ID: " + i.id,
		"CSeq: 1 " + method,
	}
	body := ""
	if method == "INVITE" {
		sentBy := strings.Fields(i.via)[1]
		lines = append(lines, "Contact: <sip:raw@"+sentBy+">")
		lines = append(lines, i.more...)
		body = i.body
	}
	return assemble(body, lines)
}

// ack is the ACK to a 2xx, a transaction of its own.
func (i invitation) ack(ok message) string {
	target := uri(ok.header("Contact"))
	return assemble("", []string{
		"ACK " + target + " SIP/2.0",
		"Via: SIP/2.0/" + i.via + ";rport;branch=" + i.branch + "ack",
		"Max-Forwards: 70",
		"From: <sip:raw@interop.test>;tag=" + i.tag,
		"To: " + ok.header("To"),
		"Call-ID: " + i.id,
		"CSeq: 1 ACK",
	})
}

// offer is SDP with the codec that everybody has, at a port.
func offer(port int) string {
	return fmt.Sprintf("v=0\r\no=raw 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n", loopback, port)
}

// contactOf returns the address under which a phone is registered, and where
// that is.
func contactOf(t testing.TB, k *kamailio, user string) (string, net.Addr) {
	t.Helper()
	all := k.contacts(user)
	if len(all) != 1 {
		t.Fatalf("contacts of %s = %q, want one", user, all)
	}
	host := all[0]
	if _, after, ok := strings.Cut(host, "@"); ok {
		host, _, _ = strings.Cut(after, ";")
	}
	return all[0], addrOf(t, host)
}

// addrOf is the UDP address that a text names.
func addrOf(t testing.TB, hostPort string) net.Addr {
	t.Helper()
	ap, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		t.Fatal(err)
	}
	return net.UDPAddrFromAddrPort(ap)
}
