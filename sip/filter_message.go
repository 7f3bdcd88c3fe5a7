package sip

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

const (
	filterMaxMessage = 65535    // bytes, what the library reads and a datagram holds
	filterMaxHead    = 32 << 10 // bytes of the first line and the header
	filterMaxFields  = 256
	filterMaxCSeq    = 1<<31 - 1 // RFC 3261 section 8.1.1.5
)

// filterKind says in which counter a problem goes.
type filterKind uint8

const (
	filterMalformed filterKind = iota
	filterGarbage
	filterTooLarge
	filterPanic
)

// A filterProblem is why a message is not handed on.
type filterProblem struct {
	kind filterKind
	code int // to answer a request with
	text string
}

func filterBad(format string, args ...any) *filterProblem {
	return &filterProblem{code: 400, text: fmt.Sprintf(format, args...)}
}

// filterMsg is a message taken apart.
type filterMsg struct {
	request bool
	method  string
	uri     string
	code    string
	reason  string
	fields  []Header // names in their long form, values normalized
	body    []byte

	length int  // Content-Length; -1: none, -2: not to be relied on
	mute   bool // what a response would need cannot be read
}

// filterRead takes a whole message apart, body included, and makes its form
// normal. The message is returned with a problem too, as far as it was read.
func filterRead(data []byte) (*filterMsg, *filterProblem) {
	m := &filterMsg{length: -1}
	if len(data) > filterMaxMessage {
		return m, &filterProblem{kind: filterTooLarge, text: "Message Too Large"}
	}
	data = bytes.TrimLeft(data, "\r\n")
	head, body, ok := filterHead(data)
	if !ok {
		if !filterBegins(data) {
			return m, &filterProblem{kind: filterGarbage, text: "Not SIP"}
		}
		head, body = data, nil
	}
	m, problem := filterParse(head)
	if problem != nil {
		return m, problem
	}
	switch {
	case !ok:
		return m, filterBad("Header Without End")
	case m.length == -2 || m.length > len(body):
		return m, filterBad("Bad Content-Length")
	case m.length >= 0:
		body = body[:m.length]
	}
	m.body = body
	return m, nil
}

// filterHead splits data at the empty line. A line ends with CRLF or LF.
func filterHead(data []byte) (head, body []byte, ok bool) {
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			return nil, nil, false
		}
		if line := data[at : at+i]; at > 0 && (len(line) == 0 || string(line) == "\r") {
			return data[:at], data[at+i+1:], true
		}
		at += i + 1
	}
}

// filterBegins reports whether the first line of data looks like one of SIP.
func filterBegins(data []byte) bool {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	parts := bytes.Fields(line)
	if len(parts) < 2 || line[0] == ' ' || line[0] == '\t' {
		return false
	}
	return filterIsVersion(string(parts[0])) || filterIsVersion(string(parts[len(parts)-1])) && isTokenByte(parts[0][0])
}

func filterIsVersion(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "SIP/") }

// filterParse reads the first line and the header. It goes on after the first
// problem, so that a request can be answered.
func filterParse(head []byte) (*filterMsg, *filterProblem) {
	m := &filterMsg{length: -1}
	if len(head) > filterMaxHead {
		return m, &filterProblem{kind: filterTooLarge, code: 513, text: "Message Too Large"}
	}
	lines, problem := filterLines(string(head))
	if problem != nil {
		return m, problem
	}
	if len(lines) == 0 || !filterBegins([]byte(lines[0])) {
		return m, &filterProblem{kind: filterGarbage, text: "Not SIP"}
	}
	problem = m.parseStart(lines[0])
	if len(lines) > filterMaxFields {
		return m, cmp.Or(problem, &filterProblem{kind: filterTooLarge, code: 513, text: "Message Too Large"})
	}
	for _, line := range lines[1:] {
		problem = cmp.Or(problem, m.parseField(line))
	}
	if len(m.fields) > filterMaxFields {
		return m, cmp.Or(problem, &filterProblem{kind: filterTooLarge, code: 513, text: "Message Too Large"})
	}
	return m, cmp.Or(problem, m.check())
}

