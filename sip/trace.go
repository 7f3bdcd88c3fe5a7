package sip

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"sync"
	"time"
)

// A Tracer is shown every message as it crosses a socket. Trace is called on
// the reading or writing goroutine, must be quick and must not keep Data.
type Tracer interface {
	Trace(TraceMessage)
}

// A TraceMessage is one message on the wire, or on a stream what one read
// brought.
type TraceMessage struct {
	Time          time.Time
	Sent          bool // by us
	Transport     string
	Local, Remote netip.AddrPort
	Data          []byte // as on the wire, secrets included; see [Redact]
}

// NewWriterTracer returns a tracer that writes messages to w, with secrets
// removed by [Redact]. Writes are not interleaved; errors of w are ignored.
func NewWriterTracer(w io.Writer) Tracer { return &writerTracer{w: w} }

type writerTracer struct {
	mu sync.Mutex
	w  io.Writer
}

func (t *writerTracer) Trace(m TraceMessage) {
	arrow := "<-"
	if m.Sent {
		arrow = "->"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %v %s %v\n", m.Time.Format(time.RFC3339Nano), m.Transport, m.Local, arrow, m.Remote)
	b.Write(Redact(m.Data))
	b.WriteString("\n\n")
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = t.w.Write(b.Bytes())
}

// Redact returns a copy of a message without what would let a reader act in our
// name or decrypt media: the response value of Authorization header fields and
// the keys in a=crypto lines.
func Redact(message []byte) []byte {
	out := secretResponse.ReplaceAll(message, []byte("${1}redacted${2}"))
	return secretKey.ReplaceAll(out, []byte("${1}redacted"))
}

var (
	secretResponse = regexp.MustCompile(`(?im)^((?:proxy-)?authorization[ \t]*:.*?\bresponse[ \t]*=[ \t]*")[^"\r\n]*(")`)
	secretKey      = regexp.MustCompile(`(?i)(\binline:)[^|;\s]+`) // a line may have several
)
