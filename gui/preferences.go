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

// page is one of the pages of the preferences.
type page uint8

const (
	pageGeneral page = iota
	pageAccounts
	pageAudio
	pageCalls
	pageNetwork
	pageAutomation
	numPages
)

func (p page) word() string {
	return [numPages]string{
		i18n.T("General"), i18n.T("Accounts"), i18n.T("Audio"), i18n.T("Calls"), i18n.T("Network"), i18n.T("Automation"),
	}[p]
}

func (p page) icon() fyne.Resource {
	return [numPages]fyne.Resource{
		theme.Icon(icons.Settings), theme.Icon(icons.Contacts), theme.Icon(icons.Mic), theme.Icon(icons.Call), fynetheme.StorageIcon(), fynetheme.ComputerIcon(),
	}[p]
}

// preferences is the window of all settings. Everything but an account's form
// applies at once.
type preferences struct {
	w          *Window
	win        fyne.Window
	page       page
	nav        [numPages]*widget.Button
	body       *fyne.Container
	trouble    *widgets.Note
	troubleBox *fyne.Container
	form       keyForm         // of the page shown
	accounts   *accountsPage   // nil unless shown
	apps       *fyne.Container // nil unless shown
	in, out    *widgets.Meter  // nil unless shown
}

// showPreferences opens the window at a page.
func (w *Window) showPreferences(p page) {
	if w.prefs == nil {
		w.prefs = newPreferences(w)
	}
	w.prefs.show(p)
	w.prefs.win.Show()
	w.prefs.win.RequestFocus()
}

func newPreferences(w *Window) *preferences {
	p := &preferences{w: w}
	p.win = w.app.NewWindow("")
	p.win.Resize(fyne.NewSize(720, 540))
	p.win.SetOnClosed(func() {
		p.form.commit()
		w.prefs = nil
		w.listen(false)
	})
	p.build()
	return p
}

func (p *preferences) build() {
	p.win.SetTitle(i18n.T("Parley preferences"))
	nav := container.NewVBox()
	for i := range numPages {
		b := widget.NewButtonWithIcon(i.word(), i.icon(), func() { p.show(i) })
		b.Alignment = widget.ButtonAlignLeading
		p.nav[i] = b
		nav.Add(b)
	}
	p.trouble = widgets.NewParagraph("", fynetheme.ColorNameError)
	p.troubleBox = container.NewBorder(nil, nil, widget.NewIcon(bannerIcon(viewmodel.Bad)), nil, p.trouble)
	p.troubleBox.Hide()
	p.body = container.NewStack()
	right := container.NewBorder(p.troubleBox, nil, nil, nil, p.body)
	side := container.NewBorder(nil, nil, nil, widget.NewSeparator(), container.NewPadded(nav))
	p.win.SetContent(container.NewBorder(nil, nil, side, nil, container.NewPadded(right)))
}

func (p *preferences) rebuild() {
	p.build()
	p.show(p.page)
}

// show changes the page.
func (p *preferences) show(to page) {
	p.newForm()
	p.page, p.accounts, p.apps, p.in, p.out = to, nil, nil, nil, nil
	for i, b := range p.nav {
		b.Importance = widget.LowImportance
		if page(i) == to {
			b.Importance = widget.HighImportance
		}
		b.Refresh()
	}
	p.complain(nil)
	p.w.listen(to == pageAudio)
	var content fyne.CanvasObject
	switch to {
	case pageAccounts:
		p.accounts = newAccountsPage(p)
		content = p.accounts.box
	case pageAudio:
		content = scrolled(p.audioPage())
	case pageCalls:
		content = scrolled(p.callsPage())
	case pageNetwork:
		content = scrolled(p.networkPage())
	case pageAutomation:
		content = scrolled(p.automationPage())
	default:
		content = scrolled(p.generalPage())
	}
	p.body.Objects = []fyne.CanvasObject{content}
	p.body.Refresh()
}

// newForm takes over what is typed and begins with other fields.
func (p *preferences) newForm() {
	p.form.commit()
	p.form = keyForm{src: p, names: newTargetNames(p.w)}
}

func scrolled(o fyne.CanvasObject) fyne.CanvasObject {
	return widgets.NewPage(container.NewPadded(o))
}

// update follows what is not a setting.
func (p *preferences) update() {
	if p.accounts != nil {
		p.accounts.update()
	}
}

// settingsChanged follows settings that others changed. What is typed is not
// changed under the hands of the person who types.
func (p *preferences) settingsChanged() {
	p.form.follow()
	if p.apps != nil {
		p.fillApps()
	}
}

func (p *preferences) complain(err error) {
	p.trouble.Set(viewmodel.ExplainError(err))
	p.troubleBox.Hidden = err == nil
	p.troubleBox.Refresh()
}

// change saves settings away from the window's thread, in the order made.
func (p *preferences) change(f func(*middleware.Settings)) {
	p.w.changeSettings(func(s *middleware.Settings) error { f(s); return nil }, func(err error) {
		p.complain(err)
		p.settingsChanged()
	})
}

// changeSettings saves settings; done gets the error, or nil.
func (w *Window) changeSettings(f func(*middleware.Settings) error, done func(error)) {
	w.door.DoInOrder(func(context.Context) func() {
		err := w.phone.ChangeSettings(f)
		return func() { done(err) }
	})
}

