package gui

import (
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

// conferenceCard shows the calls that are joined, as one.
type conferenceCard struct {
	w                     *Window
	view                  viewmodel.Conference
	title, status         *widgets.Text
	members               *fyne.Container
	lines                 []*memberLine
	mute, hold, rec, over *widgets.Tile
	card                  *widgets.Card
}

// memberLine is one of the calls that are joined.
type memberLine struct {
	id           middleware.SessionID
	name, status *widgets.Text
	box          *fyne.Container
}

func newConferenceCard(w *Window) *conferenceCard {
	c := &conferenceCard{w: w, title: widgets.NewTitle(""), status: widgets.NewText("", fynetheme.ColorNameSuccess), members: container.NewVBox()}
	c.status.Bold = true
	c.mute = widgets.NewTile(icons.Mic, i18n.T("Mute"), w.toggleMute)
	c.hold = widgets.NewTile(icons.Hold, i18n.T("Hold all"), w.holdConference)
	c.rec = widgets.NewTile(icons.Record, i18n.T("Record all"), w.recordConference)
	c.over = widgets.NewDangerTile(icons.HangUp, i18n.T("End all"), func() { w.conference((*middleware.SessionManager).EndConference) })
	icon := widget.NewIcon(theme.ColoredIcon(icons.Merge, fynetheme.ColorNameSuccess))
	head := container.NewBorder(nil, nil, icon, container.NewCenter(c.status), center(c.title))
	tiles := container.NewGridWithColumns(4, c.mute, c.hold, c.rec, c.over)
	c.card = widgets.NewCard(container.NewVBox(head, c.members, tiles), fynetheme.ColorNameSuccess)
	return c
}

// update shows the conference and its members.
func (c *conferenceCard) update(v viewmodel.Conference, muted bool) {
	c.view = v
	c.title.Set(v.Title)
	c.status.SetColored(v.Status, toneColor(v.Tone))
	c.card.SetBar(toneColor(v.Tone))
	c.mute.SetOn(muted, muteWord(muted))
	c.hold.SetOn(v.OnHold, v.HoldWord)
	c.rec.SetOn(v.Recording, v.RecordWord)
	if len(v.Members) != len(c.lines) {
		c.members.RemoveAll()
		c.lines = nil
		for range v.Members {
			l := newMemberLine(c.w)
			c.lines = append(c.lines, l)
			c.members.Add(l.box)
		}
		c.card.Refresh()
	}
	for i, m := range v.Members {
		c.lines[i].id = m.ID
		c.lines[i].name.Set(m.Name)
		c.lines[i].status.SetColored(m.Status, toneColor(m.Tone))
	}
}

func newMemberLine(w *Window) *memberLine {
	l := &memberLine{name: widgets.NewText("", ""), status: widgets.NewCaption("")}
	l.name.Shrinks, l.status.Shrinks = true, false
	part := widget.NewButtonWithIcon(i18n.T("Part"), theme.Icon(icons.Hold), func() {
		w.conference(func(m *middleware.SessionManager) error { return m.Part(l.id) })
	})
	end := widget.NewButtonWithIcon("", theme.ColoredIcon(icons.HangUp, fynetheme.ColorNameForegroundOnError), func() {
		w.withSession(l.id, (*middleware.Session).End)
	})
	end.Importance = widget.DangerImportance
	l.box = container.NewBorder(nil, nil, nil, container.NewHBox(container.NewCenter(l.status), part, end), center(l.name))
	return l
}

func muteWord(muted bool) string {
	if muted {
		return i18n.T("Muted")
	}
	return i18n.T("Mute")
}

// conference runs a command on the conference and says what was wrong with it.
func (w *Window) conference(command func(*middleware.SessionManager) error) {
	if err := command(w.phone.SessionManager()); err != nil {
		w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Bad, Text: viewmodel.ExplainError(err)})
	}
	w.refreshCalls()
}

// merge joins a call with the conference, or with the main call.
func (w *Window) merge(id middleware.SessionID) {
	ids := []middleware.SessionID{id}
	if len(w.phone.SessionManager().Conference().Members) == 0 {
		if v, ok := w.current(); ok && v.ID != id {
			ids = []middleware.SessionID{v.ID, id}
		}
	}
	w.conference(func(m *middleware.SessionManager) error { return m.Join(ids...) })
}

// mergeAll joins every call that is up.
func (w *Window) mergeAll() {
	var ids []middleware.SessionID
	for _, v := range w.callViews() {
		if v.CanMerge {
			ids = append(ids, v.ID)
		}
	}
	w.conference(func(m *middleware.SessionManager) error { return m.Join(ids...) })
}

// holdConference puts all that are joined on hold, or takes them out of it.
func (w *Window) holdConference() {
	w.conference(func(m *middleware.SessionManager) error {
		if m.Conference().OnHold {
			return m.UnholdConference()
		}
		return m.HoldConference()
	})
}

// recordConference starts or stops recording all that are joined.
func (w *Window) recordConference() {
	w.conference(func(m *middleware.SessionManager) error {
		if m.Conference().RecordingFile != "" {
			return m.StopConferenceRecording()
		}
		return m.StartConferenceRecording("")
	})
}
