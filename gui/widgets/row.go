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

// RowContent is what a row shows.
type RowContent struct {
	Icon      icons.Name
	IconColor fyne.ThemeColorName
	Title     string
	Bold      bool
	Note      string
	Took      string
	When      string
}

// Row is one line of a list: symbol, title, note, and at its end two short
// texts and a button.
type Row struct {
	widget.BaseWidget

	OnTapped func()
	OnDouble func()
	OnMenu   func(at fyne.Position) // in the window
	OnAction func()

	image               *canvas.Image
	titleText, noteText *Text
	tookText, whenText  *Text
	action              *widget.Button
	content             RowContent
}

// NewRow returns an empty row whose button has that symbol.
func NewRow(action icons.Name) *Row {
	r := &Row{
		image: canvas.NewImageFromResource(nil), titleText: NewTitle(""), noteText: NewCaption(""),
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
	r.image.FillMode = canvas.ImageFillContain
	s := &simple{objects: []fyne.CanvasObject{r.image, r.titleText, r.noteText, r.tookText, r.whenText, r.action}}
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
	note = min(note, room/3)
	mid(r.titleText, left, room-note-8)
	mid(r.noteText, left+room-note, note)
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
