package widgets

import (
	"image/color"
	"strings"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Photo shows a person in a round frame: the picture, or the first letters of the
// name.
type Photo struct {
	widget.BaseWidget

	side    float32
	name    string
	picture fyne.Resource
	disk    *canvas.Rectangle
	image   *canvas.Image
	letters *Text
}

// NewPhoto returns an empty frame that is side wide and high.
func NewPhoto(side float32) *Photo {
	p := &Photo{side: side, disk: canvas.NewRectangle(color.Transparent), image: &canvas.Image{FillMode: canvas.ImageFillCover}}
	p.image.CornerRadius = side / 2
	p.letters = NewText("", fynetheme.ColorNamePlaceHolder)
	p.letters.Bold, p.letters.Align = true, fyne.TextAlignCenter
	switch {
	case side < 32:
		p.letters.SizeName = fynetheme.SizeNameCaptionText
	case side > 48:
		p.letters.SizeName = fynetheme.SizeNameHeadingText
	}
	p.ExtendBaseWidget(p)
	return p
}

// Set changes who is shown; picture may be nil.
func (p *Photo) Set(name string, picture fyne.Resource) {
	if p.name == name && p.picture == picture {
		return
	}
	p.name, p.picture = name, picture
	p.letters.Set(Initials(name))
	if p.image.Resource != picture {
		p.image.Resource, p.image.Image, p.image.File = picture, nil, ""
		p.image.Refresh()
	}
	p.Refresh()
}

// Picture returns the picture that is shown, or nil.
func (p *Photo) Picture() fyne.Resource { return p.picture }

// Initials returns the first letters of the first and the last word of a name, or
// nothing for what is no name.
func Initials(name string) string {
	var list []rune
	for _, word := range strings.Fields(name) {
		if r := []rune(word)[0]; unicode.IsLetter(r) {
			list = append(list, unicode.ToUpper(r))
		}
	}
	switch len(list) {
	case 0:
		return "#"
	case 1:
		return string(list)
	}
	return string([]rune{list[0], list[len(list)-1]})
}

// CreateRenderer is called by the toolkit.
func (p *Photo) CreateRenderer() fyne.WidgetRenderer {
	s := &simple{objects: []fyne.CanvasObject{p.disk, p.letters, p.image}}
	s.min = func() fyne.Size { return fyne.NewSize(p.side, p.side) }
	s.layout = func(size fyne.Size) {
		x, y := (size.Width-p.side)/2, (size.Height-p.side)/2
		place(p.disk, x, y, p.side, p.side)
		place(p.image, x, y, p.side, p.side)
		h := p.letters.MinSize().Height
		place(p.letters, x, y+(p.side-h)/2, p.side, h)
	}
	s.refresh = p.look
	p.look()
	return s
}

func (p *Photo) look() {
	p.disk.FillColor = p.Theme().Color(fynetheme.ColorNameButton, fyne.CurrentApp().Settings().ThemeVariant())
	p.disk.CornerRadius = p.side / 2
	p.disk.Refresh()
	p.letters.Hidden, p.image.Hidden = p.picture != nil, p.picture == nil
	p.letters.Refresh()
	p.image.Refresh()
}
