package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// NewPage returns a page that scrolls up and down. The wheel moves the page
// wherever the pointer is: the toolkit's fields would keep it for themselves.
func NewPage(content fyne.CanvasObject) *fyne.Container {
	scroll := container.NewVScroll(content)
	w := &wheel{scroll: scroll}
	w.ExtendBaseWidget(w)
	return container.NewStack(scroll, w)
}

// wheel is a pane of nothing that catches the wheel.
type wheel struct {
	widget.BaseWidget

	scroll *container.Scroll
}

// Scrolled is called by the toolkit.
func (w *wheel) Scrolled(e *fyne.ScrollEvent) { w.scroll.Scrolled(e) }

// CreateRenderer is called by the toolkit.
func (w *wheel) CreateRenderer() fyne.WidgetRenderer {
	return &simple{layout: func(fyne.Size) {}, min: func() fyne.Size { return fyne.Size{} }, refresh: func() {}}
}
