package middleware_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// alone runs f with a phone that nobody calls.
func alone(t *testing.T, f func(t *testing.T, p *middlewaretest.Phone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		f(t, p)
		p.Stop()
	})
}

func contact(t *testing.T, p *middlewaretest.Phone, c middleware.Contact) middleware.Contact {
	t.Helper()
	c, err := p.App.Contacts().Add(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func addresses(list ...string) []middleware.ContactAddress {
	var out []middleware.ContactAddress
	for _, a := range list {
		out = append(out, middleware.ContactAddress{Address: a})
	}
	return out
}

// addressbook returns the names of the notifications about the address book.
func addressbook(p *middlewaretest.Phone) []string {
	var names []string
	for _, n := range p.Notes() {
		if name := bus.Name(n); strings.HasPrefix(name, "Addressbook") {
			names = append(names, strings.TrimPrefix(name, "Addressbook"))
		}
	}
	return names
}

func TestContactNotifications(t *testing.T) {
	alone(t, func(t *testing.T, p *middlewaretest.Phone) {
		ctx, c := t.Context(), p.App.Contacts()
		g, err := c.AddGroup(ctx, "Family")
		if err != nil {
			t.Fatal(err)
		}
		anna := contact(t, p, middleware.Contact{Name: "Anna\u202e", Addresses: addresses("anna@example.org")})
		if anna.Name != "Anna" {
			t.Errorf("name = %q, want it safe to show", anna.Name)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(c.AddToGroup(ctx, g.ID, anna.ID))
		must(c.RenameGroup(ctx, g.ID, "Folks"))
		must(c.OrderFavorites(ctx, []int64{anna.ID}))
		must(c.Remove(ctx, anna.ID, 99))
		must(c.RemoveGroup(ctx, g.ID))
		if _, err := c.Update(ctx, anna); !errors.Is(err, middleware.ErrNoContact) {
			t.Errorf("Update of a deleted contact = %v, want %v", err, middleware.ErrNoContact)
		}
		synctest.Wait()
		want := []string{
			"GroupWasActivated", "DidChange",
			"ContactWasActivated", "DidChange",
			"ContactDidChange", "GroupDidChange", "DidChange",
			"GroupDidChange", "DidChange",
			"DidChange",
			"ContactWasDeleted", "GroupDidChange", "DidChange",
			"GroupWasDeleted", "DidChange",
		}
		if diff := cmp.Diff(want, addressbook(p)); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
	})
}

func TestMatch(t *testing.T) {
	alone(t, func(t *testing.T, p *middlewaretest.Phone) {
		contact(t, p, middleware.Contact{Name: "Anna Meyer", Addresses: addresses("anna@example.org", "+49 30 1234567")})
		contact(t, p, middleware.Contact{Name: "Hannah", Addresses: addresses("+49 30 7654321")})
		contact(t, p, middleware.Contact{Name: "Anton", Organization: "No address"})
		for i, c := range []storage.Call{
			{PeerName: "Old Anna", PeerURI: "sip:anna@example.org"},
			{PeerName: "Hannah's phone", PeerURI: "sip:0307654321@gw.example"},
			{PeerName: "Andreas", PeerURI: "sip:andreas@example.com"},
			{PeerName: "Andreas", PeerURI: "sip:ANDREAS@example.com;transport=tcp"},
			{PeerName: "Reto", PeerURI: "sip:reto@example.com", Note: "→ Bruno"},
			{PeerName: "Sina", PeerURI: "sip:sina@example.com", Via: "sip:brunner@example.com"},
			{PeerName: "Anonymous", PeerURI: "sip:anonymous@anonymous.invalid"},
		} {
			c.Direction, c.Start, c.Outcome = storage.Incoming, time.Unix(int64(i), 0), storage.Answered
			if _, err := p.Profile.History().Add(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		tests := []struct {
			text  string
			limit int
			want  []string // kind, name, target
		}{
			{"an", 10, []string{"contact Anna Meyer anna@example.org", "contact Hannah +49 30 7654321", "history Andreas sip:ANDREAS@example.com;transport=tcp", "text  an"}},
			{"an", 2, []string{"contact Anna Meyer anna@example.org", "contact Hannah +49 30 7654321"}},
			{"030123", 10, []string{"text  030123", "contact Anna Meyer +49 30 1234567"}},
			{"carol@example.org", 10, []string{"text  carol@example.org"}},
			{"bru", 10, []string{"text  bru"}},
			{"reto", 10, []string{"history Reto sip:reto@example.com", "text  reto"}},
			{"carol", 10, []string{"text  carol"}},
			{"carol and bob", 10, nil},
			{"  ", 10, nil},
		}
		for _, tt := range tests {
			list, err := p.App.Contacts().Match(t.Context(), tt.text, tt.limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range list {
				kind := map[middleware.MatchKind]string{middleware.MatchText: "text", middleware.MatchContact: "contact", middleware.MatchHistory: "history"}[m.Kind]
				got = append(got, kind+" "+m.Name+" "+m.Target)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Match(%q, %d) (-want +got):\n%s", tt.text, tt.limit, diff)
			}
		}
	})
}

// A call from a contact bears its name and ringtone, and brings the contact up in
// searches; who passed it on is told.
func TestCallFromContact(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		contact(t, p, middleware.Contact{Name: "Aaron", Addresses: addresses("aaron@example.org")})
		anna := contact(t, p, middleware.Contact{Name: "Anna Meyer", Addresses: addresses("030 1234567"), Ringtone: "/r/bell.wav"})
		call(`"Somebody" <sip:+49301234567@192.0.2.10>`, "Diversion: \"Reception\" <sip:100@example.org>;reason=no-answer\n")
		soon()
		s := p.Session().Snapshot()
		want := middleware.Peer{
			Name: "Anna Meyer", Address: s.Peer.Address, URI: s.Peer.URI, Contact: anna.ID, Ringtone: "/r/bell.wav", Via: "Reception",
		}
		if diff := cmp.Diff(want, s.Peer); diff != "" {
			t.Errorf("peer (-want +got):\n%s", diff)
		}
		if err := p.App.History().Await(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		rows, err := p.App.History().Search(t.Context(), middleware.HistoryQuery{Text: "recep"})
		if err != nil || len(rows) != 1 || rows[0].PeerName != "Anna Meyer" || rows[0].Via != "Reception" {
			t.Errorf("history = %+v, %v", rows, err)
		}
		found, err := p.App.Contacts().Search(t.Context(), "a", 2)
		if err != nil || len(found) != 2 || found[0].Name != "Anna Meyer" || found[0].Called.IsZero() {
			t.Errorf("Search(a) = %+v, %v, want Anna Meyer first", found, err)
		}
	})
}

// Only contacts may call, and one of them is answered by itself.
func TestContactsDecideAboutCallers(t *testing.T) {
	invited(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer, call func(from, headers string)) {
		set(t, p, func(s *middleware.Settings) { s.Calls.ContactsOnly, s.Calls.AutoAnswerAfter = true, time.Second })
		contact(t, p, middleware.Contact{Name: "Door", Addresses: addresses("door@example.org"), AutoAnswer: true})
		call("<sip:stranger@example.org>", "")
		refused(r, r.Expect("603 INVITE"))
		soon()
		rows, err := p.App.History().Search(t.Context(), middleware.HistoryQuery{Outcome: middleware.OutcomeBlocked})
		if err != nil || len(rows) != 1 {
			t.Errorf("blocked calls in the history = %v, %v, want one", rows, err)
		}
		call("<sip:door@example.org>", "")
		acknowledged(r, r.Expect("200 INVITE"))
		soon()
		if got := p.Session().Snapshot().State(); got != session.Established {
			t.Errorf("state = %v, want %v", got, session.Established)
		}
	})
}

// The history forgets old calls at the start and every day.
func TestHistoryForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1", func(_ *middleware.Config, s *storage.Settings) {
			s.Calls.HistoryDays = 2
		})
		for _, c := range []storage.Call{{PeerName: "plain"}, {PeerName: "recorded", Recording: "/r/1.wav"}} {
			c.Direction, c.Outcome, c.Start = storage.Incoming, storage.Answered, time.Now()
			if _, err := p.Profile.History().Add(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		count := func(want int) {
			t.Helper()
			synctest.Wait()
			if rows, err := p.App.History().Search(t.Context(), middleware.HistoryQuery{}); err != nil || len(rows) != want {
				t.Errorf("after %v: %d calls, %v, want %d", time.Now(), len(rows), err, want)
			}
		}
		time.Sleep(47 * time.Hour)
		count(2)
		time.Sleep(26 * time.Hour)
		count(1)
		p.Stop()
	})
}

// What Await was told of is in the history.
func TestAwaitHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1")
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		out, _ := connected(t, alice, bob)
		now := out.Snapshot()
		if err := alice.App.History().Await(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		rows, err := alice.App.History().Search(t.Context(), middleware.HistoryQuery{})
		if err != nil || len(rows) != 1 || rows[0].Answered.IsZero() {
			t.Errorf("history = %+v, %v, want the answered call", rows, err)
		}
		now.Rev += 1000
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := alice.App.History().Await(ctx, now); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Await of what did not happen = %v, want %v", err, context.DeadlineExceeded)
		}
		alice.Stop()
		bob.Stop()
		if err := alice.App.History().Await(t.Context(), now); err != nil {
			t.Errorf("Await after the end = %v, want nil", err)
		}
	})
}

