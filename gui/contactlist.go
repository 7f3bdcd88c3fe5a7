package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/widgets"
	"parley/icons"
)

// rowList is a list of people or calls for pointer and keyboard: the arrows
// choose, Enter calls, Delete takes away, the menu key opens the menu.
type rowList struct {
	widget.List

	count    func() int
	call     func(i int)
	remove   func(i int)                   // may be nil
	menu     func(i int, at fyne.Position) // in the window; may be nil
	typed    func(r rune)                  // letters typed in the list; may be nil
	fill     func(row *widgets.Row, i int) // shows what is in a row
	back     func()                        // the arrow goes up beyond the first row; may be nil
	focus    func(list fyne.Focusable)     // gives the list the focus
	high     bool                          // its rows have two lines
	selected int
}

// newRowList completes l, whose functions are set.
func newRowList(l *rowList) *rowList {
	l.selected = -1
	l.Length = l.count
	l.CreateItem = func() fyne.CanvasObject {
		if l.high {
			return widgets.NewHighRow(icons.Call)
		}
		return widgets.NewRow(icons.Call)
	}
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) {
		if i < l.count() {
			l.show(o.(*widgets.Row), i)
		}
	}
	l.OnSelected = func(i widget.ListItemID) { l.selected = i }
	l.OnUnselected = func(widget.ListItemID) { l.selected = -1 }
	l.HideSeparators = true
	l.ExtendBaseWidget(l)
	return l
}

// show fills a row and gives it what it does.
func (l *rowList) show(row *widgets.Row, i int) {
	l.fill(row, i)
	row.OnTapped = func() {
		l.Select(i)
		l.focus(l)
	}
	row.OnDouble = func() { l.call(i) }
	row.OnAction = row.OnDouble
	row.OnMenu = func(at fyne.Position) {
		l.Select(i)
		if l.menu != nil {
			l.menu(i, at)
		}
	}
}

// pitch is how far the tops of two rows are apart.
func (l *rowList) pitch() float32 {
	if l.high {
		return widgets.HighRowHeight + fynetheme.Padding()
	}
	return widgets.RowHeight + fynetheme.Padding()
}

// chosen returns the row that is selected, and whether there is one.
func (l *rowList) chosen() (int, bool) {
	return l.selected, l.selected >= 0 && l.selected < l.count()
}

// step moves the selection.
func (l *rowList) step(by int) {
	if n := l.count(); n > 0 {
		l.Select(min(max(l.selected+by, 0), n-1))
	}
}

// FocusGained is called by the toolkit. What the keys are about is the row that is
// selected; the toolkit's mark for another row would only confuse.
func (l *rowList) FocusGained() {
	if l.selected < 0 {
		l.step(0)
	}
}

// FocusLost is called by the toolkit.
func (l *rowList) FocusLost() {}

// TypedKey is called by the toolkit. The arrows move the selection itself.
func (l *rowList) TypedKey(e *fyne.KeyEvent) {
	i, any := l.chosen()
	page := max(int(l.Size().Height/l.pitch())-1, 1)
	switch e.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		if any {
			l.call(i)
		}
	case fyne.KeyDelete:
		if any && l.remove != nil {
			l.remove(i)
		}
	case desktop.KeyMenu:
		if any && l.menu != nil {
			l.menu(i, l.below(i))
		}
	case fyne.KeyDown:
		l.step(1)
	case fyne.KeyUp:
		if l.selected <= 0 && l.back != nil {
			l.back()
			return
		}
		l.step(-1)
	case fyne.KeyPageDown:
		l.step(page)
	case fyne.KeyPageUp:
		l.step(-page)
	case fyne.KeyHome:
		l.step(-l.count())
	case fyne.KeyEnd:
		l.step(l.count())
	default:
		l.List.TypedKey(e)
	}
}

// TypedRune is called by the toolkit.
func (l *rowList) TypedRune(r rune) {
	if l.typed != nil {
		l.typed(r)
	}
}

// below is the place in the window where the menu of a row opens.
func (l *rowList) below(i int) fyne.Position {
	y := float32(i+1)*l.pitch() - fynetheme.Padding() - l.GetScrollOffset()
	return fyne.CurrentApp().Driver().AbsolutePositionForObject(l).AddXY(widgets.RowHeight, y)
}
