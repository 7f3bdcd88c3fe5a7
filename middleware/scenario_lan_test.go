package middleware_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/bonjour/bonjourtest"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/sip/siptest"
	"parley/storage"
)

// A Parley that was killed and started again has left its old contact behind, and
// somebody claims to be it at a newer one. The call finds it.
func TestKilledNeighbourIsFoundAgain(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		n := neighbour(t, anna)
		ben.LAN.Kill()
		ben = ben.Restart(middlewaretest.OnLAN(h.lan, "Ben"), func(_ *middleware.Config, s *storage.Settings) { s.Calls.DirectCalls = false })
		h.settle()
		if now := neighbour(t, anna); now.ID != n.ID || now.URI == n.URI {
			t.Errorf("before %s, after the restart %s; want the new contact", n.URI, now.URI)
		}
		carla := h.phone("Carla", "192.0.2.3") // who has not met ben
		claims := []string{"name=Ben", "instance_id=" + n.ID, "key=" + n.Key}
		h.publish("ben-x", "192.0.2.77", "_sipuri._tcp", "b", 5061, append(claims, "contact=<sip:gone@192.0.2.77;transport=tls>")...)
		h.publish("ben-y", "192.0.2.2", "_sipuri._tcp", "c", 5061, append(claims, "contact=<sip:stale@192.0.2.2;transport=tls>")...)
		out := anna.Dial(n.Target)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if in := ben.Session().Snapshot(); !in.Verified || !out.Snapshot().Progress.Ringing {
			t.Errorf("ben is called, verified %t; anna's call: %+v", in.Verified, out.Snapshot().Progress)
		}
		ben.Session().Accept()
		soon()
		wantNames(t, "anna", anna, "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionWillStart", "SIPSessionDidStart")
		out.End()
		soon()
		if got, _ := account(carla).Neighbour(n.ID); !strings.Contains(got.URI, "stale@") {
			t.Errorf("carla would call %s first, want what was told last", got.URI)
		}
		out = carla.Dial(n.Target)
		soon()
		ben.Session().Accept()
		soon()
		wantNames(t, "carla", carla, "SIPSessionNewOutgoing", "SIPSessionGotRingIndication", "SIPSessionWillStart", "SIPSessionDidStart")
		if snap := out.Snapshot(); snap.RedirectedTo.URI != "" || snap.Audio.Encryption != middleware.Encrypted {
			t.Errorf("carla's call: redirected to %q, encryption %v", snap.RedirectedTo.URI, snap.Audio.Encryption)
		}
		if _, told := middlewaretest.Last[middleware.BonjourAccountNeighbourKeyDidChange](anna); told {
			t.Error("a call that went through was told as one to somebody else")
		}
	})
}

// Whoever says to be a neighbour without its key is a stranger.
func TestForgedCallerIsAStranger(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		eve := siptest.NewPeer(t, &h.net.SIP, "192.0.2.1:5999") // anna's machine, as far as anybody can tell
		defer eve.Close()
		contact, _ := account(ben).Contact().URI("udp")
		user := account(anna).Contact().Username
		eve.Send(netip.MustParseAddrPort("192.0.2.2:5060"), invite(contact, "UDP 192.0.2.1:5999", `"Anna" <sip:`+user+`@192.0.2.1>`, "RTP/AVP"))
		eve.Expect("180 INVITE")
		if snap := ben.Session().Snapshot(); snap.Neighbour != "" || snap.Verified || strings.HasPrefix(snap.Peer.URI, "bonjour:") || snap.Account != middleware.BonjourID {
			t.Errorf("a forged caller is shown as %+v, neighbour %q", snap.Peer, snap.Neighbour)
		}
	})
}

