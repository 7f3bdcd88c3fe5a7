package gui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"parley/gui/bridge"
	"parley/gui/i18n"
	"parley/gui/theme"
	"parley/gui/viewmodel"
	"parley/icons"
	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/session"
)

// The size of the main window when the person has not chosen another.
const (
	defaultWidth  = 380
	defaultHeight = 600
)

// endedTime is how long the card of a call that is over stays.
const endedTime = 5 * time.Second

// Options are what the program tells its window.
type Options struct {
	Version string
	Target  string       // whom to call, as a start; may be empty
	Quit    func()       // called once when the person quits, before Run returns; may be nil
	Post    func(func()) // runs a function on the toolkit's thread and does not wait for it
	Now     func() time.Time
}

// Window is the whole front end: the main window and those it opens. Its methods
// belong to the toolkit's thread unless they say otherwise.
type Window struct {
	app    fyne.App
	phone  *middleware.SIPApplication
	opts   Options
	door   *bridge.Door
	client *bus.Client
	win    fyne.Window

	header  *header
	banners *banners
	calls   *callsPanel
	dialer  *dialer
	status  *statusBar
	frame   *frame
	guide   *guide // nil but during the first run

	recent     *recentPanel
	contacts   *contactsPanel
	neighbours *neighboursPanel
	matches    *matchPanel
	pages      *pages // with the four before
	lower      lowerPage
	photos     photos
	editors    map[int64]*contactEditor // by contact; a new one is 0

	incoming *incomingWindow // made when first needed, as the next two
	prefs    *preferences
	callWin  *callWindow
	tray     *tray

	ended      []viewmodel.Ended
	notes      map[middleware.SessionID][]viewmodel.Banner   // shown in calls for a moment
	recordAll  map[middleware.SessionID]bool                 // calls to be recorded from their start
	consulting map[middleware.SessionID]middleware.SessionID // a call made to ask, and the one it was made for
	sentOn     map[middleware.SessionID]bool                 // calls whose peer sends us on
	stopTick   func()                                        // of the poller; nil while no call is up
	listening  bool                                          // the microphone is open to show its level
	quitting   bool
}

// New makes the window; [Window.Run] shows it. It must be called on the
// toolkit's thread, before the middleware starts.
func New(a fyne.App, phone *middleware.SIPApplication, opts Options) *Window {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	w := &Window{app: a, phone: phone, opts: opts, door: bridge.New(opts.Post), client: bus.NewClient("window")}
	w.notes, w.recordAll = map[middleware.SessionID][]viewmodel.Banner{}, map[middleware.SessionID]bool{}
	w.editors = map[int64]*contactEditor{}
	w.consulting, w.sentOn = map[middleware.SessionID]middleware.SessionID{}, map[middleware.SessionID]bool{}
	set := phone.Settings()
	w.speak(set.General.Language)
	a.Settings().SetTheme(theme.New(set.General.Theme))
	a.SetIcon(fyne.NewStaticResource("parley.png", icons.AppPNG()))
	w.win = a.NewWindow(i18n.T("Parley"))
	w.win.SetMaster()
	w.win.SetCloseIntercept(w.askQuit)
	w.follow()
	w.build()
	width, height := set.General.WindowWidth, set.General.WindowHeight
	if width == 0 || height == 0 {
		width, height = defaultWidth, defaultHeight
	}
	w.win.Resize(fyne.NewSize(float32(width), float32(height)))
	return w
}

// speak chooses the language; one that is not there leaves the language as it
// was.
func (w *Window) speak(language string) {
	_ = i18n.Use(language)
}

// build makes all panels, in the language in use.
func (w *Window) build() {
	w.header = newHeader(w)
	w.banners = newBanners(w.relayout)
	w.calls = newCallsPanel(w, w.win)
	w.dialer = newDialer(w)
	w.recent, w.contacts, w.matches = newRecentPanel(w), newContactsPanel(w), newMatchPanel(w)
	w.neighbours = newNeighboursPanel(w)
	w.pages = newPages(w)
	w.status = newStatusBar(w)
	w.banners.addProblems(w.phone.Problems())
	w.addShortcuts(w.win.Canvas())
	if !w.phone.Settings().General.FirstRunDone {
		w.guide = newGuide(w)
	}
	w.layOut()
}

