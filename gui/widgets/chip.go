package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Dot is a small disk that shows a state beside the word for it.
type Dot struct {
	widget.BaseWidget

	color fyne.ThemeColorName
	disk  *canvas.Circle
}

// NewDot returns a disk.
func NewDot(c fyne.ThemeColorName) *Dot {
	d := &Dot{color: c, disk: canvas.NewCircle(color.Transparent)}
	d.ExtendBaseWidget(d)
	return d
}

// Set changes the color.
func (d *Dot) Set(c fyne.ThemeColorName) {
	if d.color != c {
		d.color = c
		d.Refresh()
	}
}

// CreateRenderer is called by the toolkit.
func (d *Dot) CreateRenderer() fyne.WidgetRenderer {
	s := &simple{objects: []fyne.CanvasObject{d.disk}}
	s.layout = func(size fyne.Size) { place(d.disk, (size.Width-10)/2, (size.Height-10)/2, 10, 10) }
	s.min = func() fyne.Size { return fyne.NewSize(12, 12) }
	s.refresh = func() {
		d.disk.FillColor = d.Theme().Color(d.color, fyne.CurrentApp().Settings().ThemeVariant())
		d.disk.Refresh()
	}
	s.refresh()
	return s
}

// Chip shows a state as dot, title and word, and opens a list when pressed.
type Chip struct {
	pressable

	dot   *Dot
	title *Text
	word  *Text
	arrow *canvas.Image
}

// NewChip returns a chip. Without a word it has one line.
func NewChip(tapped func()) *Chip {
	c := &Chip{
		dot: NewDot(fynetheme.ColorNameDisabled), title: NewTitle(""), word: NewCaption(""),
		arrow: canvas.NewImageFromResource(fynetheme.MenuDropDownIcon()),
	}
	c.OnTapped = tapped
	c.init(c)
	return c
}

// Set changes what the chip shows.
func (c *Chip) Set(dot fyne.ThemeColorName, title, word string) {
	relayout := (c.word.text == "") != (word == "") || c.title.text != title
	c.dot.Set(dot)
	c.title.Set(title)
	c.word.Set(word)
	if relayout {
		c.Refresh()
	}
}

// Title returns the title.
func (c *Chip) Title() string { return c.title.text }

// Word returns the word below the title.
func (c *Chip) Word() string { return c.word.text }

// KeepWidth makes the chip as wide as its title.
func (c *Chip) KeepWidth() { c.title.Shrinks, c.title.Bold = false, false }

// Plain takes the arrow away: the chip opens something, but no list.
func (c *Chip) Plain() { c.arrow.Hide() }

// CreateRenderer is called by the toolkit.
func (c *Chip) CreateRenderer() fyne.WidgetRenderer {
	c.arrow.FillMode = canvas.ImageFillContain
	s := &simple{objects: []fyne.CanvasObject{c.background, c.hover, c.dot, c.title, c.word, c.arrow}}
	s.layout = c.layout
	s.min = func() fyne.Size {
		m := c.title.MinSize()
		h := m.Height
		if c.word.text != "" {
			h += c.word.MinSize().Height
		}
		return fyne.NewSize(m.Width+12+18+16, max(h+6, 34))
	}
	s.refresh = func() { c.paint(); c.layout(c.BaseWidget.Size()) }
	c.paint()
	return s
}

func (c *Chip) layout(size fyne.Size) {
	place(c.background, 0, 0, size.Width, size.Height)
	place(c.hover, 0, 0, size.Width, size.Height)
	th := c.title.MinSize().Height
	top := (size.Height - th) / 2
	if c.word.text != "" {
		wh := c.word.MinSize().Height
		top = (size.Height - th - wh) / 2
		place(c.word, 22, top+th, max(size.Width-26, 0), wh)
	}
	place(c.dot, 6, top, 12, th)
	width := max(size.Width-22-18, 0)
	if w := fyne.MeasureText(c.title.text, c.title.size(), c.title.style()).Width; w < width {
		width = w
	}
	place(c.title, 22, top, width+1, th)
	place(c.arrow, 22+width+1, top+(th-16)/2, 16, 16)
}
