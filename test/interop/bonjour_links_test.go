package interop

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"parley/bonjour"
)

// TestBonjourOneFamily has machines that speak IPv4 or IPv6 alone among others that
// speak both.
func TestBonjourOneFamily(t *testing.T) {
	t.Parallel()
	const kind = "_family._udp"
	l := newLAN(t)
	one, two, three := l.host(t, "one"), l.host(t, "two"), l.host(t, "three")
	theirs := one.avahi(t)
	two.inside(t, func() error {
		return os.WriteFile("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", []byte("1"), 0o600)
	})
	three.address(t, "eth0", "del "+three.ip+"/24")
	a, four, six := one.engine(t), two.engine(t), three.engine(t)
	atOne := theirs.browsing(t, kind)
	a.do(t, "browse", "", kind, 0)
	for _, e := range []*engine{four, six} {
		e.do(t, "browse", "", kind, 0)
		e.publish(t, e.on.name, kind, 5060)
		atOne.finds(t, e.on.name)
		if i, _ := a.finds(t, e.on.name, kind); has(i, two.ip) != (e == four) || has(i, three.ip6) != (e == six) {
			t.Errorf("%s is at %v", e.on.name, i.Addrs)
		}
	}
	theirs.publish(t, "both", kind, 5060)
	for _, e := range []*engine{four, six} {
		e.finds(t, "both", kind)
	}
	theirs.undisturbed(t)
}

// TestBonjourForbidden has machines where there is no link, or none may join a group.
// The engine says what the system said, and goes on when it may.
func TestBonjourForbidden(t *testing.T) {
	t.Parallel()
	const kind = "_forbidden._udp"
	l := newLAN(t)
	one, two, three := l.host(t, "one"), l.host(t, "two"), l.host(t, "three")
	allow := func(h *machine, groups string) {
		h.inside(t, func() error {
			return os.WriteFile("/proc/sys/net/ipv4/igmp_max_memberships", []byte(groups), 0o600)
		})
	}
	a := one.engine(t)
	a.do(t, "browse", "", kind, 0)
	allow(two, "0")
	l.unplug(t, three)
	for _, h := range []*machine{two, three} {
		h.inside(t, func() error {
			return os.WriteFile("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", []byte("1"), 0o600)
		})
	}
	b, c := two.startEngine(t), three.startEngine(t)
	for e, want := range map[*engine]string{b: "eth0: bonjour: join 224.0.0.251 on eth0: setsockopt: no buffer space available", c: bonjour.ErrNoLink.Error()} {
		e.do(t, "publish", e.on.name, kind, 5060)
		never(t, 1500*time.Millisecond, "somebody is found", func() bool { a.poll(t); return len(a.found(kind)) > 0 })
		e.do(t, "status", "", "", 0)
		e.await(t, "trouble", func() bool { return e.trouble() != "" })
		if got := e.trouble(); got != want {
			t.Errorf("the engine on %s says %q, want %q", e.on.name, got, want)
		}
	}
	allow(two, "20")
	l.plug(t, three)
	for _, e := range []*engine{b, c} {
		a.finds(t, e.on.name, kind)
		e.poll(t)
		if trouble := e.trouble(); trouble != "" {
			t.Errorf("%s is found, and still says %s", e.on.name, trouble)
		}
	}
}

// TestBonjourManyKnownAnswers has our engine and avahi know a hundred services of each
// other. Questions have the answers with them, in several packets; our engine tells all
// that it knows, and nothing again that avahi knows (RFC 6762 section 7.2).
func TestBonjourManyKnownAnswers(t *testing.T) {
	t.Parallel()
	const kind, count = "_many._udp", 100
	l := newLAN(t)
	one, two := l.host(t, "one"), l.host(t, "two")
	theirs, ours := two.avahi(t), one.engine(t)
	for i, name := range names("a", count) {
		ours.do(t, "publish", name, kind, 5000+i, "txtvers=1", "name="+name)
	}
	ours.published(t, names("a", count)[count-1], kind)
	theirs.publishAll(t, kind, names("b", count))
	c := l.listen(t)
	c.fallsSilent(t, 3*time.Second) // all is announced, also again
	atTwo := theirs.browsing(t, kind)
	ours.do(t, "browse", "", kind, 0)
	ours.await(t, "all services", func() bool { return len(ours.found(kind)) == count })
	eventually(t, 20*time.Second, "avahi knows all", func() bool { _, resolved := atTwo.found(); return len(resolved) == 2*count })
	talk(1500 * time.Millisecond) // what was asked without is answered
	known := time.Now()
	talk(8 * time.Second) // both ask once more at least
	packets := slices.DeleteFunc(c.packets(t), func(p packet) bool { return p.at.Before(known) })
	for _, v6 := range []bool{false, true} {
		told, asked := map[string]bool{}, 0
		for _, s := range sayings(t, packets, one, v6) {
			s.conforms(t)
			for _, rr := range s.Answer {
				if pointer, ok := rr.(*dns.PTR); ok && s.Response {
					t.Errorf("our engine says again what was known: %v", pointer)
				} else if ok {
					told[pointer.Ptr] = true
				}
			}
			asked += len(s.Question)
		}
		if asked == 0 || len(told) != count {
			t.Errorf("our engine asked %d questions, with %d known answers, want %d", asked, len(told), count)
		}
		theirs := sayings(t, packets, two, v6)
		if !slices.ContainsFunc(theirs, func(s saying) bool { return !s.Response && s.Truncated && len(s.Question) > 0 }) {
			t.Error("avahi asked no question that has its known answers in several packets")
		}
	}
}

// fallsSilent waits until nothing was said for a while.
func (c *capture) fallsSilent(t testing.TB, during time.Duration) {
	t.Helper()
	size, since := int64(0), time.Now()
	eventually(t, time.Minute, "silence", func() bool {
		f, err := os.Stat(c.file)
		if err != nil {
			t.Fatal(err)
		}
		if f.Size() != size {
			size, since = f.Size(), time.Now()
		}
		return time.Since(since) > during
	})
}
