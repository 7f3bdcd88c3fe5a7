package gui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
)

// banners are the lines at the top that say what should be known now: missing
// devices, problems of the profile, questions of programs.
type banners struct {
	box       *fyne.Container
	questions *fyne.Container
	devices   *fyne.Container
	notes     *fyne.Container
	shown     []viewmodel.Banner // in devices
	kept      map[viewmodel.Banner]bool
	changed   func() // it became higher or lower
}

func newBanners(changed func()) *banners {
	b := &banners{changed: changed, kept: map[viewmodel.Banner]bool{}, questions: container.NewVBox(), devices: container.NewVBox(), notes: container.NewVBox()}
	b.box = container.NewVBox(b.questions, b.devices, b.notes)
	b.hideEmpty()
	return b
}

// hideEmpty keeps empty parts from taking room.
func (b *banners) hideEmpty() {
	any := false
	for _, part := range []*fyne.Container{b.questions, b.devices, b.notes} {
		part.Hidden = len(part.Objects) == 0
		any = any || !part.Hidden
	}
	b.box.Hidden = !any
	b.box.Refresh()
	b.changed()
}

func bannerIcon(t viewmodel.Tone) fyne.Resource {
	switch t {
	case viewmodel.Good:
		return fynetheme.NewColoredResource(fynetheme.ConfirmIcon(), toneColor(t))
	case viewmodel.Bad:
		return fynetheme.NewColoredResource(fynetheme.ErrorIcon(), toneColor(t))
	}
	return fynetheme.NewColoredResource(fynetheme.WarningIcon(), toneColor(t))
}

// newBanner makes one line. extra stands below or beside the text.
func newBanner(v viewmodel.Banner, extra fyne.CanvasObject) *widgets.Card {
	text := widget.NewLabel(v.Text)
	text.Wrapping = fyne.TextWrapWord
	return widgets.NewCard(container.NewBorder(nil, nil, widget.NewIcon(bannerIcon(v.Tone)), extra, text), toneColor(v.Tone))
}

// update shows which devices are missing.
func (b *banners) update(a middleware.AudioSnapshot) {
	list := viewmodel.AudioBanners(a)
	if equal(list, b.shown) {
		return
	}
	b.shown = list
	b.devices.RemoveAll()
	for _, v := range list {
		b.devices.Add(newBanner(v, nil))
	}
	b.hideEmpty()
}

// flash shows a line for a moment.
func (b *banners) flash(w *Window, v viewmodel.Banner) {
	card := newBanner(v, nil)
	b.add(b.notes, card)
	w.door.After(endedTime, func() { b.remove(b.notes, card) })
}

// addProblems shows what was wrong in the profile, until it is dismissed.
func (b *banners) addProblems(list []middleware.Problem) {
	for _, v := range viewmodel.ProblemBanners(list) {
		b.keep(v)
	}
}

// keep shows a line until it is dismissed. One that is there is not shown again.
func (b *banners) keep(v viewmodel.Banner) {
	if b.kept[v] {
		return
	}
	b.kept[v] = true
	var card *widgets.Card
	dismiss := widget.NewButtonWithIcon("", fynetheme.CancelIcon(), func() {
		delete(b.kept, v)
		b.remove(b.notes, card)
	})
	dismiss.Importance = widget.LowImportance
	card = newBanner(v, dismiss)
	b.add(b.notes, card)
}

func (b *banners) add(part *fyne.Container, card fyne.CanvasObject) {
	part.Add(card)
	b.hideEmpty()
}

func (b *banners) remove(part *fyne.Container, card fyne.CanvasObject) {
	part.Remove(card)
	b.hideEmpty()
}

// AskPermission asks the person whether the program called name may drive
// Parley, and calls answer once, on the toolkit's thread. When ctx ends, which is
// when the program is gone, the question is taken back without an answer. It may
// be called from any goroutine and does not wait.
func (w *Window) AskPermission(ctx context.Context, name string, answer func(allow bool)) {
	w.door.Post(func() {
		if ctx.Err() != nil {
			return
		}
		card := w.banners.ask(name, answer)
		w.win.Show()
		context.AfterFunc(ctx, func() {
			w.door.Post(func() { w.banners.remove(w.banners.questions, card) })
		})
	})
}

func (b *banners) ask(name string, answer func(bool)) *widgets.Card {
	text := widget.NewLabel(i18n.T("The program “%s” on this computer wants to use Parley: see calls, call people and answer.", name))
	text.Wrapping = fyne.TextWrapWord
	var card *widgets.Card
	choose := func(allow bool) func() {
		return func() {
			b.remove(b.questions, card)
			answer(allow)
		}
	}
	allow := widget.NewButtonWithIcon(i18n.T("Allow"), fynetheme.ConfirmIcon(), choose(true))
	allow.Importance = widget.HighImportance
	deny := widget.NewButtonWithIcon(i18n.T("Do not allow"), fynetheme.CancelIcon(), choose(false))
	buttons := container.NewGridWithColumns(2, allow, deny)
	icon := widget.NewIcon(fynetheme.NewColoredResource(fynetheme.QuestionIcon(), fynetheme.ColorNamePrimary))
	card = widgets.NewCard(container.NewVBox(container.NewBorder(nil, nil, icon, nil, text), buttons), fynetheme.ColorNamePrimary)
	b.add(b.questions, card)
	return card
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
