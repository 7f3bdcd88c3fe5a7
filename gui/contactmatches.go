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

// matchLimit is how many matches are shown while a number is typed.
const matchLimit = 12

// matchPanel lists who may be meant by what stands in the number field. Answers
// that come after something else was typed are dropped.
type matchPanel struct {
	w      *Window
	typed  string
	rows   []viewmodel.Match
	known  string // what the rows are the answer to
	moved  bool   // the person has chosen a row with the arrows
	then   func() // waits for the answer; may be nil
	list   *rowList
	nobody *widget.TextSegment
	empty  *widget.RichText
	box    *fyne.Container
}

func newMatchPanel(w *Window) *matchPanel {
	p := &matchPanel{w: w}
	p.nobody = &widget.TextSegment{Style: widget.RichTextStyle{ColorName: fynetheme.ColorNamePlaceHolder, Alignment: fyne.TextAlignCenter}}
	p.empty = widget.NewRichText(p.nobody)
	p.empty.Wrapping = fyne.TextWrapWord
	p.list = newRowList(&rowList{
		count: func() int { return len(p.rows) },
		fill:  p.fill,
		call:  p.call,
		typed: w.dialer.typed,
		back:  func() { w.win.Canvas().Focus(w.dialer.entry) },
		menu:  func(i int, at fyne.Position) { w.showMatchMenu(p.rows[i], at) },
		focus: w.win.Canvas().Focus,
	})
	p.box = container.NewStack(p.list, container.NewVBox(spacer(), container.NewPadded(p.empty), spacer()))
	return p
}

// match looks for what a text may mean.
func (p *matchPanel) match(text string) {
	p.typed, p.moved, p.then = text, false, nil
	p.w.pages.show(p.w.lower)
	if text == "" {
		p.loaded("", nil)
		return
	}
	p.ask()
}

// ask looks for what is typed now.
func (p *matchPanel) ask() {
	text := p.typed
	p.w.door.Do(func(ctx context.Context) func() {
		// Without an answer the text itself can be called.
		found, _ := p.w.phone.Contacts().Match(ctx, text, matchLimit)
		return func() { p.loaded(text, found) }
	})
}

// loaded shows an answer, unless something else has been typed since.
func (p *matchPanel) loaded(text string, found []middleware.Match) {
	if text != p.typed {
		return
	}
	chosen := ""
	if i, any := p.list.chosen(); any && p.moved {
		chosen = p.rows[i].Target
	}
	p.known, p.rows = text, viewmodel.NewMatches(text, found, p.w.neighbours.all, p.w.opts.Now())
	p.empty.Hidden = len(p.rows) > 0
	p.nobody.Text = i18n.T("Press Enter to call “%s”.", text)
	p.empty.Refresh()
	p.list.Refresh()
	p.choose(max(slices.IndexFunc(p.rows, func(m viewmodel.Match) bool { return m.Target == chosen }), 0))
	if then := p.then; then != nil {
		p.then = nil
		then()
	}
}

// choose selects a row, if there is one.
func (p *matchPanel) choose(i int) {
	p.list.UnselectAll()
	if i < len(p.rows) {
		p.list.Select(i)
	}
}

// step moves the selection while the number field keeps the focus.
func (p *matchPanel) step(by int) {
	p.moved = true
	p.list.step(by)
}

// target returns what Enter in the number field calls. ok is false while that is
// not known; then runs once it is.
func (p *matchPanel) target(then func()) (target string, ok bool) {
	if viewmodel.IsAddress(p.typed) && !p.moved {
		return p.typed, true
	}
	if p.known != p.typed {
		p.then = then
		return "", false
	}
	if i, any := p.list.chosen(); any {
		return p.rows[i].Target, true
	}
	return p.typed, true
}

// call calls a row and empties the number field.
func (p *matchPanel) call(i int) {
	target := p.rows[i].Target
	if err := p.w.dial(target, p.w.dialer.account()); err != nil {
		p.w.dialer.complain(viewmodel.ExplainError(err))
		return
	}
	p.w.dialer.entry.SetText("")
	p.w.win.Canvas().Focus(p.w.dialer.entry)
}

func (p *matchPanel) fill(row *widgets.Row, i int) {
	m := p.rows[i]
	c := widgets.RowContent{
		Icon: icons.Name(m.Picture), IconColor: toneColor(m.Tone), Title: m.Title, Note: m.Note, When: m.When,
		Lock: icons.Name(m.Lock), LockColor: toneColor(m.LockTone), Person: m.Contact != 0, Star: m.Star, Bold: m.Picture == viewmodel.PictureEcho,
	}
	if m.Photo {
		c.Picture = p.w.photo(m.Contact, p.list.Refresh)
	}
	row.Set(c)
}

// refresh asks again after contacts have changed.
func (p *matchPanel) refresh() {
	if p.typed != "" {
		p.ask()
	}
}
