package gui

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	fynetheme "fyne.io/fyne/v2/theme"
	"github.com/godbus/dbus/v5"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/icons"
	"parley/middleware"
	"parley/middleware/session"
)

// tray is the icon in the system's tray. Its color is the state of the accounts.
type tray struct {
	app  desktop.App
	now  trayState
	made bool
}

// trayState is what the tray shows; it is drawn anew only when this changes.
type trayState struct {
	tone    viewmodel.Tone
	rings   bool
	missed  int
	status  middleware.UserStatus
	account string
}

// newTray returns the tray, or nil where the system has none.
func newTray(w *Window) *tray {
	a, ok := w.app.(desktop.App)
	if !ok || !trayReachable() {
		return nil
	}
	t := &tray{app: a}
	t.update(w)
	return t
}

// trayReachable reports whether there can be a tray: on Linux it is reached over
// the session's D-Bus. An address that leads nowhere is common (su, ssh,
// containers), and the tray's library does not survive the end without a bus.
func trayReachable() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		return false
	}
	conn, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (t *tray) update(w *Window) {
	chip := viewmodel.NewChip(w.accounts())
	v, rings := w.ringingCall()
	now := trayState{tone: chip.Tone, rings: rings, missed: w.phone.History().Unseen(), status: w.phone.UserStatus(), account: chip.Label + chip.Word}
	if t.made && now == t.now {
		return
	}
	t.now, t.made = now, true
	var items []*fyne.MenuItem
	if rings {
		items = append(items,
			fyne.NewMenuItem(i18n.T("Answer %s", v.Title), func() { w.answer(v.ID, false) }),
			fyne.NewMenuItem(i18n.T("Decline"), func() { w.do(v.ID, session.Reject) }),
			fyne.NewMenuItemSeparator())
	}
	state := fyne.NewMenuItem(i18n.T("%s: %s", chip.Label, chip.Word), nil)
	state.Disabled = true
	items = append(items, state)
	if now.missed > 0 {
		items = append(items, fyne.NewMenuItem(viewmodel.Missed.Word(now.missed), func() {
			w.win.Show()
			w.recent.choose(viewmodel.Missed)
		}))
	}
	status := fyne.NewMenuItem(i18n.T("Status"), nil)
	status.ChildMenu = w.header.statusMenu()
	quit := fyne.NewMenuItem(i18n.T("Quit"), w.askQuit)
	quit.IsQuit = true
	items = append(items, status, fyne.NewMenuItem(i18n.T("Show Parley"), func() {
		w.win.Show()
		w.win.RequestFocus()
	}), quit)
	t.app.SetSystemTrayIcon(trayIcon(w.app.Settings().Theme().Color(toneColor(chip.Tone), fynetheme.VariantLight)))
	t.app.SetSystemTrayMenu(fyne.NewMenu("", items...))
}

// traySize is the width of the tray's picture in pixels. Systems scale it.
const traySize = 64

// trayIcon draws the program's mark with a disk of color c in its corner. Trays
// take no SVG.
func trayIcon(c color.Color) fyne.Resource {
	mark, err := png.Decode(bytes.NewReader(icons.AppPNG()))
	if err != nil {
		return fyne.NewStaticResource("parley.png", icons.AppPNG())
	}
	img := shrink(mark, traySize)
	const radius, middle = 13, traySize - 14
	ring := image.NewUniform(color.White)
	for y := range traySize {
		for x := range traySize {
			at := image.Rect(x, y, x+1, y+1)
			switch d := (x-middle)*(x-middle) + (y-middle)*(y-middle); {
			case d <= (radius-3)*(radius-3):
				draw.Draw(img, at, image.NewUniform(c), image.Point{}, draw.Src)
			case d <= radius*radius:
				draw.Draw(img, at, ring, image.Point{}, draw.Src)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return fyne.NewStaticResource("parley.png", icons.AppPNG())
	}
	return fyne.NewStaticResource("tray.png", b.Bytes())
}

// shrink averages a square picture down to size.
func shrink(src image.Image, size int) *image.NRGBA {
	dst := image.NewNRGBA(image.Rect(0, 0, size, size))
	n := max(src.Bounds().Dx()/size, 1)
	for y := range size {
		for x := range size {
			var r, g, b, a uint32
			for i := range n * n {
				cr, cg, cb, ca := src.At(x*n+i%n, y*n+i/n).RGBA()
				r, g, b, a = r+cr, g+cg, b+cb, a+ca
			}
			k := uint32(n * n)
			dst.Set(x, y, color.RGBA64{R: uint16(r / k), G: uint16(g / k), B: uint16(b / k), A: uint16(a / k)})
		}
	}
	return dst
}
