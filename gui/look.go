package gui

import (
	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/icons"
)

// toneColor is the color in which a tone is shown.
func toneColor(t viewmodel.Tone) fyne.ThemeColorName {
	switch t {
	case viewmodel.Good:
		return fynetheme.ColorNameSuccess
	case viewmodel.Notice:
		return fynetheme.ColorNameWarning
	case viewmodel.Bad:
		return fynetheme.ColorNameError
	case viewmodel.Accent:
		return fynetheme.ColorNamePrimary
	}
	return fynetheme.ColorNamePlaceHolder
}

// picture returns the symbol of a picture in the color of a tone; nil is none.
func picture(p viewmodel.Picture, t viewmodel.Tone) fyne.Resource {
	if p == "" {
		return nil
	}
	return theme.ColoredIcon(icons.Name(p), toneColor(t))
}
