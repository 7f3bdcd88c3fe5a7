package bonjour_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/bonjour"
	"parley/bonjour/bonjourtest"
)

func TestCablePulledAndPlugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		h := n.Host("a", "10.0.0.1/24")
		h.Pull("eth0")
		a := join(t, n, h)
		a.publish(anna)
		b := join(t, n, n.Host("b", "10.0.0.2/24"))
		b.publish(bonjour.Service{Name: "Bert", Type: "_sip._udp", Port: 7})
		a.browse("_sip._udp")
		time.Sleep(6 * time.Second)
		a.wants("without a cable", "0s Anna probing: "+bonjour.ErrNoLink.Error())
		if got := a.Status(); got.Err != bonjour.ErrNoLink || got.Links != nil {
			t.Errorf("Status() without a cable = %v, want ErrNoLink", got)
		}
		h.Plug("eth0")
		time.Sleep(14 * time.Second)
		a.wants("plugged", "10s status [eth0] <nil>", "10s Anna probing", "10.12s found Bert b.local:7 [10.0.0.2] []", "10.85s Anna announced")
		h.Pull("eth0")
		a.LinksChanged()
		a.wants("pulled", "20s lost Bert b.local:7 [10.0.0.2] []", "20s status [] "+bonjour.ErrNoLink.Error(), "20s Anna probing: "+bonjour.ErrNoLink.Error())
		n.Forget()
		h.Plug("eth0")
		a.LinksChanged()
		time.Sleep(5 * time.Second)
		a.wants("again", "20s status [eth0] <nil>", "20s Anna probing", "20.12s found Bert b.local:7 [10.0.0.2] []", "20.85s Anna announced")
		if got := h.OpenConns(); got != 1 {
			t.Errorf("%d sockets are open, want 1", got)
		}
	})
}

func TestAddressChanged(t *testing.T) {
	announced(t, func(r *rig) { // in the same network: the new one is announced, the old one gone
		r.host.SetAddrs("eth0", "10.0.0.2/24")
		r.LinksChanged()
		all := "response answers a.local. 0 A 10.0.0.1 flush, a.local. 120 A 10.0.0.2 flush"
		again := "response answers a.local. 120 A 10.0.0.2 flush"
		r.says(10*time.Second, "0s "+all, "1s "+again, "3s "+again)
		r.wants("same network", "0s status [eth0] <nil>")
	})
	announced(t, func(r *rig) { // one more: both, or the flush bit would take the first away
		r.host.SetAddrs("eth0", "10.0.0.1/24", "10.0.0.2/24")
		r.LinksChanged()
		both := "response answers " + aRec + ", a.local. 120 A 10.0.0.2 flush"
		r.says(10*time.Second, "0s "+both, "1s "+both, "3s "+both)
	})
	announced(t, func(r *rig) { // in another network everything begins anew
		r.host.SetAddrs("eth0", "10.7.0.1/24")
		time.Sleep(10 * time.Second)
		r.wants("another network", "5s status [eth0] <nil>", "5s Anna probing", "5.85s Anna announced")
		got := sent(r.net, r.start, "a")
		if len(got) != 7 || !strings.HasPrefix(got[0], "5s response answers a.local. 0 A 10.0.0.1 flush") ||
			!strings.HasPrefix(got[1], "5.1s query a.local. ANY") || !strings.HasPrefix(got[4], "5.85s response answers a.local. 120 A 10.7.0.1 flush, _sip") {
			t.Errorf("sent in another network:\n%s", strings.Join(got, "\n"))
		}
	})
	announced(t, func(r *rig) { // with one more network nothing begins anew
		r.host.SetAddrs("eth0", "10.0.0.1/24", "fe80::1/64")
		r.LinksChanged()
		time.Sleep(10 * time.Second)
		r.wants("link-local", "0s status [eth0] <nil>", "0s Anna probing", "850ms Anna announced")
		r.net.Forget()
		r.host.SetAddrs("eth0", "10.0.0.1/24", "fe80::1/64", "fd00::1/64")
		r.LinksChanged()
		both := "10s response answers a.local. 120 AAAA fd00::1 flush, a.local. 120 AAAA fe80::1 flush"
		r.says(500*time.Millisecond, both, both) // over IPv4 and IPv6
		r.wants("one more network", "10s status [eth0] <nil>")
	})
	announced(t, func(r *rig) { // with another family the sockets join another group
		r.browse("_sip._udp")
		time.Sleep(time.Minute)
		b := join(r.t, r.net, r.net.Host("b", "fe80::b/64"))
		b.browse("_sip._udp")
		b.publish(bonjour.Service{Name: "Bert", Type: "_sip._udp", Port: 7})
		time.Sleep(time.Minute)
		r.wants("before")
		r.host.SetAddrs("eth0", "10.0.0.1/24", "fe80::1/64")
		r.LinksChanged()
		time.Sleep(time.Minute)
		r.wants("with IPv6", "2m0s status [eth0] <nil>", "2m0s Anna probing",
			"2m0.12s found Bert b.local:7 [fe80::b%eth0] []", "2m0.85s Anna announced")
		b.wants("with IPv6", "0s status [eth0] <nil>", "0s Bert probing", "758ms Bert announced",
			`1m0.85s found Anna a.local:5060 [10.0.0.1 fe80::1%eth0] ["name=Anna"]`)
		if got := r.host.OpenConns(); got != 1 {
			t.Errorf("%d sockets are open, want 1", got)
		}
	})
}

