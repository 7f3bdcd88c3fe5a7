package gui

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
)

// The size of the window for one contact.
const (
	editorWidth  = 440
	editorHeight = 650
)

// contactEditor is the window of one contact. Nothing is saved before the person
// says so.
type contactEditor struct {
	w        *Window
	win      fyne.Window
	contact  middleware.Contact // as it was, or what a new one begins with
	groups   []middleware.ContactGroup
	inGroups []int64
	photo    chosenPhoto
	ringtone string

	name, organization *widgets.Entry
	note               *widgets.Entry
	face               *widgets.Photo
	noPhoto            *widget.Button
	addresses          *addressRows
	groupButton        *widget.Button
	favorite, answer   *widgets.Check
	tone               *widgets.Text
	noTone             *widget.Button
	troubles           map[string]*widgets.Note // by the key of a field
	trouble            *widgets.Note            // for what belongs to no field
	save               *widget.Button
}

// editContact opens the window of a contact; one without an ID is new.
func (w *Window) editContact(c middleware.Contact) {
	e := w.editors[c.ID]
	if e == nil {
		e = newContactEditor(w, c)
		w.editors[c.ID] = e
		e.win.SetOnClosed(func() { delete(w.editors, c.ID) })
	}
	e.win.Show()
	e.win.RequestFocus()
}

func newContactEditor(w *Window, c middleware.Contact) *contactEditor {
	e := &contactEditor{w: w, contact: c, inGroups: slices.Clone(c.Groups), ringtone: c.Ringtone, troubles: map[string]*widgets.Note{}}
	title := i18n.T("New contact")
	if c.ID != 0 {
		title = c.Name
	}
	e.win = w.app.NewWindow(title)
	e.win.Resize(fyne.NewSize(editorWidth, editorHeight))
	e.win.CenterOnScreen()
	e.build()
	e.loadGroups()
	if c.Photo != "" {
		e.loadPhoto()
	}
	e.win.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) {
		if k.Name == fyne.KeyEscape {
			e.win.Close()
		}
	})
	e.win.Canvas().Focus(e.name)
	return e
}

// line makes a field for a line of text.
func (e *contactEditor) line(text, placeholder string) *widgets.Entry {
	entry := widgets.NewEntry()
	entry.SetText(text)
	entry.SetPlaceHolder(placeholder)
	entry.OnSubmitted = func(string) { e.submit() }
	entry.OnKey = func(k fyne.KeyName) bool {
		if k == fyne.KeyEscape {
			e.win.Close()
		}
		return k == fyne.KeyEscape
	}
	return entry
}

// under puts below a control what is wrong with it.
func (e *contactEditor) under(key string, control fyne.CanvasObject) fyne.CanvasObject {
	n := widgets.NewNote("", fynetheme.ColorNameError)
	n.Hide()
	e.troubles[key] = n
	return container.NewVBox(control, n)
}

func (e *contactEditor) build() {
	c := e.contact
	e.name = e.line(c.Name, i18n.T("Name"))
	e.organization = e.line(c.Organization, i18n.T("Organization"))
	e.name.OnChanged = func(text string) { e.face.Set(text, e.photo.shown) }
	e.note = widgets.NewLinesEntry()
	e.note.SetMinRowsVisible(3)
	e.note.SetText(c.Note)
	e.note.Wrapping = fyne.TextWrapWord
	e.addresses = newAddressRows(e, c.Addresses)
	e.groupButton = widget.NewButtonWithIcon("", fynetheme.MenuDropDownIcon(), func() { e.w.popUp(e.groupMenu(), e.groupButton) })
	e.groupButton.Alignment, e.groupButton.IconPlacement = widget.ButtonAlignLeading, widget.ButtonIconTrailingText
	e.favorite = widgets.NewCheck(i18n.T("Favorite: found first"), c.Favorite > 0, nil)
	e.answer = widgets.NewCheck(i18n.T("Answer calls from here by itself, as intercoms do"), c.AutoAnswer, nil)
	e.trouble = widgets.NewNote("", fynetheme.ColorNameError)
	e.trouble.Hide()
	e.showGroups()

	page := scrolled(container.NewVBox(
		e.head(),
		gap(), widgets.NewCaption(i18n.T("Numbers and addresses; the marked one is called")), e.under("address", e.addresses.box),
		gap(), field(i18n.T("Groups"), e.under("groups", e.groupButton), nil),
		e.favorite,
		gap(), field(i18n.T("Ringtone"), e.under("ringtone", e.toneLine()), nil),
		e.answer,
		gap(), field(i18n.T("Note"), e.under("note", e.note), nil),
	))
	e.win.SetContent(container.NewBorder(nil, container.NewPadded(e.foot()), nil, nil, page))
}

