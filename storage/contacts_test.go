package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func newContacts(t testing.TB) *Contacts {
	t.Helper()
	return &Contacts{database: newHistory(t).database}
}

func addContact(t testing.TB, c *Contacts, p Contact) Contact {
	t.Helper()
	p, err := c.Add(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func contactNames(list []Contact) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.Name)
	}
	return out
}

func TestContactRoundTrip(t *testing.T) {
	c := newContacts(t)
	ctx := t.Context()
	g, err := c.AddGroup(ctx, "Family")
	if err != nil {
		t.Fatal(err)
	}
	want := addContact(t, c, Contact{
		Name: " Änne \"A\" ", Given: "Änne", Family: "A", Organization: "Acme", Note: "one\r\ntwo",
		Addresses: []ContactAddress{{Address: "anne@example.org", Label: "work"}, {Address: "+49 30 1234567", Default: true}},
		Groups:    []int64{g.ID}, Favorite: 7, Ringtone: "/r/bell.wav", AutoAnswer: true,
	})
	if want.Name != `Änne "A"` || want.Note != "one\ntwo" || want.Favorite != 1 || want.UID == "" || want.Created.IsZero() {
		t.Errorf("added contact is %+v", want)
	}
	got, err := c.Get(ctx, want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
	if got := got.Default().Address; got != "+49 30 1234567" {
		t.Errorf("Default = %q", got)
	}
	want.Name, want.Addresses, want.Groups, want.Favorite = "Berta", want.Addresses[:1], nil, 0
	if _, err := c.Update(ctx, want); err != nil {
		t.Fatal(err)
	}
	got, err = c.ByUID(ctx, want.UID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Contact{}, "Updated"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("after Update (-want +got):\n%s", diff)
	}
	if err := c.Remove(ctx, want.ID, 999); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, want.ID); !errors.Is(err, ErrNoContact) {
		t.Errorf("Get of a removed contact = %v, want %v", err, ErrNoContact)
	}
	if _, err := c.Update(ctx, want); !errors.Is(err, ErrNoContact) {
		t.Errorf("Update of a removed contact = %v, want %v", err, ErrNoContact)
	}
}

func TestContactRefusals(t *testing.T) {
	c := newContacts(t)
	ok := addContact(t, c, Contact{Name: "A", UID: "u1"})
	long := strings.Repeat("x", MaxContactText+1)
	for name, p := range map[string]Contact{
		"nothing":          {},
		"a line break":     {Name: "A\nB"},
		"a long name":      {Name: long},
		"a long note":      {Name: "A", Note: strings.Repeat("x", MaxContactNote+1)},
		"an empty address": {Name: "A", Addresses: []ContactAddress{{Address: "sip:"}}},
		"a broken address": {Name: "A", Addresses: []ContactAddress{{Address: "a@b\r\nc"}}},
		"bad UTF-8":        {Name: "A\xff"},
		"many addresses":   {Name: "A", Addresses: make([]ContactAddress, MaxContactAddresses+1)},
	} {
		var ve *ValueError
		if _, err := c.Add(t.Context(), p); !errors.As(err, &ve) {
			t.Errorf("Add with %s = %v, want a ValueError", name, err)
		}
	}
	if _, err := c.Add(t.Context(), Contact{Name: "B", UID: "u1"}); !errors.Is(err, ErrContactExists) {
		t.Errorf("Add with a known UID = %v, want %v", err, ErrContactExists)
	}
	if _, err := c.Add(t.Context(), Contact{Name: "B", Groups: []int64{99}}); !errors.Is(err, ErrNoGroup) {
		t.Errorf("Add to no group = %v, want %v", err, ErrNoGroup)
	}
	ok.Groups = []int64{99}
	if _, err := c.Update(t.Context(), ok); !errors.Is(err, ErrNoGroup) {
		t.Errorf("Update to no group = %v, want %v", err, ErrNoGroup)
	}
	if n, err := c.Count(t.Context()); err != nil || n != 1 {
		t.Errorf("Count = %d, %v, want 1", n, err)
	}
}

func TestNameOfNamelessContact(t *testing.T) {
	c := newContacts(t)
	for want, p := range map[string]Contact{
		"Anna Meyer": {Given: "Anna", Family: "Meyer", Organization: "Acme"},
		"Acme":       {Organization: "Acme", Addresses: []ContactAddress{{Address: "a@b.c"}}},
		"a@b.c":      {Addresses: []ContactAddress{{Address: "a@b.c"}}},
	} {
		if got := addContact(t, c, p); got.Name != want {
			t.Errorf("name of %+v = %q, want %q", p, got.Name, want)
		}
	}
}

