package gui

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/widgets"
	"parley/middleware"
)

// addressRows edits the addresses of a contact, one in each row; one of them is
// marked as the one that is called.
type addressRows struct {
	e     *contactEditor
	names *targetNames
	rows  []*addressRow
	in    *fyne.Container
	box   *fyne.Container
}

type addressRow struct {
	mark    *widget.Button
	address *widgets.Entry
	label   *widget.SelectEntry
	usual   bool
	box     *fyne.Container
}

func newAddressRows(e *contactEditor, list []middleware.ContactAddress) *addressRows {
	a := &addressRows{e: e, names: newTargetNames(e.w), in: container.NewVBox()}
	more := widget.NewButtonWithIcon(i18n.T("Add address"), fynetheme.ContentAddIcon(), func() {
		a.add(middleware.ContactAddress{})
		e.win.Canvas().Focus(a.rows[len(a.rows)-1].address)
	})
	more.Importance = widget.LowImportance
	more.Alignment = widget.ButtonAlignLeading
	a.box = container.NewVBox(a.in, container.NewHBox(more))
	for _, one := range list {
		a.add(one)
	}
	if len(list) == 0 {
		a.add(middleware.ContactAddress{})
	}
	return a
}

// add adds a row.
func (a *addressRows) add(one middleware.ContactAddress) {
	r := &addressRow{address: a.e.line(a.names.show(one.Address), i18n.T("Number or address")), usual: one.Default}
	r.label = widget.NewSelectEntry([]string{i18n.T("work"), i18n.T("home"), i18n.T("mobile"), i18n.T("SIP")})
	r.label.SetText(one.Label)
	r.label.SetPlaceHolder(i18n.T("Label"))
	r.mark = widget.NewButtonWithIcon("", markIcon(false), func() { a.choose(r) })
	r.mark.Importance = widget.LowImportance
	away := widget.NewButtonWithIcon("", fynetheme.CancelIcon(), func() { a.remove(r) })
	away.Importance = widget.LowImportance
	r.box = container.NewBorder(nil, nil, r.mark, container.NewHBox(container.New(wide(118), r.label), away), r.address)
	a.rows = append(a.rows, r)
	a.in.Add(r.box)
	a.show()
}

// remove takes a row away; the last one is only emptied.
func (a *addressRows) remove(r *addressRow) {
	if len(a.rows) == 1 {
		r.address.SetText("")
		r.label.SetText("")
		return
	}
	for i, other := range a.rows {
		if other == r {
			a.rows = append(a.rows[:i:i], a.rows[i+1:]...)
			break
		}
	}
	a.in.Remove(r.box)
	a.show()
	a.e.win.Content().Refresh()
}

// choose marks the row that is called.
func (a *addressRows) choose(r *addressRow) {
	for _, other := range a.rows {
		other.usual = other == r
	}
	a.show()
}

// show marks the first row if no other is.
func (a *addressRows) show() {
	usual := a.rows[0]
	for _, r := range a.rows {
		if r.usual {
			usual = r
		}
	}
	for _, r := range a.rows {
		r.mark.SetIcon(markIcon(r == usual))
	}
}

// list returns the addresses, without empty rows.
func (a *addressRows) list() []middleware.ContactAddress {
	var list []middleware.ContactAddress
	for _, r := range a.rows {
		if address := a.address(r); address != "" {
			list = append(list, middleware.ContactAddress{Address: address, Label: strings.TrimSpace(r.label.Text), Default: r.usual})
		}
	}
	return list
}

// address returns the address that stands in a row.
func (a *addressRows) address(r *addressRow) string {
	return a.names.target(r.address.Text)
}

// focusWrong gives the focus to the row that an error is about.
func (a *addressRows) focusWrong(err error) {
	var value *middleware.ValueError
	if !errors.As(err, &value) {
		return
	}
	for _, r := range a.rows {
		if a.address(r) == value.Value {
			a.e.win.Canvas().Focus(r.address)
			return
		}
	}
}
