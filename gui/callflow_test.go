package gui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"parley/gui/viewmodel"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
)

// carol returns a third phone.
func (r *rig) carol() *middlewaretest.Phone {
	return middlewaretest.NewPhone(r.t, r.net, "192.0.2.3", func(_ *middleware.Config, s *middleware.Settings) { s.General.UserName = "Carol" })
}

// cardOf returns the card of the call with somebody.
func (r *rig) cardOf(title string) *callCard {
	for _, c := range r.w.calls.cards {
		if c.view.Title == title {
			return c
		}
	}
	return nil
}

// talkToBoth has Bob on hold and speaks to Carol.
func (r *rig) talkToBoth() (bob, carol *callCard) {
	r.t.Helper()
	bob = r.talk()
	third := r.carol()
	test.Type(r.w.dialer.entry, "carol@192.0.2.3:5060")
	test.Tap(r.w.dialer.call)
	r.until("the second call", func() bool { return r.cardOf("carol@192.0.2.3:5060") != nil })
	carol = r.cardOf("carol@192.0.2.3:5060")
	r.until("ringing", func() bool { return carol.status.Text() == "Ringing…" })
	third.Session().Accept()
	r.until("the second talk", func() bool { return carol.view.Talking && bob.view.Held && bob.face == strip })
	return bob, carol
}

func TestTransferDrawerNamesOtherCalls(t *testing.T) {
	r := newRig(t)
	_, carol := r.talkToBoth()
	test.Tap(carol.move)
	if carol.drawer.box.Hidden || !carol.move.On() || r.w.win.Canvas().Focused() != carol.drawer.entry {
		t.Fatal("the drawer is not open, or has not the focus")
	}
	b := findButton(carol.drawer.live, "bob, in the other call")
	if b == nil {
		t.Fatal("the other call is not offered")
	}
	test.Tap(b)
	r.until("the transfer", func() bool { return carol.view.Question.Kind == viewmodel.AwaitTransfer })
	if !carol.drawer.box.Hidden || !carol.move.Disabled() {
		t.Error("the drawer stays open while the call is transferred")
	}
}

func TestBlindTransferShowsHowItGoes(t *testing.T) {
	r := newRig(t)
	bob := r.talk()
	third := r.carol()
	r.w.transferKey(bob.view)
	bob.drawer.entry.SetText("a b")
	test.Tap(bob.drawer.now)
	r.until("the complaint", func() bool { return !bob.drawer.trouble.Hidden })
	bob.drawer.entry.SetText("carol@192.0.2.3:5060")
	if !bob.drawer.trouble.Hidden {
		t.Error("the complaint stays after the field was changed")
	}
	bob.drawer.entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.theirs("the question whether to go on", func(s middleware.SessionSnapshot) bool { return s.Transfer.Waiting })
	r.other.Session().AcceptTransfer()
	r.until("ringing", func() bool { return strings.HasSuffix(bob.question.text.Text(), "ringing…") })
	third.Session().Accept()
	r.until("the end", func() bool { return len(r.w.ended) == 1 })
	if got, want := r.w.ended[0].Text, "Transferred to carol@192.0.2.3:5060."; !strings.HasPrefix(got, want) {
		t.Errorf("the card after the end says %q, want %q", got, want)
	}
}

func TestFailedTransferKeepsTheCall(t *testing.T) {
	r := newRig(t)
	bob := r.talk()
	bob.openTransfer(true)
	bob.drawer.entry.SetText("carol@192.0.2.3:5060")
	test.Tap(bob.drawer.now)
	r.theirs("the question whether to go on", func(s middleware.SessionSnapshot) bool { return s.Transfer.Waiting })
	r.other.Session().RejectTransfer()
	r.until("the note", func() bool { return len(bob.shownNotes) == 1 })
	if got, want := bob.shownNotes[0].Text, "The transfer failed. The call was declined. The call was kept."; got != want {
		t.Errorf("the card says %q, want %q", got, want)
	}
	r.until("the talk going on", func() bool { return bob.view.Talking })
}

