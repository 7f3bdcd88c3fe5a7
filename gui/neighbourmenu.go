package gui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	fynetheme "fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/icons"
	"parley/middleware"
)

// menu is what can be done with a neighbour.
func (p *neighboursPanel) menu(n middleware.Neighbour) *fyne.Menu {
	w := p.w
	var items []*fyne.MenuItem
	if n.Callable() {
		items = append(items, menuItem(i18n.T("Call"), picture(viewmodel.PictureCall, viewmodel.Accent), func() { w.call(n.Target) }))
	}
	items = append(items,
		menuItem(i18n.T("Details"), fynetheme.InfoIcon(), func() { w.showNeighbour(n.ID) }),
		menuItem(i18n.T("Copy address"), fynetheme.ContentCopyIcon(), func() { w.app.Clipboard().SetContent(n.Target) }),
		menuItem(i18n.T("Add to contacts…"), theme.Icon(icons.Contacts), func() { w.editAddress(viewmodel.NewNeighbour(n).Title, n.Target) }))
	if n.Key != "" {
		items = append(items, fyne.NewMenuItemSeparator(), w.blockItem(n.Target, viewmodel.NewNeighbour(n).Title),
			menuItem(forgetWord(n), theme.Icon(icons.LockOpen), func() { w.askForgetKey(n, w.win) }))
	}
	return fyne.NewMenu("", items...)
}

// forgetWord names what forgetting a neighbour's key is good for.
func forgetWord(n middleware.Neighbour) string {
	if viewmodel.Distrusted(n) {
		return i18n.T("Trust the new key…")
	}
	return i18n.T("Forget key…")
}

// networkMenu is what can be done with the local network as a whole.
func (p *neighboursPanel) networkMenu() *fyne.Menu {
	w := p.w
	return fyne.NewMenu("",
		menuItem(i18n.T("Settings of this network…"), theme.Icon(icons.Settings), func() { w.showAccount(middleware.BonjourID) }),
		menuItem(i18n.T("Turn off"), fynetheme.CancelIcon(), func() { w.enableNetwork(false) }))
}

// askForgetKey forgets the key of a neighbour after a question that says what
// that means.
func (w *Window) askForgetKey(n middleware.Neighbour, in fyne.Window) {
	title, text := viewmodel.TrustQuestion(n)
	said := widget.NewLabel(text)
	said.Wrapping = fyne.TextWrapWord
	yes, no := i18n.T("Forget"), i18n.T("Keep")
	if viewmodel.Distrusted(n) {
		yes, no = i18n.T("Trust"), i18n.T("Go on refusing")
	}
	d := dialog.NewCustomConfirm(title, yes, no, said, func(sure bool) {
		if sure {
			w.attempt(func() error { return w.network().ForgetNeighbour(n.ID) })
		}
	}, in)
	d.SetConfirmImportance(widget.DangerImportance)
	width := min(in.Canvas().Size().Width-24, 440)
	d.Resize(fyne.NewSize(width, d.MinSize().Height))
	d.Show()
}
