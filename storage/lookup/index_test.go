package lookup

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFold(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"  Anna   MEYER ", "anna meyer"},
		{"Zoë Ångström", "zoe angstrom"},
		{"zoe\u0308", "zoe"},
		{"Straße", "strasse"},
		{"Łódź", "lodz"},
		{"ЮЛИЯ", "юлия"},
		{"bob@example.org", "bob example org"},
		{"ﬁn", "fin"},
		{"日本 太郎", "日本 太郎"},
		{"a\xffb", "a b"},
		{"\u0300", ""},
	}
	for _, tt := range tests {
		if got := Fold(tt.in); got != tt.want {
			t.Errorf("Fold(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func people() *Index {
	x := new(Index)
	x.Put(
		Entry{ID: 1, Name: "Anna Meyer", Other: "Acme GmbH anna@example.org", Numbers: []string{"+49 30 1234567"}},
		Entry{ID: 2, Name: "Hannah Ode", Other: "hannah@example.org", Numbers: []string{"0221 / 98 76 54"}},
		Entry{ID: 3, Name: "Zoë Ångström", Other: "Annual Reports", Place: 2},
		Entry{ID: 4, Name: "Bob", Other: "bob@annex.example", Called: 5},
		Entry{ID: 5, Name: "Carl", Other: "Anvil", Called: 9},
		Entry{ID: 6, Name: "Dora", Other: "dora@ankh.example", Place: 1},
		Entry{ID: 7, Name: "Emil", Other: "emil@annex.example"},
	)
	return x
}

func ids(hits []Hit) []int64 {
	var out []int64
	for _, h := range hits {
		out = append(out, h.ID)
	}
	return out
}

func TestSearch(t *testing.T) {
	tests := []struct {
		text string
		want []int64
	}{
		{"", nil},
		{" ,;", nil},
		{"an", []int64{6, 3, 5, 4, 1, 7, 2}}, // favorites, last called, by name, by another word, inside
		{"ann", []int64{3, 4, 1, 7, 2}},
		{"anna", []int64{1, 2}},
		{"MEYER anna", []int64{1}},
		{"meyer bob", nil},
		{"zoe angs", []int64{3}},
		{"nnah", []int64{2}},
		{"anna@exam", []int64{1, 2}},
		{"acme", []int64{1}},
		{"+49 30 123", []int64{1}},
		{"030-1234567", []int64{1}},
		{"0049301234567", []int64{1}},
		{"2345", []int64{1}},
		{"0221 9876", []int64{2}},
		{"98 76", []int64{2}},
	}
	x := people()
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, ids(x.Search(tt.text, 10))); diff != "" {
			t.Errorf("Search(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
	if got := ids(x.Search("an", 3)); !cmp.Equal(got, []int64{6, 3, 5}) {
		t.Errorf("the first three = %v, want 6, 3, 5", got)
	}
}

func TestIndexFollowsChanges(t *testing.T) {
	x := people()
	x.Put(Entry{ID: 1, Name: "Berta"})
	x.Remove(2, 99)
	if got := x.Search("anna", 10); got != nil {
		t.Errorf("old names are found: %v", got)
	}
	if got := ids(x.Search("b", 10)); !cmp.Equal(got, []int64{4, 1}) {
		t.Errorf("Search(b) = %v, want 4, 1", got)
	}
	if got := x.Len(); got != 6 {
		t.Errorf("Len = %d, want 6", got)
	}
}

// One by one or many at once, the order is the same.
func TestBulkPut(t *testing.T) {
	var all []Entry
	one, many := new(Index), new(Index)
	for i := range 500 {
		e := Entry{ID: int64(i + 1), Name: fmt.Sprintf("N%d", (i*37)%100), Place: i % 7 * (i % 2), Called: int64(i % 11)}
		all = append(all, e)
		one.Put(e)
	}
	many.Put(all[:100]...)
	many.Put(all...)
	if diff := cmp.Diff(ids(one.Search("n", 1000)), ids(many.Search("n", 1000))); diff != "" {
		t.Errorf("order (-one by one +many at once):\n%s", diff)
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"sip:anna@example.org", "Anna@EXAMPLE.org", true},
		{"sips:anna@example.org:5061;transport=tls", "sip:anna@example.org", true},
		{"sip:anna:secret@example.org?x=y", "anna@example.org", true},
		{"anna@example.org", "anna@example.com", false},
		{"sip:b%6fb@example.org", "bob@example.org", true},
		{"sip:j%C3%BCrgen@example.org", "jürgen@example.org", true},
		{"sip:100%@example.org", "100%@example.org", true},
		{"sip:%2B49301234567@example.org", "030 1234567", true},
		{"anna", "sip:anna@example.com", true},
		{"anna@[2001:db8::1]:5060", "anna@[2001:db8::1]", true},
		{"+49 30 1234567", "sip:+49301234567@gw.example", true},
		{"+49 30 1234567", "sip:0301234567@gw.example", true},
		{"+49 (30) 123-4567", "tel:0049301234567", true},
		{"030 1234567", "1234567", true},
		{"030 1234567", "+49301234567", true},
		{"+49301234567", "+43301234567", false},
		{"0301234567", "0401234567", false},
		{"204", "sip:204@pbx.example", true},
		{"sip:204@pbx.example", "sip:204@other.example", false},
		{"204", "1204", false},
		{"1234567", "234567", false},
		{"", "", false},
		{"sip:", "sip:", false},
	}
	for _, tt := range tests {
		if got := Match(Parse(tt.a), Parse(tt.b)) > 0; got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
		if got := Match(Parse(tt.b), Parse(tt.a)) > 0; got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.b, tt.a, got, tt.want)
		}
	}
	anna := Parse("+49301234567")
	if Match(anna, Parse("+49301234567")) <= Match(anna, Parse("0301234567")) ||
		Match(anna, Parse("0301234567")) <= Match(anna, Parse("1234567")) {
		t.Error("the longer match is not the better one")
	}
}

