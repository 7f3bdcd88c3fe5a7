package storage

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	keyA = strings.Repeat("a1", 32)
	keyB = strings.Repeat("b2", 32)
	noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
)

func openKeys(t testing.TB, path string) *NeighbourKeys {
	t.Helper()
	n, err := openNeighbours(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newKeys returns a list whose file has some content, or is not there.
func newKeys(t testing.TB, content string) *NeighbourKeys {
	t.Helper()
	path := filepath.Join(t.TempDir(), neighboursName)
	if content != "" {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return openKeys(t, path)
}

func TestRemember(t *testing.T) {
	n := newKeys(t, "")
	for _, r := range []struct {
		id, key, name, host string
		at                  time.Time
	}{
		{"id-2", keyB, "bob", "", noon},
		{"id-1", strings.ToUpper(keyA), "Anna \"ä\"", "annas-laptop", noon.Add(999 * time.Millisecond).Local()},
		{"id-1", keyA, "", "annas-desk", noon.Add(time.Hour)},
		{"id-1", keyA, "Anna 🎧", "", noon.Add(-time.Hour)},
	} {
		if err := n.Remember(r.id, r.key, r.name, r.host, r.at); err != nil {
			t.Fatalf("Remember(%q): %v", r.id, err)
		}
	}
	want := []NeighbourKey{
		{ID: "id-1", Key: keyA, Name: "Anna 🎧", Host: "annas-desk", First: noon, Last: noon.Add(time.Hour)},
		{ID: "id-2", Key: keyB, Name: "bob", First: noon, Last: noon},
	}
	if diff := cmp.Diff(want, n.List()); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	again := openKeys(t, n.path)
	if diff := cmp.Diff(want, again.List()); diff != "" || len(again.Problems()) > 0 {
		t.Errorf("after reopening: %v (-want +got):\n%s", again.Problems(), diff)
	}
	if k, ok := again.Get("id-2"); !ok || k != want[1] {
		t.Errorf("Get = %+v, %v, want %+v", k, ok, want[1])
	}
	if info, err := os.Stat(n.path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v, want mode 600", info, err)
	}
	if text := readText(t, n.path); !strings.HasPrefix(text, "# By which keys") || !strings.Contains(text, "\n[[neighbours]]\nid = \"id-1\"\n") {
		t.Errorf("the file does not say what it is:\n%s", text)
	}
}

func TestRememberNeverReplacesAKey(t *testing.T) {
	n := newKeys(t, "")
	ok(t, n.Remember("id-1", keyA, "Anna", "", noon))
	before := readText(t, n.path)
	if err := n.Remember("id-1", keyB, "Mallory", "", noon.Add(time.Hour)); !errors.Is(err, ErrOtherKey) {
		t.Errorf("Remember with another key = %v, want %v", err, ErrOtherKey)
	}
	if k, _ := n.Get("id-1"); k.Key != keyA || k.Name != "Anna" || k.Last != noon {
		t.Errorf("another key changed the neighbour: %+v", k)
	}
	if after := readText(t, n.path); after != before {
		t.Errorf("another key changed the file:\n%s", after)
	}
	ok(t, n.Forget("id-1"))
	ok(t, n.Remember("id-1", keyB, "Mallory", "", noon))
	if k, _ := n.Get("id-1"); k.Key != keyB {
		t.Errorf("after Forget the key is %q, want the new one", k.Key)
	}
}

func TestRememberRefuses(t *testing.T) {
	n := newKeys(t, "")
	for _, r := range []struct{ id, key, field string }{
		{"", keyA, "id"},
		{"a\nb", keyA, "id"},
		{"\xff", keyA, "id"},
		{strings.Repeat("x", maxNeighbourID+1), keyA, "id"},
		{"a", "", "key"},
		{"a", keyA[1:], "key"},
		{"a", keyA[1:] + "g", "key"},
		{"a", keyA + "00", "key"},
	} {
		var ve *ValueError
		if err := n.Remember(r.id, r.key, "", "", noon); !errors.As(err, &ve) || ve.Key != r.field {
			t.Errorf("Remember(%q, %q) = %v, want a ValueError about %s", r.id, r.key, err, r.field)
		}
	}
	ok(t, n.Remember("a", keyA, "An\r\nna\x00"+strings.Repeat("ü", maxNeighbourText), "\xff", noon))
	if k, _ := n.Get("a"); k.Name != "Anna"+strings.Repeat("ü", (maxNeighbourText-4)/2) || k.Host != "" {
		t.Errorf("names were kept as %q and %q", k.Name, k.Host)
	}
	if err := n.Forget("b"); !errors.Is(err, ErrNoNeighbour) {
		t.Errorf("Forget of nobody = %v, want %v", err, ErrNoNeighbour)
	}
	n.close()
	if err := n.Remember("b", keyB, "", "", noon); !errors.Is(err, ErrClosed) {
		t.Errorf("Remember after Close = %v, want %v", err, ErrClosed)
	}
	if err := n.Forget("a"); !errors.Is(err, ErrClosed) {
		t.Errorf("Forget after Close = %v, want %v", err, ErrClosed)
	}
}

func TestRememberIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range maxNeighbours + 2 {
		fmt.Fprintf(&b, "[[neighbours]]\nid='n%05d'\nkey='%s'\nname='%s'\n", i, keyA, strings.Repeat("x", maxNeighbourText))
	}
	n := newKeys(t, b.String())
	if got := len(n.List()); got != maxNeighbours {
		t.Fatalf("%d neighbours were read, want %d", got, maxNeighbours)
	}
	if p := n.Problems(); len(p) != 2 || p[0].Kept == "" {
		t.Errorf("Problems = %v, want one for each of the two that were left out", p)
	}
	if err := n.Remember("one more", keyA, "", "", noon); !errors.Is(err, ErrTooManyNeighbours) {
		t.Errorf("Remember = %v, want %v", err, ErrTooManyNeighbours)
	}
	ok(t, n.Remember("n00000", keyA, "still known", "", noon))
	ok(t, n.Forget("n00001"))
	ok(t, n.Remember("one more", keyA, "", "", noon))
	again := openKeys(t, n.path)
	if diff := cmp.Diff(n.List(), again.List()); diff != "" || len(again.Problems()) > 0 {
		t.Errorf("after reopening: %v (-want +got):\n%s", again.Problems(), diff)
	}
}

// What is not written does not count.
func TestRememberThatCannotBeWritten(t *testing.T) {
	n := newKeys(t, "")
	ok(t, n.Remember("a", keyA, "Anna", "", noon))
	n.path = filepath.Join(filepath.Dir(n.path), "no such folder", neighboursName)
	for _, try := range []func() error{
		func() error { return n.Remember("b", keyB, "", "", noon) },
		func() error { return n.Remember("a", keyA, "Anne", "", noon) },
		func() error { return n.Forget("a") },
	} {
		var pe *ProfileError
		if err := try(); !errors.As(err, &pe) {
			t.Errorf("%v, want a ProfileError", err)
		}
	}
	if got := n.List(); len(got) != 1 || got[0].Name != "Anna" {
		t.Errorf("List = %+v, want what is on the disk", got)
	}
}

const badNeighbours = `version = 1
colour = "red"

[[neighbours]]
id = "good-1"
key = "KEY"
first = "2026-05-31T12:00:00Z"
last = "yesterday"
shoe = 43

[[neighbours]]
id = "short-key"
key = "abc"

[[neighbours]]
id = "no-key"
key = "KEY

[[neighbours]]
id = "good-1"
key = "OTHER"

[things]
x = 1

[[neighbours]]
key = "KEY"

[[neighbours]]
id = "good-2"
key = "KEY"
name = 7
first = "2027-05-31T12:00:00+02:00"
last = "2026-05-31T12:00:00Z"
`

func TestBrokenNeighbours(t *testing.T) {
	n := newKeys(t, strings.NewReplacer("KEY", keyA, "OTHER", keyB).Replace(badNeighbours))
	later := time.Date(2027, 5, 31, 10, 0, 0, 0, time.UTC)
	want := []NeighbourKey{{ID: "good-1", Key: keyA, First: noon, Last: noon}, {ID: "good-2", Key: keyA, First: later, Last: later}}
	if diff := cmp.Diff(want, n.List()); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	var got []string
	for _, p := range n.Problems() {
		if p.File != n.path || p.Kept == "" {
			t.Errorf("problem without its files: %+v", p)
		}
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Text))
	}
	wantProblems := []string{
		`17 syntax error: `,
		`2 "colour" is not known; it is left out`,
		`9 "shoe" is not known; it is left out`,
		`8 last must be a time such as 2026-05-31T12:00:00Z, not "yesterday"; it is left out`,
		`13 key must be 64 hexadecimal digits, not "abc"; the neighbour is left out, and trusted anew at the next call`,
		`15 a neighbour without key is left out, and trusted anew at the next call`,
		`19 neighbour "good-1" is there with another key already; this one is left out`,
		`23 there is no section "things"; it is left out`,
		`26 a neighbour without id is left out, and trusted anew at the next call`,
		`32 name must be text without control characters, at most 128 bytes, not 7; it is left out`,
	}
	for i, want := range wantProblems {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("problems = %q,\nwant number %d to be %q", got, i, want)
			break
		}
	}
	// Nothing of the file is lost when it is written anew.
	before := readText(t, n.path)
	ok(t, n.Remember("new", keyB, "", "", noon))
	if kept := readText(t, n.Problems()[0].Kept); kept != before {
		t.Errorf("the copy that was kept differs:\n%s", kept)
	}
	if again := openKeys(t, n.path); len(again.Problems()) > 0 || len(again.List()) != 3 {
		t.Errorf("after writing: %v, %+v", again.Problems(), again.List())
	}
}

