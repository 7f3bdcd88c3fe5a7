package sdp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of what [Parse] accepts.
const (
	MaxBody  = 64 << 10 // bytes in a body
	MaxLines = 1024     // lines in a body, blank ones not counted
	MaxLine  = 8 << 10  // bytes in a line
	MaxMedia = 32       // m= lines in a body
)

// A SyntaxError reports a body that is no session description, or one beyond
// the bounds of this package.
type SyntaxError struct {
	Line   int // from 1; 0 if it is about the body as a whole
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return "sdp: " + e.Reason
	}
	return fmt.Sprintf("sdp: line %d: %s", e.Line, e.Reason)
}

// Parse reads a session description.
//
// It forgives lines in any order after v=, LF or CR alone as line end, a missing
// last line end, missing o=, s=, c= and t= lines, unknown lines and lines
// without a type, needless white space, and letters of either case in names. An
// m= line that cannot be read, or that has a port beyond 65535, is kept in its
// place with port 0 and marked Malformed, so that it can be answered. The result
// shares no memory with body.
//
// The error is a [*SyntaxError] for a body that does not begin with v=0 or that
// exceeds [MaxBody], [MaxLines], [MaxLine] or [MaxMedia].
func Parse(body []byte) (*Description, error) {
	if len(body) > MaxBody {
		return nil, &SyntaxError{0, fmt.Sprintf("body has %d bytes, more than %d", len(body), MaxBody)}
	}
	p := parser{d: &Description{Name: "-", Timing: "0 0"}}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	for number := 1; len(body) > 0; number++ {
		var raw []byte
		raw, body = cutLine(body)
		if len(raw) > MaxLine {
			return nil, &SyntaxError{number, fmt.Sprintf("line has %d bytes, more than %d", len(raw), MaxLine)}
		}
		if reason := p.line(clean(raw)); reason != "" {
			return nil, &SyntaxError{number, reason}
		}
	}
	if !p.begun {
		return nil, &SyntaxError{0, "body is empty"}
	}
	return p.d, nil
}

// cutLine splits b after its first line, which ends in CR LF, LF or CR.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 {
		return b, nil
	}
	line, rest = b[:i], b[i+1:]
	if b[i] == '\r' && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return line, rest
}

// clean returns line as valid UTF-8 without control characters and without white
// space at its ends, so that nothing read can break a line when it is printed.
func clean(line []byte) string {
	s := strings.ToValidUTF8(string(line), "?")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// parser holds what Parse has read so far. Its d is complete after every line.
type parser struct {
	d     *Description
	begun bool // v=0 was read
	lines int
}

// line takes in one cleaned line. It returns why the body must be refused, or "".
func (p *parser) line(s string) string {
	if s == "" {
		return ""
	}
	if p.lines++; p.lines > MaxLines {
		return fmt.Sprintf("more than %d lines", MaxLines)
	}
	kind, value, ok := strings.Cut(s, "=")
	kind, value = strings.TrimSpace(kind), strings.TrimSpace(value)
	if !p.begun {
		if !ok || !strings.EqualFold(kind, "v") || value != "0" {
			return "body does not begin with v=0"
		}
		p.begun = true
		return ""
	}
	if !ok || len(kind) != 1 {
		return "" // no line of SDP: skipped
	}
	if kind == "m" {
		if len(p.d.Media) == MaxMedia {
			return fmt.Sprintf("more than %d m= lines", MaxMedia)
		}
		p.d.Media = append(p.d.Media, parseMedia(value))
		return ""
	}
	p.field(kind[0], value)
	return ""
}

// field takes in a line that belongs to the session or to the last m= line.
func (p *parser) field(kind byte, value string) {
	var m *Media
	if n := len(p.d.Media); n > 0 {
		m = &p.d.Media[n-1]
	}
	switch {
	case kind == 'c':
		at := &p.d.Connection
		if m != nil {
			at = &m.Connection
		}
		if at.Host == "" {
			*at = parseConnection(strings.Fields(value))
		}
	case kind == 'a':
		at := &p.d.Attributes
		if m != nil {
			at = &m.Attributes
		}
		if a := parseAttribute(value); a.Name != "" {
			*at = append(*at, a)
		}
	case m != nil: // the rest is of the session only
	case kind == 'o' && p.d.Origin == Origin{}:
		p.d.Origin = parseOrigin(value)
	case kind == 's' && value != "":
		p.d.Name = value
	case kind == 't':
		if t := parseTiming(value); t != "" {
			p.d.Timing = t
		}
	}
}

// parseConnection reads "IN IP4 192.0.2.1/127". Without the two leading words
// the type is taken from the address.
func parseConnection(fields []string) Connection {
	if len(fields) == 0 {
		return Connection{}
	}
	host, _, _ := strings.Cut(fields[min(2, len(fields)-1)], "/")
	host = strings.Trim(host, "[]")
	c := Connection{Type: "IP4", Host: host}
	if a := c.Addr(); a.IsValid() {
		if !a.Is4() {
			c.Type = "IP6"
		}
		c.Host = a.String()
	} else if len(fields) > 1 && strings.EqualFold(fields[1], "IP6") {
		c.Type = "IP6"
	}
	return c
}

// parseOrigin reads the six words of an o= line. Some phones put a user's name
// with blanks in front, so the words are counted from the end.
func parseOrigin(value string) Origin {
	f := strings.Fields(value)
	if len(f) < 6 {
		return Origin{}
	}
	n := len(f)
	return Origin{
		Username: strings.Join(f[:n-5], " "),
		ID:       f[n-5],
		Version:  f[n-4],
		Address:  parseConnection(f[n-3:]),
	}
}

// parseTiming returns "start stop", or "" if value does not have that form.
func parseTiming(value string) string {
	f := strings.Fields(value)
	if len(f) < 2 || !isDigits(f[0]) || !isDigits(f[1]) {
		return ""
	}
	return f[0] + " " + f[1]
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func parseAttribute(value string) Attribute {
	name, v, _ := strings.Cut(value, ":")
	return Attribute{Name: strings.TrimSpace(name), Value: strings.TrimSpace(v)}
}

// parseMedia reads "audio 49170/2 RTP/AVP 0 8". What is missing in a malformed
// line is filled in, so that it can be answered.
func parseMedia(value string) Media {
	f := strings.Fields(value)
	if len(f) < 3 {
		m := Media{Kind: "audio", Protocol: "RTP/AVP", Malformed: true}
		if len(f) > 0 {
			m.Kind = f[0]
		}
		return m
	}
	m := Media{Kind: f[0], Protocol: f[2]}
	if len(f) > 3 {
		m.Formats = f[3:]
	}
	number, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		m.Malformed = true
		return m
	}
	m.Port = int(port)
	return m
}
