package storage

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Bounds on a settings file. They are far beyond any that a person makes.
const (
	maxFile     = 1 << 20 // bytes
	maxDepth    = 64      // brackets open at once
	maxProblems = 50      // reported for one file
	maxBlocks   = 500     // accounts, and programs
)

// A kind is the type of a value in the file, in the words used in messages.
type kind string

const (
	kindText   kind = "a text"
	kindBool   kind = "true or false"
	kindNumber kind = "a number"
	kindList   kind = "a list"
	kindTable  kind = "a table"
	kindOther  kind = "a date or fraction"
)

// A value is the right side of a statement.
type value struct {
	kind   kind
	text   string
	number int64
	truth  bool
	list   []value
	table  []statement // of a table in braces
	offset int         // in the file; -1 if it is not known
}

// A statement is "path = value" within a table.
type statement struct {
	path   []string
	value  value
	offset int    // of the path in the file
	raw    string // its lines as they stand; empty inside braces
}

func (s statement) name() string { return strings.Join(s.path, ".") }

// A table is a header and the statements that follow it. The first table of a
// document has no header.
type table struct {
	path       []string
	array      bool // [[path]]
	offset     int
	raw        string // the header's line
	statements []statement
}

func (t table) name() string { return strings.Join(t.path, ".") }

// A document is a parsed file, in its order.
type document struct {
	data   []byte
	tables []table
}

// A flaw is a syntax error in a document.
type flaw struct {
	offset int
	text   string
}

// position returns line and column, from 1, of an offset in data.
func position(data []byte, offset int) (line, column int) {
	lead := data[:min(max(offset, 0), len(data))]
	return bytes.Count(lead, []byte{'\n'}) + 1, len(lead) - bytes.LastIndexByte(lead, '\n')
}

// parse reads data as TOML. A statement with a syntax error is left out and
// reported; all others are there. Duplicates are not flaws at this level.
func parse(data []byte) (document, []flaw) {
	tables, f := parseAll(data, 0)
	if f == nil {
		return document{data, tables}, nil
	}
	tables, flaws := parseChunks(data)
	return document{data, tables}, flaws
}

// startLine matches a line that begins a statement or header, if it is not
// inside a list or a text of several lines.
var startLine = regexp.MustCompile(`^[ \t]*(?:[A-Za-z0-9_.\-]+[ \t]*=|"[^"\n]*"[ \t.]*=|\[\[?[ \t]*[A-Za-z])`)

// parseChunks reads data piece by piece, where a piece is the lines from one
// that seems to begin a statement to the next, and leaves out unsound pieces.
func parseChunks(data []byte) ([]table, []flaw) {
	tables := make([]table, 1)
	var flaws []flaw
	for start := 0; start < len(data); {
		end := chunkEnd(data, start)
		found, f := parseAll(data[start:end], start)
		if f != nil {
			flaws = append(flaws, *f)
			found = salvage(data[start:end], start, &flaws[len(flaws)-1])
		}
		if len(found) > 0 {
			last := &tables[len(tables)-1]
			last.statements = append(last.statements, found[0].statements...)
			tables = append(tables, found[1:]...)
		}
		start = end
	}
	return tables, flaws
}

// salvage returns what can be read of an unsound chunk: its first line if that
// is sound, or the header that the first line was probably meant to be.
func salvage(chunk []byte, base int, f *flaw) []table {
	line, _, _ := bytes.Cut(chunk, []byte{'\n'})
	if tables, bad := parseAll(line, base); bad == nil {
		return tables
	}
	text := strings.TrimSpace(string(line))
	name := strings.Trim(text, "[] \t")
	if !strings.HasPrefix(text, "[") || !isSection(name) {
		return nil
	}
	f.text += "; read as a header of section " + name
	return []table{{}, {path: strings.Split(name, "."), array: isArraySection(name), offset: base, raw: text}}
}

