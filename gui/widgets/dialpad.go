package widgets

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/theme"
)

// longPress is how long 0 is held for a plus.
const longPress = 500 * time.Millisecond

// letters are printed below the digits, as on telephones everywhere
// (ITU-T E.161).
func letters(digit rune) string {
	switch digit {
	case '2':
		return "ABC"
	case '3':
		return "DEF"
	case '4':
		return "GHI"
	case '5':
		return "JKL"
	case '6':
		return "MNO"
	case '7':
		return "PQRS"
	case '8':
		return "TUV"
	case '9':
		return "WXYZ"
	case '0':
		return "+"
	}
	return ""
}

// Key is one key of the dial pad.
type Key struct {
	pressable

	Digit  rune
	press  func(rune)
	down   time.Time
	now    func() time.Time
	digit  *Text
	letter *Text
}

func newKey(digit rune, press func(rune)) *Key {
	k := &Key{Digit: digit, press: press, now: time.Now, digit: NewText(string(digit), ""), letter: NewCaption(letters(digit))}
	k.digit.SizeName = theme.SizeLarge
	k.letter.Shrinks = false
	k.OnTapped = func() {
		held := !k.down.IsZero() && k.now().Sub(k.down) >= longPress
		k.down = time.Time{}
		if held && k.Digit == '0' {
			k.press('+')
			return
		}
		k.press(k.Digit)
	}
	k.fill = fynetheme.ColorNameButton
	k.init(k)
	return k
}

// MouseDown is called by the toolkit.
func (k *Key) MouseDown(*desktop.MouseEvent) { k.down = k.now() }

// MouseUp is called by the toolkit.
func (k *Key) MouseUp(*desktop.MouseEvent) {}

// CreateRenderer is called by the toolkit.
func (k *Key) CreateRenderer() fyne.WidgetRenderer {
	s := &simple{objects: []fyne.CanvasObject{k.background, k.hover, k.digit, k.letter}}
	s.layout = func(size fyne.Size) {
		place(k.background, 0, 0, size.Width, size.Height)
		place(k.hover, 0, 0, size.Width, size.Height)
		center(k.digit, 0, 0, size.Width*0.46, size.Height)
		center(k.letter, size.Width*0.40, 0, size.Width*0.5, size.Height)
		if k.letter.text == "" {
			center(k.digit, 0, 0, size.Width, size.Height)
		}
	}
	s.min = func() fyne.Size { return fyne.NewSize(72, 38) }
	s.refresh = k.paint
	k.paint()
	return s
}

// NewDialPad returns the twelve keys, three by four.
func NewDialPad(press func(rune)) *fyne.Container {
	grid := container.NewGridWithColumns(3)
	for _, digit := range "123456789*0#" {
		grid.Add(newKey(digit, press))
	}
	return grid
}
