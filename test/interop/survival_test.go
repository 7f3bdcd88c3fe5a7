package interop

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// A laptop is a network namespace with a cable to this machine. Its addresses can
// be changed while programs run in it.
type laptop struct {
	name string
	net  string // "10.213.7."
}

// laptops counts the networks in use.
var laptops atomic.Int32

// newLaptop makes one with an address, or skips the test where that needs rights it
// does not have.
func newLaptop(t testing.TB) *laptop {
	t.Helper()
	need(t, "ip")
	n := int(laptops.Add(1))
	l := &laptop{name: fmt.Sprintf("parley%d-%d", os.Getpid()%100000, n), net: fmt.Sprintf("10.213.%d.", 100+n)}
	if out, err := output(5*time.Second, "ip", "netns", "add", l.name); err != nil {
		missing(t, "the right to make network namespaces ("+strings.TrimSpace(out)+")")
	}
	t.Cleanup(func() {
		if out, err := output(5*time.Second, "ip", "netns", "delete", l.name); err != nil {
			t.Errorf("ip netns delete: %v\n%s", err, out)
		}
	})
	here, there := fmt.Sprintf("pa%d-%d", os.Getpid()%100000, n), "eth0"
	l.ip(t, "link", "add", here, "type", "veth", "peer", "name", there, "netns", l.name)
	l.ip(t, "address", "add", l.home()+"/24", "dev", here)
	l.ip(t, "link", "set", here, "up")
	l.ip(t, "-netns", l.name, "link", "set", "lo", "up")
	l.ip(t, "-netns", l.name, "link", "set", there, "up")
	l.plug(t, 2)
	return l
}

func (l *laptop) ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := output(5*time.Second, "ip", args...); err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}

// home is this machine's address at the other end of the cable.
func (l *laptop) home() string { return l.net + "1" }

func (l *laptop) at(host int) string { return fmt.Sprintf("%s%d", l.net, host) }

// plug gives the laptop an address, and unplug takes it away.
func (l *laptop) plug(t testing.TB, host int) {
	t.Helper()
	l.ip(t, "-netns", l.name, "address", "add", l.at(host)+"/24", "dev", "eth0")
}

func (l *laptop) unplug(t testing.TB, host int) {
	t.Helper()
	l.ip(t, "-netns", l.name, "address", "del", l.at(host)+"/24", "dev", "eth0")
}

// phone starts Parley on the laptop, on whatever addresses that has.
func (l *laptop) phone(t testing.TB, k *kamailio, user, transport string) *phone {
	t.Helper()
	return startPhone(t, k, phoneConfig{
		User: user, Transport: transport, Under: []string{"ip", "netns", "exec", l.name}, Args: []string{"--sip-listen", ""},
	})
}

// movedTo waits until the only contact of the phone is at that address.
func (l *laptop) movedTo(t testing.TB, k *kamailio, p *phone, host int) {
	t.Helper()
	eventually(t, 15*time.Second, p.config.User+" registered at "+l.at(host), func() bool {
		return strings.Contains(strings.Join(k.contacts(p.config.User), " "), "@"+l.at(host)+":")
	})
}

// talksOn fails the test unless both phones hear each other from now on.
func talksOn(t *testing.T, when string, a, b *phone) {
	t.Helper()
	fairly(t, func() (time.Duration, error) {
		beforeA, beforeB := a.playedSoFar(t), b.playedSoFar(t)
		late := talk(4500 * time.Millisecond)
		_, atA := hear(t, "at "+a.config.who()+" "+when, b.said, load(t, a.played).from(beforeA), 0)
		_, atB := hear(t, "at "+b.config.who()+" "+when, a.said, load(t, b.played).from(beforeB), 0)
		return late, errors.Join(atA, atB)
	})
}

