package gui

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
)

const (
	suggestLimit = 3  // people suggested below a field
	suggestFrom  = 10 // matches among which they are looked for
)

// suggestions lists below a field whom a typed name may mean. Enter takes the
// first of them, unless a number or an address was typed, or it is doubtful.
type suggestions struct {
	w       *Window
	entry   *widgets.Entry
	changed func()                   // the list has become higher or lower
	except  func(target string) bool // who is never meant; nil: nobody

	names *targetNames // of the neighbour that was taken
	known string       // what found is the answer to
	found []viewmodel.Suggestion
	then  func(target string) // waits for the answer; may be nil
	box   *fyne.Container
}

func newSuggestions(w *Window, entry *widgets.Entry, changed func()) *suggestions {
	return &suggestions{w: w, entry: entry, changed: changed, names: newTargetNames(w), box: container.NewVBox()}
}

// typed looks for whom a text may mean.
func (s *suggestions) typed(text string) {
	s.then = nil
	if text == "" {
		s.loaded("", nil)
		return
	}
	s.w.door.Do(func(ctx context.Context) func() {
		// Without an answer the text itself can be called.
		found, _ := s.w.phone.Contacts().Match(ctx, text, suggestFrom)
		return func() { s.loaded(text, s.people(text, found)) }
	})
}

// people are those whom a text may mean.
func (s *suggestions) people(text string, found []middleware.Match) []viewmodel.Suggestion {
	list := viewmodel.Suggestions(text, found, s.w.neighbours.all, suggestFrom)
	if s.except != nil {
		list = slices.DeleteFunc(list, func(f viewmodel.Suggestion) bool { return s.except(f.Target) })
	}
	return list[:min(len(list), suggestLimit)]
}

// loaded shows an answer, unless something else has been typed since.
func (s *suggestions) loaded(text string, found []viewmodel.Suggestion) {
	if text != s.entry.Text {
		return
	}
	s.known = text
	if len(found) == 1 && s.w.textOf(found[0].Target) == text {
		found = nil // it was taken over already
	}
	if !equal(found, s.found) {
		s.found = found
		s.box.RemoveAll()
		for _, f := range found {
			icon := theme.Icon(icons.Contacts)
			if f.Lock != "" {
				icon = picture(f.Lock, f.LockTone)
			}
			b := widget.NewButtonWithIcon(f.Text, icon, func() { s.fill(f.Target) })
			b.Alignment, b.Importance = widget.ButtonAlignLeading, widget.LowImportance
			s.box.Add(b)
		}
		s.changed()
	}
	if then := s.then; then != nil {
		s.then = nil
		then(s.meant())
	}
}

// fill puts a target into the field, as people name it, and the focus there: the
// button of a suggestion that had it goes away.
func (s *suggestions) fill(target string) {
	s.names = newTargetNames(s.w)
	s.entry.SetText(s.names.show(viewmodel.ShortURI(target)))
	s.entry.CursorColumn = len([]rune(s.entry.Text))
	s.entry.Refresh()
	if c := fyne.CurrentApp().Driver().CanvasForObject(s.entry); c != nil {
		c.Focus(s.entry)
	}
}

// meant is whom the text in the field means, as far as is known.
func (s *suggestions) meant() string {
	text := s.entry.Text
	if target := s.names.target(text); target != text {
		return target
	}
	if len(s.found) == 0 || s.found[0].Doubtful || viewmodel.IsAddress(text) {
		return text
	}
	return s.found[0].Target
}

// target calls then with whom the text in the field means, as soon as that is
// known; not at all if nothing is typed, or something else before that.
func (s *suggestions) target(then func(target string)) {
	switch text := s.entry.Text; {
	case text == "":
	case text == s.known || viewmodel.IsAddress(text) || s.names.target(text) != text:
		then(s.meant())
	default:
		s.then = then
	}
}
