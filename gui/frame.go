package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
)

// What the parts of the main window need at least, in the toolkit's units.
const (
	leastUpper = 110 // for banners and calls, which scroll where there is no more
	leastBody  = 132 // for the tabs and the list
)

// frame puts the main window together: header, banners and calls, number field,
// list, status bar. Banners and calls get what they need as long as some of the
// list can be seen, and scroll beyond that: the window does not grow under the
// hands of the person.
type frame struct {
	header, dialer, body, status fyne.CanvasObject
	upper                        *container.Scroll
	inner                        *fyne.Container // in upper
	box                          *fyne.Container
}

func newFrame(header, banners, calls, dialer, body, status fyne.CanvasObject) *frame {
	f := &frame{header: header, dialer: dialer, body: body, status: status, inner: container.NewVBox(banners, calls)}
	f.upper = container.NewVScroll(container.New(inset{}, f.inner))
	f.box = container.New(f, header, f.upper, dialer, body, status)
	return f
}

// relayout shares the room out anew after banners or calls have changed.
func (f *frame) relayout() { f.box.Refresh() }

// reveal scrolls to a part of banners and calls that may be out of sight. Its place
// is counted from their top: the toolkit knows none of what was never drawn.
func (f *frame) reveal(top, height float32) {
	below := top + height - f.upper.Size().Height
	switch offset := f.upper.Offset.Y; {
	case top < offset:
		f.upper.ScrollToOffset(fyne.NewPos(0, max(top, 0)))
	case below > offset:
		f.upper.ScrollToOffset(fyne.NewPos(0, below))
	}
}

// need is how high banners and calls are at that width.
func (f *frame) need(width float32) float32 {
	any := false
	for _, o := range f.inner.Objects {
		any = any || o.Visible()
	}
	if !any {
		return 0
	}
	if width > 0 && f.inner.Size().Width != width-2*hair {
		f.inner.Resize(fyne.NewSize(width-2*hair, f.inner.MinSize().Height))
	}
	return f.inner.MinSize().Height + 2*hair
}

// hair is the width of the lines around cards, which the edge of what scrolls
// would cut off.
const hair = 1

// inset keeps that much room around one object.
type inset struct{}

// MinSize is called by the toolkit.
func (inset) MinSize(o []fyne.CanvasObject) fyne.Size {
	return o[0].MinSize().AddWidthHeight(2*hair, 2*hair)
}

// Layout is called by the toolkit.
func (inset) Layout(o []fyne.CanvasObject, size fyne.Size) {
	o[0].Move(fyne.NewPos(hair, hair))
	o[0].Resize(size.SubtractWidthHeight(2*hair, 2*hair))
}

// MinSize is called by the toolkit.
func (f *frame) MinSize([]fyne.CanvasObject) fyne.Size {
	m := f.inner.MinSize()
	m.Height = min(f.need(0), leastUpper)
	pad := fynetheme.Padding()
	for _, o := range []fyne.CanvasObject{f.header, f.dialer, f.body, f.status} {
		size := o.MinSize()
		m.Width = max(m.Width, size.Width)
		m.Height += size.Height + pad
	}
	return m
}

// Layout is called by the toolkit.
func (f *frame) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	pad := fynetheme.Padding()
	header, dialer, status := f.header.MinSize().Height, f.dialer.MinSize().Height, f.status.MinSize().Height
	room := size.Height - header - dialer - status - 4*pad
	upper := min(f.need(size.Width), max(room-leastBody, leastUpper))
	y := float32(0)
	place := func(o fyne.CanvasObject, height float32) {
		o.Move(fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, max(height, 0)))
		y += height + pad
	}
	place(f.header, header)
	place(f.upper, upper)
	if upper == 0 {
		y -= pad
	}
	place(f.dialer, dialer)
	place(f.body, size.Height-y-status-pad)
	place(f.status, status)
}
