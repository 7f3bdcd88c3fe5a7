package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// Check is a yes or no whose words go over as many lines as they need.
type Check struct {
	widget.BaseWidget

	OnChanged func(bool)

	box  *widget.Check
	note *Note
}

// NewCheck returns a box to tick.
func NewCheck(text string, on bool, changed func(bool)) *Check {
	c := &Check{OnChanged: changed, note: NewParagraph(text, "")}
	c.box = widget.NewCheck("", nil)
	c.box.Checked = on
	c.box.OnChanged = func(on bool) {
		if c.OnChanged != nil {
			c.OnChanged(on)
		}
	}
	c.ExtendBaseWidget(c)
	return c
}

// Checked reports whether the box is ticked.
func (c *Check) Checked() bool { return c.box.Checked }

// SetChecked ticks the box or empties it, as a person does.
func (c *Check) SetChecked(on bool) { c.box.SetChecked(on) }

// Tick shows whether the box is ticked without telling anybody.
func (c *Check) Tick(on bool) {
	if c.box.Checked != on {
		c.box.Checked = on
		c.box.Refresh()
	}
}

// Tapped is called by the toolkit: the words can be pressed as well.
func (c *Check) Tapped(*fyne.PointEvent) { c.box.SetChecked(!c.box.Checked) }

// CreateRenderer is called by the toolkit.
func (c *Check) CreateRenderer() fyne.WidgetRenderer {
	s := &simple{objects: []fyne.CanvasObject{c.box, c.note}}
	s.refresh = func() { c.box.Refresh(); c.note.Refresh() }
	s.layout = func(size fyne.Size) {
		b := c.box.MinSize()
		place(c.box, 0, 0, b.Width, b.Height)
		h := c.note.MinSize().Height
		top := c.top()
		place(c.note, b.Width, top, size.Width-b.Width, max(h, size.Height-top))
	}
	s.min = func() fyne.Size {
		b, n := c.box.MinSize(), c.note.MinSize()
		return fyne.NewSize(b.Width+n.Width, max(b.Height, n.Height+2*c.top()))
	}
	return s
}

// top is where the words begin, so that their first line is level with the box.
func (c *Check) top() float32 {
	line := fyne.MeasureText("0", c.Theme().Size(c.note.segment.Style.SizeName), fyne.TextStyle{}).Height
	return max((c.box.MinSize().Height-line)/2-richY/2, 0)
}
