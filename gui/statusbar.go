package gui

import (
	"context"

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
)

// statusBar is the bottom of the window: dial pad, what is on for all calls, and
// microphone and speaker. Above the buttons it says in words what is on.
type statusBar struct {
	w                       *Window
	keypad, dnd, fwd, auto  *widgets.Tile
	mic                     *widgets.Tile
	in, out                 *widgets.Meter
	muted                   bool
	toggles                 viewmodel.Toggles
	dndNote, fwdNote, aNote *statusNote
	ask                     *forwardAsk
	box                     *fyne.Container
}

func newStatusBar(w *Window) *statusBar {
	s := &statusBar{w: w, in: widgets.NewMeter(), out: widgets.NewMeter()}
	s.keypad = widgets.NewFlatTile(icons.Keypad, i18n.T("Keypad"), func() { w.dialer.togglePad() })
	s.dnd = widgets.NewFlatTile(icons.Moon, "", w.toggleDoNotDisturb)
	s.fwd = widgets.NewFlatTile(icons.Forward, "", w.toggleForwarding)
	s.auto = widgets.NewFlatTile(icons.AutoAnswer, "", w.toggleAutoAnswer)
	s.mic = widgets.NewFlatTile(icons.Mic, i18n.T("Mute"), w.toggleMute)
	change := widget.NewButton(i18n.T("Change"), func() { s.ask.open() })
	change.Importance = widget.LowImportance
	s.dndNote, s.fwdNote, s.aNote = newStatusNote(icons.Moon, nil), newStatusNote(icons.Forward, change), newStatusNote(icons.AutoAnswer, nil)
	s.ask = newForwardAsk(w)
	meters := container.NewVBox(spacer(), level(theme.Icon(icons.Mic), s.in), level(fynetheme.VolumeUpIcon(), s.out), spacer())
	tiles := container.NewGridWithColumns(5, s.keypad, s.dnd, s.fwd, s.auto, s.mic)
	line := container.NewBorder(nil, nil, nil, meters, tiles)
	s.box = container.NewVBox(widget.NewSeparator(), s.dndNote.box, s.fwdNote.box, s.aNote.box, s.ask.box, line)
	return s
}

// level is a meter with the symbol of its device.
func level(icon fyne.Resource, m *widgets.Meter) fyne.CanvasObject {
	symbol := container.New(fixed{16, 16}, widget.NewIcon(icon))
	return container.NewHBox(symbol, container.NewCenter(m))
}

// statusNote is a line that says what is on.
type statusNote struct {
	text *widgets.Text
	box  *fyne.Container
}

func newStatusNote(icon icons.Name, extra fyne.CanvasObject) *statusNote {
	n := &statusNote{text: widgets.NewCaption("")}
	n.text.Color = fynetheme.ColorNamePrimary
	symbol := container.NewCenter(container.New(fixed{18, 18}, widget.NewIcon(theme.ColoredIcon(icon, fynetheme.ColorNamePrimary))))
	n.box = container.NewBorder(nil, nil, symbol, extra, center(n.text))
	n.box.Hide()
	return n
}

func (n *statusNote) set(text string) {
	n.text.Set(text)
	n.box.Hidden = text == ""
}

// update shows what is on.
func (s *statusBar) update(muted bool) {
	s.showMuted(muted)
	now := viewmodel.NewToggles(s.w.phone.UserStatus(), s.w.phone.Settings(), s.w.textOf)
	if now == s.toggles {
		return
	}
	s.toggles = now
	s.dnd.SetOn(now.DoNotDisturb.On, now.DoNotDisturb.Word)
	s.fwd.SetOn(now.Forward.On, now.Forward.Word)
	s.auto.SetOn(now.AutoAnswer.On, now.AutoAnswer.Word)
	s.dndNote.set(now.DoNotDisturb.Note)
	s.fwdNote.set(now.Forward.Note)
	s.aNote.set(now.AutoAnswer.Note)
	s.box.Refresh()
}

