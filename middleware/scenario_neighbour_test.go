package middleware_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/storage"
)

// failed returns why the newest session of p failed, or fails the test.
func failed(t *testing.T, p *middlewaretest.Phone) middleware.Failure {
	t.Helper()
	n, ok := middlewaretest.Last[middleware.SIPSessionDidFail](p)
	if !ok {
		t.Fatal("no session has failed")
	}
	return n.Failure
}

// lanCall brings up a call between neighbours and forgets its notifications.
func lanCall(t *testing.T, from, to *middlewaretest.Phone, name string) (out, in *middleware.Session) {
	t.Helper()
	out = from.Dial(name)
	soon()
	in = to.Session()
	in.Accept()
	soon()
	for _, s := range []*middleware.Session{out, in} {
		if snap := s.Snapshot(); snap.Place != (session.Place{State: session.Established}) || snap.Audio.Encryption != middleware.Encrypted {
			t.Fatalf("the call is %v, encryption %v, want established and encrypted", snap.Place, snap.Audio.Encryption)
		}
	}
	from.Names()
	to.Names()
	return out, in
}

// A call between neighbours is held from either side, and stays encrypted.
func TestNeighbourCallIsHeld(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
		out, in := lanCall(t, anna, ben, "Ben")
		out.Hold()
		soon()
		wantNames(t, "ben", ben, "SIPSessionGotHoldRequest")
		out.Unhold()
		soon()
		in.Hold()
		soon()
		if snap := out.Snapshot(); !snap.OnHoldByRemote || snap.Audio.Encryption != middleware.Encrypted {
			t.Errorf("held by ben: %t, encryption %v", snap.OnHoldByRemote, snap.Audio.Encryption)
		}
		in.Unhold()
		soon()
		wantNames(t, "anna", anna, "SIPSessionGotHoldRequest", "SIPSessionGotUnholdRequest", "SIPSessionGotHoldRequest", "SIPSessionGotUnholdRequest")
		in.End()
		soon()
		wantNames(t, "anna", anna, "SIPSessionWillEnd", "SIPSessionDidEnd")
	})
}

// Whoever is sent on to another neighbour calls that one as such: encrypted, and
// knowing whom.
func TestNeighbourIsSentOnToAnother(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben, carla := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2"), h.phone("Carla", "192.0.2.3")
		out, in := lanCall(t, anna, ben, "Ben")
		if err := out.Transfer("carla (CARLA)"); err != nil {
			t.Fatal(err)
		}
		soon()
		in.AcceptTransfer()
		soon()
		got := carla.Session()
		if snap := got.Snapshot(); snap.Peer.Name != "Ben" || snap.Neighbour == "" {
			t.Errorf("carla is called by %+v, neighbour %q", snap.Peer, snap.Neighbour)
		}
		got.Accept()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		snap := ben.Session().Snapshot()
		if snap.Peer.Name != "Carla" || snap.Audio.Encryption != middleware.Encrypted || snap.Account != middleware.BonjourID {
			t.Errorf("ben speaks to %+v, encryption %v, account %q", snap.Peer, snap.Audio.Encryption, snap.Account)
		}
		if state := out.State(); state != session.Terminated {
			t.Errorf("anna's call is %v, want over", state)
		}
		if calls := len(ben.App.SessionManager().Sessions()); calls != 1 {
			t.Errorf("ben has %d calls, want the one to carla", calls)
		}
	})
}

// Whoever is handed over to another neighbour takes that call over, encrypted.
func TestNeighbourIsHandedOver(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben, carla := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2"), h.phone("Carla", "192.0.2.3")
		first, _ := lanCall(t, anna, ben, "Ben")
		second, _ := lanCall(t, anna, carla, "Carla")
		if err := first.TransferTo(second.ID()); err != nil {
			t.Fatal(err)
		}
		soon()
		ben.Session().AcceptTransfer()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for who, p := range map[string]*middlewaretest.Phone{"Carla": ben, "Ben": carla} {
			snap := p.Session().Snapshot()
			if snap.Peer.Name != who || snap.Audio.Encryption != middleware.Encrypted || !snap.Audio.Active || snap.Neighbour == "" {
				t.Errorf("the one who is to speak to %s speaks to %+v, encryption %v", who, snap.Peer, snap.Audio.Encryption)
			}
		}
		if calls := len(anna.App.SessionManager().Sessions()); calls != 0 {
			t.Errorf("anna has %d calls, want none", calls)
		}
	})
}