// invite is the text of an INVITE that offers G.722.
func invite(to, via, from, profile string) string {
	return "INVITE " + to + " SIP/2.0\nVia: SIP/2.0/" + via + ";branch=z9hG4bK" + strconv.Itoa(len(from)) + "\nMax-Forwards: 70\nFrom: " + from + ";tag=f\nTo: <" + to + ">\n" +
		"Call-ID: " + strconv.Itoa(len(from)) + "\nCSeq: 1 INVITE\nContact: <sip:eve@192.0.2.66:5999>\nContent-Type: application/sdp\nContent-Length: 128\n\n" +
		fmt.Sprintf("%-126s\r\n", "v=0\r\no=- 1 1 IN IP4 192.0.2.66\r\ns=-\r\nc=IN IP4 192.0.2.66\r\nt=0 0\r\nm=audio 4000 "+profile+" 9\r\na=rtpmap:9 G722/8000")
}

// A Parley that offers sound in clear is refused, whatever else it has proved.
func TestParleyMustEncrypt(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		id, err := anna.Profile.Identity()
		if err != nil {
			t.Fatal(err)
		}
		for keyed, want := range map[bool]string{true: "488", false: "180"} {
			raw, err := h.net.SIP.Host("192.0.2.50").Dial(t.Context(), netip.Addr{}, netip.MustParseAddrPort("192.0.2.2:5061"))
			if err != nil {
				t.Fatal(err)
			}
			cfg := &tls.Config{InsecureSkipVerify: true}
			if keyed {
				cfg.Certificates = []tls.Certificate{id}
			}
			got := status(t, tls.Client(raw, cfg), invite(contactOf(t, ben), "TLS 192.0.2.50:5061", fmt.Sprintf("<sip:anna%t@192.0.2.50>", keyed), "RTP/AVP"))
			if got != want {
				t.Errorf("in clear, with the key of a Parley %t: %s, want %s", keyed, got, want)
			}
		}
	})
}

func contactOf(t *testing.T, p *middlewaretest.Phone) string {
	t.Helper()
	uri, ok := account(p).Contact().URI("tls")
	if !ok {
		t.Fatal("no contact for TLS")
	}
	return uri
}

// status sends a request over a connection and returns the status of the first
// response but 100.
func status(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // without one, the read waits for ever
	if _, err := c.Write([]byte(siptest.Wire(request))); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "SIP/2.0 "); ok && !strings.HasPrefix(rest, "100") {
			return rest[:3]
		}
	}
	t.Fatalf("no response: %v", lines.Err())
	return ""
}

// Phones without an instance id are neighbours like others: they are called, and
// known as who they are when they call, though nothing is proved.
func TestOtherPhonesAreNeighbours(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ben := h.phone("Ben", "192.0.2.2")
		phone := middlewaretest.NewPhone(t, h.net, "192.0.2.9")
		user := account(phone).Contact().Username
		h.publish("kitchen", "192.0.2.9", "_sip._udp", "Kitchen: door & oven", 5060, "contact=sip:"+user+"@192.0.2.9")
		n := neighbour(t, ben)
		if n.Title() != "Kitchen: door & oven (kitchen)" || n.Trust != middleware.TrustNone || n.Transport != "udp" {
			t.Errorf("ben sees %+v", n)
		}
		adjust(t, ben, func(s *middleware.BonjourSettings) { s.CallsFrom = middleware.CallsFromNeighbours })
		contact, _ := account(ben).Contact().URI("udp")
		phone.Dial(contact)
		soon()
		snap := ben.Session().Snapshot()
		if snap.Neighbour != n.ID || snap.Peer.Name != n.Name || snap.Peer.URI != n.Target || snap.Verified {
			t.Errorf("called by %+v, neighbour %q, verified %t", snap.Peer, snap.Neighbour, snap.Verified)
		}
		ben.Session().End()
		soon()
		out := ben.Dial("kitchen: DOOR & oven")
		soon()
		phone.Session().Accept()
		soon()
		if got := out.Snapshot(); got.Audio.Encryption != middleware.NotEncrypted || !got.Audio.Active || got.Neighbour != n.ID {
			t.Errorf("a call to it: encryption %v, active %t, neighbour %q", got.Audio.Encryption, got.Audio.Active, got.Neighbour)
		}
		if len(ben.Profile.Neighbours().List()) != 0 {
			t.Error("a phone without a key was remembered")
		}
	})
}

