package middleware_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/bonjour"
	"parley/middleware"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/siptest"
	"parley/storage"
)

// An attack is what somebody hostile on the local network can do.
type attack struct {
	name  string
	does  string // what the attacker does
	stays string // what has to stay true
	run   func(t *testing.T, h *home)
}

var attacks = []attack{
	{"name is a target", "calls itself by the target of somebody who is gone", "a call back reaches nobody else", nameIsATarget},
	{"id is a name", "takes the name of somebody for an instance id", "the name alone does not call it", idIsAName},
	{"keys stripped", "announces the id of a Parley without TLS and key", "a Parley is not called in clear", keysStripped},
	{"forged caller", "says in From to be a neighbour who is let in", "nothing is answered without a person", forgedCaller},
	{"address taken", "announces an address of somebody else, and a way of its own", "a call to an address goes there", addressTaken},
	{"sent on", "lets itself be named by somebody who is known", "what was proved counts for that one alone", sentOn},
	{"renamed", "announces the id and key of somebody who is known under another name", "that one keeps its name", renamed},
	{"number is a name", "calls itself by a number", "who dials that number does not get it", numberIsAName},
	{"address is a name", "calls itself by an address", "who is called there, or sent there, does not get it", addressIsAName},
	{"storm of services", "claims one id with many services that change all the time", "the network is not asked more for that", stormOfServices},
	{"storm of calls", "calls without end", "the history stays small, and the known get through", stormOfCalls},
	{"crowd at the door", "lets many calls ring", "there is room for the known", crowdAtTheDoor},
	{"listening to logs", "reads the log of a phone", "it tells no key, and not where to call", logsTellNothing},
	{"looping", "announces a neighbour at our own address", "we do not call ourselves", looping},
	{"contested id", "claims the id of somebody who is not remembered, and is called", "the other's id is not bound to its key", contestedID},
	{"another's note", "adds a note to somebody who is known", "it is not shown as that one's", anothersNote},
	{"answered by itself", "calls a phone that answers by itself", "nobody is remembered for that", answeredByItself},
}

func TestAttacksOnTheLocalNetwork(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			atHome(t, func(t *testing.T, h *home) {
				a.run(t, h)
				if t.Failed() {
					t.Logf("the attacker %s; and yet: %s", a.does, a.stays)
				}
			})
		})
	}
}

func nameIsATarget(t *testing.T, h *home) {
	anna, ben := h.met()
	n := neighbour(t, anna)
	ben.Stop()
	for i, text := range [][]string{{"name=" + n.Target}, {"name=Eve", "instance_id=" + n.Target}, {"name=" + n.ID}} {
		name := []string{"one", "two", "three"}[i]
		h.publish(name, "192.0.2.6"+string(rune('0'+i)), "_sip._udp", name, 5060, append(text, "contact=sip:eve@192.0.2.66")...)
	}
	for _, target := range []string{n.Target, n.ID} {
		if s, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: target, Account: middleware.BonjourID}); err == nil {
			t.Errorf("%s: called %+v", target, s.Snapshot().Peer)
		}
	}
}

func idIsAName(t *testing.T, h *home) {
	anna, _ := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
	h.publish("eve", "192.0.2.66", "_sip._udp", "Eve", 5060, "name=Eve", "instance_id=ben", "contact=sip:eve@192.0.2.66")
	if n, err := account(anna).FindNeighbour("ben"); err == nil && n.Name != "Ben" {
		t.Errorf("ben is %s", n.Title())
	}
}

func keysStripped(t *testing.T, h *home) {
	anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
	n := neighbour(t, anna)
	ben.Stop()
	h.publish("ben", "192.0.2.66", "_sipuri._udp", "b", 5060, "name=Ben", "instance_id="+n.ID, "contact=sip:ben@192.0.2.66")
	if now := neighbour(t, anna); now.ID == n.ID && (now.Callable() || now.Problem != middleware.ProblemNotSecure) {
		t.Errorf("ben is called at %s", now.URI)
	}
	if _, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: n.Target}); err == nil {
		t.Error("ben is called in clear")
	}
}

