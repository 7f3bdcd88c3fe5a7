package gui

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
	"parley/middleware/session"
)

// ringPanel is what can be done with a call that rings here.
type ringPanel struct {
	w      *Window
	canvas fyne.Canvas
	id     middleware.SessionID
	view   viewmodel.Call
	more   *widget.Button
	list   *fyne.Container // what stands behind more
	resize func()          // the panel has become higher or lower

	countdown *fyne.Container
	text      *widgets.Text
	bar       *widget.ProgressBar
	buttons   *fyne.Container
	entry     *widgets.Entry // where to forward to
	people    *suggestions
	forward   *fyne.Container
	box       *fyne.Container
}

func newRingPanel(w *Window, canvas fyne.Canvas, id middleware.SessionID, others bool, resize func()) *ringPanel {
	r := &ringPanel{w: w, canvas: canvas, id: id, resize: resize}
	r.text = widgets.NewText("", fynetheme.ColorNameWarning)
	r.text.Shrinks = true
	r.bar = widget.NewProgressBar()
	r.bar.TextFormatter = func() string { return "" }
	cancel := widget.NewButtonWithIcon(i18n.T("Cancel"), fynetheme.CancelIcon(), func() { w.withSession(id, (*middleware.Session).CancelAutoAnswer) })
	bar := container.NewGridWithRows(1, container.New(thin{8}, r.bar))
	r.countdown = container.NewBorder(nil, nil, nil, cancel, container.NewVBox(spacer(), r.text, bar, spacer()))
	r.countdown.Hide()
	r.more = widget.NewButtonWithIcon("", fynetheme.MenuDropDownIcon(), func() { r.openList(r.list.Hidden) })
	r.list = r.choices()
	r.list.Hide()
	r.buttons = r.answers(others)
	r.entry = widgets.NewEntry()
	r.entry.SetPlaceHolder(i18n.T("Forward to"))
	r.entry.OnSubmitted = func(string) { r.redirect() }
	r.entry.OnKey = func(k fyne.KeyName) bool {
		if k == fyne.KeyEscape {
			r.askForward(false)
		}
		return k == fyne.KeyEscape
	}
	send := widget.NewButtonWithIcon(i18n.T("Forward"), theme.ColoredIcon(icons.Forward, fynetheme.ColorNameForegroundOnPrimary), r.redirect)
	send.Importance = widget.HighImportance
	leave := widget.NewButtonWithIcon("", fynetheme.CancelIcon(), func() { r.askForward(false) })
	leave.Importance = widget.LowImportance
	r.people = newSuggestions(w, r.entry, func() {
		r.box.Refresh()
		r.resize()
	})
	r.entry.OnChanged = r.people.typed
	r.forward = container.NewVBox(r.people.box, container.NewBorder(nil, nil, nil, container.NewHBox(send, leave), r.entry))
	r.forward.Hide()
	r.box = container.NewVBox(r.countdown, r.buttons, r.list, r.forward)
	return r
}

// thin is a layout of a fixed height.
type thin struct{ height float32 }

// MinSize is called by the toolkit.
func (l thin) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(1, l.height) }

// Layout is called by the toolkit.
func (l thin) Layout(o []fyne.CanvasObject, size fyne.Size) {
	o[0].Move(fyne.NewPos(0, 0))
	o[0].Resize(fyne.NewSize(size.Width, l.height))
}

// answers are the buttons; with other calls there are two ways to answer.
func (r *ringPanel) answers(others bool) *fyne.Container {
	w, id := r.w, r.id
	decline := widget.NewButtonWithIcon(i18n.T("Decline"), theme.ColoredIcon(icons.HangUp, fynetheme.ColorNameForegroundOnError),
		func() { w.do(id, session.Reject) })
	decline.Importance = widget.DangerImportance
	take := func(text string, end bool) *widget.Button {
		b := widget.NewButtonWithIcon(text, theme.ColoredIcon(icons.Call, fynetheme.ColorNameForegroundOnSuccess), func() { w.answer(id, end) })
		b.Importance = widget.SuccessImportance
		return b
	}
	if others {
		endFirst := take(i18n.T("End & answer"), true)
		endFirst.Importance = widget.MediumImportance
		endFirst.SetIcon(theme.Icon(icons.Call))
		return container.NewVBox(container.NewGridWithColumns(2, take(i18n.T("Hold & answer"), false), endFirst),
			container.NewBorder(nil, nil, nil, r.more, decline))
	}
	return container.NewBorder(nil, nil, nil, r.more, container.NewGridWithColumns(2, take(i18n.T("Answer"), false), decline))
}

