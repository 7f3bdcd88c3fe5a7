package vcard

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readAll returns all entries, each as one line, and all complaints.
func readAll(t *testing.T, text string) (cards, problems []string) {
	t.Helper()
	d := NewDecoder(strings.NewReader(text))
	for {
		c, err := d.Next()
		var bad *EntryError
		switch {
		case errors.Is(err, io.EOF):
			return cards, problems
		case errors.As(err, &bad):
			problems = append(problems, fmt.Sprintf("%d %s: %s", bad.Line, bad.Name, bad.Text))
		case err != nil:
			t.Fatal(err)
		default:
			var parts []string
			for _, p := range c.Properties {
				part := p.Name
				if p.Group != "" {
					part = p.Group + "." + part
				}
				for _, q := range p.Params {
					part += ";" + q.Name + "=" + q.Value
				}
				parts = append(parts, part+":"+p.Text())
			}
			cards = append(cards, fmt.Sprintf("%d %s %s", c.Line, c.Version, strings.Join(parts, " | ")))
		}
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, in        string
		cards, problems []string
	}{
		{name: "nothing"},
		{
			name:  "folded lines",
			in:    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna\r\n  Mey\r\n\ter\r\nEND:VCARD\r\n",
			cards: []string{"1 4.0 FN:Anna Meyer"},
		},
		{
			name:  "a folded character, a byte order mark, no last line break",
			in:    "\ufeffBEGIN:VCARD\nVERSION:3.0\nFN:Zo\xc3\n \xab\nEND:VCARD",
			cards: []string{"1 3.0 FN:Zoë"},
		},
		{
			name:  "escapes and parameters",
			in:    "begin:vcard\nitem1.TEL;TYPE=\"cell,voice\";X=a^nb:1\\,2\\n3\\;4\\\\\nEND:VCARD\n",
			cards: []string{"1  item1.TEL;TYPE=cell,voice;X=a\nb:1,2\n3;4\\"},
		},
		{
			name: "version 2.1",
			in: "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCl=\nler;An=\n\tna\n" +
				"TEL;CELL;PREF:1\nNOTE;QUOTED-PRINTABLE:a=0D=0Ab\nORG;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:=C4cme\nEND:VCARD\n",
			cards: []string{"1 2.1 N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Müller;An\tna | TEL;TYPE=cell;TYPE=pref:1 | NOTE;ENCODING=QUOTED-PRINTABLE:a\nb | ORG;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Äcme"},
		},
		{
			name:  "Latin-1 that does not say so",
			in:    "BEGIN:VCARD\nFN:Zo\xeb\nEND:VCARD\n",
			cards: []string{"1  FN:Zoë"},
		},
		{
			name: "broken entries between good ones",
			in: "hello\nBEGIN:VCARD\nFN:A\nEND:VCARD\n\nBEGIN:VCARD\nFN:B\nno colon\nTEL:1\nEND:VCARD\nBEGIN:VCARD\nFN:C\nEND:VCARD\n" +
				"BEGIN:VCARD\nFN:D\nBEGIN:VCARD\nFN:E\nEND:VCARD\nrubbish\nmore\nBEGIN:VCARD\nFN:F\nNO_TE:x\nEND:VCARD\nBEGIN:VCARD\nFN:G\n",
			cards: []string{"2  FN:A", "11  FN:C", "16  FN:E"},
			problems: []string{
				"1 : text outside of an entry", "8 B: a line without a colon", "14 D: the entry has no end", "19 : text outside of an entry",
				`23 F: a property with the name "NO_TE"`, "25 G: the entry has no end",
			},
		},
		{
			name:     "a line too long",
			in:       "BEGIN:VCARD\nFN:A\nNOTE:" + strings.Repeat("x", MaxLine) + "\nEND:VCARD\nBEGIN:VCARD\nFN:B\nEND:VCARD\n",
			cards:    []string{"5  FN:B"},
			problems: []string{"3 A: a line of more than 2097152 bytes"},
		},
		{
			name:     "a line folded too long",
			in:       "BEGIN:VCARD\nFN:A\nNOTE:" + strings.Repeat("xxxxxxxxxxxxxxxx\n ", MaxLine/16+1) + "\nEND:VCARD\nBEGIN:VCARD\nFN:B\nEND:VCARD\n",
			cards:    []string{"131078  FN:B"},
			problems: []string{"3 A: a line of more than 2097152 bytes"},
		},
		{
			name:     "too many lines",
			in:       "BEGIN:VCARD\nFN:A\n" + strings.Repeat("TEL:1\n", MaxProperties) + "END:VCARD\nBEGIN:VCARD\nFN:B\nEND:VCARD\n",
			cards:    []string{"1004  FN:B"},
			problems: []string{"1002 A: the entry is too large"},
		},
		{
			name:     "bad quoted-printable",
			in:       "BEGIN:VCARD\nFN;QUOTED-PRINTABLE:a\x01\nEND:VCARD\n",
			problems: []string{"2 : quoted-printable: quotedprintable: invalid unescaped byte 0x01 in body"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cards, problems := readAll(t, tt.in)
			if diff := cmp.Diff(tt.cards, cards); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStructuredValues(t *testing.T) {
	p := Property{Value: `Meyer\;X;Anna, B ;;a\,b`}
	if diff := cmp.Diff([]string{"Meyer;X", "Anna, B", "", "a,b"}, p.Parts()); diff != "" {
		t.Errorf("Parts (-want +got):\n%s", diff)
	}
	p.Value = `Work, Family\, close,`
	if diff := cmp.Diff([]string{"Work", "Family, close", ""}, p.List()); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

func TestData(t *testing.T) {
	encoding := func(e string) []Param { return []Param{{"ENCODING", e}} }
	for _, tt := range []struct {
		p    Property
		want string
	}{
		{Property{Params: encoding("b"), Value: "aGVsbG8="}, "hello"},
		{Property{Params: encoding("BASE64"), Value: "aGVs bG8"}, "hello"},
		{Property{Value: "data:image/png;base64,aGVsbG8="}, "hello"},
		{Property{Value: `DATA:image/png\;base64\,aGVsbG8=`}, ""},
		{Property{Value: "data:,hello"}, ""},
		{Property{Value: "http://example.org/photo.png"}, ""},
		{Property{Params: encoding("b"), Value: "!"}, ""},
	} {
		got, err := tt.p.Data()
		if string(got) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Data of %+v = %q, %v, want %q", tt.p, got, err, tt.want)
		}
	}
}

func TestEncodeFolds(t *testing.T) {
	var b strings.Builder
	c := Card{Version: "4.0", Properties: []Property{{
		Name: "NOTE", Params: []Param{{"X-A", "a\"b;c\nd"}}, Value: Escape(strings.Repeat("ü", 200) + "\r\n;,\\"),
	}}}
	if err := NewEncoder(&b).Encode(c); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ToValidUTF8(line, "") != line {
			t.Errorf("line %q has %d bytes or a part of a character", line, len(line))
		}
	}
	got, err := NewDecoder(strings.NewReader(b.String())).Next()
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Properties[0]; p.Text() != strings.Repeat("ü", 200)+"\n;,\\" || p.Get("X-A") != "a\"b;c\nd" {
		t.Errorf("read again: %+v", p)
	}
}

// Whatever is read can be written and read again, and then is the same.
func FuzzDecode(f *testing.F) {
	f.Add("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna\r\nitem1.TEL;TYPE=cell:+49 30\r\nEND:VCARD\r\n")
	f.Add("BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\nl\nEND:VCARD")
	f.Add("BEGIN:VCARD\nBEGIN:VCARD\nX;A=\"b:c\";:\\")
	f.Add("\xef\xbb\xbf \n\t\nBEGIN:VCARD\nPHOTO:data:;base64,AA==\nEND:VCARD\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := NewDecoder(strings.NewReader(text))
		for range len(text) + 2 {
			c, err := d.Next()
			var bad *EntryError
			if errors.Is(err, io.EOF) {
				return
			}
			if errors.As(err, &bad) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.Properties {
				p := &c.Properties[i]
				_, _ = p.Data()
				p.Parts()
				p.Line, p.Params, p.Group = 0, nil, ""
				p.Value = Escape(p.Text())
			}
			c.Line, c.Version = 0, "4.0"
			var b strings.Builder
			if err := NewEncoder(&b).Encode(*c); err != nil {
				t.Fatal(err)
			}
			again, err := NewDecoder(strings.NewReader(b.String())).Next()
			if err != nil {
				t.Fatalf("%v in:\n%s", err, b.String())
			}
			again.Line = 0
			for i := range again.Properties {
				again.Properties[i].Line = 0
			}
			if diff := cmp.Diff(c, again); diff != "" && !strings.Contains(b.String(), "\r\n \r\n") {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
		}
		t.Error("the decoder does not come to an end")
	})
}
