package gui

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/icons"
	"parley/middleware"
)

// The steps of the first-run guide.
const (
	stepAccount = iota
	stepSound
	stepDone
	numSteps
)

// guide leads through the first run in three steps, in the main window. Each can
// be skipped, and so can all.
type guide struct {
	w       *Window
	step    int
	address *widgets.Entry
	pass    *widgets.Entry
	name    *widgets.Entry // as others see the person
	trouble *widget.Label
	state   *widgets.Text // of the accounts
	dot     *widgets.Dot
	body    *fyne.Container
	steps   *widgets.Text
	mic     *widgets.Meter // nil unless shown
	back    *widget.Button
	skip    *widget.Button
	next    *widget.Button
	box     *fyne.Container
}

func newGuide(w *Window) *guide {
	g := &guide{
		w: w, address: widgets.NewEntry(), pass: widgets.NewPasswordEntry(), name: widgets.NewEntry(), trouble: widget.NewLabel(""),
		state: widgets.NewCaption(""), dot: widgets.NewDot(fynetheme.ColorNamePlaceHolder),
		body: container.NewVBox(), steps: widgets.NewCaption(""),
	}
	g.address.SetPlaceHolder(i18n.T("alice@example.org"))
	g.address.OnSubmitted = func(string) { w.win.Canvas().Focus(g.pass) }
	g.pass.SetPlaceHolder(i18n.T("Password"))
	g.name.SetText(w.phone.Settings().General.UserName)
	g.name.OnSubmitted = func(string) { g.advance() }
	g.pass.OnSubmitted = func(string) { g.advance() }
	g.trouble.Importance, g.trouble.Wrapping = widget.DangerImportance, fyne.TextWrapWord
	mark := widget.NewIcon(fyne.NewStaticResource("app.svg", icons.App()))
	title := heading(i18n.T("Welcome to Parley"))
	head := container.NewBorder(nil, nil, container.New(layout.NewGridWrapLayout(fyne.NewSize(44, 44)), mark), nil,
		center(container.NewVBox(title, g.steps)))
	g.back = widget.NewButton(i18n.T("Back"), func() { g.show(g.step - 1) })
	g.back.Importance = widget.LowImportance
	g.skip = widget.NewButton(i18n.T("Skip guide"), g.finish)
	g.skip.Importance = widget.LowImportance
	g.next = widget.NewButton("", g.advance)
	g.next.Importance = widget.HighImportance
	foot := container.NewHBox(g.skip, spacer(), g.back, g.next)
	g.box = container.NewPadded(container.NewPadded(container.NewBorder(head, foot, nil, nil, container.NewVScroll(container.NewPadded(g.body)))))
	g.show(stepAccount)
	return g
}

// show goes to a step.
func (g *guide) show(step int) {
	g.step, g.mic = step, nil
	g.w.listen(step == stepSound)
	g.steps.Set(i18n.T("Step %d of %d", step+1, numSteps))
	g.complain(nil)
	g.body.RemoveAll()
	g.back.Hidden = step == stepAccount
	g.skip.Hidden = step == stepDone
	g.next.SetText([numSteps]string{i18n.T("Next"), i18n.T("Next"), i18n.T("Start calling")}[step])
	switch step {
	case stepAccount:
		g.showAccount()
	case stepSound:
		g.showSound()
	case stepDone:
		g.showDone()
	}
	g.box.Refresh()
}

func (g *guide) showAccount() {
	g.body.Add(heading(i18n.T("Your account")))
	g.body.Add(paragraph(i18n.T("Do you have a SIP account, from a provider or from the telephone system at work? If not, leave this empty: the Echo Test and calls to other computers work without one.")))
	g.body.Add(field(i18n.T("SIP address"), g.address, nil))
	g.body.Add(field(i18n.T("Password"), g.pass, nil))
	g.body.Add(g.trouble)
	only := widget.NewButtonWithIcon(i18n.T("Only this network"), theme.Icon(icons.LAN), g.onlyNetwork)
	g.body.Add(gap())
	g.body.Add(widget.NewSeparator())
	g.body.Add(paragraph(i18n.T("Everybody on this network who runs Parley can be called without an account: they appear by name, and calls are encrypted.")))
	g.body.Add(container.NewHBox(only))
}

