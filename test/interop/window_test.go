package interop

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	fynetheme "fyne.io/fyne/v2/theme"

	"parley/media/mediatest"
	"parley/scripting/client"
)

// The titles of the windows.
const (
	mainTitle        = "Parley"
	preferencesTitle = "Parley preferences"
	incomingTitle    = "Incoming call"
)

// A seat is the real program with its window, and a person in front of it. The
// desktop API only looks on.
type seat struct {
	*desk
	*phone

	whole *testing.T // what ends with it lasts for all steps
	main  frame
	k     *kamailio
	bob   *baresip
	pad   *notepad
}

// TestWindow uses Parley as a person does from the first start on.
func TestWindow(t *testing.T) {
	k := registrar(t)
	d := startDesk(t)
	p := newPhone(t, nil, phoneConfig{User: "", Args: []string{"--audio-alert", "null"}})
	p.args = slices.DeleteFunc(p.args, func(a string) bool { return a == "--headless" })
	p.config.User = "alicew"
	s := &seat{whole: t, desk: d, phone: p, k: k}
	s.bob = startBaresip(t, k, baresipConfig{User: "bobw", Manual: true, Codecs: "pcma"})
	s.open(t)
	for _, step := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"permission", s.allow},
		{"first run", s.walkThroughGuide},
		{"echo", s.callEcho},
		{"account", s.addAccount},
		{"call", s.callOut},
		{"contact", s.addContact},
		{"do not disturb", s.beLeftAlone},
		{"forward", s.forwardCalls},
		{"transfer", s.transferCall},
		{"incoming", s.takeCall},
		{"decline", s.declineCall},
		{"canceled", s.seeCallCanceled},
		{"second start", s.startAgain},
	} {
		if !t.Run(step.name, step.do) {
			s.shot(t, "failed")
			return
		}
	}
}

