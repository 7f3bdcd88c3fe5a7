package gui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"parley/bonjour/bonjourtest"
	"parley/gui/viewmodel"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
)

// titles are what the page of the local network shows.
func (r *rig) titles() string {
	var list []string
	for _, v := range r.w.neighbours.rows {
		list = append(list, v.Title)
	}
	return strings.Join(list, ",")
}

func lanOf(names ...string) []middleware.Neighbour {
	var list []middleware.Neighbour
	for _, name := range names {
		list = append(list, middleware.Neighbour{ID: name, Target: "bonjour:" + name, Name: name, Trust: middleware.TrustKnown, Key: "00112233"})
	}
	return list
}

func lanOn() middleware.BonjourSnapshot {
	return middleware.BonjourSnapshot{State: middleware.BonjourOn}
}

func TestNeighboursAreListedAndFound(t *testing.T) {
	r := newRig(t)
	p := r.w.neighbours
	r.w.pages.choose(lowerLAN)
	if page := r.w.pages.body.Objects[0]; page != p.box {
		t.Fatal("the tab does not show the local network")
	}
	p.show(lanOn(), nil)
	if p.empty.box.Hidden || p.top.Visible() || p.empty.title.Text() != "Nobody else is here yet" {
		t.Errorf("with nobody there it says %q, search shown: %t", p.empty.title.Text(), p.top.Visible())
	}
	p.list.TypedRune('z')
	if got := r.w.dialer.entry.Text; got != "z" {
		t.Errorf("what is typed with nobody there makes the number %q", got)
	}
	r.w.pages.choose(lowerLAN)
	p.show(lanOn(), lanOf("Anna", "Bob", "Carol"))
	if r.titles() != "Anna,Bob,Carol" || !p.empty.box.Hidden || p.top.Hidden {
		t.Errorf("the list shows %q", r.titles())
	}
	p.list.TypedRune('b')
	if r.titles() != "Bob" || p.search.Text != "b" {
		t.Errorf("typing b in the list leaves %q", r.titles())
	}
	test.Type(p.search, "x")
	if r.titles() != "" || p.empty.title.Text() != "Nobody here matches “bx”." || !p.top.Visible() {
		t.Errorf("for bx it shows %q and says %q", r.titles(), p.empty.title.Text())
	}
	r.press(p.search, fyne.KeyEscape)
	if r.titles() != "Anna,Bob,Carol" {
		t.Errorf("Escape leaves %q", r.titles())
	}
}

// Whoever comes and goes, the row that is selected and what is seen stay.
func TestNeighboursComeAndGoAroundTheSelection(t *testing.T) {
	r := newRig(t)
	r.w.pages.choose(lowerLAN)
	r.w.win.Resize(fyne.NewSize(380, 500))
	p := r.w.neighbours
	many := func(from, to int) (names []string) {
		for i := from; i < to; i++ {
			names = append(names, fmt.Sprintf("N%03d", i))
		}
		return names
	}
	p.show(lanOn(), lanOf(many(100, 150)...))
	p.list.Select(20)
	p.list.ScrollToOffset(15*p.list.pitch() + 7)
	top := func() string {
		i := int(p.list.GetScrollOffset() / p.list.pitch())
		return fmt.Sprint(p.rows[i].Title, " ", p.list.GetScrollOffset()-float32(i)*p.list.pitch())
	}
	before := top()
	if before != "N115 7" {
		t.Fatalf("the list begins with %s", before)
	}
	p.show(lanOn(), lanOf(many(90, 150)...))
	if i, _ := p.list.chosen(); p.rows[i].Title != "N120" || top() != before {
		t.Errorf("after ten came %s is selected and the list begins with %s, want N120 and %s", p.rows[i].Title, top(), before)
	}
	p.show(lanOn(), append(lanOf(many(100, 105)...), lanOf(many(110, 150)...)...))
	if i, _ := p.list.chosen(); p.rows[i].Title != "N120" || top() != before {
		t.Errorf("after others went %s is selected and the list begins with %s", p.rows[i].Title, top())
	}
	p.show(lanOn(), lanOf("A", "B"))
	if _, any := p.list.chosen(); any || p.list.GetScrollOffset() != 0 {
		t.Errorf("after nearly all went a row is selected: %t, and the list begins at %v", any, p.list.GetScrollOffset())
	}
}

func TestManyNeighboursAreShownAtOnce(t *testing.T) {
	r := newRig(t)
	r.w.pages.choose(lowerLAN)
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("Neighbour %04d", i))
	}
	list := lanOf(names...)
	r.w.neighbours.show(lanOn(), list)
	start := time.Now()
	const changes = 20
	for i := range changes {
		list[i*40].Note = "changed"
		r.w.neighbours.show(lanOn(), list)
	}
	if took := time.Since(start) / changes; took > 100*time.Millisecond {
		t.Errorf("one change among 1000 neighbours takes %v to be shown", took)
	}
	r.w.neighbours.search.SetText("0999")
	if r.titles() != "Neighbour 0999" {
		t.Errorf("0999 finds %q", r.titles())
	}
}

