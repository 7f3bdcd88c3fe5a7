package storage

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func importText(t testing.TB, c *Contacts, text string) ImportReport {
	t.Helper()
	path := filepath.Join(t.TempDir(), "contacts")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := c.ImportFile(t.Context(), path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestImportCards(t *testing.T) {
	c := newContacts(t)
	photo := base64.StdEncoding.EncodeToString(pngOf(t, 4, 4))
	report := importText(t, c, strings.ReplaceAll(`BEGIN:VCARD
VERSION:3.0
N:Meyer;Anna;;;
FN:Anna Meyer
ORG:Acme\, Inc.;Sales
TEL;TYPE=WORK,VOICE:+49 30 1234567
TEL;TYPE=CELL;TYPE=pref:0170 1234567
EMAIL;TYPE=INTERNET:anna@example.org
item1.IMPP;X-SERVICE-TYPE=SIP:sip:anna@example.org
item1.X-ABLabel:_$!<Desk>!$_
IMPP:xmpp:anna@jabber.example
CATEGORIES:Friends,Work
NOTE:one\ntwo
PHOTO;ENCODING=b;TYPE=PNG:`+photo+`
UID:u-1
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Zoë Ångström
TEL;VALUE=uri;PREF=1;TYPE=home:tel:+46-8-123456;ext=5
PHOTO:data:image/png;base64,aGVsbG8=
END:VCARD
BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=
=C3=BCrgen
TEL;HOME:030 7654321
X-SIP:juergen@example.org
END:VCARD
BEGIN:VCARD
broken
END:VCARD
BEGIN:VCARD
VERSION:4.0
KIND:group
FN:A group
END:VCARD
BEGIN:VCARD
VERSION:4.0
NOTE:nobody
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Anna Meyer
TEL:+4930 1234567
EMAIL:anna@example.com
END:VCARD
`, "\n", "\r\n"))
	want := ImportReport{Added: 3, Merged: 1, Bad: []ImportProblem{
		{17, "Zoë Ångström", "the photo must be a PNG or JPEG file of at most 1024 KiB and 4096 pixels across"},
		{31, "", "a line without a colon"},
		{33, "", "a group, not a person"},
		{38, "", "the name must be given, unless there is an address"},
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	anna, err := c.ByUID(t.Context(), "u-1")
	if err != nil {
		t.Fatal(err)
	}
	wantAnna := Contact{
		UID: "u-1", Name: "Anna Meyer", Given: "Anna", Family: "Meyer", Organization: "Acme, Inc., Sales", Note: "one\ntwo", Photo: "image/png",
		Addresses: []ContactAddress{
			{Address: "+49 30 1234567", Label: "work"},
			{Address: "0170 1234567", Label: "cell", Default: true},
			{Address: "mailto:anna@example.org"},
			{Address: "sip:anna@example.org", Label: "Desk"},
			{Address: "mailto:anna@example.com"},
		},
		Groups: []int64{1, 2},
	}
	if diff := cmp.Diff(wantAnna, anna, cmpopts.IgnoreFields(Contact{}, "ID", "Created", "Updated")); diff != "" {
		t.Errorf("Anna (-want +got):\n%s", diff)
	}
	if p, err := c.Find(t.Context(), "juergen@example.org"); err != nil || p.Name != "Jürgen Müller" || p.Addresses[0].Label != "home" {
		t.Errorf("Jürgen is %+v, %v", p, err)
	}
	if p, err := c.Find(t.Context(), "+468123456"); err != nil || p.Default().Address != "+46-8-123456" || p.Photo != "" {
		t.Errorf("Zoë is %+v, %v", p, err)
	}
}

func TestExportRoundTrip(t *testing.T) {
	for _, version := range []int{3, 4} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			from, to := newContacts(t), newContacts(t)
			ctx := t.Context()
			g, err := from.AddGroup(ctx, "Near, and dear; \\all")
			if err != nil {
				t.Fatal(err)
			}
			var want []Contact
			for i := range 5 {
				p := addContact(t, from, Contact{
					Name: fmt.Sprintf("%d Zoë \"Z\"; Ång,ström \\ 日本語 %s", i, strings.Repeat("long ", 30)), Given: "Zoë;", Family: "Ång,ström", Organization: "A;B, C",
					Note: strings.Repeat("ünïcode, ", 50) + "\nEND:VCARD\n:;,\\n", Groups: []int64{g.ID},
					Addresses: []ContactAddress{
						{Address: "+49 30 1234567", Label: "My desk; \"old\""},
						{Address: "zoe@example.org", Label: "work", Default: true},
						{Address: "sip:zoe@example.com;transport=tls", Label: "pref"},
						{Address: "mailto:zoe@example.net", Label: "home"},
						{Address: "*97"},
					},
				})
				if i == 0 {
					if err := from.SetPhoto(ctx, p.ID, pngOf(t, 40, 40)); err != nil {
						t.Fatal(err)
					}
					p.Photo = "image/png"
				}
				want = append(want, p)
			}
			path := filepath.Join(t.TempDir(), "out.vcf")
			if n, err := from.ExportFile(ctx, path, ExportOptions{Version: version, Group: g.ID}); err != nil || n != len(want) {
				t.Fatalf("ExportFile = %d, %v, want %d", n, err, len(want))
			}
			report, err := to.ImportFile(ctx, path, nil, nil)
			if err != nil || report.Added != len(want) || len(report.Bad) > 0 {
				t.Fatalf("ImportFile = %+v, %v", report, err)
			}
			got, err := to.List(ctx, ContactQuery{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				want[i].Name = oneLine(want[i].Name)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Contact{}, "ID", "Created", "Updated")); diff != "" {
				t.Errorf("contacts (-want +got):\n%s", diff)
			}
			a, _ := from.Photo(ctx, want[0].ID)
			if b, err := to.Photo(ctx, got[0].ID); err != nil || !bytes.Equal(a, b) {
				t.Errorf("the photo has %d bytes, %v, want %d", len(b), err, len(a))
			}
			if again, err := to.ImportFile(ctx, path, nil, nil); err != nil || again.Same != len(want) {
				t.Errorf("the second import = %+v, %v, want all the same", again, err)
			}
			if _, err := from.ExportFile(ctx, path, ExportOptions{}); !errors.Is(err, fs.ErrExist) {
				t.Errorf("ExportFile over a file = %v, want %v", err, fs.ErrExist)
			}
		})
	}
}

func TestImportTable(t *testing.T) {
	c := newContacts(t)
	report := importText(t, c, "\ufeffFirst Name;Last Name;Company;Business Phone;Mobile Phone;E-mail Address;Notes;Categories\n"+
		"Anna;Meyer;\"Acme; Inc.\";+49 30 1234567;'+49 170 1;anna@example.org;\"two\nlines\";Friends,Work\n"+
		";;;;;;;\nBob;;;"+strings.Repeat("x", maxCell+1)+"\nCarl\n")
	want := ImportReport{Added: 2, Bad: []ImportProblem{
		{4, "", "the name must be given, unless there is an address"},
		{5, "", "a cell of more than 16384 bytes"},
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	list, err := c.List(t.Context(), ContactQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	wantAnna := []Contact{{
		Name: "Anna Meyer", Given: "Anna", Family: "Meyer", Organization: "Acme; Inc.", Note: "two\nlines", Groups: []int64{1, 2},
		Addresses: []ContactAddress{{Address: "+49 30 1234567", Label: "work"}, {Address: "+49 170 1", Label: "cell"}, {Address: "mailto:anna@example.org"}},
	}}
	if diff := cmp.Diff(wantAnna, list, cmpopts.IgnoreFields(Contact{}, "ID", "UID", "Created", "Updated")); diff != "" {
		t.Errorf("Anna (-want +got):\n%s", diff)
	}
}

func TestImportRefusals(t *testing.T) {
	c := newContacts(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "rubbish": "a,b\n1,2\n", "binary": "\x00\xff\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.ImportFile(t.Context(), path, nil, nil); !errors.Is(err, errNoContacts) {
			t.Errorf("ImportFile of %s = %v, want %v", name, err, errNoContacts)
		}
	}
	var ve *ValueError
	if _, err := c.ImportFile(t.Context(), "relative.vcf", nil, nil); !errors.As(err, &ve) {
		t.Errorf("ImportFile of a relative path = %v, want a ValueError", err)
	}
	if _, err := c.ImportFile(t.Context(), dir, nil, nil); err == nil {
		t.Error("ImportFile of a folder = nil, want an error")
	}
	if _, err := c.ImportFile(t.Context(), filepath.Join(dir, "none"), nil, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ImportFile of no file = %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := c.ExportFile(t.Context(), filepath.Join(dir, "x"), ExportOptions{Version: 2}); !errors.As(err, &ve) {
		t.Errorf("ExportFile of version 2 = %v, want a ValueError", err)
	}
}

// An import that is given up keeps what it has taken, and says so.
func TestImportCanceled(t *testing.T) {
	c := newContacts(t)
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "BEGIN:VCARD\nVERSION:4.0\nFN:Name %d\nEND:VCARD\n", i)
	}
	path := filepath.Join(t.TempDir(), "many.vcf")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	report, err := c.ImportFile(ctx, path, func(*NewContact) {
		if seen++; seen == 500 {
			cancel()
		}
	}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ImportFile = %v, want %v", err, context.Canceled)
	}
	if n, err := c.Count(t.Context()); err != nil || n != report.Added || n == 0 || n >= 500 {
		t.Errorf("there are %d contacts, %v; the report tells of %d", n, err, report.Added)
	}
}

func FuzzImportFile(f *testing.F) {
	f.Add([]byte("BEGIN:VCARD\nFN:A\nTEL:1\nEND:VCARD\n"))
	f.Add([]byte("name,phone\n\"A\",1\n\"B\n"))
	f.Add([]byte("Name;Phone\n;\n"))
	c := newContacts(f)
	path := filepath.Join(f.TempDir(), "fuzz")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := c.ImportFile(t.Context(), path, nil, nil)
		if err != nil {
			return
		}
		for _, b := range report.Bad {
			if b.Line < 1 || b.Text == "" {
				t.Errorf("a problem without a place or words: %+v", b)
			}
		}
		if _, err := c.ExportFile(t.Context(), path, ExportOptions{Overwrite: true}); err != nil {
			t.Errorf("ExportFile: %v", err)
		}
	})
}
