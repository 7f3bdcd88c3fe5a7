package widgets

import (
	"image/color"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/theme"
	"parley/icons"
)

// What a tab is made of, in the toolkit's units.
const (
	tabHeight = 36
	tabIcon   = 18
	tabLine   = 3
	tabBadge  = 18
	tabPad    = 10
)

// Tab is one of a few that choose what is shown below them: symbol, word, and in
// red how many things wait to be looked at.
type Tab struct {
	pressable

	icon  icons.Name
	on    bool
	count int
	image *canvas.Image
	word  *Text
	line  *canvas.Rectangle
	badge *canvas.Rectangle
	many  *Text
}

// NewTab returns a tab that is off.
func NewTab(icon icons.Name, word string, tapped func()) *Tab {
	t := &Tab{
		icon: icon, word: NewTitle(word), image: canvas.NewImageFromResource(theme.Icon(icon)), many: NewCaption(""),
		line: canvas.NewRectangle(color.Transparent), badge: canvas.NewRectangle(color.Transparent),
	}
	t.many.Align, t.many.Bold, t.many.Shrinks = fyne.TextAlignCenter, true, false
	t.OnTapped = tapped
	t.init(t)
	return t
}

// SetOn shows whether the tab is the one that is shown.
func (t *Tab) SetOn(on bool) {
	if t.on != on {
		t.on = on
		t.Refresh()
	}
}

// On reports whether the tab is the one that is shown.
func (t *Tab) On() bool { return t.on }

// SetCount changes the number in red; 0 is none.
func (t *Tab) SetCount(n int) {
	if t.count != n {
		t.count = n
		t.Refresh()
	}
}

// Badge returns what stands in red, or nothing.
func (t *Tab) Badge() string {
	switch {
	case t.count <= 0:
		return ""
	case t.count > 99:
		return "99+"
	}
	return strconv.Itoa(t.count)
}

// CreateRenderer is called by the toolkit.
func (t *Tab) CreateRenderer() fyne.WidgetRenderer {
	t.image.FillMode = canvas.ImageFillContain
	s := &simple{objects: []fyne.CanvasObject{t.background, t.hover, t.image, t.word, t.badge, t.many, t.line}}
	s.layout = t.layout
	s.min = func() fyne.Size { return fyne.NewSize(2*tabPad+tabIcon+6+t.full()+t.room(), tabHeight) }
	s.refresh = func() { t.look(); t.layout(t.BaseWidget.Size()) }
	t.look()
	return s
}

// full is how wide the word is.
func (t *Tab) full() float32 {
	return fyne.MeasureText(t.word.text, t.word.size(), t.word.style()).Width + 1
}

// room is how wide the badge is, with the gap before it.
func (t *Tab) room() float32 {
	if t.count <= 0 {
		return 0
	}
	return 6 + max(t.many.MinSize().Width+10, tabBadge)
}

func (t *Tab) layout(size fyne.Size) {
	place(t.background, 0, 0, size.Width, size.Height)
	place(t.hover, 0, 0, size.Width, size.Height)
	place(t.line, tabPad/2, size.Height-tabLine, max(size.Width-tabPad, 0), tabLine)
	room, height := t.room(), t.word.MinSize().Height
	width := min(t.full(), max(size.Width-2*tabPad-tabIcon-6-room, 0))
	left := (size.Width - tabIcon - 6 - width - room) / 2
	place(t.image, left, (size.Height-tabIcon)/2, tabIcon, tabIcon)
	left += tabIcon + 6
	place(t.word, left, (size.Height-height)/2, width, height)
	left += width + 6
	place(t.badge, left, (size.Height-tabBadge)/2, max(room-6, 0), tabBadge)
	place(t.many, left, (size.Height-t.many.MinSize().Height)/2, max(room-6, 0), t.many.MinSize().Height)
}

func (t *Tab) look() {
	t.paint()
	text := fynetheme.ColorNamePlaceHolder
	t.line.FillColor = color.Transparent
	if t.on {
		text = fynetheme.ColorNamePrimary
		t.line.FillColor = t.colorOf(text)
	}
	t.line.CornerRadius = tabLine / 2
	t.line.Refresh()
	t.image.Resource = theme.ColoredIcon(t.icon, text)
	t.image.Refresh()
	t.word.Color = text
	t.word.Refresh()
	t.badge.Hidden, t.many.Hidden = t.count <= 0, t.count <= 0
	t.badge.FillColor, t.badge.CornerRadius = t.colorOf(fynetheme.ColorNameError), tabBadge/2
	t.badge.Refresh()
	t.many.Color = fynetheme.ColorNameForegroundOnError
	t.many.Set(t.Badge())
	t.many.Refresh()
}
