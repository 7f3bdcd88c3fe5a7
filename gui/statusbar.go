package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/widgets"
	"parley/icons"
)

// toggle is a flat button that shows whether something is on.
type toggle struct{ *widget.Button }

// SetOn shows whether it is on.
func (t toggle) SetOn(on bool) {
	t.Importance = widget.LowImportance
	if on {
		t.Importance = widget.HighImportance
	}
	t.Refresh()
}

// statusBar is the bottom line: dial pad, microphone and speaker.
type statusBar struct {
	keypad  toggle
	mic     *widget.Button
	in, out *widgets.Meter
	muted   bool
	box     *fyne.Container
}

func newStatusBar(w *Window) *statusBar {
	s := &statusBar{in: widgets.NewMeter(), out: widgets.NewMeter()}
	s.keypad = toggle{widget.NewButtonWithIcon(i18n.T("Keypad"), theme.Icon(icons.Keypad), func() { w.dialer.togglePad() })}
	s.keypad.SetOn(false)
	s.mic = widget.NewButtonWithIcon(i18n.T("Mute"), theme.Icon(icons.Mic), w.toggleMute)
	s.mic.Importance = widget.LowImportance
	speaker := widget.NewIcon(fynetheme.VolumeUpIcon())
	line := container.NewHBox(s.keypad.Button, spacer(), s.mic, container.NewCenter(s.in), speaker, container.NewCenter(s.out))
	s.box = container.NewBorder(widget.NewSeparator(), nil, nil, nil, line)
	return s
}

func (s *statusBar) update(muted bool) {
	if muted == s.muted {
		return
	}
	s.muted = muted
	if muted {
		s.mic.SetIcon(theme.ColoredIcon(icons.Mute, fynetheme.ColorNameForegroundOnError))
		s.mic.SetText(i18n.T("Muted"))
		s.mic.Importance = widget.DangerImportance
	} else {
		s.mic.SetIcon(theme.Icon(icons.Mic))
		s.mic.SetText(i18n.T("Mute"))
		s.mic.Importance = widget.LowImportance
	}
	s.mic.Refresh()
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
