package interop

import (
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	hashicorp "github.com/hashicorp/mdns"
)

// hashicorp serves one service on a machine as hashicorp/mdns does: it answers who
// asks, and says nothing by itself, neither at the start nor at the end.
func (h *machine) hashicorp(t testing.TB, name, kind string, port int, text ...string) {
	t.Helper()
	service, err := hashicorp.NewMDNSService(name, kind, "", h.name+".local.", port, []net.IP{net.ParseIP(h.ip), net.ParseIP(h.ip6)}, text)
	if err != nil {
		t.Fatal(err)
	}
	h.inside(t, func() error {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		s, err := hashicorp.NewServer(&hashicorp.Config{Zone: service, Iface: i, Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)})
		if err == nil {
			t.Cleanup(func() { _ = s.Shutdown() })
		}
		return err
	})
}

// hashicorpFinds asks once for services of a type, as hashicorp/mdns does, and
// returns what it found in a second, by name.
func (h *machine) hashicorpFinds(t testing.TB, kind string) []*hashicorp.ServiceEntry {
	t.Helper()
	entries := make(chan *hashicorp.ServiceEntry, 100)
	h.inside(t, func() error {
		i, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		return hashicorp.Query(&hashicorp.QueryParam{
			Service: kind, Interface: i, Timeout: time.Second, Entries: entries, Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
		})
	})
	close(entries)
	found := map[string]*hashicorp.ServiceEntry{}
	for e := range entries {
		found[e.Name] = e
	}
	var list []*hashicorp.ServiceEntry
	for _, e := range found {
		list = append(list, e)
	}
	return list
}

// TestHashicorp has a peer of quite another making find us, and be found by us. It
// answers by unicast whatever it is asked: to the port of multicast DNS, where a
// responder of the system gets it.
func TestHashicorp(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	one, two, three := l.host(t, "one"), l.host(t, "two"), l.host(t, "three")
	theirs := one.avahi(t)
	beside, alone := one.engine(t), two.engine(t)
	for _, e := range []*engine{beside, alone} {
		e.do(t, "browse", "", "_hash._udp", 0)
	}
	three.hashicorp(t, "alice", "_hash._udp", 5090, "txtvers=1", "name=Alice")
	begun := time.Now()
	for _, e := range []*engine{beside, alone} {
		i, at := e.finds(t, "alice", "_hash._udp")
		t.Logf("our engine on %s finds it after %v", e.on.name, at.Sub(begun).Round(time.Millisecond))
		if i.Port != 5090 || i.Host != "three.local" || !has(i, three.ip) || !slices.Equal(i.Text, []string{"txtvers=1", "name=Alice"}) {
			t.Errorf("our engine on %s found %+v", e.on.name, i)
		}
	}

	for _, e := range []*engine{beside, alone} {
		kind := "_mine-" + e.on.name + "._udp"
		e.publish(t, "ben", kind, 5060, "txtvers=1", "name=Ben")
		found := three.hashicorpFinds(t, kind)
		if len(found) != 1 {
			t.Fatalf("hashicorp/mdns finds %v on %s, want ben", found, e.on.name)
		}
		got := []any{found[0].Name, found[0].Host, found[0].AddrV4.String(), found[0].Port, found[0].InfoFields}
		want := []any{"ben." + kind + ".local.", e.on.name + "-parley.local.", e.on.ip, 5060, []string{"txtvers=1", "name=Ben"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("hashicorp/mdns on %s (-want +got):\n%s", e.on.name, diff)
		}
	}
	theirs.undisturbed(t)
}
