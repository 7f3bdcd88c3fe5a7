// Package native does to windows what the toolkit has no words for: show one on
// top of all others without taking the keyboard away from the program that a
// person works with.
//
// Where the system offers no such thing, or the toolkit does not tell how to
// reach the window, the functions do nothing and the window is simply shown.
package native

import (
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver"
)

// A Quiet is a window that does not take the focus when it appears.
type Quiet struct {
	win   fyne.Window
	size  fyne.Size
	armed bool // the next layout comes before the window is mapped
}

// NewQuiet returns win with content in it, as a window that can be shown
// quietly.
func NewQuiet(win fyne.Window, content fyne.CanvasObject) *Quiet {
	q := &Quiet{win: win}
	// The toolkit makes the system's window and maps it in one step. In between
	// it asks the content for its size: that is when the window can be told how
	// to appear.
	win.SetContent(container.New(hook{q}, content))
	return q
}

// Show makes the window appear at the lower right of the screen, above all
// others and without the focus. Settle must be called a moment later.
func (q *Quiet) Show(size fyne.Size) {
	q.size, q.armed = size, true
	q.prepare() // does nothing before the first time
	q.win.Show()
	q.armed = false
}

// Settle lets the window take the focus when a person clicks into it.
func (q *Quiet) Settle() {
	if n, ok := q.win.(driver.NativeWindow); ok {
		n.RunNative(settle)
	}
}

// Resize changes the size of the window, which stays at the lower right of the
// screen.
func (q *Quiet) Resize(size fyne.Size) {
	q.win.Resize(size)
	if q.size != size && !q.armed {
		q.size = size
		q.tell(move)
	}
}

func (q *Quiet) prepare() {
	if q.armed {
		q.tell(prepare)
	}
}

// tell calls f with the system's window and the size in pixels.
func (q *Quiet) tell(f func(context any, width, height int)) {
	n, ok := q.win.(driver.NativeWindow)
	if !ok {
		return
	}
	scale := q.win.Canvas().Scale()
	pixels := func(f float32) int { return int(math.Ceil(float64(f * scale))) }
	n.RunNative(func(context any) { f(context, pixels(q.size.Width), pixels(q.size.Height)) })
}

// hook is a layout that fills its place with one object.
type hook struct{ q *Quiet }

// MinSize is called by the toolkit.
func (h hook) MinSize(objects []fyne.CanvasObject) fyne.Size {
	h.q.prepare()
	return objects[0].MinSize()
}

// Layout is called by the toolkit.
func (h hook) Layout(objects []fyne.CanvasObject, size fyne.Size) { objects[0].Resize(size) }
