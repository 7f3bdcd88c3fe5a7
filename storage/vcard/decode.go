package vcard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds on what is read.
const (
	MaxLine       = 2 << 20 // bytes of one property, unfolded: a photo in base64
	MaxCard       = 4 << 20 // bytes of one entry
	MaxProperties = 1000    // of one entry
	MaxParams     = 100     // of one property
)

// A Card is one entry. Its version is "" if it does not tell.
type Card struct {
	Line       int // of its BEGIN, from 1
	Version    string
	Properties []Property
}

// An EntryError reports an entry that cannot be read. The ones after it can.
type EntryError struct {
	Line int    // where it is wrong, from 1
	Name string // of whom the entry is, as far as it was read
	Text string
}

func (e *EntryError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// A Decoder reads entries.
type Decoder struct {
	r     *bufio.Reader
	line  int    // of what was read last
	ahead []byte // a physical line that was read and not used
	at    int    // its number
	long  bool   // of it there is the beginning only
	begun bool   // a BEGIN was read that is not in an entry yet
	begin int    // and its line
	read  int64  // bytes
}

// NewDecoder returns a decoder that reads from r.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{r: bufio.NewReaderSize(r, 64<<10)} }

// Read returns how many bytes were used so far.
func (d *Decoder) Read() int64 { return d.read }

// Next returns the next entry. After an *EntryError the one after it follows;
// io.EOF is the end; other errors are the reader's.
func (d *Decoder) Next() (*Card, error) {
	for !d.begun {
		text, line, err := d.logical()
		if err != nil && !errors.Is(err, errLong) {
			return nil, err
		}
		if isMark(text, "BEGIN") {
			d.begun, d.begin = true, line
			break
		}
		if len(bytes.TrimSpace(text)) > 0 {
			return nil, d.skip(&EntryError{Line: line, Text: "text outside of an entry"})
		}
	}
	d.begun = false
	return d.card()
}

// skip reads on to the next BEGIN, and returns why.
func (d *Decoder) skip(why *EntryError) error {
	for {
		text, line, err := d.logical()
		if err != nil && !errors.Is(err, errLong) {
			return why // what follows is told by the next call
		}
		if isMark(text, "BEGIN") {
			d.begun, d.begin = true, line
			return why
		}
		if isMark(text, "END") {
			return why
		}
	}
}

// card reads the entry whose BEGIN was read.
func (d *Decoder) card() (*Card, error) {
	c := &Card{Line: d.begin}
	size := 0
	for {
		text, line, err := d.logical()
		bad := func(what string) error { return d.skip(&EntryError{Line: line, Name: c.name(), Text: what}) }
		switch {
		case errors.Is(err, io.EOF):
			return nil, &EntryError{Line: c.Line, Name: c.name(), Text: "the entry has no end"}
		case errors.Is(err, errLong):
			return nil, bad(fmt.Sprintf("a line of more than %d bytes", MaxLine))
		case err != nil:
			return nil, err
		case isMark(text, "END"):
			return c, nil
		case isMark(text, "BEGIN"):
			d.begun, d.begin = true, line
			return nil, &EntryError{Line: c.Line, Name: c.name(), Text: "the entry has no end"}
		case len(bytes.TrimSpace(text)) == 0:
			continue
		}
		if size += len(text); size > MaxCard || len(c.Properties) == MaxProperties {
			return nil, bad("the entry is too large")
		}
		p, err := parse(text)
		if err != nil {
			return nil, bad(err.Error())
		}
		p.Line = line
		if p.Name == "VERSION" {
			c.Version = strings.TrimSpace(p.Value)
			continue
		}
		c.Properties = append(c.Properties, p)
	}
}

// name returns whose entry it is, as far as it is known.
func (c *Card) name() string {
	for _, p := range c.Properties {
		if p.Name == "FN" {
			return p.Text()
		}
	}
	return ""
}

// isMark reports whether a line begins or ends an entry.
func isMark(line []byte, mark string) bool {
	name, value, ok := strings.Cut(strings.TrimSpace(string(line[:min(len(line), 64)])), ":")
	return ok && strings.EqualFold(strings.TrimSpace(name), mark) && strings.EqualFold(strings.TrimSpace(value), "VCARD")
}

var errLong = errors.New("line is too long")

// logical returns a line with those that continue it, and its number. errLong
// means that it was too long and is gone.
func (d *Decoder) logical() (text []byte, line int, err error) {
	text, line, err = d.physical()
	if err != nil && !errors.Is(err, errLong) {
		return nil, line, err
	}
	long := err != nil
	soft := isQuotedPrintable(text)
	for {
		next, at, err := d.physical()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, errLong) {
			return nil, line, err
		}
		switch {
		case soft && bytes.HasSuffix(text, []byte("=")) && !isMark(next, "END"):
			text = append(text[:len(text)-1], next...)
		case len(next) > 0 && (next[0] == ' ' || next[0] == '\t'):
			text = append(text, next[1:]...)
		default:
			d.ahead, d.at, d.long = next, at, err != nil
			if d.ahead == nil {
				d.ahead = []byte{}
			}
			if long {
				return text[:min(len(text), 64)], line, errLong
			}
			return text, line, nil
		}
		if long = long || err != nil || len(text) > MaxLine; long {
			text = text[:min(len(text), 64)]
		}
	}
	if long {
		return text, line, errLong
	}
	return text, line, nil
}

// physical returns one line without its end, and its number. errLong means that
// only its beginning is returned.
func (d *Decoder) physical() ([]byte, int, error) {
	if d.ahead != nil {
		text := d.ahead
		d.ahead = nil
		if d.long {
			return text, d.at, errLong
		}
		return text, d.at, nil
	}
	var text []byte
	long := false
	for {
		part, err := d.r.ReadSlice('\n')
		d.read += int64(len(part))
		if len(text)+len(part) > MaxLine {
			long = true
			part = part[:min(len(part), max(64-len(text), 0))]
			text = text[:min(len(text), 64)]
		}
		if !long || len(text) < 64 {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil, d.line, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, d.line, err
		}
		break
	}
	d.line++
	if d.line == 1 {
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	}
	text = bytes.TrimRight(text, "\r\n")
	if long {
		return text, d.line, errLong
	}
	return text, d.line, nil
}

// isQuotedPrintable reports whether the value that a line begins is encoded so.
func isQuotedPrintable(line []byte) bool {
	head, _, ok := bytes.Cut(line, []byte(":"))
	return ok && bytes.Contains(bytes.ToUpper(head), []byte("QUOTED-PRINTABLE"))
}
