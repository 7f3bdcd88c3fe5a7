package gui

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/icons"
	"parley/middleware"
)

// filterMenu narrows the list, and writes it into a file.
func (p *recentPanel) filterMenu() *fyne.Menu {
	var items []*fyne.MenuItem
	add := func(text string, icon fyne.Resource, n viewmodel.Narrow) {
		item := menuItem(text, icon, func() { p.setNarrow(n) })
		item.Checked = n == p.narrow
		items = append(items, item)
	}
	in, out := middleware.HistoryIncoming, middleware.HistoryOutgoing
	account := p.narrow.Account
	add(i18n.T("Incoming and outgoing"), theme.Icon(icons.Recent), viewmodel.Narrow{Account: account})
	add(i18n.T("Incoming"), theme.Icon(icons.Incoming), viewmodel.Narrow{Direction: in, Account: account})
	add(i18n.T("Outgoing"), theme.Icon(icons.Outgoing), viewmodel.Narrow{Direction: out, Account: account})
	if list := p.w.phone.AccountManager().Snapshots(); len(list) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
		add(i18n.T("All accounts"), theme.Icon(icons.Contacts), viewmodel.Narrow{Direction: p.narrow.Direction})
		for _, a := range list {
			add(p.w.accountLabel(a.ID), nil, viewmodel.Narrow{Direction: p.narrow.Direction, Account: a.ID})
		}
		add(viewmodel.NetworkLabel(), nil, viewmodel.Narrow{Direction: p.narrow.Direction, Account: middleware.BonjourID})
	}
	items = append(items, fyne.NewMenuItemSeparator(),
		menuItem(i18n.T("Export as CSV…"), fynetheme.DocumentSaveIcon(), p.w.exportCalls))
	return fyne.NewMenu("", items...)
}

// openMenu opens the menu of a row, once it is known whether a contact stands
// behind it.
func (p *recentPanel) openMenu(i int, at fyne.Position) {
	w, r := p.w, p.rows[i]
	w.withContact(r.Target, func(c middleware.Contact) { w.showMenu(p.menu(r, c), at) })
}

// withContact looks for the contact with an address; then gets it, or one whose
// ID is 0.
func (w *Window) withContact(address string, then func(middleware.Contact)) {
	w.door.Do(func(ctx context.Context) func() {
		c, err := w.phone.Contacts().Find(ctx, address)
		if err != nil {
			c = middleware.Contact{}
		}
		return func() {
			if err != nil && !errors.Is(err, middleware.ErrNoContact) {
				w.fail(err)
			}
			then(c)
		}
	})
}

// menu is what can be done with a row of somebody who is that contact, if any.
func (p *recentPanel) menu(r viewmodel.Recent, c middleware.Contact) *fyne.Menu {
	w := p.w
	items := []*fyne.MenuItem{menuItem(i18n.T("Call"), picture(viewmodel.PictureCall, viewmodel.Accent), func() { w.call(r.Target) })}
	if r.ID == 0 {
		return fyne.NewMenu("", items...)
	}
	items = append(items,
		menuItem(i18n.T("Edit number before calling"), fynetheme.DocumentCreateIcon(), func() { w.dialer.fill(w.textOf(r.Target)) }),
		menuItem(i18n.T("Copy address"), fynetheme.ContentCopyIcon(), func() { w.app.Clipboard().SetContent(viewmodel.ShortURI(r.Target)) }),
		w.contactItem(c, r.Name, r.Target),
	)
	if r.Recording != "" {
		items = append(items, menuItem(i18n.T("Show recording in its folder"), fynetheme.FolderOpenIcon(), func() { w.openFolder(filepath.Dir(r.Recording)) }))
	}
	if pattern := viewmodel.BlockRow(r.Target); pattern != "" {
		items = append(items, w.blockItem(pattern, pattern))
	}
	when := fyne.NewMenuItem(r.Exact, nil)
	when.Disabled = true
	items = append(items, fyne.NewMenuItemSeparator(), when,
		menuItem(i18n.T("Delete from list"), fynetheme.DeleteIcon(), func() { p.remove(r) }))
	return fyne.NewMenu("", items...)
}

// contactItem edits the contact behind an address, or makes one.
func (w *Window) contactItem(c middleware.Contact, name, address string) *fyne.MenuItem {
	if c.ID != 0 {
		return menuItem(i18n.T("Edit contact…"), theme.Icon(icons.Contacts), func() { w.editContact(c) })
	}
	return menuItem(i18n.T("Add to contacts…"), theme.Icon(icons.Contacts), func() { w.editContact(viewmodel.ContactFor(name, address)) })
}

// editAddress opens the contact behind an address, or a new one for it.
func (w *Window) editAddress(name, address string) {
	w.withContact(address, func(c middleware.Contact) {
		if c.ID == 0 {
			c = viewmodel.ContactFor(name, address)
		}
		w.editContact(c)
	})
}

// showMatchMenu opens the menu of somebody below the number field.
func (w *Window) showMatchMenu(m viewmodel.Match, at fyne.Position) {
	w.withContact(m.Target, func(c middleware.Contact) {
		items := []*fyne.MenuItem{menuItem(i18n.T("Call"), picture(viewmodel.PictureCall, viewmodel.Accent), func() { w.call(m.Target) })}
		if m.Target != middleware.EchoTarget {
			items = append(items,
				menuItem(i18n.T("Copy address"), fynetheme.ContentCopyIcon(), func() { w.app.Clipboard().SetContent(viewmodel.ShortURI(m.Target)) }),
				w.contactItem(c, m.Name, m.Target))
		}
		w.showMenu(fyne.NewMenu("", items...), at)
	})
}

// blockItem turns away the calls that a pattern means from now on, or takes them
// again; who is that in words.
func (w *Window) blockItem(pattern, who string) *fyne.MenuItem {
	blocked := slices.Contains(w.phone.Settings().Calls.Reject, pattern)
	text, said := viewmodel.BlockWords(pattern, who, blocked)
	return menuItem(text, fynetheme.CancelIcon(), func() {
		w.changeSettings(func(s *middleware.Settings) error {
			s.Calls.Reject = slices.DeleteFunc(slices.Clone(s.Calls.Reject), func(other string) bool { return other == pattern })
			if !blocked {
				s.Calls.Reject = append(s.Calls.Reject, pattern)
			}
			return nil
		}, func(err error) {
			if err != nil {
				w.fail(err)
				return
			}
			w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Good, Text: said})
		})
	})
}

func (p *recentPanel) remove(r viewmodel.Recent) {
	if r.ID == 0 {
		return
	}
	p.w.door.Do(func(ctx context.Context) func() {
		if err := p.w.phone.History().Delete(ctx, r.ID); err != nil {
			return func() { p.w.fail(err) }
		}
		return nil
	})
}

// openFolder shows a folder in the system's file manager.
func (w *Window) openFolder(dir string) {
	if err := w.app.OpenURL(&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}); err != nil {
		w.fail(err)
	}
}