// filterLines splits a header block and joins folded lines.
func filterLines(head string) ([]string, *filterProblem) {
	var lines []string
	for line := range strings.Lines(head) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.ContainsAny(line, "\r\x00") {
			return nil, filterBad("Control Character")
		}
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(lines) > 1 {
			lines[len(lines)-1] = strings.TrimRight(lines[len(lines)-1], " \t") + " " + addressTrim(line)
			continue
		}
		if len(lines) <= 2*filterMaxFields {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func (m *filterMsg) parseStart(line string) *filterProblem {
	parts := strings.Fields(line)
	if filterIsVersion(parts[0]) {
		if !strings.EqualFold(parts[0], "SIP/2.0") || len(parts[1]) != 3 || parts[1] < "100" || parts[1] > "699" || strings.Trim(parts[1], "0123456789") != "" {
			return filterBad("Bad Status Line")
		}
		m.code = parts[1]
		_, rest, _ := strings.Cut(line, parts[1])
		m.reason = addressTrim(rest)
		return nil
	}
	m.request = true
	m.method = parts[0]
	switch version := parts[len(parts)-1]; {
	case !strings.EqualFold(version, "SIP/2.0"):
		return &filterProblem{code: 505, text: "Version Not Supported"}
	case len(parts) != 3 || !addressToken(m.method):
		return filterBad("Bad Request Line")
	case strings.ToUpper(m.method) != m.method:
		return &filterProblem{code: 501, text: "Not Implemented"} // methods have case (RFC 3261 section 7.1)
	}
	m.uri = filterURI(parts[1])
	scheme, _, ok := strings.Cut(m.uri, ":")
	switch scheme := strings.ToLower(scheme); {
	case len(m.uri) > maxURI:
		return &filterProblem{code: 414, text: "Request-URI Too Long"}
	case !ok || !addressToken(scheme):
		return filterBad("Bad Request-URI")
	case scheme != "sip" && scheme != "sips" && scheme != "tel":
		return &filterProblem{code: 416, text: "Unsupported URI Scheme"}
	}
	if _, err := uriParse(m.uri); err != nil {
		return filterBad("Bad Request-URI")
	}
	return nil
}

func (m *filterMsg) parseField(line string) *filterProblem {
	name, value, ok := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	if !ok || !addressToken(name) {
		return filterBad("Bad Header Line")
	}
	name = filterName(name)
	values, problem := filterValues(name, addressTrim(value))
	for _, v := range values {
		if name == "Content-Length" && !m.takeLength(v) {
			continue
		}
		m.fields = append(m.fields, Header{name, v})
	}
	if problem != nil && (name == "Via" || name == "From" || name == "To") {
		m.mute = true
	}
	return problem
}

// takeLength notes a Content-Length and reports whether it is the first. Two
// that differ make the end of the message a matter of opinion.
func (m *filterMsg) takeLength(value string) bool {
	n, err := strconv.ParseUint(value, 10, 31)
	first := m.length == -1
	switch {
	case err != nil, !first && m.length != int(n):
		m.length = -2
	case first:
		m.length = int(n)
	}
	return first
}

// check looks for what RFC 3261 section 8.1.1 demands of every message.
func (m *filterMsg) check() *filterProblem {
	for _, name := range []string{"From", "To", "Call-ID", "CSeq"} {
		if n := len(m.values(name)); n != 1 {
			return filterBad("%d %s Headers", n, name)
		}
	}
	vias := len(m.values("Via"))
	if vias == 0 || !m.request && vias > 1 { // RFC 3261 section 8.1.3.3
		return filterBad("%d Via Headers", vias)
	}
	for _, name := range []string{"Max-Forwards", "Content-Type"} {
		if len(m.values(name)) > 1 {
			return filterBad("Several %s Headers", name)
		}
	}
	if hops := m.values("Max-Forwards"); len(hops) == 1 {
		if _, err := strconv.ParseUint(hops[0], 10, 8); err != nil {
			return filterBad("Bad Max-Forwards")
		}
	}
	number, method, _ := strings.Cut(m.values("CSeq")[0], " ")
	if n, err := strconv.ParseUint(number, 10, 32); err != nil || n > filterMaxCSeq || !addressToken(method) {
		return filterBad("Bad CSeq")
	}
	if m.request && method != m.method {
		return filterBad("CSeq Method Mismatch")
	}
	return nil
}

func (m *filterMsg) values(name string) []string {
	var out []string
	for _, h := range m.fields {
		if h.Name == name {
			out = append(out, h.Value)
		}
	}
	return out
}

// finish prints the message, and makes sure that the library can read it.
func (m *filterMsg) finish() ([]byte, *filterProblem) {
	var b bytes.Buffer
	if m.request {
		b.WriteString(m.method + " " + m.uri + " SIP/2.0\r\n")
	} else {
		b.WriteString("SIP/2.0 " + m.code + " " + m.reason + "\r\n")
	}
	length := Header{"Content-Length", strconv.Itoa(len(m.body))}
	if i := slices.IndexFunc(m.fields, func(h Header) bool { return h.Name == length.Name }); i >= 0 {
		m.fields[i] = length
	} else {
		m.fields = append(m.fields, length)
	}
	for _, h := range m.fields {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	if b.Len() > filterMaxHead || b.Len()+2+len(m.body) > filterMaxMessage || len(m.fields) >= filterMaxFields {
		return nil, &filterProblem{kind: filterTooLarge, code: 513, text: "Message Too Large"}
	}
	b.WriteString("\r\n")
	b.Write(m.body)
	if problem := filterTry(b.Bytes()); problem != nil {
		return nil, problem
	}
	return b.Bytes(), nil
}

// filterTry parses a message as the library will, which has no way to report a
// failure but to close the connection, and none at all to survive a panic.
func filterTry(data []byte) (problem *filterProblem) {
	defer func() {
		if recover() != nil {
			problem = &filterProblem{kind: filterPanic, code: 400, text: "Bad Request"}
		}
	}()
	msg, err := sip.ParseMessage(data)
	if err != nil {
		return filterBad("Bad Request")
	}
	if msg.Via() == nil || msg.From() == nil || msg.To() == nil || msg.CallID() == nil || msg.CSeq() == nil {
		return filterBad("Bad Request")
	}
	return nil
}
