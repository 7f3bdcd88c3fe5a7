package gui

import (
	"context"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/gui/widgets"
	"parley/media/mediatest"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
)

// patience bounds how long a test waits for the phones.
const patience = 10 * time.Second

// A rig is a window on a whole phone, and another phone to talk to. The test's
// goroutine stands for the toolkit's thread.
type rig struct {
	t     *testing.T
	queue chan func()
	w     *Window
	phone *middlewaretest.Phone
	other *middlewaretest.Phone
	net   *middlewaretest.Net
	app   fyne.App
}

func newRig(t *testing.T, options ...middlewaretest.Option) *rig {
	t.Helper()
	return newRigWith(t, nil, options...)
}

// newRigWith is newRig with options of the other phone.
func newRigWith(t *testing.T, theirs []middlewaretest.Option, options ...middlewaretest.Option) *rig {
	t.Helper()
	t.Setenv("LANG", "C")
	t.Cleanup(func() { _ = i18n.Use(i18n.English) })
	net := middlewaretest.NewNet()
	ready := func(_ *middleware.Config, s *middleware.Settings) {
		s.General.FirstRunDone, s.General.Theme, s.General.Language = true, "light", "en"
	}
	r := &rig{t: t, queue: make(chan func(), 1000), net: net}
	r.phone = middlewaretest.NewPhone(t, net, "192.0.2.1", append([]middlewaretest.Option{ready}, options...)...)
	bob := func(_ *middleware.Config, s *middleware.Settings) { s.General.UserName = "Bob" }
	r.other = middlewaretest.NewPhone(t, net, "192.0.2.2", append([]middlewaretest.Option{bob}, theirs...)...)
	r.app = test.NewTempApp(t)
	r.w = New(r.app, r.phone.App, Options{
		Version: "test", Post: func(f func()) { r.queue <- f },
		Now: func() time.Time { return time.Now().UTC() },
	})
	r.w.start()
	r.w.win.Show()
	t.Cleanup(func() {
		r.w.stop()
		r.w.win.Close()
	})
	return r
}

// until runs what is posted to the thread until cond holds.
func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	late := time.After(patience)
	for !cond() {
		select {
		case f := <-r.queue:
			f()
		case <-late:
			r.t.Fatalf("%s did not come about", what)
		}
	}
}

// theirs waits for the other phone, while the thread goes on.
func (r *rig) theirs(what string, cond func(middleware.SessionSnapshot) bool) {
	r.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, s := range r.other.App.SessionManager().Snapshots() {
			if cond(s) {
				return
			}
		}
		select {
		case f := <-r.queue:
			f()
		case <-tick.C:
		case <-late:
			r.t.Fatalf("%s did not come about", what)
		}
	}
}

// only returns the one call card there is, or nil.
func (r *rig) only() *callCard {
	for _, c := range r.w.calls.cards {
		return c
	}
	return nil
}

func (r *rig) card() *callCard {
	r.t.Helper()
	if len(r.w.calls.cards) != 1 {
		r.t.Fatalf("there are %d call cards, want 1", len(r.w.calls.cards))
	}
	return r.only()
}

// talk calls the other phone from the number field and has it answered.
func (r *rig) talk() *callCard {
	r.t.Helper()
	test.Type(r.w.dialer.entry, "bob@192.0.2.2:5060")
	test.Tap(r.w.dialer.call)
	r.theirs("ringing", func(s middleware.SessionSnapshot) bool { return s.State() == session.Incoming })
	r.until("Ringing…", func() bool { return r.only() != nil && r.only().status.Text() == "Ringing…" })
	r.other.Session().Accept()
	r.until("the talk", func() bool { return r.only() != nil && r.only().view.Talking })
	r.theirs("their talk", func(s middleware.SessionSnapshot) bool { return s.State() == session.Established && s.Audio.Active })
	return r.card()
}

