package widgets

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"parley/icons"
)

func TestTextIsCutToItsPlace(t *testing.T) {
	test.NewTempApp(t)
	text := NewTitle("A name much too long for its place")
	w := test.NewTempWindow(t, text)
	w.SetPadded(false)
	for _, width := range []float32{20, 60, 120, 500} {
		text.Resize(fyne.NewSize(width, 20))
		got := text.shown.Text
		if m := fyne.MeasureText(got, text.size(), text.style()).Width; m > width+1 {
			t.Errorf("at width %v the text is %q, which is %v wide", width, got, m)
		}
		if cut := got != text.Text(); cut != (width < 500) {
			t.Errorf("at width %v the text is %q", width, got)
		}
	}
	if m := text.MinSize().Width; m > 40 {
		t.Errorf("a text that shrinks asks for %v", m)
	}
}

func TestLongZeroIsPlus(t *testing.T) {
	test.NewTempApp(t)
	var got []rune
	clock := time.Unix(0, 0)
	for _, tt := range []struct {
		digit rune
		held  time.Duration
		want  rune
	}{
		{'0', 0, '0'}, {'0', longPress, '+'}, {'0', longPress - 1, '0'}, {'5', time.Second, '5'}, {'#', 0, '#'},
	} {
		k := newKey(tt.digit, func(r rune) { got = append(got, r) })
		k.now = func() time.Time { return clock }
		k.MouseDown(nil)
		clock = clock.Add(tt.held)
		k.MouseUp(nil)
		test.Tap(k)
		if last := got[len(got)-1]; last != tt.want {
			t.Errorf("%c held for %v typed %c, want %c", tt.digit, tt.held, last, tt.want)
		}
	}
}

func TestTileIsPressedByPointerAndKeys(t *testing.T) {
	test.NewTempApp(t)
	n := 0
	tile := NewTile(icons.Hold, "Hold", func() { n++ })
	test.Tap(tile)
	for _, key := range []fyne.KeyName{fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter, fyne.KeyLeft} {
		tile.TypedKey(&fyne.KeyEvent{Name: key})
	}
	if n != 4 {
		t.Errorf("the tile was pressed %d times, want 4", n)
	}
	tile.SetEnabled(false)
	test.Tap(tile)
	if n != 4 || !tile.Disabled() {
		t.Error("a disabled tile takes presses")
	}
}

func TestTargetsAreLargeEnough(t *testing.T) {
	test.NewTempApp(t)
	chip := NewChip(nil)
	chip.Set("success", "Ready", "")
	for name, o := range map[string]fyne.CanvasObject{
		"tile": NewTile(icons.Hold, "Hold", nil), "key": newKey('1', nil), "chip": chip, "row": NewRow(icons.Call),
	} {
		if m := o.MinSize(); m.Width < 32 || m.Height < 32 {
			t.Errorf("%s measures %v, want at least 32×32", name, m)
		}
	}
}

func TestMeter(t *testing.T) {
	test.NewTempApp(t)
	m := NewMeter()
	for _, tt := range []struct {
		level float32
		lit   int
		drawn bool
	}{{0, 0, false}, {0.1, 4, true}, {0.11, 4, false}, {1, meterSteps, true}, {-1, 0, true}} {
		if drawn := m.Set(tt.level); drawn != tt.drawn || m.Lit() != tt.lit {
			t.Errorf("Set(%v) lit %d, drawn %t, want %d, %t", tt.level, m.Lit(), drawn, tt.lit, tt.drawn)
		}
	}
}

func TestRowReportsWhatIsDone(t *testing.T) {
	test.NewTempApp(t)
	var got []string
	r := NewRow(icons.Call)
	r.OnTapped = func() { got = append(got, "tap") }
	r.OnDouble = func() { got = append(got, "double") }
	r.OnAction = func() { got = append(got, "call") }
	r.OnMenu = func(fyne.Position) { got = append(got, "menu") }
	test.NewTempWindow(t, r)
	test.Tap(r)
	test.DoubleTap(r)
	test.TapSecondary(r)
	test.Tap(r.action)
	want := []string{"tap", "double", "menu", "call"}
	if len(got) != len(want) {
		t.Fatalf("the row reported %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("the row reported %v, want %v", got, want)
		}
	}
}