// A neighbour that starts again has another contact, and is called back from the
// history all the same. Its key is the same.
func TestNeighbourIsCalledBackAfterItsRestart(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		before := neighbour(t, anna)
		ben = ben.Restart(middlewaretest.OnLAN(h.lan, "Ben"))
		h.settle()
		after := neighbour(t, anna)
		if after.ID != before.ID || after.URI == before.URI || after.Trust != middleware.TrustKnown {
			t.Errorf("before %+v, after %+v", before, after)
		}
		rows, err := anna.App.History().Search(t.Context(), middleware.HistoryQuery{Limit: 10})
		if err != nil || len(rows) != 1 || rows[0].PeerURI != before.Target || rows[0].PeerName != "Ben" || rows[0].Account != middleware.BonjourID || rows[0].Secure != "encrypted" {
			t.Fatalf("history = %+v, %v", rows, err)
		}
		out, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: rows[0].PeerURI, Account: rows[0].Account})
		if err != nil {
			t.Fatal(err)
		}
		soon()
		if got := ben.Session().Snapshot(); !got.Verified || got.Peer.Name != "Anna" {
			t.Errorf("ben is called by %+v, verified %t", got.Peer, got.Verified)
		}
		out.End()
		ben.Stop()
		h.settle()
		if _, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: before.Target}); !errors.Is(err, middleware.ErrNoNeighbour) {
			t.Errorf("a call to somebody who is not there = %v, want ErrNoNeighbour", err)
		}
	})
}

// Whoever answers in the place of a neighbour who is remembered is refused, loudly,
// until the neighbour is forgotten. An id that follows from a key is that of no
// other key, even then.
func TestImpostorIsRefused(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		eve := middlewaretest.NewPhone(t, h.net, "192.0.2.66", middlewaretest.OnLAN(h.lan, "Eve"), hidden)
		n := neighbour(t, anna)
		contact := "contact=<sip:" + account(eve).Contact().Username + "@192.0.2.66:5061;transport=tls>"
		h.publish("eve-x", "192.0.2.66", "_sipuri._tcp", "a-tls", 5061, "name=Ben", contact, "instance_id="+n.ID, "key="+n.Key)
		out := anna.Dial(n.Target) // of two that claim to be ben, ben answers
		soon()
		if got := ben.Session().Snapshot(); !got.Verified || out.State() != session.Calling {
			t.Errorf("ben is called: verified %t", got.Verified)
		}
		out.End()
		soon()
		ben.Stop()
		h.settle()
		anna.Names()
		out = anna.Dial(n.Target)
		soon()
		wantNames(t, "anna", anna, "SIPSessionNewOutgoing", "SIPSessionDidFail", "SIPSessionDidEnd")
		if f := failed(t, anna); f.Kind != middleware.KeyChanged || out.Snapshot().Verified {
			t.Errorf("the call failed by %v %s, verified %t, want KeyChanged", f.Kind, f.Detail, out.Snapshot().Verified)
		}
		told := first[middleware.BonjourAccountNeighbourKeyDidChange](t, anna)
		if told.Neighbour != n.ID || told.Presented == "" || told.Presented == n.Key || told.Now.Key != n.Key || told.Now.Trust != middleware.TrustBroken {
			t.Errorf("BonjourAccountNeighbourKeyDidChange = %+v", told)
		}
		if len(eve.App.SessionManager().Sessions()) != 0 {
			t.Error("eve was called")
		}
		var refused *middleware.NeighbourError
		if _, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: n.Target}); !errors.As(err, &refused) || refused.Neighbour.Problem != middleware.ProblemKeyChanged {
			t.Errorf("the next call = %v, want that the key has changed", err)
		}
		if err := account(anna).ForgetNeighbour(n.ID); err != nil {
			t.Fatal(err)
		}
		if got, ok := account(anna).Neighbour(n.ID); !ok || got.Trust != middleware.TrustNew {
			t.Errorf("forgotten: %+v, %t", got, ok)
		}
		anna.Dial(n.Target)
		soon()
		if f := failed(t, anna); f.Kind != middleware.KeyChanged || len(eve.App.SessionManager().Sessions()) != 0 {
			t.Errorf("forgotten and called anew: %v, want KeyChanged", f.Kind)
		}
		ben = ben.Restart(middlewaretest.OnLAN(h.lan, "Ben"))
		h.settle()
		if got, _ := account(anna).Neighbour(n.ID); got.Trust != middleware.TrustNew || !strings.Contains(got.URI, "@192.0.2.2:") {
			t.Errorf("ben is back, as %+v; want to be called where nobody else answered", got)
		}
		lanCall(t, anna, ben, n.Target)
		if err := account(anna).ForgetNeighbour("nobody"); !errors.Is(err, middleware.ErrNoNeighbour) {
			t.Errorf("nobody forgotten = %v", err)
		}
	})
}

