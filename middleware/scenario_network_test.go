package middleware_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
	"parley/middleware/registration"
	"parley/middleware/session"
	"parley/sip/siptest"
	"parley/storage"
)

// moving runs f with alice, on a machine whose addresses change, and bob.
func moving(t *testing.T, f func(t *testing.T, m *middlewaretest.Machine, alice, bob *middlewaretest.Phone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		m := &middlewaretest.Machine{}
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", m.Option())
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		f(t, m, alice, bob)
		alice.Stop()
		bob.Stop()
		if open := n.Media.Open(); open != 0 {
			t.Errorf("%d media sockets are open at the end, want none", open)
		}
	})
}

// told lists the notifications of the system and of the call's repair since begun,
// in order, as one line.
func told(p *middlewaretest.Phone, begun int) string {
	var out []string
	reconnecting := false
	for _, n := range p.Notes()[begun:] {
		if s, ok := middleware.SessionOf(n); ok {
			if s.Reconnecting != reconnecting {
				reconnecting = s.Reconnecting
				out = append(out, map[bool]string{true: "reconnecting", false: "reconnected"}[reconnecting])
			}
			if name := bus.Name(n); strings.HasSuffix(name, "DidFail") || strings.HasSuffix(name, "DidEnd") {
				out = append(out, name)
			}
		}
		if name := bus.Name(n); strings.HasPrefix(name, "System") {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

// hear fails unless both sides hear each other now.
func hear(t *testing.T, sessions ...*middleware.Session) {
	t.Helper()
	var before []uint64
	for _, s := range sessions {
		before = append(before, received(s))
	}
	time.Sleep(time.Second)
	synctest.Wait()
	for i, s := range sessions {
		if got := received(s) - before[i]; got < 40 {
			t.Errorf("session %d of %d got %d packets in a second, want 50", i+1, len(sessions), got)
		}
	}
}

func received(s *middleware.Session) uint64 { return s.Stats().PacketsReceived }

func TestCallMovesToAnotherNetwork(t *testing.T) {
	for name, caller := range map[string]bool{"of the caller": true, "of the called": false} {
		t.Run(name, func(t *testing.T) {
			moving(t, func(t *testing.T, m *middlewaretest.Machine, alice, bob *middlewaretest.Phone) {
				var mine, theirs *middleware.Session
				if caller {
					mine, theirs = connected(t, alice, bob)
				} else {
					theirs, mine = connected(t, bob, alice)
				}
				begun := len(alice.Notes())
				m.Move("192.0.2.9")
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if got, want := told(alice, begun), "SystemIPAddressDidChange reconnecting reconnected"; got != want {
					t.Errorf("told %q, want %q", got, want)
				}
				a, b := mine.Snapshot(), theirs.Snapshot()
				if got := a.Audio.LocalRTP.Addr().String(); got != "192.0.2.9" || b.Audio.RemoteRTP != a.Audio.LocalRTP {
					t.Errorf("audio goes from %v to %v, want the new address at both", b.Audio.RemoteRTP, a.Audio.LocalRTP)
				}
				hear(t, mine, theirs)
				wantNames(t, "alice", alice)
				wantNames(t, "bob", bob)
				theirs.End()
				soon()
				wantNames(t, "alice", alice, "SIPSessionWillEnd", "SIPSessionDidEnd")
			})
		})
	}
}

func TestCallOutlivesATimeWithoutNetwork(t *testing.T) {
	moving(t, func(t *testing.T, m *middlewaretest.Machine, alice, bob *middlewaretest.Phone) {
		mine, theirs := connected(t, alice, bob)
		m.Move()
		time.Sleep(40 * time.Second) // longer than a repair may take
		synctest.Wait()
		if snap := mine.Snapshot(); !snap.Reconnecting || snap.State() != session.Established || alice.App.Network().Online {
			t.Fatalf("without a network the call is %v, reconnecting %v, want it to wait", snap.Place, snap.Reconnecting)
		}
		m.Move("192.0.2.1")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if snap := mine.Snapshot(); snap.Reconnecting || snap.State() != session.Established {
			t.Errorf("with its network back the call is %v, reconnecting %v", snap.Place, snap.Reconnecting)
		}
		hear(t, mine, theirs)
	})
}

// Holding is taken along.
func TestHeldCallMovesHeld(t *testing.T) {
	moving(t, func(t *testing.T, m *middlewaretest.Machine, alice, bob *middlewaretest.Phone) {
		mine, theirs := connected(t, alice, bob)
		mine.Hold()
		soon()
		m.Move("192.0.2.9")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if a, b := mine.Snapshot(), theirs.Snapshot(); !a.OnHoldByLocal || !b.OnHoldByRemote || a.Reconnecting || b.Audio.RemoteRTP != a.Audio.LocalRTP {
			t.Errorf("after the move: held %v and %v, reconnecting %v, audio %v to %v", a.OnHoldByLocal, b.OnHoldByRemote, a.Reconnecting, b.Audio.RemoteRTP, a.Audio.LocalRTP)
		}
		mine.Unhold()
		soon()
		hear(t, mine, theirs)
	})
}

// The address changes again before the peer has agreed to the first change.
func TestCallMovesTwice(t *testing.T) {
	moving(t, func(t *testing.T, m *middlewaretest.Machine, alice, bob *middlewaretest.Phone) {
		mine, theirs := connected(t, alice, bob)
		release := theirs.Stall()
		m.Move("192.0.2.8")
		time.Sleep(time.Second)
		m.Move("192.0.2.9")
		time.Sleep(time.Second)
		release()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if a := mine.Snapshot(); a.Reconnecting || a.Audio.LocalRTP.Addr().String() != "192.0.2.9" {
			t.Fatalf("reconnecting %v at %v, want it done at the second address", a.Reconnecting, a.Audio.LocalRTP)
		}
		hear(t, mine, theirs)
	})
}

func TestBothEndsMoveAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		ma, mb := &middlewaretest.Machine{}, &middlewaretest.Machine{}
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", ma.Option())
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2", mb.Option())
		mine, theirs := connected(t, alice, bob)
		// Each keeps the old address as well, so that they find each other.
		ma.Move("192.0.2.8", "192.0.2.1")
		mb.Move("192.0.2.2", "192.0.2.9")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if mine.Snapshot().Audio.LocalRTP.Addr().String() != "192.0.2.1" {
			t.Error("a call moved though its address stayed")
		}
		hear(t, mine, theirs)
		alice.Stop()
		bob.Stop()
	})
}