func (s *statusBar) showMuted(muted bool) {
	if muted == s.muted {
		return
	}
	s.muted = muted
	s.mic.SetIcon(icons.Mic)
	word := i18n.T("Mute")
	if muted {
		s.mic.SetIcon(icons.Mute)
		word = i18n.T("Muted")
	}
	s.mic.SetDanger(muted)
	s.mic.SetOn(muted, word)
}

// levels shows how loud it is, from 0 to 1.
func (s *statusBar) levels(in, out float32) {
	if s.muted {
		in = 0
	}
	s.in.Set(in)
	s.out.Set(out)
}

// toggleMute mutes the microphone for all calls, or unmutes it.
func (w *Window) toggleMute() { w.phone.Audio().SetMuted(!w.phone.Audio().Muted()) }

// attempt runs a command that may block away from the window's thread and says
// what was wrong with it.
func (w *Window) attempt(command func() error) {
	w.door.DoInOrder(func(context.Context) func() {
		err := command()
		return func() {
			if err != nil {
				w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
			}
			w.refresh()
		}
	})
}

// toggleDoNotDisturb turns callers away, or lets them ring again.
func (w *Window) toggleDoNotDisturb() {
	status := middleware.DoNotDisturb
	if w.phone.UserStatus() == status {
		status = middleware.Online
	}
	w.setStatus(status)
}

func (w *Window) setStatus(s middleware.UserStatus) {
	w.attempt(func() error { return w.phone.SetUserStatus(s) })
}

// toggleAutoAnswer answers calls to come by itself, or no more.
func (w *Window) toggleAutoAnswer() {
	on := !w.phone.Settings().Calls.AutoAnswer
	w.attempt(func() error {
		return w.phone.ChangeSettings(func(s *middleware.Settings) error { s.Calls.AutoAnswer = on; return nil })
	})
}

// toggleForwarding forwards every call, or none. Where to is asked for once.
func (w *Window) toggleForwarding() {
	c := w.phone.Settings().Calls
	switch {
	case c.Forwarding:
		w.status.ask.close()
		w.forward(false, c.ForwardTo)
	case c.ForwardTo == "":
		w.status.ask.open()
	default:
		w.forward(true, c.ForwardTo)
	}
}

func (w *Window) forward(on bool, to string) {
	w.attempt(func() error { return w.phone.SetForwarding(on, to) })
}

// forwardAsk asks where calls are forwarded to.
type forwardAsk struct {
	w      *Window
	entry  *widgets.Entry
	people *suggestions
	box    *fyne.Container
}

func newForwardAsk(w *Window) *forwardAsk {
	a := &forwardAsk{w: w, entry: widgets.NewEntry()}
	a.entry.SetPlaceHolder(i18n.T("Forward every call to"))
	a.entry.OnSubmitted = func(string) { a.submit() }
	a.entry.OnShortcut = w.shortcut
	a.entry.OnKey = func(k fyne.KeyName) bool {
		if k == fyne.KeyEscape {
			a.close()
		}
		return k == fyne.KeyEscape
	}
	set := widget.NewButtonWithIcon(i18n.T("Forward"), theme.ColoredIcon(icons.Forward, fynetheme.ColorNameForegroundOnPrimary), a.submit)
	set.Importance = widget.HighImportance
	leave := widget.NewButtonWithIcon("", fynetheme.CancelIcon(), a.close)
	leave.Importance = widget.LowImportance
	a.people = newSuggestions(w, a.entry, func() { w.status.box.Refresh() })
	a.entry.OnChanged = a.people.typed
	a.box = container.NewVBox(a.people.box, container.NewBorder(nil, nil, nil, container.NewHBox(set, leave), a.entry))
	a.box.Hide()
	return a
}

func (a *forwardAsk) open() {
	a.people.fill(a.w.phone.Settings().Calls.ForwardTo)
	a.box.Show()
	a.w.status.box.Refresh()
	a.w.win.Show()
	a.w.win.Canvas().Focus(a.entry)
}

func (a *forwardAsk) close() {
	a.box.Hide()
	a.w.status.box.Refresh()
	a.w.win.Canvas().Focus(a.w.dialer.entry)
}

func (a *forwardAsk) submit() {
	a.people.target(func(target string) {
		a.w.forward(true, viewmodel.ShortURI(target))
		a.close()
	})
}
