package middleware_test

import (
	"testing"

	"parley/middleware"
)

// Whoever was spoken to keeps its name after it has left.
func TestNeighbourTitle(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
		h.phone("Carla", "192.0.2.3")
		network := anna.App.AccountManager().BonjourAccount()
		target := func(name string) string {
			n, err := network.FindNeighbour(name)
			if err != nil {
				t.Fatal(err)
			}
			return n.Target
		}
		toBen, toCarla := target("Ben"), target("Carla")
		out, _ := lanCall(t, anna, ben, "Ben")
		out.End()
		soon()
		check := func(when, target, want string) {
			t.Helper()
			if got := network.NeighbourTitle(target); got != want {
				t.Errorf("%s: NeighbourTitle(%q) = %q, want %q", when, target, got, want)
			}
		}
		check("both are there", toBen, "Ben (ben)")
		check("both are there", toCarla, "Carla (carla)")
		if err := network.Change(func(s *middleware.BonjourSettings) error { s.Enabled = false; return nil }); err != nil {
			t.Fatal(err)
		}
		soon()
		check("nobody is there", toBen, "Ben (ben)")
		check("nobody is there", toCarla, "")
		for _, target := range []string{"", "bonjour:", "bonjour:nobody", "sip:ben@192.0.2.2", "Ben (ben)"} {
			check("of no neighbour", target, "")
		}
	})
}
