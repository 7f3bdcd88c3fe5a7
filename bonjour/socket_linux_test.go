package bonjour

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"parley/internal/leaktest"
)

// A host is a network namespace: what runs in it sees no other interfaces than its
// own.
type host struct {
	do  chan func()
	tid int
}

// newHost makes a namespace, or skips the test where that is forbidden.
func newHost(t *testing.T) *host {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		unable(t, err)
	}
	h := &host{do: make(chan func())}
	began := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		h.tid = unix.Gettid()
		began <- err
		for f := range h.do {
			f()
		}
	}()
	t.Cleanup(func() { close(h.do) })
	if err := <-began; err != nil {
		unable(t, err)
	}
	return h
}

func unable(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("cannot make a network namespace, and CI demands it: %v", err)
	}
	t.Skipf("needs the right to make a network namespace: %v", err)
}

// in runs f in the namespace.
func (h *host) in(f func()) {
	done := make(chan struct{})
	h.do <- func() {
		defer close(done)
		f()
	}
	<-done
}

// ip runs the program of that name in the namespace.
func (h *host) ip(t *testing.T, line string) {
	t.Helper()
	h.in(func() {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Errorf("ip %s: %v\n%s", line, err, out)
		}
	})
}

// cable joins two hosts by an interface in each, with addresses 10.N.0.1 and
// 10.N.0.2, and fe80::1 and fe80::2.
func cable(t *testing.T, a, b *host, name string, n int) {
	t.Helper()
	a.ip(t, fmt.Sprintf("link add %s type veth peer name %s netns /proc/%d/task/%d/ns/net", name, name, os.Getpid(), b.tid))
	for i, h := range []*host{a, b} {
		h.ip(t, fmt.Sprintf("link set %s addrgenmode none", name))
		h.ip(t, fmt.Sprintf("address add 10.%d.0.%d/24 dev %s", n, i+1, name))
		h.ip(t, fmt.Sprintf("address add fe80::%d/64 dev %s nodad", i+1, name))
		h.ip(t, fmt.Sprintf("link set %s up", name))
	}
}