// onlyNetwork goes on without an account, to begin with those nearby.
func (g *guide) onlyNetwork() {
	g.w.enableNetwork(true)
	g.w.pages.show(lowerLAN)
	g.show(stepSound)
}

func (g *guide) showSound() {
	w := g.w
	g.body.Add(container.NewBorder(nil, nil, g.dot, nil, g.state))
	g.body.Add(heading(i18n.T("Sound")))
	g.body.Add(paragraph(i18n.T("Choose what you speak into and listen with. The Echo Test gives your voice back after a second.")))
	devices := container.NewVBox(widgets.NewCaption(i18n.T("Looking for devices…")))
	w.loadDevices(devices, g.complain)
	g.body.Add(devices)
	g.mic = widgets.NewMeter()
	g.body.Add(container.NewHBox(widgets.NewText(i18n.T("Microphone"), fynetheme.ColorNamePlaceHolder), g.mic))
	echo := widget.NewButtonWithIcon(i18n.T("Call the Echo Test"), theme.Icon(icons.Echo), func() { g.complain(w.dial(middleware.EchoTarget, "")) })
	g.body.Add(echo)
	g.body.Add(g.trouble)
	g.update()
}

func (g *guide) showDone() {
	g.body.Add(container.NewBorder(nil, nil, g.dot, nil, g.state))
	g.body.Add(heading(i18n.T("That is all")))
	if g.w.network().Enabled() {
		g.name.SetPlaceHolder(g.w.network().Snapshot().DisplayName)
		g.body.Add(field(viewmodel.Caption("bonjour.display_name"), g.name, nil))
		g.body.Add(gap())
		g.w.win.Canvas().Focus(g.name)
	}
	g.body.Add(paragraph(i18n.T("Type a number, a name or an address at the top of the window and press Enter. Everything else is behind the three dots.")))
	g.body.Add(paragraph(i18n.T("Programs on this computer can use Parley too; you are asked about each one first.")))
	g.update()
}

// update shows how the new account is doing.
func (g *guide) update() {
	all := g.w.accounts()
	list := slices.DeleteFunc(slices.Clone(all), func(a viewmodel.Account) bool { return a.Network })
	if len(list) == 0 {
		list = slices.DeleteFunc(all, func(a viewmodel.Account) bool { return a.Tone == viewmodel.Neutral })
	}
	if len(list) == 0 {
		g.dot.Set(fynetheme.ColorNamePlaceHolder)
		g.state.Set(i18n.T("No account. One can be added at any time."))
		return
	}
	a := list[len(list)-1]
	g.dot.Set(toneColor(a.Tone))
	text := a.Word
	if a.Tone == viewmodel.Bad {
		text = a.Reason
	}
	g.state.Set(i18n.T("%s: %s", a.Label, text))
}

func (g *guide) complain(err error) {
	g.trouble.SetText(viewmodel.ExplainError(err))
	g.trouble.Hidden = err == nil
	g.trouble.Refresh()
}

// advance takes in what the step asked for and goes on.
func (g *guide) advance() {
	switch {
	case g.next.Disabled(): // an account is being added
	case g.step == stepDone:
		g.finish()
	case g.step == stepAccount && g.address.Text != "":
		g.addAccount()
	default:
		g.show(g.step + 1)
	}
}

func (g *guide) addAccount() {
	w, address, password := g.w, g.address.Text, g.pass.Text
	g.next.Disable()
	w.door.Do(func(ctx context.Context) func() {
		_, err := w.phone.AccountManager().AddAccount(ctx, middleware.NewAccountSettings(address), password)
		return func() {
			g.next.Enable()
			if err != nil {
				g.complain(err)
				return
			}
			g.address.SetText("")
			g.pass.SetText("")
			g.show(stepSound)
		}
	})
}

// finish leaves the guide for good.
func (g *guide) finish() {
	w, name := g.w, strings.TrimSpace(g.name.Text)
	w.guide = nil
	w.listen(false)
	w.layOut()
	w.refresh()
	w.changeSettings(func(s *middleware.Settings) error {
		s.General.FirstRunDone, s.General.UserName = true, name
		return nil
	}, func(err error) {
		if err != nil {
			w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
		}
	})
}
