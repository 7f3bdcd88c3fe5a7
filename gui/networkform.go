package gui

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/middleware"
)

// networkForm edits the account of the local network. Unlike that of other
// accounts all of it applies at once: nothing can be wrong halfway.
type networkForm struct {
	a     *accountsPage
	dot   *widgets.Dot
	state *widgets.Text
	why   *widgets.Note
	card  *widgets.Card
	shown viewmodel.Account
	box   *fyne.Container
}

func newNetworkForm(a *accountsPage) *networkForm {
	n := &networkForm{
		a: a, dot: widgets.NewDot(fynetheme.ColorNamePlaceHolder), state: widgets.NewText("", ""),
		why: widgets.NewNote("", fynetheme.ColorNamePlaceHolder),
	}
	f := &a.p.form
	back := widget.NewButtonWithIcon("", fynetheme.NavigateBackIcon(), a.showList)
	back.Importance = widget.LowImportance
	head := container.NewBorder(nil, nil, back, nil, center(heading(viewmodel.NetworkLabel())))
	n.card = widgets.NewCard(container.NewVBox(container.NewBorder(nil, nil, n.dot, nil, n.state), n.why), fynetheme.ColorNamePrimary)
	n.box = container.NewBorder(head, nil, nil, nil, scrolled(rows(
		hint(i18n.T("Everybody on this network who runs Parley or another Bonjour telephone sees you, and you see them under LAN. Calls between two Parleys are always encrypted.")),
		n.card,
		f.check("bonjour.enabled"),
		f.text("bonjour.display_name", i18n.T("your name, as in General")),
		f.text("bonjour.note", i18n.T("for example: Back at three")),
		group(i18n.T("Who may call"),
			f.choice("bonjour.calls_from", networkCallers()),
			hint(i18n.T("Keys are remembered from the first call on. Whoever has another one is refused whatever is chosen here.")),
		),
		group(i18n.T("Audio"),
			f.choice("bonjour.ptime", networkPacketTimes()),
			hint(i18n.T("The shorter, the less delay between mouth and ear, and the more packets. On a slow Wi-Fi take 20 ms.")),
		),
	)))
	return n
}

// update shows the state of the account.
func (n *networkForm) update(list []viewmodel.Account) {
	for _, v := range list {
		if !v.Network || v == n.shown {
			continue
		}
		n.shown = v
		n.dot.Set(toneColor(v.Tone))
		n.card.SetBar(toneColor(v.Tone))
		n.state.SetColored(v.Word, toneColor(v.Tone))
		n.why.Set(joinLinesOf(v.Reason, v.Facts))
		n.why.Hidden = v.Reason == ""
		n.box.Refresh()
	}
}

// joinLinesOf puts two texts below each other; either may be empty.
func joinLinesOf(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

func networkCallers() []viewmodel.Choice {
	return []viewmodel.Choice{
		{Value: "everyone", Label: i18n.T("Everybody on this network")},
		{Value: "neighbours", Label: i18n.T("Who is on the list now")},
		{Value: "known", Label: i18n.T("Only those whose key is remembered")},
	}
}

func networkPacketTimes() []viewmodel.Choice {
	var list []viewmodel.Choice
	for _, n := range []int{5, 10, 20} {
		list = append(list, viewmodel.Choice{Value: strconv.Itoa(n), Label: i18n.T("%d ms", n)})
	}
	return list
}

// networkCard is the local network in the list of accounts.
func (a *accountsPage) networkCard(v viewmodel.Account) fyne.CanvasObject {
	w := a.p.w
	on := checkField(i18n.T("On"), v.Enabled, w.enableNetwork)
	edit := widget.NewButtonWithIcon(i18n.T("Edit"), fynetheme.DocumentCreateIcon(), func() { a.edit(middleware.BonjourID) })
	head := container.NewBorder(nil, nil, widgets.NewDot(toneColor(v.Tone)), container.NewHBox(on, edit),
		center(container.NewVBox(widgets.NewTitle(v.Label), widgets.NewText(v.Word, toneColor(v.Tone)))))
	lines := container.NewVBox(head)
	if v.Reason != "" {
		lines.Add(hint(v.Reason))
	}
	return widgets.NewCard(lines, toneColor(v.Tone))
}