func TestLinkAdded(t *testing.T) {
	announced(t, func(r *rig) {
		r.host.AddLink("wlan0", "wifi", "192.168.1.1/24")
		c := r.net.Host("c")
		c.AddLink("wlan0", "wifi", "192.168.1.2/24")
		watch := join(r.t, r.net, c)
		watch.browse("_sip._udp")
		time.Sleep(10 * time.Second)
		r.wants("added", "5s status [eth0 wlan0] <nil>", "5s Anna probing", "5.85s Anna announced")
		watch.wants("on the new link", "0s status [wlan0] <nil>", `5.85s found Anna a.local:5060 [192.168.1.1] ["name=Anna"]`)
		for _, p := range r.net.Sent("a") {
			if p.Segment == bonjourtest.LAN {
				t.Errorf("sent on the old link: %v", p)
			}
		}
		r.host.RemoveLink("wlan0")
		time.Sleep(10 * time.Second)
		r.wants("removed", "15s status [eth0] <nil>")
	})
}

func TestTextIsAnnouncedPerLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		h := n.Host("a", "10.0.0.1/24")
		h.AddLink("wlan0", "wifi", "192.168.1.1/24")
		a := join(t, n, h)
		state := "Available"
		s := anna
		s.Text = func(l bonjour.Link) []string {
			return []string{"at=" + l.Addrs[0].Addr().String(), "state=" + state, strings.Repeat("x", 256), ""}
		}
		pub := a.publish(s)
		time.Sleep(10 * time.Second)
		n.Forget()
		start := time.Now()
		pub.Update()                                        // nothing changed
		for _, s := range []string{"Away", "Dnd", "Busy"} { // too fast for the link
			synctest.Wait()
			state = s
			pub.Update()
		}
		time.Sleep(10 * time.Second)
		eth := `response answers Anna._sip._udp.local. 4500 TXT "at=10.0.0.1" "state=Busy" "" flush`
		wlan := `response answers Anna._sip._udp.local. 4500 TXT "at=192.168.1.1" "state=Busy" "" flush`
		if diff := cmp.Diff([]string{"250ms " + eth, "250ms " + wlan, "1.25s " + eth, "1.25s " + wlan, "3.25s " + eth, "3.25s " + wlan}, sent(n, start, "a")); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

