package gui

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
)

const (
	contactPage  = 200 // contacts read at a time
	contactAhead = 60  // how near the end of what is read more is read
	maxReload    = 1000
)

// contactsPanel lists the address book. Further pages are read as the person
// comes near their end, so that its length does not matter.
type contactsPanel struct {
	w       *Window
	found   []middleware.Contact
	rows    []viewmodel.Contact // of found
	groups  []middleware.ContactGroup
	choices []viewmodel.GroupChoice
	group   viewmodel.GroupChoice
	more    bool // there are further pages
	loading bool
	again   bool // the contacts, or what is asked, changed while they were read

	search  *widgets.Entry
	chooser *widget.Select
	list    *rowList
	nobody  *widgets.Note
	first   *fyne.Container // what to do while there is nobody at all
	empty   *fyne.Container
	box     *fyne.Container
}

func newContactsPanel(w *Window) *contactsPanel {
	p := &contactsPanel{w: w, search: widgets.NewEntry(), nobody: widgets.NewParagraph("", fynetheme.ColorNamePlaceHolder)}
	p.search.SetPlaceHolder(i18n.T("Search"))
	p.search.OnChanged = func(string) { p.reload() }
	p.search.OnShortcut = w.shortcut
	p.search.OnKey = p.searchKey
	p.chooser = widget.NewSelect(nil, nil)
	p.offer(nil)
	add := widget.NewButtonWithIcon(i18n.T("Add"), fynetheme.ContentAddIcon(), func() { w.editContact(middleware.Contact{}) })
	var more *widget.Button
	more = widget.NewButtonWithIcon("", fynetheme.MoreVerticalIcon(), func() { w.popUp(p.fileMenu(), more) })
	more.Importance = widget.LowImportance
	top := container.NewBorder(nil, nil, container.New(wide(118), p.chooser), container.NewHBox(add, more), p.search)
	p.list = newRowList(&rowList{
		count:  func() int { return len(p.rows) },
		fill:   p.fill,
		call:   p.call,
		remove: p.askRemove,
		menu:   func(i int, at fyne.Position) { w.showMenu(p.menu(p.found[i]), at) },
		typed:  p.typed,
		back:   func() { w.win.Canvas().Focus(p.search) },
		focus:  w.win.Canvas().Focus,
	})
	p.buildEmpty()
	p.box = container.NewBorder(top, nil, nil, nil, container.NewStack(p.list, p.empty))
	return p
}

// wide is a layout of a fixed width.
type wide float32

// MinSize is called by the toolkit.
func (l wide) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(float32(l), o[0].MinSize().Height)
}

// Layout is called by the toolkit.
func (l wide) Layout(o []fyne.CanvasObject, size fyne.Size) { o[0].Resize(size) }

// buildEmpty makes what is shown instead of an empty list.
func (p *contactsPanel) buildEmpty() {
	p.nobody.Center()
	add := widget.NewButtonWithIcon(i18n.T("Add contact"), fynetheme.ContentAddIcon(), func() { p.w.editContact(middleware.Contact{}) })
	add.Importance = widget.HighImportance
	bring := widget.NewButtonWithIcon(i18n.T("Import…"), fynetheme.FolderOpenIcon(), p.w.importContacts)
	what := widgets.NewNote(i18n.T("Add the people you call, or take them over from a vCard or CSV file."), fynetheme.ColorNamePlaceHolder)
	what.Center()
	p.first = container.NewVBox(what, gap(), container.NewCenter(container.NewHBox(add, bring)))
	p.empty = container.NewPadded(container.NewVBox(spacer(), p.nobody, p.first, spacer()))
	p.empty.Hide()
}

// searchKey is called for keys in the search field before the field itself.
func (p *contactsPanel) searchKey(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape && p.search.Text != "":
		p.search.SetText("")
	case k == fyne.KeyDown && len(p.rows) > 0:
		p.w.win.Canvas().Focus(p.list)
	case (k == fyne.KeyReturn || k == fyne.KeyEnter) && len(p.rows) > 0 && p.search.Text != "" && !p.loading:
		p.call(0)
	default:
		return false
	}
	return true
}

// typed takes letters from the list into the search field.
func (p *contactsPanel) typed(r rune) {
	p.w.win.Canvas().Focus(p.search)
	p.search.CursorColumn = len([]rune(p.search.Text))
	p.search.TypedRune(r)
}