func TestCallFromTheNumberField(t *testing.T) {
	r := newRig(t)
	card := r.talk()
	if got := r.w.dialer.entry.Text; got != "" {
		t.Errorf("the number field holds %q after the call was begun, want nothing", got)
	}

	test.Tap(card.holdTile)
	r.until("Resume", func() bool { return card.holdTile.On() })
	r.theirs("hold", func(s middleware.SessionSnapshot) bool { return s.OnHoldByRemote })
	test.Tap(card.holdTile)
	r.theirs("resume", func(s middleware.SessionSnapshot) bool { return !s.OnHoldByRemote })

	test.Tap(card.mute)
	r.until("mute", func() bool { return card.mute.On() && r.w.status.muted })
	if !r.phone.App.Audio().Muted() {
		t.Error("the microphone is not muted")
	}

	test.Tap(card.keys)
	if card.pad.Hidden {
		t.Error("the keypad is hidden after Keypad was tapped")
	}
	test.Tap(card.pad.Objects[0].(*widgets.Key))
	r.until("the digit", func() bool { return card.sent.Text() == "Sent: 1" })

	test.Tap(card.end)
	r.until("the end", func() bool { return len(r.w.calls.cards) == 0 && len(r.w.ended) == 1 })
	if got := r.w.ended[0].Text; got[:12] != "You hung up." {
		t.Errorf("the card after the end says %q", got)
	}
	r.until("the poller's end", func() bool { return r.w.stopTick == nil })
}

func TestRecordAndDetails(t *testing.T) {
	r := newRig(t)
	card := r.talk()
	r.until("Record", func() bool { return !card.rec.Disabled() })
	test.Tap(card.rec)
	r.until("recording", func() bool { return card.rec.On() })
	test.Tap(card.rec)
	r.until("its end", func() bool { return !card.rec.On() })
	test.Tap(card.info)
	if card.details.Hidden || len(card.pairs) < 5 {
		t.Errorf("%d details are shown, want at least 5", len(card.pairs))
	}
	if got := card.pairs[0].value.Text(); got != "G722, 16 kHz, 20 ms packets" {
		t.Errorf("the codec is shown as %q", got)
	}
}

func TestIncomingCall(t *testing.T) {
	r := newRig(t)
	r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the incoming-call window", func() bool { return r.w.incoming != nil && r.w.incoming.up })
	card := r.card()
	if card.face != ringing || card.title.Text() != "Bob" {
		t.Errorf("the card shows %q with face %d, want Bob ringing", card.title.Text(), card.face)
	}
	r.w.incoming.key(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.until("the talk", func() bool { return card.view.Talking && !r.w.incoming.up })
	r.other.Session().End()
	r.until("the end", func() bool { return len(r.w.ended) == 1 })
	if got := r.w.ended[0].Text; got[:24] != "The other side hung up. "[:24] {
		t.Errorf("the card after the end says %q", got)
	}
}

func TestCancelClosesTheIncomingWindow(t *testing.T) {
	r := newRig(t)
	s := r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the incoming-call window", func() bool { return r.w.incoming != nil && r.w.incoming.up })
	s.End()
	r.until("its end", func() bool { return !r.w.incoming.up })
	r.until("the missed call", func() bool {
		return len(r.w.recent.rows) > 1 && r.w.recent.rows[1].Picture == viewmodel.PictureMissed
	})
	if got := r.w.recent.chips[viewmodel.Missed].Text; got != "Missed (1)" {
		t.Errorf("the chip says %q, want Missed (1)", got)
	}
	test.Tap(r.w.recent.chips[viewmodel.Missed])
	r.until("the calls being seen", func() bool { return r.w.recent.chips[viewmodel.Missed].Text == "Missed" })
	r.until("their list", func() bool { return len(r.w.recent.rows) == 1 })
}

func TestDeclineAndHide(t *testing.T) {
	r := newRig(t)
	r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the incoming-call window", func() bool { return r.w.incoming != nil && r.w.incoming.up })
	r.w.silence()
	if r.w.incoming.up || len(r.phone.App.SessionManager().Sessions()) != 1 {
		t.Error("silencing must leave the call waiting")
	}
	r.until("the silence", func() bool { return r.phone.Session().Snapshot().Silenced })
	r.w.hangUp()
	r.until("the end", func() bool { return len(r.w.calls.cards) == 0 })
	r.until("the history", func() bool { return len(r.w.recent.rows) == 2 && r.w.recent.rows[1].Note == "declined" })
	if len(r.w.ended) != 0 {
		t.Errorf("a call declined here leaves the card %q", r.w.ended[0].Text)
	}
}

func TestDialTroubleIsSaidBelowTheField(t *testing.T) {
	r := newRig(t)
	for target, want := range map[string]string{
		"12345": "A number or name alone needs an account. Add one, or dial a full address.",
		"a b":   "That is neither a number nor an address.",
	} {
		r.w.dialer.entry.SetText(target)
		test.Tap(r.w.dialer.call)
		r.until("the complaint", func() bool { return !r.w.dialer.trouble.Hidden })
		if got := r.w.dialer.trouble.Text(); got != want {
			t.Errorf("calling %q says %q, want %q", target, got, want)
		}
	}
	r.w.dialer.entry.SetText("")
	if !r.w.dialer.trouble.Hidden {
		t.Error("the complaint stays after the field was changed")
	}
}

func TestKeypadMatchesAndBackspace(t *testing.T) {
	r := newRig(t)
	r.w.dialer.togglePad()
	for _, i := range []int{1, 3, 10} { // 2, 4, 0
		test.Tap(r.w.dialer.pad.Objects[i].(*widgets.Key))
	}
	if got := r.w.dialer.entry.Text; got != "240" {
		t.Errorf("the keys typed %q, want 240", got)
	}
	test.Tap(r.w.dialer.erase)
	if got := r.w.dialer.entry.Text; got != "24" {
		t.Errorf("after backspace the field holds %q, want 24", got)
	}
	r.w.dialer.entry.SetText("ech")
	r.until("the matches", func() bool { return r.w.matches.known == "ech" })
	if rows := r.w.matches.rows; len(rows) < 1 || rows[0].Target != middleware.EchoTarget {
		t.Errorf("matches of “ech” are %v, want the Echo Test first", rows)
	}
	r.w.dialer.entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if r.w.dialer.entry.Text != "" {
		t.Error("Escape did not empty the field")
	}
}

func TestUpBringsTheLastNumberBack(t *testing.T) {
	r := newRig(t)
	r.talk()
	r.w.hangUp()
	r.until("the end", func() bool { return len(r.w.ended) == 1 })
	r.until("the history", func() bool { return len(r.w.recent.history) == 1 })
	r.w.dialer.entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyUp})
	r.until("the number", func() bool { return r.w.dialer.entry.Text == "bob@192.0.2.2:5060" })
}

