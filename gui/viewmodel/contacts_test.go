package viewmodel_test

import (
	"context"
	"errors"
	"fmt"
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
	if diff := cmp.Diff(want, viewmodel.NewMatches(" E", found, nil, now)); diff != "" {
		t.Error("the rows (-want +got):\n" + diff)
	}
	if got := viewmodel.NewMatches("x", nil, nil, now); len(got) != 0 {
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

func TestImportIsTold(t *testing.T) {
	bad := []middleware.ImportProblem{{Line: 3, Name: "Bob", Text: "a line without a colon"}, {Line: 9, Text: "no name"}}
	for _, tt := range []struct {
		report   middleware.ImportReport
		err      error
		canceled bool
		want     viewmodel.Banner
	}{
		{middleware.ImportReport{Added: 2}, nil, false, viewmodel.Banner{Tone: viewmodel.Good, Text: "2 contacts added."}},
		{
			middleware.ImportReport{Added: 1, Merged: 1, Same: 1, Bad: bad},
			nil, false,
			viewmodel.Banner{Tone: viewmodel.Notice, Text: "1 contact added, 1 merged with one that was there, 1 was there already."},
		},
		{
			middleware.ImportReport{Merged: 5, Same: 7},
			context.Canceled, true,
			viewmodel.Banner{Tone: viewmodel.Notice, Text: "Canceled. 0 contacts added, 5 merged with those that were there, 7 were there already. What was taken in stays."},
		},
		{middleware.ImportReport{}, errors.New("storage: no space"), false, viewmodel.Banner{Tone: viewmodel.Bad, Text: "That did not work: no space"}},
		{middleware.ImportReport{Added: 3}, errors.New("no space"), false, viewmodel.Banner{Tone: viewmodel.Bad, Text: "That did not work: no space 3 contacts added."}},
	} {
		if diff := cmp.Diff(tt.want, viewmodel.ImportResult(tt.report, tt.err, tt.canceled)); diff != "" {
			t.Error("ImportResult (-want +got):\n" + diff)
		}
	}
	report := middleware.ImportReport{Bad: bad, More: 4}
	if got, want := viewmodel.ImportProblems(report), "Line 3: Bob\ta line without a colon\nLine 9\tno name\nand 4 more\n"; got != want {
		t.Errorf("the list is %q, want %q", got, want)
	}
	if got, want := viewmodel.ImportBad(report), "6 entries of the file were not taken, or not as a whole:"; got != want {
		t.Errorf("it is introduced by %q, want %q", got, want)
	}
	p := middleware.ImportProgress{Contacts: 300}
	if got := viewmodel.ImportRate(p, 1500*time.Millisecond); got != "300 contacts read, 200 in a second" {
		t.Errorf("the rate is told as %q", got)
	}
	if got := viewmodel.ImportRate(p, 0); got != "300 contacts read" {
		t.Errorf("at first it says %q", got)
	}
}

func TestWrongFieldsAreNamed(t *testing.T) {
	for _, tt := range []struct {
		err       error
		key, text string
	}{
		{&middleware.ValueError{Key: "name"}, "name", "Name: give one, or at least an address."},
		{fmt.Errorf("x: %w", &middleware.ValueError{Key: "address", Value: "sip:"}), "address", "Address: “sip:” is neither a number nor an address."},
		{&middleware.ValueError{Key: "label", Value: "l"}, "address", "Label: “l” is too long."},
		{middleware.ErrGroupExists, "", "There is a group of this name already."},
		{middleware.ErrNoContact, "", "This contact no longer exists."},
		{nil, "", ""},
	} {
		if key, text := viewmodel.ExplainField(tt.err); key != tt.key || text != tt.text {
			t.Errorf("ExplainField(%v) = %q, %q, want %q, %q", tt.err, key, text, tt.key, tt.text)
		}
	}
	for in, want := range map[string]string{"Work": "Work", "a/b:c": "a-b-c", " .. ": "other"} {
		if got := viewmodel.FileName(in, "other"); got != want {
			t.Errorf("FileName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRowsOfTheListBecomeContacts(t *testing.T) {
	for _, tt := range []struct{ name, address, wantName, want string }{
		{"Bob", "sip:bob@example.org;transport=tls", "Bob", "bob@example.org"},
		{"", "sip:+493012345@pbx.example.org", "", "+493012345"},
		{"+493012345", "sip:+493012345@pbx.example.org", "", "+493012345"},
		{"Desk", "sip:201@pbx.example.org", "Desk", "201@pbx.example.org"},
		{"", "030 99", "", "030 99"},
		{"bob@example.org", "sip:bob@example.org", "", "bob@example.org"},
	} {
		c := viewmodel.ContactFor(tt.name, tt.address)
		if c.Name != tt.wantName || c.Addresses[0].Address != tt.want {
			t.Errorf("ContactFor(%q, %q) = %q, %q, want %q, %q", tt.name, tt.address, c.Name, c.Addresses[0].Address, tt.wantName, tt.want)
		}
	}
	for in, want := range map[string]string{
		"sip:+4930@pbx": "+4930", "sip:bob@example.org": "bob@example.org", "echo": "", "sip:anonymous@anonymous.invalid": "",
	} {
		if got := viewmodel.BlockRow(in); got != want {
			t.Errorf("BlockRow(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestNarrowSaysWhatIsLeft(t *testing.T) {
	in, out := middleware.HistoryIncoming, middleware.HistoryOutgoing
	label := func(id string) string { return "<" + id + ">" }
	for _, tt := range []struct {
		n    viewmodel.Narrow
		want string
	}{
		{viewmodel.Narrow{}, ""},
		{viewmodel.Narrow{Direction: in}, "Only incoming calls"},
		{viewmodel.Narrow{Direction: out}, "Only outgoing calls"},
		{viewmodel.Narrow{Account: "a"}, "Only calls of <a>"},
		{viewmodel.Narrow{Account: "a", Direction: in}, "Only incoming calls of <a>"},
		{viewmodel.Narrow{Account: "a", Direction: out}, "Only outgoing calls of <a>"},
	} {
		if got := tt.n.Words(label); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.n, got, tt.want)
		}
	}
}

func TestRecentTellsWhatBecameOfTheCall(t *testing.T) {
	now := time.Date(2026, 5, 13, 14, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		e    middleware.HistoryEntry
		want string
	}{
		{middleware.HistoryEntry{Outcome: middleware.OutcomeForwarded, Note: "→ sip:0171@pbx"}, "forwarded · to 0171"},
		{middleware.HistoryEntry{Outcome: middleware.OutcomeBlocked, Via: "Reception"}, "blocked · via Reception"},
		{middleware.HistoryEntry{Outcome: middleware.OutcomeAnswered, Note: "← bob@example.org", Recording: "/r"}, "from bob@example.org · recorded"},
		{middleware.HistoryEntry{Outcome: middleware.OutcomeAnswered}, ""},
	} {
		if got := viewmodel.NewRecent(tt.e, now).Note; got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.e, got, tt.want)
		}
	}
}
