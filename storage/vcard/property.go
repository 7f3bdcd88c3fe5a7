package vcard

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"
)

// A Property is one line of an entry.
type Property struct {
	Line   int
	Group  string // joins properties, such as "item1"; in lower case
	Name   string // in upper case
	Params []Param
	Value  string // as it stands in a file of version 3 or 4: with escapes, without other encodings
}

// A Param is a parameter; one with several values is several Params.
type Param struct {
	Name  string // in upper case; "TYPE" for those that version 2.1 has without a name
	Value string
}

// Get returns the first value of a parameter, or "".
func (p Property) Get(name string) string {
	for _, q := range p.Params {
		if q.Name == name {
			return q.Value
		}
	}
	return ""
}

// All returns all values of a parameter, split at commas, in lower case.
func (p Property) All(name string) []string {
	var out []string
	for _, q := range p.Params {
		if q.Name == name {
			for _, v := range strings.Split(q.Value, ",") {
				out = append(out, strings.ToLower(strings.TrimSpace(v)))
			}
		}
	}
	return out
}

// Text returns the value as text.
func (p Property) Text() string { return unescape(p.Value) }

// Parts returns the parts of a structured value, which semicolons divide.
func (p Property) Parts() []string { return split(p.Value, ';') }

// List returns the members of a list, which commas divide.
func (p Property) List() []string { return split(p.Value, ',') }

// Data returns what the value holds in base64, in any version's way. It returns
// an error if it holds none.
func (p Property) Data() ([]byte, error) {
	text := p.Value
	switch rest, isURI := cutPrefixFold(text, "data:"); {
	case isURI:
		head, data, ok := strings.Cut(rest, ",")
		if !ok || !strings.HasSuffix(strings.ToLower(head), ";base64") {
			return nil, errors.New("data without base64")
		}
		text = data
	case !strings.EqualFold(p.Get("ENCODING"), "B") && !strings.EqualFold(p.Get("ENCODING"), "BASE64"):
		return nil, errors.New("no data")
	}
	text = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\\' {
			return -1
		}
		return r
	}, text)
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// parse reads one line.
func parse(line []byte) (Property, error) {
	var p Property
	head, value, ok := cutUnquoted(string(line), ':')
	if !ok {
		return p, errors.New("a line without a colon")
	}
	name, params, more := cutUnquoted(head, ';')
	name = strings.TrimSpace(name)
	if group, rest, ok := strings.Cut(name, "."); ok {
		p.Group, name = strings.ToLower(group), rest
	}
	p.Name = strings.ToUpper(name)
	if p.Name == "" || strings.ContainsFunc(p.Name, func(r rune) bool { return r != '-' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		return p, fmt.Errorf("a property with the name %q", strings.ToValidUTF8(name[:min(len(name), 40)], "?"))
	}
	for more {
		if len(p.Params) == MaxParams {
			return p, fmt.Errorf("a property with more than %d parameters", MaxParams)
		}
		var one string
		one, params, more = cutUnquoted(params, ';')
		p.Params = append(p.Params, parseParam(one))
	}
	return p, p.decode(value)
}

func parseParam(text string) Param {
	name, value, ok := strings.Cut(text, "=")
	name = strings.ToUpper(strings.TrimSpace(name))
	if !ok { // version 2.1
		switch name {
		case "QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT":
			return Param{"ENCODING", name}
		}
		return Param{"TYPE", strings.ToLower(name)}
	}
	value = strings.Trim(strings.TrimSpace(value), `"`)
	return Param{name, strings.ToValidUTF8(carets.Replace(value), "")}
}

// carets undoes the escapes of parameters (RFC 6868).
var carets = strings.NewReplacer("^n", "\n", "^'", `"`, "^^", "^")

// decode sets the value: it undoes quoted-printable and makes it UTF-8.
func (p *Property) decode(value string) error {
	if strings.EqualFold(p.Get("ENCODING"), "QUOTED-PRINTABLE") {
		text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value)))
		if err != nil {
			return fmt.Errorf("quoted-printable: %w", err)
		}
		// A line break in it is one of the text, as an escape is elsewhere.
		value = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(string(text))
	}
	if !utf8.ValidString(value) || strings.EqualFold(p.Get("CHARSET"), "ISO-8859-1") {
		var b strings.Builder
		for i := range len(value) { // Latin-1 has the first 256 characters of Unicode
			b.WriteRune(rune(value[i]))
		}
		value = b.String()
	}
	p.Value = value
	return nil
}

// cutUnquoted is strings.Cut at the first sep that stands in no quotes.
func cutUnquoted(s string, sep byte) (before, after string, ok bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// split divides a value at sep, where no backslash stands in front of it.
func split(value string, sep byte) []string {
	var out []string
	begin := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case sep:
			out = append(out, strings.TrimSpace(unescape(value[begin:i])))
			begin = i + 1
		}
	}
	return append(out, strings.TrimSpace(unescape(value[begin:])))
}

// unescape undoes what escape does.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] == 'n' || s[i] == 'N' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// Escape makes text a value, or a part or member of one.
func Escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`, ",", `\,`, ";", `\;`).Replace(text)
}
