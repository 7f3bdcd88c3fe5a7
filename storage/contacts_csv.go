package storage

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A tableReader reads contacts from a CSV file whose first row names the
// columns, as other programs export it.
type tableReader struct {
	csv     *csv.Reader
	bound   *boundedReader
	columns []string // what each column is: a field of a contact, or ""
	labels  []string // of addresses
}

const (
	maxCell = MaxContactNote // bytes of a cell
	maxRow  = 1 << 20        // bytes of a row
)

// A boundedReader fails when more than left bytes are asked of it: a quote that
// nobody closes makes a row of the rest of the file.
type boundedReader struct {
	io.Reader
	left int
}

var errLongRow = fmt.Errorf("a row of more than %d bytes; a quote may not be closed", maxRow)

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.Reader.Read(p)
	b.left -= n
	return n, err
}

func newTableReader(r io.Reader, begin []byte) (*tableReader, error) {
	t := &tableReader{bound: &boundedReader{r, maxRow}}
	t.csv = csv.NewReader(t.bound)
	t.csv.FieldsPerRecord, t.csv.LazyQuotes, t.csv.TrimLeadingSpace = -1, true, true
	head, _, _ := bytes.Cut(begin, []byte("\n"))
	most := 0
	for _, comma := range ",;\t" {
		if n := bytes.Count(head, []byte(string(comma))); n > most {
			most, t.csv.Comma = n, comma
		}
	}
	row, err := t.csv.Read()
	if err != nil {
		return nil, errNoContacts
	}
	useful := false
	for _, name := range row {
		what, label := columnOf(strings.ToLower(strings.Trim(name, " \ufeff")))
		t.columns, t.labels = append(t.columns, what), append(t.labels, label)
		useful = useful || what != ""
	}
	if !useful {
		return nil, errNoContacts
	}
	return t, nil
}

var errNoContacts = errors.New("storage: the file holds neither vCards nor a table with columns such as name and phone")

// columnOf says what a column holds by its name, and how its addresses are
// labeled.
func columnOf(name string) (what, label string) {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(name, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("label", "type", "phonetic", "birth", "photo"):
		return "", ""
	case has("mail"):
		return "mail", ""
	case has("phone", "mobile", "number", "telefon", "handy", "sip", "fax", "extension"):
		for _, l := range []string{"work", "business", "home", "mobile", "fax"} {
			if strings.Contains(name, l) {
				return "address", map[string]string{"business": "work", "mobile": "cell"}[l] + map[string]string{"work": "work", "home": "home", "fax": "fax"}[l]
			}
		}
		return "address", ""
	case has("first", "given", "vorname"):
		return "given", ""
	case has("last", "family", "surname", "nachname"):
		return "family", ""
	case has("company", "organi", "firma"):
		return "organization", ""
	case has("note", "notiz", "comment"):
		return "note", ""
	case has("group", "categor", "gruppe"):
		return "groups", ""
	case name == "name" || has("display", "full name"):
		return "name", ""
	}
	return "", ""
}

// next returns the next contact and its line, or io.EOF.
func (t *tableReader) next() (n NewContact, line int, err error) {
	t.bound.left = maxRow
	row, err := t.csv.Read()
	var pe *csv.ParseError
	switch {
	case errors.As(err, &pe):
		return n, pe.StartLine, pe.Err
	case err != nil:
		return n, 0, err
	}
	line, _ = t.csv.FieldPos(0)
	for i, cell := range row[:min(len(row), len(t.columns))] {
		if len(cell) > maxCell {
			return n, line, fmt.Errorf("a cell of more than %d bytes", maxCell)
		}
		if t.columns[i] == "note" {
			n.Note = strings.TrimSpace(cell)
		} else if cell = oneLine(strings.ToValidUTF8(cell, "?")); cell != "" {
			t.put(&n, i, cell)
		}
	}
	return n, line, nil
}

func (t *tableReader) put(n *NewContact, column int, cell string) {
	switch t.columns[column] {
	case "name":
		n.Name = cell
	case "given":
		n.Given = cell
	case "family":
		n.Family = cell
	case "organization":
		n.Organization = cell
	case "address":
		// What one program writes to keep a spreadsheet from computing.
		n.Addresses = append(n.Addresses, ContactAddress{Address: strings.TrimPrefix(cell, "'"), Label: t.labels[column]})
	case "mail":
		n.Addresses = append(n.Addresses, ContactAddress{Address: mailScheme + cell})
	case "groups":
		n.GroupNames = strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ';' })
	}
}
