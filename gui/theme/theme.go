// Package theme is Parley's look: one calm accent color on quiet surfaces, in
// light and dark. States have a color each, all with a contrast of at least 4.5
// to 1 to the surfaces they are shown on.
package theme

import (
	_ "embed" // for a symbol
	"image/color"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/icons"
)

//go:embed backspace.svg
var backspace []byte

// Backspace returns the symbol for taking away the last character.
func Backspace() fyne.Resource {
	return fynetheme.NewThemedResource(fyne.NewStaticResource("backspace.svg", backspace))
}

// The modes, as the settings name them.
const (
	System = "system"
	Light  = "light"
	Dark   = "dark"
)

// ColorSurface is the background of cards that stand out from the window.
const ColorSurface fyne.ThemeColorName = "parleySurface"

// SizeLarge is the size of the digits on the dial pad.
const SizeLarge fyne.ThemeSizeName = "parleyLarge"

// Theme implements fyne.Theme.
type Theme struct {
	fyne.Theme // icons and fonts
	mode       string
}

// New returns the theme of a mode: System follows the system.
func New(mode string) *Theme { return &Theme{Theme: fynetheme.DefaultTheme(), mode: mode} }

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

func alpha(c color.NRGBA, a uint8) color.NRGBA { c.A = a; return c }

// A pair is a color in light and dark.
type pair struct{ light, dark color.NRGBA }

// colors returns the pair of name, and whether the theme has one of its own.
func colors(name fyne.ThemeColorName) (pair, bool) {
	switch name {
	case fynetheme.ColorNameBackground:
		return pair{rgb(0xeff2f5), rgb(0x1b1d21)}, true
	case ColorSurface, fynetheme.ColorNameHeaderBackground:
		return pair{rgb(0xffffff), rgb(0x25282e)}, true
	case fynetheme.ColorNameMenuBackground, fynetheme.ColorNameOverlayBackground:
		return pair{rgb(0xffffff), rgb(0x2b2f36)}, true
	case fynetheme.ColorNameForeground:
		return pair{rgb(0x1c2127), rgb(0xe9ecf0)}, true
	case fynetheme.ColorNamePlaceHolder:
		return pair{rgb(0x5d6670), rgb(0xa3acb7)}, true
	case fynetheme.ColorNameDisabled:
		return pair{rgb(0x8b939c), rgb(0x717a85)}, true
	case fynetheme.ColorNameButton:
		return pair{rgb(0xdfe4ea), rgb(0x343941)}, true
	case fynetheme.ColorNameDisabledButton:
		return pair{rgb(0xe7ebef), rgb(0x282c32)}, true
	case fynetheme.ColorNameInputBackground:
		return pair{rgb(0xffffff), rgb(0x25282e)}, true
	case fynetheme.ColorNameInputBorder:
		return pair{rgb(0x9aa3ad), rgb(0x666f7a)}, true
	case fynetheme.ColorNameSeparator:
		return pair{rgb(0xd6dce3), rgb(0x343941)}, true
	case fynetheme.ColorNameShadow:
		return pair{alpha(rgb(0), 0x30), alpha(rgb(0), 0x80)}, true
	}
	return stateColors(name)
}

func stateColors(name fyne.ThemeColorName) (pair, bool) {
	accent := pair{rgb(0x2f5f8f), rgb(0x86b8e8)}
	on := pair{rgb(0xffffff), rgb(0x12161b)}
	switch name {
	case fynetheme.ColorNamePrimary, fynetheme.ColorNameHyperlink:
		return accent, true
	case fynetheme.ColorNameFocus:
		return pair{alpha(accent.light, 0x50), alpha(accent.dark, 0x60)}, true
	case fynetheme.ColorNameSelection:
		return pair{alpha(accent.light, 0x30), alpha(accent.dark, 0x40)}, true
	case fynetheme.ColorNameHover:
		return pair{alpha(rgb(0x1c2127), 0x10), alpha(rgb(0xffffff), 0x14)}, true
	case fynetheme.ColorNamePressed:
		return pair{alpha(rgb(0x1c2127), 0x28), alpha(rgb(0xffffff), 0x30)}, true
	case fynetheme.ColorNameError:
		return pair{rgb(0xb3261e), rgb(0xf28b82)}, true
	case fynetheme.ColorNameSuccess:
		return pair{rgb(0x1b713a), rgb(0x62bf83)}, true
	case fynetheme.ColorNameWarning:
		return pair{rgb(0x875300), rgb(0xf0bb58)}, true
	case fynetheme.ColorNameForegroundOnPrimary, fynetheme.ColorNameForegroundOnError,
		fynetheme.ColorNameForegroundOnSuccess, fynetheme.ColorNameForegroundOnWarning:
		return on, true
	}
	return pair{}, false
}

// Color returns a color for the mode, or for the system's variant.
func (t *Theme) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	switch t.mode {
	case Light:
		variant = fynetheme.VariantLight
	case Dark:
		variant = fynetheme.VariantDark
	}
	p, ok := colors(name)
	if !ok {
		return t.Theme.Color(name, variant)
	}
	if variant == fynetheme.VariantLight {
		return p.light
	}
	return p.dark
}

// Size returns a size in Fyne's units.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case fynetheme.SizeNameInnerPadding:
		return 7
	case fynetheme.SizeNameCaptionText:
		return 12
	case fynetheme.SizeNameInputRadius, fynetheme.SizeNameSelectionRadius:
		return 6
	case SizeLarge:
		return 18
	}
	return t.Theme.Size(name)
}

// Icon returns one of Parley's symbols in the color of text.
func Icon(name icons.Name) fyne.Resource {
	return fynetheme.NewThemedResource(fyne.NewStaticResource(name.File(), name.SVG()))
}

// ColoredIcon returns a symbol in a color of the theme.
func ColoredIcon(name icons.Name, c fyne.ThemeColorName) fyne.Resource {
	return fynetheme.NewColoredResource(fyne.NewStaticResource(name.File(), name.SVG()), c)
}