// open opens the link of that name on a host, once it is there.
func (h *host) open(t *testing.T, name string) Conn {
	t.Helper()
	var c Conn
	for begun := time.Now(); c == nil; <-time.After(10 * time.Millisecond) {
		var links []Link
		var err error
		h.in(func() {
			links, err = SystemNetwork().Links()
			for _, l := range links {
				if l.Name == name {
					c, err = SystemNetwork().Open(l)
				}
			}
		})
		if err != nil || time.Since(begun) > 5*time.Second {
			t.Fatalf("open %s: %v, of links %v", name, err, links)
		}
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask has a Conn ask, on the host: it opens sockets.
func (h *host) ask(t *testing.T, c Conn, what string) {
	t.Helper()
	h.in(func() { must(t, c.Ask([]byte(what))) })
}

// reads returns so many packets, "data from address [multicast] [asked]" each.
func reads(t *testing.T, c Conn, count int) []string {
	t.Helper()
	var got []string
	type packet struct {
		text string
		err  error
	}
	for range count {
		next := make(chan packet, 1)
		go func() {
			buf := make([]byte, MaxPacket)
			n, m, err := c.Read(buf)
			text := fmt.Sprintf("%s from %v", buf[:n], m.From)
			if m.From.Addr().Is4() == m.V6 {
				text += " with the wrong family"
			}
			if m.Multicast {
				text += " multicast"
			}
			if m.Asked {
				text += " asked"
			}
			next <- packet{text, err}
		}()
		select {
		case p := <-next:
			if p.err != nil {
				t.Errorf("Read: %v", p.err)
				return got
			}
			got = append(got, p.text)
		case <-time.After(5 * time.Second):
			t.Errorf("Read: nothing more than %v", got)
			c.Close()
			<-next
			return got
		}
	}
	return got
}

func wants(t *testing.T, when string, c Conn, want ...string) {
	t.Helper()
	got := reads(t, c, len(want))
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: read (-want +got):\n%s", when, diff)
	}
}

func TestSocketsOnRealLinks(t *testing.T) {
	leaktest.Check(t)
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	cable(t, a, b, "two", 72)
	a1, a2, b1, b2 := a.open(t, "one"), a.open(t, "two"), b.open(t, "one"), b.open(t, "two")

	must(t, a1.Multicast([]byte("x")))
	wants(t, "at the other end", b1, "x from 10.71.0.1:5353 multicast", "x from [fe80::1%one]:5353 multicast")
	wants(t, "own packets", a1, "x from 10.71.0.1:5353 multicast", "x from [fe80::1%one]:5353 multicast")

	// Had anything of the first link come to the second, it would be read now.
	must(t, b2.Multicast([]byte("y")))
	wants(t, "the second link", a2, "y from 10.72.0.2:5353 multicast", "y from [fe80::2%two]:5353 multicast")
	wants(t, "own packets of it", b2, "y from 10.72.0.2:5353 multicast", "y from [fe80::2%two]:5353 multicast")
}

// A responder of the system has a socket on all addresses: what is for it alone goes
// to it, although our sockets came later.
func TestUnicastIsLeftToOthers(t *testing.T) {
	leaktest.Check(t)
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	var theirs net.PacketConn
	a.in(func() {
		var err error
		theirs, err = net.ListenPacket("udp4", "224.0.0.251:5353") // on all addresses
		must(t, err)
	})
	defer theirs.Close()
	a1, b1 := a.open(t, "one"), b.open(t, "one")
	must(t, b1.Unicast([]byte("you"), netip.MustParseAddrPort("10.71.0.1:5353")))
	buf := make([]byte, 10)
	must(t, theirs.SetReadDeadline(time.Now().Add(5*time.Second)))
	n, from, err := theirs.ReadFrom(buf)
	if string(buf[:n]) != "you" || err != nil || from.String() != "10.71.0.2:5353" {
		t.Errorf("the other socket read %q from %v, %v, want \"you\" from 10.71.0.2:5353", buf[:n], from, err)
	}
	must(t, b1.Multicast([]byte("all")))
	wants(t, "multicast", a1, "all from 10.71.0.2:5353 multicast", "all from [fe80::2%one]:5353 multicast")
}

func TestAskFromAPortOfItsOwn(t *testing.T) {
	leaktest.Check(t)
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	a1, b1 := a.open(t, "one"), b.open(t, "one")
	a.ask(t, a1, "who?")
	for _, text := range reads(t, b1, 2) {
		text, ok := strings.CutPrefix(text, "who? from ")
		from, err := netip.ParseAddrPort(strings.TrimSuffix(text, " multicast"))
		if !ok || err != nil || from.Port() == Port {
			t.Errorf("read %q, want a question from another port", text)
		}
		must(t, b1.Unicast([]byte("me"), from))
	}
	got := reads(t, a1, 4)
	for _, want := range []string{"me from 10.71.0.2:5353 asked", "me from [fe80::2%one]:5353 asked"} {
		if !slices.Contains(got, want) {
			t.Errorf("read %q, want %q among it", got, want)
		}
	}
}

// The time to live is 255 however a packet is sent (RFC 6762 section 11).
func TestHops(t *testing.T) {
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	a1 := a.open(t, "one")
	must(t, b.open(t, "one").Close()) // the link is up there
	var conns []net.PacketConn
	b.in(func() {
		i, err := net.InterfaceByName("one")
		must(t, err)
		for _, at := range []struct{ network, addr string }{{"udp4", "10.71.0.2:5353"}, {"udp6", "[fe80::2%one]:5353"}} {
			c, err := net.ListenPacket(at.network, at.addr)
			must(t, err)
			conns = append(conns, c)
		}
		for _, group := range []netip.AddrPort{group4, group6} {
			c, err := listenGroup(group, i.Index)
			must(t, err)
			conns = append(conns, c)
		}
		must(t, ipv4.NewPacketConn(conns[2]).JoinGroup(i, &net.UDPAddr{IP: group4.Addr().AsSlice()}))
		must(t, ipv6.NewPacketConn(conns[3]).JoinGroup(i, &net.UDPAddr{IP: group6.Addr().AsSlice()}))
	})
	for _, c := range conns {
		t.Cleanup(func() { c.Close() })
	}
	must(t, a1.Multicast([]byte("x")))
	must(t, a1.Unicast([]byte("x"), netip.MustParseAddrPort("10.71.0.2:5353")))
	must(t, a1.Unicast([]byte("x"), netip.MustParseAddrPort("[fe80::2%one]:5353")))
	for i, c := range conns {
		got, err := hopsOf(c, i%2 == 1)
		if got != hops || err != nil {
			t.Errorf("a packet to %v has %d hops left, %v, want %d", c.LocalAddr(), got, err, hops)
		}
	}
	a.ask(t, a1, "x")
	for _, c := range conns[2:] {
		got, err := hopsOf(c, c == conns[3])
		if got != hops || err != nil {
			t.Errorf("a question to %v has %d hops left, %v, want %d", c.LocalAddr(), got, err, hops)
		}
	}
}

func hopsOf(c net.PacketConn, v6 bool) (int, error) {
	buf := make([]byte, 10)
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return 0, err
	}
	if v6 {
		p := ipv6.NewPacketConn(c)
		if err := p.SetControlMessage(ipv6.FlagHopLimit, true); err != nil {
			return 0, err
		}
		_, cm, _, err := p.ReadFrom(buf)
		if cm == nil {
			return 0, errors.Join(err, errors.New("no control message"))
		}
		return cm.HopLimit, err
	}
	p := ipv4.NewPacketConn(c)
	if err := p.SetControlMessage(ipv4.FlagTTL, true); err != nil {
		return 0, err
	}
	_, cm, _, err := p.ReadFrom(buf)
	if cm == nil {
		return 0, errors.Join(err, errors.New("no control message"))
	}
	return cm.TTL, err
}