// Numbers that match share a tail, by which a table is searched.
func FuzzMatch(f *testing.F) {
	f.Add("+49301234567", "0301234567")
	f.Add("sip:a@b", "a")
	f.Add("00491234567", "1234567")
	f.Fuzz(func(t *testing.T, a, b string) {
		p, q := Parse(a), Parse(b)
		m := Match(p, q)
		if m != Match(q, p) {
			t.Errorf("Match(%q, %q) is not symmetric", a, b)
		}
		if m > 0 && p.Key != q.Key && p.User != q.User && (p.Tail() == "" || p.Tail() != q.Tail()) {
			t.Errorf("%q and %q match but have tails %q and %q", a, b, p.Tail(), q.Tail())
		}
	})
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{"", " ", "anna", "+49", "a\xff", "Å\u030a", "½", "0", strings.Repeat("ü", 300)} {
		f.Add(s)
	}
	x := people()
	f.Fuzz(func(t *testing.T, text string) {
		for _, h := range x.Search(text, 3) {
			if h.Class >= classes {
				t.Errorf("Search(%q) has a hit of class %d", text, h.Class)
			}
		}
		x := new(Index)
		x.Put(Entry{ID: 1, Name: text})
		if got := x.Search(text, 1); len(Words(text)) > 0 && len(text) < maxText && len(got) == 0 && len(Words(text)) < maxWords {
			t.Errorf("%q does not find itself", text)
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	x := new(Index)
	var all []Entry
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 100_000 {
		first, last := fmt.Sprintf("First%c%d", 'a'+i%26, r.IntN(900)), fmt.Sprintf("Last%c%d", 'a'+i*7%26, r.IntN(9000))
		all = append(all, Entry{
			ID: int64(i + 1), Name: first + " " + last, Other: fmt.Sprintf("Company %d %s.%s@example.org", i%3000, first, last),
			Numbers: []string{fmt.Sprintf("+49%d", 30_000_000+i*7)},
		})
	}
	x.Put(all...)
	for _, text := range []string{"f", "zz", "exam", "xample", "ast", "firsta1 lastb", "+49 3", "0300012", "e", "example zzz"} {
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				x.Search(text, 50)
			}
		})
	}
}
