package storage

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"parley/storage/vcard"
)

// One contact with more groups than there may be is refused by itself, and makes
// none of them.
func TestImportTooManyGroups(t *testing.T) {
	c := newContacts(t)
	var groups []string
	for i := range MaxContactGroups + 1 {
		groups = append(groups, fmt.Sprintf("Group %d", i))
	}
	i, err := c.Import(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := []NewContact{{Contact: Contact{Name: "Anna"}}, {Contact: Contact{Name: "Everywhere"}, GroupNames: groups}, {Contact: Contact{Name: "Bob"}}}
	results := i.Take(t.Context(), list)
	var ve *ValueError
	if !errors.As(results[1].Err, &ve) || ve.Key != "groups" {
		t.Errorf("the one in too many groups: %v, want an error about its groups", results[1].Err)
	}
	for _, k := range []int{0, 2} {
		if results[k].Err != nil || results[k].Contact.ID == 0 {
			t.Errorf("%s, imported beside it: %v", list[k].Name, results[k].Err)
		}
	}
	if made, err := c.Groups(t.Context()); err != nil || len(made) > 0 {
		t.Errorf("%d groups were made for it, %v", len(made), err)
	}
}

// endless is a file without an end, of which it counts what is read.
type endless struct {
	begin io.Reader
	fill  string
	read  int
}

func (e *endless) Read(b []byte) (int, error) {
	n, err := e.begin.Read(b)
	if err == nil {
		return n, nil
	}
	for n < len(b) {
		n += copy(b[n:], e.fill)
	}
	e.read += n
	return n, nil
}

// A quote that nobody closes does not draw the rest of a file into memory.
func TestTableRowWithoutEnd(t *testing.T) {
	for name, row := range map[string]string{"quote": "\"Bob,102\n", "line": "Bob"} {
		file := &endless{begin: strings.NewReader("name,phone\nAnna,101\n" + row), fill: strings.TrimLeft(row, "\"")}
		r, err := newTableReader(io.LimitReader(file, 64<<20), []byte("name,phone\n"))
		if err != nil {
			t.Fatal(err)
		}
		if n, _, err := r.next(); err != nil || n.Name != "Anna" {
			t.Errorf("%s: the row before = %+v, %v", name, n, err)
		}
		if _, line, err := r.next(); err == nil || errors.Is(err, io.EOF) || line != 0 {
			t.Errorf("%s: next = line %d, %v, want an error that ends the file", name, line, err)
		}
		if file.read > 4<<20 {
			t.Errorf("%s: %d MiB were read for it", name, file.read>>20)
		}
	}
}

// many hands out contacts that share one photo.
type many struct {
	photo []byte
	left  int
}

func (m *many) next() (NewContact, int, error) {
	if m.left--; m.left < 0 {
		return NewContact{}, 0, io.EOF
	}
	return NewContact{Contact: Contact{Name: fmt.Sprintf("Contact %d", m.left)}, PhotoData: append([]byte{}, m.photo...)}, 1, nil
}

// A file of large photos is taken in by parts that fit into memory.
func TestImportOfLargePhotos(t *testing.T) {
	c := newContacts(t)
	i, err := c.Import(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	photo := append(pngOf(t, 4, 4), make([]byte, MaxPhoto-1000)...)
	read, waiting := 0, 0
	count := func(*NewContact) {
		read++
		stored, err := c.Count(t.Context())
		if err != nil {
			t.Error(err)
		}
		waiting = max(waiting, read-stored)
	}
	var report ImportReport
	if err := i.takeFile(t.Context(), &many{photo, 60}, count, &report, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if report.Added != 60 || waiting > 20 {
		t.Errorf("%d contacts were added, and %d with a photo of 1 MiB held at once; want 60 and at most 20", report.Added, waiting)
	}
}

// What a card costs to read depends on its length alone.
func TestCardsThatAreCostlyToRead(t *testing.T) {
	allocated := func() int {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.TotalAlloc >> 20)
	}
	for name, body := range map[string]string{
		"notes":      strings.Repeat("NOTE:"+strings.Repeat("x", 4000)+"\n", vcard.MaxProperties-10),
		"parameters": strings.Repeat("TEL"+strings.Repeat(";A=B", 500_000)+":123\n", 2),
	} {
		card := "BEGIN:VCARD\nFN:Anna\n" + body + "END:VCARD\n"
		begin := allocated()
		r := cardReader{vcard.NewDecoder(strings.NewReader(card))}
		if n, _, err := r.next(); err == nil {
			if _, err = n.normalize(); err == nil {
				t.Errorf("%s: the card was taken", name)
			}
		}
		if used := allocated() - begin; used > 200 {
			t.Errorf("%s: %d MiB were allocated for a card of %d", name, used, len(card)>>20)
		}
	}
}
