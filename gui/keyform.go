package gui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/viewmodel"
	"parley/gui/widgets"
)

// A source gives and takes the settings of a form, by key and as text.
type source interface {
	// lookup returns a setting and its default. ok is false for a key that this
	// version does not have.
	lookup(key string) (value, standard string, ok bool)
	// put changes a setting and then calls done, on the toolkit's thread.
	put(key, value string, done func(error))
}

// keyForm makes the fields of a source. Each says below itself what is wrong with
// it. What is typed is taken over when the person goes on to another field.
type keyForm struct {
	src    source
	names  *targetNames // what fields show in place of targets; nil: the targets
	fields []*keyField
}

// keyField is one field of a form.
type keyField struct {
	form    *keyForm
	key     string
	typed   func() string // nil for what is not typed
	show    func(value string)
	saved   string // what the source was given last
	good    string // what it took last
	reset   *widget.Button
	trouble *widgets.Note
	err     error
	box     *fyne.Container
	changed func(string)
}

// rows puts fields below each other; those that this version does not have are
// nil and left out.
func rows(list ...fyne.CanvasObject) *fyne.Container {
	box := container.NewVBox()
	for _, o := range list {
		if o != nil {
			box.Add(o)
		}
	}
	return box
}

// add makes the frame of a field around control; set shows a value in it.
func (f *keyForm) add(key, standard, saved string, control fyne.CanvasObject, titled bool, set func(string)) *keyField {
	k := &keyField{form: f, key: key, show: set, saved: saved, good: saved, trouble: widgets.NewNote("", fynetheme.ColorNameError)}
	k.trouble.Hide()
	k.reset = resetButton(func() {
		set(standard)
		k.put(standard)
	})
	k.reset.Hidden = saved == standard
	k.changed = func(now string) { k.reset.Hidden = now == standard }
	k.box = container.NewVBox()
	if titled {
		k.box.Add(widgets.NewCaption(viewmodel.Caption(key)))
		control = container.NewBorder(nil, nil, nil, k.reset, control)
	}
	k.box.Add(control)
	k.box.Add(k.trouble)
	f.fields = append(f.fields, k)
	return k
}

// put hands a value to the source and shows what it says to it. What is typed
// stays for correction; what is chosen goes back to what it was.
func (k *keyField) put(value string) {
	if value == k.saved && (k.err == nil || k.typed == nil) {
		return
	}
	k.saved = value
	k.changed(value)
	k.form.src.put(k.key, value, func(err error) {
		k.say(err)
		switch {
		case err == nil:
			k.good = value
		case k.typed == nil:
			k.saved = k.good
			k.changed(k.good)
			k.show(k.good)
		}
	})
}

// say shows what is wrong with the field, or that nothing is.
func (k *keyField) say(err error) {
	k.err = err
	k.trouble.Set(viewmodel.ExplainError(err))
	k.trouble.Hidden = err == nil
	k.box.Refresh()
}

// commit takes over what is typed and not taken over yet.
func (f *keyForm) commit() {
	for _, k := range f.fields {
		if k.typed != nil {
			k.put(k.typed())
		}
	}
}

// follow shows choices that others have made.
func (f *keyForm) follow() {
	for _, k := range f.fields {
		if now, _, ok := f.src.lookup(k.key); ok && k.typed == nil && now != k.saved && k.err == nil {
			k.saved, k.good = now, now
			k.changed(now)
			k.show(now)
		}
	}
}

// wrong returns the first field that the source has refused, or nil.
func (f *keyForm) wrong() *keyField {
	for _, k := range f.fields {
		if k.err != nil {
			return k
		}
	}
	return nil
}

// text is a field for a line of text.
func (f *keyForm) text(key, placeholder string) fyne.CanvasObject {
	value, standard, ok := f.src.lookup(key)
	if !ok {
		return nil
	}
	return f.typed(widgets.NewEntry(), key, value, standard, placeholder)
}

// lines is a field for a list, one member on each line.
func (f *keyForm) lines(key, placeholder string) fyne.CanvasObject {
	value, standard, ok := f.src.lookup(key)
	if !ok {
		return nil
	}
	e := widgets.NewLinesEntry()
	e.SetMinRowsVisible(3)
	return f.typed(e, key, value, standard, placeholder)
}

func (f *keyForm) typed(e *widgets.Entry, key, value, standard, placeholder string) fyne.CanvasObject {
	show, read := f.names.show, f.names.target
	if e.MultiLine {
		show, read = f.names.showLines, f.names.joinLines
	}
	e.SetText(show(value))
	e.SetPlaceHolder(placeholder)
	k := f.add(key, standard, value, e, true, func(v string) { e.SetText(show(v)) })
	k.typed = func() string { return read(e.Text) }
	commit := func() { k.put(k.typed()) }
	e.OnBlur = commit
	e.OnSubmitted = func(string) { commit() }
	return k.box
}

// choice is a field for a value that is one of a few. A value that is none of
// them is offered as it is.
func (f *keyForm) choice(key string, choices []viewmodel.Choice) fyne.CanvasObject {
	value, standard, ok := f.src.lookup(key)
	if !ok {
		return nil
	}
	sel, index := newSelect(choices, value, nil)
	k := f.add(key, standard, value, sel, true, func(v string) { sel.SetSelectedIndex(index(v)) })
	sel.OnChanged = func(string) { k.put(choices[max(sel.SelectedIndex(), 0)].Value) }
	return k.box
}

// times is a choice among times in seconds. Where 0 may be chosen, zero is what
// that means.
func (f *keyForm) times(key, zero string, list ...int) fyne.CanvasObject {
	value, _, ok := f.src.lookup(key)
	if !ok {
		return nil
	}
	var choices []viewmodel.Choice
	if zero != "" {
		choices = []viewmodel.Choice{{Value: "0", Label: zero}}
	}
	if now := fromSeconds(value); now > 0 {
		return f.choice(key, append(choices, timeChoices(now, list...)...))
	}
	return f.choice(key, append(choices, timeChoices(time.Duration(list[0])*time.Second, list...)...))
}

// check is a yes or no.
func (f *keyForm) check(key string) fyne.CanvasObject {
	value, standard, ok := f.src.lookup(key)
	if !ok {
		return nil
	}
	c := widgets.NewCheck(viewmodel.Caption(key), value == yes, nil)
	k := f.add(key, standard, value, c, false, func(v string) { c.SetChecked(v == yes) })
	c.OnChanged = func(on bool) { k.put(word(on)) }
	return k.box
}

// yes and no are how settings say so.
const (
	yes = "true"
	no  = "false"
)

func word(on bool) string {
	if on {
		return yes
	}
	return no
}

// group is a part of a page with a title of its own.
func group(title string, content ...fyne.CanvasObject) fyne.CanvasObject {
	box := rows(content...)
	if len(box.Objects) == 0 {
		return nil
	}
	t := widgets.NewTitle(title)
	return container.NewVBox(gap(), t, widget.NewSeparator(), box)
}

// gap is some room between groups.
func gap() fyne.CanvasObject {
	return container.New(fixed{1, 8})
}

// fixed is a layout of a fixed size.
type fixed struct{ width, height float32 }

// MinSize is called by the toolkit.
func (l fixed) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(l.width, l.height) }

// Layout is called by the toolkit.
func (l fixed) Layout(o []fyne.CanvasObject, size fyne.Size) {
	for _, child := range o {
		child.Move(fyne.NewPos(0, 0))
		child.Resize(size)
	}
}
