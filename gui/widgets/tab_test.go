package widgets

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"parley/icons"
)

func TestTabCountsAndIsPressedByKeys(t *testing.T) {
	test.NewTempApp(t)
	pressed := 0
	tab := NewTab(icons.Recent, "Recent", func() { pressed++ })
	w := test.NewTempWindow(t, tab)
	plain := tab.MinSize()
	if plain.Height < 32 {
		t.Errorf("a tab is %v high, want at least 32", plain.Height)
	}
	for n, want := range map[int]string{0: "", -1: "", 1: "1", 99: "99", 100: "99+"} {
		tab.SetCount(n)
		if got := tab.Badge(); got != want {
			t.Errorf("%d is shown as %q, want %q", n, got, want)
		}
		if tab.badge.Visible() != (want != "") || tab.MinSize().Width > plain.Width != (want != "") {
			t.Errorf("with %d the badge is visible: %t, and the tab asks for %v", n, tab.badge.Visible(), tab.MinSize())
		}
	}
	w.Canvas().Focus(tab)
	tab.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	test.Tap(tab)
	if pressed != 2 {
		t.Errorf("it was pressed %d times, want 2", pressed)
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Anna Meyer": "AM", "ärne  von der Wiese": "ÄW", "Bob": "B", "+49 30": "#", "": "#", "School 12": "S", "陳 大文": "陳大",
	} {
		if got := Initials(name); got != want {
			t.Errorf("the letters of %q are %q, want %q", name, got, want)
		}
	}
}

func TestPhotoShowsPictureOrLetters(t *testing.T) {
	test.NewTempApp(t)
	p := NewPhoto(28)
	test.NewTempWindow(t, p)
	p.Set("Anna Meyer", nil)
	if p.image.Visible() || !p.letters.Visible() || p.letters.Text() != "AM" {
		t.Error("without a picture there are no letters")
	}
	p.Set("Anna Meyer", fyne.NewStaticResource("a.svg", icons.Star.SVG()))
	if !p.image.Visible() || p.letters.Visible() {
		t.Error("the picture is not shown")
	}
}

// A long note takes no more than the title leaves, and a long title leaves a third.
func TestRowSharesItsRoom(t *testing.T) {
	test.NewTempApp(t)
	r := NewRow(icons.Call)
	w := test.NewTempWindow(t, r)
	w.SetPadded(false)
	long := "a text that is much longer than any row of a list can ever be"
	for _, c := range []RowContent{
		{Icon: icons.Call, Title: "Bob", Note: long},
		{Icon: icons.Call, Title: long, Note: "x"},
		{Person: true, Star: true, Title: long, Note: long},
	} {
		r.Set(c)
		r.Resize(fyne.NewSize(380, 36))
		title, note := r.titleText, r.noteText
		end := title.Position().X + title.Size().Width
		if c.Title == "Bob" && note.Position().X > end+9 || end > note.Position().X || note.Position().X+note.Size().Width > 345 {
			t.Errorf("%.10s…/%.10s…: the title ends at %v, the note goes from %v on for %v", c.Title, c.Note, end, note.Position().X, note.Size().Width)
		}
		if c.Title == long && title.Size().Width < 150 {
			t.Errorf("a long title gets only %v", title.Size().Width)
		}
	}
}
