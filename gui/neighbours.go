package gui

import (
	"slices"
	"strings"

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
	"parley/middleware/bus"
)

// neighboursPanel lists who can be called on the local network.
type neighboursPanel struct {
	w     *Window
	now   middleware.BonjourSnapshot
	all   []middleware.Neighbour
	found []middleware.Neighbour // of all, as the search leaves them
	rows  []viewmodel.Neighbour  // of found
	stale bool                   // something has changed since they were read

	search *widgets.Entry
	top    *fyne.Container
	list   *rowList
	empty  *emptyNetwork
	detail *neighbourWindow // nil unless it is open
	box    *fyne.Container
}

func newNeighboursPanel(w *Window) *neighboursPanel {
	p := &neighboursPanel{w: w, stale: true, search: widgets.NewEntry()}
	p.search.SetPlaceHolder(i18n.T("Search"))
	p.search.OnChanged = func(string) { p.show(p.now, p.all) }
	p.search.OnShortcut = w.shortcut
	p.search.OnKey = p.searchKey
	var more *widget.Button
	more = widget.NewButtonWithIcon("", fynetheme.MoreVerticalIcon(), func() { w.popUp(p.networkMenu(), more) })
	more.Importance = widget.LowImportance
	p.top = container.NewBorder(nil, nil, nil, more, p.search)
	p.list = newRowList(&rowList{
		count: func() int { return len(p.rows) },
		fill:  p.fill,
		call:  p.call,
		menu:  func(i int, at fyne.Position) { w.showMenu(p.menu(p.found[i]), at) },
		typed: p.typed,
		back:  func() { w.win.Canvas().Focus(p.search) },
		focus: w.win.Canvas().Focus,
		high:  true,
	})
	p.empty = newEmptyNetwork(func() { w.enableNetwork(true) })
	p.box = container.NewBorder(p.top, nil, nil, nil, container.NewStack(p.list, p.empty.box))
	p.show(middleware.BonjourSnapshot{}, nil)
	return p
}

// maxWarnings is how many lines at the top may stand there before no more warnings
// of other keys are added.
const maxWarnings = 5

// followNetwork listens to what happens on the local network.
func (w *Window) followNetwork() {
	stale := func() { w.neighbours.stale = true }
	bus.On(w.client, func(middleware.BonjourAccountDidChange) { stale() })
	bus.On(w.client, func(middleware.BonjourAccountDidAddNeighbour) { stale() })
	bus.On(w.client, func(middleware.BonjourAccountDidUpdateNeighbour) { stale() })
	bus.On(w.client, func(middleware.BonjourAccountDidRemoveNeighbour) { stale() })
	bus.On(w.client, func(n middleware.BonjourAccountNeighbourKeyDidChange) {
		stale()
		if len(w.banners.kept) < maxWarnings { // whoever wants to fill the window has many names
			w.banners.keep(viewmodel.KeyBanner(n.Now))
		}
	})
}

// network is the account of the local network.
func (w *Window) network() *middleware.BonjourAccount {
	return w.phone.AccountManager().BonjourAccount()
}

// enableNetwork turns calls on the local network on or off.
func (w *Window) enableNetwork(on bool) {
	w.attempt(func() error {
		return w.network().Change(func(s *middleware.BonjourSettings) error { s.Enabled = on; return nil })
	})
}

// update reads who is there, if that may have changed.
func (p *neighboursPanel) update() {
	if !p.stale {
		return
	}
	p.stale = false
	p.show(p.w.network().Snapshot(), p.w.network().Neighbours())
	p.w.matches.refresh()
}

// show shows what is known. The row that is selected stays selected, and what is
// seen stays where it is.
func (p *neighboursPanel) show(now middleware.BonjourSnapshot, all []middleware.Neighbour) {
	p.now, p.all = now, all
	text := strings.TrimSpace(p.search.Text)
	found := viewmodel.FindNeighbours(text, all)
	rows := make([]viewmodel.Neighbour, len(found))
	for i, n := range found {
		rows[i] = viewmodel.NewNeighbour(n)
	}
	p.top.Hidden = len(all) == 0
	p.empty.box.Hidden = len(rows) > 0
	p.empty.set(viewmodel.NoNeighbours(now, len(all), text))
	p.found = found
	if !slices.Equal(rows, p.rows) {
		p.replace(rows)
	}
	p.box.Refresh()
	if p.detail != nil {
		p.detail.update()
	}
}