// head is the photo beside name and organization.
func (e *contactEditor) head() fyne.CanvasObject {
	e.face = widgets.NewPhoto(80)
	e.face.Set(e.contact.Name, nil)
	choose := widget.NewButtonWithIcon(i18n.T("Photo…"), fynetheme.FileImageIcon(), e.choosePhoto)
	e.noPhoto = widget.NewButtonWithIcon("", fynetheme.DeleteIcon(), func() { e.setPhoto(nil) })
	e.noPhoto.Importance = widget.LowImportance
	e.noPhoto.Hide()
	names := container.NewVBox(e.under("name", e.name), e.under("organization", e.organization))
	face := container.NewPadded(e.face)
	return container.NewVBox(
		container.NewBorder(nil, nil, face, nil, center(names)),
		e.under("photo", container.NewHBox(choose, e.noPhoto)))
}

// foot holds what ends the editing.
func (e *contactEditor) foot() fyne.CanvasObject {
	e.save = widget.NewButtonWithIcon(i18n.T("Save"), fynetheme.ConfirmIcon(), e.submit)
	e.save.Importance = widget.HighImportance
	line := container.NewHBox()
	if e.contact.ID != 0 {
		line.Add(widget.NewButtonWithIcon(i18n.T("Delete…"), fynetheme.DeleteIcon(), e.askRemove))
	}
	line.Add(spacer())
	line.Add(widget.NewButton(i18n.T("Cancel"), func() { e.win.Close() }))
	line.Add(e.save)
	return container.NewVBox(e.trouble, line)
}

// toneLine chooses the ringtone.
func (e *contactEditor) toneLine() fyne.CanvasObject {
	e.tone = widgets.NewText("", "")
	e.tone.Shrinks = true
	choose := widget.NewButtonWithIcon(i18n.T("Choose…"), fynetheme.FileAudioIcon(), e.chooseTone)
	e.noTone = widget.NewButtonWithIcon("", fynetheme.DeleteIcon(), func() { e.setTone("") })
	e.noTone.Importance = widget.LowImportance
	e.setTone(e.ringtone)
	return container.NewBorder(nil, nil, nil, container.NewHBox(e.noTone, choose), center(e.tone))
}

func (e *contactEditor) setTone(path string) {
	e.ringtone = path
	e.tone.Set(i18n.T("The usual one"))
	if path != "" {
		e.tone.Set(filepath.Base(path))
	}
	e.noTone.Hidden = path == ""
	e.noTone.Refresh()
}

func (e *contactEditor) chooseTone() { openFile(e.win, e.setTone, ".wav") }

// askRemove deletes the contact and closes the window.
func (e *contactEditor) askRemove() {
	c := e.contact
	e.w.askRemoveContact(c, e.win, e.win.Close)
}

// loadGroups reads which groups there are.
func (e *contactEditor) loadGroups() {
	e.w.door.Do(func(ctx context.Context) func() {
		list, err := e.w.phone.Contacts().Groups(ctx)
		return func() {
			e.complain(err)
			e.groups = list
			e.showGroups()
		}
	})
}

func (e *contactEditor) showGroups() {
	var names []string
	for _, g := range e.groups {
		if slices.Contains(e.inGroups, g.ID) {
			names = append(names, g.Name)
		}
	}
	text := strings.Join(names, ", ")
	if text == "" {
		text = i18n.T("none")
	}
	e.groupButton.SetText(text)
}

