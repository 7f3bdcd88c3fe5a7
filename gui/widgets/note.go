package widgets

import (
	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// The room that the toolkit leaves around text at each side.
const (
	richX = 7
	richY = 4
)

// Note is text that goes over as many lines as it needs, without padding.
type Note struct {
	widget.BaseWidget

	segment *widget.TextSegment
	rich    *widget.RichText
}

// NewNote returns a note in small type.
func NewNote(text string, c fyne.ThemeColorName) *Note {
	return newNote(text, widget.RichTextStyle{ColorName: c, SizeName: fynetheme.SizeNameCaptionText})
}

// NewParagraph returns a note in the size of other text.
func NewParagraph(text string, c fyne.ThemeColorName) *Note {
	return newNote(text, widget.RichTextStyle{ColorName: c, SizeName: fynetheme.SizeNameText})
}

func newNote(text string, style widget.RichTextStyle) *Note {
	n := &Note{segment: &widget.TextSegment{Text: text, Style: style}}
	n.rich = widget.NewRichText(n.segment)
	n.rich.Wrapping = fyne.TextWrapWord
	n.ExtendBaseWidget(n)
	return n
}

// Set changes the text.
func (n *Note) Set(text string) {
	if n.segment.Text != text {
		n.segment.Text = text
		n.rich.Refresh()
	}
}

// SetColored changes text and color.
func (n *Note) SetColored(text string, c fyne.ThemeColorName) {
	if n.segment.Text != text || n.segment.Style.ColorName != c {
		n.segment.Text, n.segment.Style.ColorName = text, c
		n.rich.Refresh()
	}
}

// Center puts every line into the middle.
func (n *Note) Center() { n.segment.Style.Alignment = fyne.TextAlignCenter }

// Text returns what the note says.
func (n *Note) Text() string { return n.segment.Text }

// CreateRenderer is called by the toolkit.
func (n *Note) CreateRenderer() fyne.WidgetRenderer {
	s := &simple{objects: []fyne.CanvasObject{n.rich}, refresh: n.rich.Refresh}
	s.layout = func(size fyne.Size) {
		place(n.rich, -richX, -richY, size.Width+2*richX, size.Height+2*richY)
	}
	s.min = func() fyne.Size {
		m := n.rich.MinSize()
		return fyne.NewSize(max(m.Width-2*richX, 0), max(m.Height-2*richY, 0))
	}
	return s
}
