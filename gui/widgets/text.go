package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Text is one line without any padding that ends in "…" where it does not fit.
type Text struct {
	widget.BaseWidget

	Color    fyne.ThemeColorName // empty: that of text
	SizeName fyne.ThemeSizeName  // empty: that of text
	Bold     bool
	Align    fyne.TextAlign
	Shrinks  bool // may be narrower than what it says

	text  string
	shown *canvas.Text
}

// NewText returns a line that keeps its width.
func NewText(text string, c fyne.ThemeColorName) *Text {
	t := &Text{text: text, Color: c, shown: canvas.NewText("", nil)}
	t.ExtendBaseWidget(t)
	return t
}

// NewTitle returns a bold line that shrinks.
func NewTitle(text string) *Text {
	t := NewText(text, "")
	t.Bold, t.Shrinks = true, true
	return t
}

// NewCaption returns a small, quiet line that shrinks.
func NewCaption(text string) *Text {
	t := NewText(text, fynetheme.ColorNamePlaceHolder)
	t.SizeName, t.Shrinks = fynetheme.SizeNameCaptionText, true
	return t
}

// Set changes the text; nothing is drawn anew if it is the same.
func (t *Text) Set(text string) {
	if t.text != text {
		t.text = text
		t.Refresh()
	}
}

// SetColored changes text and color.
func (t *Text) SetColored(text string, c fyne.ThemeColorName) {
	if t.text != text || t.Color != c {
		t.text, t.Color = text, c
		t.Refresh()
	}
}

// Text returns the whole text, whatever fits.
func (t *Text) Text() string { return t.text }

func (t *Text) style() fyne.TextStyle { return fyne.TextStyle{Bold: t.Bold} }

func (t *Text) size() float32 {
	if t.SizeName == "" {
		return t.Theme().Size(fynetheme.SizeNameText)
	}
	return t.Theme().Size(t.SizeName)
}

// CreateRenderer is called by the toolkit.
func (t *Text) CreateRenderer() fyne.WidgetRenderer {
	s := &simple{objects: []fyne.CanvasObject{t.shown}}
	s.layout = func(size fyne.Size) {
		t.shown.Resize(size)
		t.fit(size.Width)
	}
	s.min = func() fyne.Size {
		m := fyne.MeasureText(t.text, t.size(), t.style())
		if t.text == "" {
			m = fyne.NewSize(0, fyne.MeasureText("0", t.size(), t.style()).Height)
		}
		if t.Shrinks {
			m.Width = min(m.Width, t.size()*2)
		}
		return m
	}
	s.refresh = func() { t.fit(t.BaseWidget.Size().Width) }
	t.fit(0)
	return s
}

// fit cuts the text to width and gives it the theme's colors.
func (t *Text) fit(width float32) {
	name := t.Color
	if name == "" {
		name = fynetheme.ColorNameForeground
	}
	t.shown.Color = t.Theme().Color(name, fyne.CurrentApp().Settings().ThemeVariant())
	t.shown.TextSize, t.shown.TextStyle, t.shown.Alignment = t.size(), t.style(), t.Align
	t.shown.Text = t.cut(width)
	t.shown.Refresh()
}

func (t *Text) cut(width float32) string {
	measure := func(s string) float32 { return fyne.MeasureText(s, t.size(), t.style()).Width }
	if width <= 0 || measure(t.text) <= width+0.5 {
		return t.text
	}
	runes := []rune(t.text)
	low, high := 0, len(runes) // as many as fit
	for low < high {
		middle := (low + high + 1) / 2
		if measure(string(runes[:middle])+"…") <= width {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return string(runes[:low]) + "…"
}
