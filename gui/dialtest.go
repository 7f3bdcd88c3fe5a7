package gui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
)

// dialTest explains what the dial rules of a form make of a number.
type dialTest struct {
	f       *accountForm
	entry   *widgets.Entry
	button  *widget.Button
	outcome *widgets.Note
	steps   *widgets.Note
	box     *fyne.Container
}

func newDialTest(f *accountForm) *dialTest {
	d := &dialTest{
		f: f, entry: widgets.NewEntry(),
		outcome: widgets.NewParagraph("", fynetheme.ColorNameForeground), steps: widgets.NewNote("", fynetheme.ColorNamePlaceHolder),
	}
	d.entry.SetPlaceHolder(i18n.T("A number as you would type it"))
	d.entry.OnSubmitted = func(string) { d.run() }
	d.button = widget.NewButton(i18n.T("Test"), d.run)
	d.outcome.Hide()
	d.steps.Hide()
	d.box = container.NewVBox(container.NewBorder(nil, nil, nil, d.button, d.entry), d.outcome, d.steps)
	return d
}

// run shows what would be called with the rules as they stand in the form.
func (d *dialTest) run() {
	d.f.form.commit()
	f := d.f
	r := viewmodel.NewDialResult(f.a.p.w.phone.SessionManager().TestDialRules(f.draft.ID, f.draft.DialRules, d.entry.Text))
	d.outcome.SetColored(r.Text, toneColor(r.Tone))
	d.steps.Set(strings.Join(r.Steps, "\n"))
	d.outcome.Show()
	d.steps.Hidden = len(r.Steps) == 0
	d.box.Refresh()
}