func TestCallThatCannotBeMovedEnds(t *testing.T) {
	moving(t, func(t *testing.T, m *middlewaretest.Machine, alice, bob *middlewaretest.Phone) {
		mine, _ := connected(t, alice, bob)
		begun := len(alice.Notes())
		bob.Net.SIP.SetLink("192.0.2.2", false)
		m.Move("192.0.2.9")
		at := time.Now()
		<-mine.Done()
		synctest.Wait()
		took := time.Since(at)
		if took < 25*time.Second || took > 70*time.Second {
			t.Errorf("the call ended after %v, want 30 s for the repair and 32 for the BYE", took)
		}
		if got, want := told(alice, begun), "SystemIPAddressDidChange reconnecting SIPSessionDidEnd"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		if end := mine.Snapshot().End; end.By != middleware.Local || end.Kind != middleware.Unreachable || end.Detail == "" {
			t.Errorf("End = %+v, want unreachable", end)
		}
		bob.Net.SIP.SetLink("192.0.2.2", true)
	})
}

func TestStartWithoutNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		m := &middlewaretest.Machine{}
		none := func(*middleware.Config, *storage.Settings) { m.MoveUnseen() }
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", m.Option(), none)
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		if alice.App.Network().Online {
			t.Error("the phone thinks that it has a network")
		}
		s := alice.Dial(bob.URI())
		<-s.Done()
		if kind := s.Snapshot().End.Kind; kind != middleware.Unreachable {
			t.Errorf("a call without a network ended with %v, want unreachable", kind)
		}
		m.Move("192.0.2.1")
		time.Sleep(3 * time.Second)
		mine, theirs := connected(t, alice, bob)
		hear(t, mine, theirs)
		alice.Stop()
		bob.Stop()
	})
}

// A fixed address that is not there is waited for.
func TestStartWithoutItsOwnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		m := &middlewaretest.Machine{}
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", m.Option(), func(c *middleware.Config, _ *storage.Settings) {
			m.MoveUnseen("192.0.2.7")
			c.Listen, c.Monitor.Follow = []netip.AddrPort{c.Direct}, false
		})
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2")
		m.Move("192.0.2.7", "192.0.2.1")
		time.Sleep(3 * time.Second)
		connected(t, alice, bob)
		alice.Stop()
		bob.Stop()
	})
}

