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

	Line      string // in place of Note, below the title of a row that has two lines
	LineColor fyne.ThemeColorName
	Lock      icons.Name // before Note or Line; may be empty
	LockColor fyne.ThemeColorName
	Action    icons.Name // the button's symbol, in place of the row's own; may be empty
	ActionIn  fyne.ThemeColorName
}

// Row is one line of a list: symbol, title, note, and at its end two short
// texts and a button.
type Row struct {
	widget.BaseWidget

	OnTapped func()
	OnDouble func()
	OnMenu   func(at fyne.Position) // in the window
	OnAction func()

	image, star, lock   *canvas.Image
	photo               *Photo
	titleText, noteText *Text
	tookText, whenText  *Text
	action              *widget.Button
	usual               icons.Name // the action's symbol
	content             RowContent
	high                bool // has two lines
}

// The heights of rows, in the toolkit's units.
const (
	RowHeight     = 36
	HighRowHeight = 48
)

// NewRow returns an empty row whose button has that symbol.
func NewRow(action icons.Name) *Row {
	r := &Row{
		image: canvas.NewImageFromResource(nil), star: canvas.NewImageFromResource(nil), lock: canvas.NewImageFromResource(nil), usual: action, photo: NewPhoto(rowPhoto), titleText: NewTitle(""), noteText: NewCaption(""),
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
	r.lock.Hide()
	r.photo.Hide()
	r.ExtendBaseWidget(r)
	return r
}

// NewHighRow returns an empty row with two lines: a title, and below it a symbol
// and a line.
func NewHighRow(action icons.Name) *Row {
	r := NewRow(action)
	r.high = true
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
	r.lock.Hidden = c.Lock == ""
	if c.Lock != "" {
		r.lock.Resource = theme.ColoredIcon(c.Lock, c.LockColor)
		r.lock.Refresh()
	}
	if r.high {
		r.setLine(c)
	} else {
		r.noteText.Set(c.Note)
	}
	r.tookText.Set(c.Took)
	r.whenText.Set(c.When)
	r.Refresh()
}

// setLine shows the second line and the action of a row that has two lines.
func (r *Row) setLine(c RowContent) {
	r.noteText.SetColored(c.Line, c.LineColor)
	if c.Action == "" {
		c.Action, c.ActionIn = r.usual, fynetheme.ColorNamePrimary
	}
	r.action.SetIcon(theme.ColoredIcon(c.Action, c.ActionIn))
}

// Content returns what the row shows.
func (r *Row) Content() RowContent { return r.content }

// CreateRenderer is called by the toolkit.
func (r *Row) CreateRenderer() fyne.WidgetRenderer {
	r.image.FillMode, r.star.FillMode, r.lock.FillMode = canvas.ImageFillContain, canvas.ImageFillContain, canvas.ImageFillContain
	s := &simple{objects: []fyne.CanvasObject{r.image, r.photo, r.star, r.lock, r.titleText, r.noteText, r.tookText, r.whenText, r.action}}
	s.layout = r.layout
	s.min = func() fyne.Size {
		if r.high {
			return fyne.NewSize(200, HighRowHeight)
		}
		return fyne.NewSize(200, RowHeight)
	}
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
	if r.high {
		r.layoutHigh(size)
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
	gap := float32(8)
	if !r.lock.Hidden {
		gap += rowLock + 3
	}
	room := max(right-left, 0)
	if full+gap+note > room {
		// The title gets what it needs, up to two thirds.
		full = min(full, max(room-gap-note, room*2/3-gap))
		note = room - full - gap
	}
	mid(r.titleText, left, full)
	place(r.lock, left+full+7, (size.Height-rowLock)/2, rowLock, rowLock)
	mid(r.noteText, left+full+gap, note)
}

// rowLock is how large the symbol before the second line is.
const rowLock = 14

// layoutHigh lays out a row with two lines.
func (r *Row) layoutHigh(size fyne.Size) {
	const left = 36
	right := size.Width - 40
	place(r.image, 9, (size.Height-18)/2, 18, 18)
	place(r.action, right+2, (size.Height-34)/2, 36, 34)
	one, two := r.titleText.MinSize().Height, r.noteText.MinSize().Height
	top := (size.Height - one - two) / 2
	place(r.titleText, left, top, max(right-left, 0), one)
	x := float32(left)
	if !r.lock.Hidden {
		place(r.lock, x-1, top+one+(two-rowLock)/2, rowLock, rowLock)
		x += rowLock + 3
	}
	place(r.noteText, x, top+one, max(right-x, 0), two)
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