// replace puts other rows into the list.
func (p *neighboursPanel) replace(rows []viewmodel.Neighbour) {
	chosen, first := "", ""
	if i, any := p.list.chosen(); any {
		chosen = p.rows[i].ID
	}
	offset := p.list.GetScrollOffset()
	over := offset
	if i := int(offset / p.list.pitch()); offset > 0 && i < len(p.rows) {
		first, over = p.rows[i].ID, offset-float32(i)*p.list.pitch()
	}
	p.rows = rows
	place := func(id string) int {
		return slices.IndexFunc(rows, func(v viewmodel.Neighbour) bool { return v.ID == id })
	}
	if i := place(chosen); i != p.list.selected {
		p.list.UnselectAll()
		if i >= 0 {
			p.list.Select(i)
		}
	}
	p.list.Refresh()
	if i := place(first); first != "" && i >= 0 {
		offset = float32(i)*p.list.pitch() + over
	}
	end := float32(len(rows))*p.list.pitch() - fynetheme.Padding() - p.list.Size().Height
	p.list.ScrollToOffset(max(min(offset, end), 0))
}

// searchKey is called for keys in the search field before the field itself.
func (p *neighboursPanel) searchKey(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape && p.search.Text != "":
		p.search.SetText("")
	case k == fyne.KeyDown && len(p.rows) > 0:
		p.w.win.Canvas().Focus(p.list)
	case (k == fyne.KeyReturn || k == fyne.KeyEnter) && len(p.rows) > 0 && p.search.Text != "":
		p.call(0)
	default:
		return false
	}
	return true
}

// typed takes letters from the list into the search field, while it is there.
func (p *neighboursPanel) typed(r rune) {
	if p.top.Hidden {
		p.w.dialer.typed(r)
		return
	}
	p.w.win.Canvas().Focus(p.search)
	p.search.CursorColumn = len([]rune(p.search.Text))
	p.search.TypedRune(r)
}

func (p *neighboursPanel) fill(row *widgets.Row, i int) {
	v := p.rows[i]
	c := widgets.RowContent{
		Icon: icons.Name(v.Picture), IconColor: toneColor(v.Tone), Title: v.Title, Bold: true,
		Line: v.Line, LineColor: toneColor(v.LineTone), Lock: icons.Name(v.Lock), LockColor: toneColor(v.LockTone),
	}
	if !v.Callable {
		c.Icon, c.Action, c.ActionIn = icons.Warning, icons.Info, toneColor(v.Tone)
	}
	row.Set(c)
}

// call calls a neighbour, or says why it cannot be called.
func (p *neighboursPanel) call(i int) {
	if !p.rows[i].Callable {
		p.w.showNeighbour(p.rows[i].ID)
		return
	}
	p.w.call(p.rows[i].Target)
}

// neighbour returns the neighbour with that id while it is there.
func (p *neighboursPanel) neighbour(id string) (middleware.Neighbour, bool) {
	i := slices.IndexFunc(p.all, func(n middleware.Neighbour) bool { return n.ID == id })
	if i < 0 {
		return middleware.Neighbour{}, false
	}
	return p.all[i], true
}

// first is where the keyboard begins on the page.
func (p *neighboursPanel) first() fyne.Focusable {
	if len(p.rows) == 0 && !p.empty.turnOn.Hidden && !p.empty.box.Hidden {
		return p.empty.turnOn
	}
	return p.list
}

// emptyNetwork stands in place of an empty list: why nobody is there, and what
// to do.
type emptyNetwork struct {
	shown  viewmodel.Network
	symbol *widget.Icon
	title  *widgets.Note
	text   *widgets.Note
	said   *widgets.Note
	turnOn *widget.Button
	box    *fyne.Container
}

// emptySymbol is how large the symbol above an empty list is.
const emptySymbol = 40

func newEmptyNetwork(enable func()) *emptyNetwork {
	e := &emptyNetwork{
		symbol: widget.NewIcon(nil), title: widgets.NewParagraph("", ""), text: widgets.NewNote("", fynetheme.ColorNamePlaceHolder),
		said: widgets.NewNote("", fynetheme.ColorNamePlaceHolder),
	}
	for _, n := range []*widgets.Note{e.title, e.text, e.said} {
		n.Center()
	}
	e.turnOn = widget.NewButtonWithIcon(i18n.T("Turn on"), theme.ColoredIcon(icons.LAN, fynetheme.ColorNameForegroundOnPrimary), enable)
	e.turnOn.Importance = widget.HighImportance
	symbol := container.NewCenter(container.New(fixed{emptySymbol, emptySymbol}, e.symbol))
	e.box = container.NewPadded(container.NewPadded(container.NewVBox(
		spacer(), symbol, e.title, e.text, e.said, gap(), container.NewCenter(e.turnOn), spacer())))
	return e
}

func (e *emptyNetwork) set(v viewmodel.Network) {
	if v == e.shown {
		return
	}
	e.shown = v
	e.symbol.SetResource(picture(viewmodel.PictureLAN, v.Tone))
	e.title.Set(v.Title)
	e.text.Set(v.Text)
	e.said.Set(v.Said)
	e.text.Hidden, e.said.Hidden, e.turnOn.Hidden = v.Text == "", v.Said == "", !v.TurnOn
	e.box.Refresh()
}
