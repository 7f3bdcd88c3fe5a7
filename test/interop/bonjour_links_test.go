package interop

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
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

// TestBonjourManyKnownAnswers has our engine and avahi know a hundred services of each
// other. Their questions have the answers with them, in several packets, and nobody
// says any of it again (RFC 6762 section 7.2).
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
	talk(6 * time.Second) // it is announced again
	atTwo := theirs.browsing(t, kind)
	ours.do(t, "browse", "", kind, 0)
	ours.await(t, "all services", func() bool { return len(ours.found(kind)) == count })
	eventually(t, 20*time.Second, "avahi knows all", func() bool { _, resolved := atTwo.found(); return len(resolved) == 2*count })
	c := l.listen(t)
	talk(4500 * time.Millisecond) // both ask once more at least
	packets := c.packets(t)
	for _, of := range []*machine{one, two} {
		asked, truncated := 0, 0
		for _, s := range slices.Concat(sayings(t, packets, of, false), sayings(t, packets, of, true)) {
			if of == one {
				s.conforms(t)
			}
			if s.Response {
				if _, again := hasRecord(s.Answer, kind+".local.", dns.TypePTR); again {
					t.Errorf("%s says what was known:\n%s", of.name, headOf(s))
				}
				continue
			}
			asked += len(s.Question)
			if s.Truncated {
				truncated++
			}
		}
		t.Logf("%s asked %d questions, %d packets were not the last of theirs", of.name, asked, truncated)
		if asked == 0 || truncated == 0 {
			t.Errorf("%s asked %d questions, and %d packets said that more comes", of.name, asked, truncated)
		}
	}
}

// headOf is the beginning of what a packet says.
func headOf(s saying) string {
	lines := strings.SplitAfter(fmt.Sprint(s.Msg), "\n")
	return strings.Join(lines[:min(len(lines), 10)], "")
}
