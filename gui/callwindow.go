package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/middleware/session"
)

// callWindow shows the calls in a window of their own, which stays small beside
// other programs. Plain letters work in it: M, H, K, T, J, R.
type callWindow struct {
	w     *Window
	win   fyne.Window
	panel *callsPanel
	need  float32 // how high the calls are
}

// The size of the call window. It is as high as the calls need, within bounds.
const (
	callWidth   = 360
	leastCall   = 190
	highestCall = 640
)

// showCallWindow opens the window, or raises it.
func (w *Window) showCallWindow() {
	if w.callWin == nil {
		c := &callWindow{w: w, win: w.app.NewWindow(i18n.T("Call"))}
		c.panel = newCallsPanel(w, c.win)
		c.win.SetContent(container.NewVScroll(c.panel.box))
		c.win.Resize(fyne.NewSize(callWidth, leastCall))
		c.win.SetOnClosed(func() { w.callWin = nil })
		c.win.Canvas().SetOnTypedRune(c.typed)
		w.addShortcuts(c.win.Canvas())
		w.callWin = c
	}
	w.refreshCalls()
	if w.callWin != nil {
		w.callWin.win.Show()
		w.callWin.win.RequestFocus()
	}
}

// update shows the calls, and closes the window after the last.
func (c *callWindow) update(views []viewmodel.Call, ended []viewmodel.Ended, muted bool) {
	c.panel.update(views, ended, muted)
	if len(views)+len(ended) == 0 {
		c.w.callWin = nil
		c.win.Close()
		return
	}
	c.fit()
	if v, ok := c.w.current(); ok {
		c.win.SetTitle(i18n.T("%s – %s", v.Title, v.Status))
	}
}

// fit makes the window as high as the calls need, after that has changed.
func (c *callWindow) fit() {
	c.panel.box.Refresh()
	need := c.panel.box.MinSize().Height
	if need == c.need {
		return
	}
	c.need = need
	c.win.Resize(fyne.NewSize(c.win.Canvas().Size().Width, min(max(need+8, leastCall), highestCall)))
}

// typed are letters typed while nothing is focused. Digits are sent as tones.
func (c *callWindow) typed(r rune) {
	v, ok := c.w.current()
	if !ok {
		return
	}
	switch r {
	case 'm', 'M':
		c.w.toggleMute()
	case 'h', 'H':
		c.w.hold(v)
	case 'r', 'R':
		c.w.record(v)
	case 'k', 'K':
		if card := c.panel.cards[v.ID]; card != nil {
			card.togglePad()
		}
	case 't', 'T':
		if card := c.panel.cards[v.ID]; card != nil && v.CanTransfer {
			card.openTransfer(true)
		}
	case 'j', 'J':
		if c.w.canMerge() {
			c.w.mergeAll()
		}
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#':
		if s := c.w.session(v.ID); s != nil && s.Snapshot().Accepts(session.SendDTMF) {
			s.SendDTMF(string(r))
		}
	}
}
