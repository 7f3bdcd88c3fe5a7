package protocol

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLine bounds a line, its end included, in bytes.
const MaxLine = 64 << 10

// maxID bounds the id that a client gives its command, in bytes.
const maxID = 64

// A Command is one line of a client, read word by word.
type Command struct {
	ID   string // as sent, without "#"; empty if there was none
	rest string // what was not read yet
}

// Parse takes a line apart, with or without its end. On errors, which are
// *[Error], the command still has the id that the reply must carry, if it was a
// legal one.
func Parse(line []byte) (*Command, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	line = bytes.TrimSuffix(line, []byte("\x00"))
	c := &Command{}
	text := string(line)
	if id, ok := strings.CutPrefix(text, "#"); ok {
		id, text, _ = strings.Cut(id, " ")
		if !isID(id) {
			return c, Errorf(SyntaxError, "an id is up to 64 letters and digits")
		}
		c.ID = id
	}
	switch {
	case len(line) > MaxLine:
		return c, Errorf(LineTooLong, "")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isForbidden):
		return c, Errorf(SyntaxError, "a line is UTF-8 without control characters")
	case strings.TrimFunc(text, isBlank) == "":
		return c, Errorf(SyntaxError, "")
	}
	c.rest = text
	return c, nil
}

func isID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// isForbidden reports whether r could end a line somewhere, or do worse.
func isForbidden(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// Word takes the next word, as it was sent; empty at the end.
func (c *Command) Word() string {
	text := strings.TrimLeftFunc(c.rest, isBlank)
	end := strings.IndexFunc(text, isBlank)
	if end < 0 {
		end = len(text)
	}
	c.rest = text[end:]
	return text[:end]
}

// Keyword takes the next word in upper case.
func (c *Command) Keyword() string { return strings.ToUpper(c.Word()) }

// Rest takes all that is left, without blanks around it.
func (c *Command) Rest() string {
	text := strings.TrimFunc(c.rest, isBlank)
	c.rest = ""
	return text
}

// Raw takes all that is left but the one blank behind the last word: for
// secrets, whose blanks count.
func (c *Command) Raw() string {
	text := c.rest
	c.rest = ""
	if text != "" {
		text = text[1:]
	}
	return text
}

// Done returns a syntax error if something is left: where a command has too
// many arguments.
func (c *Command) Done() error {
	if rest := c.Rest(); rest != "" {
		return Errorf(SyntaxError, "%q is too much", clip(rest, 40))
	}
	return nil
}

// List takes all that is left as a list separated by commas.
func (c *Command) List() []string {
	var list []string
	for _, item := range strings.Split(c.Rest(), ",") {
		if item = strings.TrimFunc(item, isBlank); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// Pairs takes all that is left as KEY=VALUE, separated by blanks, where a value
// may be quoted.
func (c *Command) Pairs() ([][2]string, error) {
	var pairs [][2]string
	for {
		c.rest = strings.TrimLeftFunc(c.rest, isBlank)
		if c.rest == "" {
			return pairs, nil
		}
		key, rest, ok := strings.Cut(c.rest, "=")
		if !ok || key == "" || strings.ContainsFunc(key, isBlank) {
			return nil, Errorf(SyntaxError, "KEY=VALUE was expected")
		}
		c.rest = rest
		value := ""
		if strings.HasPrefix(rest, `"`) {
			if value, ok = c.quoted(); !ok {
				return nil, Errorf(SyntaxError, "a quote is missing")
			}
		} else if rest != "" && !isBlank(rune(rest[0])) {
			value = c.Word()
		}
		pairs = append(pairs, [2]string{key, value})
	}
}

// quoted takes a quoted value, which must be followed by a blank or nothing.
func (c *Command) quoted() (string, bool) {
	var b strings.Builder
	text := c.rest[1:]
	for {
		part, rest, ok := strings.Cut(text, `"`)
		if !ok {
			return "", false
		}
		b.WriteString(part)
		if !strings.HasPrefix(rest, `"`) {
			c.rest = rest
			return b.String(), rest == "" || isBlank(rune(rest[0]))
		}
		b.WriteByte('"')
		text = rest[1:]
	}
}

// Quote puts text into the quotes that [Command.Pairs] takes off.
func Quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// OneLine makes text safe to be sent as one line: what could end a line
// becomes a blank, what is not UTF-8 a replacement character.
func OneLine(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if isForbidden(r) {
			return ' '
		}
		return r
	}, text)
}

// Reply returns a reply's line, with its end, for the command with that id.
func Reply(id, text string) string {
	text = OneLine(text)
	if id != "" {
		text = "#" + id + " " + text
	}
	return text + "\n"
}

// SplitID takes the id off a line from the server; ok tells whether it has one,
// which notifications have not.
func SplitID(line string) (id, text string, ok bool) {
	rest, ok := strings.CutPrefix(line, "#")
	if !ok {
		return "", line, false
	}
	id, text, _ = strings.Cut(rest, " ")
	return id, text, isID(id)
}

// clip cuts text to at most max bytes, at a character's border.
func clip(text string, max int) string {
	if len(text) <= max {
		return text
	}
	for !utf8.RuneStart(text[max]) {
		max--
	}
	return text[:max] + "…"
}
