package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/theme"
	"parley/icons"
)

// rowPhoto is how large people are in rows.
const rowPhoto = 28

// RowContent is what a row shows.
type RowContent struct {
	Icon      icons.Name
	IconColor fyne.ThemeColorName
	Title     string
	Bold      bool
	Note      string
	Took      string
	When      string
	Person    bool          // the symbol is Picture, or letters of the title
	Picture   fyne.Resource // of the person; may be nil
	Star      bool          // a favorite
}

// Row is one line of a list: symbol, title, note, and at its end two short
// texts and a button.
type Row struct {
	widget.BaseWidget

	OnTapped func()
	OnDouble func()
	OnMenu   func(at fyne.Position) // in the window
	OnAction func()

	image, star         *canvas.Image
	photo               *Photo
	titleText, noteText *Text
	tookText, whenText  *Text
	action              *widget.Button
	content             RowContent
}

// NewRow returns an empty row whose button has that symbol.
func NewRow(action icons.Name) *Row {
	r := &Row{
		image: canvas.NewImageFromResource(nil), star: canvas.NewImageFromResource(nil), photo: NewPhoto(rowPhoto), titleText: NewTitle(""), noteText: NewCaption(""),
		tookText: NewText("", fynetheme.ColorNamePlaceHolder), whenText: NewText("", fynetheme.ColorNamePlaceHolder),
	}
	for _, t := range []*Text{r.tookText, r.whenText} {
		t.SizeName, t.Align = fynetheme.SizeNameCaptionText, fyne.TextAlignTrailing
	}
	r.action = widget.NewButtonWithIcon("", theme.ColoredIcon(action, fynetheme.ColorNamePrimary), func() {
		if r.OnAction != nil {
			r.OnAction()
		}
	})
	r.action.Importance = widget.LowImportance
	r.star.Resource = theme.ColoredIcon(icons.Star, fynetheme.ColorNameWarning)
	r.star.Hide()
	r.photo.Hide()
	r.ExtendBaseWidget(r)
	return r
}

// Set changes what the row shows.
func (r *Row) Set(c RowContent) {
	if c == r.content {
		return
	}
	r.content = c
	if c.Icon != "" {
		r.image.Resource = theme.ColoredIcon(c.Icon, c.IconColor)
		r.image.Refresh()
	}
	r.image.Hidden, r.photo.Hidden, r.star.Hidden = c.Person, !c.Person, !c.Star
	if c.Person {
		r.photo.Set(c.Title, c.Picture)
	}
	r.titleText.Bold = c.Bold
	r.titleText.Set(c.Title)
	r.noteText.Set(c.Note)
	r.tookText.Set(c.Took)
	r.whenText.Set(c.When)
	r.Refresh()
}

// Content returns what the row shows.
func (r *Row) Content() RowContent { return r.content }

// CreateRenderer is called by the toolkit.
func (r *Row) CreateRenderer() fyne.WidgetRenderer {
	r.image.FillMode, r.star.FillMode = canvas.ImageFillContain, canvas.ImageFillContain
	s := &simple{objects: []fyne.CanvasObject{r.image, r.photo, r.star, r.titleText, r.noteText, r.tookText, r.whenText, r.action}}
	s.layout = r.layout
	s.min = func() fyne.Size { return fyne.NewSize(200, 36) }
	s.refresh = func() {
		r.layout(r.BaseWidget.Size())
		for _, o := range s.objects {
			o.Refresh()
		}
	}
	return s
}

func (r *Row) layout(size fyne.Size) {
	if size.Width <= 0 {
		return
	}
	mid := func(o fyne.CanvasObject, x, w float32) {
		h := o.MinSize().Height
		place(o, x, (size.Height-h)/2, max(w, 0), h)
	}
	place(r.image, 8, (size.Height-18)/2, 18, 18)
	right := size.Width - 40
	place(r.action, right+2, (size.Height-34)/2, 36, 34)
	end := func(t *Text) {
		if t.text == "" {
			place(t, right, 0, 0, size.Height)
			return
		}
		w := t.MinSize().Width
		right -= w
		mid(t, right, w)
		right -= 10
	}
	end(r.whenText)
	end(r.tookText)
	left := float32(34)
	if r.content.Person {
		place(r.photo, 5, (size.Height-rowPhoto)/2, rowPhoto, rowPhoto)
		left = 42
	}
	if r.content.Star {
		right -= 16
		place(r.star, right, (size.Height-16)/2, 16, 16)
		right -= 8
	}
	full := fyne.MeasureText(r.titleText.text, r.titleText.size(), r.titleText.style()).Width + 1
	note := fyne.MeasureText(r.noteText.text, r.noteText.size(), r.noteText.style()).Width + 1
	if r.noteText.text == "" {
		note = 0
	}
	room := max(right-left, 0)
	if full+8+note <= room {
		mid(r.titleText, left, full)
		mid(r.noteText, left+full+8, note)
		return
	}
	// The title gets what it needs, up to two thirds.
	full = min(full, max(room-8-note, room*2/3-8))
	mid(r.titleText, left, full)
	mid(r.noteText, left+full+8, room-full-8)
}

// Tapped is called by the toolkit.
func (r *Row) Tapped(*fyne.PointEvent) {
	if r.OnTapped != nil {
		r.OnTapped()
	}
}

// DoubleTapped is called by the toolkit.
func (r *Row) DoubleTapped(*fyne.PointEvent) {
	if r.OnDouble != nil {
		r.OnDouble()
	}
}

// TappedSecondary is called by the toolkit.
func (r *Row) TappedSecondary(e *fyne.PointEvent) {
	if r.OnMenu != nil {
		r.OnMenu(e.AbsolutePosition)
	}
}

// Cursor is called by the toolkit.
func (r *Row) Cursor() desktop.Cursor { return desktop.PointerCursor }