func TestImportExport(t *testing.T) {
	alone(t, func(t *testing.T, p *middlewaretest.Phone) {
		path := filepath.Join(t.TempDir(), "in.vcf")
		text := "BEGIN:VCARD\nVERSION:4.0\nFN:Anna\u202e\nTEL:1\nCATEGORIES:Fri\u202eends\nEND:VCARD\nBEGIN:VCARD\nbro\u202eken\nEND:VCARD\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := p.App.Contacts().Import(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := middleware.ImportReport{Added: 1, Bad: []middleware.ImportProblem{{Line: 8, Text: "a line without a colon"}}}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		synctest.Wait()
		if got := addressbook(p); !cmp.Equal(got, []string{"DidChange"}) {
			t.Errorf("notifications = %v, want one", got)
		}
		groups, err := p.App.Contacts().Groups(t.Context())
		if err != nil || len(groups) != 1 || groups[0].Name != "Friends" || groups[0].Size != 1 {
			t.Errorf("groups = %v, %v", groups, err)
		}
		if n, err := p.App.Contacts().Export(t.Context(), path, middleware.ExportOptions{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Export over a file = %d, %v, want %v", n, err, fs.ErrExist)
		}
		if n, err := p.App.Contacts().Export(t.Context(), path, middleware.ExportOptions{Overwrite: true}); err != nil || n != 1 {
			t.Errorf("Export = %d, %v, want 1", n, err)
		}
	})
}