// hidden keeps a phone from being seen, though it takes calls.
func hidden(c *middleware.Config, s *storage.Settings) {
	c.HostName, s.Bonjour.DisplayName = "hidden", "Hidden"
}

// Programs whose id follows from no key are trusted at the first call, and refused
// with another key later, until they are forgotten.
func TestOthersAreTrustedAtFirst(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben, eve := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2"), h.phone("Eve", "192.0.2.3")
		as := func(p *middlewaretest.Phone) []string {
			return []string{"name=Mac", "contact=<sip:" + account(p).Contact().Username + "@" + p.Addr + ":5061;transport=tls>", "instance_id=6ba7b810-9dad-11d1-80b4-00c04fd430c8"}
		}
		withdraw := h.publish("mac", "192.0.2.2", "_sipuri._tcp", "m", 5061, as(ben)...)
		lanCall(t, anna, ben, "Mac")
		anna.Session().End()
		soon()
		n, err := account(anna).FindNeighbour("mac (MAC)")
		if err != nil || n.Trust != middleware.TrustKnown || n.Key == "" {
			t.Fatalf("after a call: %+v, %v", n, err)
		}
		withdraw()
		h.settle()
		h.publish("mac", "192.0.2.3", "_sipuri._tcp", "m", 5061, as(eve)...)
		anna.Dial("Mac")
		soon()
		if f := failed(t, anna); f.Kind != middleware.KeyChanged {
			t.Errorf("somebody else's key: %v, want KeyChanged", f.Kind)
		}
		if err := account(anna).ForgetNeighbour(n.ID); err != nil {
			t.Fatal(err)
		}
		lanCall(t, anna, eve, "Mac")
		now, _ := account(anna).Neighbour(n.ID)
		if now.Trust != middleware.TrustKnown || now.Key == n.Key {
			t.Errorf("forgotten and called: %+v", now)
		}
	})
}