func TestMenuOfANeighbour(t *testing.T) {
	r := newRig(t)
	p := r.w.neighbours
	list := lanOf("Anna", "Eve", "Door")
	list[1].Trust, list[1].Problem = middleware.TrustBroken, middleware.ProblemKeyChanged
	list[2].Trust, list[2].Key = middleware.TrustNone, ""
	p.show(lanOn(), list)
	labels := func(i int) string {
		var list []string
		for _, item := range p.menu(p.found[i]).Items {
			if !item.IsSeparator {
				list = append(list, item.Label)
			}
		}
		return strings.Join(list, ", ")
	}
	for i, want := range []string{
		"Call, Details, Copy address, Add to contacts…, Block calls, Forget key…",
		"Details, Copy address, Add to contacts…, Block calls, Trust the new key…",
		"Call, Details, Copy address, Add to contacts…",
	} {
		if got := labels(i); got != want {
			t.Errorf("the menu of %s is %q, want %q", p.rows[i].Title, got, want)
		}
	}
	p.list.Select(0)
	r.press(p.list, desktop.KeyMenu)
	if r.w.win.Canvas().Overlays().Top() == nil {
		t.Error("the menu key opens nothing")
	}
	closePopUp(r.w.win.Canvas())
	itemOf(t, p.menu(p.found[0]), "Copy address").Action()
	if got := r.app.Clipboard().Content(); got != "bonjour:Anna" {
		t.Errorf("copied was %q", got)
	}
	itemOf(t, p.menu(p.found[0]), "Add to contacts…").Action()
	r.until("the contact", func() bool { return r.w.editors[0] != nil })
	test.Tap(r.w.editors[0].save)
	r.until("it being saved", func() bool { return r.names() == "Anna" && r.w.contacts.rows[0].Target == "bonjour:Anna" })
}

// Who cannot be called is explained instead.
func TestNeighbourWindow(t *testing.T) {
	r := newRig(t)
	p := r.w.neighbours
	list := lanOf("Anna", "Eve")
	list[1].Trust, list[1].Problem = middleware.TrustBroken, middleware.ProblemKeyChanged
	p.show(lanOn(), list)
	p.list.Select(1)
	r.press(p.list, fyne.KeyReturn)
	d := p.detail
	if d == nil || len(r.phone.App.SessionManager().Sessions()) != 0 {
		t.Fatal("Enter on somebody who cannot be called does not explain why")
	}
	trust := findButton(d.win.Content(), "Trust the new key…")
	if trust == nil || findButton(d.win.Content(), "Call") != nil {
		t.Fatal("the window offers the wrong things")
	}
	test.Tap(trust)
	if b := findButton(d.win.Canvas().Overlays().Top(), "Go on refusing"); b == nil {
		t.Error("trusting is not asked about")
	} else {
		test.Tap(b)
	}
	list = lanOf("Anna", "Eve")
	p.show(lanOn(), list)
	if findButton(d.win.Content(), "Call") == nil {
		t.Error("the window does not follow")
	}
	p.show(lanOn(), list[:1])
	if findButton(d.win.Content(), "Call") != nil || !d.gone {
		t.Error("somebody who has gone can be called")
	}
	test.Tap(findButton(d.win.Content(), "Copy details"))
	if got := r.app.Clipboard().Content(); !strings.HasPrefix(got, "Name: Eve\n") || !strings.Contains(got, "Key: 0011 2233") {
		t.Errorf("copied was %q", got)
	}
	d.win.Close()
	if p.detail != nil {
		t.Error("the window is not forgotten")
	}
}

func TestNumberFieldFindsNeighbours(t *testing.T) {
	r := newRig(t)
	entry, p := r.w.dialer.entry, r.w.matches
	r.w.neighbours.show(lanOn(), lanOf("Anna", "Andrea", "Bob"))
	test.Type(entry, "an")
	r.until("the matches", func() bool { return p.known == "an" })
	var titles []string
	for _, m := range p.rows {
		titles = append(titles, m.Title)
	}
	if got := strings.Join(titles, ","); got != "Anna,Andrea,an" {
		t.Fatalf("the matches are %s", got)
	}
	if i, _ := p.list.chosen(); p.rows[i].Target != "bonjour:Anna" || p.rows[i].Lock != viewmodel.PictureLocked {
		t.Errorf("chosen is %+v", p.rows[i])
	}
	r.press(entry, fyne.KeyDown)
	r.w.neighbours.show(lanOn(), lanOf("Aaron An", "Anna", "Andrea", "Bob"))
	p.refresh()
	r.until("the newcomer", func() bool { return len(p.rows) == 4 })
	if i, _ := p.list.chosen(); p.rows[i].Target != "bonjour:Andrea" {
		t.Errorf("chosen is %q after somebody came, want Andrea", p.rows[i].Title)
	}
	if got := r.w.textOf("bonjour:Bob"); got != "Bob" {
		t.Errorf("Bob is typed as %q", got)
	}
}