func TestListGroupsFavorites(t *testing.T) {
	c := newContacts(t)
	ctx := t.Context()
	family, err := c.AddGroup(ctx, "Family")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int64{}
	for _, name := range []string{"carl", "Ádam", "Bob", "bob", "Dora", "Zoë", "Emil"} {
		p := Contact{Name: name}
		if strings.Contains(name, "o") {
			p.Groups = []int64{family.ID}
		}
		ids[name] = addContact(t, c, p).ID
	}
	pages := func(q ContactQuery) (all []string) {
		t.Helper()
		for {
			list, err := c.List(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, contactNames(list)...)
			if len(list) < q.Limit || q.Favorites {
				return all
			}
			q.After = list[len(list)-1].Cursor()
		}
	}
	if diff := cmp.Diff([]string{"Ádam", "Bob", "bob", "carl", "Dora", "Emil", "Zoë"}, pages(ContactQuery{Limit: 2})); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Bob", "bob", "Dora", "Zoë"}, pages(ContactQuery{Limit: 2, Group: family.ID})); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	favorites := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, pages(ContactQuery{Favorites: true, Limit: 10})); diff != "" {
			t.Errorf("favorites (-want +got):\n%s", diff)
		}
	}
	place := func(name string, n int) {
		t.Helper()
		if _, err := c.Change(ctx, ids[name], func(p *Contact) error { p.Favorite = n; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	place("carl", 99)
	place("Dora", 99)
	place("Zoë", 1)
	favorites("Zoë", "carl", "Dora")
	place("carl", 0)
	favorites("Zoë", "Dora")
	if err := c.OrderFavorites(ctx, []int64{ids["Emil"], ids["Dora"]}); err != nil {
		t.Fatal(err)
	}
	favorites("Emil", "Dora")
	if err := c.OrderFavorites(ctx, []int64{ids["Bob"], 99}); !errors.Is(err, ErrNoContact) {
		t.Errorf("OrderFavorites of nobody = %v, want %v", err, ErrNoContact)
	}
	favorites("Emil", "Dora")
}

func TestGroups(t *testing.T) {
	c := newContacts(t)
	ctx := t.Context()
	a, err := c.AddGroup(ctx, " Work ")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddGroup(ctx, "wörk"); !errors.Is(err, ErrGroupExists) {
		t.Errorf("AddGroup of a known name = %v, want %v", err, ErrGroupExists)
	}
	var ve *ValueError
	if _, err := c.AddGroup(ctx, " "); !errors.As(err, &ve) {
		t.Errorf("AddGroup without a name = %v, want a ValueError", err)
	}
	p := addContact(t, c, Contact{Name: "A", Groups: []int64{a.ID}})
	if err := c.RenameGroup(ctx, a.ID, "Office"); err != nil {
		t.Fatal(err)
	}
	got, err := c.Groups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Group{{ID: a.ID, Name: "Office", Size: 1}}, got); diff != "" {
		t.Errorf("Groups (-want +got):\n%s", diff)
	}
	if err := c.RemoveGroup(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveGroup(ctx, a.ID); !errors.Is(err, ErrNoGroup) {
		t.Errorf("RemoveGroup twice = %v, want %v", err, ErrNoGroup)
	}
	if err := c.RenameGroup(ctx, a.ID, "X"); !errors.Is(err, ErrNoGroup) {
		t.Errorf("RenameGroup of none = %v, want %v", err, ErrNoGroup)
	}
	if p, err = c.Get(ctx, p.ID); err != nil || len(p.Groups) != 0 {
		t.Errorf("the contact has groups %v, %v", p.Groups, err)
	}
}

// The index follows changes, whether it was filled before or after.
func TestContactSearch(t *testing.T) {
	c := newContacts(t)
	ctx := t.Context()
	anna := addContact(t, c, Contact{Name: "Anna Meyer", Addresses: []ContactAddress{{Address: "+49 30 1234567"}}})
	addContact(t, c, Contact{Name: "Hannah Ode", Organization: "Acme"})
	search := func(text string, want ...string) {
		t.Helper()
		got, err := c.Search(ctx, text, 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, contactNames(got)); diff != "" {
			t.Errorf("Search(%q) (-want +got):\n%s", text, diff)
		}
	}
	search("ann", "Anna Meyer", "Hannah Ode")
	search("acme", "Hannah Ode")
	search("030 12345", "Anna Meyer")
	bob := addContact(t, c, Contact{Name: "Bob Annan"})
	search("ann", "Anna Meyer", "Bob Annan", "Hannah Ode")
	if err := c.Spoken(ctx, bob.ID, moment(5)); err != nil {
		t.Fatal(err)
	}
	search("ann", "Bob Annan", "Anna Meyer", "Hannah Ode")
	anna.Name, anna.Favorite = "Berta", 1
	if _, err := c.Update(ctx, anna); err != nil {
		t.Fatal(err)
	}
	search("ann", "Bob Annan", "Hannah Ode")
	search("b", "Berta", "Bob Annan")
	if err := c.OrderFavorites(ctx, []int64{bob.ID}); err != nil {
		t.Fatal(err)
	}
	search("b", "Bob Annan", "Berta")
	if err := c.Remove(ctx, bob.ID); err != nil {
		t.Fatal(err)
	}
	search("b", "Berta")
	search("")
}

func TestFind(t *testing.T) {
	c := newContacts(t)
	for _, p := range []Contact{
		{Name: "Anna", Addresses: []ContactAddress{{Address: "030 / 123 45 67"}, {Address: "sip:anna@example.org"}}},
		{Name: "Anna's office", Addresses: []ContactAddress{{Address: "+49 30 1234567"}}},
		{Name: "Vienna", Addresses: []ContactAddress{{Address: "+43 30 1234567"}}},
		{Name: "Extension", Addresses: []ContactAddress{{Address: "204"}}},
		{Name: "Bare", Addresses: []ContactAddress{{Address: "bare"}}},
	} {
		addContact(t, c, p)
	}
	for uri, want := range map[string]string{
		"sip:ANNA@example.org:5061;transport=tls": "Anna",
		"sip:+49301234567@gw.example":             "Anna's office",
		"sip:+43301234567@gw.example":             "Vienna",
		"sip:0301234567@gw.example":               "Anna",
		"tel:1234567":                             "Anna",
		"sip:204@pbx.example":                     "Extension",
		"sip:bare@anywhere.example":               "Bare",
		"sip:anna@example.com":                    "",
		"sip:1204@pbx.example":                    "",
		"":                                        "",
		"sip:anonymous@anonymous.invalid":         "",
	} {
		got, err := c.Find(t.Context(), uri)
		if got.Name != want || (want == "") != errors.Is(err, ErrNoContact) {
			t.Errorf("Find(%q) = %q, %v, want %q", uri, got.Name, err, want)
		}
	}
}

func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPhoto(t *testing.T) {
	c := newContacts(t)
	ctx := t.Context()
	p := addContact(t, c, Contact{Name: "A"})
	data := pngOf(t, 8, 8)
	if err := c.SetPhoto(ctx, p.ID, data); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Photo(ctx, p.ID); err != nil || !bytes.Equal(got, data) {
		t.Errorf("Photo = %d bytes, %v, want %d", len(got), err, len(data))
	}
	p.Name = "B"
	if p, err := c.Update(ctx, p); err != nil || p.Photo != "image/png" {
		t.Errorf("the type of the photo = %q, %v", p.Photo, err)
	}
	var ve *ValueError
	for name, bad := range map[string][]byte{
		"text": []byte("GIF89a"), "size": pngOf(t, MaxPhotoSize+1, 1), "length": append(pngOf(t, 1, 1), make([]byte, MaxPhoto)...),
	} {
		if err := c.SetPhoto(ctx, p.ID, bad); !errors.As(err, &ve) {
			t.Errorf("SetPhoto with a bad %s = %v, want a ValueError", name, err)
		}
	}
	if err := c.SetPhoto(ctx, p.ID, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Photo(ctx, p.ID); err != nil || got != nil {
		t.Errorf("Photo taken away = %d bytes, %v", len(got), err)
	}
	if _, err := c.Photo(ctx, 99); !errors.Is(err, ErrNoContact) {
		t.Errorf("Photo of nobody = %v, want %v", err, ErrNoContact)
	}
	if err := c.SetPhoto(ctx, 99, data); !errors.Is(err, ErrNoContact) {
		t.Errorf("SetPhoto of nobody = %v, want %v", err, ErrNoContact)
	}
}

func TestImport(t *testing.T) {
	c := newContacts(t)
	ctx := t.Context()
	number := func(s string) []ContactAddress { return []ContactAddress{{Address: s}} }
	addContact(t, c, Contact{Name: "Anna Meyer", Addresses: number("+49 30 1234567")})
	addContact(t, c, Contact{Name: "Bob", UID: "u1", Organization: "Acme"})
	i, err := c.Import(ctx)
	if err != nil {
		t.Fatal(err)
	}
	results := i.Take(ctx, []NewContact{
		{Contact: Contact{Name: "anna meyer", Note: "hi", Addresses: append(number("030 1234567"), number("anna@example.org")...)}, GroupNames: []string{"Family"}},
		{Contact: Contact{Name: "Anna Meyer", Addresses: number("+49 40 7654321")}}, // another one
		{Contact: Contact{Name: "Robert", UID: "u1"}},
		{Contact: Contact{Name: "Bob", UID: "u1"}},
		{Contact: Contact{}},
		{Contact: Contact{Name: "Carl", UID: "u2"}, GroupNames: []string{"FAMILY", " ", "Work"}, PhotoData: pngOf(t, 2, 2)},
		{Contact: Contact{Name: "Carl the Second", UID: "u2"}, PhotoData: pngOf(t, 3, 3)},
		{Contact: Contact{Name: "Dora"}, PhotoData: []byte("no photo")},
		{Contact: Contact{Name: "dora", Organization: "Acme"}},
	})
	type row struct {
		Name  string
		Taken Taken
		Err   bool
	}
	var got []row
	for _, r := range results {
		got = append(got, row{r.Contact.Name, r.Taken, r.Err != nil})
	}
	want := []row{
		{"Anna Meyer", TakenMerged, false},
		{"Anna Meyer", TakenNew, false},
		{"Bob", TakenSame, false},
		{"Bob", TakenSame, false},
		{"", TakenNew, true},
		{"Carl", TakenNew, false},
		{"Carl", TakenSame, false},
		{"Dora", TakenNew, true},
		{"Dora", TakenMerged, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if p := results[0].Contact; len(p.Addresses) != 2 || p.Note != "hi" || len(p.Groups) != 1 {
		t.Errorf("merged contact is %+v", p)
	}
	if p, err := c.ByUID(ctx, "u2"); err != nil || len(p.Groups) != 2 || p.Photo != "image/png" {
		t.Errorf("contact with groups and photo is %+v, %v", p, err)
	}
	if n, err := c.Count(ctx); err != nil || n != 5 {
		t.Errorf("Count = %d, %v, want 5", n, err)
	}
}

// Contacts of a database as every version wrote it.
func TestOldContacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), historyName)
	runScript(t, path, "testdata/v2/parley.sql")
	h, _, err := openHistory(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	c := &Contacts{database: h.database}
	got, err := c.Find(t.Context(), "0301234567")
	if err != nil {
		t.Fatal(err)
	}
	want := Contact{
		ID: 1, UID: "urn:uuid:1", Name: "Anna Meyer", Given: "Anna", Family: "Meyer", Organization: "Acme", Note: "Two\nlines",
		Addresses: []ContactAddress{{Address: "anna@example.org", Label: "work"}, {Address: "+49 30 1234567", Label: "cell", Default: true}},
		Groups:    []int64{1}, Favorite: 1, Ringtone: "/r/bell.wav", AutoAnswer: true,
		Called: fromMillis(1772366400123), Created: fromMillis(1772366400000), Updated: fromMillis(1772366400000),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contact (-want +got):\n%s", diff)
	}
}

func TestClosedContacts(t *testing.T) {
	h := newHistory(t)
	c := &Contacts{database: h.database}
	h.close()
	if _, err := c.Add(t.Context(), Contact{Name: "A"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Add after close = %v, want %v", err, ErrClosed)
	}
	if _, err := c.Search(t.Context(), "a", 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Search after close = %v, want %v", err, ErrClosed)
	}
}

func BenchmarkContacts(b *testing.B) {
	c := newContacts(b)
	i, err := c.Import(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var list []NewContact
	for n := range 10_000 {
		list = append(list, NewContact{Contact: Contact{
			Name: fmt.Sprintf("First%d Last%d", n%977, n%1009), Addresses: []ContactAddress{{Address: fmt.Sprintf("+4930%07d", n)}},
		}})
	}
	for _, r := range i.Take(context.Background(), list) {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
	}
	b.Run("fill", func(b *testing.B) {
		for b.Loop() {
			if err := (&Contacts{database: c.database}).Warm(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, text := range []string{"f", "first97 la", "irst", "030 00012", "zzz"} {
		b.Run("search "+text, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Search(b.Context(), text, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Find(b.Context(), "sip:0300001234@gw.example"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