func forgedCaller(t *testing.T, h *home) {
	anna, ben := h.met()
	id := neighbour(t, ben).ID
	contact, _ := account(ben).Contact().URI("udp")
	c := middleware.Contact{Name: "Anna", AutoAnswer: true, Addresses: []middleware.ContactAddress{{Address: "bonjour:" + id}, {Address: "sip:anna@example.org"}}}
	if _, err := ben.App.Contacts().Add(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	set(t, ben, func(s *middleware.Settings) {
		s.Calls.AutoAnswer, s.Calls.AutoAnswerFrom = true, []string{"bonjour:" + id, "*@example.org"}
	})
	eve := siptest.NewPeer(t, &h.net.SIP, "192.0.2.66:5999")
	defer eve.Close()
	for _, from := range []string{"<callto:" + id + ">", "<sip:" + id + "@localhost>", "<sip:" + id + ">", "<sip:anna@example.org>", "Anna <sip:anna@example.org>"} {
		eve.Send(netip.MustParseAddrPort("192.0.2.2:5060"), invite(contact, "UDP 192.0.2.66:5999", from, "RTP/AVP"))
		time.Sleep(10 * time.Second)
		synctest.Wait()

		for _, s := range ben.App.SessionManager().Sessions() {
			if snap := s.Snapshot(); snap.State() != session.Incoming {
				t.Errorf("a call from %s was answered", from)
			} else if snap.Peer.Contact != 0 || snap.Verified {
				t.Errorf("a call from %s is shown as one of %+v", from, snap.Peer)
			}
			s.End()
		}
		soon()
	}
	_ = anna
}

func addressTaken(t *testing.T, h *home) {
	anna, eve := h.phone("Anna", "192.0.2.1"), h.phone("Eve", "192.0.2.3")
	door := middlewaretest.NewPhone(t, h.net, "192.0.2.9")
	key := neighbour(t, anna).ID
	_ = key
	e := bonjour.New(bonjour.Config{Log: slog.New(slog.DiscardHandler), Host: "trap", Network: h.lan.Host("trap", "192.0.2.3/24", "192.0.2.9/24")})
	t.Cleanup(func() { e.Close(t.Context()) })
	user := account(eve).Contact().Username
	for _, s := range []bonjour.Service{
		{Name: "bob", Type: "_sipuri._udp", Port: 5060, Text: func(bonjour.Link) []string {
			return []string{"name=Trap", "contact=sip:bob@192.0.2.9", "instance_id=trap"}
		}},
		{Name: user, Type: "_sipuri._tcp", Port: 5061, Text: func(bonjour.Link) []string {
			return []string{"name=Trap", "contact=<sip:" + user + "@192.0.2.3;transport=tls>", "instance_id=trap"}
		}},
	} {
		if _, err := e.Publish(s, nil); err != nil {
			t.Fatal(err)
		}
	}
	h.settle()
	anna.Dial(door.URI())
	soon()
	if len(eve.App.SessionManager().Sessions()) != 0 || len(door.App.SessionManager().Sessions()) != 1 {
		t.Error("a call to the door went elsewhere")
	}
}

func sentOn(t *testing.T, h *home) {
	anna, ben := h.met()
	eve := h.phone("Eve", "192.0.2.3")
	out := anna.Dial("Ben")
	soon()
	if !out.Snapshot().Verified {
		t.Fatal("ben is not known")
	}
	target, err := account(ben).FindNeighbour("Eve")
	if err != nil {
		t.Fatal(err)
	}
	ben.Session().Redirect(target.Target)
	soon()
	if snap := out.Snapshot(); snap.Verified || snap.Neighbour != target.ID {
		t.Errorf("sent on, the other side is %q, verified %t", snap.Neighbour, snap.Verified)
	}
	eve.Session().Accept()
	soon()
	if snap := out.Snapshot(); snap.Verified || snap.Audio.Encryption != middleware.Encrypted {
		t.Errorf("sent on and answered: verified %t, encryption %v", snap.Verified, snap.Audio.Encryption)
	}
}

func renamed(t *testing.T, h *home) {
	anna, ben := h.met()
	n := neighbour(t, anna)
	if err := ben.App.SetUserStatus(middleware.Offline); err != nil {
		t.Fatal(err)
	}
	h.settle()
	h.publish("carla", "192.0.2.66", "_sipuri._tcp", "c", 5061, "name=Carla", "contact=<sip:x@192.0.2.66;transport=tls>", "instance_id="+n.ID, "key="+n.Key)
	out := ben.Dial("Anna")
	soon()
	snap := anna.Session().Snapshot()
	if !snap.Verified || snap.Peer.Name != "Ben" || snap.Peer.Address != "Ben (ben)" {
		t.Errorf("ben is shown as %+v, verified %t", snap.Peer, snap.Verified)
	}
	anna.Session().Accept()
	soon()
	out.End()
	soon()
	if k, _ := anna.Profile.Neighbours().Get(n.ID); k.Name != "Ben" || k.Host != "ben" {
		t.Errorf("ben is remembered as %s on %s", k.Name, k.Host)
	}
}

func answeredByItself(t *testing.T, h *home) {
	anna, ben := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2")
	set(t, ben, func(s *middleware.Settings) { s.Calls.AutoAnswer = true })
	out := anna.Dial("Ben")
	time.Sleep(10 * time.Second)
	synctest.Wait()
	if out.Snapshot().Started.IsZero() {
		t.Fatal("the call was not answered")
	}
	if list := ben.Profile.Neighbours().List(); len(list) != 0 {
		t.Errorf("remembered: %+v", list)
	}
}

func numberIsAName(t *testing.T, h *home) {
	anna := h.phone("Anna", "192.0.2.1")
	h.publish("eve", "192.0.2.66", "_sip._udp", "112", 5060, "name=112", "contact=sip:eve@192.0.2.66")
	for _, number := range []string{"112", "1 1 2"} {
		if s, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: number}); err == nil {
			t.Errorf("%s is %s", number, s.Snapshot().Peer.Address)
		}
	}
}