// Two programs that claim one id are told apart, and the one that is remembered
// keeps it.
func TestClashDoesNotReplaceTheKnown(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, _ := h.met()
		n := neighbour(t, anna)
		h.publish("eve", "192.0.2.66", "_sipuri._tcp", "e", 5061, "name=Ben", "contact=<sip:x@192.0.2.66;transport=tls>", "instance_id="+n.ID, "key="+strings.Repeat("ab", 32))
		list := account(anna).Neighbours()
		if len(list) != 2 {
			t.Fatalf("neighbours = %+v, want two", list)
		}
		for _, got := range list {
			switch got.ID {
			case n.ID:
				if got.Trust != middleware.TrustKnown || got.Host != "ben" || got.Namesake {
					t.Errorf("the one who is known: %+v", got)
				}
			case n.ID + "#eve":
				if got.Trust != middleware.TrustBroken || got.Callable() || !got.Namesake {
					t.Errorf("the other: %+v", got)
				}
			default:
				t.Errorf("somebody else: %+v", got)
			}
		}
		if _, err := account(anna).FindNeighbour("BEN"); !errors.Is(err, middleware.ErrManyNeighbours) || !strings.Contains(err.Error(), "Ben (ben)") || !strings.Contains(err.Error(), "Ben (eve)") {
			t.Errorf("a name that two have = %v, want an error with both", err)
		}
	})
}

// What is not encrypted with a Parley is refused, and so is who is not let in; no
// trace of them is left.
func TestCallsFromSomeOnly(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2", func(_ *middleware.Config, s *storage.Settings) { s.Calls.DirectCalls = false })
		stranger := middlewaretest.NewPhone(t, h.net, "192.0.2.9")
		contact, _ := account(ben).Contact().URI("udp")
		tests := []struct {
			from    middleware.CallsFrom
			dial    func() *middleware.Session
			refused int // 0 is that it rings
		}{
			{middleware.CallsFromEveryone, func() *middleware.Session { return stranger.Dial(contact) }, 0},
			{middleware.CallsFromEveryone, func() *middleware.Session { return stranger.Dial("sip:ben@192.0.2.2:5060") }, 404},
			{middleware.CallsFromNeighbours, func() *middleware.Session { return stranger.Dial(contact) }, 403},
			{middleware.CallsFromNeighbours, func() *middleware.Session { return anna.Dial("Ben") }, 0},
			{middleware.CallsFromKnown, func() *middleware.Session { return anna.Dial("Ben") }, 403},
		}
		for _, tt := range tests {
			adjust(t, ben, func(s *middleware.BonjourSettings) { s.CallsFrom = tt.from })
			out := tt.dial()
			soon()
			got := out.Snapshot().End.Code
			if rings := len(ben.App.SessionManager().Sessions()) == 1; got != tt.refused || rings != (tt.refused == 0) {
				t.Errorf("calls from %s: refused with %d, rings %t, want %d", tt.from, got, rings, tt.refused)
			}
			out.End()
			soon()
		}
		rows, err := ben.App.History().Search(t.Context(), middleware.HistoryQuery{Limit: 10})
		if err != nil || len(rows) != 2 {
			t.Errorf("%d calls in the history, %v; want the two that rang", len(rows), err)
		}
		adjust(t, ben, func(s *middleware.BonjourSettings) { s.CallsFrom = middleware.CallsFromEveryone })
		lanCall(t, anna, ben, "Ben")
		anna.Session().End()
		soon()
		adjust(t, ben, func(s *middleware.BonjourSettings) { s.CallsFrom = middleware.CallsFromKnown })
		lanCall(t, anna, ben, "Ben")
	})
}

