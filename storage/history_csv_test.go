package storage

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExportCalls(t *testing.T) {
	h := newHistory(t)
	for i, c := range []Call{
		{PeerName: "=HYPERLINK(\"http://evil.example\")", PeerURI: "sip:a@b.c", Outcome: Answered, Answered: moment(1), End: moment(63)},
		{PeerName: "Ünal, \"A\"\nB", PeerURI: "+49 30 1234567", Outcome: Missed, Via: "@SUM(1)", Note: "-1+1"},
	} {
		c.Direction, c.Start = Incoming, moment(i)
		add(t, h, c)
	}
	path := filepath.Join(t.TempDir(), "calls.csv")
	if n, err := h.Export(t.Context(), path, Query{Limit: 1}, false); err != nil || n != 2 {
		t.Fatalf("Export = %d, %v, want 2", n, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range callColumns {
		names = append(names, c.name)
	}
	want := [][]string{
		names,
		{"2026-03-01T12:00:01Z", "", "", "0", "in", "missed", "Ünal, \"A\"\nB", "+49 30 1234567", "", "'@SUM(1)", "'-1+1", "0", "", "", "", ""},
		{"2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z", "2026-03-01T12:01:03Z", "62", "in", "answered", "'=HYPERLINK(\"http://evil.example\")", "sip:a@b.c", "", "", "", "0", "", "", "", ""},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(text), "\r\n") {
		t.Error("lines do not end as RFC 4180 says")
	}
	if _, err := h.Export(t.Context(), path, Query{}, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Export over a file = %v, want %v", err, fs.ErrExist)
	}
	if n, err := h.Export(t.Context(), path, Query{Missed: true}, true); err != nil || n != 1 {
		t.Errorf("Export with overwriting = %d, %v, want 1", n, err)
	}
	var ve *ValueError
	if _, err := h.Export(t.Context(), "calls.csv", Query{}, true); !errors.As(err, &ve) {
		t.Errorf("Export to a relative path = %v, want a ValueError", err)
	}
	h.close()
	if _, err := h.Export(t.Context(), path, Query{}, true); !errors.Is(err, ErrClosed) {
		t.Errorf("Export of a closed history = %v, want %v", err, ErrClosed)
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(files) != 1 {
		t.Errorf("after a failure there are %v", files)
	}
}
