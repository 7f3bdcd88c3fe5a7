package gui

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/icons"
	"parley/middleware"
)

// lastPlace puts a new favorite behind the others.
const lastPlace = 9999

// menuItem is an item with a symbol.
func menuItem(text string, icon fyne.Resource, do func()) *fyne.MenuItem {
	m := fyne.NewMenuItem(text, do)
	m.Icon = icon
	return m
}

// showMenu opens a menu in the main window.
func (w *Window) showMenu(m *fyne.Menu, at fyne.Position) {
	widget.ShowPopUpMenuAtPosition(m, w.win.Canvas(), at)
}

// fail says for a moment what did not work.
func (w *Window) fail(err error) {
	w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
}

// doContacts works on the address book away from the window's thread.
func (w *Window) doContacts(work func(context.Context, *middleware.Contacts) error) {
	w.door.Do(func(ctx context.Context) func() {
		if err := work(ctx, w.phone.Contacts()); err != nil {
			return func() { w.fail(err) }
		}
		return nil
	})
}

// menu is what can be done with a contact.
func (p *contactsPanel) menu(c middleware.Contact) *fyne.Menu {
	w, v := p.w, viewmodel.NewContact(c)
	var items []*fyne.MenuItem
	if v.Target != "" {
		items = append(items, menuItem(i18n.T("Call"), picture(viewmodel.PictureCall, viewmodel.Accent), func() { w.call(v.Target) }))
	}
	for _, a := range v.Others {
		items = append(items, menuItem(i18n.T("Call %s", a.Text), picture(viewmodel.PictureCall, viewmodel.Accent), func() { w.call(a.Target) }))
	}
	star := menuItem(i18n.T("Favorite"), theme.Icon(icons.Star), func() { w.setFavorite(c.ID, !v.Star) })
	star.Checked = v.Star
	groups := menuItem(i18n.T("Groups"), theme.Icon(icons.Contacts), nil)
	groups.ChildMenu = p.groupMenu(c)
	items = append(items,
		menuItem(i18n.T("Edit…"), fynetheme.DocumentCreateIcon(), func() { w.editContact(c) }), star, groups)
	if v.Target != "" {
		items = append(items, menuItem(i18n.T("Copy address"), fynetheme.ContentCopyIcon(), func() { w.app.Clipboard().SetContent(viewmodel.ShortURI(v.Target)) }))
	}
	items = append(items, fyne.NewMenuItemSeparator(),
		menuItem(i18n.T("Delete…"), fynetheme.DeleteIcon(), func() { w.askRemoveContact(c, w.win, func() {}) }))
	return fyne.NewMenu("", items...)
}

// groupMenu lists the groups with those of a contact ticked.
func (p *contactsPanel) groupMenu(c middleware.Contact) *fyne.Menu {
	var items []*fyne.MenuItem
	for _, g := range p.groups {
		in := slices.Contains(c.Groups, g.ID)
		item := fyne.NewMenuItem(g.Name, func() {
			p.w.doContacts(func(ctx context.Context, book *middleware.Contacts) error {
				if in {
					return book.RemoveFromGroup(ctx, g.ID, c.ID)
				}
				return book.AddToGroup(ctx, g.ID, c.ID)
			})
		})
		item.Checked = in
		items = append(items, item)
	}
	if len(items) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
	}
	items = append(items, menuItem(i18n.T("New group…"), fynetheme.ContentAddIcon(), func() {
		p.w.newGroup(p.w.win, p.w.fail, func(g middleware.ContactGroup) {
			p.w.doContacts(func(ctx context.Context, book *middleware.Contacts) error { return book.AddToGroup(ctx, g.ID, c.ID) })
		})
	}))
	return fyne.NewMenu("", items...)
}

// newGroup asks in a window for a name and makes a group. One of failed and made
// is called afterwards.
func (w *Window) newGroup(in fyne.Window, failed func(error), made func(middleware.ContactGroup)) {
	name := widget.NewEntry()
	d := dialog.NewForm(i18n.T("New group"), i18n.T("Save"), i18n.T("Cancel"),
		[]*widget.FormItem{widget.NewFormItem(i18n.T("Name"), name)}, func(yes bool) {
			if !yes {
				return
			}
			text := name.Text
			w.door.Do(func(ctx context.Context) func() {
				g, err := w.phone.Contacts().AddGroup(ctx, text)
				if err != nil {
					return func() { failed(err) }
				}
				return func() { made(g) }
			})
		}, in)
	d.Resize(fyne.NewSize(300, 0))
	name.OnSubmitted = func(string) { d.Submit() }
	d.Show()
	in.Canvas().Focus(name)
}

// setFavorite puts a contact at the end of the favorites, or takes it out.
func (w *Window) setFavorite(id int64, on bool) {
	w.doContacts(func(ctx context.Context, book *middleware.Contacts) error {
		_, err := book.Change(ctx, id, func(c *middleware.Contact) error {
			c.Favorite = 0
			if on {
				c.Favorite = lastPlace
			}
			return nil
		})
		return err
	})
}

// askRemoveContact deletes a contact after a question in a window, and calls then.
func (w *Window) askRemoveContact(c middleware.Contact, in fyne.Window, then func()) {
	d := dialog.NewConfirm(i18n.T("Delete contact?"), i18n.T("%s is taken out of the contacts. The list of calls stays as it is.", c.Name), func(yes bool) {
		if yes {
			w.doContacts(func(ctx context.Context, book *middleware.Contacts) error { return book.Remove(ctx, c.ID) })
			then()
		}
	}, in)
	d.SetConfirmText(i18n.T("Delete"))
	d.SetDismissText(i18n.T("Keep"))
	d.SetConfirmImportance(widget.DangerImportance)
	d.Show()
}

// removeGroup asks and deletes the group that is shown; its contacts stay.
func (w *Window) removeGroup(g viewmodel.GroupChoice) {
	d := dialog.NewConfirm(i18n.T("Delete group?"), i18n.T("The contacts in “%s” stay.", g.Label), func(yes bool) {
		if yes {
			w.doContacts(func(ctx context.Context, book *middleware.Contacts) error { return book.RemoveGroup(ctx, g.Group) })
		}
	}, w.win)
	d.SetConfirmText(i18n.T("Delete"))
	d.SetDismissText(i18n.T("Keep"))
	d.Show()
}

// fileMenu is what can be done with the address book as a whole.
func (p *contactsPanel) fileMenu() *fyne.Menu {
	w := p.w
	items := []*fyne.MenuItem{
		menuItem(i18n.T("Import…"), fynetheme.FolderOpenIcon(), w.importContacts),
		menuItem(i18n.T("Export…"), fynetheme.DocumentSaveIcon(), func() { w.exportContacts(p.group) }),
		fyne.NewMenuItemSeparator(),
		menuItem(i18n.T("New group…"), fynetheme.ContentAddIcon(), func() { w.newGroup(w.win, w.fail, func(middleware.ContactGroup) {}) }),
	}
	if g := p.group; g.Group != 0 {
		items = append(items, menuItem(i18n.T("Delete group…"), fynetheme.DeleteIcon(), func() { w.removeGroup(g) }))
	}
	return fyne.NewMenu("", items...)
}