func TestWhatTheSystemRefusesIsTriedAgain(t *testing.T) {
	denied := errors.New("permission denied")
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		h := n.Host("a", "10.0.0.1/24")
		h.FailOpen(denied)
		a := join(t, n, h)
		a.publish(anna)
		time.Sleep(30 * time.Second)
		a.wants("refused to open", "0s status [] eth0: permission denied", "0s Anna probing: eth0: permission denied")
		h.FailOpen(nil)
		time.Sleep(10 * time.Second) // tried after 1, 3, 7, 15, 31 seconds
		a.wants("allowed", "31s status [eth0] <nil>", "31s Anna probing", "31.85s Anna announced")
	})
	announced(t, func(r *rig) {
		r.host.FailSend(denied)
		r.pub.Update()
		r.hears(query([]string{"a.local. A"}))
		time.Sleep(time.Minute)
		r.wants("one packet not sent")
		r.browse("_sip._tcp")
		time.Sleep(time.Minute)
		r.wants("three packets not sent", "1m1.06s status [] eth0: permission denied", "1m1.06s Anna probing: eth0: permission denied")
		r.host.FailSend(nil)
		time.Sleep(2 * time.Minute)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.got) != 3 || !strings.HasSuffix(r.got[2], "Anna announced") {
			t.Errorf("told when sending works again: %q, want to be announced", r.got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		h := n.Host("a", "10.0.0.1/24")
		h.FailLinks(denied)
		a := join(t, n, h)
		a.publish(anna)
		time.Sleep(time.Second)
		a.wants("no list", "0s status [] permission denied", "0s Anna probing: permission denied")
		h.FailLinks(nil)
		time.Sleep(9 * time.Second)
		a.wants("a list", "5s status [eth0] <nil>", "5s Anna probing", "5.85s Anna announced")
		h.FailLinks(denied) // what there is goes on
		time.Sleep(9 * time.Second)
		a.wants("no list again")
	})
}

// Whoever begins to look later than others is told of what is there, and nobody after
// the end.
func TestTwoBrowsersOfOneType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		a, b := join(t, n, n.Host("a", "10.0.0.1/24")), join(t, n, n.Host("b", "10.0.0.2/24"))
		b.publish(bonjour.Service{Name: "Bert", Type: "_sip._udp", Port: 7})
		first := a.browse("_sip._udp")
		time.Sleep(10 * time.Second)
		second := a.browse("_SIP._udp")
		a.wants("both", "0s status [eth0] <nil>", "758ms found Bert b.local:7 [10.0.0.2] []", "10s found Bert b.local:7 [10.0.0.2] []")
		first.Close()
		b.Close(context.Background())
		time.Sleep(5 * time.Second)
		a.wants("the second", "10s lost Bert b.local:7 [10.0.0.2] []")
		second.Close()
		second.Close()
		c := join(t, n, n.Host("c", "10.0.0.3/24"))
		c.publish(bonjour.Service{Name: "Clara", Type: "_sip._udp", Port: 7})
		time.Sleep(5 * time.Second)
		a.wants("none")
	})
}

// A machine with two links to one network answers on each of them for itself: what the
// one says does not take the addresses of the other away for a moment.
func TestTwoLinksToOneNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bonjourtest.NewNetwork()
		h := n.Host("a", "10.0.0.1/24")
		h.AddLink("wlan0", bonjourtest.LAN, "10.0.0.50/24")
		a, b := join(t, n, h), join(t, n, n.Host("b", "10.0.0.2/24"))
		a.publish(anna)
		b.browse("_sip._udp")
		n.SetHook(func(p bonjourtest.Packet, _ string) bonjourtest.Verdict {
			if p.From.Addr().String() == "10.0.0.50" {
				return bonjourtest.Verdict{Delay: 200 * time.Millisecond}
			}
			return bonjourtest.Verdict{}
		})
		time.Sleep(time.Hour)
		b.wants("in an hour", "0s status [eth0] <nil>", "758ms found Anna a.local:5060 [10.0.0.1] []", "958ms changed Anna a.local:5060 [10.0.0.1 10.0.0.50] []")
		h.SetAddrs("eth0", "10.0.0.3/24")
		h.Pull("wlan0")
		a.LinksChanged()
		time.Sleep(5 * time.Minute)
		b.wants("others", "1h0m0s changed Anna a.local:5060 [10.0.0.3 10.0.0.50] []", "1h0m1s changed Anna a.local:5060 [10.0.0.3] []")
	})
}
