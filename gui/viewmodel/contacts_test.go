package viewmodel_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/gui/viewmodel"
	"parley/middleware"
)

func TestContactRows(t *testing.T) {
	anna := middleware.Contact{
		ID: 7, Name: "Anna Meyer", Organization: "Example Ltd", Favorite: 2, Photo: "image/png",
		Addresses: []middleware.ContactAddress{
			{Address: "mailto:anna@example.org", Label: "mail"},
			{Address: "+49 30 123", Label: "work"},
			{Address: "sip:anna@example.org;transport=tls", Default: true},
			{Address: "0171 99"},
		},
	}
	want := viewmodel.Contact{
		ID: 7, Name: "Anna Meyer", Note: "Example Ltd", Target: "sip:anna@example.org;transport=tls", Star: true, Photo: true,
		Others: []viewmodel.Address{{Text: "+49 30 123 (work)", Target: "+49 30 123"}, {Text: "0171 99", Target: "0171 99"}},
	}
	if diff := cmp.Diff(want, viewmodel.NewContact(anna)); diff != "" {
		t.Error("the row of Anna (-want +got):\n" + diff)
	}
	for _, tt := range []struct {
		c    middleware.Contact
		note string
	}{
		{middleware.Contact{Name: "Bob", Addresses: []middleware.ContactAddress{{Address: "sip:bob@example.org"}}}, "bob@example.org"},
		{middleware.Contact{Name: "bob@example.org", Addresses: []middleware.ContactAddress{{Address: "sip:bob@example.org"}}}, ""},
		{middleware.Contact{Name: "Nobody"}, ""},
	} {
		if got := viewmodel.NewContact(tt.c); got.Note != tt.note {
			t.Errorf("the note of %s is %q, want %q", tt.c.Name, got.Note, tt.note)
		}
	}
}

func TestGroupChoices(t *testing.T) {
	list := viewmodel.GroupChoices([]middleware.ContactGroup{{ID: 3, Name: "Work", Size: 2}})
	var labels []string
	for _, g := range list {
		labels = append(labels, g.Label)
	}
	if diff := cmp.Diff([]string{"All contacts", "Favorites", "Work"}, labels); diff != "" {
		t.Error(diff)
	}
	star, worker, both := middleware.Contact{Favorite: 1}, middleware.Contact{Groups: []int64{3}}, middleware.Contact{Favorite: 1, Groups: []int64{1, 3}}
	for i, want := range [][3]bool{{true, true, true}, {true, false, true}, {false, true, true}} {
		if got := [3]bool{list[i].Holds(star), list[i].Holds(worker), list[i].Holds(both)}; got != want {
			t.Errorf("%s holds %v, want %v", list[i].Label, got, want)
		}
	}
	seen := map[string]bool{}
	for i, search := range []string{"", "", "", "x"} {
		text, first := viewmodel.NoContacts(search, list[i%3])
		if seen[text] || first != (i == 0) {
			t.Errorf("%q is said twice, or to begin with is %t", text, first)
		}
		seen[text] = true
	}
}

func TestMatchRows(t *testing.T) {
	now := time.Date(2026, 5, 13, 14, 0, 0, 0, time.UTC)
	found := []middleware.Match{
		{Kind: middleware.MatchContact, Name: "Eva", Target: "sip:eva@example.org", Label: "home", Contact: 4, Place: 1, Photo: true},
		{Kind: middleware.MatchHistory, Target: "sip:echo7@example.org", Call: middleware.HistoryEntry{Start: now.Add(-24 * time.Hour)}},
		{Kind: middleware.MatchHistory, Name: "Ed", Target: "+4930", Call: middleware.HistoryEntry{Start: now}},
		{Kind: middleware.MatchText, Target: "echo"},
		{Kind: middleware.MatchText, Target: "e"},
	}
	want := []viewmodel.Match{
		{Title: "Echo Test", Note: "hear yourself", Target: "echo", Picture: viewmodel.PictureEcho, Tone: viewmodel.Accent},
		{Title: "Eva", Name: "Eva", Note: "eva@example.org (home)", Target: "sip:eva@example.org", Contact: 4, Star: true, Photo: true},
		{Title: "echo7@example.org", Target: "sip:echo7@example.org", Picture: viewmodel.PictureRecent, When: "Yesterday"},
		{Title: "Ed", Name: "Ed", Note: "+4930", Target: "+4930", Picture: viewmodel.PictureRecent, When: "14:00"},
		{Title: "e", Note: "as typed", Target: "e", Picture: viewmodel.PictureCall, Tone: viewmodel.Accent},
	}
	if diff := cmp.Diff(want, viewmodel.NewMatches(" E", found, now)); diff != "" {
		t.Error("the rows (-want +got):\n" + diff)
	}
	if got := viewmodel.NewMatches("x", nil, now); len(got) != 0 {
		t.Errorf("nothing matches, but %v is shown", got)
	}
}

func TestWhatIsAnAddress(t *testing.T) {
	for text, want := range map[string]bool{
		"030 123": true, "+49": true, "bob@example.org": true, "sip:bob": true, " 12 ": true, "*97": true,
		"bob": false, "a b": false, "": false, "3rd floor": false,
	} {
		if got := viewmodel.IsAddress(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}
