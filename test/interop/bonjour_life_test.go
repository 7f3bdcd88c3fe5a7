package interop

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// soon is how long it may take at most, from the start of a program or its end, until
// others know: 1 s, and as much again and more on a machine that has others to serve.
const soon = 2500 * time.Millisecond

// isSoon fails the test if something took longer.
func isSoon(t testing.TB, what string, from, to time.Time) {
	t.Helper()
	t.Logf("%s after %v", what, to.Sub(from).Round(time.Millisecond))
	if to.Sub(from) > soon {
		t.Errorf("%s after %v, want %v at most", what, to.Sub(from), soon)
	}
}

// TestBonjourComesAndGoes starts, changes, ends and restarts a program, and watches
// it from a machine with avahi and our engine side by side.
func TestBonjourComesAndGoes(t *testing.T) {
	t.Parallel()
	const kind, name = "_comes._udp", "Anna Meyer"
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs := one.avahi(t)
	a, atOne := one.engine(t), theirs.browsing(t, kind)
	a.do(t, "browse", "", kind, 0)
	for range 2 {
		begun := time.Now()
		b := two.engine(t)
		b.publish(t, name, kind, 5060, "a=1")
		_, at := a.finds(t, name, kind)
		isSoon(t, "found by our engine", begun, at)
		isSoon(t, "found by avahi", begun, atOne.finds(t, name))
		b.do(t, "update", name, kind, 0, "a=2")
		a.await(t, "the new text", func() bool { return slices.Equal(a.found(kind)[name].Text, []string{"a=2"}) })
		theirs.find(t, kind, func(s announced) bool { return s.name == name && s.text["a"] == "2" })
		begun = time.Now()
		b.stop()
		isSoon(t, "lost by our engine", begun, a.loses(t, name, kind))
		isSoon(t, "lost by avahi", begun, atOne.loses(t, name))
	}
	b := two.engine(t)
	b.publish(t, name, kind, 5060)
	a.finds(t, name, kind)
	begun := time.Now()
	b.do(t, "withdraw", name, kind, 0)
	isSoon(t, "taken back: lost by our engine", begun, a.loses(t, name, kind))
	isSoon(t, "taken back: lost by avahi", begun, atOne.loses(t, name))
	theirs.undisturbed(t)
}

// TestBonjourDies kills a program whose records live for eight seconds. Started again
// it has its name back, and nothing of its former life is left; killed for good, nobody
// says goodbye for it, and it is gone when they expire, not sooner and hardly later.
func TestBonjourDies(t *testing.T) {
	t.Parallel()
	const kind, name, life = "_dies._udp", "Anna", 8 * time.Second
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs := one.avahi(t)
	a, atOne := one.engine(t), theirs.browsing(t, kind)
	a.do(t, "browse", "", kind, 0)
	b := two.engine(t, "-ttl", life.String())
	b.publish(t, name, kind, 5060)
	a.finds(t, name, kind)
	atOne.finds(t, name)
	b.kill()
	b = two.engine(t, "-ttl", life.String())
	if got := b.publish(t, name, kind, 5070); got != name {
		t.Errorf("started again it is %q, want %q", got, name)
	}
	a.await(t, "the new port", func() bool { return a.found(kind)[name].Port == 5070 })
	theirs.find(t, kind, func(s announced) bool { return s.name == name && s.port == 5070 })
	// It is asked before its records expire, and answers.
	never(t, life+2*time.Second, "it is lost while it lives", func() bool {
		a.poll(t)
		known, _ := atOne.found()
		return len(a.found(kind)) == 0 || len(known) == 0
	})
	begun := time.Now()
	b.kill()
	for who, at := range map[string]time.Time{"our engine": a.loses(t, name, kind), "avahi": atOne.loses(t, name)} {
		t.Logf("killed: lost by %s after %v", who, at.Sub(begun).Round(time.Millisecond))
		if d := at.Sub(begun); d > life+2*time.Second {
			t.Errorf("killed: lost by %s after %v, want %v", who, d, life)
		}
	}
}

