//go:build linux

package gui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/middleware"
)

// goldenNow is the time in all golden pictures.
var goldenNow = time.Date(2026, 5, 13, 14, 2, 7, 0, time.UTC)

// goldenRig is a window with nothing in it that differs from run to run.
func goldenRig(t *testing.T, mode, language string) *rig {
	t.Helper()
	r := newRig(t, func(_ *middleware.Config, s *middleware.Settings) { s.General.Theme = mode })
	if err := i18n.Use(language); err != nil {
		t.Fatal(err)
	}
	r.app.Settings().SetTheme(theme.New(mode))
	r.w.opts.Now = func() time.Time { return goldenNow }
	r.until("the history", func() bool { return !r.w.recent.loading && !r.w.contacts.loading })
	r.w.build()
	r.w.refresh()
	r.w.recent.loaded(goldenHistory(), false, nil)
	r.w.layOut() // the test driver does not follow what grows
	r.w.win.Canvas().Unfocus()
	return r
}

func goldenHistory() []middleware.HistoryEntry {
	entry := func(e middleware.HistoryEntry, ago, talked time.Duration) middleware.HistoryEntry {
		e.Start = goldenNow.Add(-ago)
		if talked > 0 {
			e.Answered = e.Start
		}
		e.End = e.Start.Add(talked)
		return e
	}
	type row = middleware.HistoryEntry
	return []row{
		entry(row{ID: 5, PeerName: "Anna Meyer", PeerURI: "sip:anna@example.org", Direction: "in", Outcome: "answered"}, 2*time.Hour, 221*time.Second),
		entry(row{ID: 4, PeerURI: "sip:+49301234567@pbx.example.com", Direction: "in", Outcome: "missed"}, 5*time.Hour, 0),
		entry(row{ID: 3, PeerName: "Bob Miller", PeerURI: "sip:bob@example.org", Direction: "out", Outcome: "cancelled"}, 26*time.Hour, 0),
		entry(row{ID: 2, PeerName: "A person with a name much longer than any window is wide", PeerURI: "sip:x@example.net", Direction: "in", Outcome: "answered"}, 49*time.Hour, 4000*time.Second),
		entry(row{ID: 1, PeerURI: "sip:030123456@pbx.example.com", Direction: "out", Outcome: "busy"}, 24*40*time.Hour, 0),
	}
}

func talkView() viewmodel.Call {
	return viewmodel.Call{
		ID: 1, Title: "Anna Meyer", Subtitle: i18n.T("%s · from %s", "anna@example.org", "alice@example.org"), Status: "3:07",
		Tone: viewmodel.Good, Picture: viewmodel.PictureCall, Lock: i18n.T("Encrypted"), LockTone: viewmodel.Good,
		LockIcon: viewmodel.PictureLocked, Talking: true, CanHold: true, CanKeys: true, CanRecord: true, CanEnd: true, CanTransfer: true, CanMerge: true,
	}
}

// goldenCalls are the states of the calls panel.
func goldenCalls() map[string][]viewmodel.Call {
	talk, held, ring := talkView(), talkView(), talkView()
	held.ID, held.Title, held.Talking, held.Held = 2, "Bob Miller", false, true
	held.Status, held.Tone, held.Picture = "On hold 0:45", viewmodel.Notice, viewmodel.PictureHold
	ring.ID, ring.Title, ring.Incoming, ring.Answer, ring.Talking, ring.Lock, ring.LockIcon = 3, "Carol", true, true, false, "", ""
	ring.Status, ring.Tone, ring.Picture = "Incoming call", viewmodel.Notice, viewmodel.PictureIncoming
	busy := talk
	busy.Recording, busy.Sent = true, "Sent: 12#"
	busy.Banners = []viewmodel.Banner{{Tone: viewmodel.Notice, Text: "The other side has put you on hold."}}
	return map[string][]viewmodel.Call{
		"talk": {talk}, "hold": {held}, "ringing": {ring}, "second": {talk, ring}, "swap": {held, talk}, "notes": {busy},
	}
}

func TestCallsMarkup(t *testing.T) {
	r := goldenRig(t, "light", i18n.English)
	for name, views := range goldenCalls() {
		p := newCallsPanel(r.w, r.w.win)
		p.update(views, nil, false)
		win := test.NewTempWindow(t, container.NewVBox(p.box))
		win.Resize(fyne.NewSize(380, 300))
		test.AssertRendersToMarkup(t, "calls_"+name+".xml", win.Canvas())
	}
	p := newCallsPanel(r.w, r.w.win)
	p.update(nil, []viewmodel.Ended{{ID: 9, Title: "Dora", Text: "The line is busy.", Tone: viewmodel.Bad, Target: "sip:dora@example.org"}}, false)
	win := test.NewTempWindow(t, container.NewVBox(p.box))
	win.Resize(fyne.NewSize(380, 300))
	test.AssertRendersToMarkup(t, "calls_ended.xml", win.Canvas())
}

func TestMainWindowMarkup(t *testing.T) {
	r := goldenRig(t, "light", i18n.English)
	test.AssertRendersToMarkup(t, "main.xml", r.w.win.Canvas())
}

func TestMainWindowPictures(t *testing.T) {
	for _, tt := range []struct{ name, mode, language string }{
		{"light", "light", i18n.English}, {"dark", "dark", i18n.English}, {"pseudo", "light", i18n.Pseudo},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := goldenRig(t, tt.mode, tt.language)
			r.w.calls.update([]viewmodel.Call{talkView()}, nil, false)
			r.w.status.levels(0.2, 0.05)
			r.w.layOut()
			r.w.win.Canvas().Unfocus()
			r.w.win.Resize(fyne.NewSize(defaultWidth, defaultHeight).Max(r.w.win.Content().MinSize()))
			test.AssertRendersToImage(t, "main_"+tt.name+".png", r.w.win.Canvas())
		})
	}
}

func TestSmallWindowsPictures(t *testing.T) {
	r := goldenRig(t, "light", i18n.English)
	r.w.ring()
	views := goldenCalls()
	r.w.incoming.update(views["ringing"])
	r.w.incoming.win.Resize(fyne.NewSize(incomingWidth, incomingHeight))
	test.AssertRendersToImage(t, "incoming.png", r.w.incoming.win.Canvas())
}

// The window may be made as small as this.
func TestMainWindowFitsSmallScreens(t *testing.T) {
	r := newRig(t, func(*middleware.Config, *middleware.Settings) {})
	if m := r.w.win.Content().MinSize(); m.Width > 340 || m.Height > 420 {
		t.Errorf("the main window needs %v, want at most 340×420", m)
	}
}