func adjust(t *testing.T, p *middlewaretest.Phone, change func(*middleware.BonjourSettings)) {
	t.Helper()
	err := account(p).Change(func(s *middleware.BonjourSettings) error {
		change(s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	soon()
}

// Switching the account off says goodbye and refuses calls; a call that is going on
// stays. Switched on again it is found again.
func TestBonjourOffAndOn(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2", func(_ *middleware.Config, s *storage.Settings) { s.Calls.DirectCalls = false })
		n := neighbour(t, anna)
		out, in := lanCall(t, anna, ben, "Ben")
		adjust(t, ben, func(s *middleware.BonjourSettings) { s.Enabled = false })
		h.settle()
		if list := account(anna).Neighbours(); len(list) != 0 {
			t.Errorf("anna sees %+v, want nobody", list)
		}
		if snap := account(ben).Snapshot(); snap.State != middleware.BonjourOff || snap.Neighbours != 0 || snap.Contact != "" {
			t.Errorf("ben's account = %+v", snap)
		}
		if _, err := ben.App.SessionManager().Dial(middleware.DialRequest{Target: n.Target}); !errors.Is(err, middleware.ErrAccountInactive) {
			t.Errorf("a call to a neighbour without the network = %v, want ErrAccountInactive", err)
		}
		out.Hold()
		soon()
		if !in.OnHoldByRemote() {
			t.Error("the call that was going on does not go on")
		}
		out.End()
		soon()
		stranger := middlewaretest.NewPhone(t, h.net, "192.0.2.9")
		stranger.Dial(strings.Replace(n.URI, ":5061;transport=tls", ":5060", 1))
		soon()
		if f := failed(t, stranger); f.Code != 404 {
			t.Errorf("a call to who is off is refused with %d, want 404", f.Code)
		}
		adjust(t, ben, func(s *middleware.BonjourSettings) { s.Enabled = true })
		h.settle()
		if again := neighbour(t, anna); again.ID != n.ID || again.Trust != middleware.TrustKnown {
			t.Errorf("on again: %+v", again)
		}
		lanCall(t, anna, ben, "Ben")
	})
}

// Status, note and name are what neighbours see at once; nobody sees who is
// offline.
func TestNeighboursSeeStatusNoteAndName(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
		states := map[middleware.UserStatus]middleware.NeighbourState{
			middleware.Away: middleware.NeighbourAway, middleware.DoNotDisturb: middleware.NeighbourBusy, middleware.Online: middleware.NeighbourAvailable,
		}
		for _, status := range []middleware.UserStatus{middleware.Away, middleware.DoNotDisturb, middleware.Online} {
			if err := ben.App.SetUserStatus(status); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := neighbour(t, anna).State; got != states[status] {
				t.Errorf("ben is %s, and seen as %q", status, got)
			}
		}
		id := neighbour(t, anna).ID
		adjust(t, ben, func(s *middleware.BonjourSettings) { s.Note, s.DisplayName = "Tee & Kekse ☕", "Benjamin" })
		h.settle()
		if n := neighbour(t, anna); n.Note != "Tee & Kekse ☕" || n.Title() != "Benjamin (ben)" || n.ID != id {
			t.Errorf("anna sees %+v", n)
		}
		if err := ben.App.SetUserStatus(middleware.Offline); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if list := account(anna).Neighbours(); len(list) != 0 {
			t.Errorf("who is offline is seen: %+v", list)
		}
		if err := ben.App.SetUserStatus(middleware.Online); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if n := neighbour(t, anna); n.State != middleware.NeighbourAvailable {
			t.Errorf("back, and seen as %q", n.State)
		}
	})
}

// A neighbour whose address changes during a call stays in the call, and on the list.
func TestNeighbourMovesDuringACall(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		var machine middlewaretest.Machine
		anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2", machine.Option())
		out, in := lanCall(t, anna, ben, "Ben")
		ben.LAN.SetAddrs("eth0", "192.0.2.22/24")
		machine.Move("192.0.2.22")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := neighbour(t, anna); !strings.Contains(n.URI, "@192.0.2.22:5061") {
			t.Errorf("ben is called at %s, want his new address", n.URI)
		}
		for who, s := range map[string]*middleware.Session{"anna": out, "ben": in} {
			if snap := s.Snapshot(); snap.Place != (session.Place{State: session.Established}) || snap.Reconnecting || snap.Audio.Encryption != middleware.Encrypted {
				t.Errorf("%s: %v, reconnecting %t, encryption %v", who, snap.Place, snap.Reconnecting, snap.Audio.Encryption)
			}
		}
		if got := out.Snapshot().Audio.RemoteRTP.Addr().String(); got != "192.0.2.22" {
			t.Errorf("anna's sound goes to %s", got)
		}
		out.End()
		soon()
		if in.State() != session.Terminated {
			t.Errorf("ben's call is %v after its end", in.State())
		}
		lanCall(t, anna, ben, "Ben")
	})
}
