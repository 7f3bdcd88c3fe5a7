package storage

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"parley/storage/vcard"
)

// Bounds on an import.
const (
	maxImportFile = 1 << 30 // bytes
	maxImport     = 500_000 // contacts
	maxBad        = 1000    // that are listed
)

// ImportProgress tells how far an import has come.
type ImportProgress struct {
	Done, Total int64 // bytes of the file
	Contacts    int   // looked at
}

// An ImportProblem is an entry of a file that was not taken, or not as a whole.
type ImportProblem struct {
	Line int    // from 1
	Name string // of the contact, if it is known
	Text string // what is wrong, in English
}

// An ImportReport tells what an import has done.
type ImportReport struct {
	Added, Merged, Same int
	Bad                 []ImportProblem // in the order of the file
	More                int             // further ones, which are not listed
}

func (r *ImportReport) bad(line int, name, text string) {
	if len(r.Bad) == maxBad {
		r.More++
		return
	}
	r.Bad = append(r.Bad, ImportProblem{line, name, text})
}

// An entry is one contact of a file.
type entry struct {
	NewContact
	line int
}

// A contactReader reads the contacts of a file. An error with a line is about one
// of them; other errors, io.EOF among them, end the file.
type contactReader interface {
	next() (n NewContact, line int, err error)
}

type cardReader struct{ *vcard.Decoder }

func (r cardReader) next() (NewContact, int, error) {
	card, err := r.Next()
	var bad *vcard.EntryError
	switch {
	case errors.As(err, &bad):
		return NewContact{Contact: Contact{Name: bad.Name}}, bad.Line, errors.New(bad.Text)
	case err != nil:
		return NewContact{}, 0, err
	}
	n, err := contactOf(card)
	return n, card.Line, err
}

// ImportFile takes in the contacts of a vCard or CSV file. Entries that are
// broken are left out and listed; duplicates are merged as [Import.Take] says.
// clean may change every contact before it is taken; progress is told now and
// then how far it is; both may be nil. If ctx ends, what was taken stays, and the
// report tells of it beside the error.
func (c *Contacts) ImportFile(ctx context.Context, path string, clean func(*NewContact), progress func(ImportProgress)) (ImportReport, error) {
	var report ImportReport
	if !filepath.IsAbs(path) {
		return report, &ValueError{Key: "path", Value: path, Want: "an absolute path"}
	}
	f, err := os.Open(path)
	if err != nil {
		return report, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return report, err
	}
	if info.Size() > maxImportFile || !info.Mode().IsRegular() {
		return report, &ValueError{Key: "path", Value: path, Want: fmt.Sprintf("a file of at most %d MiB", maxImportFile>>20)}
	}
	counted := &countingReader{r: f}
	buffered := bufio.NewReaderSize(counted, 64<<10)
	begin, err := buffered.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return report, err
	}
	var r contactReader = cardReader{vcard.NewDecoder(buffered)}
	if !bytes.Contains(bytes.ToUpper(begin), []byte("BEGIN:VCARD")) {
		if r, err = newTableReader(buffered, begin); err != nil {
			return report, err
		}
	}
	i, err := c.Import(ctx)
	if err != nil {
		return report, err
	}
	told := time.Now()
	err = i.takeFile(ctx, r, clean, &report, func(n int) {
		if progress != nil && time.Since(told) > 100*time.Millisecond {
			told = time.Now()
			progress(ImportProgress{Done: counted.n, Total: info.Size(), Contacts: n})
		}
	})
	slices.SortStableFunc(report.Bad, func(a, b ImportProblem) int { return a.Line - b.Line })
	return report, err
}

// takeFile takes in the contacts of a file, many at a time.
func (i *Import) takeFile(ctx context.Context, r contactReader, clean func(*NewContact), report *ImportReport, tell func(int)) error {
	const (
		together  = 200
		mostPhoto = 16 << 20 // bytes of photos
	)
	var batch []entry
	photos := 0
	for count := 0; ; count++ {
		n, line, err := r.next()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && line == 0:
			i.takeBatch(ctx, batch, report)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("storage: import: %w", err)
		case err != nil:
			report.bad(line, oneLine(n.Name), err.Error())
			continue
		case count >= maxImport:
			i.takeBatch(ctx, batch, report)
			return &ValueError{Key: "contacts", Value: "more", Want: fmt.Sprintf("at most %d in one file", maxImport)}
		}
		if clean != nil {
			clean(&n)
		}
		batch = append(batch, entry{n, line})
		if photos += len(n.PhotoData); len(batch) < together && photos < mostPhoto {
			continue
		}
		i.takeBatch(ctx, batch, report)
		clear(batch)
		batch, photos = batch[:0], 0
		tell(count + 1)
	}
}

func (i *Import) takeBatch(ctx context.Context, batch []entry, report *ImportReport) {
	list := make([]NewContact, len(batch))
	for k, e := range batch {
		list[k] = e.NewContact
	}
	for k, r := range i.Take(ctx, list) {
		if r.Err != nil {
			report.bad(batch[k].line, batch[k].Name, importWords(r.Err))
		}
		switch {
		case r.Contact.ID == 0:
		case r.Taken == TakenNew:
			report.Added++
		case r.Taken == TakenMerged:
			report.Merged++
		default:
			report.Same++
		}
	}
}

// importWords says why a contact was not taken.
func importWords(err error) string {
	var ve *ValueError
	if errors.As(err, &ve) {
		return fmt.Sprintf("the %s must be %s", ve.Key, ve.Want)
	}
	return err.Error()
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ExportOptions say how contacts are exported.
type ExportOptions struct {
	Group     int64 // only of this group; 0 is all
	Version   int   // of the vCards, 3 or 4; 0 is 4
	Overwrite bool  // replace a file that is there
}

// ExportFile writes contacts by name into a file of vCards, photos included, and
// returns how many. Without Overwrite the error is fs.ErrExist if there is such a
// file. If ctx ends, no file is left.
func (c *Contacts) ExportFile(ctx context.Context, path string, o ExportOptions) (n int, err error) {
	switch o.Version {
	case 0:
		o.Version = 4
	case 3, 4:
	default:
		return 0, &ValueError{Key: "version", Value: fmt.Sprint(o.Version), Want: "3 or 4"}
	}
	groups, err := c.Groups(ctx)
	if err != nil {
		return 0, err
	}
	names := map[int64]string{}
	for _, g := range groups {
		names[g.ID] = g.Name
	}
	err = writeNew(path, o.Overwrite, func(w io.Writer) error {
		n, err = c.writeCards(ctx, w, o, names)
		return err
	})
	return n, err
}

func (c *Contacts) writeCards(ctx context.Context, w io.Writer, o ExportOptions, names map[int64]string) (n int, err error) {
	e := vcard.NewEncoder(w)
	q := ContactQuery{Group: o.Group, Limit: MaxPage}
	for {
		page, err := c.List(ctx, q)
		if err != nil {
			return n, err
		}
		for _, p := range page {
			var photo []byte
			if p.Photo != "" {
				if photo, err = c.Photo(ctx, p.ID); err != nil {
					return n, err
				}
			}
			var groups []string
			for _, id := range p.Groups {
				groups = append(groups, names[id])
			}
			if err := e.Encode(cardOf(p, groups, photo, o.Version)); err != nil {
				return n, err
			}
			n++
		}
		if len(page) < MaxPage {
			return n, nil
		}
		q.After = page[len(page)-1].Cursor()
	}
}