// update shows the countdown of v.
func (r *ringPanel) update(v viewmodel.Call) {
	was := r.view.Countdown
	r.view = v
	if v.Countdown == was {
		return
	}
	r.text.Set(v.Countdown.Text)
	r.bar.SetValue(v.Countdown.Left)
	if hidden := v.Countdown.Text == ""; hidden != r.countdown.Hidden {
		r.countdown.Hidden = hidden
		r.box.Refresh()
		r.resize()
	}
}

// choices is what else can be done with the call. They stand in the window, which
// grows for them: a menu would not fit into it.
func (r *ringPanel) choices() *fyne.Container {
	w := r.w
	item := func(text string, icon fyne.Resource, do func()) *widget.Button {
		b := widget.NewButtonWithIcon(text, icon, do)
		b.Importance, b.Alignment = widget.LowImportance, widget.ButtonAlignLeading
		return b
	}
	list := container.NewVBox(
		item(i18n.T("Record & answer"), theme.Icon(icons.Record), func() { w.recordFromStart(r.id) }),
		item(i18n.T("Forward to…"), theme.Icon(icons.Forward), func() { r.askForward(true) }),
		item(i18n.T("Silence"), theme.Icon(icons.Mute), w.silence),
		item(i18n.T("Busy here, ring on elsewhere"), theme.Icon(icons.HangUp), func() { w.busy(r.id) }),
	)
	if s := w.session(r.id); s == nil || viewmodel.CanBlock(s.Snapshot()) {
		list.Add(item(i18n.T("Reject and block this caller"), fynetheme.CancelIcon(), func() { w.block(r.id) }))
	}
	return list
}

// openList shows what stands behind the arrow, or hides it.
func (r *ringPanel) openList(open bool) {
	r.list.Hidden = !open
	r.more.SetIcon(fynetheme.MenuDropDownIcon())
	if open {
		r.more.SetIcon(fynetheme.MenuDropUpIcon())
	}
	r.box.Refresh()
	r.resize()
}

// askForward shows the field for the address to forward to, or the buttons.
func (r *ringPanel) askForward(on bool) {
	r.forward.Hidden, r.buttons.Hidden = !on, on
	r.openList(false)
	if on {
		r.canvas.Focus(r.entry)
	} else {
		r.canvas.Unfocus()
	}
}

// redirect sends the caller elsewhere.
func (r *ringPanel) redirect() {
	r.people.target(r.redirectTo)
}

func (r *ringPanel) redirectTo(target string) {
	s := r.w.session(r.id)
	if s == nil {
		return
	}
	r.w.door.Do(func(ctx context.Context) func() {
		err := s.DoWait(ctx, session.Redirect, target)
		return func() {
			if err != nil {
				r.w.note(r.id, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
			}
		}
	})
}

// withSession runs a command on a session, unless it is over.
func (w *Window) withSession(id middleware.SessionID, do func(*middleware.Session)) {
	if s := w.session(id); s != nil {
		do(s)
	}
}

// recordFromStart answers a call and records it as soon as it runs.
func (w *Window) recordFromStart(id middleware.SessionID) {
	w.recordAll[id] = true
	w.answer(id, false)
}

// started begins to record a call that was answered for that.
func (w *Window) started(id middleware.SessionID) {
	if w.recordAll[id] {
		delete(w.recordAll, id)
		w.do(id, session.StartRecording)
	}
}

// block declines a call and turns its caller away from now on.
func (w *Window) block(id middleware.SessionID) {
	s := w.session(id)
	if s == nil {
		return
	}
	pattern, who := viewmodel.BlockPattern(s.Snapshot().Peer), viewmodel.BlockName(s.Snapshot().Peer)
	s.Reject(false)
	w.changeSettings(func(set *middleware.Settings) error {
		if !slices.Contains(set.Calls.Reject, pattern) {
			set.Calls.Reject = append(set.Calls.Reject, pattern)
		}
		return nil
	}, func(err error) {
		b := viewmodel.Banner{Tone: viewmodel.Notice, Text: i18n.T("Calls from %s are turned away from now on. Preferences, Calls changes that.", who)}
		if err != nil {
			b = viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)}
		}
		w.banners.flash(w, b)
	})
}
