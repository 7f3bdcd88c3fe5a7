package gui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
)

// heading is the title of a page or a group of fields.
func heading(text string) *widgets.Text {
	t := widgets.NewTitle(text)
	t.SizeName = fynetheme.SizeNameSubHeadingText
	return t
}

// hint is a quiet explanation below a field.
func hint(text string) fyne.CanvasObject {
	l := widget.NewRichText(&widget.TextSegment{Text: text, Style: widget.RichTextStyle{
		ColorName: fynetheme.ColorNamePlaceHolder, SizeName: fynetheme.SizeNameCaptionText,
	}})
	l.Wrapping = fyne.TextWrapWord
	return container.New(flush{}, l)
}

// paragraph is text that goes over as many lines as it needs.
func paragraph(text string) fyne.CanvasObject {
	l := widget.NewLabel(text)
	l.Wrapping = fyne.TextWrapWord
	return container.New(flush{}, l)
}

// flush takes away the padding that the toolkit puts around text, so that it
// begins where everything else does.
type flush struct{}

// The padding taken away at each side.
const (
	flushX = 7
	flushY = 4
)

// MinSize is called by the toolkit.
func (flush) MinSize(o []fyne.CanvasObject) fyne.Size {
	m := o[0].MinSize()
	return fyne.NewSize(max(m.Width-2*flushX, 0), max(m.Height-2*flushY, 0))
}

// Layout is called by the toolkit.
func (flush) Layout(o []fyne.CanvasObject, size fyne.Size) {
	o[0].Move(fyne.NewPos(-flushX, -flushY))
	o[0].Resize(size.AddWidthHeight(2*flushX, 2*flushY))
}

// field is a caption above a control. reset, if any, stands at its end while the
// value is not the default.
func field(caption string, control, reset fyne.CanvasObject) *fyne.Container {
	label := widgets.NewCaption(caption)
	return container.NewVBox(label, container.NewBorder(nil, nil, nil, reset, control))
}

// resetButton brings a default back.
func resetButton(do func()) *widget.Button {
	b := widget.NewButtonWithIcon("", fynetheme.ContentUndoIcon(), do)
	b.Importance = widget.LowImportance
	return b
}

// choiceField edits a value that is one of a few.
func choiceField(caption string, choices []viewmodel.Choice, value, standard string, set func(string)) *fyne.Container {
	sel, index := newSelect(choices, value, nil)
	reset := resetButton(func() { sel.SetSelectedIndex(index(standard)) })
	reset.Hidden = value == standard
	box := field(caption, sel, reset)
	sel.OnChanged = func(string) {
		chosen := choices[max(sel.SelectedIndex(), 0)].Value
		set(chosen)
		reset.Hidden = chosen == standard
		box.Refresh()
	}
	return box
}

// newSelect makes a list to choose from and a function that finds a value in it.
func newSelect(choices []viewmodel.Choice, value string, set func(string)) (*widget.Select, func(string) int) {
	var labels []string
	for _, c := range choices {
		labels = append(labels, c.Label)
	}
	index := func(value string) int {
		return max(slices.IndexFunc(choices, func(c viewmodel.Choice) bool { return c.Value == value }), 0)
	}
	sel := widget.NewSelect(labels, nil)
	sel.SetSelectedIndex(index(value))
	sel.OnChanged = func(string) {
		if i := sel.SelectedIndex(); i >= 0 && set != nil {
			set(choices[i].Value)
		}
	}
	return sel, index
}

// checkField edits a yes or no with a few words.
func checkField(caption string, value bool, set func(bool)) *widget.Check {
	c := widget.NewCheck(caption, nil)
	c.Checked = value
	c.OnChanged = set
	return c
}

// codecField edits which codecs are used, and in what order. With inherit, an
// empty list means those of the preferences.
func codecField(caption string, known, chosen []string, inherit bool, set func([]string)) *fyne.Container {
	rows := container.NewVBox()
	order := slices.Clone(chosen)
	for _, name := range known {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	on := map[string]bool{}
	for _, name := range chosen {
		on[name] = true
	}
	tell := func() {
		var list []string
		for _, name := range order {
			if on[name] {
				list = append(list, name)
			}
		}
		if len(list) > 0 || inherit {
			set(list)
		}
	}
	var draw func()
	move := func(i, by int) func() {
		return func() {
			order[i], order[i+by] = order[i+by], order[i]
			draw()
			tell()
		}
	}
	draw = func() {
		rows.RemoveAll()
		for i, name := range order {
			up := widget.NewButtonWithIcon("", fynetheme.MoveUpIcon(), nil)
			down := widget.NewButtonWithIcon("", fynetheme.MoveDownIcon(), nil)
			up.Importance, down.Importance = widget.LowImportance, widget.LowImportance
			if i == 0 {
				up.Disable()
			} else {
				up.OnTapped = move(i, -1)
			}
			if i == len(order)-1 {
				down.Disable()
			} else {
				down.OnTapped = move(i, 1)
			}
			check := checkField(name, on[name], func(yes bool) { on[name] = yes; tell() })
			rows.Add(container.NewBorder(nil, nil, nil, container.NewHBox(up, down), check))
		}
	}
	draw()
	box := container.NewVBox(widgets.NewCaption(caption), rows)
	if inherit {
		box.Add(hint(i18n.T("With none chosen, those of Preferences, Audio are used.")))
	}
	return box
}