// A person may edit the file while Parley runs; what they wrote is not lost.
func TestNeighboursEditedMeanwhile(t *testing.T) {
	n := newKeys(t, "")
	ok(t, n.Remember("a", keyA, "", "", noon))
	edited := "# mine\n"
	if err := os.WriteFile(n.path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, n.Remember("b", keyB, "", "", noon))
	p := n.Problems()
	if len(p) != 1 || readText(t, p[0].Kept) != edited {
		t.Errorf("Problems = %v, want one that names the copy", p)
	}
	if got := openKeys(t, n.path).List(); len(got) != 2 {
		t.Errorf("List after reopening = %+v, want two", got)
	}
}

// Without the list, whoever takes a neighbour's place would be trusted.
func TestUnreadableNeighbours(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, neighboursName), 0o700); err != nil {
		t.Fatal(err)
	}
	var pe *ProfileError
	if p, err := Open(dir, Options{}); !errors.As(err, &pe) || pe.Fix == "" {
		if err == nil {
			p.Close()
		}
		t.Errorf("Open = %v, want a ProfileError that says what to do", err)
	}
}

func TestNeighboursOfAProfile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, neighboursName), []byte("x = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := openProfile(t, dir, Options{})
	if got := p.Problems(); len(got) != 1 || got[0].Key != "x" {
		t.Errorf("Problems = %v, want one about x", got)
	}
	ok(t, p.Neighbours().Remember("a", keyA, "", "", noon))
	ok(t, p.Close())
	if err := p.Neighbours().Remember("b", keyA, "", "", noon); !errors.Is(err, ErrClosed) {
		t.Errorf("Remember after Close = %v, want %v", err, ErrClosed)
	}
}

