package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An avahi is the usual responder of Linux on a machine of a lan: the independent
// peer that Parley is found by, and that finds others for it to find.
type avahi struct {
	*process
	on  *machine
	bus string // address of its own message bus
	dir string
}

// avahi starts the responder and waits until the name of the machine is its.
func (h *machine) avahi(t testing.TB) *avahi {
	t.Helper()
	need(t, "avahi-daemon", "avahi-publish", "avahi-browse", "dbus-daemon", "mount")
	a := &avahi{on: h, dir: shortDir(t)}
	a.bus = "unix:path=" + filepath.Join(a.dir, "bus")
	config := filepath.Join(a.dir, "avahi.conf")
	text := "[server]\nhost-name=" + h.name + "\nallow-interfaces=eth0\nenable-dbus=yes\nuse-ipv4=yes\nuse-ipv6=yes\n" +
		"ratelimit-interval-usec=1000000\nratelimit-burst=1000\n[publish]\npublish-hinfo=no\npublish-workstation=no\n[rlimits]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start(t, a.dir, "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+a.bus)
	eventually(t, 5*time.Second, "the bus of "+h.name, func() bool { _, err := os.Stat(filepath.Join(a.dir, "bus")); return err == nil })
	daemon, err := lookPath("avahi-daemon")
	if err != nil {
		t.Fatal(err)
	}
	// ip netns exec has a private view of the files, so each can have its own /run.
	a.process = h.start(t, a.dir, "sh", "-c",
		`mkdir -p /run/avahi-daemon && mount -t tmpfs none /run/avahi-daemon && DBUS_SYSTEM_BUS_ADDRESS=$0 exec "$@"`,
		a.bus, daemon, "-f", config, "--no-chroot", "--no-drop-root", "--no-rlimits")
	eventually(t, 10*time.Second, "avahi on "+h.name, func() bool { return strings.Contains(a.output(), "Server startup complete") })
	return a
}

// publish announces a service until the test ends or the process is stopped, and
// waits until it is.
func (a *avahi) publish(t testing.TB, name, kind string, port int, text ...string) *process {
	t.Helper()
	args := append([]string{"DBUS_SYSTEM_BUS_ADDRESS=" + a.bus, "avahi-publish", "-s", name, kind, strconv.Itoa(port)}, text...)
	p := a.on.start(t, t.TempDir(), "env", args...)
	eventually(t, 10*time.Second, name+" is published", func() bool { return strings.Contains(p.output(), "Established under name") })
	return p
}

// An announced service is one that avahi has found.
type announced struct {
	name, kind, host, addr string
	port                   int
	text                   map[string]string
}

// browse returns the services of a type that the machine knows of, over IPv4.
func (a *avahi) browse(t testing.TB, kind string) []announced {
	t.Helper()
	line := append(a.on.under(), "env", "DBUS_SYSTEM_BUS_ADDRESS="+a.bus, "avahi-browse", "-ptrf", kind)
	out, err := output(10*time.Second, line[0], line[1:]...)
	if err != nil {
		t.Fatalf("avahi-browse: %v\n%s", err, out)
	}
	var found []announced
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), ";", 10)
		if f[0] != "=" || len(f) < 10 || f[2] != "IPv4" {
			continue
		}
		s := announced{name: unescape(f[3]), kind: f[4], host: f[6], addr: f[7], text: map[string]string{}}
		s.port, _ = strconv.Atoi(f[8])
		for _, pair := range strings.Split(strings.Trim(f[9], `"`), `" "`) {
			key, value, _ := strings.Cut(pair, "=")
			s.text[key] = unescape(value)
		}
		found = append(found, s)
	}
	return found
}

// unescape takes avahi's \ddd back, which is decimal.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		if n, err := strconv.Atoi(text[i+1 : min(i+4, len(text))]); err == nil && i+3 < len(text) {
			b.WriteByte(byte(n))
			i += 3
			continue
		}
		i++
		b.WriteByte(text[i])
	}
	return b.String()
}

// find waits for the service of a type for which ok holds.
func (a *avahi) find(t testing.TB, kind string, ok func(announced) bool) announced {
	t.Helper()
	var all []announced
	at := -1
	if !poll(10*time.Second, func() bool {
		all = a.browse(t, kind)
		// To avahi-browse either address is right, whatever family it heard of the service by.
		at = slices.IndexFunc(all, func(s announced) bool { return ok(s) && !strings.Contains(s.addr, ":") })
		return at >= 0
	}) {
		t.Fatalf("avahi on %s finds of %s only %s", a.on.name, kind, fmt.Sprint(all))
	}
	return all[at]
}

// TestAvahiAlone proves the harness: two responders of another make find what the
// other one announces, whatever its name, until it is taken back.
func TestAvahiAlone(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	a, b := l.host(t, "one").avahi(t), l.host(t, "two").avahi(t)
	const name = `Zoë's "phone", 2nd floor. \☎`
	p := b.publish(t, name, "_sipuri._udp", 5062, "txtvers=1", "name=Zoë Q", "contact=sip:zoe@"+b.on.ip+":5062")
	found := a.find(t, "_sipuri._udp", func(s announced) bool { return s.name == name })
	if found.host != "two.local" || found.addr != b.on.ip || found.port != 5062 || found.text["name"] != "Zoë Q" {
		t.Errorf("found %+v", found)
	}
	p.stop()
	eventually(t, 5*time.Second, "it is gone", func() bool { return len(a.browse(t, "_sipuri._udp")) == 0 })
}