// groupMenu ticks the groups of the contact.
func (e *contactEditor) groupMenu() *fyne.Menu {
	var items []*fyne.MenuItem
	for _, g := range e.groups {
		item := fyne.NewMenuItem(g.Name, func() {
			if i := slices.Index(e.inGroups, g.ID); i >= 0 {
				e.inGroups = slices.Delete(e.inGroups, i, i+1)
			} else {
				e.inGroups = append(e.inGroups, g.ID)
			}
			e.showGroups()
		})
		item.Checked = slices.Contains(e.inGroups, g.ID)
		items = append(items, item)
	}
	if len(items) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
	}
	items = append(items, menuItem(i18n.T("New group…"), fynetheme.ContentAddIcon(), func() {
		e.w.newGroup(e.win, e.complain, func(g middleware.ContactGroup) {
			e.groups, e.inGroups = append(e.groups, g), append(e.inGroups, g.ID)
			e.showGroups()
		})
	}))
	return fyne.NewMenu("", items...)
}

// complain says what is wrong, below the field it is about; nil says nothing is.
func (e *contactEditor) complain(err error) {
	key, text := viewmodel.ExplainField(err)
	for _, n := range e.troubles {
		n.Set("")
		n.Hide()
	}
	n := e.troubles[key]
	if n == nil {
		n = e.trouble
	}
	e.trouble.Hide()
	n.Set(text)
	n.Hidden = text == ""
	e.win.Content().Refresh()
	c := e.win.Canvas()
	switch key {
	case "name":
		c.Focus(e.name)
	case "address", "label":
		e.addresses.focusWrong(err)
	}
}

// draft puts what the window says into a contact.
func (e *contactEditor) draft(c *middleware.Contact) {
	if name := strings.TrimSpace(e.name.Text); name != c.Name {
		c.Name, c.Given, c.Family = name, "", "" // which part is which is not known any more
	}
	c.Organization, c.Note, c.Ringtone = e.organization.Text, e.note.Text, e.ringtone
	c.Addresses, c.Groups = e.addresses.list(), slices.Clone(e.inGroups)
	c.AutoAnswer = e.answer.Checked()
	switch {
	case !e.favorite.Checked():
		c.Favorite = 0
	case c.Favorite == 0:
		c.Favorite = lastPlace
	}
}

// submit saves the contact and closes the window, or says what is wrong.
func (e *contactEditor) submit() {
	if e.save.Disabled() {
		return
	}
	e.save.Disable()
	draft := e.contact
	e.draft(&draft)
	id, photo := e.contact.ID, e.photo
	e.w.door.Do(func(ctx context.Context) func() {
		now, err := storeContact(ctx, e.w.phone.Contacts(), id, draft, photo)
		return func() {
			e.save.Enable()
			if now.ID != 0 {
				e.contact = now // it is there, even if its photo was refused
			}
			e.complain(err)
			if err == nil {
				e.win.Close()
			}
		}
	})
}

// storeContact blocks for the disk.
func storeContact(ctx context.Context, book *middleware.Contacts, id int64, draft middleware.Contact, photo chosenPhoto) (middleware.Contact, error) {
	var now middleware.Contact
	var err error
	if id == 0 {
		now, err = book.Add(ctx, draft)
	} else {
		draft.ID = id
		now, err = book.Update(ctx, draft)
	}
	if err != nil || !photo.changed {
		return now, err
	}
	return now, book.SetPhoto(ctx, now.ID, photo.data)
}

// openFile asks in a window for a file with one of the extensions.
func openFile(in fyne.Window, chosen func(path string), extensions ...string) {
	d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if err != nil || r == nil {
			return
		}
		path := r.URI().Path()
		_ = r.Close() // nothing was read from it
		chosen(filepath.FromSlash(path))
	}, in)
	d.SetFilter(extensionFilter(extensions))
	d.Resize(in.Canvas().Size())
	d.Show()
}

// markIcon marks the address that is called.
func markIcon(on bool) fyne.Resource {
	if on {
		return fynetheme.NewColoredResource(fynetheme.RadioButtonCheckedIcon(), fynetheme.ColorNamePrimary)
	}
	return fynetheme.RadioButtonIcon()
}
