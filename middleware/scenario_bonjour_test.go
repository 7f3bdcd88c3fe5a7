package middleware_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"parley/bonjour/bonjourtest"
	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
)

// A home is a local network, with phones that find each other.
type home struct {
	lan *bonjourtest.Network
	net *middlewaretest.Net
	t   *testing.T
}

// atHome runs f in a bubble with an empty local network.
func atHome(t *testing.T, f func(t *testing.T, h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, &home{lan: bonjourtest.NewNetwork(), net: middlewaretest.NewNet(), t: t})
	})
}

// phone starts a phone on the network and waits until it has settled.
func (h *home) phone(name, addr string, options ...middlewaretest.Option) *middlewaretest.Phone {
	h.t.Helper()
	p := middlewaretest.NewPhone(h.t, h.net, addr, append([]middlewaretest.Option{middlewaretest.OnLAN(h.lan, name)}, options...)...)
	h.settle()
	return p
}

// settle lets the network come to rest.
func (h *home) settle() {
	time.Sleep(3 * time.Second)
	synctest.Wait()
}

func account(p *middlewaretest.Phone) *middleware.BonjourAccount {
	return p.App.AccountManager().BonjourAccount()
}

// neighbour returns the one neighbour of p, or fails the test.
func neighbour(t *testing.T, p *middlewaretest.Phone) middleware.Neighbour {
	t.Helper()
	list := account(p).Neighbours()
	if len(list) != 1 {
		t.Fatalf("neighbours = %+v, want one", list)
	}
	return list[0]
}

// lanNames returns the names of the account's and the neighbours' notifications
// since the first from notes on.
func lanNames(p *middlewaretest.Phone, from int) (names []string) {
	for _, n := range p.Notes()[from:] {
		name := bus.Name(n)
		if _, ok := middleware.NeighbourOf(n); ok || len(name) > 14 && name[:14] == "BonjourAccount" {
			names = append(names, name)
		}
	}
	return names
}

// Two Parleys find each other, and one calls the other by name: encrypted, with
// the key remembered on both sides when it is answered.
func TestNeighboursFindAndCallEachOther(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
		n := neighbour(t, anna)
		if n.Title() != "Ben (ben)" || n.State != middleware.NeighbourAvailable || n.Trust != middleware.TrustNew || n.Transport != "tls" || !n.Callable() {
			t.Errorf("anna sees %+v", n)
		}
		if snap := account(anna).Snapshot(); snap.State != middleware.BonjourOn || snap.Neighbours != 1 || snap.DisplayName != "Anna" || snap.Contact == "" {
			t.Errorf("account of anna = %+v", snap)
		}
		out, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: "ben (BEN)"})
		if err != nil {
			t.Fatal(err)
		}
		soon()
		in := ben.Session()
		if ring := in.Snapshot(); ring.Neighbour != neighbour(t, ben).ID || ring.Peer.Name != "Anna" || ring.Peer.Address != "Anna (anna)" || ring.Account != middleware.BonjourID || ring.Verified {
			t.Errorf("ben is called by %+v of %q, neighbour %q, verified %t", ring.Peer, ring.Account, ring.Neighbour, ring.Verified)
		}
		if neighbour(t, ben).Trust != middleware.TrustNew {
			t.Error("a call that is not answered was enough to be remembered")
		}
		in.Accept()
		soon()
		for who, s := range map[string]*middleware.Session{"anna": out, "ben": in} {
			if snap := s.Snapshot(); snap.Audio.Encryption != middleware.Encrypted {
				t.Errorf("%s: encryption = %v, want all of it", who, snap.Audio.Encryption)
			}
		}
		for who, p := range map[string]*middlewaretest.Phone{"anna": anna, "ben": ben} {
			if n := neighbour(t, p); n.Trust != middleware.TrustKnown || len(n.Key) != 64 {
				t.Errorf("%s trusts the other %s by key %q, want it known", who, n.Trust, n.Key)
			}
		}
		out.End()
		soon()
		want := []string{"SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionWillStart", "SIPSessionDidStart", "SIPSessionWillEnd", "SIPSessionDidEnd"}
		wantNames(t, "anna", anna, want...)
		again := anna.Dial(n.Target)
		soon()
		if !ben.Session().Snapshot().Verified || !again.Snapshot().Verified {
			t.Error("the second call is not one with the known neighbour")
		}
		for _, packet := range h.net.SIP.Packets() {
			if packet.Transport == "udp" || slices.Contains([]uint16{5060}, packet.To.Port()) {
				t.Errorf("%s went in clear to %v", packet.Summary(), packet.To)
			}
		}
	})
}