// chunkEnd returns where the chunk of lines that begins at start ends.
func chunkEnd(data []byte, start int) int {
	for i := start; ; {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			return len(data)
		}
		i += n + 1
		line, _, _ := bytes.Cut(data[i:], []byte{'\n'})
		if startLine.Match(line) {
			return i
		}
	}
}

// parseAll reads data as TOML and stops at the first syntax error. base is
// added to all offsets.
func parseAll(data []byte, base int) ([]table, *flaw) {
	if at := tooDeep(data); at >= 0 {
		return nil, &flaw{base + at, "too many brackets within one another"}
	}
	p := &reader{base: base}
	p.KeepComments = true
	p.Reset(data)
	tables := make([]table, 1)
	var raw *string // of the expression whose end is not known yet
	rawStart := 0
	finish := func(end int) {
		if raw != nil {
			*raw = strings.TrimRight(string(data[rawStart:end]), " \t\r\n")
			raw = nil
		}
	}
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind == unstable.Comment {
			finish(int(e.Raw.Offset))
			continue
		}
		path, offset := p.path(e)
		lineStart := bytes.LastIndexByte(data[:offset-base], '\n') + 1
		finish(lineStart)
		rawStart = lineStart
		last := &tables[len(tables)-1]
		if e.Kind == unstable.KeyValue {
			v := p.value(e.Value())
			last.statements = append(last.statements, statement{path: path, value: v, offset: offset})
			raw = &last.statements[len(last.statements)-1].raw
			continue
		}
		tables = append(tables, table{path: path, array: e.Kind == unstable.ArrayTable, offset: offset})
		raw = &tables[len(tables)-1].raw
	}
	if err := p.Error(); err != nil {
		return nil, p.flaw(err)
	}
	finish(len(data))
	return tables, nil
}

// A reader turns the parser's tree into values.
type reader struct {
	unstable.Parser
	base int // offset of its data in the file
}

func (p *reader) flaw(err error) *flaw {
	end := len(bytes.TrimRight(p.Data(), " \t\r\n"))
	f := &flaw{text: "something is missing here", offset: p.base + end}
	var pe *unstable.ParserError
	if errors.As(err, &pe) {
		if len(pe.Highlight) > 0 {
			f.text = pe.Message
			f.offset = p.base + int(p.Range(pe.Highlight).Offset)
		}
	}
	return f
}

// tooDeep returns the offset where more than maxDepth brackets are open, or -1.
// Brackets in texts count too, which only makes the bound stricter. It keeps
// the recursive parser from exhausting the stack.
func tooDeep(data []byte) int {
	depth := 0
	for i, c := range data {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		}
		if depth > maxDepth {
			return i
		}
	}
	return -1
}

func (p *reader) path(e *unstable.Node) (path []string, offset int) {
	offset = -1
	for it := e.Key(); it.Next(); {
		if offset < 0 {
			offset = p.base + int(it.Node().Raw.Offset)
		}
		path = append(path, string(it.Node().Data))
	}
	return path, max(offset, p.base)
}

func (p *reader) value(n *unstable.Node) value {
	v := value{kind: kindOther, offset: -1}
	switch n.Kind {
	case unstable.String:
		v.kind, v.text, v.offset = kindText, string(n.Data), p.base+int(n.Raw.Offset)
	case unstable.Bool:
		v.kind, v.truth, v.offset = kindBool, string(n.Data) == "true", p.base+int(p.Range(n.Data).Offset)
	case unstable.Integer:
		v.offset = p.base + int(n.Raw.Offset)
		if number, err := strconv.ParseInt(string(n.Data), 0, 64); err == nil {
			v.kind, v.number = kindNumber, number
		}
	case unstable.Array:
		v.kind = kindList
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				v.list = append(v.list, p.value(it.Node()))
			}
		}
	case unstable.InlineTable:
		v.kind, v.offset = kindTable, p.base+int(n.Raw.Offset)
		for it := n.Children(); it.Next(); {
			path, offset := p.path(it.Node())
			v.table = append(v.table, statement{path: path, value: p.value(it.Node().Value()), offset: offset})
		}
	}
	return v
}