func TestConsultationAndBack(t *testing.T) {
	r := newRig(t)
	bob := r.talk()
	third := r.carol()
	bob.openTransfer(true)
	bob.drawer.entry.SetText("carol@192.0.2.3:5060")
	test.Tap(bob.drawer.ask)
	r.until("the consultation", func() bool { return r.cardOf("carol@192.0.2.3:5060") != nil })
	carol := r.cardOf("carol@192.0.2.3:5060")
	r.until("the question", func() bool {
		return carol.question.shown.Kind == viewmodel.AskConsultation && carol.status.Text() == "Ringing…"
	})
	if m := r.w.win.Content().MinSize(); m.Width > 340 {
		t.Errorf("the question makes the window at least %.0f wide", m.Width)
	}
	if !carol.question.yes.Disabled() {
		t.Error("the transfer can be completed before anybody has answered")
	}
	third.Session().Accept()
	r.until("the talk", func() bool { return carol.view.Talking && !carol.question.yes.Disabled() })
	test.Tap(carol.question.no)
	r.until("the first call again", func() bool { return bob.view.Talking && bob.face == full && len(r.w.calls.cards) == 1 })
}

func TestSentOnByTheOtherSide(t *testing.T) {
	r := newRig(t)
	bob := r.talk()
	third := r.carol()
	if err := r.other.Session().Transfer("carol@192.0.2.3:5060"); err != nil {
		t.Fatal(err)
	}
	r.until("the question", func() bool { return bob.question.shown.Kind == viewmodel.AskTransfer })
	test.Tap(bob.question.no)
	r.until("staying", func() bool { return bob.question.box.Hidden })
	r.until("the talk going on", func() bool { return bob.view.Talking && len(bob.shownNotes) == 0 })
	if err := r.other.Session().Transfer("carol@192.0.2.3:5060"); err != nil {
		t.Fatal(err)
	}
	r.until("the question again", func() bool { return bob.question.shown.Kind == viewmodel.AskTransfer })
	test.Tap(bob.question.yes)
	r.until("the new call", func() bool {
		return r.cardOf("carol@192.0.2.3:5060") != nil && len(third.App.SessionManager().Sessions()) == 1
	})
	third.Session().Accept()
	r.until("the new talk alone", func() bool {
		return len(r.w.calls.cards) == 1 && r.only().view.Title == "carol@192.0.2.3:5060" && r.only().view.Talking
	})
}

func TestAudioIsTakenOutAndProposed(t *testing.T) {
	r := newRig(t)
	bob := r.talk()
	r.other.Session().RemoveAudio()
	r.until("the call without sound", func() bool { return bob.question.shown.Kind == viewmodel.OfferAudio })
	test.Tap(bob.question.yes)
	r.until("waiting", func() bool { return bob.question.shown.Kind == viewmodel.AwaitProposal })
	r.theirs("the proposal", func(s middleware.SessionSnapshot) bool { return s.State() == session.Proposed })
	r.other.Session().RejectProposal()
	r.until("the refusal", func() bool { return len(bob.shownNotes) == 1 && bob.question.shown.Kind == viewmodel.OfferAudio })

	r.other.Session().AddAudio()
	r.until("the other side's question", func() bool { return bob.question.shown.Kind == viewmodel.AskProposal })
	test.Tap(bob.question.yes)
	r.until("the sound", func() bool { return bob.question.box.Hidden && bob.view.CanRecord })
}

func TestConferenceCard(t *testing.T) {
	r := newRig(t)
	bob, _ := r.talkToBoth()
	test.Tap(bob.join)
	conf := func() *conferenceCard { return r.w.calls.conf }
	r.until("the conference", func() bool { return conf() != nil && len(conf().lines) == 2 && len(r.w.calls.cards) == 0 })
	r.until("everybody talking", func() bool { return conf().view.Status != "" && !conf().view.OnHold })
	if got := conf().title.Text(); got != "Conference of 3" {
		t.Errorf("the card is called %q", got)
	}
	test.Tap(conf().hold)
	r.until("everybody on hold", func() bool { return conf().hold.On() })
	r.w.withCurrent(r.w.hold)()
	r.until("everybody back", func() bool { return !conf().hold.On() })
	test.Tap(conf().rec)
	r.until("the recording", func() bool { return conf().rec.On() })
	test.Tap(conf().rec)
	r.until("its end", func() bool { return !conf().rec.On() })
	test.Tap(findButton(conf().lines[0].box, "Part"))
	r.until("two calls again", func() bool { return len(r.w.calls.cards) == 2 })
	r.w.mergeAll()
	r.until("the conference again", func() bool { return len(r.w.calls.cards) == 0 && len(conf().view.Members) == 2 })
	r.w.hangUp()
	r.until("the end of all", func() bool { return len(r.w.ended) == 2 })
}

