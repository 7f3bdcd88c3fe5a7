package gui

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
)

// recentPage is how many rows of the history are read at a time, and recentAhead
// how near their end more are read.
const (
	recentPage  = 200
	recentAhead = 60
)

// recentPanel lists the Echo Test and past calls.
type recentPanel struct {
	w       *Window
	filter  viewmodel.Filter
	narrow  viewmodel.Narrow
	history []middleware.HistoryEntry // of the filter and search in use, from the newest on
	rows    []viewmodel.Recent
	more    bool // there are older calls
	loading bool
	again   bool // the history, or what is asked, changed while it was read

	chips  []*widget.Button
	search *widgets.Entry
	only   *widgets.Text // what narrow leaves
	onlyIn *fyne.Container
	top    *fyne.Container
	list   *rowList
	nobody *widget.TextSegment // what empty says
	empty  *widget.RichText
	box    *fyne.Container
}

func newRecentPanel(w *Window) *recentPanel {
	p := &recentPanel{w: w, search: widgets.NewEntry(), only: widgets.NewCaption("")}
	line := container.NewHBox()
	for _, f := range viewmodel.Filters() {
		b := widget.NewButton("", func() { p.choose(f) })
		p.chips = append(p.chips, b)
		line.Add(b)
	}
	p.search.SetPlaceHolder(i18n.T("Search"))
	p.search.OnChanged = func(string) { p.reload() }
	p.search.OnShortcut = w.shortcut
	p.search.OnKey = p.searchKey
	var more *widget.Button
	more = widget.NewButtonWithIcon("", fynetheme.MoreVerticalIcon(), func() { w.popUp(p.filterMenu(), more) })
	more.Importance = widget.LowImportance
	every := widget.NewButtonWithIcon("", fynetheme.CancelIcon(), func() { p.setNarrow(viewmodel.Narrow{}) })
	every.Importance = widget.LowImportance
	p.onlyIn = container.NewBorder(nil, nil, nil, every, center(p.only))
	p.top = container.NewVBox(container.NewBorder(nil, nil, line, more, p.search), p.onlyIn)
	p.nobody = &widget.TextSegment{Style: widget.RichTextStyle{ColorName: fynetheme.ColorNamePlaceHolder, Alignment: fyne.TextAlignCenter}}
	p.empty = widget.NewRichText(p.nobody)
	p.empty.Wrapping = fyne.TextWrapWord
	p.empty.Hide()
	p.list = newRowList(&rowList{
		count:  func() int { return len(p.rows) },
		fill:   p.fill,
		call:   func(i int) { w.call(p.rows[i].Target) },
		remove: func(i int) { p.remove(p.rows[i]) },
		menu:   p.openMenu,
		typed:  w.dialer.typed,
		back:   func() { w.win.Canvas().Focus(p.search) },
		focus:  w.win.Canvas().Focus,
	})
	body := container.NewStack(p.list, container.NewVBox(spacer(), container.NewPadded(p.empty), spacer()))
	p.box = container.NewBorder(p.top, nil, nil, nil, body)
	p.show()
	return p
}

// searchKey is called for keys in the search field before the field itself.
func (p *recentPanel) searchKey(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape && p.search.Text != "":
		p.search.SetText("")
	case k == fyne.KeyDown && len(p.rows) > 0:
		p.w.win.Canvas().Focus(p.list)
	default:
		return false
	}
	return true
}

// choose changes the filter.
func (p *recentPanel) choose(f viewmodel.Filter) {
	p.filter = f
	if f == viewmodel.Missed {
		p.seen()
	}
	p.list.ScrollToTop()
	p.reload()
}

// setNarrow leaves only calls of a direction or an account.
func (p *recentPanel) setNarrow(n viewmodel.Narrow) {
	p.narrow = n
	p.list.ScrollToTop()
	p.reload()
}

// seen tells the history that the person has looked at the missed calls.
func (p *recentPanel) seen() {
	if p.w.phone.History().Unseen() == 0 {
		return
	}
	p.w.door.Do(func(ctx context.Context) func() {
		_ = p.w.phone.History().MarkSeen(ctx) // a badge that stays does no harm
		return nil
	})
}