// TestBonjourCable pulls a cable and puts it back. Whoever sits at it knows that
// everybody is gone; the others learn it when the records expire.
func TestBonjourCable(t *testing.T) {
	t.Parallel()
	const kind = "_cable._udp"
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs := one.avahi(t)
	a, b := one.engine(t, "-ttl", "6s"), two.engine(t, "-ttl", "6s")
	atOne := theirs.browsing(t, kind)
	a.do(t, "browse", "", kind, 0)
	b.do(t, "browse", "", kind, 0)
	a.publish(t, "Anna", kind, 5060)
	b.publish(t, "Ben", kind, 5060)
	theirs.publish(t, "Door", kind, 5060)
	both := func() {
		t.Helper()
		a.finds(t, "Ben", kind)
		atOne.finds(t, "Ben")
		b.finds(t, "Anna", kind)
		b.finds(t, "Door", kind)
	}
	both()
	begun := time.Now()
	l.unplug(t, two)
	t.Logf("pulled: noticed on the machine after %v", b.loses(t, "Anna", kind).Sub(begun).Round(time.Millisecond))
	b.loses(t, "Door", kind)
	if links := b.links(); len(links) > 0 {
		t.Errorf("without a cable the links are %v, want none", links)
	}
	t.Logf("pulled: lost by our engine after %v", a.loses(t, "Ben", kind).Sub(begun).Round(time.Millisecond))
	t.Logf("pulled: lost by avahi after %v", atOne.loses(t, "Ben").Sub(begun).Round(time.Millisecond))
	l.plug(t, two)
	begun = time.Now()
	b.await(t, "the link", func() bool { b.do(t, "look", "", "", 0); return len(b.links()) > 0 })
	both()
	isSoon(t, "put back: found by our engine", begun, a.when("found", "Ben", kind))
	isSoon(t, "put back: found on the machine", begun, b.when("found", "Door", kind))
	theirs.undisturbed(t)
}

// TestBonjourMoves gives a machine other addresses, and then another interface: each
// link is told of its own addresses alone.
func TestBonjourMoves(t *testing.T) {
	t.Parallel()
	const kind, name = "_moves._udp", "Anna"
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs := one.avahi(t)
	a, b := one.engine(t), two.engine(t)
	a.do(t, "browse", "", kind, 0)
	b.do(t, "browse", "", kind, 0)
	b.publish(t, name, kind, 5060)
	a.publish(t, "Ben", kind, 5060)
	b.finds(t, "Ben", kind)
	if i, _ := a.finds(t, name, kind); !has(i, two.ip) || !has(i, two.ip6) {
		t.Errorf("found at %v, want %s and %s among it", i.Addrs, two.ip, two.ip6)
	}
	for _, change := range []string{"del " + two.ip + "/24", "del " + two.ip6 + "/64", "add 10.77.0.12/24", "add fd77::12/64 nodad"} {
		two.address(t, "eth0", change)
	}
	begun := time.Now()
	b.do(t, "look", "", "", 0)
	a.await(t, "the new addresses", func() bool {
		i := a.found(kind)[name]
		return i.Name != "" && has(i, "10.77.0.12") && has(i, "fd77::12") && !has(i, two.ip) && !has(i, two.ip6)
	})
	t.Logf("moved: known to our engine after %v", a.when("changed", name, kind).Sub(begun).Round(time.Millisecond))
	theirs.find(t, kind, func(s announced) bool { return s.name == name && s.addr == "10.77.0.12" })
	if n := len(b.found(kind)); n != 1 {
		t.Errorf("whoever moved knows %d services, want 1 as before", n)
	}

	other := newLAN(t)
	far := other.host(t, "far")
	far.address(t, "eth0", "del "+far.ip+"/24")
	far.address(t, "eth0", "del "+far.ip6+"/64")
	far.address(t, "eth0", "add 10.78.0.2/24")
	c := far.engine(t)
	c.do(t, "browse", "", kind, 0)
	c.publish(t, "Far", kind, 5060)
	other.join(t, two, "eth1")
	two.address(t, "eth1", "add 10.78.0.1/24")
	begun = time.Now()
	b.await(t, "the other link", func() bool { b.do(t, "look", "", "", 0); return len(b.links()) == 2 })
	i, _ := c.finds(t, name, kind)
	isSoon(t, "another interface: found there", begun, c.when("found", name, kind))
	if !has(i, "10.78.0.1") || has(i, "10.77.0.12") || has(i, "fd77::12") {
		t.Errorf("found there at %v, want 10.78.0.1 and no address of the first link", i.Addrs)
	}
	b.finds(t, "Far", kind)
	if i, _ := a.finds(t, name, kind); has(i, "10.78.0.1") || !has(i, "10.77.0.12") {
		t.Errorf("on the first link found at %v, want 10.77.0.12 and no address of the second", i.Addrs)
	}
	theirs.undisturbed(t)
}

