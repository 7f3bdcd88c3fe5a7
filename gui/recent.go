package gui

import (
	"context"
	"net/url"
	"path/filepath"

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

const (
	recentLimit = 300 // rows read from the history
	matchLimit  = 8   // matches shown while a number is typed
)

// recentPanel lists the Echo Test and past calls, or what a typed text may mean.
type recentPanel struct {
	w       *Window
	filter  viewmodel.Filter
	typed   string
	history []middleware.HistoryEntry // of the filter and search in use
	rows    []viewmodel.Recent
	loading bool
	again   bool // the history changed while it was read

	chips  []*widget.Button
	search *widgets.Entry
	top    *fyne.Container
	list   *callList
	nobody *widget.TextSegment // what empty says
	empty  *widget.RichText
	box    *fyne.Container
}

func newRecentPanel(w *Window) *recentPanel {
	p := &recentPanel{w: w, search: widgets.NewEntry()}
	line := container.NewHBox()
	for _, f := range viewmodel.Filters() {
		b := widget.NewButton("", func() { p.choose(f) })
		p.chips = append(p.chips, b)
		line.Add(b)
	}
	p.search.SetPlaceHolder(i18n.T("Search"))
	p.search.OnChanged = func(string) { p.reload() }
	p.search.OnShortcut = w.shortcut
	p.search.OnKey = func(k fyne.KeyName) bool {
		if k == fyne.KeyEscape && p.search.Text != "" {
			p.search.SetText("")
			return true
		}
		return false
	}
	p.top = container.NewBorder(nil, nil, line, nil, p.search)
	p.nobody = &widget.TextSegment{Style: widget.RichTextStyle{ColorName: fynetheme.ColorNamePlaceHolder, Alignment: fyne.TextAlignCenter}}
	p.empty = widget.NewRichText(p.nobody)
	p.empty.Wrapping = fyne.TextWrapWord
	p.empty.Hide()
	p.list = newCallList(p)
	body := container.NewStack(p.list, container.NewVBox(spacer(), container.NewPadded(p.empty), spacer()))
	p.box = container.NewBorder(p.top, nil, nil, nil, body)
	p.show()
	return p
}

// choose changes the filter.
func (p *recentPanel) choose(f viewmodel.Filter) {
	p.filter = f
	if f == viewmodel.Missed {
		p.w.door.Do(func(ctx context.Context) func() {
			_ = p.w.phone.History().MarkSeen(ctx) // a badge that stays does no harm
			return nil
		})
	}
	p.reload()
}

// match lists what the text in the number field may mean.
func (p *recentPanel) match(text string) {
	p.typed = text
	p.show()
}

// reload reads the history again.
func (p *recentPanel) reload() {
	if p.loading {
		p.again = true
		return
	}
	p.loading = true
	q := middleware.HistoryQuery{
		Text: p.search.Text, Missed: p.filter == viewmodel.Missed, Recorded: p.filter == viewmodel.Recorded, Limit: recentLimit,
	}
	p.w.door.Do(func(ctx context.Context) func() {
		list, err := p.w.phone.History().Search(ctx, q)
		return func() { p.loaded(list, err) }
	})
}

func (p *recentPanel) loaded(list []middleware.HistoryEntry, err error) {
	p.loading = false
	if err != nil {
		p.w.banners.flash(p.w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
	} else {
		p.history = list
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
	p.rows = p.rows[:0]
	matching := p.typed != ""
	if matching {
		p.rows = append(p.rows, viewmodel.Matches(p.typed, p.history, now, matchLimit)...)
	} else {
		if p.filter == viewmodel.All && p.search.Text == "" {
			p.rows = append(p.rows, viewmodel.EchoRow())
		}
		for _, e := range p.history {
			p.rows = append(p.rows, viewmodel.NewRecent(e, now))
		}
	}
	p.top.Hidden = matching
	for i, f := range viewmodel.Filters() {
		p.chips[i].Importance = widget.LowImportance
		if f == p.filter {
			p.chips[i].Importance = widget.HighImportance
		}
		p.chips[i].SetText(f.Word(p.w.phone.History().Unseen()))
	}
	p.showEmpty(matching)
	p.list.UnselectAll()
	p.list.Refresh()
	p.box.Refresh()
}

func (p *recentPanel) showEmpty(matching bool) {
	calls := len(p.rows)
	if calls > 0 && p.rows[0].Target == middleware.EchoTarget {
		calls--
	}
	p.empty.Hidden = calls > 0 || p.loading
	switch {
	case matching && len(p.rows) == 0:
		p.nobody.Text = i18n.T("Press Enter to call “%s”.", p.typed)
	case matching:
		p.empty.Hidden = true
	default:
		p.nobody.Text = viewmodel.Empty(p.filter, p.search.Text, len(p.w.phone.AccountManager().Snapshots()))
	}
	p.empty.Refresh()
}

// callList is the list itself; Enter calls the selected row.
type callList struct {
	widget.List

	p        *recentPanel
	selected int
}

func newCallList(p *recentPanel) *callList {
	l := &callList{p: p, selected: -1}
	l.Length = func() int { return len(p.rows) }
	l.CreateItem = func() fyne.CanvasObject { return widgets.NewRow(icons.Call) }
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) { p.fillRow(o.(*widgets.Row), i) }
	l.OnSelected = func(i widget.ListItemID) { l.selected = i }
	l.OnUnselected = func(widget.ListItemID) { l.selected = -1 }
	l.HideSeparators = true
	l.ExtendBaseWidget(l)
	return l
}

// TypedKey is called by the toolkit. The arrows move the selection itself.
func (l *callList) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		if l.selected >= 0 && l.selected < len(l.p.rows) {
			l.p.w.call(l.p.rows[l.selected].Target)
		}
	case fyne.KeyDelete:
		if l.selected >= 0 && l.selected < len(l.p.rows) {
			l.p.remove(l.p.rows[l.selected])
		}
	case fyne.KeyDown:
		l.Select(min(l.selected+1, len(l.p.rows)-1))
	case fyne.KeyUp:
		l.Select(max(l.selected-1, 0))
	default:
		l.List.TypedKey(e)
	}
}