func TestShortcutsWorkWithTheFieldFocused(t *testing.T) {
	r := newRig(t)
	for _, c := range r.w.commands() {
		if c.text == "Mute microphone" {
			r.w.dialer.entry.TypedShortcut(c.shortcut())
		}
	}
	if !r.phone.App.Audio().Muted() {
		t.Error("the shortcut for muting did nothing in the number field")
	}
}

func TestAddAccountInTheForm(t *testing.T) {
	r := newRig(t)
	r.w.showAccount("")
	form := r.w.prefs.accounts.form
	entryOf(t, &form.form, "id").SetText("not an address")
	test.Tap(form.save)
	r.until("the complaint", func() bool { return !r.w.prefs.troubleBox.Hidden })
	if got := r.w.prefs.trouble.Text(); got != "That is no SIP address. One looks like alice@example.org." {
		t.Errorf("the form complains %q", got)
	}
	entryOf(t, &form.form, "id").SetText("alice@example.org")
	checkOf(t, &form.form, "registration").SetChecked(false)
	test.Type(form.password, "secret")
	test.Tap(form.save)
	r.until("the account", func() bool { return r.w.header.account.Title() == "alice@example.org" })
	r.until("the list", func() bool { return r.w.prefs.accounts.form == nil && len(r.w.prefs.accounts.shown) == 2 })
	r.until("the account being ready", func() bool { return r.w.header.account.Word() == "Outgoing calls only" })
	r.w.prefs.accounts.change("alice@example.org", func(s *middleware.AccountSettings) { s.Enabled = false })
	r.until("the switch", func() bool { return r.w.header.account.Word() == "Off" })
}

func TestPermissionIsAskedOnce(t *testing.T) {
	for _, allow := range []bool{true, false} {
		r := newRig(t)
		answers := make(chan bool, 2)
		r.w.AskPermission(t.Context(), "Skype4Py", func(ok bool) { answers <- ok })
		r.until("the question", func() bool { return len(r.w.banners.questions.Objects) == 1 })
		text := "Do not allow"
		if allow {
			text = "Allow"
		}
		b := findButton(r.w.banners.questions.Objects[0], text)
		if b == nil {
			t.Fatalf("there is no button %q", text)
		}
		test.Tap(b)
		if got := <-answers; got != allow {
			t.Errorf("the answer is %t, want %t", got, allow)
		}
		if len(r.w.banners.questions.Objects) != 0 || !r.w.banners.box.Hidden {
			t.Error("the question stays after the answer")
		}
	}
}

