package gui

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"parley/gui/viewmodel"
	"parley/middleware"
)

// person stores a contact with its addresses.
func (r *rig) person(name string, addresses ...string) middleware.Contact {
	r.t.Helper()
	c := middleware.Contact{Name: name}
	for _, a := range addresses {
		c.Addresses = append(c.Addresses, middleware.ContactAddress{Address: a})
	}
	c, err := r.phone.App.Contacts().Add(context.Background(), c)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// names are what the contacts list shows.
func (r *rig) names() string {
	var list []string
	for _, v := range r.w.contacts.rows {
		list = append(list, v.Name)
	}
	return strings.Join(list, ",")
}

func (r *rig) press(o fyne.Focusable, key fyne.KeyName) {
	o.TypedKey(&fyne.KeyEvent{Name: key})
}

// itemOf returns the item of an open menu.
func itemOf(t *testing.T, m *fyne.Menu, label string) *fyne.MenuItem {
	t.Helper()
	var labels []string
	for _, item := range m.Items {
		if item.Label == label {
			return item
		}
		labels = append(labels, item.Label)
	}
	t.Fatalf("the menu has no %q, only %q", label, labels)
	return nil
}

func TestTabsShowOnePageEach(t *testing.T) {
	r := newRig(t)
	page := func() fyne.CanvasObject { return r.w.pages.body.Objects[0] }
	if page() != r.w.recent.box || !r.w.pages.tabs[lowerRecent].On() {
		t.Error("the window does not begin with the calls")
	}
	for _, c := range r.w.commands() {
		if c.text == "Contacts" {
			r.w.dialer.entry.TypedShortcut(c.shortcut())
		}
	}
	if page() != r.w.contacts.box || r.w.win.Canvas().Focused() != r.w.contacts.search {
		t.Error("the shortcut did not show the contacts with the search focused")
	}
	r.w.dialer.entry.SetText("x")
	if page() != r.w.matches.box || r.w.pages.line.Visible() {
		t.Error("what is typed is not looked for in place of the contacts")
	}
	r.w.dialer.entry.SetText("")
	if page() != r.w.contacts.box || !r.w.pages.line.Visible() {
		t.Error("the contacts do not come back")
	}
	test.Tap(r.w.pages.tabs[lowerRecent])
	if page() != r.w.recent.box {
		t.Error("the tab does not show the calls")
	}
}

func TestMissedCallsStandOnTheTab(t *testing.T) {
	r := newRig(t)
	tab := r.w.pages.tabs[lowerRecent]
	r.w.pages.choose(lowerContacts)
	s := r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the call", func() bool { return r.w.incoming != nil && r.w.incoming.up })
	s.End()
	r.until("the badge", func() bool { return tab.Badge() == "1" })
	test.Tap(tab)
	r.until("its end", func() bool { return tab.Badge() == "" })
}

func TestContactsAreListedAndFound(t *testing.T) {
	r := newRig(t)
	p := r.w.contacts
	r.until("the empty list", func() bool { return !p.empty.Hidden })
	if p.nobody.Text() != "No contacts yet" || p.first.Hidden || findButton(p.first, "Add contact") == nil {
		t.Errorf("with no contact it says %q", p.nobody.Text())
	}
	r.person("Bob Miller", "sip:bob@example.org")
	anna := r.person("Anna Meyer", "sip:anna@example.org", "+49 30 12")
	r.until("both", func() bool { return r.names() == "Anna Meyer,Bob Miller" })
	if !p.empty.Hidden {
		t.Error("the words for an empty list stay")
	}
	test.Type(p.search, "mil")
	r.until("Bob", func() bool { return r.names() == "Bob Miller" })
	test.Type(p.search, "x")
	r.until("nobody", func() bool { return r.names() == "" && p.nobody.Text() == "No contact matches “milx”." })
	if !p.first.Hidden {
		t.Error("adding the first contact is offered although there are some")
	}
	r.press(p.search, fyne.KeyEscape)
	r.until("all again", func() bool { return len(p.rows) == 2 })

	r.w.setFavorite(anna.ID, true)
	r.until("the star", func() bool { return p.rows[0].Star })
	p.chooser.SetSelected("Favorites")
	r.until("the favorite", func() bool { return r.names() == "Anna Meyer" })
	p.chooser.SetSelected("All contacts")
	r.until("everybody", func() bool { return len(p.rows) == 2 })
}

func TestContactIsCalledByTheKeyboard(t *testing.T) {
	r := newRig(t)
	p := r.w.contacts
	r.person("Ada", "sip:ada@192.0.2.9")
	r.person("Bob", "bob@192.0.2.2:5060")
	r.until("the list", func() bool { return len(p.rows) == 2 })
	r.w.pages.choose(lowerContacts)
	r.press(p.search, fyne.KeyDown)
	if r.w.win.Canvas().Focused() != p.list {
		t.Fatal("the arrow does not lead into the list")
	}
	r.press(p.list, fyne.KeyDown)
	r.press(p.list, fyne.KeyReturn)
	r.theirs("ringing", func(s middleware.SessionSnapshot) bool { return s.Direction == middleware.Incoming })
	r.until("the card", func() bool { return r.only() != nil && r.only().title.Text() == "Bob" })
	r.press(p.list, fyne.KeyHome)
	r.press(p.list, fyne.KeyUp)
	if r.w.win.Canvas().Focused() != p.search {
		t.Error("the arrow does not lead back to the search")
	}
	r.press(p.list, fyne.KeyEnd)
	if i, _ := p.list.chosen(); i != 1 {
		t.Errorf("End chooses row %d, want the last", i)
	}
	p.list.TypedRune('a')
	if p.search.Text != "a" {
		t.Errorf("a letter typed in the list makes the search %q", p.search.Text)
	}
}

func TestMenuOfAContact(t *testing.T) {
	r := newRig(t)
	p := r.w.contacts
	c := r.person("Bob", "sip:bob@example.org", "030 99")
	g, err := r.phone.App.Contacts().AddGroup(t.Context(), "Work")
	if err != nil {
		t.Fatal(err)
	}
	r.until("the list", func() bool { return len(p.rows) == 1 && len(p.choices) == 3 })
	p.list.Select(0)
	r.press(p.list, desktop.KeyMenu)
	if r.w.win.Canvas().Overlays().Top() == nil {
		t.Error("the menu key opens nothing")
	}
	closePopUp(r.w.win.Canvas())
	m := p.menu(c)
	itemOf(t, m, "Call 030 99")
	itemOf(t, m, "Copy address").Action()
	if got := r.app.Clipboard().Content(); got != "bob@example.org" {
		t.Errorf("copied was %q", got)
	}
	itemOf(t, m, "Favorite").Action()
	itemOf(t, itemOf(t, m, "Groups").ChildMenu, "Work").Action()
	r.until("star and group", func() bool {
		return len(p.found) == 1 && p.rows[0].Star && slices.Equal(p.found[0].Groups, []int64{g.ID})
	})
	itemOf(t, itemOf(t, p.menu(p.found[0]), "Groups").ChildMenu, "Work").Action()
	r.until("the group left", func() bool { return len(p.found[0].Groups) == 0 })
	r.press(p.list, fyne.KeyDelete)
	test.Tap(findButton(r.w.win.Canvas().Overlays().Top(), "Delete"))
	r.until("the end", func() bool { return len(p.rows) == 0 })
}

// However many contacts there are, they are read as one scrolls to them.
func TestManyContactsAreReadInPages(t *testing.T) {
	r := newRig(t)
	p := r.w.contacts
	path := filepath.Join(t.TempDir(), "many.csv")
	var file strings.Builder
	file.WriteString("Name,Phone\n")
	const many = 3*contactPage + 7
	for i := range many {
		fmt.Fprintf(&file, "Person %04d,+49301%05d\n", i, i)
	}
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.phone.App.Contacts().Import(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	r.w.pages.choose(lowerContacts)
	r.until("the first page", func() bool { return len(p.rows) == contactPage })
	for len(p.rows) < many {
		before := len(p.rows)
		p.list.Select(before - 1)
		p.list.ScrollToBottom()
		r.until("the next page", func() bool { return len(p.rows) > before })
		if now := len(p.rows); now != min(before+contactPage, many) {
			t.Fatalf("after %d rows there are %d", before, now)
		}
		if i, _ := p.list.chosen(); i != before-1 {
			t.Errorf("the row chosen is %d after more were read, want %d", i, before-1)
		}
	}
	for i, v := range p.rows {
		if want := fmt.Sprintf("Person %04d", i); v.Name != want {
			t.Fatalf("row %d is %s, want %s", i, v.Name, want)
		}
	}
}

func TestContactEditor(t *testing.T) {
	r := newRig(t)
	r.w.editContact(middleware.Contact{})
	e := r.w.editors[0]
	test.Tap(e.save)
	r.until("the complaint", func() bool { return !e.troubles["name"].Hidden })
	if got := e.troubles["name"].Text(); got != "Name: give one, or at least an address." {
		t.Errorf("the name is complained about as %q", got)
	}
	test.Type(e.name, "Anna Meyer")
	test.Type(e.organization, "Example")
	a := e.addresses
	a.rows[0].address.SetText("anna@example.org")
	a.add(middleware.ContactAddress{})
	a.rows[1].address.SetText("sip:")
	test.Tap(e.save)
	r.until("the next complaint", func() bool { return !e.troubles["address"].Hidden })
	if e.win.Canvas().Focused() != a.rows[1].address || !e.troubles["name"].Hidden {
		t.Error("the wrong address is not where the person is led")
	}
	a.rows[1].address.SetText("+49 30 1")
	a.rows[1].label.SetText("work")
	test.Tap(a.rows[1].mark)
	e.favorite.SetChecked(true)
	e.answer.SetChecked(true)
	e.note.SetText("likes\ntea")
	e.setTone("/r/bell.wav")
	e.setPhoto(pngOf(t, 8, 8))
	test.Tap(e.save)
	r.until("the contact", func() bool {
		return r.names() == "Anna Meyer" && len(r.w.editors) == 0 && r.w.contacts.found[0].Photo != ""
	})
	got := r.w.contacts.found[0]
	want := []middleware.ContactAddress{{Address: "anna@example.org"}, {Address: "+49 30 1", Label: "work", Default: true}}
	if !slices.Equal(got.Addresses, want) {
		t.Errorf("its addresses are %v, want %v", got.Addresses, want)
	}
	if got.Organization != "Example" || got.Favorite != 1 || !got.AutoAnswer || got.Note != "likes\ntea" || got.Ringtone != "/r/bell.wav" || got.Photo != "image/png" {
		t.Errorf("saved was %+v", got)
	}
	r.until("its photo", func() bool { return r.w.photo(got.ID, func() {}) != nil })

	r.w.editContact(got)
	e = r.w.editors[got.ID]
	r.until("the photo in the window", func() bool { return e.face.Picture() != nil })
	e.addresses.remove(e.addresses.rows[1])
	e.name.SetText("Anna Schulz")
	e.setPhoto(nil)
	r.press(e.name, fyne.KeyEscape)
	if len(r.w.editors) != 0 {
		t.Fatal("Escape does not close the window")
	}
	if now, err := r.phone.App.Contacts().Get(t.Context(), got.ID); err != nil || now.Name != "Anna Meyer" {
		t.Errorf("Escape saved %+v, %v", now, err)
	}
	r.w.editContact(got)
	e = r.w.editors[got.ID]
	e.name.SetText("Anna Schulz")
	e.setPhoto(nil)
	e.name.OnSubmitted("")
	r.until("the change", func() bool { return r.names() == "Anna Schulz" && r.w.contacts.found[0].Photo == "" })
}

func TestLargePhotosAreMadeSmaller(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 1600, 800))
	noise := rand.New(rand.NewPCG(1, 2)) // does not compress well
	for x := range 1600 {
		for y := range 800 {
			img.SetRGBA(x, y, color.RGBA{R: byte(noise.Uint32()), G: 200, B: byte(noise.Uint32()), A: 255})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "large.png")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := readPhoto(path)
	if err != nil {
		t.Fatal(err)
	}
	small, kind, err := image.Decode(bytes.NewReader(data))
	if err != nil || kind != "jpeg" || small.Bounds().Size() != image.Pt(512, 256) {
		t.Fatalf("it became a %s of %v, %v", kind, small.Bounds(), err)
	}
	if _, g, _, _ := small.At(100, 100).RGBA(); g>>8 < 180 || g>>8 > 220 {
		t.Errorf("its green is %d, want about 200", g>>8)
	}
	if _, err := readPhoto(path + "x"); err == nil {
		t.Error("a photo that is not there is no error")
	}
}

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestNumberFieldFindsContacts(t *testing.T) {
	r := newRig(t)
	r.person("Anna Meyer", "bob@192.0.2.2:5060")
	r.person("Andreas", "sip:andreas@192.0.2.77")
	r.until("the contacts", func() bool { return len(r.w.contacts.rows) == 2 })
	entry, p := r.w.dialer.entry, r.w.matches
	test.Type(entry, "an")
	r.until("the matches", func() bool { return p.known == "an" })
	titles := func() (list []string) {
		for _, m := range p.rows {
			list = append(list, m.Title)
		}
		return list
	}
	if got := titles(); len(got) != 3 || got[2] != "an" {
		t.Fatalf("the matches are %q, want two contacts and the text", got)
	}
	if i, _ := p.list.chosen(); i != 0 {
		t.Errorf("row %d is chosen at first, want 0", i)
	}
	anna := slices.Index(titles(), "Anna Meyer")
	for range anna {
		r.press(entry, fyne.KeyDown)
	}
	entry.OnSubmitted(entry.Text)
	r.theirs("ringing", func(s middleware.SessionSnapshot) bool { return s.Direction == middleware.Incoming })
	r.until("the card", func() bool { return r.only() != nil && r.only().title.Text() == "Anna Meyer" })
	if entry.Text != "" || p.typed != "" {
		t.Error("the field is not empty after the call")
	}
}

// Enter that comes before the answer calls who is found, and an answer that comes
// late is dropped.
func TestQuickTypingCallsWhoIsFound(t *testing.T) {
	r := newRig(t)
	r.person("Anna Meyer", "bob@192.0.2.2:5060")
	r.until("the contact", func() bool { return len(r.w.contacts.rows) == 1 })
	entry, p := r.w.dialer.entry, r.w.matches
	entry.SetText("anna")
	p.loaded("ann", []middleware.Match{{Kind: middleware.MatchContact, Name: "Somebody else", Target: "sip:x@192.0.2.99", Contact: 9}})
	if len(p.rows) != 0 {
		t.Error("the answer to what was typed before is shown")
	}
	entry.OnSubmitted("anna")
	r.until("the call", func() bool { return r.only() != nil })
	if got := r.card().title.Text(); got != "Anna Meyer" {
		t.Errorf("called was %s", got)
	}
}

func TestImportTellsWhatWasNotTaken(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "some.csv")
	if err := os.WriteFile(path, []byte("Name,Phone\nAnna,030 1\n,\nBob,030 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFileWindow(r.w, "Import")
	f.importFrom(path)
	r.until("the report", func() bool { return f.done != nil })
	r.until("the contacts", func() bool { return r.names() == "Anna,Bob" })
	var said []string
	each(f.done, func(o *widget.RichText) { said = append(said, o.String()) })
	if !strings.Contains(strings.Join(said, "\n"), "2 contacts added.") {
		t.Errorf("it says %q", said)
	}
	if b := findButton(f.done, "Copy list"); b == nil {
		t.Error("the list of what was not taken cannot be copied")
	} else {
		test.Tap(b)
		if got := r.app.Clipboard().Content(); !strings.Contains(got, "Line ") {
			t.Errorf("copied was %q", got)
		}
	}

	out := filepath.Join(dir, "out.vcf")
	f = newFileWindow(r.w, "Export")
	f.exportTo(out, 0)
	r.until("the file", func() bool { return f.done != nil })
	data, err := os.ReadFile(out)
	if err != nil || strings.Count(string(data), "BEGIN:VCARD") != 2 {
		t.Errorf("written was %q, %v", data, err)
	}
	f = newFileWindow(r.w, "Import")
	f.importFrom(filepath.Join(dir, "none.vcf"))
	r.until("the complaint", func() bool { return f.done != nil })
}

func TestCallsShowThePhoto(t *testing.T) {
	r := newRig(t)
	c := r.person("Bob Miller", "sip:Bob@192.0.2.2:5060", "bob@192.0.2.2")
	if err := r.phone.App.Contacts().SetPhoto(t.Context(), c.ID, pngOf(t, 8, 8)); err != nil {
		t.Fatal(err)
	}
	test.Type(r.w.dialer.entry, "bob@192.0.2.2:5060")
	test.Tap(r.w.dialer.call)
	r.until("the photo in the card", func() bool {
		return r.only() != nil && r.only().portrait.Visible() && r.only().portrait.Picture() != nil
	})
	r.w.ring()
	r.w.incoming.update([]viewmodel.Call{{ID: 99, Title: "Bob Miller", Contact: c.ID, Incoming: true}})
	if r.w.incoming.cards[0].face.Picture() == nil {
		t.Error("the incoming-call window has no photo")
	}
	r.w.incoming.update([]viewmodel.Call{{ID: 98, Title: "201", Incoming: true}})
	if r.w.incoming.cards[0].face.Visible() {
		t.Error("somebody unknown has a face")
	}
}