func TestNetworkIsAnAccount(t *testing.T) {
	r := newRig(t)
	r.w.showPreferences(pageAccounts)
	a := r.w.prefs.accounts
	if len(a.shown) != 1 || !a.shown[0].Network || !a.shown[0].Enabled {
		t.Fatalf("the accounts are %+v", a.shown)
	}
	a.edit(middleware.BonjourID)
	if a.net == nil {
		t.Fatal("the account of the network is not edited")
	}
	form := &r.w.prefs.form
	entryOf(t, form, "bonjour.display_name").SetText("Me at work")
	entryOf(t, form, "bonjour.note").SetText("Back at three")
	a.showList()
	r.until("the settings", func() bool {
		s := r.phone.App.Settings().Bonjour
		return s.DisplayName == "Me at work" && s.Note == "Back at three"
	})
	r.w.enableNetwork(false)
	r.until("it being off", func() bool { return !r.w.network().Enabled() && len(a.shown) == 1 && a.shown[0].Word == "Off" })
	r.w.neighbours.show(r.w.network().Snapshot(), nil)
	test.Tap(r.w.neighbours.empty.turnOn)
	r.until("it being on", func() bool { return r.w.network().Enabled() })
}

func TestGuideOffersTheNetworkAlone(t *testing.T) {
	r := newRig(t, func(_ *middleware.Config, s *middleware.Settings) { s.General.FirstRunDone = false })
	g := r.w.guide
	b := findButton(g.body, "Only this network")
	if b == nil {
		t.Fatal("the guide does not offer the network alone")
	}
	test.Tap(b)
	if g.step != stepSound {
		t.Errorf("it leads to step %d", g.step)
	}
	test.Tap(g.next)
	if g.name.PlaceHolder == "" || r.w.win.Canvas().Focused() != g.name {
		t.Error("the guide does not ask for the name by which others see the person")
	}
	g.name.SetText(" Alice Liddell ")
	r.w.win.Canvas().Unfocus()
	r.w.win.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.until("the name", func() bool { return r.phone.App.Settings().General.UserName == "Alice Liddell" })
	if r.w.pages.shown != lowerLAN {
		t.Error("the window does not begin with the network")
	}
}