// layOut puts the panels, or the first-run guide, into the window.
func (w *Window) layOut() {
	w.dialer.takeKeys(w.win.Canvas())
	if w.guide != nil {
		w.win.SetContent(container.NewBorder(container.NewVBox(w.banners.box, w.calls.box), nil, nil, nil, w.guide.box))
		w.win.Canvas().Focus(w.guide.address)
		return
	}
	w.frame = newFrame(w.header.box, w.banners.box, w.calls.box, w.dialer.box, w.pages.box, w.status.box)
	w.win.SetContent(w.frame.box)
	w.win.Canvas().Focus(w.dialer.entry)
}

// relayout shares the room in the main window out anew.
func (w *Window) relayout() {
	if w.guide == nil && w.frame != nil {
		w.frame.relayout()
	}
}

// follow listens to the middleware.
func (w *Window) follow() {
	bus.On(w.client, func(n middleware.SIPSessionNewIncoming) {
		if n.Now.State() == session.Incoming {
			w.ring()
		}
	})
	bus.On(w.client, func(n middleware.SIPSessionDidEnd) { w.forget(n.Session); w.keepEnded(n.Now) })
	w.followCalls()
	w.followNetwork()
	bus.On(w.client, func(middleware.HistoryDidChange) { w.recent.reload() })
	bus.On(w.client, func(middleware.AddressbookDidChange) { w.contactsChanged() })
	bus.On(w.client, func(n middleware.AudioDeviceDidRecover) { w.banners.flash(w, viewmodel.DeviceBack(n.Which)) })
	bus.On(w.client, func(n middleware.SIPSessionDidStopRecordingAudio) {
		if n.Err != nil {
			w.banners.flash(w, viewmodel.Banner{Tone: viewmodel.Bad, Text: i18n.T("The recording stopped: %s", n.Err.Error())})
		}
	})
	bus.On(w.client, func(n middleware.CFGSettingsObjectDidChange) { w.settingsChanged(n) })
	w.phone.Bus().Attach(w.client)
}

// Run shows the window and runs the toolkit's loop until the person quits, or
// [Window.Quit] is called.
func (w *Window) Run() {
	w.start()
	w.win.ShowAndRun()
	w.stop()
}

// start begins to follow the middleware.
func (w *Window) start() {
	w.door.Run(w.client, w.refresh)
	w.refresh()
	w.recent.reload()
	w.contacts.reload()
	w.tray = newTray(w)
	if w.opts.Target != "" {
		w.dialer.fill(w.opts.Target)
	}
}

// stop ends what start began.
func (w *Window) stop() {
	w.phone.Bus().Detach(w.client)
	w.door.Close()
}

// Open raises the window and puts target, if there is one, into the number
// field. It may be called from any goroutine.
func (w *Window) Open(target string) {
	w.door.Post(func() {
		w.win.Show()
		w.win.RequestFocus()
		if target != "" {
			w.dialer.fill(target)
		}
	})
}

// Quit ends Run without a question. It may be called from any goroutine.
func (w *Window) Quit() { w.door.Post(w.quit) }

// refresh shows what is known now. It runs after every batch of notifications.
func (w *Window) refresh() {
	w.header.update(w)
	w.banners.update(w.phone.Audio().Snapshot())
	w.refreshCalls()
	w.dialer.update(w)
	w.status.update(w.phone.Audio().Muted())
	w.pages.update()
	w.neighbours.update()
	if w.prefs != nil {
		w.prefs.update()
	}
	if w.guide != nil {
		w.guide.update()
	}
	if w.tray != nil {
		w.tray.update(w)
	}
}

// refreshCalls shows the calls in every window that has them.
func (w *Window) refreshCalls() {
	views, muted := w.callViews(), w.phone.Audio().Muted()
	w.calls.update(views, w.ended, muted)
	if w.incoming != nil {
		w.incoming.update(views)
	}
	if w.callWin != nil {
		w.callWin.update(views, w.ended, muted)
	}
	w.tick(len(views) > 0 || w.listening)
}