func (p *preferences) generalPage() fyne.CanvasObject {
	languages := []viewmodel.Choice{{Value: i18n.System, Label: i18n.Name(i18n.System)}}
	for _, l := range i18n.Languages() {
		languages = append(languages, viewmodel.Choice{Value: l, Label: i18n.Name(l)})
	}
	themes := []viewmodel.Choice{
		{Value: theme.System, Label: i18n.T("As the system")}, {Value: theme.Light, Label: i18n.T("Light")}, {Value: theme.Dark, Label: i18n.T("Dark")},
	}
	return rows(
		heading(pageGeneral.word()),
		p.form.text("general.user_name", i18n.T("as the system knows you")),
		hint(i18n.T("Shown to people you call without an account.")),
		p.form.choice("general.language", languages),
		p.form.choice("general.theme", themes),
	)
}

func (p *preferences) audioPage() fyne.CanvasObject {
	w := p.w
	box := container.NewVBox(heading(pageAudio.word()))
	devices := container.NewVBox(widgets.NewCaption(i18n.T("Looking for devices…")))
	w.loadDevices(devices, p.complain)
	again := widget.NewButtonWithIcon(i18n.T("Look for devices again"), fynetheme.ViewRefreshIcon(), func() { w.loadDevices(devices, p.complain) })
	echo := widget.NewButtonWithIcon(i18n.T("Call the Echo Test"), theme.Icon(icons.Echo), func() { w.call(middleware.EchoTarget) })
	standard := []string{"opus", "G722", "PCMA", "PCMU"}
	codecs := codecField(i18n.T("Codecs, the preferred one first"), standard, w.phone.Settings().Audio.Codecs, false, func(list []string) {
		p.change(func(s *middleware.Settings) { s.Audio.Codecs = list })
	})
	box.Add(devices)
	box.Add(container.NewGridWithColumns(2, again, echo))
	p.in, p.out = widgets.NewMeter(), widgets.NewMeter()
	box.Add(container.NewHBox(
		widgets.NewText(i18n.T("Microphone"), fynetheme.ColorNamePlaceHolder), p.in, spacer(),
		widgets.NewText(i18n.T("Speaker"), fynetheme.ColorNamePlaceHolder), p.out, spacer()))
	box.Add(hint(i18n.T("Speak: the microphone's level moves. The speaker's does during a call.")))
	box.Add(codecs)
	return box
}

// loadDevices fills box with a choice of devices for each use.
func (w *Window) loadDevices(box *fyne.Container, complain func(error)) {
	w.door.Do(func(context.Context) func() {
		list, err := w.phone.Audio().Devices()
		return func() {
			complain(err)
			box.RemoveAll()
			now := w.phone.Audio().Snapshot()
			set := func(input, output, alert string) {
				w.door.Do(func(context.Context) func() {
					err := w.phone.Audio().SetDevices(input, output, alert)
					return func() { complain(err) }
				})
			}
			outputs := viewmodel.OutputDevices(list, now.Output)
			box.Add(choiceField(i18n.T("Microphone"), viewmodel.InputDevices(list, now.Input), now.Input, "default", func(v string) { set(v, "", "") }))
			box.Add(choiceField(i18n.T("Speaker"), outputs, now.Output, "default", func(v string) { set("", v, "") }))
			box.Add(choiceField(i18n.T("Calls ring on"), viewmodel.OutputDevices(list, now.Alert), now.Alert, "default", func(v string) { set("", "", v) }))
		}
	})
}

func (p *preferences) automationPage() fyne.CanvasObject {
	p.apps = container.NewVBox()
	p.fillApps()
	return container.NewVBox(
		heading(pageAutomation.word()),
		checkField(i18n.T("Let programs on this computer use Parley, each after a question"), p.w.phone.Settings().API.Enabled, func(on bool) {
			p.change(func(s *middleware.Settings) { s.API.Enabled = on })
		}),
		hint(i18n.T("Takes effect when Parley is started again.")),
		widgets.NewCaption(i18n.T("Programs that have asked")),
		p.apps,
	)
}

// fillApps lists the programs that have asked, each with its answer.
func (p *preferences) fillApps() {
	p.apps.RemoveAll()
	for _, g := range p.w.phone.Settings().API.Apps {
		allowed := checkField(i18n.T("Allowed"), g.Allowed, func(on bool) {
			p.change(func(s *middleware.Settings) {
				if mine := s.API.Grant(g.Name, g.Executable); mine != nil {
					mine.Allowed = on
				}
			})
		})
		forget := widget.NewButtonWithIcon(i18n.T("Forget"), fynetheme.DeleteIcon(), func() {
			p.change(func(s *middleware.Settings) {
				for i := range s.API.Apps {
					if s.API.Apps[i] == g {
						s.API.Apps = append(s.API.Apps[:i], s.API.Apps[i+1:]...)
						return
					}
				}
			})
		})
		name := container.NewVBox(widgets.NewTitle(g.Name), widgets.NewCaption(g.Executable))
		p.apps.Add(widgets.NewCard(container.NewBorder(nil, nil, nil, container.NewHBox(allowed, forget), name), fynetheme.ColorNamePrimary))
	}
	if len(p.apps.Objects) == 0 {
		p.apps.Add(hint(i18n.T("None so far. A program is asked about when it connects for the first time.")))
	}
	p.apps.Refresh()
}
