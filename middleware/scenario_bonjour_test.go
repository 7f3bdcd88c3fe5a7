package middleware_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
	"parley/storage"
)

// A home is a local network, with phones that find each other.
type home struct {
	lan   *bonjourtest.Network
	net   *middlewaretest.Net
	t     *testing.T
	crowd *bonjour.Engine // of publishQuietly; nil at first
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
		if snap := account(anna).Snapshot(); snap.State != middleware.BonjourOn || snap.Neighbours != 1 || snap.DisplayName != "Anna" || snap.Title != "Anna (anna)" || snap.Contact == "" {
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
			if audio := s.Snapshot().Audio; audio.Encryption != middleware.Encrypted || audio.PacketTime != 10*time.Millisecond {
				t.Errorf("%s: encryption = %v, packets of %v, want all of it and 10 ms", who, audio.Encryption, audio.PacketTime)
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

// publish puts a service on the network that is no phone's, until the test ends or
// the returned function is called.
func (h *home) publish(host, addr, kind, name string, port uint16, text ...string) (withdraw func()) {
	h.t.Helper()
	e := bonjour.New(bonjour.Config{Log: slog.New(slog.DiscardHandler), Host: host, Network: h.lan.Host(host, addr+"/24")})
	service := bonjour.Service{Name: name, Type: kind, Port: port, Text: func(bonjour.Link) []string { return text }}
	if _, err := e.Publish(service, nil); err != nil {
		h.t.Fatal(err)
	}
	withdraw = sync.OnceFunc(func() { e.Close(h.t.Context()) })
	h.t.Cleanup(withdraw)
	h.settle()
	return withdraw
}

// met makes two phones that know each other from a call.
func (h *home) met() (anna, ben *middlewaretest.Phone) {
	h.t.Helper()
	anna, ben = h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
	out := anna.Dial("Ben")
	soon()
	ben.Session().Accept()
	soon()
	out.End()
	soon()
	if n := neighbour(h.t, anna); n.Trust != middleware.TrustKnown {
		h.t.Fatalf("after a call the neighbour is %s, want known", n.Trust)
	}
	anna.Names()
	ben.Names()
	return anna, ben
}

// What is told while neighbours come, change and go, on both sides.
func TestBonjourNotificationsSayAll(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna := h.phone("Anna", "192.0.2.1")
		want := []string{
			"BonjourAccountWillInitiateDiscovery", "BonjourAccountWillRegister", "BonjourAccountDidChange",
			"BonjourAccountRegistrationDidSucceed", "BonjourAccountRegistrationDidSucceed", "BonjourAccountRegistrationDidSucceed",
			"BonjourAccountRegistrationDidSucceed", "BonjourAccountRegistrationDidSucceed", "BonjourAccountDidChange",
		}
		if diff := cmp.Diff(want, lanNames(anna, 0)); diff != "" {
			t.Errorf("at the start (-want +got):\n%s", diff)
		}
		if got := first[middleware.BonjourAccountWillInitiateDiscovery](t, anna); !slices.Equal(got.Transports, []string{"udp", "tcp", "tls"}) {
			t.Errorf("looks for %q", got.Transports)
		}
		_ = first[middleware.BonjourAccountWillRegister](t, anna)
		user := account(anna).Contact().Username
		if got := first[middleware.BonjourAccountRegistrationDidSucceed](t, anna); !strings.HasPrefix(got.Name, user) && got.Name != "Anna (anna)" || got.Transport == "" {
			t.Errorf("announced first: %+v", got)
		}
		mark := len(anna.Notes())
		ben := h.phone("Ben", "192.0.2.2")
		if err := ben.App.SetUserStatus(middleware.Away); err != nil {
			t.Fatal(err)
		}
		h.settle()
		ben.Stop()
		h.settle()
		want = []string{
			"BonjourAccountDidAddNeighbour", "BonjourAccountDidChange", "BonjourAccountDidUpdateNeighbour",
			"BonjourAccountDidRemoveNeighbour", "BonjourAccountDidChange",
		}
		if diff := cmp.Diff(want, lanNames(anna, mark)); diff != "" {
			t.Errorf("while ben comes and goes (-want +got):\n%s", diff)
		}
		added, updated := first[middleware.BonjourAccountDidAddNeighbour](t, anna), first[middleware.BonjourAccountDidUpdateNeighbour](t, anna)
		gone, changed := first[middleware.BonjourAccountDidRemoveNeighbour](t, anna), first[middleware.BonjourAccountDidChange](t, anna)
		if added.Neighbour != updated.Neighbour || added.Neighbour != gone.Neighbour || updated.Now.State != middleware.NeighbourAway ||
			!(added.Now.Rev < updated.Now.Rev && updated.Now.Rev < gone.Now.Rev) || !updated.Now.Since.Equal(added.Now.Since) || changed.Now.Rev == 0 {
			t.Errorf("added %+v, updated %+v, removed %+v", added, updated, gone)
		}
		mark = len(anna.Notes())
		anna.Stop()
		want = []string{
			"BonjourAccountRegistrationDidEnd", "BonjourAccountRegistrationDidEnd", "BonjourAccountRegistrationDidEnd",
			"BonjourAccountRegistrationDidEnd", "BonjourAccountRegistrationDidEnd", "BonjourAccountDidChange",
		}
		if diff := cmp.Diff(want, lanNames(anna, mark)); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
		if got := first[middleware.BonjourAccountRegistrationDidEnd](t, anna); got.Name == "" || got.Transport == "" {
			t.Errorf("taken back: %+v", got)
		}
	})
}

// Without a network the account waits for one, and tells; with one that forbids
// multicast too.
func TestBonjourWithoutNetwork(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		var host *bonjourtest.Host
		anna := h.phone("Anna", "192.0.2.1", func(c *middleware.Config, _ *storage.Settings) {
			host = c.Bonjour.(*bonjourtest.Host)
			host.Pull("eth0")
		})
		ben := h.phone("Ben", "192.0.2.2")
		if snap := account(anna).Snapshot(); snap.State != middleware.BonjourNoNetwork || snap.Err != "" {
			t.Errorf("without a network: %+v", snap)
		}
		if got := first[middleware.BonjourAccountDiscoveryDidFail](t, anna); got.Reason == "" {
			t.Error("no reason why nobody can be found")
		}
		if got := first[middleware.BonjourAccountRegistrationDidFail](t, anna); got.Reason == "" || got.Transport == "" {
			t.Errorf("BonjourAccountRegistrationDidFail = %+v", got)
		}
		host.Plug("eth0")
		time.Sleep(10 * time.Second) // nobody tells: it looks by itself
		h.settle()
		if snap := account(anna).Snapshot(); snap.State != middleware.BonjourOn || neighbour(t, anna).Name != "Ben" || neighbour(t, ben).Name != "Anna" {
			t.Errorf("with a network again: %+v", snap)
		}
		host.FailOpen(syscall.EPERM)
		host.Pull("eth0")
		time.Sleep(10 * time.Second)
		host.Plug("eth0")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if snap := account(anna).Snapshot(); snap.State != middleware.BonjourBlocked || snap.Err == "" || snap.Neighbours != 0 {
			t.Errorf("where multicast is forbidden: %+v", snap)
		}
		host.FailOpen(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if snap := account(anna).Snapshot(); snap.State != middleware.BonjourOn || snap.Err != "" || snap.Neighbours != 1 {
			t.Errorf("where it is allowed again: %+v", snap)
		}
	})
}