// A machine on two networks is called at its address on each.
func TestNeighbourOnTwoLinks(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna := h.phone("Anna", "192.0.2.1", func(c *middleware.Config, _ *storage.Settings) {
			c.Network.(*siptest.Host).SetAddrs("192.0.2.1", "198.51.100.1")
			for _, taken := range []string{"198.51.100.1:40001", "198.51.100.1:40002", "198.51.100.1:40004"} { // by others
				l, err := h.net.SIP.Host("198.51.100.1").Listen(t.Context(), netip.MustParseAddrPort(taken))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = l.Close() })
			}
			c.Listen = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:0"), netip.MustParseAddrPort("198.51.100.1:0")}
			c.Direct = netip.AddrPort{}
			c.Bonjour.(*bonjourtest.Host).AddLink("wlan0", "wireless", "198.51.100.1/24")
		})
		ben := h.phone("Ben", "192.0.2.2")
		carla := h.phone("Carla", "198.51.100.3", func(c *middleware.Config, _ *storage.Settings) {
			host := c.Bonjour.(*bonjourtest.Host)
			host.RemoveLink("eth0")
			host.AddLink("wlan0", "wireless", "198.51.100.3/24")
		})
		for addr, p := range map[string]*middlewaretest.Phone{"192.0.2.1": ben, "198.51.100.1": carla} {
			if n := neighbour(t, p); !strings.Contains(n.URI, "@"+addr+":") {
				t.Errorf("anna is called at %s, want %s", n.URI, addr)
			}
			lanCall(t, p, anna, "Anna")
			anna.Session().End()
			soon()
		}
		if list := account(anna).Neighbours(); len(list) != 2 {
			t.Errorf("anna sees %+v, want both", list)
		}
	})
}

// Who left while the machine slept is not on the list for long after it.
func TestNeighboursLeaveDuringSleep(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		var machine middlewaretest.Machine
		anna := h.phone("Anna", "192.0.2.1", machine.Option())
		ben, _ := h.phone("Ben", "192.0.2.2"), h.phone("Carla", "192.0.2.3")
		machine.Power <- middleware.WillSleep
		h.lan.SetHook(func(_ bonjourtest.Packet, receiver string) bonjourtest.Verdict {
			return bonjourtest.Verdict{Lost: receiver == "anna"}
		})
		ben.Stop()
		h.settle()
		h.lan.SetHook(nil)
		machine.Power <- middleware.DidWake
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := neighbour(t, anna); n.Name != "Carla" {
			t.Errorf("anna sees %s, want Carla alone", n.Title())
		}
	})
}

// Who is gone without a goodbye is off the list soon after it could not be called.
func TestKilledNeighbourIsLost(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		n := neighbour(t, anna)
		h.phone("Carla", "192.0.2.3")
		ben.LAN.Kill()
		ben.Stop()
		time.Sleep(30 * time.Second)
		if list := account(anna).Neighbours(); len(list) != 2 {
			t.Fatalf("neighbours = %+v, want both still", list)
		}
		anna.Dial(n.Target)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := neighbour(t, anna); n.Name != "Carla" {
			t.Errorf("anna sees %s, want Carla alone", n.Title())
		}
	})
}

// Without IPv4 neighbours are called at their addresses of IPv6.
func TestNeighboursOverIPv6(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.phone("Anna", "fd00::1"), h.phone("Ben", "fd00::2")
		if n := neighbour(t, anna); !strings.Contains(n.URI, "@[fd00::2]:5061") {
			t.Errorf("ben is called at %q", n.URI)
		}
		lanCall(t, anna, ben, "Ben")
	})
}