// roaming is registered on a machine whose addresses change.
func roaming(t *testing.T, f func(t *testing.T, m *middlewaretest.Machine, p *middlewaretest.Phone, r *siptest.Peer)) {
	t.Helper()
	m := &middlewaretest.Machine{}
	half := func(c *middleware.Config, _ *storage.Settings) { c.Chance = func() float64 { return 0.5 } }
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) { f(t, m, p, r) }, m.Option(), half)
}

func TestAccountFollowsTheNetwork(t *testing.T) {
	roaming(t, func(t *testing.T, m *middlewaretest.Machine, p *middlewaretest.Phone, r *siptest.Peer) {
		first := r.Expect("REGISTER")
		accept(r, first, 600)
		synctest.Wait()
		m.Move("192.0.2.9")
		begun := time.Now()
		again := r.Expect("REGISTER")
		accept(r, again, 600)
		// Half a second until the addresses settled, and half of the one by chance.
		if took := time.Since(begun); took != time.Second {
			t.Errorf("registered after %v, want a second", took)
		}
		if !strings.Contains(again.Header("Contact"), "@192.0.2.9:") || again.Header("Call-ID") != first.Header("Call-ID") {
			t.Errorf("Contact = %q with Call-ID %q, want the new address in the old registration", again.Header("Contact"), again.Header("Call-ID"))
		}
		if snap := snapshot(t, p); snap.Registration != registration.Registered || !strings.Contains(snap.Contact, "192.0.2.9") {
			t.Errorf("account = %+v, want it registered at the new address", snap)
		}
	})
}

// A registrar that stays silent after the network came back is asked often at first
// and rarely later on.
func TestRetriesSlowDown(t *testing.T) {
	roaming(t, func(t *testing.T, m *middlewaretest.Machine, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 3600)
		m.Move()
		time.Sleep(time.Minute)
		m.Move("192.0.2.1")
		begun := len(p.Notes())
		time.Sleep(time.Hour)
		synctest.Wait()
		var waits []time.Duration
		for _, n := range p.Notes()[begun:] {
			if n, ok := n.(middleware.SIPAccountRegistrationDidFail); ok {
				waits = append(waits, n.Delay)
			}
		}
		if len(waits) < 5 || len(waits) > 30 || waits[0] > 10*time.Second || slices.Max(waits) > 5*time.Minute || waits[len(waits)-1] < 2*time.Minute {
			t.Errorf("waits in an hour of silence: %v, want short ones first and up to five minutes then", waits)
		}
	})
}

func TestWakeRegistersAtOnce(t *testing.T) {
	roaming(t, func(t *testing.T, m *middlewaretest.Machine, p *middlewaretest.Phone, r *siptest.Peer) {
		accept(r, r.Expect("REGISTER"), 600)
		synctest.Wait()
		begun := len(p.Notes())
		m.Power <- middleware.WillSleep
		m.MoveUnseen("192.0.2.9")
		m.Power <- middleware.DidWake
		at := time.Now()
		again := r.Expect("REGISTER")
		accept(r, again, 600)
		if took := time.Since(at); took > 100*time.Millisecond || !strings.Contains(again.Header("Contact"), "@192.0.2.9:") {
			t.Errorf("registered after %v as %q, want at once at the new address", took, again.Header("Contact"))
		}
		soon()
		if got, want := told(p, begun), "SystemWillSleep SystemDidWakeUpFromSleep SystemIPAddressDidChange"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestServiceRouteIsTaken(t *testing.T) {
	registered(t, func(t *testing.T, p *middlewaretest.Phone, r *siptest.Peer) {
		m := r.Expect("REGISTER")
		if got := m.Header("Supported"); got != "path, outbound" {
			t.Errorf("Supported = %q, want path and outbound", got)
		}
		r.Send(m.From, m.Reply("200 OK", "r", "Contact: "+m.Header("Contact")+"\nService-Route: <sip:192.0.2.10;lr>, <sip:core.example.org;lr>\n"))
		synctest.Wait()
		s := p.Dial("sip:bob@example.org")
		invite := r.Expect("INVITE")
		want := []string{"<sip:192.0.2.10;lr>", "<sip:core.example.org;lr>"}
		if diff := cmp.Diff(want, invite.Headers("Route")); diff != "" {
			t.Errorf("Route (-want +got):\n%s", diff)
		}
		r.Send(invite.From, invite.Reply("486 Busy Here", "b", ""))
		<-s.Done()
	})
}
