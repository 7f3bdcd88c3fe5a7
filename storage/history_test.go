package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newHistory(t testing.TB) *History {
	t.Helper()
	return openHistoryAt(t, filepath.Join(t.TempDir(), historyName))
}

func openHistoryAt(t testing.TB, path string) *History {
	t.Helper()
	h, problems, err := openHistory(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Fatalf("problems = %v, want none", problems)
	}
	t.Cleanup(func() { h.close() })
	return h
}

// moment returns a time n seconds after a fixed one.
func moment(n int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
}

func add(t testing.TB, h *History, c Call) Call {
	t.Helper()
	id, err := h.Add(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	c.ID = id
	return c
}

func TestCallRoundTrip(t *testing.T) {
	h := newHistory(t)
	want := add(t, h, Call{SessionID: "s1", Account: "a@b.c", Direction: Outgoing, PeerName: "Änne \"A\"", PeerURI: "sip:anne@example.org", Start: moment(0)})
	check := func() {
		t.Helper()
		got, err := h.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Get (-want +got):\n%s", diff)
		}
	}
	check()
	want.Answered, want.End, want.Outcome = moment(5), moment(65), Answered
	want.Code, want.Reason, want.Codec, want.Secure, want.Recording, want.Seen = 200, "OK", "opus", "sdes", "/r/x.wav", true
	want.Via, want.Note = "Reception", "transferred to Bob"
	if err := h.Update(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	check()
	if got := want.Duration(moment(999)); got != time.Minute {
		t.Errorf("Duration = %v, want %v", got, time.Minute)
	}
	if err := h.Delete(t.Context(), want.ID, want.ID, 999); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Get(t.Context(), want.ID); !errors.Is(err, ErrNoCall) {
		t.Errorf("Get of a deleted call = %v, want %v", err, ErrNoCall)
	}
	if err := h.Update(t.Context(), want); !errors.Is(err, ErrNoCall) {
		t.Errorf("Update of a deleted call = %v, want %v", err, ErrNoCall)
	}
}

func names(calls []Call) []string {
	var out []string
	for _, c := range calls {
		out = append(out, c.PeerName)
	}
	return out
}

func TestSearch(t *testing.T) {
	h := newHistory(t)
	for i, c := range []Call{
		{PeerName: "Anna Meyer", PeerURI: "sip:+49301234567@pbx.example.org", Outcome: Missed},
		{PeerName: "Zoë Ångström", PeerURI: "sip:zoe@example.org", Outcome: Answered, Recording: "/r/1.wav", Via: "Reception"},
		{Direction: Outgoing, Note: "transferred to Carol", PeerName: "Bob", PeerURI: "sip:bob@other.net;user=phone", Outcome: Missed, Recording: "/r/2.wav"},
		{PeerName: "Юлия", PeerURI: "tel:0221-98-76", Outcome: Busy, Account: "home@example.net"},
	} {
		c.Start = moment(i)
		if c.Direction == "" {
			c.Direction = Incoming
		}
		if c.Account == "" {
			c.Account = "work@example.com"
		}
		add(t, h, c)
	}
	tests := []struct {
		name string
		q    Query
		want []string // newest first
	}{
		{"all", Query{}, []string{"Юлия", "Bob", "Zoë Ångström", "Anna Meyer"}},
		{"blank", Query{Text: " \t "}, []string{"Юлия", "Bob", "Zoë Ångström", "Anna Meyer"}},
		{"one letter", Query{Text: "m"}, []string{"Anna Meyer"}},
		{"prefix in any case", Query{Text: "MEY"}, []string{"Anna Meyer"}},
		{"two words in any order", Query{Text: "meyer an"}, []string{"Anna Meyer"}},
		{"words all apply", Query{Text: "anna bob"}, nil},
		{"without accents", Query{Text: "zoe angs"}, []string{"Zoë Ångström"}},
		{"with accents", Query{Text: "Zoë"}, []string{"Zoë Ångström"}},
		{"with a combining accent", Query{Text: "zoe\u0308"}, []string{"Zoë Ångström"}},
		{"other script", Query{Text: "юл"}, []string{"Юлия"}},
		{"address", Query{Text: "bob@other.net"}, []string{"Bob"}},
		{"part of an address", Query{Text: "bob@oth"}, []string{"Bob"}},
		{"whole URI", Query{Text: "sip:bob@other.net"}, []string{"Bob"}},
		{"account", Query{Text: "home"}, []string{"Юлия"}},
		{"number as stored", Query{Text: "+49301234567"}, []string{"Anna Meyer"}},
		{"number in groups", Query{Text: "+49 (30) 123"}, []string{"Anna Meyer"}},
		{"number without groups", Query{Text: "02219876"}, []string{"Юлия"}},
		{"middle of a word", Query{Text: "eyer"}, nil},
		{"only signs", Query{Text: "\"*()^:+-"}, nil},
		{"operators are words", Query{Text: "anna OR bob"}, nil},
		{"missed", Query{Missed: true}, []string{"Bob", "Anna Meyer"}},
		{"recorded", Query{Recorded: true}, []string{"Bob", "Zoë Ångström"}},
		{"missed and recorded", Query{Missed: true, Recorded: true}, []string{"Bob"}},
		{"missed and text", Query{Missed: true, Text: "anna"}, []string{"Anna Meyer"}},
		{"of an account", Query{Account: "home@example.net"}, []string{"Юлия"}},
		{"limit", Query{Limit: 1}, []string{"Юлия"}},
		{"outgoing", Query{Direction: Outgoing}, []string{"Bob"}},
		{"incoming and text", Query{Direction: Incoming, Text: "example"}, []string{"Юлия", "Zoë Ångström", "Anna Meyer"}},
		{"outcome", Query{Outcome: Busy}, []string{"Юлия"}},
		{"outcome and text", Query{Outcome: Busy, Text: "anna"}, nil},
		{"account and text", Query{Account: "home@example.net", Text: "юлия"}, []string{"Юлия"}},
		{"account and other text", Query{Account: "home@example.net", Text: "anna"}, nil},
		{"recorded and text", Query{Recorded: true, Text: "org"}, []string{"Zoë Ångström"}},
		{"who diverted", Query{Text: "recept"}, []string{"Zoë Ångström"}},
		{"note", Query{Text: "carol"}, []string{"Bob"}},
		{"tags are no text", Query{Text: "isin"}, nil},
		{"from", Query{From: moment(2)}, []string{"Юлия", "Bob"}},
		{"to", Query{To: moment(2)}, []string{"Zoë Ångström", "Anna Meyer"}},
		{"between, and text", Query{From: moment(1), To: moment(3), Text: "z"}, []string{"Zoë Ångström"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.Search(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, names(got)); diff != "" {
				t.Errorf("Search(%+v) (-want +got):\n%s", tt.q, diff)
			}
		})
	}
}

// The index must follow changes, or a renamed or deleted peer would be found.
func TestSearchFollowsChanges(t *testing.T) {
	h := newHistory(t)
	c := add(t, h, Call{Direction: Incoming, PeerName: "Before", PeerURI: "sip:x@y.z"})
	c.PeerName = "After"
	if err := h.Update(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	count := func(text string) int {
		t.Helper()
		got, err := h.Search(t.Context(), Query{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	if got := count("before"); got != 0 {
		t.Errorf("calls found by the old name = %d, want 0", got)
	}
	if got := count("after"); got != 1 {
		t.Errorf("calls found by the new name = %d, want 1", got)
	}
	if err := h.Delete(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if got := count("after"); got != 0 {
		t.Errorf("calls found after deletion = %d, want 0", got)
	}
}

// Many calls share one start; paging must show each exactly once.
func TestPaging(t *testing.T) {
	h := newHistory(t)
	for i := range 25 {
		add(t, h, Call{Direction: Incoming, PeerName: fmt.Sprint(i), Start: moment(i / 10), Outcome: Missed})
	}
	var got []string
	q := Query{Limit: 4, Missed: true}
	for {
		page, err := h.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, names(page)...)
		q.Before = page[len(page)-1].Cursor()
	}
	var want []string
	for i := 24; i >= 0; i-- {
		want = append(want, fmt.Sprint(i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all pages (-want +got):\n%s", diff)
	}
}

func TestMissedLastDialedClear(t *testing.T) {
	h := newHistory(t)
	ctx := t.Context()
	unseen := func(want int) {
		t.Helper()
		if got, err := h.UnseenMissed(ctx); err != nil || got != want {
			t.Errorf("UnseenMissed = %d, %v, want %d", got, err, want)
		}
	}
	if _, err := h.LastDialed(ctx); !errors.Is(err, ErrNoCall) {
		t.Errorf("LastDialed of nothing = %v, want %v", err, ErrNoCall)
	}
	var missed []Call
	for i := range 3 {
		missed = append(missed, add(t, h, Call{Direction: Incoming, Start: moment(i), Outcome: Missed}))
	}
	add(t, h, Call{Direction: Outgoing, PeerName: "older", Start: moment(1), Outcome: Answered})
	add(t, h, Call{Direction: Outgoing, PeerName: "newer", Start: moment(2), Outcome: Busy})
	add(t, h, Call{Direction: Incoming, PeerName: "now", Start: moment(3)})
	unseen(3)
	if err := h.MarkSeen(ctx, missed[0].ID); err != nil {
		t.Fatal(err)
	}
	unseen(2)
	if err := h.MarkAllSeen(ctx); err != nil {
		t.Fatal(err)
	}
	unseen(0)
	if got, err := h.LastDialed(ctx); err != nil || got.PeerName != "newer" {
		t.Errorf("LastDialed = %q, %v, want newer", got.PeerName, err)
	}
	if err := h.Clear(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := h.Search(ctx, Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"now"}, names(got)); diff != "" {
		t.Errorf("after Clear (-want +got):\n%s", diff)
	}
}

// Calls are forgotten by age, but not recordings and what goes on.
func TestForget(t *testing.T) {
	h := newHistory(t)
	for i, c := range []Call{
		{PeerName: "old", Outcome: Answered},
		{PeerName: "recorded", Outcome: Answered, Recording: "/r/1.wav"},
		{PeerName: "going on"},
		{PeerName: "at the bound", Outcome: Missed},
		{PeerName: "new", Outcome: Missed},
	} {
		c.Direction, c.Start = Incoming, moment(i)
		add(t, h, c)
	}
	if n, err := h.Forget(t.Context(), moment(3)); err != nil || n != 1 {
		t.Errorf("Forget = %d, %v, want 1", n, err)
	}
	got, err := h.Search(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new", "at the bound", "going on", "recorded"}, names(got)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// A filter that changes is found by its new value.
func TestFilterFollowsOutcome(t *testing.T) {
	h := newHistory(t)
	c := add(t, h, Call{Direction: Incoming, PeerName: "Anna", Start: moment(0)})
	c.Outcome, c.Recording, c.Start = Missed, "/r/1.wav", moment(9)
	if err := h.Update(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	got, err := h.Search(t.Context(), Query{Text: "anna", Missed: true, Recorded: true, From: moment(5)})
	if err != nil || len(got) != 1 {
		t.Errorf("Search = %v, %v, want the call", got, err)
	}
}

func TestClosedHistory(t *testing.T) {
	h := newHistory(t)
	h.close()
	if _, err := h.Add(t.Context(), Call{Direction: Incoming}); !errors.Is(err, ErrClosed) {
		t.Errorf("Add after close = %v, want %v", err, ErrClosed)
	}
	if _, err := h.Search(t.Context(), Query{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Search after close = %v, want %v", err, ErrClosed)
	}
}

func FuzzHistoryQuery(f *testing.F) {
	for _, s := range []string{
		"", " ", "anna", `"`, `""`, "a*", "a OR b", "NEAR(a b)", "peer_name:x", "^a", "a + b", "(", "-a", "{a b}:c",
		"\x00", "a\x00b", "\xff\xfe", "+49 30", "Å\u030a", "\u0300", "日本", "🎧", "½", "a\u200db", strings.Repeat("a ", 300),
		strings.Repeat("ü", 400), "ﬀ", "١٢٣", "'; DROP TABLE calls; --", "a\"b*", "\u2028", "1 2", "0\u03400", "a\u19b0b", "a\u1cf2b",
	} {
		f.Add(s)
	}
	h := newHistory(f)
	add(f, h, Call{Direction: Incoming, PeerName: "Anna", PeerURI: "sip:anna@example.org"})
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := h.Search(context.Background(), Query{Text: text}); err != nil {
			t.Errorf("Search(%q): %v", text, err)
		}
	})
}
