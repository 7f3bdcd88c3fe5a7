package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/theme"
)

// Card puts its content on a surface of its own, with a bar at the left in the
// color of a state.
type Card struct {
	widget.BaseWidget

	OnDouble func()

	content fyne.CanvasObject
	color   fyne.ThemeColorName
	surface *canvas.Rectangle
	bar     *canvas.Rectangle
}

// NewCard returns a card around content.
func NewCard(content fyne.CanvasObject, bar fyne.ThemeColorName) *Card {
	c := &Card{
		content: content, color: bar,
		surface: canvas.NewRectangle(color.Transparent), bar: canvas.NewRectangle(color.Transparent),
	}
	c.ExtendBaseWidget(c)
	return c
}

// SetBar changes the color of the bar.
func (c *Card) SetBar(bar fyne.ThemeColorName) {
	if c.color != bar {
		c.color = bar
		c.Refresh()
	}
}

// DoubleTapped is called by the toolkit.
func (c *Card) DoubleTapped(*fyne.PointEvent) {
	if c.OnDouble != nil {
		c.OnDouble()
	}
}

// CreateRenderer is called by the toolkit.
func (c *Card) CreateRenderer() fyne.WidgetRenderer {
	const pad, bar = 7, 4
	s := &simple{objects: []fyne.CanvasObject{c.surface, c.bar, c.content}}
	s.layout = func(size fyne.Size) {
		place(c.surface, 0, 0, size.Width, size.Height)
		place(c.bar, 0, 0, bar, size.Height)
		place(c.content, bar+pad, pad, size.Width-bar-2*pad, size.Height-2*pad)
	}
	s.min = func() fyne.Size { return c.content.MinSize().Add(fyne.NewSize(bar+2*pad, 2*pad)) }
	s.refresh = func() {
		v := fyne.CurrentApp().Settings().ThemeVariant()
		c.surface.FillColor = c.Theme().Color(theme.ColorSurface, v)
		c.surface.StrokeColor, c.surface.StrokeWidth = c.Theme().Color(fynetheme.ColorNameSeparator, v), 1
		c.surface.CornerRadius, c.bar.CornerRadius = 4, 2
		c.bar.FillColor = c.Theme().Color(c.color, v)
		c.surface.Refresh()
		c.bar.Refresh()
		s.layout(c.BaseWidget.Size())
		c.content.Refresh()
	}
	v := fyne.CurrentApp().Settings().ThemeVariant()
	c.surface.FillColor = c.Theme().Color(theme.ColorSurface, v)
	c.surface.StrokeColor, c.surface.StrokeWidth = c.Theme().Color(fynetheme.ColorNameSeparator, v), 1
	c.surface.CornerRadius, c.bar.CornerRadius = 4, 2
	c.bar.FillColor = c.Theme().Color(c.color, v)
	return s
}