// The rules for calls know neighbours by what they have proved.
func TestRulesKnowNeighbours(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		set(t, ben, func(s *middleware.Settings) { s.Calls.ContactsOnly = true })
		out := anna.Dial("Ben")
		soon()
		if got := out.Snapshot().End.Code; got != 603 {
			t.Errorf("a neighbour who is no contact gets %d, want 603", got)
		}
		c := middleware.Contact{Name: "Anna at work", Addresses: []middleware.ContactAddress{{Address: neighbour(t, ben).Target}}}
		if _, err := ben.App.Contacts().Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		out = anna.Dial("Ben")
		soon()
		if got := ben.Session().Snapshot().Peer; got.Name != "Anna at work" || !out.Snapshot().Progress.Ringing {
			t.Errorf("ben is called by %+v", got)
		}
		out.End()
		soon()
		set(t, ben, func(s *middleware.Settings) { s.Calls.Reject = []string{neighbour(t, ben).Target} })
		out = anna.Dial("Ben")
		soon()
		if got := out.Snapshot().End.Code; got != 603 {
			t.Errorf("who is to be turned away gets %d, want 603", got)
		}
		set(t, ben, func(s *middleware.Settings) { s.Calls.Reject = nil })
		if err := ben.App.SetUserStatus(middleware.DoNotDisturb); err != nil {
			t.Fatal(err)
		}
		out = anna.Dial("Ben")
		soon()
		if got := out.Snapshot().End.Code; got != 486 {
			t.Errorf("who is not to be disturbed answers %d, want 486", got)
		}
	})
}

// Thousands of services on the network are listed as far as is reasonable. The one
// who is known stays, and is called as before.
func TestTenThousandServices(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		n := neighbour(t, anna)
		middlewaretest.Flood(h.lan, "192.0.2.200:5353", 10_000)
		h.settle()
		list := account(anna).Neighbours()
		if now, ok := account(anna).Neighbour(n.ID); !ok || now.Trust != middleware.TrustKnown || len(list) > 1001 || len(list) < 100 {
			t.Errorf("%d neighbours, the one who is known %+v", len(list), now)
		}
		anna.Dial(n.Target)
		soon()
		if !ben.Session().Snapshot().Verified {
			t.Error("ben is not called")
		}
	})
}

// A network full of nonsense and of thousands of services is listed as far as it
// goes, and calls go through all the same.
func TestHostileNetwork(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		anna, ben := h.met()
		n := neighbour(t, anna)
		hostile := [][]string{
			nil,
			{""},
			{"="},
			{"name"},
			{"instance_id="},
			{"contact=<sip:"},
			{"contact=sip:%00@[::1]:99999"},
			{"name=\x00\x1b[2J\u202e", "instance_id=x"},
			{strings.Repeat("a", 300)},
			{"name=" + strings.Repeat("ü", 200)},
			{"instance_id=" + n.ID},
			{"key=" + n.Key, "instance_id=" + n.ID},
		}
		for i, text := range hostile {
			h.publish(fmt.Sprint("evil", i), fmt.Sprint("192.0.2.", 100+i), "_sipuri._udp", fmt.Sprint("evil\n", i, "."), uint16(i), text...)
		}
		flood := make([]string, 0, 3)
		for i := range 200 {
			flood = append(flood[:0], fmt.Sprint("name=N", i), fmt.Sprint("instance_id=n", i))
			h.publishQuietly(fmt.Sprint("flood", i), "_sip._udp", flood)
		}
		h.settle()
		now, ok := account(anna).Neighbour(n.ID)
		if !ok || now.Trust != middleware.TrustKnown || !now.Callable() {
			t.Fatalf("the one who is known: %+v, %t", now, ok)
		}
		for _, got := range account(anna).Neighbours() {
			if strings.ContainsFunc(got.Title()+got.Note+string(got.State), func(r rune) bool { return r < ' ' || r == '\u202e' }) || len(got.Name) > 400 {
				t.Errorf("shown as %q", got.Title())
			}
		}
		if len(account(anna).Neighbours()) < 200 {
			t.Errorf("%d neighbours, want all", len(account(anna).Neighbours()))
		}
		out := anna.Dial(n.Target)
		soon()
		if !slices.ContainsFunc(ben.App.SessionManager().Snapshots(), func(s middleware.SessionSnapshot) bool { return s.Verified }) {
			t.Errorf("ben is not called: %+v", out.Snapshot().End)
		}
	})
}
