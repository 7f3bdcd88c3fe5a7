package theme_test

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"

	"parley/gui/theme"
)

// luminance is that of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	channel := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.03928 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(r) + 0.7152*channel(g) + 0.0722*channel(b)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestContrastIsEnough(t *testing.T) {
	surfaces := []fyne.ThemeColorName{
		fynetheme.ColorNameBackground, theme.ColorSurface, fynetheme.ColorNameMenuBackground,
		fynetheme.ColorNameInputBackground,
	}
	texts := []fyne.ThemeColorName{
		fynetheme.ColorNameForeground, fynetheme.ColorNamePlaceHolder, fynetheme.ColorNamePrimary,
		fynetheme.ColorNameError, fynetheme.ColorNameSuccess, fynetheme.ColorNameWarning,
	}
	type shown struct{ text, on fyne.ThemeColorName }
	list := []shown{
		{fynetheme.ColorNameForeground, fynetheme.ColorNameButton},
		{fynetheme.ColorNameForegroundOnPrimary, fynetheme.ColorNamePrimary},
		{fynetheme.ColorNameForegroundOnError, fynetheme.ColorNameError},
		{fynetheme.ColorNameForegroundOnSuccess, fynetheme.ColorNameSuccess},
		{fynetheme.ColorNameForegroundOnWarning, fynetheme.ColorNameWarning},
	}
	for _, s := range surfaces {
		for _, text := range texts {
			list = append(list, shown{text, s})
		}
	}
	for _, mode := range []string{theme.Light, theme.Dark} {
		th := theme.New(mode)
		for _, s := range list {
			got := contrast(th.Color(s.text, 0), th.Color(s.on, 0))
			if got < 4.5 {
				t.Errorf("%s: contrast of %s on %s = %.1f, want at least 4.5", mode, s.text, s.on, got)
			}
		}
	}
}

func TestModeOverrulesTheSystem(t *testing.T) {
	name := fynetheme.ColorNameBackground
	light, dark := theme.New(theme.Light).Color(name, fynetheme.VariantDark), theme.New(theme.Dark).Color(name, fynetheme.VariantLight)
	if light == dark {
		t.Errorf("Color(%s) is the same in light and dark", name)
	}
	system := theme.New(theme.System)
	if got := system.Color(name, fynetheme.VariantDark); got != dark {
		t.Errorf("Color(%s) of a dark system = %v, want %v", name, got, dark)
	}
	if got := system.Color(name, fynetheme.VariantLight); got != light {
		t.Errorf("Color(%s) of a light system = %v, want %v", name, got, light)
	}
}
