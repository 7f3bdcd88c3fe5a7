package interop

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// publishAll has avahi announce many services of a type at once, with ports from
// 6000 on, until the test ends.
func (a *avahi) publishAll(t testing.TB, kind string, names []string) {
	t.Helper()
	conn, err := dbus.Connect(a.bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	const api = "org.freedesktop.Avahi"
	port := uint16(6000)
	for some := range slices.Chunk(names, 30) { // more it does not take at once
		var path dbus.ObjectPath
		if err := conn.Object(api, "/").Call(api+".Server.EntryGroupNew", 0).Store(&path); err != nil {
			t.Fatal(err)
		}
		group := conn.Object(api, path)
		for _, name := range some {
			err := group.Call(api+".EntryGroup.AddService", 0, int32(-1), int32(-1), uint32(0),
				name, kind, "", "", port, [][]byte{[]byte("txtvers=1"), []byte("name=" + name)}).Err
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			port++
		}
		if err := group.Call(api+".EntryGroup.Commit", 0).Err; err != nil {
			t.Fatal(err)
		}
	}
}

// follow has avahi look for services of some types, and keep all that is known of
// them fresh, until the test ends: as a program does that lists them.
func (a *avahi) follow(t testing.TB, kinds ...string) {
	t.Helper()
	conn, err := dbus.Connect(a.bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.Avahi.ServiceBrowser")); err != nil {
		t.Fatal(err)
	}
	signals := make(chan *dbus.Signal, 1000)
	conn.Signal(signals)
	server := conn.Object("org.freedesktop.Avahi", "/")
	for _, kind := range kinds {
		if err := server.Call("org.freedesktop.Avahi.Server.ServiceBrowserNew", 0, int32(-1), int32(-1), kind, "", uint32(0)).Err; err != nil {
			t.Fatal(err)
		}
	}
	go func() { // until the connection is closed
		for s := range signals {
			if strings.HasSuffix(s.Name, ".ItemNew") {
				link, family, name, kind := s.Body[0], s.Body[1], s.Body[2], s.Body[3]
				server.Go("org.freedesktop.Avahi.Server.ServiceResolverNew", dbus.FlagNoReplyExpected, nil, link, family, name, kind, "local", int32(-1), uint32(0))
			}
		}
	}()
}

// A browsing is avahi looking for services of a type all the time.
type browsing struct {
	*process
	on *machine
}

// browsing starts one.
func (a *avahi) browsing(t testing.TB, kind string) *browsing {
	t.Helper()
	need(t, "stdbuf")
	p := a.on.start(t, t.TempDir(), "env", "DBUS_SYSTEM_BUS_ADDRESS="+a.bus, "stdbuf", "-oL", "avahi-browse", "-prf", kind)
	return &browsing{p, a.on}
}

// found are the names that avahi knows now, over either family, and those it has
// resolved.
func (b *browsing) found() (known, resolved []string) {
	seen, whole := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(b.output()) {
		f := strings.SplitN(strings.TrimSpace(line), ";", 10)
		if len(f) < 6 {
			continue
		}
		name := unescape(f[3])
		switch f[0] {
		case "+":
			seen[name]++
		case "-":
			if seen[name]--; seen[name] == 0 {
				whole[name] = false
			}
		case "=":
			whole[name] = true
		}
	}
	for name, n := range seen {
		if n > 0 {
			known = append(known, name)
		}
		if n > 0 && whole[name] {
			resolved = append(resolved, name)
		}
	}
	slices.Sort(known)
	slices.Sort(resolved)
	return known, resolved
}

// finds waits until avahi has resolved a service, and returns when that was.
func (b *browsing) finds(t testing.TB, name string) time.Time {
	t.Helper()
	eventually(t, 20*time.Second, "avahi on "+b.on.name+" finds "+name, func() bool {
		_, resolved := b.found()
		return slices.Contains(resolved, name)
	})
	return time.Now()
}

// loses waits until avahi knows a service no more, and returns when that was.
func (b *browsing) loses(t testing.TB, name string) time.Time {
	t.Helper()
	eventually(t, 20*time.Second, "avahi on "+b.on.name+" loses "+name, func() bool {
		known, _ := b.found()
		return !slices.Contains(known, name)
	})
	return time.Now()
}

// undisturbed fails the test if avahi has lost its own name, or complains of
// anything but that there is another responder on the machine.
func (a *avahi) undisturbed(t testing.TB) {
	t.Helper()
	for line := range strings.Lines(a.output()) {
		switch {
		case strings.Contains(line, "another IPv4 mDNS stack"), strings.Contains(line, "another IPv6 mDNS stack"):
		case strings.Contains(line, "WARNING"), strings.Contains(line, "onflict"), strings.Contains(line, "nvalid"), strings.Contains(line, "#2"):
			t.Errorf("avahi on %s says: %s", a.on.name, line)
		}
	}
	conn, err := dbus.Connect(a.bus)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var name string
	if err := conn.Object("org.freedesktop.Avahi", "/").Call("org.freedesktop.Avahi.Server.GetHostName", 0).Store(&name); err != nil || name != a.on.name {
		t.Errorf("avahi's host name is %q, %v, want %q", name, err, a.on.name)
	}
}
