package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// Entry is a field that hands on the shortcuts it does not know itself, and the
// keys Up, Down and Escape, to whoever wants them. The toolkit's own keeps them.
type Entry struct {
	widget.Entry

	OnShortcut func(fyne.Shortcut) bool  // reports whether it was one of the window's
	OnKey      func(e fyne.KeyName) bool // reports whether it was used
	OnFocus    func()                    // it got the focus
	OnBlur     func()                    // it lost the focus
}

// NewEntry returns an empty field.
func NewEntry() *Entry {
	e := &Entry{}
	e.ExtendBaseWidget(e)
	return e
}

// NewLinesEntry returns an empty field for a list, one member on each line.
func NewLinesEntry() *Entry {
	e := &Entry{}
	e.MultiLine = true
	e.ExtendBaseWidget(e)
	return e
}

// NewPasswordEntry returns a field whose text is hidden.
func NewPasswordEntry() *Entry {
	e := &Entry{}
	e.Password = true
	e.ExtendBaseWidget(e)
	return e
}

// AcceptsTab is called by the toolkit: Tab goes on to what comes next from every
// field.
func (e *Entry) AcceptsTab() bool { return false }

// FocusGained is called by the toolkit.
func (e *Entry) FocusGained() {
	e.Entry.FocusGained()
	if e.OnFocus != nil {
		e.OnFocus()
	}
}

// FocusLost is called by the toolkit.
func (e *Entry) FocusLost() {
	e.Entry.FocusLost()
	if e.OnBlur != nil {
		e.OnBlur()
	}
}

// TypedShortcut is called by the toolkit.
func (e *Entry) TypedShortcut(s fyne.Shortcut) {
	if e.OnShortcut != nil && e.OnShortcut(s) {
		return
	}
	e.Entry.TypedShortcut(s)
}

// TypedKey is called by the toolkit.
func (e *Entry) TypedKey(k *fyne.KeyEvent) {
	if e.OnKey != nil && e.OnKey(k.Name) {
		return
	}
	e.Entry.TypedKey(k)
}
