package gui

import (
	"context"
	"time"

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

// dialer is the number field with its button, the choice of the account, and the
// dial pad.
type dialer struct {
	w       *Window
	entry   *widgets.Entry
	call    *widget.Button
	erase   *widget.Button
	from    *widget.Select
	fromIn  []string // accounts offered, behind "Automatic"
	line    *fyne.Container
	trouble *widgets.Text
	pad     *fyne.Container
	resting func() // stops the timer that gives the focus back; may be nil
	box     *fyne.Container
}

func newDialer(w *Window) *dialer {
	d := &dialer{w: w, entry: widgets.NewEntry()}
	d.entry.SetPlaceHolder(i18n.T("Name, number or address"))
	d.entry.OnSubmitted = func(string) { d.submit() }
	d.entry.OnChanged = func(text string) { d.changed(text) }
	d.entry.OnKey = d.key
	d.entry.OnShortcut = w.shortcut
	d.entry.OnFocus = d.restLater
	d.erase = widget.NewButtonWithIcon("", theme.Backspace(), d.backspace)
	d.erase.Importance = widget.LowImportance
	d.entry.ActionItem = d.erase
	d.call = widget.NewButtonWithIcon(i18n.T("Call"), theme.Icon(icons.Call), d.submit)
	d.call.Importance = widget.HighImportance
	d.from = widget.NewSelect(nil, nil)
	d.line = container.NewBorder(nil, nil, widget.NewLabel(i18n.T("From")), nil, d.from)
	d.line.Hide()
	d.trouble = widgets.NewText("", fynetheme.ColorNameError)
	d.trouble.Shrinks = true
	d.trouble.Hide()
	d.pad = widgets.NewDialPad(d.press)
	d.pad.Hide()
	d.erase.Hide()
	d.box = container.NewVBox(container.NewBorder(nil, nil, nil, d.call, d.entry), d.trouble, d.line, d.pad)
	return d
}

// update offers the accounts to call from, if there is a choice.
func (d *dialer) update(w *Window) {
	var ids []string
	for _, a := range w.phone.AccountManager().Snapshots() {
		if a.Enabled {
			ids = append(ids, a.ID)
		}
	}
	several := len(ids) > 1
	if several && w.network().Enabled() {
		ids = append(ids, middleware.BonjourID)
	}
	if equal(ids, d.fromIn) {
		return
	}
	d.fromIn = ids
	d.from.Options = []string{i18n.T("Automatic")}
	for _, id := range ids {
		d.from.Options = append(d.from.Options, w.accountLabel(id))
	}
	d.from.SetSelectedIndex(0)
	d.line.Hidden = !several
	d.box.Refresh()
}

// account returns the account chosen to call from; empty is automatic.
func (d *dialer) account() string {
	if i := d.from.SelectedIndex() - 1; i >= 0 && i < len(d.fromIn) && !d.line.Hidden {
		return d.fromIn[i]
	}
	return ""
}

func (d *dialer) fill(text string) {
	d.entry.SetText(text)
	d.entry.CursorColumn = len([]rune(text))
	d.entry.Refresh()
	d.w.win.Canvas().Focus(d.entry)
}

// restTime is how long an empty field keeps a blinking cursor.
const restTime = 10 * time.Second

// restLater gives the focus back if nothing is typed for a while: a blinking
// cursor keeps the machine drawing for nobody. What is typed afterwards arrives
// in the field all the same.
func (d *dialer) restLater() {
	if d.resting != nil {
		d.resting()
	}
	d.resting = d.w.door.After(restTime, func() {
		if c := d.w.win.Canvas(); d.entry.Text == "" && c.Focused() == d.entry {
			c.Unfocus()
		}
	})
}

// takeKeys sends to the field what is typed while nothing has the focus.
func (d *dialer) takeKeys(c fyne.Canvas) {
	if g := d.w.guide; g != nil {
		c.SetOnTypedRune(nil)
		c.SetOnTypedKey(func(k *fyne.KeyEvent) {
			if k.Name == fyne.KeyReturn || k.Name == fyne.KeyEnter {
				g.advance()
			}
		})
		return
	}
	c.SetOnTypedRune(func(r rune) {
		closePopUp(c)
		d.typed(r)
	})
	c.SetOnTypedKey(func(k *fyne.KeyEvent) {
		switch k.Name {
		case fyne.KeyEscape:
			closePopUp(c)
		case fyne.KeyReturn, fyne.KeyEnter, fyne.KeyBackspace, fyne.KeyUp:
			c.Focus(d.entry)
			d.entry.TypedKey(k)
		}
	})
	c.AddShortcut(&fyne.ShortcutPaste{Clipboard: d.w.app.Clipboard()}, func(s fyne.Shortcut) {
		c.Focus(d.entry)
		d.entry.TypedShortcut(s)
	})
}

// closePopUp closes the list that is open above a window, if there is one.
func closePopUp(c fyne.Canvas) {
	if p, ok := c.Overlays().Top().(*widget.PopUp); ok {
		p.Hide()
	}
}

func (d *dialer) changed(text string) {
	d.restLater()
	d.erase.Hidden = text == ""
	d.erase.Refresh()
	d.complain("")
	d.w.matches.match(text)
}

// typed takes a letter that was typed elsewhere.
func (d *dialer) typed(r rune) {
	d.w.win.Canvas().Focus(d.entry)
	d.entry.TypedRune(r)
}

// complain says below the field what is wrong with it.
func (d *dialer) complain(text string) {
	d.trouble.Set(text)
	d.trouble.Hidden = text == ""
	d.box.Refresh()
}

// key is called for keys in the field before the field itself.
func (d *dialer) key(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyUp && d.entry.Text == "":
		d.w.redialFill()
		return true
	case k == fyne.KeyEscape && d.entry.Text != "":
		d.entry.SetText("")
		return true
	case (k == fyne.KeyDown || k == fyne.KeyUp) && d.entry.Text != "":
		d.w.matches.step(map[fyne.KeyName]int{fyne.KeyDown: 1, fyne.KeyUp: -1}[k])
		return true
	case k == fyne.KeyDown:
		d.w.win.Canvas().Focus(d.w.pages.current())
		return true
	}
	return false
}

