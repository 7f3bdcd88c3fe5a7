package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/widgets"
	"parley/icons"
)

// lowerPage is one of the pages in the lower part of the main window.
type lowerPage uint8

const (
	lowerRecent lowerPage = iota
	lowerContacts
	lowerLAN
	numLower
)

// pages are the lower part of the main window: past calls, contacts and the local
// network, one of them at a time, or in place of them what a typed text may mean.
type pages struct {
	w     *Window
	tabs  [numLower]*widgets.Tab
	list  [numLower]fyne.CanvasObject
	line  *fyne.Container
	body  *fyne.Container
	box   *fyne.Container
	shown lowerPage
}

func newPages(w *Window) *pages {
	p := &pages{w: w, body: container.NewStack()}
	p.tabs = [numLower]*widgets.Tab{
		widgets.NewTab(icons.Recent, i18n.T("Recent"), func() { p.choose(lowerRecent) }),
		widgets.NewTab(icons.Contacts, i18n.T("Contacts"), func() { p.choose(lowerContacts) }),
		widgets.NewTab(icons.LAN, i18n.T("LAN"), func() { p.choose(lowerLAN) }),
	}
	p.list = [numLower]fyne.CanvasObject{w.recent.box, w.contacts.box, w.neighbours.box}
	tabs := container.NewGridWithColumns(len(p.tabs))
	for _, t := range p.tabs {
		tabs.Add(t)
	}
	p.line = container.NewVBox(container.New(noGap{}, tabs, widget.NewSeparator()))
	p.box = container.NewBorder(p.line, nil, nil, nil, p.body)
	p.show(w.lower)
	return p
}

// noGap stacks two objects without the room between them.
type noGap struct{}

// MinSize is called by the toolkit.
func (noGap) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(max(a.Width, b.Width), a.Height+b.Height)
}

// Layout is called by the toolkit.
func (noGap) Layout(o []fyne.CanvasObject, size fyne.Size) {
	b := o[1].MinSize().Height
	o[0].Resize(fyne.NewSize(size.Width, size.Height-b))
	o[0].Move(fyne.Position{})
	o[1].Resize(fyne.NewSize(size.Width, b))
	o[1].Move(fyne.NewPos(0, size.Height-b))
}

// choose shows a page because the person wants it: the missed calls on it are
// seen then.
func (p *pages) choose(to lowerPage) {
	if p.w.guide != nil {
		return
	}
	if p.w.dialer.entry.Text != "" {
		p.w.dialer.entry.SetText("")
	}
	p.show(to)
	if to == lowerRecent {
		p.w.recent.seen()
	}
	p.w.win.Canvas().Focus(p.current())
}

// show shows a page, or the matches while there is something to match.
func (p *pages) show(to lowerPage) {
	p.shown, p.w.lower = to, to
	for i, t := range p.tabs {
		t.SetOn(lowerPage(i) == to)
	}
	matching := p.w.matches.typed != ""
	p.line.Hidden = matching
	page := p.list[to]
	if matching {
		page = p.w.matches.box
	}
	if len(p.body.Objects) != 1 || p.body.Objects[0] != page {
		p.body.Objects = []fyne.CanvasObject{page}
		p.body.Refresh()
	}
	p.box.Refresh()
}

// update shows how many missed calls wait.
func (p *pages) update() { p.tabs[lowerRecent].SetCount(p.w.phone.History().Unseen()) }

// current is where the arrow down leads to from the number field.
func (p *pages) current() fyne.Focusable {
	switch p.shown {
	case lowerContacts:
		return p.w.contacts.search
	case lowerLAN:
		return p.w.neighbours.first()
	}
	return p.w.recent.list
}
