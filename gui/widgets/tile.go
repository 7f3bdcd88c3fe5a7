package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/theme"
	"parley/icons"
)

// Tile is a button with a symbol above a word. It may be on or off.
type Tile struct {
	pressable

	icon    icons.Name
	on      bool
	danger  bool
	flat    bool // without a surface of its own while it is off
	caption *Text
	image   *canvas.Image
}

// NewTile returns a tile.
func NewTile(icon icons.Name, word string, tapped func()) *Tile {
	t := &Tile{icon: icon, caption: NewCaption(word), image: canvas.NewImageFromResource(theme.Icon(icon))}
	t.caption.Align = fyne.TextAlignCenter
	t.caption.Color = ""
	t.OnTapped = tapped
	t.init(t)
	return t
}

// NewDangerTile returns a tile that ends something.
func NewDangerTile(icon icons.Name, word string, tapped func()) *Tile {
	t := NewTile(icon, word, tapped)
	t.danger = true
	return t
}

// NewFlatTile returns a tile without a surface of its own while it is off.
func NewFlatTile(icon icons.Name, word string, tapped func()) *Tile {
	t := NewTile(icon, word, tapped)
	t.flat = true
	return t
}

// SetIcon changes the symbol.
func (t *Tile) SetIcon(icon icons.Name) {
	if t.icon != icon {
		t.icon = icon
		t.Refresh()
	}
}

// SetDanger gives the tile the color of what is dangerous, or takes it away.
func (t *Tile) SetDanger(on bool) {
	if t.danger != on {
		t.danger = on
		t.Refresh()
	}
}

// SetOn shows whether what the tile stands for is on, and what it is called now.
func (t *Tile) SetOn(on bool, word string) {
	if t.on != on || t.caption.text != word {
		t.on = on
		t.caption.Set(word)
		t.Refresh()
	}
}

// On reports whether the tile is on.
func (t *Tile) On() bool { return t.on }

// CreateRenderer is called by the toolkit.
func (t *Tile) CreateRenderer() fyne.WidgetRenderer {
	t.image.FillMode = canvas.ImageFillContain
	s := &simple{objects: []fyne.CanvasObject{t.background, t.hover, t.image, t.caption}, refresh: t.look}
	s.layout = func(size fyne.Size) {
		place(t.background, 0, 0, size.Width, size.Height)
		place(t.hover, 0, 0, size.Width, size.Height)
		h := t.caption.MinSize().Height
		top := (size.Height - 20 - 3 - h) / 2
		place(t.image, (size.Width-20)/2, top, 20, 20)
		place(t.caption, 1, top+23, size.Width-2, h)
	}
	s.min = func() fyne.Size {
		if t.flat {
			return fyne.NewSize(46, t.caption.MinSize().Height+23+6)
		}
		return fyne.NewSize(50, t.caption.MinSize().Height+23+10)
	}
	t.look()
	return s
}

func (t *Tile) look() {
	fill, text := fynetheme.ColorNameButton, fynetheme.ColorNameForeground
	switch {
	case t.disabled:
		fill, text = fynetheme.ColorNameDisabledButton, fynetheme.ColorNameDisabled
	case t.danger:
		fill, text = fynetheme.ColorNameError, fynetheme.ColorNameForegroundOnError
	case t.on:
		fill, text = fynetheme.ColorNamePrimary, fynetheme.ColorNameForegroundOnPrimary
	case t.flat:
		fill = ""
	}
	t.fill = fill
	t.paint()
	t.image.Resource = theme.ColoredIcon(t.icon, text)
	t.image.Refresh()
	t.caption.Color = text
	t.caption.Refresh()
}