// query asks for what the filters and the search leave.
func (p *recentPanel) query() middleware.HistoryQuery {
	return middleware.HistoryQuery{
		Text: p.search.Text, Missed: p.filter == viewmodel.Missed, Recorded: p.filter == viewmodel.Recorded,
		Direction: p.narrow.Direction, Account: p.narrow.Account,
	}
}

// reload reads the history again from the newest call, as far as it is shown.
func (p *recentPanel) reload() {
	if p.loading {
		p.again = true
		return
	}
	q := p.query()
	q.Limit = min(max(recentPage, len(p.history)), maxReload)
	p.load(q, nil)
}

// next reads older calls.
func (p *recentPanel) next() {
	if p.loading || !p.more {
		return
	}
	q := p.query()
	q.Before, q.Limit = p.history[len(p.history)-1].Cursor(), recentPage
	p.load(q, p.history)
}

// load reads calls that are older than those before.
func (p *recentPanel) load(q middleware.HistoryQuery, before []middleware.HistoryEntry) {
	p.loading = true
	p.w.door.Do(func(ctx context.Context) func() {
		list, err := p.w.phone.History().Search(ctx, q)
		return func() { p.loaded(append(before, list...), len(list) == q.Limit, err) }
	})
}

func (p *recentPanel) loaded(list []middleware.HistoryEntry, more bool, err error) {
	p.loading = false
	if err != nil {
		p.w.fail(err)
	} else if !p.again {
		p.history, p.more = list, more
	}
	p.show()
	if p.again {
		p.again = false
		p.reload()
	}
}

// show puts rows into the list.
func (p *recentPanel) show() {
	now := p.w.opts.Now()
	chosen := int64(0)
	if i, any := p.list.chosen(); any {
		chosen = p.rows[i].ID
	}
	p.rows = p.rows[:0]
	if p.filter == viewmodel.All && p.search.Text == "" && p.narrow == (viewmodel.Narrow{}) {
		p.rows = append(p.rows, viewmodel.EchoRow())
	}
	for _, e := range p.history {
		p.rows = append(p.rows, viewmodel.NewRecent(e, now))
	}
	for i, f := range viewmodel.Filters() {
		p.chips[i].Importance = widget.LowImportance
		if f == p.filter {
			p.chips[i].Importance = widget.HighImportance
		}
		p.chips[i].SetText(f.Word(p.w.phone.History().Unseen()))
	}
	p.only.Set(p.narrow.Words(p.w.accountLabel))
	p.onlyIn.Hidden = p.narrow == (viewmodel.Narrow{})
	p.showEmpty()
	p.keepChosen(chosen)
	p.list.Refresh()
	p.box.Refresh()
}

// keepChosen selects the same call again, wherever it is now.
func (p *recentPanel) keepChosen(id int64) {
	i := slices.IndexFunc(p.rows, func(r viewmodel.Recent) bool { return r.ID == id && id != 0 })
	if now, any := p.list.chosen(); any && now == i {
		return
	}
	p.list.UnselectAll()
	if i >= 0 {
		p.list.Select(i)
	}
}

func (p *recentPanel) showEmpty() {
	calls := len(p.rows)
	if calls > 0 && p.rows[0].Target == middleware.EchoTarget {
		calls--
	}
	p.empty.Hidden = calls > 0 || p.loading
	p.nobody.Text = viewmodel.Empty(p.filter, p.search.Text, len(p.w.phone.AccountManager().Snapshots()))
	if p.search.Text == "" && p.narrow != (viewmodel.Narrow{}) {
		p.nobody.Text = p.narrow.Empty()
	}
	p.empty.Refresh()
}

func (p *recentPanel) fill(row *widgets.Row, i int) {
	r := p.rows[i]
	row.Set(widgets.RowContent{
		Icon: icons.Name(r.Picture), IconColor: toneColor(r.Tone), Title: r.Title, Note: r.Note, Took: r.Took, When: r.When,
		Bold: r.Picture == viewmodel.PictureMissed || r.Picture == viewmodel.PictureEcho,
	})
	if i+recentAhead > len(p.rows) {
		p.next()
	}
}