func addressIsAName(t *testing.T, h *home) {
	anna, ben := h.met()
	door := middlewaretest.NewPhone(t, h.net, "192.0.2.9")
	for i, name := range []string{door.URI(), "bob@192.0.2.9", "sip:bob@192.0.2.9"} {
		host := fmt.Sprint("eve", i)
		h.publish(host, fmt.Sprint("192.0.2.6", i), "_sip._udp", host, 5060, "name="+name, "contact=sip:eve@192.0.2.66")
	}
	for _, target := range []string{door.URI(), "bob@192.0.2.9", "sip:bob@192.0.2.9"} {
		s, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: target, Account: middleware.BonjourID})
		if err != nil {
			t.Fatal(err)
		}
		soon()
		if snap := s.Snapshot(); snap.Neighbour != "" || !snap.Progress.Ringing {
			t.Errorf("%s: called %+v, ringing %t", target, snap.Peer, snap.Progress.Ringing)
		}
		s.End()
		soon()
	}
	out, in := lanCall(t, anna, ben, "Ben")
	if err := out.Transfer(door.URI()); err != nil {
		t.Fatal(err)
	}
	soon()
	if to := in.Snapshot().Transfer.To; to.URI != door.URI() {
		t.Errorf("ben is sent on to %+v", to)
	}
}

func stormOfServices(t *testing.T, h *home) {
	anna, ben := h.met()
	n := neighbour(t, anna)
	claims := func(i int) []string {
		return []string{fmt.Sprint("name=", i), "instance_id=" + n.ID, "contact=sip:eve@192.0.2.250"}
	}
	for i := range 60 {
		h.publishQuietly(fmt.Sprint("eve", i), "_sip._udp", claims(i))
	}
	h.settle()
	mark, asked := len(anna.Notes()), 0
	for i := range 100 {
		h.publishQuietly(fmt.Sprint("more", i), "_sip._udp", []string{fmt.Sprint("name=more", i)})
		time.Sleep(200 * time.Millisecond)
	}
	synctest.Wait()
	for _, name := range lanNames(anna, mark) {
		if name == "BonjourAccountWillInitiateDiscovery" {
			asked++
		}
	}
	if asked > 2 {
		t.Errorf("the network was looked through %d times in 20 s", asked)
	}
	anna.Dial(n.Target)
	soon()
	if !ben.Session().Snapshot().Verified {
		t.Error("ben is not called")
	}
}

// strangersCall has so many of them call ben, each under a name of its own; after is
// called after each. They are one peer, which the caller must close.
func strangersCall(t *testing.T, h *home, ben *middlewaretest.Phone, count int, after func()) *siptest.Peer {
	contact, _ := account(ben).Contact().URI("udp")
	eve := siptest.NewPeer(t, &h.net.SIP, "192.0.2.66:5999")
	for i := range count {
		text := invite(contact, "UDP 192.0.2.66:5999", fmt.Sprintf("<sip:%s@192.0.2.66>", strings.Repeat("e", i+1)), "RTP/AVP")
		eve.Send(netip.MustParseAddrPort("192.0.2.2:5060"), text)
		soon()
		after()
	}
	return eve
}

