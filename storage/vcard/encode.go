package vcard

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// An Encoder writes entries.
type Encoder struct{ w *bufio.Writer }

// NewEncoder returns an encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{bufio.NewWriter(w)} }

// Encode writes an entry as a whole.
func (e *Encoder) Encode(c Card) error {
	e.line("BEGIN:VCARD")
	e.line("VERSION:" + c.Version)
	for _, p := range c.Properties {
		e.line(p.text())
	}
	e.line("END:VCARD")
	return e.w.Flush()
}

// text returns the property as one line, unfolded.
func (p Property) text() string {
	var b strings.Builder
	if p.Group != "" {
		b.WriteString(p.Group + ".")
	}
	b.WriteString(p.Name)
	for _, q := range p.Params {
		value := strings.NewReplacer("^", "^^", "\n", "^n", `"`, "^'").Replace(q.Value)
		if strings.ContainsAny(value, ":;,") {
			value = `"` + value + `"`
		}
		fmt.Fprintf(&b, ";%s=%s", q.Name, value)
	}
	// A line break must not begin another property.
	return b.String() + ":" + strings.NewReplacer("\r", "", "\n", `\n`).Replace(p.Value)
}

// line writes a line, folded: no part has more than 75 bytes, and none ends
// within a character (RFC 6350 section 3.2). A failure is told by Flush.
func (e *Encoder) line(text string) {
	const most = 75
	for room := most; len(text) > room; room = most - 1 {
		n := room
		for n > 1 && !utf8.RuneStart(text[n]) {
			n--
		}
		_, _ = e.w.WriteString(text[:n] + "\r\n ")
		text = text[n:]
	}
	_, _ = e.w.WriteString(text + "\r\n")
}
