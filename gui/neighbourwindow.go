package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
)

// The size of the window for one neighbour.
const (
	neighbourWidth  = 420
	neighbourHeight = 520
)

// neighbourWindow shows all that is known of one neighbour. It follows what
// changes.
type neighbourWindow struct {
	w    *Window
	id   string
	win  fyne.Window
	n    middleware.Neighbour
	gone bool
}

// showNeighbour opens the window of a neighbour that is there.
func (w *Window) showNeighbour(id string) {
	n, ok := w.neighbours.neighbour(id)
	if !ok {
		return
	}
	d := w.neighbours.detail
	if d == nil {
		d = &neighbourWindow{w: w, win: w.app.NewWindow("")}
		d.win.Resize(fyne.NewSize(neighbourWidth, neighbourHeight))
		d.win.CenterOnScreen()
		d.win.SetOnClosed(func() { w.neighbours.detail = nil })
		d.win.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) {
			if k.Name == fyne.KeyEscape {
				d.win.Close()
			}
		})
		w.neighbours.detail = d
	}
	d.id, d.n, d.gone = n.ID, n, false
	d.build()
	d.win.Show()
	d.win.RequestFocus()
}

// update shows what has changed.
func (d *neighbourWindow) update() {
	n, ok := d.w.neighbours.neighbour(d.id)
	if !ok {
		n = d.n
	}
	if n == d.n && ok != d.gone {
		return
	}
	d.n, d.gone = n, !ok
	d.build()
}

func (d *neighbourWindow) build() {
	w, n := d.w, d.n
	v := viewmodel.NewNeighbour(n)
	d.win.SetTitle(v.Title)
	head := container.NewBorder(nil, nil, container.NewCenter(widget.NewIcon(picture(v.Picture, v.Tone))), nil, heading(v.Title))
	lock, tone := v.Lock, v.LockTone
	if lock == "" {
		lock, tone = viewmodel.PictureWarning, v.Tone
	}
	story := widget.NewLabel(viewmodel.TrustStory(n))
	story.Wrapping = fyne.TextWrapWord
	card := widgets.NewCard(container.NewBorder(nil, nil, container.NewVBox(widget.NewIcon(picture(lock, tone))), nil, story), toneColor(tone))
	page := container.New(flow{}, head, card)
	if d.gone {
		page.Add(widgets.NewNote(i18n.T("%s is no longer on this network.", v.Title), fynetheme.ColorNameWarning))
	}
	for _, p := range viewmodel.NeighbourDetails(n, w.opts.Now()) {
		name, value := widgets.NewNote(p.Name, fynetheme.ColorNamePlaceHolder), widgets.NewNote(p.Value, fynetheme.ColorNameForeground)
		page.Add(container.New(columns{104}, name, value))
	}
	d.win.SetContent(container.NewPadded(container.NewBorder(nil, d.buttons(), nil, nil, scrolled(page))))
}

// flow puts objects below each other. Text that goes over several lines gets
// the height that it needs at the width there is.
type flow struct{}

// flowGap is the room between two objects.
const flowGap = 6

// MinSize is called by the toolkit.
func (flow) MinSize(list []fyne.CanvasObject) fyne.Size {
	var size fyne.Size
	for _, o := range list {
		m := o.MinSize()
		size = fyne.NewSize(max(size.Width, m.Width), size.Height+m.Height+flowGap)
	}
	return size
}

// Layout is called by the toolkit.
func (flow) Layout(list []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for _, o := range list {
		o.Move(fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
		o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
		y += o.Size().Height + flowGap
	}
}

// buttons are what can be done, the most likely at the end.
func (d *neighbourWindow) buttons() fyne.CanvasObject {
	w, n := d.w, d.n
	line := container.NewHBox()
	if n.Key != "" {
		line.Add(widget.NewButtonWithIcon(forgetWord(n), theme.Icon(icons.LockOpen), func() { w.askForgetKey(n, d.win) }))
	}
	line.Add(spacer())
	line.Add(widget.NewButtonWithIcon(i18n.T("Copy details"), fynetheme.ContentCopyIcon(), func() {
		w.app.Clipboard().SetContent(viewmodel.Lines(append([]viewmodel.Pair{{Name: i18n.T("Name"), Value: n.Name}}, viewmodel.NeighbourDetails(n, w.opts.Now())...)))
	}))
	call := widget.NewButtonWithIcon(i18n.T("Call"), theme.ColoredIcon(icons.Call, fynetheme.ColorNameForegroundOnPrimary), func() {
		w.call(n.Target)
		d.win.Close()
	})
	call.Importance = widget.HighImportance
	if n.Callable() && !d.gone {
		line.Add(call)
	}
	return line
}
