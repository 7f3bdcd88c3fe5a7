package middleware

import (
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/bonjour"
	"parley/middleware/bus"
	"parley/storage"
)

// Two keys, and the ids of the Parleys that hold them.
var (
	annaKey = strings.Repeat("ab", 32)
	evilKey = strings.Repeat("cd", 32)
	annaID  = idOf(annaKey)
)

// idOf returns the instance id that follows from a key.
func idOf(fingerprint string) string {
	u, _ := hex.DecodeString(fingerprint)
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// service describes a service instance in short.
func service(kind, name, host string, port uint16, addrs string, text ...string) bonjour.Instance {
	in := bonjour.Instance{Type: kind, Name: name, Link: 2, Host: host + ".local", Port: port, Text: text}
	for a := range strings.FieldsSeq(addrs) {
		in.Addrs = append(in.Addrs, netip.MustParseAddr(a))
	}
	return in
}

func seenAs(list ...bonjour.Instance) []*sighting {
	var seen []*sighting
	for i, in := range list {
		s := sight(in, time.Unix(int64(1000+i), 0))
		seen = append(seen, &s)
	}
	return seen
}

// A record says little or nonsense, and is read as far as it makes sense.
func TestRecordsAreRead(t *testing.T) {
	tests := []struct {
		name string
		in   bonjour.Instance
		want string // id called state note transport user addresses
	}{
		{
			"of a Parley",
			service(serviceTCP, "abc-tls", "anna-parley", 5061, "10.0.0.1 fd00::1", "txtvers=1", "name=Anna", "contact=<sip:abcdefgh@10.0.0.1:5061;transport=tls>", "instance_id="+annaID, "state=Available", "note=Tea", "key="+annaKey),
			annaID + " Anna Available Tea tls abcdefgh [10.0.0.1 fd00::1]",
		},
		{
			"of the sipsimple family",
			service(serviceTCP, "sip:83749211@192.168.1.5:51234;transport=tcp", "mac", 51234, "192.168.1.5", "contact=<sip:83749211@192.168.1.5:51234;transport=tcp>", "instance_id=6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "status=busy"),
			"6ba7b810-9dad-11d1-80b4-00c04fd430c8  Busy  tcp 83749211 [192.168.1.5]",
		},
		{
			"without a contact: the service is called so",
			service(serviceUDP, "sip:83749211@192.168.1.5:51234", "mac", 51234, "192.168.1.5", "instance_id=x"),
			"x    udp 83749211 [192.168.1.5]",
		},
		{"of another phone", service(phoneUDP, "Kitchen phone", "kitchen", 5060, "10.0.0.9"), " Kitchen phone   udp  [10.0.0.9]"},
		{"of a phone called by its address", service(phoneUDP, "bob@kitchen", "kitchen", 5060, "10.0.0.9"), " bob@kitchen   udp bob [10.0.0.9]"},
		{"of a phone with an address in it", service(phoneTCP, "Bob", "kitchen", 5060, "10.0.0.9", "uri=sips:bob@example.org"), " Bob   tls bob [10.0.0.9]"},
		{"nothing at all", bonjour.Instance{}, "    udp  []"},
		{"strings without =", service(serviceUDP, "x", "h", 1, "", "name", "=", "instance_id", ""), " x   udp  []"},
		{"the first of two counts", service(serviceUDP, "x", "h", 1, "", "NAME=Anna", "name=Eve", "instance_id=a", "Instance_ID=b"), "a Anna   udp  []"},
		{
			"marks that paint over other text",
			service(serviceUDP, "x", "h", 1, "", "name=An\u202ena\x1b[31m\n", "note=\x00\x07"),
			"  An" + "na[31m" + "   udp  []",
		},
		{"an id that is none", service(serviceUDP, "x", "h", 1, "", "instance_id=a b#c", "key=zz"), " x   udp  []"},
		{"an id of 300 bytes", service(serviceUDP, "x", "h", 1, "", "instance_id="+strings.Repeat("a", 300)), " x   udp  []"},
		{"a name of 300 bytes", service(serviceUDP, "x", "h", 1, "", "name="+strings.Repeat("a", 300)), " " + strings.Repeat("a", 79) + "…   udp  []"},
		{"a urn", service(serviceUDP, "x", "h", 1, "", "instance_id=urn:uuid:AB-1"), "ab-1 x   udp  []"},
		{"a state of its own", service(serviceUDP, "x", "h", 1, "", "state=Out to lunch"), " x Out to lunch  udp  []"},
		{
			"addresses that lead nowhere, or to ourselves",
			service(serviceUDP, "x", "h", 1, "127.0.0.1 ::1 0.0.0.0 :: 224.0.0.1 ff02::1 fe80::1%eth0 ::ffff:10.0.0.2 169.254.1.1 2001:db8::1 10.0.0.3"),
			" x   udp  [10.0.0.2 169.254.1.1 10.0.0.3 2001:db8::1]",
		},
		{"no transport but that of the service", service(serviceUDP, "x", "h", 1, "", "contact=sip:a@10.0.0.1;transport=tls"), " x   udp a []"},
	}
	for _, tt := range tests {
		s := sight(tt.in, time.Now())
		got := fmt.Sprint(s.id, " ", s.called, " ", s.state, " ", s.note, " ", s.transport, " ", s.user, " ", s.addrs)
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(tt.want), " ") {
			t.Errorf("%s: read %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What a contact says leads nowhere but to the host that the service is on.
func TestContactsLeadNowhereElse(t *testing.T) {
	in := service(serviceTCP, "x", "anna", 5070, "10.0.0.1", "instance_id=a",
		"contact=<sip:bob@203.0.113.9:5060;transport=tcp;maddr=203.0.113.10;foo=bar;x=%0a;method=BYE?Route=%3csip:evil%3e>")
	list := mergeSightings(seenAs(in), memory{known: noneKnown})
	if len(list) != 1 || list[0].URI != "sip:bob@10.0.0.1:5070;foo=bar;transport=tcp" {
		t.Fatalf("called at %s, want the host's address and port, the contact's user and harmless parameters", list[0].URI)
	}
}

func noneKnown(string) (storage.NeighbourKey, bool) { return storage.NeighbourKey{}, false }

func knows(keys ...storage.NeighbourKey) memory {
	m := memory{names: map[string][]string{}, wrong: map[string]marks{}}
	for _, k := range keys {
		for _, name := range likenesses(k.Name, k.Host) {
			m.names[name] = append(m.names[name], k.ID)
		}
	}
	m.known = func(id string) (storage.NeighbourKey, bool) {
		i := slices.IndexFunc(keys, func(k storage.NeighbourKey) bool { return k.ID == id })
		if i < 0 {
			return storage.NeighbourKey{}, false
		}
		return keys[i], true
	}
	return m
}

// anna returns the services of a Parley on a host, with an id and a key.
func anna(host, addr, id, key string) []bonjour.Instance {
	text := func(transport string) []string {
		return []string{"txtvers=1", "name=Anna", "contact=<sip:abc@" + addr + ";transport=" + transport + ">", "instance_id=" + id, "key=" + key}
	}
	return []bonjour.Instance{
		service(serviceUDP, "abc-udp "+host, host, 5060, addr, text("udp")...),
		service(serviceTCP, "abc-tcp "+host, host, 5060, addr, text("tcp")...),
		service(serviceTCP, "abc-tls "+host, host, 5061, addr, text("tls")...),
		service(phoneUDP, "Anna "+host, host, 5060, addr, text("udp")...),
	}
}

func TestNeighboursAreMerged(t *testing.T) {
	remembered := storage.NeighbourKey{ID: annaID, Key: annaKey, Name: "Anna", Host: "a"}
	old := storage.NeighbourKey{ID: "old", Key: annaKey, Name: "Anna", Host: "a"}
	blink := func(host, id string, text ...string) bonjour.Instance {
		return service(serviceTCP, "x "+host, host, 5061, "10.0.0.5", append(text, "name=Blink", "contact=sip:1@10.0.0.5;transport=tls", "instance_id="+id)...)
	}
	tests := []struct {
		name string
		seen []bonjour.Instance
		past memory
		want []string // id, trust, problem, URI, namesake
	}{
		{"a Parley", anna("a-parley", "10.0.0.1", annaID, annaKey), knows(), []string{annaID + " new  sip:abc@10.0.0.1:5061;transport=tls"}},
		{"one who is remembered", anna("a-parley", "10.0.0.1", annaID, annaKey), knows(remembered), []string{annaID + " known  sip:abc@10.0.0.1:5061;transport=tls"}},
		{"one who shows no TLS now", anna("a", "10.0.0.1", annaID, annaKey)[:2], knows(remembered), []string{annaID + " known not-secure "}},
		{"nor ever did", anna("a", "10.0.0.1", annaID, annaKey)[:2], knows(), []string{annaID + " none not-secure "}},
		{
			"one who claims the id of another",
			slices.Concat(anna("a", "10.0.0.1", annaID, annaKey), anna("e", "10.0.0.6", annaID, evilKey)), knows(remembered),
			[]string{annaID + " known  sip:abc@10.0.0.1:5061;transport=tls", annaID + "#e broken key  namesake"},
		},
		{
			"one who does while the other is away",
			anna("e", "10.0.0.6", annaID, evilKey), knows(remembered),
			[]string{annaID + "#e broken key  namesake"},
		},
		{
			"one who does before anybody is remembered",
			slices.Concat(anna("e", "10.0.0.6", annaID, evilKey), anna("a", "10.0.0.1", annaID, annaKey)), knows(),
			[]string{annaID + " new  sip:abc@10.0.0.1:5061;transport=tls", annaID + "#e broken key "},
		},
		{
			"an id that follows from no key, with two keys",
			slices.Concat(anna("a", "10.0.0.1", "old", annaKey), anna("e", "10.0.0.6", "old", evilKey)), knows(),
			[]string{"old new  sip:abc@10.0.0.1:5061;transport=tls", "old#e new  sip:abc@10.0.0.6:5061;transport=tls"},
		},
		{
			"and one of them remembered, the other there first",
			slices.Concat(anna("e", "10.0.0.6", "old", evilKey), anna("a", "10.0.0.1", "old", annaKey)), knows(old),
			[]string{"old known  sip:abc@10.0.0.1:5061;transport=tls", "old#e broken key  namesake"},
		},
		{
			"two machines without keys, one of them remembered",
			[]bonjour.Instance{blink("e", "old"), blink("a", "old")},
			knows(storage.NeighbourKey{ID: "old", Key: annaKey, Name: "Blink", Host: "a"}),
			[]string{"old known  sip:1@10.0.0.5:5061;transport=tls", "old#e broken key  namesake"},
		},
		{
			"one whose machine was renamed",
			[]bonjour.Instance{blink("b", "old")},
			knows(old),
			[]string{"old known  sip:1@10.0.0.5:5061;transport=tls"},
		},
		{
			"somebody of the same name",
			[]bonjour.Instance{service(serviceTCP, "x", "e", 5060, "10.0.0.6", "name=ANNA", "instance_id=y")},
			knows(remembered),
			[]string{"y none  sip:10.0.0.6:5060;transport=tcp namesake"},
		},
		{
			"another phone, once for its services",
			[]bonjour.Instance{service(phoneUDP, "Kitchen", "kitchen", 5060, "10.0.0.9"), service(phoneTCP, "Kitchen", "kitchen", 5062, "10.0.0.9"), service(phoneUDP, "K2", "kitchen", 5060, "10.0.0.9")},
			knows(),
			[]string{"Kitchen#kitchen none  sip:10.0.0.9:5062;transport=tcp"},
		},
		{
			"and with its id where one of them tells it",
			[]bonjour.Instance{service(phoneUDP, "Kitchen", "kitchen", 5060, "10.0.0.9"), service(serviceUDP, "k", "kitchen", 5060, "10.0.0.9", "instance_id=k")},
			knows(),
			[]string{"k none  sip:10.0.0.9:5060"},
		},
		{
			"a phone that is called as an id",
			[]bonjour.Instance{service(phoneUDP, annaID, "e", 5060, "10.0.0.6")},
			knows(remembered),
			[]string{annaID + "#e none  sip:10.0.0.6:5060"},
		},
		{"no address", []bonjour.Instance{service(serviceUDP, "x", "h", 5060, "", "instance_id=x")}, knows(), []string{"x none no-address "}},
		{"no port", []bonjour.Instance{service(serviceUDP, "x", "h", 0, "10.0.0.1", "instance_id=x")}, knows(), []string{"x none no-address "}},
		{"link-local only", []bonjour.Instance{service(serviceUDP, "x", "h", 5060, "fe80::1%eth0", "instance_id=x")}, knows(), []string{"x none link-local "}},
		{"IPv6", []bonjour.Instance{service(serviceUDP, "x", "h", 5060, "fe80::1%eth0 fd00::1", "instance_id=x")}, knows(), []string{"x none  sip:[fd00::1]:5060"}},
	}
	for _, tt := range tests {
		for _, turned := range []bool{false, true} { // the order in which they come must not matter
			seen := seenAs(tt.seen...)
			if turned {
				slices.Reverse(seen)
			}
			var got []string
			for _, f := range mergeSightings(seen, tt.past) {
				line := fmt.Sprintf("%s %s %s %s", f.ID, f.Trust, f.Problem, f.URI)
				if f.Namesake {
					line += " namesake"
				}
				got = append(got, line)
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, turned %t (-want +got):\n%s", tt.name, turned, diff)
			}
		}
	}
}

// Whoever repeats what a remembered neighbour tells neither renames it nor comes
// before it.
func TestTheKnownKeepNameAndPlace(t *testing.T) {
	past := knows(storage.NeighbourKey{ID: annaID, Key: annaKey, Name: "Anna", Host: "a"})
	claim := service(serviceTCP, "e", "e", 5061, "10.0.0.6", "name=The boss", "contact=sip:x@10.0.0.1;transport=tls", "instance_id="+annaID, "key="+annaKey)
	list := mergeSightings(seenAs(append(anna("a-parley", "10.0.0.1", annaID, annaKey), claim)...), past)
	if len(list) != 1 || list[0].Title() != "Anna (a)" || list[0].URI != "sip:abc@10.0.0.1:5061;transport=tls" || len(list[0].ways()) != 2 {
		t.Errorf("%s at %s, %d ways", list[0].Title(), list[0].URI, len(list[0].ways()))
	}
}

// Whoever showed a wrong key cannot be called until it is forgotten.
func TestBrokenTrustShows(t *testing.T) {
	past := knows()
	past.wrong[annaID] = marks{netip.MustParseAddrPort("10.0.0.1:5061"): true}
	f := mergeSightings(seenAs(anna("a", "10.0.0.1", annaID, annaKey)...), past)[0]
	if f.Trust != TrustBroken || f.Problem != ProblemKeyChanged || f.Callable() || f.URI != "" {
		t.Errorf("trust %s, problem %s, URI %s", f.Trust, f.Problem, f.URI)
	}
}

// A neighbour is not called where somebody else answered, until it has called from
// there with its own key, or is forgotten.
func TestProofHealsTrust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		profile, err := storage.Open(t.TempDir(), storage.Options{Secrets: storage.SecretsFile, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer profile.Close()
		other, err := profile.Identity()
		if err != nil {
			t.Fatal(err)
		}
		n := newNeighbourhood(slog.New(slog.DiscardHandler), new(bus.Bus), profile.Neighbours(), "own")
		defer n.close()
		if err := n.remember(annaID, annaKey, "Anna", "a"); err != nil {
			t.Fatal(err)
		}
		for _, in := range anna("a-parley", "10.0.0.1", annaID, annaKey) {
			n.got(bonjour.Event{Kind: bonjour.Found, Instance: in})
		}
		at := netip.MustParseAddrPort("10.0.0.1:5061")
		trust := func(want NeighbourTrust, after string) {
			t.Helper()
			n.flush()
			if got := n.get(annaID).Trust; got != want {
				t.Errorf("after %s: %s, want %s", after, got, want)
			}
		}
		wrong := func() {
			t.Helper()
			name := n.pin(annaID, "", at)
			defer n.unpin(name)
			if decided, err := n.verify(name, []*x509.Certificate{other.Leaf}); !decided || err == nil {
				t.Errorf("another key: decided %t, %v", decided, err)
			}
			n.mark([]string{name})
			trust(TrustBroken, "another key")
		}
		trust(TrustKnown, "the first call")
		wrong()
		n.heal(annaID, netip.MustParseAddrPort("10.0.0.2:0"))
		trust(TrustBroken, "proof from elsewhere")
		n.heal(annaID, netip.MustParseAddrPort("10.0.0.1:0"))
		trust(TrustKnown, "proof")
		wrong()
		for _, kind := range []bonjour.EventKind{bonjour.Lost, bonjour.Found} {
			for _, in := range anna("a-parley", "10.0.0.1", annaID, annaKey) {
				n.got(bonjour.Event{Kind: kind, Instance: in})
			}
		}
		trust(TrustKnown, "it left and came back")
		wrong()
		if err := n.forget(annaID); err != nil {
			t.Fatal(err)
		}
		trust(TrustNew, "it was forgotten")
		if decided, _ := n.verify("sip.example.org", []*x509.Certificate{other.Leaf}); decided {
			t.Error("the server of an account was judged as a neighbour")
		}
		if decided, err := n.verify("gone"+pinDomain, []*x509.Certificate{other.Leaf}); !decided || err == nil {
			t.Error("a server was trusted after the call")
		}
	})
}

func TestMachinesAreNamed(t *testing.T) {
	for host, want := range map[string]string{
		"annas-laptop.local": "annas-laptop", "annas-laptop-parley.local.": "annas-laptop", "annas-laptop-parley-2.LOCAL": "annas-laptop",
		"pc-2.local": "pc-2", "a.b.local": "a.b", "parley.local": "parley", "": "", "local": "local", "x\u202ey.local": "xy",
	} {
		if got := machineOf(host); got != want {
			t.Errorf("machineOf(%q) = %q, want %q", host, got, want)
		}
	}
	for machine, want := range map[string]string{
		"Annas-Laptop.fritz.box": "annas-laptop-parley", "": "parley", "Büro PC": "bropc-parley", "---": "parley",
		strings.Repeat("a", 80): strings.Repeat("a", 51) + "-parley",
	} {
		if got := hostLabel(machine); got != want {
			t.Errorf("hostLabel(%q) = %q, want %q", machine, got, want)
		}
	}
}

// A network full of services is not let in as a whole, but those who are
// remembered are; changes are collected.
func TestNeighbourhoodIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		profile, err := storage.Open(t.TempDir(), storage.Options{Secrets: storage.SecretsFile, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer profile.Close()
		b := new(bus.Bus)
		c := bus.NewClient("test")
		told := 0
		bus.OnAny(c, func(bus.Notification) { told++ })
		b.Attach(c)
		n := newNeighbourhood(slog.New(slog.DiscardHandler), b, profile.Neighbours(), "own")
		defer n.close()
		if err := profile.Neighbours().Remember(annaID, annaKey, "Anna", "a", time.Now()); err != nil {
			t.Fatal(err)
		}
		put := func(in bonjour.Instance) { n.got(bonjour.Event{Kind: bonjour.Found, Instance: in}) }
		put(service(serviceUDP, "ours", "0", 5060, "10.0.0.2", "instance_id=own", "name=0"))
		for i := range 10_000 {
			put(service(serviceUDP, fmt.Sprint("s", i), fmt.Sprint("h", i), 5060, "10.0.0.9", fmt.Sprint("instance_id=", i), fmt.Sprint("name=A", i)))
		}
		for _, in := range anna("a", "10.0.0.1", annaID, annaKey) {
			put(in)
		}
		time.Sleep(time.Second)
		if got := len(n.now.Load().list); got != maxFound+1 || n.get(annaID) == nil || n.get("own") != nil {
			t.Errorf("%d neighbours, the remembered one %v, ourselves %v; want %d and it, without us", got, n.get(annaID), n.get("own"), maxFound)
		}
		for i := range 1000 { // they change all the time
			for j := range 10 {
				put(service(serviceUDP, fmt.Sprint("s", j), fmt.Sprint("h", j), 5060, "10.0.0.9", fmt.Sprint("instance_id=", j), fmt.Sprint("name=A", j), fmt.Sprint("note=", i)))
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		batch, _ := c.Take(t.Context())
		for _, note := range batch {
			c.Dispatch([]bus.Notification{note})
		}
		if most := maxFound + 11*10 + 10; told > most || told < maxFound {
			t.Errorf("told %d times, want %d at most", told, most)
		}
		for i := range 10_000 {
			n.got(bonjour.Event{Kind: bonjour.Lost, Instance: bonjour.Instance{Type: serviceUDP, Name: fmt.Sprint("s", i), Link: 2}})
		}
		time.Sleep(time.Second)
		if list := n.now.Load().list; len(list) != 1 || !n.crowded() || n.crowded() {
			t.Errorf("%d neighbours are left, and whether others were left out is told once", len(list))
		}
	})
}

func FuzzSight(f *testing.F) {
	f.Add("Anna", "anna-parley.local", "contact=<sip:a@10.0.0.1;transport=tls>", "instance_id="+annaID, "state=Busy", uint16(5061))
	f.Add("bob@kitchen", ".", "uri=sips:%00@[::1", "key="+annaKey, "name=\xff\u202e", uint16(0))
	f.Fuzz(func(t *testing.T, name, host, a, b, c string, port uint16) {
		in := service(serviceTCP, name, host, port, "10.0.0.1 fe80::1%eth0", a, b, c)
		for _, f := range mergeSightings(seenAs(in, in), knows()) {
			for _, text := range []string{f.Name, f.Host, string(f.State), f.Note} {
				if hasControl(text) {
					t.Errorf("%q has a control character", text)
				}
			}
			if f.ID == "" || idOfTarget(f.Target) != f.ID {
				t.Errorf("target %q of %q leads elsewhere", f.Target, f.ID)
			}
			if u, err := contactURI(f.URI); f.URI != "" && (err != nil || u.Host != "10.0.0.1" || u.Port != int(port)) {
				t.Errorf("%q would be called: %v", f.URI, err)
			}
		}
	})
}
