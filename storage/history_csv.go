package storage

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

// callColumns are the columns of an exported history.
var callColumns = []struct {
	name string
	text func(Call) string
}{
	{"start", func(c Call) string { return timeText(c.Start) }},
	{"answered", func(c Call) string { return timeText(c.Answered) }},
	{"end", func(c Call) string { return timeText(c.End) }},
	{"seconds", func(c Call) string { return strconv.Itoa(int(c.Duration(c.End) / time.Second)) }},
	{"direction", func(c Call) string { return string(c.Direction) }},
	{"outcome", func(c Call) string { return string(c.Outcome) }},
	{"name", func(c Call) string { return c.PeerName }},
	{"address", func(c Call) string { return c.PeerURI }},
	{"account", func(c Call) string { return c.Account }},
	{"via", func(c Call) string { return c.Via }},
	{"note", func(c Call) string { return c.Note }},
	{"code", func(c Call) string { return strconv.Itoa(c.Code) }},
	{"reason", func(c Call) string { return c.Reason }},
	{"codec", func(c Call) string { return c.Codec }},
	{"encryption", func(c Call) string { return c.Secure }},
	{"recording", func(c Call) string { return c.Recording }},
}

// timeText writes a moment as spreadsheets read it (RFC 3339, UTC).
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// Export writes the calls that q asks for, newest first, into a CSV file (RFC
// 4180) with a row of column names, and returns how many. Its Limit and Before
// do not count. A text that a spreadsheet would take for a formula gets an
// apostrophe in front. If there is such a file it is replaced with overwrite, and
// else the error is fs.ErrExist.
func (h *History) Export(ctx context.Context, path string, q Query, overwrite bool) (n int, err error) {
	err = writeNew(path, overwrite, func(w io.Writer) error {
		n, err = h.writeCSV(ctx, w, q)
		return err
	})
	return n, err
}

func (h *History) writeCSV(ctx context.Context, out io.Writer, q Query) (n int, err error) {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	row := make([]string, len(callColumns))
	for i, c := range callColumns {
		row[i] = c.name
	}
	if err := w.Write(row); err != nil {
		return 0, err
	}
	q.Limit, q.Before = MaxPage, Cursor{}
	for {
		page, err := h.Search(ctx, q)
		if err != nil {
			return n, err
		}
		for _, call := range page {
			for i, c := range callColumns {
				row[i] = harmless(c.text(call))
			}
			if err := w.Write(row); err != nil {
				return n, err
			}
			n++
		}
		if len(page) < MaxPage {
			w.Flush()
			return n, w.Error()
		}
		q.Before = page[len(page)-1].Cursor()
	}
}

// harmless makes sure that a spreadsheet takes text for text.
func harmless(text string) string {
	if strings.HasPrefix(text, "+") && phoneDigits(text) != "" {
		return text // at worst a number to it
	}
	if text != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(text[0])) {
		return "'" + text
	}
	return text
}
