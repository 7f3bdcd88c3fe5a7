// Package widgets holds what the toolkit lacks: rows, tiles, cards, level
// meters and the dial pad. They show what they are given and report what a
// person does; they know nothing of calls.
package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// pressable is the part that all of our buttons share: it is pressed with the
// pointer, Space or Enter, shows hover and focus, and can be disabled.
type pressable struct {
	widget.BaseWidget

	OnTapped func()

	disabled, focused, hovered bool
	fill                       fyne.ThemeColorName // behind the content; empty: none
	background                 *canvas.Rectangle
	hover                      *canvas.Rectangle
}

func (p *pressable) init(self fyne.Widget) {
	p.background = canvas.NewRectangle(color.Transparent)
	p.hover = canvas.NewRectangle(color.Transparent)
	p.ExtendBaseWidget(self)
}

// Tapped is called by the toolkit.
func (p *pressable) Tapped(*fyne.PointEvent) {
	if p.OnTapped != nil && !p.disabled {
		p.OnTapped()
	}
}

// TypedKey is called by the toolkit.
func (p *pressable) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		p.Tapped(nil)
	}
}

// TypedRune is called by the toolkit.
func (p *pressable) TypedRune(rune) {}

// FocusGained is called by the toolkit.
func (p *pressable) FocusGained() { p.focused = true; p.Refresh() }

// FocusLost is called by the toolkit.
func (p *pressable) FocusLost() { p.focused = false; p.Refresh() }

// MouseIn is called by the toolkit.
func (p *pressable) MouseIn(*desktop.MouseEvent) { p.hovered = true; p.Refresh() }

// MouseMoved is called by the toolkit.
func (p *pressable) MouseMoved(*desktop.MouseEvent) {}

// MouseOut is called by the toolkit.
func (p *pressable) MouseOut() { p.hovered = false; p.Refresh() }

// Disabled reports whether presses are ignored.
func (p *pressable) Disabled() bool { return p.disabled }

// SetEnabled makes presses count, or not.
func (p *pressable) SetEnabled(on bool) {
	if p.disabled == on {
		p.disabled = !on
		p.Refresh()
	}
}

// colorOf returns a color of the theme in use for the widget.
func (p *pressable) colorOf(name fyne.ThemeColorName) color.Color {
	if name == "" {
		return color.Transparent
	}
	return p.Theme().Color(name, fyne.CurrentApp().Settings().ThemeVariant())
}

// paint gives the two layers behind the content their colors.
func (p *pressable) paint() {
	radius := p.Theme().Size(fynetheme.SizeNameInputRadius)
	p.background.FillColor = p.colorOf(p.fill)
	p.background.CornerRadius, p.hover.CornerRadius = radius, radius
	p.hover.FillColor = color.Transparent
	p.hover.StrokeColor, p.hover.StrokeWidth = color.Transparent, 0
	if p.hovered && !p.disabled {
		p.hover.FillColor = p.colorOf(fynetheme.ColorNameHover)
	}
	if p.focused {
		p.hover.StrokeColor, p.hover.StrokeWidth = p.colorOf(fynetheme.ColorNamePrimary), 2
	}
	p.background.Refresh()
	p.hover.Refresh()
}

// simple is a renderer of objects on top of each other or laid out by functions.
type simple struct {
	objects []fyne.CanvasObject
	layout  func(fyne.Size)
	min     func() fyne.Size
	refresh func()
}

func (s *simple) Destroy()                     {}
func (s *simple) Layout(size fyne.Size)        { s.layout(size) }
func (s *simple) MinSize() fyne.Size           { return s.min() }
func (s *simple) Objects() []fyne.CanvasObject { return s.objects }
func (s *simple) Refresh()                     { s.refresh() }

// place sets position and size at once.
func place(o fyne.CanvasObject, x, y, w, h float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(w, h))
}

// center puts o with its own size in the middle of an area.
func center(o fyne.CanvasObject, x, y, w, h float32) {
	m := o.MinSize()
	place(o, x+(w-m.Width)/2, y+(h-m.Height)/2, m.Width, m.Height)
}