// A question is of no use to anybody once the program has gone.
func TestPermissionIsWithdrawnWithTheProgram(t *testing.T) {
	r := newRig(t)
	ctx, leave := context.WithCancel(t.Context())
	r.w.AskPermission(ctx, "Skype4Py", func(bool) { t.Error("an answer was given") })
	r.until("the question", func() bool { return len(r.w.banners.questions.Objects) == 1 })
	leave()
	r.until("its end", func() bool { return len(r.w.banners.questions.Objects) == 0 && r.w.banners.box.Hidden })
	r.w.AskPermission(ctx, "Skype4Py", func(bool) { t.Error("an answer was given") })
	past := false
	r.w.door.Post(func() { past = true })
	r.until("the late question being left out", func() bool { return past })
	if len(r.w.banners.questions.Objects) != 0 {
		t.Error("a program that has gone is asked about")
	}
}

// findButton looks for a button in an object and all it shows.
func findButton(o fyne.CanvasObject, text string) *widget.Button {
	switch o := o.(type) {
	case *widget.Button:
		if o.Text == text {
			return o
		}
	case *fyne.Container:
		for _, child := range o.Objects {
			if b := findButton(child, text); b != nil {
				return b
			}
		}
	case fyne.Widget:
		for _, child := range test.WidgetRenderer(o).Objects() {
			if b := findButton(child, text); b != nil {
				return b
			}
		}
	}
	return nil
}

func TestQuitAsksWhileCallsAreUp(t *testing.T) {
	r := newRig(t)
	quits := 0
	r.w.opts.Quit = func() { quits++ }
	r.talk()
	r.w.askQuit()
	top := r.w.win.Canvas().Overlays().Top()
	if top == nil || quits != 0 {
		t.Fatalf("quitting in a call asked nothing (%d quits)", quits)
	}
	b := findButton(top, "Hang up and quit")
	if b == nil {
		t.Fatal("the question has no button to quit")
	}
	test.Tap(b)
	if quits != 1 {
		t.Errorf("%d quits after the answer, want 1", quits)
	}
}

func TestQuitKeepsTheSizeOfTheWindow(t *testing.T) {
	r := newRig(t)
	r.w.win.Resize(fyne.NewSize(500, 700))
	r.w.Quit()
	r.until("the end", func() bool { return r.w.quitting })
	if g := r.phone.App.Settings().General; g.WindowWidth != 500 || g.WindowHeight != 700 {
		t.Errorf("the size kept is %d×%d, want 500×700", g.WindowWidth, g.WindowHeight)
	}
}

func TestGuideAddsAnAccountAndEnds(t *testing.T) {
	r := newRig(t, func(_ *middleware.Config, s *middleware.Settings) { s.General.FirstRunDone = false })
	g := r.w.guide
	if g == nil {
		t.Fatal("there is no guide on the first run")
	}
	test.Type(g.address, "alice@")
	test.Tap(g.next)
	r.until("the complaint", func() bool { return !g.trouble.Hidden })
	test.Type(g.address, "example.org")
	test.Tap(g.next)
	r.until("the second step", func() bool { return g.step == stepSound })
	test.Tap(g.next)
	test.Tap(g.next)
	if r.w.guide != nil {
		t.Error("the guide stays after its last step")
	}
	r.until("the setting", func() bool { return r.phone.App.Settings().General.FirstRunDone })
	if got := len(r.phone.App.AccountManager().GetAccounts()); got != 1 {
		t.Errorf("there are %d accounts, want 1", got)
	}
}

func TestLanguageAndThemeChangeAtOnce(t *testing.T) {
	r := newRig(t)
	r.w.showPreferences(pageGeneral)
	r.w.prefs.change(func(s *middleware.Settings) { s.General.Language, s.General.Theme = "de", "dark" })
	r.until("the language", func() bool { return i18n.Current() == "de" })
	if r.w.prefs == nil || r.w.recent == nil {
		t.Error("a window was lost with the language")
	}
}

func TestOpenFillsTheNumberField(t *testing.T) {
	r := newRig(t)
	r.w.Open("sip:carol@example.net")
	r.until("the number", func() bool { return r.w.dialer.entry.Text == "sip:carol@example.net" })
}

func TestMicrophoneIsHeardWhileItIsChosen(t *testing.T) {
	r := newRig(t)
	r.phone.Device.Sound = mediatest.Speech(1, 96000, 48000)
	r.w.showPreferences(pageAudio)
	r.until("the level of the microphone", func() bool {
		in, _ := r.phone.App.Audio().Levels()
		return in > 0.01
	})
	r.w.prefs.show(pageGeneral)
	r.until("the microphone being closed", func() bool { return !r.w.listening && r.w.stopTick == nil })
}
