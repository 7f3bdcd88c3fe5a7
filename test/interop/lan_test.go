package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A lan is a local network of its own: a switch in a network namespace, and
// machines in others that are plugged in there. Nothing of it reaches the networks
// of this machine, nor they it.
type lan struct {
	name  string // of the namespace of the switch, and what those of the machines begin with
	hosts []*machine
}

// A machine is a computer of a lan.
type machine struct {
	name  string // as people call it, and its host name
	space string // its network namespace
	port  string // its interface at the switch
	ip    string
	ip6   string
	mac   string // address of its interface
}

// lans counts the networks made.
var lans atomic.Int32

// newLAN makes a switch with nothing plugged in, or skips the test where that
// needs rights it does not have.
func newLAN(t testing.TB) *lan {
	t.Helper()
	need(t, "ip", "unshare")
	l := &lan{name: fmt.Sprintf("plan%d-%d", os.Getpid()%100000, lans.Add(1))}
	newSpace(t, l.name)
	// A switch that does not know who wants which group sends it to everybody.
	ip(t, "-netns", l.name, "link", "add", "switch", "type", "bridge", "mcast_snooping", "0")
	ip(t, "-netns", l.name, "link", "set", "switch", "up")
	return l
}

// newSpace makes a network namespace that ends with the test.
func newSpace(t testing.TB, name string) {
	t.Helper()
	if out, err := output(5*time.Second, "ip", "netns", "add", name); err != nil {
		missing(t, "the right to make network namespaces ("+strings.TrimSpace(out)+")")
	}
	t.Cleanup(func() {
		if out, err := output(5*time.Second, "ip", "netns", "delete", name); err != nil {
			t.Errorf("ip netns delete: %v\n%s", err, out)
		}
	})
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := output(5*time.Second, "ip", args...); err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}

// host plugs a machine in, with an address of either family.
func (l *lan) host(t testing.TB, name string) *machine {
	t.Helper()
	n := len(l.hosts) + 1
	h := &machine{
		name: name, space: fmt.Sprintf("%s-%d", l.name, n), port: fmt.Sprintf("port%d", n),
		ip: fmt.Sprintf("10.77.0.%d", n), ip6: fmt.Sprintf("fd77::%d", n),
	}
	h.mac = fmt.Sprintf("02:00:77:00:00:%02x", n)
	l.hosts = append(l.hosts, h)
	newSpace(t, h.space)
	ip(t, "-netns", l.name, "link", "add", h.port, "type", "veth", "peer", "name", "eth0", "netns", h.space)
	ip(t, "-netns", l.name, "link", "set", h.port, "master", "switch", "up")
	ip(t, "-netns", h.space, "link", "set", "lo", "up")
	ip(t, "-netns", h.space, "link", "set", "eth0", "address", h.mac)
	ip(t, "-netns", h.space, "address", "add", h.ip+"/24", "dev", "eth0")
	ip(t, "-netns", h.space, "address", "add", h.ip6+"/64", "dev", "eth0", "nodad")
	ip(t, "-netns", h.space, "link", "set", "eth0", "up")
	return h
}

// under begins the command line of a program that is to run on the machine.
func (h *machine) under() []string {
	return []string{
		"ip", "netns", "exec", h.space, "unshare", "--uts", "sh", "-c", `hostname "$0" && exec "$@"`, h.name,
	}
}

// start runs a program on the machine.
func (h *machine) start(t testing.TB, dir, program string, args ...string) *process {
	t.Helper()
	path, err := lookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	line := append(append(h.under(), path), args...)
	p, err := start(filepath.Base(program)+"-"+h.name, dir, line[0], line[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	p.stopWith(t)
	return p
}

// inside runs f in the machine's network: sockets that it opens stay there. nil
// is this machine.
func (h *machine) inside(t testing.TB, f func() error) {
	t.Helper()
	if h == nil {
		if err := f(); err != nil {
			t.Fatal(err)
		}
		return
	}
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := os.Open(filepath.Join("/var/run/netns", h.space))
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	runtime.LockOSThread()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	err = f()
	// The thread must not end: what it has started would end with it.
	if back := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); back != nil {
		t.Fatal(back)
	}
	runtime.UnlockOSThread()
	if err != nil {
		t.Fatalf("on %s: %v", h.name, err)
	}
}

// unplug pulls the cable, and plug puts it back.
func (l *lan) unplug(t testing.TB, h *machine) {
	t.Helper()
	ip(t, "-netns", l.name, "link", "set", h.port, "down")
}

func (l *lan) plug(t testing.TB, h *machine) {
	t.Helper()
	ip(t, "-netns", l.name, "link", "set", h.port, "up")
}