// publishQuietly adds a service to one machine that has them all, without waiting.
func (h *home) publishQuietly(name, kind string, text []string) {
	h.t.Helper()
	if h.crowd == nil {
		h.crowd = bonjour.New(bonjour.Config{Log: slog.New(slog.DiscardHandler), Host: "crowd", Network: h.lan.Host("crowd", "192.0.2.250/24")})
		h.t.Cleanup(func() { h.crowd.Close(h.t.Context()) })
	}
	text = slices.Clone(text)
	service := bonjour.Service{Name: name, Type: kind, Port: 5060, Text: func(bonjour.Link) []string { return text }}
	if _, err := h.crowd.Publish(service, nil); err != nil {
		h.t.Fatal(err)
	}
}

// Two of one name on machines of one name are told apart by their ids.
func TestNeighboursOfOneName(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ben, first, _ := h.phone("Ben", "192.0.2.1"), h.phone("Anna", "192.0.2.2"), h.phone("Anna", "192.0.2.3")
		list := account(ben).Neighbours()
		if len(list) != 2 || list[0].Title() != "Anna (anna)" || list[1].Title() != "Anna (anna)" || list[0].ID == list[1].ID {
			t.Fatalf("ben sees %+v", list)
		}
		if _, err := account(ben).FindNeighbour("anna (anna)"); !errors.Is(err, middleware.ErrManyNeighbours) || !strings.Contains(err.Error(), list[0].Target) {
			t.Errorf("a title that two have = %v", err)
		}
		id := instanceOf(t, first)
		if n, err := account(ben).FindNeighbour(id); err != nil || n.ID != id {
			t.Errorf("found by its id: %+v, %v", n, err)
		}
		lanCall(t, ben, first, "bonjour:"+id)
		for _, n := range account(ben).Neighbours() {
			if n.Namesake == (n.ID == id) {
				t.Errorf("%s is a namesake: %t", n.ID, n.Namesake)
			}
		}
	})
}

func instanceOf(t *testing.T, p *middlewaretest.Phone) string {
	t.Helper()
	id, err := p.Profile.InstanceID()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(id, "urn:uuid:")
}

// Once the account is announced it stays so while further links come and go.
func TestBonjourStaysOnWhileLinksCome(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, _ := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
		mark := len(anna.Notes())
		anna.LAN.AddLink("veth0", "elsewhere", "203.0.113.1/24")
		time.Sleep(10 * time.Second)
		anna.LAN.RemoveLink("veth0")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := lanNames(anna, mark); len(got) != 0 {
			t.Errorf("told %q, want nothing", got)
		}
	})
}