// press is a key of the dial pad.
func (d *dialer) press(key rune) {
	d.entry.SetText(d.entry.Text + string(key))
	d.entry.CursorColumn = len([]rune(d.entry.Text))
	d.entry.Refresh()
}

func (d *dialer) backspace() {
	if r := []rune(d.entry.Text); len(r) > 0 {
		d.fill(string(r[:len(r)-1]))
	}
}

// togglePad opens the dial pad below the field, or closes it.
func (d *dialer) togglePad() {
	d.pad.Hidden = !d.pad.Hidden
	d.box.Refresh()
	d.w.status.keypad.SetOn(!d.pad.Hidden, i18n.T("Keypad"))
	d.w.win.Canvas().Focus(d.entry)
}

// submit calls what the field names, or the match that is chosen; an empty field
// gets what was called last.
func (d *dialer) submit() {
	if d.entry.Text == "" {
		d.w.redialFill()
		return
	}
	target, known := d.w.matches.target(d.submit)
	if !known {
		return
	}
	if err := d.w.dial(target, d.account()); err != nil {
		d.complain(viewmodel.ExplainError(err))
		return
	}
	d.entry.SetText("")
	if !d.pad.Hidden {
		d.togglePad()
	}
}

// dial calls out. Who is on the local network is called there, whatever account
// is chosen.
func (w *Window) dial(target, account string) error {
	_, err := w.place(target, account)
	return err
}

// place is dial, and returns the call.
func (w *Window) place(target, account string) (*middleware.Session, error) {
	if viewmodel.IsNeighbour(target) {
		account = ""
	}
	return w.phone.SessionManager().Dial(middleware.DialRequest{Target: target, Account: account})
}

// call dials out and says in the window if that is not possible.
func (w *Window) call(target string) {
	if err := w.dial(target, w.dialer.account()); err != nil {
		w.dialer.complain(viewmodel.ExplainError(err))
	}
}

// redialFill puts what was called last into the field.
func (w *Window) redialFill() {
	w.lastDialed(func(target string) { w.dialer.fill(w.textOf(target)) })
}

// textOf is what a person types to call a target.
func (w *Window) textOf(target string) string {
	if title := w.neighbourTitle(target); title != "" {
		return title
	}
	return viewmodel.ShortURI(target)
}

// neighbourTitle is what people call the neighbour that a target means, empty for
// other targets and where that is not known.
func (w *Window) neighbourTitle(target string) string {
	for _, n := range w.neighbours.all {
		if n.Target == target {
			return n.Title()
		}
	}
	return w.network().NeighbourTitle(target)
}

// redial calls what was called last.
func (w *Window) redial() { w.lastDialed(w.call) }

func (w *Window) lastDialed(then func(target string)) {
	w.door.Do(func(ctx context.Context) func() {
		target := w.phone.History().LastDialed(ctx)
		if target == "" {
			return nil
		}
		return func() { then(target) }
	})
}