// join plugs a machine that is in another lan into this one too.
func (l *lan) join(t testing.TB, h *machine, link string) {
	t.Helper()
	port := "extra-" + link
	ip(t, "-netns", l.name, "link", "add", port, "type", "veth", "peer", "name", link, "netns", h.space)
	ip(t, "-netns", l.name, "link", "set", port, "master", "switch", "up")
	ip(t, "-netns", h.space, "link", "set", link, "up")
}

// address changes the addresses of an interface: "add 10.77.0.12/24", "del fd77::1/64".
func (h *machine) address(t testing.TB, link, change string) {
	t.Helper()
	words := strings.Fields(change)
	ip(t, append([]string{"-netns", h.space, "address", words[0], words[1], "dev", link}, words[2:]...)...)
}

// TestBonjourConflicts has two want one name. Whoever came first keeps it, the other
// is renamed, be it us or avahi; so are machines.
func TestBonjourConflicts(t *testing.T) {
	t.Parallel()
	const kind = "_names._udp"
	l := newLAN(t)
	one, two, three := l.host(t, "one"), l.host(t, "two"), l.host(t, "two-parley")
	theirs := one.avahi(t)
	three.avahi(t) // its name is what our engine on two wants
	a, b, atOne := one.engine(t), two.engine(t), theirs.browsing(t, kind)
	a.do(t, "browse", "", kind, 0)

	theirs.publish(t, "Kitchen, 1st floor", kind, 5060)
	if got, want := b.publish(t, "Kitchen, 1st floor", kind, 5070), "Kitchen, 1st floor (2)"; got != want {
		t.Errorf("avahi was first, we are %q, want %q", got, want)
	}
	if i, _ := a.finds(t, "Kitchen, 1st floor (2)", kind); i.Host != "two-parley-2.local" || i.Port != 5070 {
		t.Errorf("found %+v, want port 5070 of two-parley-2.local", i)
	}
	b.publish(t, "Cellar", kind, 5071)
	theirs.publish(t, "Cellar", kind, 5061)
	a.finds(t, "Cellar #2", kind)
	atOne.finds(t, "Cellar #2")
	for name, port := range map[string]uint16{"Kitchen, 1st floor": 5060, "Cellar": 5071, "Cellar #2": 5061} {
		if i, _ := a.finds(t, name, kind); i.Port != port {
			t.Errorf("%q is %+v, want port %d", name, i, port)
		}
	}
	// Two programs with one name on one machine, beside avahi with the same.
	if got, want := a.publish(t, "Kitchen, 1st floor", kind, 5080), "Kitchen, 1st floor (3)"; got != want {
		t.Errorf("we are %q, want %q", got, want)
	}
	atOne.finds(t, "Kitchen, 1st floor (3)")
	b.do(t, "browse", "", kind, 0)
	// Another machine wants the name that ours has on one.
	if late := l.host(t, "one-parley").avahi(t); !strings.Contains(late.output(), "Host name is one-parley-2.local") {
		t.Error("avahi took the name of our machine")
	}
	if i, _ := b.finds(t, "Kitchen, 1st floor (3)", kind); i.Host != "one-parley.local" {
		t.Errorf("our machine is %s now, want one-parley.local", i.Host)
	}
}

// TestBonjourTwoCables has a machine in one network twice, as with Ethernet and Wi-Fi:
// what it says by one comes back by the other, and is no conflict.
func TestBonjourTwoCables(t *testing.T) {
	t.Parallel()
	const kind = "_twice._udp"
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs := one.avahi(t)
	l.join(t, two, "eth1")
	two.address(t, "eth1", "add 10.77.0.52/24")
	a, b := one.engine(t), two.engine(t)
	b.await(t, "both links", func() bool { return len(b.links()) == 2 })
	a.do(t, "browse", "", kind, 0)
	b.do(t, "browse", "", kind, 0)
	if got := b.publish(t, "Anna", kind, 5060); got != "Anna" {
		t.Errorf("published as %q, want Anna", got)
	}
	a.await(t, "all addresses", func() bool {
		i := a.found(kind)["Anna"]
		return i.Name != "" && has(i, two.ip) && has(i, "10.77.0.52")
	})
	theirs.publish(t, "Door", kind, 5060)
	b.finds(t, "Door", kind)
	never(t, 3*time.Second, "Anna is renamed, or lost", func() bool {
		a.poll(t)
		b.poll(t)
		return len(a.found(kind)) != 2 || b.published(t, "Anna", kind) != "Anna"
	})
	if i := a.found(kind)["Anna"]; i.Host != "two-parley.local" {
		t.Errorf("the machine is called %s, want two-parley.local", i.Host)
	}
	theirs.undisturbed(t)
}
