package sdp

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
)

// Bytes returns d in the order of RFC 8866 section 5, with CR LF line ends.
// Missing origin, connection and formats are filled in, and characters that
// would break a line are left out, so the result can always be parsed again:
// Parse(d.Bytes()) printed gives the same bytes.
func (d *Description) Bytes() []byte {
	var w writer
	w.line('v', "0")
	w.line('o', d.Origin.String())
	w.line('s', cmp.Or(d.Name, "-"))
	if d.Connection.Host != "" {
		w.line('c', d.Connection.String())
	}
	w.line('t', cmp.Or(d.Timing, "0 0"))
	w.attributes(d.Attributes)
	for i := range d.Media {
		m := &d.Media[i]
		w.line('m', m.String())
		if m.Connection.Host != "" {
			w.line('c', m.Connection.String())
		}
		w.attributes(m.Attributes)
	}
	return w.Bytes()
}

// String returns the value of the o= line.
func (o Origin) String() string {
	address := o.Address
	if address.Host == "" {
		address = Connection{Type: "IP4", Host: "0.0.0.0"}
	}
	return strings.Join([]string{
		cmp.Or(o.Username, "-"), cmp.Or(o.ID, "0"), cmp.Or(o.Version, "0"), address.String(),
	}, " ")
}

// String returns the value of the c= line.
func (c Connection) String() string { return "IN " + cmp.Or(c.Type, "IP4") + " " + c.Host }

// String returns the value of the m= line.
func (m *Media) String() string {
	formats := "0"
	if len(m.Formats) > 0 {
		formats = strings.Join(m.Formats, " ")
	}
	return strings.Join([]string{m.Kind, strconv.Itoa(m.Port), m.Protocol, formats}, " ")
}

// writer prints lines.
type writer struct{ bytes.Buffer }

func (w *writer) line(kind byte, value string) {
	w.WriteByte(kind)
	w.WriteByte('=')
	w.WriteString(clean([]byte(value)))
	w.WriteString("\r\n")
}

func (w *writer) attributes(list []Attribute) {
	for _, a := range list {
		if a.Value == "" {
			w.line('a', a.Name)
		} else {
			w.line('a', a.Name+":"+a.Value)
		}
	}
}