// open starts the program and waits for its window.
func (s *seat) open(t *testing.T) {
	t.Helper()
	line := append(append(slices.Clone(s.config.Under), s.binary), s.args...)
	proc, err := start("phone-window", s.dir, line[0], line[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	s.process = proc
	t.Cleanup(func() {
		proc.stop()
		if t.Failed() {
			t.Logf("%s, last lines:\n%s", proc.name, tail(proc.output(), 30))
			t.Logf("%s, SIP:\n%s", proc.name, tail(s.messages(), 100))
		}
	})
	s.main = s.awaitFrame(t, proc.cmd.Process.Pid, mainTitle)
	s.main.learnVariant(t)
	eventually(t, 5*time.Second, "the window has the keyboard", func() bool { return s.active(t) == s.main.id })
	s.shot(t, "start")
}

// allow lets this test look on through the desktop API.
func (s *seat) allow(t *testing.T) {
	type dialed struct {
		c   *client.Client
		err error
	}
	before := len(s.main.patches(fynetheme.ColorNamePrimary, minButton, minButton/2))
	answer := make(chan dialed, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for {
			c, err := client.Dial(ctx, s.socket(), "interop")
			if !errors.Is(err, os.ErrNotExist) || ctx.Err() != nil {
				answer <- dialed{c, err}
				return
			}
		}
	}()
	list := s.main.await(t, "a question", fynetheme.ColorNamePrimary, minButton, minButton/2, atLeast(before+1))
	s.shot(t, "question")
	select {
	case d := <-answer:
		t.Fatalf("connected without an answer: %v", d.err)
	default:
	}
	s.main.click(t, middle(list[0]))
	select {
	case d := <-answer:
		if d.err != nil {
			t.Fatal(d.err)
		}
		s.api = follow(s.whole, d.c)
	case <-time.After(10 * time.Second):
		t.Fatal("no answer after Allow was clicked")
	}
}

// walkThroughGuide goes on through the three steps of the first run.
func (s *seat) walkThroughGuide(t *testing.T) {
	for _, step := range []string{"account", "sound", "done"} {
		s.shot(t, "guide-"+step)
		s.main.pressLast(t, "the way on", fynetheme.ColorNamePrimary)
		talk(300 * time.Millisecond)
	}
	eventually(t, 5*time.Second, "the first run is over", func() bool {
		return s.get(t, "SETTING general.first_run_done") == "TRUE"
	})
	s.main.await(t, "the number field with its button, and the first filter", fynetheme.ColorNamePrimary, minButton, minButton/2, atLeast(2))
	s.shot(t, "main")
}

// callEcho calls the first row of the list, and hears its own voice.
func (s *seat) callEcho(t *testing.T) {
	before := s.playedSoFar(t)
	s.main.click(t, s.firstRow(t))
	id := s.newCall(t)
	s.is(t, id, "INPROGRESS")
	if got := s.get(t, "CALL "+id+" PARTNER_HANDLE"); !strings.HasPrefix(got, "echo") {
		t.Errorf("PARTNER_HANDLE = %q, want the Echo Test", got)
	}
	talk(8 * time.Second)
	s.shot(t, "echo")
	heard := load(t, s.played).from(before + 2*time.Second) // after the greeting
	s.hangUp(t)
	s.is(t, id, "FINISHED")
	s.shot(t, "echo-over")
	mustRecognize(t, "the Echo Test gives back what was said", s.said, heard, 0)
}

// firstRow is the button of the first row of the list: a symbol below the
// filters, at the right, in the accent color. The chosen filter is the lowest
// button of that color.
func (s *seat) firstRow(t *testing.T) image.Point {
	t.Helper()
	list := s.main.await(t, "a filter", fynetheme.ColorNamePrimary, minButton, minButton/2, atLeast(2))
	filter := list[len(list)-1]
	width, _, err := s.size(s.main.id)
	if err != nil {
		t.Fatal(err)
	}
	symbols := func(list []image.Rectangle) []image.Rectangle {
		return slices.DeleteFunc(slices.Clone(list), func(r image.Rectangle) bool { return r.Min.Y < filter.Max.Y || r.Min.X < width/2 })
	}
	found := s.main.await(t, "a row", fynetheme.ColorNamePrimary, 8, 8, func(list []image.Rectangle) bool { return len(symbols(list)) > 0 })
	return middle(symbols(found)[0])
}

// newCall waits for the only call there is, and returns its id.
func (s *seat) newCall(t *testing.T) string {
	t.Helper()
	id := ""
	eventually(t, 10*time.Second, "a call", func() bool {
		if list := s.calls(t); len(list) == 1 {
			id = list[0]
		}
		return id != ""
	})
	return id
}

// calls lists those going on.
func (s *seat) calls(t *testing.T) []string {
	t.Helper()
	list := strings.FieldsFunc(strings.TrimPrefix(s.do(t, "SEARCH ACTIVECALLS"), "CALLS"), func(r rune) bool { return r == ' ' || r == ',' })
	return list
}

// The buttons of a call, in their order.
const (
	muteTile = iota
	holdTile
	keypadTile
	transferTile
	recordTile
	hangUpTile
)

// tile is the place of a button of the call shown in full. The last of them is
// red; the others stand before it, all of one width.
func (s *seat) tile(t *testing.T, n int) image.Point {
	t.Helper()
	var red image.Rectangle
	eventually(t, 5*time.Second, "the call stays where it is", func() bool {
		before := red
		talk(100 * time.Millisecond) // a card that has just come still moves
		red = s.main.await(t, "a call", fynetheme.ColorNameError, 45, 40, atLeast(1))[0]
		return red == before
	})
	const gap = 4
	return middle(red).Sub(image.Pt((hangUpTile-n)*(red.Dx()+gap), 0))
}

func (s *seat) pressTile(t *testing.T, n int) {
	t.Helper()
	s.main.click(t, s.tile(t, n))
}

func (s *seat) hangUp(t *testing.T) {
	t.Helper()
	s.pressTile(t, hangUpTile)
}

// addAccount adds one with a wrong password, is asked for it again, and is then
// registered.
func (s *seat) addAccount(t *testing.T) {
	s.keys(t, "ctrl+comma")
	prefs := s.awaitFrame(t, s.cmd.Process.Pid, preferencesTitle)
	eventually(t, 5*time.Second, "the preferences have the keyboard", func() bool { return s.active(t) == prefs.id })
	general := prefs.await(t, "its pages", fynetheme.ColorNamePrimary, 60, minButton/2, atLeast(1))[0]
	prefs.click(t, middle(general).Add(image.Pt(0, general.Dy()+4))) // the page below is that of the accounts
	prefs.await(t, "the page of accounts", fynetheme.ColorNamePrimary, 60, minButton/2, atLeast(2))
	s.shot(t, "accounts-none")
	prefs.press(t, "Add account", fynetheme.ColorNamePrimary)
	fields := prefs.awaitFields(t, "a form", 4)
	prefs.click(t, middle(fields[0]))
	s.types(t, s.address())
	s.keys(t, "Tab")
	s.types(t, "wrong")
	s.shot(t, "account-form")
	tab := prefs.tabInUse(t)
	prefs.click(t, image.Pt(tab.Max.X+40, middle(tab).Y)) // the next one
	fields = prefs.awaitFields(t, "the tab of the server", 3)
	prefs.click(t, middle(fields[1]))
	s.types(t, s.k.proxy("udp"))
	s.shot(t, "account-server")
	prefs.pressLast(t, "Save", fynetheme.ColorNamePrimary)

	regStatus := func() string {
		status, _ := s.try(t, "GET ACCOUNT %s REGSTATUS", s.address())
		return strings.TrimPrefix(status, "ACCOUNT "+s.address()+" REGSTATUS ")
	}
	eventually(t, 10*time.Second, "the password is refused", func() bool { return regStatus() == "FAILED" })
	if got := s.get(t, "ACCOUNT "+s.address()+" FAILURE"); got != "BAD_PASSWORD" {
		t.Errorf("FAILURE = %s, want BAD_PASSWORD", got)
	}
	password := prefs.awaitFields(t, "the login prompt", 1)[0]
	s.shot(t, "login-failed")
	prefs.click(t, middle(password))
	s.types(t, s.config.User+"pw")
	s.keys(t, "Return")
	eventually(t, 10*time.Second, "registered", func() bool { return regStatus() == "REGISTERED" })
	eventually(t, 5*time.Second, "the login prompt goes", func() bool {
		return len(prefs.fields()) == 0
	})
	s.shot(t, "registered")
	if got := s.k.contacts(s.config.User); len(got) != 1 {
		t.Errorf("the registrar knows the contacts %v, want one", got)
	}
	s.keys(t, "alt+F4")
	eventually(t, 5*time.Second, "the preferences close", func() bool {
		_, open := s.frame(t, s.cmd.Process.Pid, preferencesTitle)
		return !open
	})
}

// fields are the places where something can be typed or chosen. Cards may be of
// the same color, but are higher.
func (f frame) fields() []image.Rectangle {
	return slices.DeleteFunc(f.patches(fynetheme.ColorNameInputBackground, 150, 20), func(r image.Rectangle) bool { return r.Dy() > 45 })
}

// awaitFields waits until there are exactly n.
func (f frame) awaitFields(t *testing.T, what string, n int) []image.Rectangle {
	t.Helper()
	var found []image.Rectangle
	if !poll(10*time.Second, func() bool { found = f.fields(); return len(found) == n }) {
		f.shot(t, "lost")
		t.Fatalf("window %q does not show %s; fields: %v, want %d", f.title, what, found, n)
	}
	return found
}

// tabInUse is the button of the page of a form that is shown: the accent color
// beside the list of pages.
func (f frame) tabInUse(t *testing.T) image.Rectangle {
	t.Helper()
	list := f.await(t, "a form", fynetheme.ColorNamePrimary, minButton, minButton/2, atLeast(3))
	pages := list[0]
	for _, r := range list {
		if r.Min.X < pages.Min.X {
			pages = r
		}
	}
	return slices.DeleteFunc(list, func(r image.Rectangle) bool { return r.Min.X < pages.Max.X })[0]
}

// callOut types an address and works with the call from the window.
func (s *seat) callOut(t *testing.T) {
	eventually(t, 5*time.Second, "the main window has the keyboard again", func() bool { return s.active(t) == s.main.id })
	s.types(t, s.bob.address())
	s.shot(t, "typed")
	s.keys(t, "Return")
	id := s.newCall(t)
	s.bob.ctl.await(t, "CALL_INCOMING")
	s.is(t, id, "RINGING")
	s.shot(t, "ringing")
	s.bob.ctl.do(t, "accept", "")
	s.is(t, id, "INPROGRESS")
	talk(4 * time.Second)
	s.shot(t, "talking")

	s.pressTile(t, muteTile)
	s.awaitGet(t, "MUTE", "ON")
	talk(300 * time.Millisecond)
	from := s.bob.heardSoFar(t)
	talk(1200 * time.Millisecond)
	until := s.bob.heardSoFar(t)
	s.shot(t, "muted")
	s.pressTile(t, muteTile)
	s.awaitGet(t, "MUTE", "OFF")

	s.pressTile(t, holdTile)
	s.is(t, id, "LOCALHOLD")
	s.shot(t, "held")
	s.pressTile(t, holdTile)
	s.is(t, id, "INPROGRESS")

	s.pressTile(t, recordTile)
	eventually(t, 5*time.Second, "a recording", func() bool { return s.get(t, "CALL "+id+" RECORDING") != "" })
	file := s.get(t, "CALL "+id+" RECORDING")
	s.pressTile(t, keypadTile)
	s.pressKeys(t, "15#")
	s.shot(t, "keypad")
	s.awaitGet(t, "CALL "+id+" DTMF_SENT", "15#")
	eventually(t, 5*time.Second, "bob gets the digits", func() bool {
		return strings.Join(s.bob.ctl.all("CALL_DTMF_START"), "") == "15#"
	})
	talk(4 * time.Second)
	s.pressTile(t, recordTile)
	s.awaitNote(t, 5*time.Second, "CALL "+id+" RECORDING ?")
	s.hangUp(t)
	s.is(t, id, "FINISHED")
	s.bob.ctl.await(t, "CALL_CLOSED")
	s.shot(t, "over")

	heard := s.bob.heard(t)
	mustBeSilent(t, "bob while muted", heard.until(until).from(from), 0)
	mustRecognize(t, "bob hears alice", s.said, heard, 0)
	rec := load(t, file)
	mustRecognize(t, "the recording's right side", s.bob.said, rec, 1)
}

// mustRecognize is mustHear where the sound need not be perfect: a window drawn
// without a graphics card takes the processors that the sound needs.
func mustRecognize(t *testing.T, what string, said signal, rec recording, channel int) {
	t.Helper()
	r := mediatest.Compare(at(said.samples, rec.rate), rec.channels[channel], rec.rate)
	t.Logf("%s: correlation %.3f over %d windows", what, r.MedianCorrelation, r.Windows)
	if r.Windows < minWindows || r.MedianCorrelation < 0.75 {
		t.Errorf("%s: %s of %v has a median correlation of %.3f over %d windows, want 0.75 over %d",
			what, rec.name, rec.length().Round(time.Millisecond), r.MedianCorrelation, r.Windows, minWindows)
	}
}

// awaitGet waits until a property has a value.
func (s *seat) awaitGet(t *testing.T, what, want string) {
	t.Helper()
	got := ""
	if !poll(5*time.Second, func() bool { got = s.get(t, what); return got == want }) {
		t.Fatalf("GET %s = %q, want %q", what, got, want)
	}
}

// pressKeys clicks keys of the open keypad of the call: twelve areas of one size,
// four rows of three, below the buttons.
func (s *seat) pressKeys(t *testing.T, digits string) {
	t.Helper()
	below := s.tile(t, hangUpTile).Y + 25
	pad := func(list []image.Rectangle) []image.Rectangle {
		return slices.DeleteFunc(slices.Clone(list), func(r image.Rectangle) bool { return r.Min.Y < below })
	}
	keys := pad(s.main.await(t, "the keypad", fynetheme.ColorNameButton, 60, 30, func(list []image.Rectangle) bool { return len(pad(list)) >= 12 }))
	for _, digit := range digits {
		s.main.click(t, middle(keys[strings.IndexRune("123456789*0#", digit)]))
		talk(150 * time.Millisecond)
	}
}

// heardSoFar is how much the phone has recorded until now.
func (b *baresip) heardSoFar(t *testing.T) time.Duration {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(b.config.Heard, "*-dec.wav"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no recording of %s: %v", b.config.User, err)
	}
	return load(t, list[len(list)-1]).length()
}

// until cuts off what comes after.
func (r recording) until(at time.Duration) recording {
	n := min(int(at.Seconds()*float64(r.rate)), len(r.channels[0]))
	cut := recording{name: r.name, rate: r.rate}
	for _, c := range r.channels {
		cut.channels = append(cut.channels, c[:n])
	}
	return cut
}