// offer fills the chooser of groups and keeps what is chosen, if it is there.
func (p *contactsPanel) offer(groups []middleware.ContactGroup) {
	choices := viewmodel.GroupChoices(groups)
	if p.choices != nil && slices.Equal(choices, p.choices) {
		return
	}
	p.groups, p.choices = groups, choices
	index := max(slices.IndexFunc(choices, func(g viewmodel.GroupChoice) bool {
		return g.Group == p.group.Group && g.Favorites == p.group.Favorites
	}), 0)
	p.group = choices[index]
	var labels []string
	for _, g := range choices {
		labels = append(labels, g.Label)
	}
	p.chooser.OnChanged = nil
	p.chooser.Options = labels
	p.chooser.SetSelectedIndex(index)
	p.chooser.OnChanged = func(string) {
		p.group = p.choices[max(p.chooser.SelectedIndex(), 0)]
		p.list.UnselectAll()
		p.list.ScrollToTop()
		p.reload()
	}
}

// reload reads the contacts again from the beginning, as many as are shown.
func (p *contactsPanel) reload() {
	if p.loading {
		p.again = true
		return
	}
	p.load(middleware.ContactQuery{Limit: min(max(contactPage, len(p.rows)), maxReload)}, nil)
}

// next reads the next page.
func (p *contactsPanel) next() {
	if p.loading || !p.more {
		return
	}
	p.load(middleware.ContactQuery{After: p.found[len(p.found)-1].Cursor(), Limit: contactPage}, p.found)
}

// load reads contacts that follow those before.
func (p *contactsPanel) load(q middleware.ContactQuery, before []middleware.Contact) {
	p.loading = true
	text, group := strings.TrimSpace(p.search.Text), p.group
	q.Group, q.Favorites = group.Group, group.Favorites
	w := p.w
	w.door.Do(func(ctx context.Context) func() {
		groups, err := w.phone.Contacts().Groups(ctx)
		var list []middleware.Contact
		switch {
		case err != nil:
		case text == "":
			list, err = w.phone.Contacts().List(ctx, q)
		default:
			list, err = w.phone.Contacts().Search(ctx, text, maxReload)
			list = slices.DeleteFunc(list, func(c middleware.Contact) bool { return !group.Holds(c) })
		}
		more := err == nil && text == "" && !group.Favorites && len(list) == q.Limit
		return func() { p.loaded(append(before, list...), groups, more, err) }
	})
}

func (p *contactsPanel) loaded(list []middleware.Contact, groups []middleware.ContactGroup, more bool, err error) {
	p.loading = false
	if p.again {
		p.again = false
		p.reload()
		return
	}
	if err != nil {
		p.w.fail(err)
		return
	}
	p.offer(groups)
	chosen := int64(0)
	if i, any := p.list.chosen(); any {
		chosen = p.rows[i].ID
	}
	p.found, p.more = list, more
	p.rows = p.rows[:0]
	for _, c := range list {
		p.rows = append(p.rows, viewmodel.NewContact(c))
	}
	p.keepChosen(chosen)
	text, first := viewmodel.NoContacts(strings.TrimSpace(p.search.Text), p.group)
	p.nobody.Set(text)
	p.first.Hidden, p.empty.Hidden = !first, len(p.rows) > 0
	p.list.Refresh()
	p.box.Refresh()
}

// keepChosen selects the same contact again, wherever it is now.
func (p *contactsPanel) keepChosen(id int64) {
	i := slices.IndexFunc(p.rows, func(v viewmodel.Contact) bool { return v.ID == id })
	if now, any := p.list.chosen(); any && now == i {
		return
	}
	p.list.UnselectAll()
	if id != 0 && i >= 0 {
		p.list.Select(i)
	}
}

func (p *contactsPanel) fill(row *widgets.Row, i int) {
	v := p.rows[i]
	c := widgets.RowContent{Title: v.Name, Note: v.Note, Person: true, Star: v.Star}
	if v.Photo {
		c.Picture = p.w.photo(v.ID, p.list.Refresh)
	}
	row.Set(c)
	if i+contactAhead > len(p.rows) {
		p.next()
	}
}

// call calls a contact; one that cannot be called is edited.
func (p *contactsPanel) call(i int) {
	if p.rows[i].Target == "" {
		p.w.editContact(p.found[i])
		return
	}
	p.w.call(p.rows[i].Target)
}

// askRemove deletes a contact after a question.
func (p *contactsPanel) askRemove(i int) { p.w.askRemoveContact(p.found[i], p.w.win, func() {}) }

// contactsChanged shows what has changed.
func (w *Window) contactsChanged() {
	w.forgetPhotos()
	w.contacts.reload()
	w.matches.refresh()
}
