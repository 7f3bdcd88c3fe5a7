package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// tabs show one of several pages. Unlike those of the toolkit they can be
// reached by the keyboard.
type tabs struct {
	buttons []*widget.Button
	pages   []fyne.CanvasObject
	line    *fyne.Container
	body    *fyne.Container
	box     *fyne.Container
	shown   int
}

func newTabs() *tabs {
	t := &tabs{line: container.NewHBox(), body: container.NewStack()}
	t.box = container.NewBorder(container.NewVBox(t.line, widget.NewSeparator()), nil, nil, nil, t.body)
	return t
}

// add adds a page; the first is shown.
func (t *tabs) add(title string, page fyne.CanvasObject) {
	i := len(t.pages)
	b := widget.NewButton(title, func() { t.show(i) })
	t.buttons, t.pages = append(t.buttons, b), append(t.pages, page)
	t.line.Add(b)
	t.show(0)
}

// show shows page i.
func (t *tabs) show(i int) {
	t.shown = i
	for j, b := range t.buttons {
		b.Importance = widget.LowImportance
		if i == j {
			b.Importance = widget.HighImportance
		}
		b.Refresh()
	}
	t.body.Objects = []fyne.CanvasObject{t.pages[i]}
	t.body.Refresh()
}
