package widgets

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	fynetheme "fyne.io/fyne/v2/theme"
)

// TestChipMakesRoom changes to a longer title, which has the whole width.
func TestChipMakesRoom(t *testing.T) {
	test.NewTempApp(t)
	c := NewChip(nil)
	w := test.NewTempWindow(t, c)
	c.Set(fynetheme.ColorNameSuccess, "Me", "Ready")
	w.Resize(fyne.NewSize(400, 60))
	const title = "alice.liddell@example.org"
	c.Set(fynetheme.ColorNameSuccess, title, "Ready")
	if got := c.title.shown.Text; got != title {
		t.Errorf("a chip of 400 shows %q, want %q", got, title)
	}
}