func TestRingingCallIsForwarded(t *testing.T) {
	r := newRig(t)
	r.carol()
	r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the incoming-call window", func() bool { return r.w.incoming != nil && r.w.incoming.up })
	ring := r.w.incoming.cards[0].ring
	test.Tap(ring.more)
	r.w.incoming.key(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if ring.list.Visible() || r.phone.Session().Snapshot().State() != session.Incoming {
		t.Error("Escape declines the call instead of closing the list")
	}
	test.Tap(ring.more)
	test.Tap(findButton(ring.list, "Forward to…"))
	if ring.forward.Hidden || !ring.buttons.Hidden || !ring.list.Hidden || r.w.incoming.win.Canvas().Focused() != ring.entry {
		t.Fatal("the field to forward to is not there, or has not the focus")
	}
	ring.entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if !ring.forward.Hidden || ring.buttons.Hidden {
		t.Error("Escape does not bring the buttons back")
	}
	ring.askForward(true)
	ring.entry.SetText("a b")
	ring.redirect()
	r.until("the complaint", func() bool { return len(r.card().shownNotes) == 1 })
	ring.entry.SetText("carol@192.0.2.3:5060")
	ring.redirect()
	r.until("the end", func() bool { return len(r.w.ended) == 1 && !r.w.incoming.up })
	if got, want := r.w.ended[0].Text, "The call was forwarded to carol@192.0.2.3:5060."; got != want {
		t.Errorf("the card after the end says %q, want %q", got, want)
	}
}

func TestRecordAndAnswerAndBlock(t *testing.T) {
	r := newRig(t)
	r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the incoming-call window", func() bool { return r.w.incoming != nil && r.w.incoming.up })
	test.Tap(findButton(r.w.incoming.cards[0].ring.list, "Record & answer"))
	r.until("the recording", func() bool { return r.card().rec.On() })
	r.w.hangUp()
	r.until("the end", func() bool { return len(r.w.calls.cards) == 0 })

	r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the next call", func() bool { return r.w.incoming.up })
	test.Tap(findButton(r.w.incoming.cards[0].ring.list, "Reject and block this caller"))
	r.until("the rule", func() bool { return len(r.phone.App.Settings().Calls.Reject) == 1 })
	r.until("the end of it", func() bool { return len(r.w.calls.cards) == 0 })
	seen := len(r.w.recent.history)
	r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the call turned away", func() bool { return len(r.w.recent.history) > seen })
	if r.w.incoming.up {
		t.Error("the blocked caller rings")
	}
}

func TestAutomaticAnswerCountsDownAndIsCanceled(t *testing.T) {
	r := newRig(t, func(_ *middleware.Config, s *middleware.Settings) { s.Calls.AutoAnswer = true })
	r.other.Dial("sip:me@192.0.2.1:5060")
	r.until("the countdown", func() bool {
		return r.w.incoming != nil && r.w.incoming.up && !r.w.incoming.cards[0].ring.countdown.Hidden && !r.card().ring.countdown.Hidden
	})
	test.Tap(findButton(r.w.incoming.cards[0].ring.countdown, "Cancel"))
	r.until("its end", func() bool { return r.w.incoming.cards[0].ring.countdown.Hidden && r.card().ring.countdown.Hidden })
	if got := r.phone.Session().Snapshot().State(); got != session.Incoming {
		t.Errorf("the call is %v, want Incoming", got)
	}
}

// What needs more room than there is scrolls; the window stays as it is.
func TestManyCallsDoNotGrowTheWindow(t *testing.T) {
	r := newRig(t)
	r.talkToBoth()
	r.w.win.Resize(fyne.NewSize(380, 480))
	for _, c := range r.w.calls.cards {
		c.notes.Show()
		c.openTransfer(true)
		c.togglePad()
		if d := r.app.Driver(); c.face == full {
			edge := d.AbsolutePositionForObject(r.w.dialer.box).Y
			if bottom := d.AbsolutePositionForObject(c.pad).Y + c.pad.Size().Height; bottom > edge {
				t.Errorf("the keypad that was opened ends at %.0f, out of sight below %.0f", bottom, edge)
			}
		}
	}
	if m := r.w.win.Content().MinSize(); m.Height > 420 {
		t.Errorf("the window needs %v now", m)
	}
	if h := r.w.pages.box.Size().Height; h < leastBody {
		t.Errorf("the list has a height of %.0f, want at least %d", h, leastBody)
	}
}

func TestCallWindowIsAsHighAsItsCalls(t *testing.T) {
	r := newRig(t)
	bob := r.talk()
	r.w.showCallWindow()
	win := r.w.callWin
	low := win.win.Canvas().Size().Height
	win.typed('t')
	card := win.panel.cards[bob.view.ID]
	if card.drawer.box.Hidden || bob.drawer.box.Visible() {
		t.Error("T does not open the drawer, or opens it in the other window as well")
	}
	if high := win.win.Canvas().Size().Height; high < low+40 {
		t.Errorf("the window is %.0f high with the drawer, %.0f without", high, low)
	}
	card.openTransfer(false)
	if h := win.win.Canvas().Size().Height; h != low {
		t.Errorf("the window is %.0f high after the drawer was closed, want %.0f", h, low)
	}
}

func TestParkingIsOfferedWhereTheServerCan(t *testing.T) {
	r := newRig(t, func(_ *middleware.Config, s *middleware.Settings) {
		s.DefaultAccount = "alice@example.org"
		a := middleware.NewAccountSettings(s.DefaultAccount)
		a.Registration, a.ParkCode = false, "*85"
		s.Accounts = append(s.Accounts, a)
	})
	bob := r.talk() // without an account
	bob.openTransfer(true)
	if bob.drawer.park.Visible() {
		t.Error("a direct call is offered to be parked")
	}
	r.other.Session().End()
	r.until("the end", func() bool { return len(r.w.calls.cards) == 0 })
	if _, err := r.phone.App.SessionManager().Dial(middleware.DialRequest{Target: "bob@192.0.2.2:5060", Account: "alice@example.org"}); err != nil {
		t.Fatal(err)
	}
	r.theirs("ringing", func(s middleware.SessionSnapshot) bool { return s.State() == session.Incoming })
	r.other.Session().Accept()
	r.until("the talk", func() bool { return r.only() != nil && r.only().view.Talking })
	bob = r.card()
	bob.openTransfer(true)
	if !bob.drawer.park.Visible() {
		t.Fatal("parking is not offered")
	}
	test.Tap(bob.drawer.park)
	r.until("the transfer", func() bool { return bob.view.Question.Kind == viewmodel.AwaitTransfer })
	if got, want := bob.view.Question.Text, "Transferring to *85…"; got != want {
		t.Errorf("the card says %q, want %q", got, want)
	}
}

// A name in the drawer means the contact who has it.
func TestTransferToAContactByName(t *testing.T) {
	r := newRig(t)
	third := r.carol()
	carol := middleware.Contact{Name: "Carol Jones", Addresses: []middleware.ContactAddress{{Address: "sip:carol@192.0.2.3:5060", Default: true}}}
	if _, err := r.phone.App.Contacts().Add(t.Context(), carol); err != nil {
		t.Fatal(err)
	}
	bob := r.talk()
	bob.openTransfer(true)
	bob.drawer.entry.SetText("car")
	r.until("the suggestion", func() bool { return len(bob.drawer.people.box.Objects) == 1 })
	b := findButton(bob.drawer.people.box, "Carol Jones · carol@192.0.2.3:5060")
	if b == nil {
		t.Fatalf("suggested is %+v", bob.drawer.people.found)
	}
	test.Tap(b)
	if got := bob.drawer.entry.Text; got != "carol@192.0.2.3:5060" {
		t.Errorf("the field holds %q after the suggestion was pressed", got)
	}
	r.until("the list being empty again", func() bool { return len(bob.drawer.people.box.Objects) == 0 })
	bob.drawer.entry.SetText("jon")
	test.Tap(bob.drawer.ask) // before the answer is there
	r.until("the call to Carol", func() bool { return len(third.App.SessionManager().Sessions()) == 1 && bob.drawer.box.Hidden })
}