func TestInstanceOf(t *testing.T) {
	p := openProfile(t, t.TempDir(), Options{})
	cert, err := p.Identity()
	ok(t, err)
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	ok(t, err)
	id, err := p.InstanceID()
	ok(t, err)
	if got := InstanceOf(leaf); "urn:uuid:"+got != id || got[14] != '8' || len(got) != 36 {
		t.Errorf("InstanceOf = %q, want that of %q, a UUID of version 8", got, id)
	}
}

func FuzzNeighbours(f *testing.F) {
	for _, s := range []string{
		"", "version = 2\n", "[[neighbours]]\nid='a'\nkey='" + keyA + "'\n", "neighbours = [{id='a', key='" + keyA + "', first='2026-05-31T12:00:00Z'}, 1]",
		"[neighbours]\nid='a'\nkey='" + keyA + "'\nlast='0000-12-31T23:00:00-12:00'\n", strings.NewReplacer("KEY", keyA, "OTHER", keyB).Replace(badNeighbours),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first := loadNeighbours(data)
		if len(first.problems) > maxProblems+1 || len(first.problems) == 0 && first.lossy {
			t.Fatalf("%d problems, lossy = %v", len(first.problems), first.lossy)
		}
		n := &NeighbourKeys{known: first.known}
		saved := renderNeighbours(n.sorted())
		second := loadNeighbours(saved)
		if diff := cmp.Diff(first.known, second.known); diff != "" || len(second.problems) > 0 {
			t.Fatalf("load(save(load(x))): %v (-want +got):\n%s\nsaved:\n%s", second.problems, diff, saved)
		}
	})
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
