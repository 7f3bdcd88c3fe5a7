package bonjourtest_test

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

// A reader notes what a Conn reads, until that is closed.
type reader struct {
	bonjour.Conn

	mu  sync.Mutex // guards what follows
	got []string   // "data from address", with "to me" behind it for unicast
	end error
}

// open opens the link of a host that was listed at a place.
func open(t *testing.T, h *bonjourtest.Host, place int) *reader {
	t.Helper()
	links, err := h.Links()
	if err != nil || len(links) <= place {
		t.Fatalf("Links() = %v, %v, want more than %d", links, err, place)
	}
	c, err := h.Open(links[place])
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{Conn: c}
	go func() {
		buf := make([]byte, bonjour.MaxPacket)
		for {
			n, meta, err := c.Read(buf)
			r.mu.Lock()
			if err != nil {
				r.end = err
				r.mu.Unlock()
				return
			}
			text := string(buf[:n]) + " from " + meta.From.String()
			if !meta.Multicast {
				text += " to me"
			}
			if meta.Asked {
				text += " as asked"
			}
			r.got = append(r.got, text)
			r.mu.Unlock()
		}
	}()
	t.Cleanup(func() { c.Close() })
	return r
}

// wants compares what was read with what should have been, and forgets it.
func (r *reader) wants(t *testing.T, when string, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.got); diff != "" {
		t.Errorf("%s: read (-want +got):\n%s", when, diff)
	}
	r.got = nil
}

func (r *reader) say(t *testing.T, what string) {
	t.Helper()
	if err := r.Multicast([]byte(what)); err != nil {
		t.Errorf("Multicast(%s): %v", what, err)
	}
}

func TestMulticastReachesTheSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		ha, hb := n.Host("a", "10.0.0.1/24", "fe80::1/64", "fd00::1/64"), n.Host("b", "10.0.0.2/24")
		hb.AddLink("eth1", "other", "10.1.0.2/24")
		a, b, other := open(t, ha, 0), open(t, hb, 0), open(t, hb, 1)
		a.say(t, "hello")
		a.wants(t, "own packets", "hello from 10.0.0.1:5353", "hello from [fe80::1%eth0]:5353")
		b.wants(t, "IPv4 alone", "hello from 10.0.0.1:5353")
		other.wants(t, "another segment")
		if got := len(n.Sent("a")); got != 2 {
			t.Errorf("%d packets of a recorded, want 2", got)
		}
		n.Forget()
		if got := len(n.Packets()); got != 0 {
			t.Errorf("%d packets recorded after Forget, want 0", got)
		}
	})
}

func TestUnicast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		hb := n.Host("b", "10.0.0.2/24")
		a, b := open(t, n.Host("a", "10.0.0.1/24"), 0), open(t, hb, 0)
		say := func(port uint16) {
			if err := a.Unicast([]byte("you"), netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), port)); err != nil {
				t.Errorf("Unicast: %v", err)
			}
		}
		say(bonjour.Port)
		b.wants(t, "port 5353 belongs to another responder")
		hb.TakeUnicast(true)
		say(bonjour.Port)
		b.wants(t, "port 5353 is ours", "you from 10.0.0.1:5353 to me")
		say(40000)
		b.wants(t, "another port")
		a.wants(t, "unicast to somebody else")
		hb.TakeUnicast(false)
		n.InjectUnicast(bonjourtest.LAN, "192.0.2.1:7", "10.0.0.2:5353", []byte("trick"))
		b.wants(t, "injected", "trick from 192.0.2.1:7 to me")
	})
}

func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a, b := open(t, n.Host("a", "10.0.0.1/24"), 0), open(t, n.Host("b", "10.0.0.2/24"), 0)
		if err := a.Ask([]byte("who?")); err != nil {
			t.Errorf("Ask: %v", err)
		}
		from := n.Packets()[0].From
		if from.Port() == bonjour.Port {
			t.Errorf("asked from %v, want another port", from)
		}
		b.wants(t, "asked", "who? from "+from.String())
		a.wants(t, "own question", "who? from "+from.String())
		if err := b.Unicast([]byte("me"), from); err != nil {
			t.Errorf("Unicast: %v", err)
		}
		a.wants(t, "the answer", "me from 10.0.0.2:5353 to me as asked")
		b.wants(t, "somebody else's answer")
	})
}

func TestInject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a := open(t, n.Host("a", "10.0.0.1/24", "fe80::1/64"), 0)
		n.Inject(bonjourtest.LAN, "192.0.2.1:53", []byte("x"))
		n.Inject(bonjourtest.LAN, "[fe80::9]:5353", []byte("y"))
		n.Inject("other", "192.0.2.1:53", []byte("z"))
		a.wants(t, "injected", "x from 192.0.2.1:53", "y from [fe80::9%eth0]:5353")
	})
}

func TestHookLosesDelaysAndDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a, b := open(t, n.Host("a", "10.0.0.1/24"), 0), open(t, n.Host("b", "10.0.0.2/24"), 0)
		n.SetHook(func(_ bonjourtest.Packet, to string) bonjourtest.Verdict {
			if to == "a" {
				return bonjourtest.Verdict{Lost: true}
			}
			return bonjourtest.Verdict{Delay: time.Second, Copies: 1}
		})
		a.say(t, "x")
		time.Sleep(999 * time.Millisecond)
		b.wants(t, "before the delay is over")
		time.Sleep(time.Millisecond)
		b.wants(t, "after it", "x from 10.0.0.1:5353", "x from 10.0.0.1:5353")
		a.wants(t, "lost")
	})
}

func TestLinksComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		ha := n.Host("a", "10.0.0.1/24")
		a, b := open(t, ha, 0), open(t, n.Host("b", "10.0.0.2/24"), 0)
		ha.Pull("eth0")
		if links, _ := ha.Links(); len(links) != 0 {
			t.Errorf("Links() without a cable = %v, want none", links)
		}
		if err := a.Multicast([]byte("x")); !errors.Is(err, syscall.ENETDOWN) {
			t.Errorf("Multicast without a cable: %v, want %v", err, syscall.ENETDOWN)
		}
		b.say(t, "y")
		a.wants(t, "without a cable")
		b.wants(t, "own", "y from 10.0.0.2:5353")
		ha.Plug("eth0")
		ha.SetAddrs("eth0", "10.0.0.7/24")
		a.say(t, "x")
		b.wants(t, "from the new address", "x from 10.0.0.7:5353")
		a.wants(t, "with the cable", "x from 10.0.0.7:5353")

		ha.AddLink("eth1", bonjourtest.LAN, "10.0.0.8/24")
		links, err := ha.Links()
		want := []bonjour.Link{
			{Index: 2, Name: "eth0", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/24")}},
			{Index: 3, Name: "eth1", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.8/24")}},
		}
		if diff := cmp.Diff(want, links, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" || err != nil {
			t.Errorf("Links() error %v (-want +got):\n%s", err, diff)
		}
		ha.RemoveLink("eth0")
		if err := a.Multicast([]byte("x")); !errors.Is(err, syscall.ENODEV) {
			t.Errorf("Multicast on a link that is gone: %v, want %v", err, syscall.ENODEV)
		}
		if _, err := ha.Open(links[0]); !errors.Is(err, syscall.ENODEV) {
			t.Errorf("Open of a link that is gone: %v, want %v", err, syscall.ENODEV)
		}
	})
}

func TestKilledHostIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		ha := n.Host("a", "10.0.0.1/24")
		a, b := open(t, ha, 0), open(t, n.Host("b", "10.0.0.2/24"), 0)
		ha.Kill()
		a.say(t, "goodbye")
		b.say(t, "anybody?")
		a.wants(t, "killed")
		b.wants(t, "own", "anybody? from 10.0.0.2:5353")
		again := open(t, n.Host("a", "10.0.0.1/24"), 0)
		again.say(t, "back")
		b.wants(t, "after a restart", "back from 10.0.0.1:5353")
	})
}

func TestFailures(t *testing.T) {
	n := bonjourtest.NewNetwork()
	h := n.Host("a", "10.0.0.1/24")
	links, _ := h.Links()
	c, err := h.Open(links[0])
	if err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("wrong")
	h.FailLinks(wrong)
	h.FailOpen(wrong)
	h.FailSend(wrong)
	if _, err := h.Links(); !errors.Is(err, wrong) {
		t.Errorf("Links: %v, want %v", err, wrong)
	}
	if _, err := h.Open(links[0]); !errors.Is(err, wrong) {
		t.Errorf("Open: %v, want %v", err, wrong)
	}
	if err := c.Multicast(nil); !errors.Is(err, wrong) {
		t.Errorf("Multicast: %v, want %v", err, wrong)
	}
	if err := c.Unicast(nil, netip.MustParseAddrPort("10.0.0.2:5353")); !errors.Is(err, wrong) {
		t.Errorf("Unicast: %v, want %v", err, wrong)
	}
	if got := len(n.Packets()); got != 0 {
		t.Errorf("%d packets recorded, want 0", got)
	}
}

func TestCloseEndsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bonjourtest.NewNetwork().Host("a", "10.0.0.1/24")
		a := open(t, h, 0)
		synctest.Wait()
		a.Close()
		a.Close()
		synctest.Wait()
		if !errors.Is(a.end, net.ErrClosed) {
			t.Errorf("Read of a closed Conn: %v, want %v", a.end, net.ErrClosed)
		}
		if err := a.Multicast(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Multicast of a closed Conn: %v, want %v", err, net.ErrClosed)
		}
		if got := h.OpenConns(); got != 0 {
			t.Errorf("OpenConns() = %d, want 0", got)
		}
	})
}

func TestPacketText(t *testing.T) {
	m := new(dns.Msg)
	m.Response = true
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "a.local.", Rrtype: dns.TypeA, Class: dns.ClassINET | 1<<15, Ttl: 120}, A: net.IPv4(10, 0, 0, 1)}}
	n := bonjourtest.NewNetwork()
	n.Inject(bonjourtest.LAN, "10.0.0.1:5353", bonjourtest.Pack(m))
	q := new(dns.Msg)
	q.Question = []dns.Question{{Name: "a.local.", Qtype: dns.TypeANY, Qclass: dns.ClassINET | 1<<15}}
	q.Ns = []dns.RR{&dns.PTR{Hdr: dns.RR_Header{Name: "_x._udp.local.", Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: 4500}, Ptr: `a\ b._x._udp.local.`}}
	n.Inject(bonjourtest.LAN, "[fe80::1]:5353", bonjourtest.Pack(q))
	n.Inject(bonjourtest.LAN, "10.0.0.1:5353", []byte("junk"))
	var got []string
	for _, p := range n.Packets() {
		got = append(got, p.String())
	}
	want := []string{
		"10.0.0.1:5353 > 224.0.0.251:5353: response answers a.local. 120 A 10.0.0.1 flush",
		`[fe80::1]:5353 > [ff02::fb]:5353: query a.local. ANY QU; authorities _x._udp.local. 4500 PTR a\ b._x._udp.local.`,
		"10.0.0.1:5353 > 224.0.0.251:5353: 4 bytes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("String() (-want +got):\n%s", diff)
	}
}
