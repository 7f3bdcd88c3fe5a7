package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// meterSteps is how many heights of sound a meter tells apart.
const meterSteps = 8

// Meter shows how loud something is as a row of bars.
type Meter struct {
	widget.BaseWidget

	lit  int
	bars [meterSteps]*canvas.Rectangle
}

// NewMeter returns a silent meter.
func NewMeter() *Meter {
	m := &Meter{}
	for i := range m.bars {
		m.bars[i] = canvas.NewRectangle(color.Transparent)
	}
	m.ExtendBaseWidget(m)
	return m
}

// Set shows a level from 0 to 1 and reports whether anything was drawn anew.
// Speech, which is rarely louder than a fifth, lights half of the bars.
func (m *Meter) Set(level float32) bool {
	lit := 0
	for _, from := range [meterSteps]float32{0.004, 0.012, 0.03, 0.07, 0.14, 0.26, 0.45, 0.75} {
		if level >= from {
			lit++
		}
	}
	if lit == m.lit {
		return false
	}
	m.lit = lit
	m.Refresh()
	return true
}

// Lit returns how many bars are lit.
func (m *Meter) Lit() int { return m.lit }

// CreateRenderer is called by the toolkit.
func (m *Meter) CreateRenderer() fyne.WidgetRenderer {
	s := &simple{refresh: m.look}
	for _, b := range m.bars {
		s.objects = append(s.objects, b)
	}
	s.layout = func(size fyne.Size) {
		w := size.Width / meterSteps
		for i, b := range m.bars {
			h := 4 + float32(i)*1.5
			place(b, float32(i)*w, (size.Height+16)/2-h, max(w-2, 1), h)
		}
	}
	s.min = func() fyne.Size { return fyne.NewSize(meterSteps*5, 18) }
	m.look()
	return s
}

func (m *Meter) look() {
	v := fyne.CurrentApp().Settings().ThemeVariant()
	for i, b := range m.bars {
		name := fynetheme.ColorNameSeparator
		switch {
		case i >= m.lit:
		case i >= meterSteps-1:
			name = fynetheme.ColorNameError
		default:
			name = fynetheme.ColorNameSuccess
		}
		b.FillColor = m.Theme().Color(name, v)
		b.CornerRadius = 1
		b.Refresh()
	}
}
