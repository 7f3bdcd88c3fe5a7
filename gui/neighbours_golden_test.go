//go:build linux

package gui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/middleware"
)

// aroundUs are neighbours of every kind.
func aroundUs() []middleware.Neighbour {
	person := func(name, host string, state middleware.NeighbourState, note string, trust middleware.NeighbourTrust) middleware.Neighbour {
		id := strings.ToLower(name)
		n := middleware.Neighbour{
			ID: id, Target: "bonjour:" + id, Name: name, Host: host, State: state, Note: note, Trust: trust,
			URI: "sip:qwertzui@192.168.1.7:5061;transport=tls", Transport: "tls", Since: goldenNow.Add(-time.Hour),
		}
		if trust == middleware.TrustKnown || trust == middleware.TrustBroken {
			n.Key = strings.Repeat("9f86d081884c7d65", 4)
		}
		return n
	}
	away, busy, free := middleware.NeighbourAway, middleware.NeighbourBusy, middleware.NeighbourAvailable
	list := []middleware.Neighbour{
		person("Anna Meyer", "annas-laptop", free, "", middleware.TrustKnown),
		person("Bob", "studio", away, "Back at three", middleware.TrustNew),
		person("Carol", "carols-desk", busy, "In a meeting with a note that is much longer than any window is wide", middleware.TrustKnown),
		person("Door", "door-phone", middleware.NeighbourUnknown, "", middleware.TrustNone),
		person("Eve", "laptop-2", free, "", middleware.TrustBroken),
		person("Frank", "frank-pc", free, "", middleware.TrustNone),
		person("Anna Meyer", "unknown-pc", free, "", middleware.TrustNew),
		person("Grandstream GXP2170 with a very long name of its own", "gxp2170-000b82aabbcc", middleware.NeighbourUnknown, "", middleware.TrustNone),
	}
	list[4].Problem = middleware.ProblemKeyChanged
	list[5].Problem = middleware.ProblemNotSecure
	list[6].ID, list[6].Namesake = "other", true
	list[7].Problem = middleware.ProblemLinkLocal
	return list
}

func networkOn(n int) middleware.BonjourSnapshot {
	return middleware.BonjourSnapshot{State: middleware.BonjourOn, DisplayName: "Me", Title: "Me (my-desk)", Neighbours: n}
}

// lanRig is a window whose page for the local network shows a list.
func lanRig(t *testing.T, mode, language string, now middleware.BonjourSnapshot, list []middleware.Neighbour) *rig {
	t.Helper()
	r := goldenRig(t, mode, language)
	r.w.neighbours.stale = false
	r.w.pages.show(lowerLAN)
	r.w.neighbours.show(now, list)
	r.w.layOut()
	r.w.win.Canvas().Unfocus()
	r.w.win.Resize(fyne.NewSize(defaultWidth, defaultHeight+60).Max(r.w.win.Content().MinSize()))
	return r
}

func TestNeighboursPictures(t *testing.T) {
	for _, tt := range []struct {
		name, mode, language string
		scale                float32
	}{
		{"light", "light", i18n.English, 1},
		{"dark", "dark", i18n.English, 1},
		{"large", "light", i18n.English, 2},
		{"german", "light", "de", 1},
		{"pseudo", "dark", i18n.Pseudo, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := aroundUs()
			r := lanRig(t, tt.mode, tt.language, networkOn(len(list)), list)
			r.w.win.Canvas().(test.WindowlessCanvas).SetScale(tt.scale)
			test.AssertRendersToImage(t, "lan_"+tt.name+".png", r.w.win.Canvas())
		})
	}
}

// What stands in place of an empty list, in every state.
func TestEmptyNetworkPicture(t *testing.T) {
	r := goldenRig(t, "light", i18n.English)
	line := container.NewGridWithColumns(3)
	for _, s := range []middleware.BonjourState{
		middleware.BonjourOff, middleware.BonjourStarting, middleware.BonjourOn, middleware.BonjourNoNetwork, middleware.BonjourBlocked,
	} {
		p := newNeighboursPanel(r.w)
		p.show(middleware.BonjourSnapshot{State: s, DisplayName: "Me", Title: "Me (my-desk)", Err: "sendto: operation not permitted"}, nil)
		line.Add(p.box)
	}
	p := newNeighboursPanel(r.w)
	p.search.SetText("zoe")
	p.show(networkOn(8), aroundUs())
	line.Add(p.box)
	win := test.NewTempWindow(t, line)
	win.Resize(fyne.NewSize(1000, 640))
	test.AssertRendersToImage(t, "lan_empty.png", win.Canvas())
}

func TestNeighbourWindowPictures(t *testing.T) {
	list := aroundUs()
	for name, id := range map[string]string{"known": "anna meyer", "broken": "eve", "plain": "door"} {
		r := lanRig(t, "light", i18n.English, networkOn(len(list)), list)
		r.w.showNeighbour(id)
		win := r.w.neighbours.detail.win
		win.Resize(fyne.NewSize(neighbourWidth, neighbourHeight))
		test.AssertRendersToImage(t, "neighbour_"+name+".png", win.Canvas())
	}
}

func TestNetworkSettingsPictures(t *testing.T) {
	for _, tt := range []struct{ name, mode, language string }{
		{"light", "light", i18n.English}, {"dark", "dark", i18n.English}, {"german", "light", "de"}, {"pseudo", "light", i18n.Pseudo},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := goldenRig(t, tt.mode, tt.language)
			r.w.showAccount(middleware.BonjourID)
			r.w.prefs.accounts.net.update([]viewmodel.Account{viewmodel.NewNetworkAccount(networkOn(3), true)})
			win := r.w.prefs.win
			win.Resize(fyne.NewSize(720, 640).Max(win.Content().MinSize()))
			win.Canvas().Unfocus()
			test.AssertRendersToImage(t, "network_"+tt.name+".png", win.Canvas())
		})
	}
}

func TestAccountsPagePicture(t *testing.T) {
	r := goldenRig(t, "light", i18n.English)
	r.w.showPreferences(pageAccounts)
	list := r.w.prefs.accounts.list
	list.RemoveAll()
	for _, s := range []middleware.BonjourSnapshot{networkOn(0), {State: middleware.BonjourBlocked, Err: "operation not permitted"}} {
		list.Add(r.w.prefs.accounts.networkCard(viewmodel.NewNetworkAccount(s, true)))
	}
	list.Add(r.w.prefs.accounts.networkCard(viewmodel.NewNetworkAccount(networkOn(0), false)))
	r.w.prefs.win.Resize(fyne.NewSize(720, 400))
	test.AssertRendersToImage(t, "network_cards.png", r.w.prefs.win.Canvas())
}
