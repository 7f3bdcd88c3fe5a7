package viewmodel

import (
	"strings"

	"parley/gui/i18n"
	"parley/middleware"
)

// A Choice is an entry of a list to choose from.
type Choice struct {
	Value string // as stored
	Label string // as shown
}

// InputDevices lists what can be a microphone; chosen is always among them.
func InputDevices(list []middleware.Device, chosen string) []Choice {
	return devices(list, chosen, func(d middleware.Device) bool { return d.Input })
}

// OutputDevices lists what can play sound; chosen is always among them.
func OutputDevices(list []middleware.Device, chosen string) []Choice {
	return devices(list, chosen, func(d middleware.Device) bool { return d.Output })
}

func devices(list []middleware.Device, chosen string, fits func(middleware.Device) bool) []Choice {
	choices := []Choice{{"default", i18n.T("System default")}}
	found := chosen == "" || chosen == "default"
	names := map[string]int{}
	for _, d := range list {
		if fits(d) {
			names[d.Name]++
		}
	}
	for _, d := range list {
		if !fits(d) {
			continue
		}
		c := Choice{d.Name, d.Name}
		if names[d.Name] > 1 {
			c = Choice{d.ID, i18n.T("%s (%s)", d.Name, d.ID)}
		}
		if c.Value == chosen || d.ID == chosen {
			c.Value, found = chosen, true
		}
		choices = append(choices, c)
	}
	none := Choice{"null", i18n.T("None (silence)")}
	choices = append(choices, none)
	if !found && chosen != none.Value {
		choices = append(choices, Choice{chosen, i18n.T("%s (not connected)", chosen)})
	}
	return choices
}

// AudioBanners tells which devices are missing.
func AudioBanners(a middleware.AudioSnapshot) []Banner {
	var list []Banner
	for _, d := range []struct{ key, text string }{
		{"input", i18n.T("The microphone “%s” is missing. The others hear silence until it is back.", a.Trouble["input"])},
		{"output", i18n.T("The speaker “%s” is missing. It is used again as soon as it is back.", a.Trouble["output"])},
		{"alert", i18n.T("The ring device “%s” is missing.", a.Trouble["alert"])},
	} {
		name, missing := a.Trouble[d.key]
		if !missing {
			continue
		}
		if path, isFile := strings.CutPrefix(name, "file:"); isFile {
			d.text = i18n.T("The sound file “%s” cannot be used: it is no WAV file, or it cannot be opened. There is silence in its place.", path)
		}
		list = append(list, Banner{Notice, d.text})
	}
	return list
}

// DeviceBack says that a device works again.
func DeviceBack(which string) Banner {
	switch which {
	case "input":
		return Banner{Good, i18n.T("The microphone is back.")}
	case "output":
		return Banner{Good, i18n.T("The speaker is back.")}
	}
	return Banner{Good, i18n.T("The ring device is back.")}
}

// ProblemBanners tells what was wrong in the profile's files.
func ProblemBanners(list []middleware.Problem) []Banner {
	banners := make([]Banner, len(list))
	for i, p := range list {
		text := i18n.T("Settings: %s", p.Text)
		if p.Line > 0 {
			text = i18n.T("Settings, line %d, column %d: %s", p.Line, p.Column, p.Text)
		}
		if p.Kept != "" {
			if !strings.HasSuffix(text, ".") {
				text += "."
			}
			text = i18n.T("%s The file is kept as %s.", text, p.Kept)
		}
		banners[i] = Banner{Notice, text}
	}
	return banners
}