func (w *Window) callViews() []viewmodel.Call {
	now := w.opts.Now()
	var views []viewmodel.Call
	for _, s := range w.phone.SessionManager().Snapshots() {
		v := viewmodel.NewCall(s, now, w.accountLabel)
		v.Banners = append(v.Banners, w.notes[s.ID]...)
		views = append(views, v)
	}
	return views
}

// accountLabel is what an account is called.
func (w *Window) accountLabel(id string) string { return viewmodel.AccountLabel(id) }

// keepEnded shows for a moment how a call ended.
func (w *Window) keepEnded(s middleware.SessionSnapshot) {
	own := s.End.By == middleware.Local && s.Direction == middleware.Incoming && s.Started.IsZero() && s.End.Kind != middleware.Forwarded
	if own || s.End.Kind == middleware.Elsewhere {
		return
	}
	w.ended = append(w.ended, viewmodel.NewEnded(s))
	w.door.After(endedTime, func() { w.dropEnded(s.ID) })
}

func (w *Window) dropEnded(id middleware.SessionID) {
	for i, e := range w.ended {
		if e.ID == id {
			w.ended = append(w.ended[:i:i], w.ended[i+1:]...)
			w.refreshCalls()
			return
		}
	}
}

// listen opens the microphone while a person chooses it, so that its level moves
// without a call.
func (w *Window) listen(on bool) {
	if w.listening != on {
		w.listening = on
		w.phone.Audio().SetMonitor(on)
		w.refreshCalls()
	}
}

// tickTime is how often levels are read while there is something to show.
const tickTime = 100 * time.Millisecond

// tick starts or stops the poller for levels and durations.
func (w *Window) tick(on bool) {
	switch {
	case on && w.stopTick == nil:
		n := 0
		w.stopTick = w.door.Every(tickTime, func() {
			w.showLevels(w.phone.Audio().Levels())
			if n++; n%5 == 0 {
				w.refreshCalls()
			}
		})
	case !on && w.stopTick != nil:
		w.stopTick()
		w.stopTick = nil
		w.showLevels(0, 0)
	}
}

// showLevels shows how loud it is, from 0 to 1.
func (w *Window) showLevels(in, out float32) {
	w.status.levels(in, out)
	if w.guide != nil && w.guide.mic != nil {
		w.guide.mic.Set(in)
	}
	if w.prefs != nil && w.prefs.in != nil {
		w.prefs.in.Set(in)
		w.prefs.out.Set(out)
	}
}

// settingsChanged follows settings that concern the window itself.
func (w *Window) settingsChanged(n middleware.CFGSettingsObjectDidChange) {
	set := w.phone.Settings()
	if _, ok := n.Modified["general.theme"]; ok {
		w.app.Settings().SetTheme(theme.New(set.General.Theme))
	}
	if _, ok := n.Modified["general.language"]; ok {
		w.speak(set.General.Language)
		w.rebuild()
	}
	if w.prefs != nil {
		w.prefs.settingsChanged()
	}
}

// rebuild makes every panel anew in another language.
func (w *Window) rebuild() {
	if d := w.neighbours.detail; d != nil {
		d.win.Close()
	}
	w.build()
	w.recent.reload()
	w.contacts.reload()
	if w.incoming != nil {
		w.incoming.win.Close()
		w.incoming = nil
	}
	if w.callWin != nil {
		w.callWin.win.Close()
		w.callWin = nil
	}
	if w.prefs != nil {
		w.prefs.rebuild()
	}
	w.win.SetTitle(i18n.T("Parley"))
	w.refresh()
}

// keepSize saves how large the main window is.
func (w *Window) keepSize() {
	size := w.win.Canvas().Size()
	set := w.phone.Settings().General
	width, height := int(size.Width), int(size.Height)
	if width == set.WindowWidth && height == set.WindowHeight || width <= 0 || height <= 0 {
		return
	}
	// A size that could not be saved is no reason to keep a person from quitting.
	_ = w.phone.ChangeSettings(func(s *middleware.Settings) error {
		s.General.WindowWidth, s.General.WindowHeight = width, height
		return nil
	})
}