// Two phones on one network: the other one appears by itself, is called by its
// name, and is known from then on.
func TestNeighbourIsFoundAndCalled(t *testing.T) {
	lan := bonjourtest.NewNetwork()
	r := newRigWith(t, []middlewaretest.Option{middlewaretest.OnLAN(lan, "Bob")}, middlewaretest.OnLAN(lan, "Me"))
	p := r.w.neighbours
	r.w.pages.choose(lowerLAN)
	r.until("Bob", func() bool { return r.titles() == "Bob (bob)" })
	r.until("the chip", func() bool {
		return r.w.header.account.Title() == "This network" && r.w.header.account.Word() == "Ready"
	})
	if got := p.rows[0].Line; got != "Encrypted, first call · Available" {
		t.Errorf("Bob's line is %q", got)
	}
	p.list.Select(0)
	r.press(p.list, fyne.KeyReturn)
	r.theirs("ringing", func(s middleware.SessionSnapshot) bool { return s.State() == session.Incoming })
	r.until("Ringing…", func() bool { return r.only() != nil && r.only().status.Text() == "Ringing…" })
	r.other.Session().Accept()
	r.until("the talk", func() bool { return r.only() != nil && r.only().view.Talking && r.only().view.Lock != "" })
	card := r.card()
	if v := card.view; v.Title != "Bob (bob)" || v.Subtitle != "This network" || v.Lock != "Encrypted, first call" {
		t.Errorf("the card says %q, %q, %q", v.Title, v.Subtitle, v.Lock)
	}
	test.Tap(card.end)
	r.until("the end", func() bool { return len(r.w.calls.cards) == 0 })
	r.until("the key being known", func() bool { return p.rows[0].Line == "Encrypted · Available" && p.all[0].Key != "" })
	r.until("the list of calls", func() bool { return len(r.w.recent.rows) == 2 && r.w.recent.rows[1].Note == "on this network" })
	if got := r.w.recent.rows[1].Target; got != p.all[0].Target {
		t.Errorf("the list of calls calls %q back, want %q", got, p.all[0].Target)
	}

	r.press(r.w.dialer.entry, fyne.KeyUp)
	r.until("the last number", func() bool { return r.w.dialer.entry.Text == "Bob (bob)" })
	r.until("the matches", func() bool { return r.w.matches.known == "Bob (bob)" })
	if i, any := r.w.matches.list.chosen(); !any || r.w.matches.rows[i].Target != p.all[0].Target {
		t.Errorf("Enter would not call Bob but %+v", r.w.matches.rows)
	}
	r.w.dialer.entry.SetText("")

	r.other.Dial(r.other.App.AccountManager().BonjourAccount().Neighbours()[0].Target)
	r.until("the incoming-call window", func() bool { return r.w.incoming != nil && r.w.incoming.up })
	if got := r.w.incoming.cards[0].lines.Text(); got != "Verified: has the key of an earlier call" {
		t.Errorf("the incoming-call window says %q", got)
	}
	r.w.incoming.key(&fyne.KeyEvent{Name: fyne.KeyReturn})
	r.until("the talk", func() bool { return r.only() != nil && r.only().view.Lock == "Encrypted, verified" })
	r.w.hangUp()
	r.until("its end", func() bool { return len(r.phone.App.SessionManager().Sessions()) == 0 })
	itemOf(t, p.menu(p.all[0]), "Block calls").Action()
	r.until("the block", func() bool { return len(r.phone.App.Settings().Calls.Reject) == 1 })
	r.other.Dial(r.other.App.AccountManager().BonjourAccount().Neighbours()[0].Target)
	r.until("the blocked call", func() bool {
		return len(r.w.recent.rows) == 4 && r.w.recent.rows[1].Note == "blocked · on this network"
	})
	itemOf(t, p.menu(p.all[0]), "Stop blocking calls").Action()
	r.until("the end of the block", func() bool { return len(r.phone.App.Settings().Calls.Reject) == 0 })
	r.w.askForgetKey(p.all[0], r.w.win)
	test.Tap(findButton(r.w.win.Canvas().Overlays().Top(), "Forget"))
	r.until("the key being forgotten", func() bool { return p.rows[0].Lock == viewmodel.PictureLocked && p.all[0].Trust == middleware.TrustNew })
	r.other.Stop()
	r.until("Bob having gone", func() bool { return r.titles() == "" })
}

// The network can be chosen to call from where there is a choice at all.
func TestFromOffersTheNetwork(t *testing.T) {
	r := newRig(t)
	for _, id := range []string{"a@example.org", "b@example.org"} {
		if r.w.dialer.line.Visible() {
			t.Error("there is a choice of what to call from without a second account")
		}
		set := middleware.NewAccountSettings(id)
		set.Registration = false
		if _, err := r.phone.App.AccountManager().AddAccount(t.Context(), set, "x"); err != nil {
			t.Fatal(err)
		}
		r.until("the account", func() bool { return len(r.w.accounts()) > 1 && r.w.header.account.Title() == "a@example.org" })
	}
	r.until("the choice", func() bool { return len(r.w.dialer.from.Options) == 4 })
	r.w.dialer.from.SetSelected("This network")
	if got := r.w.dialer.account(); got != middleware.BonjourID {
		t.Errorf("calls are made from %q", got)
	}
}

// Another key is told until the person has seen it, once however often it is shown.
func TestAnotherKeyIsTold(t *testing.T) {
	r := newRig(t)
	b := r.w.banners
	tell := func(names ...string) {
		for _, n := range lanOf(names...) {
			about := middleware.AboutNeighbour{Neighbour: n.ID, Now: n}
			r.phone.App.Bus().Publish(middleware.BonjourAccountNeighbourKeyDidChange{AboutNeighbour: about})
		}
	}
	tell("Anna", "Anna", "Anna", "Bob")
	r.until("both warnings", func() bool { return b.kept[viewmodel.KeyBanner(lanOf("Bob")[0])] })
	if len(b.notes.Objects) != 2 {
		t.Fatalf("%d warnings are shown, want 2", len(b.notes.Objects))
	}
	test.Tap(findButton(b.notes.Objects[0], ""))
	if len(b.notes.Objects) != 1 || len(b.kept) != 1 {
		t.Error("a warning cannot be dismissed")
	}
	tell("Carol", "Dora", "Eve", "Frank", "Grace", "Heidi")
	r.phone.App.Bus().Publish(middleware.AudioDeviceDidRecover{Which: "input"})
	r.until("what came after them", func() bool { return len(b.notes.Objects) > len(b.kept) })
	if len(b.kept) != maxWarnings {
		t.Errorf("%d warnings are shown, want %d", len(b.kept), maxWarnings)
	}
}