// TestAddressChange moves a phone to another address in the middle of a call: the
// registration follows, the call goes on, and it says so meanwhile.
func TestAddressChange(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			l := newLaptop(t)
			k := ownRegistrar(t, kamailioConfig{IP: l.home()})
			a := l.phone(t, k, "roamer", transport)
			b := startPhone(t, k, phoneConfig{User: "resident", Transport: transport, Args: []string{"--sip-listen", l.home()}})
			id := a.dial(t, b.address())
			theirs := b.ringing(t)
			b.do(t, "ALTER CALL %s ANSWER", theirs)
			a.awaitStatus(t, id, "INPROGRESS")
			l.unplug(t, 2) // no network
			a.awaitNote(t, 10*time.Second, "CALL "+id+" RECONNECTING TRUE")
			a.awaitNote(t, 10*time.Second, "NETWORK OFFLINE")
			l.plug(t, 3)
			a.awaitNote(t, 20*time.Second, "CALL "+id+" RECONNECTING FALSE")
			a.awaitNote(t, 10*time.Second, "NETWORK ONLINE")
			l.movedTo(t, k, a, 3)
			talksOn(t, "at the new address", a, b)
			b.finish(t, theirs) // over the new way
			a.is(t, id, "FINISHED")
		})
	}
}

// TestAddressChangeWithBaresip does the same to a phone of another make, which
// counts what it gets.
func TestAddressChangeWithBaresip(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	k := ownRegistrar(t, kamailioConfig{IP: l.home()})
	a := l.phone(t, k, "nomad", "udp")
	b := startBaresip(t, k, baresipConfig{User: "settler", Codecs: "pcma", IP: l.home()})
	id := a.dial(t, b.address())
	a.awaitStatus(t, id, "INPROGRESS")
	talk(time.Second)
	l.unplug(t, 2)
	l.plug(t, 3)
	a.awaitNote(t, 15*time.Second, "CALL "+id+" RECONNECTING FALSE")
	l.movedTo(t, k, a, 3)
	fairly(t, func() (time.Duration, error) {
		before := a.playedSoFar(t)
		late := talk(4500 * time.Millisecond)
		_, err := hear(t, "at the new address", b.said, load(t, a.played).from(before), 0)
		return late, err
	})
	// Its reports are about what it gets from us: none of it is lost.
	if lost := a.stat(t, id, "REMOTE_LOST"); lost > 100 {
		t.Errorf("the other phone misses %d packets, want only those of the move", lost)
	}
	b.ctl.do(t, "hangup", "")
	a.is(t, id, "FINISHED")
}

// TestStoppedForAMinute stops the program, as sleep does, and changes the address
// meanwhile.
func TestStoppedForAMinute(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	k := ownRegistrar(t, kamailioConfig{IP: l.home()})
	a := l.phone(t, k, "sleeper", "udp")
	b := startPhone(t, k, phoneConfig{User: "waker", Args: []string{"--sip-listen", l.home()}})
	id := a.dial(t, b.address())
	theirs := b.ringing(t)
	b.do(t, "ALTER CALL %s ANSWER", theirs)
	a.awaitStatus(t, id, "INPROGRESS")
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	l.unplug(t, 2)
	l.plug(t, 3)
	talk(time.Minute)
	if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a.awaitNote(t, 15*time.Second, "CALL "+id+" RECONNECTING FALSE")
	a.awaitNote(t, 15*time.Second, "SYSTEM AWAKE")
	l.movedTo(t, k, a, 3)
	talksOn(t, "after a minute of sleep", a, b)
	a.finish(t, id)
}

// TestSleep has a login1 of the test's own tell of sleep.
func TestSleep(t *testing.T) {
	t.Parallel()
	need(t, "dbus-daemon")
	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address")
	endWithUs(bus)
	out, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = bus.Process.Kill()
		_ = bus.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(line)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.RequestName("org.freedesktop.login1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	a := startPhone(t, registrar(t), phoneConfig{User: "dreamer", Under: []string{"env", "DBUS_SYSTEM_BUS_ADDRESS=" + address}})
	sleep := func(begins bool) {
		if err := conn.Emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager.PrepareForSleep", begins); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 10*time.Second, "sleep is told", func() bool {
		sleep(true)
		return len(a.notifications("SYSTEM SLEEP")) > 0
	})
	before := a.requests("REGISTER")
	begun := time.Now()
	sleep(false)
	a.awaitNote(t, 5*time.Second, "SYSTEM AWAKE")
	eventually(t, 5*time.Second, "registered again", func() bool { return a.requests("REGISTER") > before })
	t.Logf("registered %v after the machine woke up", time.Since(begun).Round(time.Millisecond))
	a.awaitRegistered(t)
}