func TestOneFamilyWillDo(t *testing.T) {
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	b1 := b.open(t, "one")
	for _, tt := range []struct{ without, want string }{
		{"10.71.0.1/24", "x from [fe80::1%one]:5353 multicast"},
		{"fe80::1/64", "x from 10.71.0.1:5353 multicast"},
	} {
		a.ip(t, "address del "+tt.without+" dev one")
		c := a.open(t, "one")
		must(t, c.Multicast([]byte("x")))
		wants(t, "without "+tt.without, b1, tt.want)
		c.Close()
		a.ip(t, "address add "+tt.without+" dev one")
	}
}

func TestLinksOfTheSystem(t *testing.T) {
	a, b := newHost(t), newHost(t)
	links := func() (names string) {
		a.in(func() {
			list, err := SystemNetwork().Links()
			must(t, err)
			for _, l := range list {
				names += fmt.Sprint(l.Name, l.Addrs)
			}
		})
		return names
	}
	is := func(when, want string) {
		t.Helper()
		begun := time.Now()
		for links() != want {
			if time.Since(begun) > 5*time.Second {
				t.Errorf("%s: Links() = %s, want %s", when, links(), want)
				return
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	a.ip(t, "link set lo up")
	is("loopback alone", "")
	cable(t, a, b, "one", 71)
	is("a cable", "one[10.71.0.1/24 fe80::1/64]")
	a.ip(t, "address add 10.71.0.9/24 dev one")
	is("another address", "one[10.71.0.1/24 10.71.0.9/24 fe80::1/64]")
	b.ip(t, "link set one down")
	is("pulled", "")
	b.ip(t, "link set one up")
	is("replaced", "one[10.71.0.1/24 10.71.0.9/24 fe80::1/64]")
	a.ip(t, "link set one multicast off")
	is("no multicast", "")
}

func TestErrorsSayWhatTheSystemSaid(t *testing.T) {
	leaktest.Check(t)
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	c := a.open(t, "one")
	says := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "on one: ") || !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%s: %v, want %v on one", what, err, want)
		}
	}
	a.ip(t, "address del fe80::1/64 dev one")
	a.in(func() {
		links, err := SystemNetwork().Links()
		must(t, err)
		must(t, os.WriteFile("/proc/sys/net/ipv4/igmp_max_memberships", []byte("0"), 0o644))
		_, err = SystemNetwork().Open(links[0])
		says("Open where no group can be joined", err, syscall.ENOBUFS)
		links[0].Index = 4711
		if _, err = SystemNetwork().Open(links[0]); err == nil || !strings.Contains(err.Error(), "one: ") {
			t.Errorf("Open of an interface that is not there: %v, want an error that names it", err)
		}
	})
	a.ip(t, "link set one down")
	says("Multicast on an interface that is down", c.Multicast([]byte("x")), syscall.ENETUNREACH)
	if err := c.Unicast(nil, netip.MustParseAddrPort("[fe80::2%nowhere]:5353")); err == nil {
		t.Error("Unicast to an interface that is not there: no error")
	}
	c.Close()
	for _, err := range []error{c.Multicast(nil), c.Ask(nil), c.Unicast(nil, netip.MustParseAddrPort("10.71.0.2:5353"))} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("use after Close: %v, want %v", err, net.ErrClosed)
		}
	}
}

func TestCloseEndsRead(t *testing.T) {
	leaktest.Check(t)
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	c := a.open(t, "one")
	a.ask(t, c, "who?") // so that there are all kinds of sockets
	reads(t, c, 2)
	ended := make(chan error)
	go func() {
		_, _, err := c.Read(make([]byte, 10))
		ended <- err
	}()
	must(t, c.Close())
	must(t, c.Close())
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close: %v, want %v", err, net.ErrClosed)
		}
	case <-time.After(5 * time.Second):
		t.Error("Read does not end with Close")
	}
}

// A packet that no message can be is dropped, not cut.
func TestTooLargeAPacketIsDropped(t *testing.T) {
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	a1, b1 := a.open(t, "one"), b.open(t, "one")
	must(t, a1.Multicast(make([]byte, MaxPacket+1)))
	must(t, a1.Multicast([]byte("x")))
	wants(t, "after a packet too large", b1, "x from 10.71.0.1:5353 multicast", "x from [fe80::1%one]:5353 multicast")
}

// Links that vanish under an open Conn give errors, and nothing that spins.
func TestInterfaceVanishes(t *testing.T) {
	leaktest.Check(t)
	a, b := newHost(t), newHost(t)
	cable(t, a, b, "one", 71)
	c := a.open(t, "one")
	a.ip(t, "link del one")
	if err := c.Multicast([]byte("x")); err == nil {
		t.Error("Multicast without an interface: no error")
	}
	var before, after unix.Rusage
	must(t, unix.Getrusage(unix.RUSAGE_SELF, &before))
	time.AfterFunc(300*time.Millisecond, func() { c.Close() })
	if _, _, err := c.Read(make([]byte, 10)); err == nil {
		t.Error("Read without an interface: no error")
	}
	must(t, unix.Getrusage(unix.RUSAGE_SELF, &after))
	if used := time.Duration(after.Utime.Nano() - before.Utime.Nano()); used > 200*time.Millisecond {
		t.Errorf("reading without an interface took %v of processor time in 300 ms", used)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