func (p *recentPanel) fillRow(row *widgets.Row, i int) {
	if i >= len(p.rows) {
		return
	}
	r := p.rows[i]
	row.Set(widgets.RowContent{
		Icon: icons.Name(r.Picture), IconColor: toneColor(r.Tone), Title: r.Title, Note: r.Note, Took: r.Took, When: r.When,
		Bold: r.Picture == viewmodel.PictureMissed || r.Picture == viewmodel.PictureEcho,
	})
	row.OnTapped = func() {
		p.list.Select(i)
		p.w.win.Canvas().Focus(p.list)
	}
	row.OnDouble = func() { p.w.call(r.Target); p.clear() }
	row.OnAction = row.OnDouble
	row.OnMenu = func(at fyne.Position) {
		p.list.Select(i)
		widget.ShowPopUpMenuAtPosition(p.menu(r), p.w.win.Canvas(), at)
	}
}

// clear empties the number field after a match was called.
func (p *recentPanel) clear() {
	if p.typed != "" {
		p.w.dialer.entry.SetText("")
	}
}

// menu is what can be done with a row.
func (p *recentPanel) menu(r viewmodel.Recent) *fyne.Menu {
	w := p.w
	item := func(text string, icon fyne.Resource, do func()) *fyne.MenuItem {
		m := fyne.NewMenuItem(text, do)
		m.Icon = icon
		return m
	}
	items := []*fyne.MenuItem{item(i18n.T("Call"), picture(viewmodel.PictureCall, viewmodel.Accent), func() { w.call(r.Target) })}
	if r.ID == 0 {
		return fyne.NewMenu("", items...)
	}
	items = append(items,
		item(i18n.T("Edit number before calling"), fynetheme.DocumentCreateIcon(), func() { w.dialer.fill(viewmodel.ShortURI(r.Target)) }),
		item(i18n.T("Copy address"), fynetheme.ContentCopyIcon(), func() { w.app.Clipboard().SetContent(viewmodel.ShortURI(r.Target)) }),
	)
	if r.Recording != "" {
		items = append(items, item(i18n.T("Show recording in its folder"), fynetheme.FolderOpenIcon(), func() { w.openFolder(filepath.Dir(r.Recording)) }))
	}
	when := fyne.NewMenuItem(r.Exact, nil)
	when.Disabled = true
	items = append(items, fyne.NewMenuItemSeparator(), when,
		item(i18n.T("Delete from list"), fynetheme.DeleteIcon(), func() { p.remove(r) }))
	return fyne.NewMenu("", items...)
}

func (p *recentPanel) remove(r viewmodel.Recent) {
	if r.ID == 0 {
		return
	}
	p.w.door.Do(func(ctx context.Context) func() {
		if err := p.w.phone.History().Delete(ctx, r.ID); err != nil {
			return func() {
				p.w.banners.flash(p.w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
			}
		}
		return nil
	})
}

// openFolder shows a folder in the system's file manager.
func (w *Window) openFolder(dir string) {
	if err := w.app.OpenURL(&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}); err != nil {
		w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
	}
}