// A relay passes TCP connections on, until it is told to forget them: then nothing
// comes through, and nobody is told, as with a router that lost its table.
type relay struct {
	net.Listener
	to string

	mu    sync.Mutex // guards what follows
	round int
	count int
}

func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, to: to}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			r.mu.Lock()
			r.count++
			round := r.round
			r.mu.Unlock()
			go r.pass(c, out, round)
			go r.pass(out, c, round)
			t.Cleanup(func() { c.Close(); out.Close() })
		}
	}()
	return r
}

// pass copies until one end is gone. What it reads when it is forgotten is lost.
func (r *relay) pass(from, to net.Conn, round int) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		forgotten := r.round != round
		r.mu.Unlock()
		if forgotten {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if err == nil {
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

func (r *relay) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.round++
}

func (r *relay) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// TestForgottenConnection has the connection to the server go silent in the middle
// of a call. The phone finds out, connects anew, and both registration and call go on.
func TestForgottenConnection(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	r := newRelay(t, address(k.config.Port))
	a := newPhone(t, k, phoneConfig{User: "stubborn", Transport: "tcp", Proxy: "sip:" + r.Addr().String() + ";transport=tcp"})
	a.run(t)
	a.do(t, "SET SETTING network.keep_alive 5")
	a.awaitRegistered(t)
	b := startPhone(t, k, phoneConfig{User: "patient"})
	id := a.dial(t, b.address())
	theirs := b.ringing(t)
	b.do(t, "ALTER CALL %s ANSWER", theirs)
	a.awaitStatus(t, id, "INPROGRESS")
	talk(12 * time.Second) // the server has shown that it answers pings
	before, acks := r.connections(), a.requests("ACK")
	begun := time.Now()
	r.forget()
	eventually(t, 30*time.Second, "another connection", func() bool { return r.connections() > before })
	t.Logf("connected anew after %v", time.Since(begun).Round(time.Millisecond))
	eventually(t, 10*time.Second, "the call is told of it", func() bool { return a.requests("ACK") > acks })
	a.awaitRegistered(t)
	b.do(t, "ALTER CALL %s HOLD", theirs) // finds us by the new connection
	a.is(t, id, "REMOTEHOLD")
	b.do(t, "ALTER CALL %s RESUME", theirs)
	a.is(t, id, "INPROGRESS")
	a.finish(t, id)
	b.is(t, theirs, "FINISHED")
}

// TestOutbound registers flows with a registrar that knows them (RFC 5626) and has
// them kept open every five seconds. One whose pings, or STUN requests by UDP, were
// not answered would be given up and registered anew.
func TestOutbound(t *testing.T) {
	t.Parallel()
	needKamailio(t)
	needFile(t, "kamailio's STUN module", "/usr/lib/*/kamailio/modules/stun.so", "/usr/lib64/kamailio/modules/stun.so")
	k := ownRegistrar(t, kamailioConfig{Outbound: 5})
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			a := startPhone(t, k, phoneConfig{User: "flow-" + transport, Transport: transport})
			messages := a.messages()
			if !strings.Contains(messages, "\nFlow-Timer: 5\n") || !strings.Contains(messages, "\nRequire: outbound\n") {
				t.Fatalf("the registrar did not take the flow:\n%s", messages)
			}
			before := a.requests("REGISTER")
			talk(25 * time.Second)
			if again := a.requests("REGISTER") - before; again > 0 {
				t.Errorf("registered %d times more, want one flow that lasts", again)
			}
			if n := len(k.contacts("flow-" + transport)); n != 1 {
				t.Errorf("%d contacts are registered, want 1", n)
			}
		})
	}
}