// reaches has anna call ben, who knows her.
func reaches(t *testing.T, anna, ben *middlewaretest.Phone) {
	anna.Dial("Ben")
	soon()
	if !ben.Session().Snapshot().Verified {
		t.Error("who is known is not let in")
	}
}

func crowdAtTheDoor(t *testing.T, h *home) {
	anna, ben := h.met()
	eve := strangersCall(t, h, ben, 40, func() {})
	defer eve.Close()
	if n := len(ben.App.SessionManager().Sessions()); n > 10 {
		t.Errorf("%d strangers ring", n)
	}
	reaches(t, anna, ben)
}

func stormOfCalls(t *testing.T, h *home) {
	anna, ben := h.met()
	eve := strangersCall(t, h, ben, 300, func() {
		for _, s := range ben.App.SessionManager().Sessions() {
			s.End()
		}
		soon()
	})
	defer eve.Close()
	rows, err := ben.App.History().Search(t.Context(), middleware.HistoryQuery{Limit: 1000})
	if err != nil || len(rows) > 100 {
		t.Errorf("%d calls in the history, %v", len(rows), err)
	}
	reaches(t, anna, ben)
}

// A pot keeps what is written to it.
type pot struct {
	mu sync.Mutex
	b  strings.Builder
}

func (p *pot) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func logsTellNothing(t *testing.T, h *home) {
	var log pot
	listening := func(c *middleware.Config, _ *storage.Settings) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Tracer = sip.NewWriterTracer(&log)
	}
	anna, ben := h.phone("Anna", "192.0.2.1", listening), h.phone("Ben", "192.0.2.2")
	lanCall(t, anna, ben, "Ben")
	anna.Session().End()
	soon()
	text := log.b.String()
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "inline:") && !strings.Contains(line, "inline:redacted") {
			t.Errorf("a key is told: %s", line)
		}
		user := account(anna).Contact().Username
		if strings.HasPrefix(line, "time=") && strings.Contains(line, user) {
			t.Errorf("the contact is told: %s", line)
		}
	}
	if !strings.Contains(text, "inline:redacted") {
		t.Error("nothing was traced")
	}
}

func looping(t *testing.T, h *home) {
	anna := h.phone("Anna", "192.0.2.1")
	user := account(anna).Contact().Username
	h.publish("mirror", "192.0.2.1", "_sipuri._udp", "m", 5060, "name=Mirror", "contact=sip:"+user+"@192.0.2.1", "instance_id=mirror")
	if _, err := anna.App.SessionManager().Dial(middleware.DialRequest{Target: "bonjour:mirror"}); err == nil {
		t.Error("we call ourselves")
	}
}

func contestedID(t *testing.T, h *home) {
	const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	anna, ben, eve := h.phone("Anna", "192.0.2.1"), h.phone("Ben", "192.0.2.2"), h.phone("Eve", "192.0.2.3")
	for _, p := range []*middlewaretest.Phone{ben, eve} {
		name := map[*middlewaretest.Phone]string{ben: "mac", eve: "trap"}[p]
		contact := "contact=<sip:" + account(p).Contact().Username + "@" + p.Addr + ":5061;transport=tls>"
		h.publish(name, p.Addr, "_sipuri._tcp", name, 5061, "name=Carla", contact, "instance_id="+id)
	}
	lanCall(t, anna, eve, "Carla (trap)")
	anna.Session().End()
	soon()
	if k, known := anna.Profile.Neighbours().Get(id); known {
		t.Errorf("remembered as %s on %s", k.Name, k.Host)
	}
	lanCall(t, anna, ben, "Carla (mac)")
	if k, _ := anna.Profile.Neighbours().Get(id); k.Host != "mac" {
		t.Errorf("remembered as %s on %q", k.Name, k.Host)
	}
}

func anothersNote(t *testing.T, h *home) {
	anna, _ := h.met()
	n := neighbour(t, anna)
	h.publish("eve", "192.0.2.66", "_sipuri._tcp", "a", 5061, "name=Ben", "contact=<sip:x@192.0.2.66;transport=tls>", "instance_id="+n.ID, "key="+n.Key, "note=call me at eve@example.org")
	if now, _ := account(anna).Neighbour(n.ID); now.Note != "" || now.Title() != n.Title() {
		t.Errorf("shown as %s, %q", now.Title(), now.Note)
	}
}
